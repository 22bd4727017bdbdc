"""The socket's holes in Chainlit: who may connect, to which thread, and what may be sent.

Any Origin and any id was taken: a session's id is a folder's name, a thread's id a key. A thread born
in the open page was not read again after a reconnect. Events of features that are off still worked.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import chainlit.server
import chainlit.socket
from chainlit.session import WebsocketSession
from fastapi import HTTPException
from socketio.exceptions import ConnectionRefusedError as Refused

from backend.contracts.errors import Invalid
from chat_app.auth import SignIn
from chat_app.threads import MAX_TEXT, Threads, checked_id

MAX_BYTES = 12_000_000  # a 10 MB message gets an answer, not a cut line
UNUSED = (
    "edit_message",
    "message_favorite",
    "fetch_favorites",
    "window_message",
    "audio_start",
    "audio_chunk",
    "audio_end",
    "chat_settings_change",
    "chat_settings_edit",
)
COMMANDS = frozenset({"plan", "plans", "runs", "schedules", "tools", "help"})

Arrived = Callable[[WebsocketSession], Awaitable[None]]
Handler = Callable[..., Awaitable[Any]]


def guard(threads: Threads, sign_in: SignIn, arrived: Arrived) -> None:
    """Put our handlers before Chainlit's. Once a process."""
    sio = chainlit.server.sio
    sio.eio.max_http_buffer_size = MAX_BYTES
    setattr(chainlit.socket, "get_current_user", sign_in.current_user)  # noqa: B010
    door = Door(threads, sign_in, arrived, sio.handlers["/"])
    sio.handlers["/"].update(
        {
            "connect": door.connect,
            "connection_successful": door.connected,
            "client_message": door.said,
            **dict.fromkeys(UNUSED, _nothing),
        }
    )


class Door:
    """Chainlit's own handlers, behind checks."""

    def __init__(
        self, threads: Threads, sign_in: SignIn, arrived: Arrived, handlers: dict[str, Handler]
    ) -> None:
        self._threads = threads
        self._sign_in = sign_in
        self._arrived = arrived
        self._connect = handlers["connect"]
        self._connected = handlers["connection_successful"]
        self._said = handlers["client_message"]

    async def connect(self, sid: str, environ: dict[str, Any], auth: Any) -> Any:
        given = auth if isinstance(auth, dict) else {}
        try:
            session_id = checked_id(given.get("sessionId"))
            thread_id = checked_id(given["threadId"]) if given.get("threadId") else ""
            user = await self._sign_in.current_user(chainlit.socket._get_token(environ))
        except (Invalid, HTTPException) as error:
            raise Refused("authentication failed") from error
        if thread_id and await self._threads.owner(thread_id) not in (None, user.identifier):
            # as for a thread that does not exist: the page says so, and can be used
            thread_id = str(uuid.uuid4())
        clean = {
            "sessionId": session_id,
            "threadId": thread_id,
            "clientType": "webapp",
            "userEnv": "{}",
            "chatProfile": "",
        }
        return await self._connect(sid, environ, clean)

    async def connected(self, sid: str) -> None:
        session = WebsocketSession.get(sid)
        if session and session.thread_id_to_resume and not session.has_first_interaction:
            # A socket that broke before its thread was there and came back: Chainlit would take it
            # for one that has all it needs, and leave the page empty.
            session.restored = False
        await self._connected(sid)
        session = WebsocketSession.get(sid)
        if session is None:
            return
        born_here = session.has_first_interaction and not session.thread_id_to_resume
        if session.restored and born_here:
            thread = await self._threads.get_thread(session.thread_id)
            if thread is not None:
                await session.emit("resume_thread", thread)
        await self._arrived(session)

    async def said(self, sid: str, payload: Any) -> None:
        """A message, made anew from the little we take: text, id, command."""
        message = payload.get("message") if isinstance(payload, dict) else None
        session = WebsocketSession.get(sid)
        if not isinstance(message, dict) or session is None or session.user is None:
            return
        try:
            id = checked_id(message.get("id"))
        except Invalid:
            return
        text = str(message.get("output") or "")
        clean = {
            "id": id,
            "threadId": session.thread_id,
            "name": session.user.display_name or session.user.identifier,
            "type": "user_message",
            "output": text[:MAX_TEXT],  # Chainlit sends it back to the page, several times
            "createdAt": None,
            "metadata": {"length": len(text)},
        }
        if message.get("command") in COMMANDS:
            clean["command"] = message["command"]
        await self._said(sid, {"message": clean, "fileReferences": []})


async def _nothing(*_: Any) -> None:
    """An event of a feature that is off."""
