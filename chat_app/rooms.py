"""A thread with people in it: what is written into it is kept once and reaches every open page."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from chainlit.session import WebsocketSession, ws_sessions_id

from backend.contracts.errors import Conflict
from backend.contracts.ports import Document
from backend.contracts.security import Principal
from chat_app.threads import Threads, stamp

AUTHOR = "Lightning"
REPLAYED = 20
CARD, CHOICES = "PlanCard", "Choices"
_SPACE = uuid.UUID("5b0d7c1e-8f0a-4a35-9d1e-6d2f0e9c7a11")


def derived(*parts: str | int) -> str:
    """The same parts give the same id: writing a thing twice writes it once."""
    return str(uuid.uuid5(_SPACE, "\x1f".join(map(str, parts))))


class Room:
    """One thread, in this process. `lock` is held while its cards change: there is one writer. `others` are
    the processes that have it open too; `changed` is set when there is something for them to read."""

    def __init__(
        self, who: Principal, thread_id: str, threads: Threads, now: Callable[[], datetime]
    ) -> None:
        self.who = who
        self.thread_id = thread_id
        self.zone = ""
        self.lock = asyncio.Lock()
        self.talking = 0
        self.cards: dict[str, dict[str, Any]] = {}
        self.others: set[str] = set()
        self.changed = asyncio.Event()
        self._etags: dict[str, str | None] = {}
        self._name = ""
        self._sorts: dict[str, str] = {}
        self._threads = threads
        self._now = now

    async def load(self) -> None:
        """The cards kept in the thread."""
        self.cards.clear()
        for document in await self._threads.elements(self.who.user_id, self.thread_id):
            self._know(document)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """While a message is answered, the answer brings its own card."""
        self.talking += 1
        try:
            yield
        finally:
            self.talking -= 1

    # --- to the pages ---------------------------------------------------------------------------------

    def sessions(self) -> list[WebsocketSession]:
        return [
            session
            for session in list(ws_sessions_id.values())
            if session.thread_id == self.thread_id
            and session.user is not None
            and session.user.identifier == self.who.user_id
        ]

    async def emit(self, event: str, data: Mapping[str, Any], *, but: object = None) -> None:
        for session in self.sessions():
            if session is not but:
                await send(session, event, dict(data))

    async def replay(self, session: WebsocketSession) -> None:
        """The newest cards once more, to a page that may have read the thread before they changed."""
        for element in list(self.cards.values())[-10:]:
            await send(session, "element", element)

    async def reread(self) -> None:
        """Show the pages what other processes wrote into the thread."""
        owner = self.who.user_id
        steps = await self._threads.steps(owner, self.thread_id)
        elements = await self._threads.elements(owner, self.thread_id)
        for step in steps[-REPLAYED:]:
            if self._is_news(step):
                await self.emit("new_message", step.body or {})
        for element in elements:
            if self._is_news(element):
                self._know(element)
                await self.emit("element", element.body or {})
        for gone in self._etags.keys() - {document.id for document in (*steps, *elements)}:
            del self._etags[gone]
            if self.cards.pop(gone, None) is not None:
                await self.emit("remove_element", {"id": gone})
            else:
                await self.emit("delete_message", self.step("", id=gone))
        name = str((await self._threads.open(owner, self.thread_id)).get("name", ""))
        if self._name and name != self._name:
            await self.relist(name)
        self._name = name

    def _is_news(self, document: Document) -> bool:
        known = self._etags.get(document.id)
        self._etags[document.id] = document.etag
        return known != document.etag

    def _know(self, element: Document) -> None:
        body = dict(element.body or {})
        self._etags[element.id] = element.etag
        if body.get("name") == CARD:
            self.cards[element.id] = body
            self._sorts[element.id] = element.sort

    def _wrote(self, document: Document) -> None:
        self._etags[document.id] = document.etag
        self.changed.set()

    # --- messages -------------------------------------------------------------------------------------

    def step(self, text: str, *, id: str = "", at: str = "", **more: Any) -> dict[str, Any]:
        return said(self.thread_id, text, at or stamp(self._now()), id=id, **more)

    async def post(self, text: str, *, id: str = "", at: str = "", **more: Any) -> str:
        """A message from Lightning; returns its id. One with an id of its own is said once, and never over
        what another process wrote under it meanwhile."""
        step = self.step(text, id=id, at=at, **more)
        try:
            self._wrote(await self._threads.save_step(self.who.user_id, step, create=True))
        except Conflict:
            return id
        await self.emit("new_message", step)
        return str(step["id"])

    async def answer(self, text: str, id: str, **more: Any) -> None:
        """The words of a reply, once. A card that is drawn from the log may have been there before them."""
        found = await self._threads.step(self.who.user_id, id)
        if found is not None and found["output"]:
            return
        step = self.step(text, id=id, at=found["createdAt"] if found else "", **more)
        self._wrote(await self._threads.save_step(self.who.user_id, step))
        await self.emit("new_message", step)

    async def hear(self, message: Mapping[str, Any], session: object, *, keep: bool) -> None:
        """What the person said in one page, for the others; Chainlit keeps it too, but says not when."""
        await self.emit("new_message", message, but=session)
        if keep or self.others:
            step = {**message, "metadata": {}}
            self._wrote(await self._threads.save_step(self.who.user_id, step))

    async def keep(self, step: Mapping[str, Any]) -> None:
        """Into the thread, without telling the pages."""
        self._wrote(await self._threads.save_step(self.who.user_id, step))

    async def rename(self, name: str) -> None:
        """The list of threads is read anew by the page when it hears of a first interaction."""
        body = await self._threads.open(self.who.user_id, self.thread_id, name)
        if body.get("named") or body.get("name") == name:
            return
        await self._threads.note(self.who.user_id, self.thread_id, name=name)
        self._name = name
        self.changed.set()
        await self.relist(name)

    async def relist(self, name: str) -> None:
        """Have the page read its list of threads anew."""
        await self.emit("first_interaction", {"interaction": name, "thread_id": self.thread_id})

    # --- cards ----------------------------------------------------------------------------------------

    async def show(self, element_id: str, message_id: str, props: Mapping[str, Any]) -> None:
        """Put a card below a message, or give the one of this id new props."""
        known = self.cards.get(element_id)
        if known is not None and known["props"] == props:
            return
        element = _element(CARD, element_id, self.thread_id, message_id, props)
        sort = self._sorts.setdefault(element_id, stamp(self._now()))
        self.cards[element_id] = element
        self._wrote(await self._threads.save_element(self.who.user_id, element, sort))
        await self.emit("element", element)

    async def take_away(self, element_id: str) -> None:
        """A card and the message it hangs below."""
        element = self.cards.pop(element_id)
        self._sorts.pop(element_id, None)
        await self._threads.remove_element(self.who.user_id, element_id)
        await self._threads.remove_step(self.who.user_id, element["forId"])
        self._etags.pop(element_id, None)
        self._etags.pop(element["forId"], None)
        self.changed.set()
        await self.emit("remove_element", {"id": element_id})
        await self.emit("delete_message", self.step("", id=element["forId"]))

    async def offer(self, message_id: str, choices: tuple[str, ...]) -> None:
        """Answers that can be said back with a click."""
        props = {"choices": [c[:300] for c in choices[:6]]}
        id = derived("choices", message_id)
        element = _element(CHOICES, id, self.thread_id, message_id, props)
        self._wrote(await self._threads.save_element(self.who.user_id, element, stamp(self._now())))
        await self.emit("element", element)


def said(thread_id: str, text: str, at: str, *, id: str = "", **more: Any) -> dict[str, Any]:
    """A message of Lightning's, as Chainlit has it."""
    return {
        "id": id or str(uuid.uuid4()),
        "threadId": thread_id,
        "parentId": None,
        "createdAt": at,
        "start": at,
        "end": at,
        "output": text,
        "name": AUTHOR,
        "type": "assistant_message",
        "streaming": False,
        "isError": False,
        "waitForAnswer": False,
        "metadata": {},
        **more,
    }


def _element(
    name: str, id: str, thread_id: str, message_id: str, props: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "id": id,
        "threadId": thread_id,
        "type": "custom",
        "name": name,
        "display": "inline",
        "forId": message_id,
        "mime": "application/json",
        "props": dict(props),
    }


async def send(session: WebsocketSession, event: str, data: Mapping[str, Any]) -> None:
    sending: Any = session.emit(event, data)
    await sending
