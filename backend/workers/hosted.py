"""One delivery that a host leased for us, such as Azure Functions: it completes the message when this
returns, and delivers it again when this raises."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from backend.contracts.errors import Conflict, NotFound, Retry, Unavailable
from backend.contracts.events import derived_id, utc_now
from backend.contracts.ports import Bus, Delivery, Output, Settled, Settlement
from backend.processor import Processor
from backend.workers.deciding import buried, decide, load
from backend.workers.failures import backoff_s, is_lost
from backend.workers.streams import Pending, Stream

log = structlog.get_logger()

_CONFLICTS = 3  # lost races for a position before a message goes back to the queue
_PATIENCE_S = (0.5, 2.0, 8.0)  # between tries to settle: what a tool did is known only here


class Handler:
    """Handles deliveries one by one, as many at a time as the host likes; keeps nothing between them.
    What goes wrong is handled as the `Worker` does. `hold` waits while the message stays leased."""

    def __init__(
        self,
        bus: Bus,
        processor: Processor,
        *,
        now: Callable[[], datetime] = utc_now,
        hold: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._bus = bus
        self._processor = processor
        self._now = now
        self._hold = hold

    async def handle(self, delivery: Delivery) -> None:
        """Returns when the delivery is settled. Raises when it is to be delivered again."""
        try:
            if delivery.stream is None:
                await self._work(delivery)
            else:
                stream = Stream(delivery.stream, self._processor.decider(delivery.stream))
                await self._decide(stream, Pending(delivery.event, delivery))
        except Exception as error:
            log.warning("delivery.again", type=delivery.event.type, error=repr(error))
            # Hosts deliver again at once; and in a stream nobody overtakes what is held.
            await self._hold(backoff_s(delivery))
            raise

    async def _work(self, delivery: Delivery) -> None:
        try:
            turn = await self._processor.work(delivery)
        except Retry as again:
            settlement = Settlement((delivery,), (), (self._later(delivery, again.delay_s),))
        except Exception as error:
            if not is_lost(delivery, error):
                raise
            log.error("work.dead", type=delivery.event.type, error=traceback.format_exc())
            settlement = buried(self._processor, delivery, error)
        else:
            settlement = Settlement((delivery,), (), tuple(turn.outputs))
        outcome = await self._settle(settlement)
        if isinstance(outcome, Exception):
            await self._bury(delivery, outcome)

    def _later(self, delivery: Delivery, delay_s: float) -> Output:
        """The same again, under another id: no host holds a message for hours, and a queue knows this
        one's id already."""
        event = replace(delivery.event, id=derived_id(delivery.event.id, "again"))
        return Output(event, delivery.lane, None, self._now() + timedelta(seconds=delay_s))

    async def _decide(self, stream: Stream, pending: Pending) -> None:
        delivery = pending.delivery
        while True:
            try:
                seen = await load(self._bus, stream, pending.event)
            except Exception as error:
                if not isinstance(error, NotFound) and not is_lost(delivery, error):
                    raise
                return await self._bury(delivery, error)
            if pending.event.id in seen:
                settlement = Settlement((delivery,))
            else:
                settlement, _ = decide(self._processor, stream, [pending])
            outcome = await self._settle(settlement)
            if isinstance(outcome, Exception):
                if pending.error is not None:
                    return await self._bury(delivery, outcome)
                pending.error = outcome  # the stream says so instead, if that can be
            elif outcome.outcome == "ok":
                return None
            elif pending.conflicts == _CONFLICTS:
                raise Conflict(f"Others keep deciding in {stream.name}.")
            else:
                pending.conflicts += 1

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
