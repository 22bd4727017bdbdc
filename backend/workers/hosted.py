"""One delivery that a host leased for us, such as Azure Functions: it completes the message when this
returns, and delivers it again when this raises."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable

import structlog

from backend.contracts.errors import Conflict, NotFound, Retry, Unavailable
from backend.contracts.ports import Bus, Delivery, Settled, Settlement, Store
from backend.processor import Processor
from backend.workers.deciding import buried, decide, load
from backend.workers.failures import backoff_s, is_lost
from backend.workers.streams import Pending, Stream

log = structlog.get_logger()

_CONFLICTS = 3  # lost races for a position before a message goes back to the queue
_KEPT = 1000  # streams
_PATIENCE_S = (0.5, 2.0, 8.0)  # between tries to settle: what a tool did is known only here


class Handler:
    """Handles deliveries one by one, as many at a time as the host likes. What goes wrong is handled as
    the `Worker` does. `hold` waits while the message stays leased.

    Keeps the state of streams it has decided in: a position that is taken tells when it is old.
    """

    def __init__(
        self,
        bus: Bus,
        store: Store,
        processor: Processor,
        *,
        hold: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._bus = bus
        self._store = store
        self._processor = processor
        self._hold = hold
        self._idle: dict[str, Stream] = {}

    async def handle(self, delivery: Delivery) -> None:
        """Returns when nothing is left to do with this delivery: it is settled, or was given back to
        come another time. Raises when the host is to deliver it again."""
        if delivery.stream is None:
            await self._work(delivery)
            return
        try:
            decider = self._processor.decider(delivery.stream)
            stream = self._idle.pop(delivery.stream, None) or Stream(delivery.stream, decider)
            await self._decide(stream, Pending(delivery.event, delivery, error=delivery.error))
        except Exception as error:
            log.warning("decision.retried", type=delivery.event.type, error=repr(error))
            # The host delivers again at once; and nobody overtakes what is held in its stream.
            await self._hold(backoff_s(delivery))
            raise

    async def _work(self, delivery: Delivery) -> None:
        try:
            if delivery.error is not None:
                raise delivery.error
            turn = await self._processor.work(delivery)
        except Retry as again:
            await self._bus.release(delivery, again.delay_s)
        except Exception as error:  # noqa: BLE001 - the one place: a failure becomes an event
            if is_lost(delivery, error):
                log.error("work.dead", type=delivery.event.type, error=traceback.format_exc())
                await self._bury(delivery, error)
            else:
                log.warning("work.retried", type=delivery.event.type, error=repr(error))
                await self._bus.release(delivery, backoff_s(delivery))
        else:
            outcome = await self._settle(Settlement((delivery,), (), tuple(turn.outputs)))
            if isinstance(outcome, Exception):
                await self._bury(delivery, outcome)

    async def _decide(self, stream: Stream, pending: Pending) -> None:
        delivery = pending.delivery
        while True:
            try:
                seen = await self._known(stream, pending)
            except Exception as error:
                if not isinstance(error, NotFound) and not is_lost(delivery, error):
                    raise
                return await self._bury(delivery, error)
            if seen:
                settlement, state = Settlement((delivery,)), stream.state
            else:
                settlement, state = decide(self._processor, stream, [pending])
            outcome = await self._settle(settlement)
            if isinstance(outcome, Exception):
                if pending.error is not None:
                    return await self._bury(delivery, outcome)
                pending.error = outcome  # the stream says so instead, if that can be
            elif outcome.outcome == "ok":
                stream.state = state
                stream.position += len(settlement.commits)
                return self._keep(stream)
            elif pending.conflicts == _CONFLICTS:
                raise Conflict(f"Others keep deciding in {stream.name}.")
            else:
                pending.conflicts += 1
                stream.loaded = False

    async def _known(self, stream: Stream, pending: Pending) -> bool:
        """Whether the event stands in the stream already; for a stream at hand, settling tells."""
        return not stream.loaded and pending.event.id in await load(
            self._bus, self._store, stream, [pending.event]
        )

    def _keep(self, stream: Stream) -> None:
        if stream.decider.closed(stream.state):
            return
        self._idle[stream.name] = stream
        if len(self._idle) > _KEPT:
            del self._idle[next(iter(self._idle))]

    async def _bury(self, delivery: Delivery, error: Exception) -> None:
        outcome = await self._settle(buried(self._processor, delivery, error))
        if isinstance(outcome, Exception):
            raise outcome

    async def _settle(self, settlement: Settlement) -> Settled | Exception:
        """What became of it; an exception when it cannot be written, ever."""
        for patience in _PATIENCE_S:
            try:
                return await self._settle_once(settlement)
            except Unavailable:
                await self._hold(patience)
        return await self._settle_once(settlement)

    async def _settle_once(self, settlement: Settlement) -> Settled | Exception:
        try:
            (settled,) = await self._bus.settle([settlement])
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - a failure becomes an event
            log.error("settlement.unwritable", error=traceback.format_exc())
            return error
        if settled.outcome == "stale":
            raise Conflict("The message was lost to another process while it was handled.")
        return settled
