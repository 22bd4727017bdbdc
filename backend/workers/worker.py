"""The loop: receive → process → settle | retry | dead-letter. One settle a step, many steps a commit."""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections import deque
from collections.abc import Coroutine, Sequence
from typing import Any

import structlog

from backend.contracts.errors import NotFound, Retry, Unavailable
from backend.contracts.ports import Bus, Delivery, Output, Settled, Settlement, Store
from backend.processor import Processor
from backend.workers.deciding import buried, decide, load
from backend.workers.failures import backoff_s, is_lost
from backend.workers.streams import Pending, Stream, Streams

log = structlog.get_logger()

_BATCH = 64  # events of one stream decided into one settlement
_CONFLICTS = 3  # lost races for a position before a message goes back to the queue


class Worker:
    """Consumes a bus, whose documents are in `store`, with a processor until stopped. Several may share a
    bus, in any process.

    What a piece of work results in is decided here at once where the bus can settle both in one
    act (a fused hop); everything ready at the same time is settled together.
    """

    def __init__(
        self, bus: Bus, store: Store, processor: Processor, *, max_parallel: int = 256
    ) -> None:
        self._bus = bus
        self._store = store
        self._processor = processor
        self._max_parallel = max_parallel
        self._streams = Streams()
        self._ready: deque[Stream] = deque()
        self._results: deque[Settlement] = deque()
        self._wake = asyncio.Event()
        self._slots = asyncio.Event()
        self._moved = asyncio.Event()  # something ended or was settled
        self._working = 0
        self._draining = False
        self._receiving: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Work until cancelled. Work under way is given up; its leases make it come back."""
        try:
            async with asyncio.TaskGroup() as group:
                self._receiving = group.create_task(self._receive())
                group.create_task(self._decide())
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def drain(self, patience_s: float = 5.0) -> None:
        """Take nothing new, and give what is under way some time to end: an effect given up half way
        would have to be asked about."""
        self._draining = True
        if self._receiving is not None:
            self._receiving.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while self._working or self._results or self._streams.unsettled():
                    self._moved.clear()
                    await self._moved.wait()

    # --- in ---------------------------------------------------------------------------------------

    async def _receive(self) -> None:
        while True:
            self._slots.clear()
            free = self._free()
            try:
                deliveries = await (self._bus.receive(free) if free > 0 else self._streams_only())
            except Unavailable as error:
                await self._pause("receive", error)
                continue
            self._dispatch(deliveries)

    async def _streams_only(self) -> Sequence[Delivery]:
        """With all hands full, decisions (a stop among them) go on until a hand is free."""
        receiving = asyncio.ensure_future(self._bus.receive(_BATCH, work=False))
        freed = asyncio.ensure_future(self._slots.wait())
        try:
            await asyncio.wait({receiving, freed}, return_when=asyncio.FIRST_COMPLETED)
            return receiving.result() if receiving.done() else ()
        finally:
            freed.cancel()
            receiving.cancel()

    def _free(self) -> int:
        return 0 if self._draining else self._max_parallel - self._working

    def _dispatch(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            if delivery.stream is None:
                self._working += 1
                self._spawn(self._work(delivery))
            else:
                self._enqueue(
                    delivery.stream, Pending(delivery.event, delivery, error=delivery.error)
                )

    def _enqueue(self, name: str, pending: Pending) -> None:
        stream = self._streams.get(name, self._processor.decider(name))
        stream.inbox.append(pending)
        self._make_ready(stream)

    def _make_ready(self, stream: Stream) -> None:
        if stream.busy or not stream.inbox:
            return
        stream.busy = True
        if stream.loaded:
            self._ready.append(stream)
            self._wake.set()
        else:
            self._spawn(self._open(stream))

    async def _open(self, stream: Stream) -> None:
        """Load a stream's state; what already stands in it is acknowledged, not decided again."""
        events = [pending.event for pending in stream.inbox]
        try:
            seen = await load(self._bus, self._store, stream, events)
            for pending in [p for p in stream.inbox if p.event.id in seen]:
                stream.inbox.remove(pending)
                self._results.append(Settlement(acks=(pending.delivery,), outputs=pending.extra))
        except NotFound as error:
            # What is not there now will not come by waiting, which would hold up those behind it.
            self._drop(stream, stream.inbox.popleft(), error)
        except Exception as error:  # noqa: BLE001 - a stream that cannot be read must not stop the rest
            log.error("stream.unreadable", stream=stream.name, error=traceback.format_exc())
            await self._give_back(stream, error)
        stream.busy = False
        self._wake.set()
        self._make_ready(stream)

    async def _give_back(self, stream: Stream, error: Exception) -> None:
        waiting, stream.inbox = list(stream.inbox), deque()
        for pending in waiting:
            if pending.fused or is_lost(pending.delivery, error):
                self._drop(stream, pending, error)
            else:
                await self._release(pending.delivery, backoff_s(pending.delivery))

    def _drop(self, stream: Stream, pending: Pending, error: Exception) -> None:
        if pending.fused:
            self._unfuse(stream, pending)
        else:
            self._bury(pending.delivery, error)

    # --- work -------------------------------------------------------------------------------------

    async def _work(self, delivery: Delivery) -> None:
        try:
            if delivery.error is not None:
                raise delivery.error
            turn = await self._processor.work(delivery)
        except Retry as again:
            await self._release(delivery, again.delay_s)
        except Exception as error:  # noqa: BLE001 - the one place: a failure becomes an event
            if is_lost(delivery, error):
                log.error("work.dead", type=delivery.event.type, error=traceback.format_exc())
                self._bury(delivery, error)
            else:
                log.warning("work.retried", type=delivery.event.type, error=repr(error))
                await self._release(delivery, backoff_s(delivery))
        else:
            self._result(delivery, turn.outputs)
        finally:
            self._working -= 1
            self._slots.set()
            self._moved.set()

    def _result(self, delivery: Delivery, outputs: Sequence[Output]) -> None:
        keyed = [o for o in outputs if o.stream is not None and o.due is None]
        if not (self._bus.fuses and keyed):
            self._settle_soon(Settlement((delivery,), (), tuple(outputs)))
            return
        first = keyed[0]
        assert first.stream is not None
        extra = tuple(o for o in outputs if o is not first)
        self._enqueue(first.stream, Pending(first.event, delivery, fused=True, extra=extra))

    def _settle_soon(self, settlement: Settlement) -> None:
        self._results.append(settlement)
        self._wake.set()

    # --- decide and settle ------------------------------------------------------------------------

    async def _decide(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            batch: list[tuple[Stream, list[Pending], Settlement, Any]] = []
            while self._ready:
                turn = self._take(self._ready.popleft())
                if turn is not None:
                    batch.append(turn)
            results = list(self._results)
            self._results.clear()
            if not batch and not results:
                continue
            settlements = [settlement for _, _, settlement, _ in batch] + results
            settled = await self._settle(settlements)
            for (stream, pendings, _, state), outcome in zip(batch, settled, strict=False):
                self._settled(stream, pendings, state, outcome)
            for settlement, outcome in zip(results, settled[len(batch) :], strict=True):
                if isinstance(outcome, Settled):
                    self._dispatch(outcome.kept)
                elif not settlement.dead:
                    for delivery in settlement.acks:
                        self._bury(delivery, outcome)
            self._moved.set()

    async def _settle(self, settlements: list[Settlement]) -> list[Settled | Exception]:
        """What became of each; an exception for one that cannot be written, of which nothing was."""
        while True:
            try:
                return list(await self._bus.settle(settlements, self._free()))
            except Unavailable as error:
                await self._pause("settle", error)
            except Exception as error:  # noqa: BLE001 - one that cannot be written stops no other
                if len(settlements) > 1:
                    return [(await self._settle([s]))[0] for s in settlements]
                log.error("settlement.unwritable", error=traceback.format_exc())
                return [error]

    def _take(self, stream: Stream) -> tuple[Stream, list[Pending], Settlement, Any] | None:
        limit = _BATCH if self._bus.fuses and not stream.alone else 1
        pendings = [stream.inbox.popleft() for _ in range(min(limit, len(stream.inbox)))]
        if not pendings:
            stream.busy = False
            return None
        return stream, pendings, *decide(self._processor, stream, pendings)

    def _settled(
        self, stream: Stream, pendings: list[Pending], state: Any, outcome: Settled | Exception
    ) -> None:
        stream.busy = False
        if isinstance(outcome, Settled) and outcome.outcome == "ok":
            stream.state = state
            stream.position += len(pendings)
            stream.alone = False
            self._dispatch(outcome.kept)
            if stream.decider.closed(state):
                self._streams.forget(stream)
        elif len(pendings) > 1:
            stream.alone = True
            stream.inbox.extendleft(reversed(pendings))
        elif isinstance(outcome, Exception):
            self._stall(stream, pendings[0], outcome)
        elif outcome.outcome == "conflict":
            self._lost_race(stream, pendings[0])
        elif not pendings[0].fused:
            self._lost_lease(stream)
        self._make_ready(stream)

    def _stall(self, stream: Stream, pending: Pending, error: Exception) -> None:
        """What was decided cannot be written: the stream says so instead, if that can be."""
        if pending.error is None:
            pending.error = error
            stream.inbox.appendleft(pending)
        else:
            self._bury(pending.delivery, error)

    def _lost_race(self, stream: Stream, pending: Pending) -> None:
        """Another decider was here: read the stream anew, or let the queue put things in order."""
        stream.loaded = False
        stream.state = None
        if pending.fused:
            self._unfuse(stream, pending)
        elif pending.conflicts < _CONFLICTS:
            pending.conflicts += 1
            stream.inbox.appendleft(pending)
        else:
            self._spawn(self._release(pending.delivery, 0.05))

    def _lost_lease(self, stream: Stream) -> None:
        """What was leased comes again through the queue: so must all that waits behind it."""
        stream.loaded = False
        stream.state = None
        while stream.inbox:
            pending = stream.inbox.popleft()
            if pending.fused:
                self._unfuse(stream, pending)
            else:
                self._spawn(self._release(pending.delivery, 0))

    def _unfuse(self, stream: Stream, pending: Pending) -> None:
        """Settle the work alone; its result takes its turn through the queue."""
        own = Output(pending.event, "stream", stream.name)
        self._settle_soon(Settlement((pending.delivery,), (), (own, *pending.extra)))

    # --- small things -----------------------------------------------------------------------------

    def _bury(self, delivery: Delivery, error: Exception) -> None:
        self._settle_soon(buried(self._processor, delivery, error))

    async def _release(self, delivery: Delivery, delay_s: float) -> None:
        # Until it is done: a lease of this process that nobody works on would stay for its lifetime.
        while True:
            try:
                return await self._bus.release(delivery, delay_s)
            except Unavailable as error:
                await self._pause("release", error)

    async def _pause(self, what: str, error: Unavailable) -> None:
        log.warning("bus.unavailable", what=what, error=error.message)
        await asyncio.sleep(0.5)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
