"""The bus in memory, with faults on demand: for tests, trials and the proof that faults are borne."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from backend.bus.broker import Broker, Faults
from backend.bus.checks import check, position
from backend.bus.followers import Followers
from backend.contracts.errors import Invalid, Unavailable
from backend.contracts.events import utc_now
from backend.contracts.ports import DeadLetter, Delivery, History, Output, Settled, Settlement
from backend.stores.memory import MemoryStore

FALLBACK_S = 1.0


class MemoryBus:
    """`Bus` in this process's memory. Documents of settlements go to `store`.

    With `Faults(atomic=False)` it behaves like a log and a queue of two different services: `fuses`
    is False, a settlement is appended, then sent, then completed, and may be cut off in between.
    `sibling()` is the bus as another process would have it.
    """

    def __init__(
        self,
        store: MemoryStore | None = None,
        *,
        faults: Faults | None = None,
        seed: int = 0,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._broker = Broker(
            store or MemoryStore(), faults or Faults(), random.Random(seed), clock
        )
        self._siblings: list[MemoryBus] = []
        self._join(self._siblings)

    def _join(self, siblings: list[MemoryBus]) -> None:
        self.fuses = self._broker.faults.atomic
        self._siblings = siblings
        siblings.append(self)
        self._epoch = self._broker.count()
        self._wake = asyncio.Event()
        self._followers = Followers()
        self._closed = False

    def sibling(self) -> MemoryBus:
        other = MemoryBus.__new__(MemoryBus)
        other._broker = self._broker
        other._join(self._siblings)
        return other

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        self._closed = True
        self._broker.free(self._epoch)
        self._followers.anything_changed()
        self._wake_all()

    def die(self) -> None:
        """As if the process was killed and its leases have run out: it will settle nothing more."""
        self._broker.free(self._epoch)
        self._epoch = self._broker.count()
        self._wake_all()

    # --- delivery ---------------------------------------------------------------------------------

    async def publish(self, outputs: Sequence[Output]) -> None:
        self._check_open()
        check(outputs)
        for output in outputs:
            self._broker.queue(output)
        self._wake_all()

    async def receive(self, limit: int, *, work: bool = True) -> Sequence[Delivery]:
        while True:
            # As with every other bus, others get their turn.
            await asyncio.sleep(0)
            self._check_open()
            self._wake.clear()
            found: list[Delivery] = []
            for message in self._broker.ready(self._epoch):
                if len(found) == limit:
                    break
                if message.stream is None and not work:
                    continue
                if self._broker.catch_up(message.delivery()):
                    self._wake_all()
                else:
                    found.append(self._broker.lease(message, self._epoch))
            if found:
                return found
            await self._rest()

    async def _rest(self) -> None:
        due = self._broker.next_due()
        rest = FALLBACK_S
        if due is not None:
            rest = min(rest, max(0.0, (due - self._broker.clock()).total_seconds()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(rest):
                await self._wake.wait()

    async def settle(self, settlements: Sequence[Settlement], keep: int = 0) -> Sequence[Settled]:
        self._check_open()
        for settlement in settlements:
            check(settlement.outputs)
            self._check_size(settlement)
        settled = []
        for settlement in settlements:
            settled.append(self._settle(settlement, keep))
            keep -= len(settled[-1].kept)
        self._wake_all()
        await asyncio.sleep(0)
        return settled

    def _check_size(self, s: Settlement) -> None:
        acks = {d.event.id for d in (*s.acks, *(letter.delivery for letter in s.dead))}
        if not self.fuses and (len(acks) > 1 or len(s.commits) > 1 or s.undisturbed):
            raise Invalid("This bus takes one ack and one commit.", code="EXEC_SETTLEMENT_INVALID")

    def _settle(self, s: Settlement, keep: int) -> Settled:
        outcome = self._broker.judge(s, self._epoch)
        if outcome != "ok":
            return Settled(outcome)
        kept: list[Delivery] = []
        acts = self._acts(s, keep, kept)
        cut_off = self._broker.happens(self._broker.faults.crash)
        done = self._broker.random.randint(0, len(acts)) if cut_off else len(acts)
        for act in acts[:done]:
            act()
        if not cut_off:
            return Settled("ok", tuple(kept))
        self._lose([*s.acks, *(letter.delivery for letter in s.dead), *kept])
        return Settled("stale")

    def _acts(self, s: Settlement, keep: int, kept: list[Delivery]) -> list[Callable[[], None]]:
        """What settling consists of; a crash comes before, between or after these."""
        log = [partial(self._append, s), partial(self._write, s)]
        if self.fuses:
            send = [partial(self._send, output, keep, kept) for output in s.outputs]
            return [partial(_in_turn, [*log, partial(self._complete, s), *send])]
        return [
            *log,
            *(partial(self._send, output, 0, kept) for output in s.outputs),
            partial(self._complete, s),
        ]

    def _append(self, s: Settlement) -> None:
        self._broker.append(s)
        for commit in s.commits:
            for bus in self._siblings:
                bus._followers.changed(commit.stream)

    def _write(self, s: Settlement) -> None:
        for document in s.documents:
            self._broker.store.write(document)

    def _complete(self, s: Settlement) -> None:
        for letter in s.dead:
            self._broker.bury(letter)
        for delivery in s.acks:
            self._broker.complete(delivery)

    def _send(self, output: Output, keep: int, kept: list[Delivery]) -> None:
        message = self._broker.queue(output)
        if message is None or len(kept) >= keep:
            return
        if output.due is not None and output.due > self._broker.clock():
            return
        if message.stream is not None:
            others = self._broker.in_the_way(message.stream, (message.event.id,))
            if any(other.epoch != self._epoch for other in others):
                return
        kept.append(self._broker.lease(message, self._epoch))

    def _lose(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            message = self._broker.holds(delivery, self._epoch)
            if message is not None:
                message.epoch = None

    # --- claims -----------------------------------------------------------------------------------

    async def claim(self, delivery: Delivery, key: str, outputs: Sequence[Output] = ()) -> bool:
        self._check_open()
        check(outputs)
        if self._broker.holds(delivery, self._epoch) is None or key in self._broker.claims:
            return False
        stream = delivery.stream or next((o.stream for o in outputs if o.stream), None)
        self._broker.claims[key] = stream
        await self.publish(outputs)
        return True

    async def release(self, delivery: Delivery, delay_s: float) -> None:
        message = self._broker.holds(delivery, self._epoch)
        if message is not None:
            message.epoch = None
            message.due = self._broker.clock() + timedelta(seconds=delay_s) if delay_s > 0 else None
        self._wake_all()

    # --- log --------------------------------------------------------------------------------------

    async def decided(self, stream: str, event_id: str) -> bool:
        return self._broker.decided(stream, event_id)

    async def history(self, stream: str, cursor: str | None = None, limit: int = 1000) -> History:
        start = position(cursor)
        entries = self._broker.log.get(stream, [])[start : start + limit]
        commits = tuple(entry.commit for entry in entries)
        return History(commits, str(start + len(commits)))

    async def head(self, stream: str) -> str:
        return str(len(self._broker.log.get(stream, [])))

    async def follow(
        self, streams: Mapping[str, str | None]
    ) -> AsyncGenerator[Mapping[str, History], None]:
        cursors = dict(streams)
        for cursor in cursors.values():
            position(cursor)
        follower = self._followers.add(streams)
        try:
            while not self._closed:
                changed = await follower.next_changed()
                if self._closed:
                    return
                news = {stream: await self.history(stream, cursors[stream]) for stream in changed}
                news = {stream: history for stream, history in news.items() if history.commits}
                cursors |= {stream: history.cursor for stream, history in news.items()}
                follower.changed.update(news)
                if news:
                    yield news
        finally:
            self._followers.remove(follower)

    # --- dead letters, retention ------------------------------------------------------------------

    async def dead_letters(self, limit: int = 100) -> Sequence[DeadLetter]:
        letters = list(self._broker.dead.values())[::-1][:limit]
        return [replace(letter, delivery=replace(letter.delivery, token="")) for letter in letters]

    async def replay(self, event_id: str) -> bool:
        letter = self._broker.dead.pop(event_id, None)
        if letter is None:
            return False
        delivery = letter.delivery
        await self.publish([Output(delivery.event, delivery.lane, delivery.stream)])
        return True

    async def prune(self, streams: Sequence[str]) -> None:
        for stream in streams:
            self._broker.forget(stream)

    def _wake_all(self) -> None:
        for bus in self._siblings:
            bus._wake.set()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("The bus is closed.")


def _in_turn(acts: Sequence[Callable[[], None]]) -> None:
    for act in acts:
        act()
