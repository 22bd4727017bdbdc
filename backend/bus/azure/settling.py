"""Settling in parts: append → documents → send → complete. Each part may be repeated, and what is cut off
in between is made good when the message comes again."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog

from backend.bus.azure.entries import After, done, drafted
from backend.bus.azure.inbox import Held, Inbox
from backend.bus.azure.letters import Letters
from backend.bus.azure.log import Log
from backend.bus.azure.parcels import Via
from backend.bus.codec import encode_event_whole
from backend.bus.encoded import Encoded
from backend.contracts.errors import Conflict
from backend.contracts.ports import Delivery, Document, Output, Settled, Settlement

log = structlog.get_logger()

Send = Callable[[Sequence[tuple[Output, bytes]], Via], Awaitable[None]]
Complete = Callable[[Held], Awaitable[None]]

ANSWERS = 10_000


class Documents(Protocol):
    """A store whose documents can be written in two parts."""

    async def check(self, document: Document) -> None:
        """Raises `Conflict` when the document may not be written."""
        ...

    async def apply(self, document: Document) -> Document:
        """Write what was checked. Repeating it changes nothing."""
        ...


class Settling:
    def __init__(
        self,
        log: Log,
        letters: Letters,
        store: Documents,
        inbox: Inbox,
        *,
        send: Send,
        complete: Complete,
        changed: Callable[[str], None],
    ) -> None:
        """`send` takes outputs with their events' JSON; `changed` is told of streams with news."""
        self._log = log
        self._letters = letters
        self._store = store
        self._inbox = inbox
        self._send = send
        self._complete = complete
        self._changed = changed
        self._answered: OrderedDict[int, tuple[Settlement, Settled]] = OrderedDict()

    async def settle_all(
        self, settlements: Sequence[Settlement], encoded: Encoded
    ) -> Sequence[Settled]:
        """Those of one stream one after the other, the others side by side."""
        while len(self._answered) > ANSWERS:  # of callers who never asked again
            self._answered.popitem(last=False)
        lines: dict[str, list[Settlement]] = {}
        for settlement in settlements:
            lines.setdefault(_line(settlement), []).append(settlement)
        answers = await asyncio.gather(
            *(self._settle_line(line, encoded) for line in lines.values()), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return [self._answered.pop(id(settlement))[1] for settlement in settlements]

    async def _settle_line(self, line: Sequence[Settlement], encoded: Encoded) -> None:
        """What is answered is remembered until all are: a caller who hears `Unavailable` asks again, and
        what was done then must not look lost."""
        for settlement in line:
            if id(settlement) not in self._answered:
                settled = await self.settle(settlement, encoded)
                self._answered[id(settlement)] = (settlement, settled)

    async def settle(self, s: Settlement, encoded: Encoded) -> Settled:
        """Raises `Unavailable` when it was cut off: the same call again goes on where it was."""
        found = {d.token: self._inbox.held(d) for d in acknowledged(s)}
        held = [lease for lease in found.values() if lease is not None]
        if len(held) < len(found):
            return Settled("stale")
        try:
            await asyncio.gather(*(self._store.check(document) for document in s.documents))
        except Conflict:
            return Settled("conflict")
        if s.commits:
            if not await self._log.append(s.commits[0], drafted(s, encoded)):
                return Settled("conflict")
        elif not await self._note_done(s, encoded, held):
            return Settled("stale")
        await self.apply(s.documents)
        for commit in s.commits:
            # Who hears of it reads the documents.
            self._changed(commit.stream)
        sent = [(output, encoded.events[id(output.event)]) for output in s.outputs]
        await self._send(sent, Via(origin=s.commits[0].stream if s.commits else None))
        for letter in s.dead:
            # Last: that it is there says that all before is done.
            event_json = encoded.events[id(letter.delivery.event)]
            await self._letters.bury(letter, event_json, self._inbox.clock())
        if not (s.commits or s.dead):
            await asyncio.gather(*map(self._catch_up_with, held))
        # It is done. What is not acknowledged comes again, and is found done.
        await asyncio.gather(*map(self._complete, held))
        return Settled("ok")

    async def catch_up(self, stream: str, event_id: str) -> bool:
        """A cause that is in its stream already is not decided again. If it made the last commit, what
        follows from it may never have been sent: send it again. False when it is not in the stream."""
        decided, last = await self._log.last(stream, event_id)
        if last is not None:
            await self._follow_up(last, stream)
        return decided

    async def catch_up_work(self, work_id: str, origin: str | None) -> bool:
        """Work that was done is not done again; what it came to is sent again. False when it was not."""
        after = await self._log.done(work_id, origin)
        if after is not None:
            await self._follow_up(after, None)
        return after is not None

    async def _catch_up_with(self, held: Held) -> None:
        if held.stream is not None:
            await self.catch_up(held.stream, held.event.id)

    async def _note_done(self, s: Settlement, encoded: Encoded, held: Sequence[Held]) -> bool:
        """Before the results of work are sent: who dies in between must not leave it to be done again."""
        work = next((lease for lease in held if lease.stream is None), None)
        if work is None or not s.outputs or s.dead:
            return True
        return await self._log.append_done(done(s, work.event, work.via.origin, encoded))

    async def _follow_up(self, after: After, origin: str | None) -> None:
        await self.apply(after.documents)
        # As it was sent: its large values are in Blobs already.
        sent = [(output, encode_event_whole(output.event)) for output in after.outputs]
        await self._send(sent, Via(origin=origin))

    async def apply(self, documents: Sequence[Document]) -> None:
        """Write the documents of a commit. Repeating it changes nothing."""
        for applied in await asyncio.gather(
            *(self._store.apply(document) for document in documents), return_exceptions=True
        ):
            if isinstance(applied, Conflict):
                # Whoever took the document between the look at it and the commit has it.
                log.warning("document.taken", error=applied.message)
            elif isinstance(applied, BaseException):
                raise applied


def acknowledged(s: Settlement) -> Sequence[Delivery]:
    return (*s.acks, *(letter.delivery for letter in s.dead))


def _line(s: Settlement) -> str:
    if s.commits:
        return s.commits[0].stream
    return next((d.stream or d.token for d in acknowledged(s)), "")
