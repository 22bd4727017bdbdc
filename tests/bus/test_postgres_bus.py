"""Several buses on one PostgreSQL at the same time: streams in order, each with one holder; lost names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from backend.bus.sql import SqlBus
from backend.contracts.errors import Unavailable
from backend.contracts.ports import Commit, Delivery, Output, Settlement
from backend.stores.contents import SqlBlobs
from backend.stores.postgres import Postgres
from tests import postgres
from tests.conformance.adapters import keyed, receive_all, receive_one, work

STREAMS = [f"run:{n}" for n in range(6)]
EACH = 20


@pytest.fixture
def url() -> Iterator[str]:
    with postgres.database() as url:
        yield url


async def opened(url: str, name: str) -> SqlBus:
    database = Postgres(url)
    await database.start()
    bus = SqlBus(database, blobs=SqlBlobs(database), owner=name, lease_s=60.0)
    await bus.start()
    return bus


@pytest.fixture
async def buses(url: str) -> AsyncIterator[list[SqlBus]]:
    made = [await opened(url, f"p{n}") for n in range(3)]
    yield made
    for bus in made:
        await bus.close()
        await bus._database.close()


async def test_many_at_once_keep_the_order_of_streams_and_do_nothing_twice(
    buses: list[SqlBus],
) -> None:
    sent: dict[str, list[Output]] = {stream: [] for stream in STREAMS}
    settled: dict[str, list[str]] = {stream: [] for stream in STREAMS}
    total = len(STREAMS) * EACH
    done = asyncio.Event()

    async def send(bus: SqlBus, streams: list[str]) -> None:
        for _ in range(EACH):
            for stream in streams:
                sent[stream].append(keyed(stream))
                await bus.publish([sent[stream][-1]])

    async def take(bus: SqlBus) -> None:
        while True:
            deliveries = await bus.receive(4)
            results = await bus.settle([commit(delivery) for delivery in deliveries])
            assert {result.outcome for result in results} == {"ok"}
            if sum(map(len, settled.values())) == total:
                done.set()

    def commit(delivery: Delivery) -> Settlement:
        assert delivery.stream is not None
        ids = settled[delivery.stream]
        ids.append(delivery.event.id)
        return Settlement((delivery,), (Commit(delivery.stream, len(ids) - 1, delivery.event),))

    async with asyncio.TaskGroup() as group:
        takers = [group.create_task(take(bus)) for bus in buses]
        senders = [group.create_task(send(b, STREAMS[n::3])) for n, b in enumerate(buses)]
        await asyncio.gather(*senders)
        await done.wait()
        for taker in takers:
            taker.cancel()
    for stream in STREAMS:
        assert settled[stream] == [output.event.id for output in sent[stream]]


async def test_who_was_replaced_settles_nothing_and_begins_anew(
    url: str, buses: list[SqlBus]
) -> None:
    first = buses[0]
    await first.publish([work()])
    held = await receive_one(first)
    epoch = first.epoch
    # its session is gone, and somebody takes its name before it is back
    name, first._owner._held = first._owner._held, None
    assert name is not None
    await name.leave()
    second = await opened(url, first.owner)
    (result,) = await first.settle([Settlement(acks=(held,))])
    assert result.outcome == "stale"
    assert [d.attempt for d in await receive_all(second)] == [2]
    with pytest.raises(Unavailable, match="p0"):
        await first.beat()
    await second.close()
    await second._database.close()
    await first.beat()
    assert first.epoch != epoch
    assert [d.attempt for d in await receive_all(first)] == [3]


async def test_what_one_had_leased_who_did_not_know_it_was_given_up_is_freed(
    buses: list[SqlBus],
) -> None:
    first, other, _ = buses
    await first.publish([work()])
    await receive_one(first)
    await other._database.write(
        lambda c: c.execute("DELETE FROM owners WHERE name = 'p0'") and None
    )
    await other.beat()
    assert [d.attempt for d in await receive_all(other)] == [2]
