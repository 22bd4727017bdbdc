"""Several buses on one PostgreSQL at the same time: streams in order, each with one holder; lost names;
what a settle costs, and whom it wakes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from backend.bus import sql
from backend.bus.sql import SqlBus
from backend.contracts.errors import Unavailable
from backend.contracts.ports import Commit, DeadLetter, Delivery, Document, Output, Settlement
from backend.stores.contents import SqlBlobs
from backend.stores.postgres import Postgres, session
from backend.stores.postgres.connection import number_of
from tests import postgres
from tests.conformance.adapters import keyed, receive_all, receive_one, work
from tests.relay import Relay

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


# --- what it costs --------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def watched(url: str) -> AsyncIterator[tuple[SqlBus, Relay]]:
    """A bus whose wire is looked at."""
    port = urlsplit(url).port
    assert port is not None
    async with Relay(port) as relay:
        bus = await opened(url.replace(f":{port}/", f":{relay.port}/"), "watched")
        yield bus, relay
        await bus.close()
        await bus._database.close()


def transactions(relay: Relay) -> list[bytes]:
    """What the connection that writes has asked."""
    (asked,) = (each for each in relay.asked if any(b"COMMIT;" in burst for burst in each))
    return asked


async def test_a_settle_goes_five_times_to_the_server_and_back(url: str) -> None:
    async with watched(url) as (bus, relay):
        for position in range(3):
            await bus.publish([keyed("run:1")])
            delivery = await receive_one(bus)
            output, further = work(), keyed("run:1")
            settlement = Settlement(
                acks=(delivery,),
                commits=(Commit("run:1", position, delivery.event, (output.event,)),),
                outputs=(output, further),
                documents=(Document("run", "1", "ann", {"at": position}, position=position),),
                undisturbed=("run:1",),
            )
            before = len(transactions(relay))
            (settled,) = await bus.settle([settlement], keep=2)
            after = len(transactions(relay))
            await bus.settle([Settlement(acks=settled.kept)])
        # begin, keys, look, write, commit; before, what is new to the server was prepared too
        assert (settled.outcome, len(settled.kept), after - before) == ("ok", 2, 5)


async def test_what_is_acknowledged_may_be_put_in_line_again_by_the_same_settle(
    buses: list[SqlBus],
) -> None:
    bus = buses[0]
    output = keyed("run:1")
    await bus.publish([output])
    delivery = await receive_one(bus)
    (settled,) = await bus.settle([Settlement(acks=(delivery,), outputs=(output,))])
    assert settled.outcome == "ok"
    (again,) = await receive_all(bus)
    assert (again.event, again.attempt) == (output.event, 1)


# --- whom it wakes --------------------------------------------------------------------------------


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks just because time has passed."""
    monkeypatch.setattr(sql, "FALLBACK_S", 600.0)
    monkeypatch.setattr(session, "_LOOK_S", 600.0)


@pytest.fixture
def rests(buses: list[SqlBus], monkeypatch: pytest.MonkeyPatch) -> asyncio.Queue[int | None]:
    """One for each time that the last bus has looked and found nothing."""
    found: asyncio.Queue[int | None] = asyncio.Queue()
    rest = buses[-1]._rest

    async def resting(next_due: int | None) -> None:
        found.put_nowait(next_due)
        await rest(next_due)

    monkeypatch.setattr(buses[-1], "_rest", resting)
    return found


@pytest.mark.usefixtures("patient")
async def test_others_look_for_work_only_when_some_was_left_for_them(
    buses: list[SqlBus], rests: asyncio.Queue[int | None]
) -> None:
    first, other = buses[0], buses[-1]
    receiving = asyncio.create_task(other.receive(1))
    await rests.get()
    async with contextlib.aclosing(other.follow({"run:1": None})) as feed:
        for position in range(10):
            output = work()
            commit = Commit("run:1", position, output.event, (output.event,))
            (settled,) = await first.settle([Settlement((), (commit,), (output,))], keep=1)
            await first.settle([Settlement(acks=settled.kept)])
        seen = 0
        while seen < 10:  # so it has heard of them all
            seen += len((await anext(feed))["run:1"].commits)
    assert rests.empty()
    await first.publish([work("left")])
    assert [d.event.type for d in await receiving] == ["left"]


@pytest.mark.usefixtures("patient")
async def test_the_next_of_a_stream_wakes_those_who_had_to_wait_for_it(
    buses: list[SqlBus], rests: asyncio.Queue[int | None]
) -> None:
    first, other = buses[0], buses[-1]
    await first.publish([keyed("run:1"), keyed("run:1")])
    (held,) = await first.receive(1)
    receiving = asyncio.create_task(other.receive(1))
    await rests.get()
    await first.settle([Settlement(acks=(held,))])
    assert [d.stream for d in await receiving] == ["run:1"]


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("how", ["given back", "replayed", "closed"])
async def test_what_is_free_again_wakes_others(
    buses: list[SqlBus], rests: asyncio.Queue[int | None], how: str
) -> None:
    first, other = buses[0], buses[-1]
    await first.publish([work()])
    held = await receive_one(first)
    if how == "replayed":
        await first.settle([Settlement(dead=(DeadLetter(held, {}),))])
    receiving = asyncio.create_task(other.receive(1))
    await rests.get()
    if how == "replayed":
        await first.replay(held.event.id)
    elif how == "closed":
        await first.close()
    else:
        await first.release(held, 0)
    assert [d.event for d in await receiving] == [held.event]


@pytest.mark.usefixtures("patient")
async def test_a_stream_that_was_held_at_the_look_is_looked_at_again(
    url: str, buses: list[SqlBus], rests: asyncio.Queue[int | None]
) -> None:
    await buses[0].publish([keyed("run:1")])
    holder = await asyncpg.connect(url)
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("SELECT pg_advisory_xact_lock($1)", number_of("run:1"))
    receiving = asyncio.create_task(buses[-1].receive(1))
    await rests.get()
    await transaction.commit()  # and nobody is told
    assert [d.stream for d in await receiving] == ["run:1"]
    await holder.close()
