"""Chainlit's hooks: what the page does, handed to the conversation and to Lightning."""

from __future__ import annotations

import asyncio
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import unquote

import chainlit as cl
import structlog
from chainlit.config import config
from chainlit.session import WebsocketSession
from chainlit.types import CommandDict, Starter

from agents.conversation import Conversation, Reply, Resumed
from agents.processes import Processes
from backend.contracts.errors import LightningError, TooLarge, Unavailable
from backend.contracts.security import Principal
from backend.lightning import Lightning
from chat_app import words
from chat_app.actions import Actions
from chat_app.follow import Follower, card_id
from chat_app.home import ROOT
from chat_app.lists import Lists
from chat_app.progress import Progress
from chat_app.rooms import Room, derived
from chat_app.threads import MAX_TEXT, Threads

AGAIN_S = 1.0
NO_WORKER = "EXEC_NO_WORKER"  # what was asked stands, and is answered when there is one
ZONE_COOKIE = "lightning_zone"
COMMANDS = (
    ("plan", "Make a plan from what you write", "route"),
    ("plans", "What you have planned", "list-checks"),
    ("runs", "What ran lately", "history"),
    ("schedules", "What runs next", "calendar-clock"),
    ("tools", "What a step can do", "wrench"),
    ("help", "How to use Lightning", "circle-help"),
)
LISTS = frozenset({"plans", "runs", "schedules", "tools"})
STARTERS = (
    (
        "Read me the news every weekday",
        "Every weekday at 9 read https://news.ycombinator.com/rss, summarise it and notify me",
    ),
    (
        "Fetch a page and keep it",
        "Fetch https://example.com and save it to example.txt",
    ),
    (
        "Summarise a web page",
        "Read https://www.python.org and summarise it in three sentences",
    ),
    (
        "Ask me first, then act",
        "Ask me what to write down and save the answer to notes.txt",
    ),
)

log = structlog.get_logger(__name__)


class Chat:
    """The chat's side of one process."""

    def __init__(
        self,
        lightning: Lightning,
        conversation: Conversation,
        threads: Threads,
        follower: Follower,
        processes: Processes,
    ) -> None:
        self._lightning = lightning
        self._conversation = conversation
        self._threads = threads
        self._follower = follower
        self._processes = processes
        self._lists = Lists(lightning)
        self._actions = Actions(lightning, conversation, follower)

    def install(self, password_callback: Any) -> None:
        """Hand the hooks to Chainlit."""
        config.ui.default_theme = "system"
        cl.data_layer(lambda: self._threads)
        cl.password_auth_callback(password_callback)
        cl.set_starters(self.starters)
        cl.on_chat_start(self.start)
        cl.on_chat_resume(self.resume)
        cl.on_chat_end(self.end)
        cl.on_message(self.message)
        cl.on_stop(self.stop)
        cl.action_callback("plan")(self.action)

    async def starters(self, user: Any = None, language: str | None = None) -> list[Starter]:
        return [Starter(label=label, message=message) for label, message in STARTERS]

    async def start(self) -> None:
        await cl.context.emitter.set_commands(
            [
                CommandDict(
                    id=id,
                    description=says,
                    icon=icon,
                    button=False,
                    persistent=False,
                    selected=False,
                )
                for id, says, icon in COMMANDS
            ]
        )

    async def resume(self, thread: Any) -> None:
        """The page is sent the thread by Chainlit, and joins the room in `arrived`, after that."""
        await self.start()

    async def arrived(self, session: WebsocketSession) -> None:
        """A page is there, perhaps again: it follows its thread when there is one."""
        if session.user is None or await self._threads.owner(session.thread_id) is None:
            return
        room = await self._room(session)
        await room.replay(session)

    async def end(self) -> None:
        session = cl.context.session
        await self._follower.leave(session.thread_id, session.id)
        cl.chat_context.clear()

    async def stop(self) -> None:
        session = cl.context.session
        await self._conversation.stop(await self._who(session), session.thread_id)

    async def action(self, action: cl.Action) -> dict[str, Any]:
        """A button of a card."""
        session = cl.context.session
        return await self._actions.act(
            await self._who(session), session.thread_id, action.payload, zone_of(session)
        )

    async def message(self, message: cl.Message) -> None:
        """What was said. While nothing can be stored it is kept here, and tried again."""
        again = False
        while True:
            try:
                return await self._message(message, keep=again)
            except Unavailable as error:
                log.warning("message.unstored", error=error.message)
                again = True
                await asyncio.sleep(AGAIN_S)

    async def _message(self, message: cl.Message, *, keep: bool) -> None:
        session = cl.context.session
        who = await self._who(session)
        await self._threads.open(who.user_id, session.thread_id, message.content)
        room = await self._room(session)
        await room.hear(message.to_dict(), session, keep=keep)
        await self._threads.note(who.user_id, session.thread_id, touch=True)
        command, text = _command(message)
        progress = Progress(room, message.id)

        async def deliver(answered: Resumed) -> None:
            await self._answer(room, answered.reply, progress)

        try:
            _check_length((message.metadata or {}).get("length", 0))
            if command == "help":
                await room.post((ROOT / "chainlit.md").read_text("utf-8"))
            elif command in LISTS:
                await room.post(await getattr(self._lists, command)(who, room.zone))
            else:
                async with room.turn():
                    await self._conversation.say(
                        who,
                        session.thread_id,
                        text,
                        timezone=room.zone,
                        on_stage=progress.stage,
                        on_token=progress.token,
                        deliver=deliver,
                        turn_id=message.id,
                    )
        except LightningError as error:
            await progress.drop()
            if isinstance(error, Unavailable) and error.code != NO_WORKER:
                raise
            await room.post(_said_of(error), isError=True)
        finally:
            await self._follower.leave(session.thread_id, "")  # the page may be gone meanwhile

    async def resume_others(self) -> None:
        """What was asked and not answered is answered into its thread: at start, and for as long as this
        process lives when another is gone."""
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self._resume())
                await asyncio.sleep(self._processes.every_s)

    async def _resume(self) -> None:
        try:
            await self._conversation.resume_unfinished(self._deliver)
        except Unavailable as error:
            log.warning("turns.unread", error=error.message)

    async def _deliver(self, answered: Resumed) -> None:
        page = derived("resumed", answered.turn_id)
        who = await self._lightning.users.user(answered.user_id)
        room = await self._follower.join(who, answered.thread_id, page)
        try:
            async with room.turn():
                await self._answer(room, answered.reply, Progress(room, answered.turn_id))
        finally:
            await self._follower.leave(answered.thread_id, page)

    async def _answer(self, room: Room, reply: Reply, progress: Progress) -> None:
        await progress.end(keep=reply.kind == "plan")
        id, plan = progress.message_id, reply.plan if reply.kind == "plan" else None
        if plan is not None:
            await progress.take_back()
            id = derived("message", card_id(plan))
        await room.answer(reply.text, id, isError=reply.kind == "error")
        if plan is not None:
            await self._follower.propose(room.thread_id, id, plan)
            await room.rename(words.titled(plan.document.plan_name))
        if reply.choices:
            await room.offer(id, reply.choices)

    async def _room(self, session: Any) -> Room:
        who = await self._who(session)
        return await self._follower.join(who, session.thread_id, session.id, zone_of(session))

    async def _who(self, session: Any) -> Principal:
        return await self._lightning.users.user(session.user.identifier)


def zone_of(session: Any) -> str:
    """The zone the page says it is in; checked where it is used."""
    try:
        cookies = SimpleCookie((session.environ or {}).get("HTTP_COOKIE", ""))
    except CookieError:
        return ""
    return unquote(cookies[ZONE_COOKIE].value)[:64] if ZONE_COOKIE in cookies else ""


def _command(message: cl.Message) -> tuple[str, str]:
    """The command chosen in the composer, or typed: `/runs`."""
    text = message.content.strip()
    known = {id for id, _, _ in COMMANDS}
    if message.command in known:
        return str(message.command), text
    first, _, rest = text.partition(" ")
    if first.startswith("/") and first[1:].lower() in known:
        return first[1:].lower(), rest.strip()
    return "", text


def _check_length(length: int) -> None:
    if length > MAX_TEXT:
        raise TooLarge(
            f"A message may have {MAX_TEXT:,} characters; this one has {length:,}.",
            code="PLAN_REQUEST_TOO_LARGE",
            hint="Say what to do in a few sentences, and where the long text is to be read.",
        )


def _said_of(error: LightningError) -> str:
    hint = f" {error.hint}" if error.hint else ""
    return f"{error.message}{hint}\n\n`{error.code}`"
