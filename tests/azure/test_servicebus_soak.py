"""Senders and receivers of the real SDK against a Service Bus double that fails by chance.

What a sender was told is sent is received and settled; what a receiver was told is completed never comes
again; a session comes in its order, without a gap.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from azure.servicebus import NEXT_AVAILABLE_SESSION, ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient
from azure.servicebus.exceptions import ServiceBusError

from tests.azure.servicebus.double import ServiceBus
from tests.azure.servicebus.handlers import LEAKS, Handlers
from tests.azure.servicebus.messages import in_seconds, said

pytestmark = pytest.mark.filterwarnings(*LEAKS)

SENDERS, RECEIVERS, SESSIONS, MESSAGES = 2, 3, 6, 6
RATES = {
    "drop-frame": 0.01,
    "drop-operation": 0.02,
    "lose-send-reply": 0.05,
    "lose-settle-reply": 0.05,
    "lose-management-reply": 0.05,
    "refuse-settle": 0.03,
    "quota": 0.05,
    "busy": 0.05,
    "delay": 0.1,
}


class Record:
    """What the receivers saw. It complains at once."""

    def __init__(self) -> None:
        self.seen: set[tuple[bool, str]] = set()
        self.failures: Counter[str] = Counter()
        self._completed: set[tuple[bool, str]] = set()
        self._last: dict[str, int] = {}

    def received(self, ordered: bool, text: str) -> None:
        assert (ordered, text) not in self._completed, f"{text} was completed and comes again"
        self.seen.add((ordered, text))
        if ordered:
            session, _, number = text.partition("/")
            last = self._last.get(session, -1)
            assert int(number) in (last, last + 1), f"{text} comes after number {last}"
            self._last[session] = int(number)

    def completed(self, ordered: bool, text: str) -> None:
        self._completed.add((ordered, text))


class Soak:
    def __init__(self, bus: ServiceBus, client: ServiceBusClient, name: str) -> None:
        self.record = Record()
        self._ordered, self._plain = f"{name}-ordered", f"{name}-plain"
        self._bus = bus
        self._client = client
        self._over = False

    async def run(self, seed: int) -> None:
        """Until everything that was sent is settled."""
        common = {"lock_duration": 20, "duplicate_window": 86400, "max_delivery_count": 1000}
        await self._bus.create(self._ordered, requires_session=True, **common)
        await self._bus.create(self._plain, **common)
        for number, (kind, rate) in enumerate(RATES.items()):
            chance = {"rate": rate, "seed": 100 * seed + number, "seconds": 0.02}
            for queue in (self._ordered, self._plain):
                await self._bus.fault(kind, queue=queue, **chance)
        try:
            async with asyncio.TaskGroup() as everyone:
                await self._work(everyone)
        finally:
            await self._bus.clear_faults()

    async def _work(self, everyone: asyncio.TaskGroup) -> None:
        session = {"session_id": NEXT_AVAILABLE_SESSION, "max_wait_time": 0.5}
        for _ in range(RECEIVERS):
            everyone.create_task(self._receive(self._ordered, **session))
            everyone.create_task(self._receive(self._plain))
        senders = [
            everyone.create_task(self._send(queue, texts(number)))
            for number in range(SENDERS)
            for queue in (self._ordered, self._plain)
        ]
        while not all(each.done() for each in senders) or await self._left():
            # the clock runs fast, so that locks run out while they are held
            await self._bus.advance(2)
            await asyncio.sleep(0.05)
        self._over = True

    async def _left(self) -> int:
        counts = [await self._bus.counts(each) for each in (self._ordered, self._plain)]
        kinds = ("active", "locked", "deferred", "scheduled", "dead")
        return sum(each[kind] for each in counts for kind in kinds)

    async def _send(self, queue: str, todo: list[str]) -> None:
        """Each until it is confirmed; the broker tells by its id when it comes twice."""
        while todo:
            try:
                async with self._client.get_queue_sender(queue) as sender:
                    while todo:
                        session = todo[0].partition("/")[0]
                        message = ServiceBusMessage(todo[0], session_id=session, message_id=todo[0])
                        if queue == self._plain and len(todo) % 2:
                            await sender.schedule_messages(message, in_seconds(10))
                        else:
                            await sender.send_messages(message)
                        todo.pop(0)
            except ServiceBusError as error:
                self.record.failures[type(error).__name__] += 1

    async def _receive(self, queue: str, **options: Any) -> None:
        """One at a time; what cannot be settled is left to whoever comes next."""
        while not self._over:
            try:
                async with self._client.get_queue_receiver(queue, **options) as receiver:
                    while got := await receiver.receive_messages(1, max_wait_time=0.3):
                        what = queue == self._ordered, said(got[0])
                        self.record.received(*what)
                        await receiver.complete_message(got[0])
                        self.record.completed(*what)
            except ServiceBusError as error:
                self.record.failures[type(error).__name__] += 1


def texts(sender: int) -> list[str]:
    """What one of the senders sends, in its order: session/number."""
    sessions = range(sender, SESSIONS, SENDERS)
    return [f"{session}/{number}" for number in range(MESSAGES) for session in sessions]


@pytest.mark.parametrize("seed", range(2))
async def test_nothing_is_lost_completed_twice_or_out_of_order(
    service_bus: ServiceBus, name: str, seed: int
) -> None:
    async with Handlers.of(service_bus.connection_string) as handlers:
        soak = Soak(service_bus, handlers.client, name)
        await soak.run(seed)
    everything = {text for sender in range(SENDERS) for text in texts(sender)}
    assert soak.record.seen == {(ordered, text) for ordered in (True, False) for text in everything}
    assert soak.record.failures
