"""What only the SQLite bus does: names and leases, full disks, contents kept apart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.bus.sql import SqlBus
from backend.contracts.errors import LightningError, Unavailable
from backend.contracts.ports import Commit, Settlement
from backend.stores.folder import FolderBlobs
from backend.stores.sqlite import Sqlite
from tests.conformance.adapters import (
    LEASE_S,
    SqliteBuses,
    event,
    keyed,
    receive_all,
    receive_one,
    work,
)


@pytest.fixture
async def buses(tmp_path: Path) -> AsyncIterator[SqliteBuses]:
    made = SqliteBuses(tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def bus(buses: SqliteBuses) -> SqlBus:
    return await buses.open()


# --- names and leases -----------------------------------------------------------------------------


async def test_processes_take_the_first_free_name(buses: SqliteBuses) -> None:
    one, two = await buses.open(), await buses.open()
    assert [one.owner, two.owner] == ["process-0", "process-1"]
    await buses.kill(one)
    again = await buses.open()
    assert again.owner == "process-0"
    assert again.epoch > two.epoch > one.epoch


@pytest.mark.parametrize("name", ["../up", "", "a/b", "a\0b", "x" * 65])
async def test_a_name_that_is_no_file_name_is_refused(bus: SqlBus, name: str) -> None:
    other = SqlBus(bus._database, blobs=bus._blobs, owner=name)
    with pytest.raises(LightningError):
        await other.start()


async def test_a_name_in_use_is_refused(bus: SqlBus) -> None:
    other = SqlBus(bus._database, blobs=bus._blobs, owner=bus.owner)
    with pytest.raises(LightningError):
        await other.start()


async def test_others_take_over_only_after_the_lease_ran_out(buses: SqliteBuses) -> None:
    dying, other = await buses.open(), await buses.open()
    await dying.publish([keyed("run:1")])
    await receive_one(dying)
    await buses.kill(dying)
    buses.clock.advance(LEASE_S - 5)
    await other.beat()
    assert await receive_all(other) == []
    buses.clock.advance(10)
    await other.beat()
    assert [d.attempt for d in await receive_all(other)] == [2]


async def test_a_sign_of_life_keeps_the_leases(buses: SqliteBuses) -> None:
    slow, other = await buses.open(), await buses.open()
    await slow.publish([keyed("run:1")])
    delivery = await receive_one(slow)
    for _ in range(3):
        buses.clock.advance(LEASE_S - 5)
        await slow.beat()
        await other.beat()
    assert await receive_all(other) == []
    assert [s.outcome for s in await slow.settle([Settlement(acks=(delivery,))])] == ["ok"]


async def test_what_a_process_leases_after_it_was_given_up_is_not_lost(
    buses: SqliteBuses,
) -> None:
    paused, other = await buses.open(), await buses.open()
    await paused.publish([work("held")])
    held = await receive_one(paused)
    buses.clock.advance(LEASE_S + 5)
    await other.beat()
    assert [s.outcome for s in await paused.settle([Settlement(acks=(held,))])] == ["stale"]
    assert (await receive_one(paused)).attempt == 2
    await buses.kill(paused)
    buses.clock.advance(LEASE_S + 5)
    await other.beat()
    assert [d.attempt for d in await receive_all(other)] == [3]


# --- nothing half done ----------------------------------------------------------------------------


async def full(database: Sqlite) -> None:
    def job(connection: object) -> None:
        (pages,) = database._writer.execute("PRAGMA page_count").fetchone()
        database._writer.execute(f"PRAGMA max_page_count = {pages}").fetchone()

    await database.write(job)


async def emptied(database: Sqlite) -> None:
    await database.write(lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchone())


async def test_on_a_full_disk_a_settlement_is_not_done_and_can_be_repeated(bus: SqlBus) -> None:
    await bus.publish([keyed("run:1")])
    delivery = await receive_one(bus)
    outputs = tuple(work(data={"page": "x" * 20_000}) for _ in range(10))
    commit = Commit("run:1", 0, delivery.event, tuple(output.event for output in outputs))
    settlement = Settlement((delivery,), (commit,), outputs)
    await full(bus._database)
    with pytest.raises(Unavailable):
        await bus.settle([settlement], keep=3)
    assert (await bus.history("run:1")).commits == ()
    await emptied(bus._database)
    (settled,) = await bus.settle([settlement], keep=3)
    assert (settled.outcome, len(settled.kept)) == ("ok", 3)
    assert len(await receive_all(bus)) == 7


async def test_on_a_full_disk_publishing_fails_and_the_bus_lives_on(bus: SqlBus) -> None:
    await full(bus._database)
    outputs = [work(data={"page": "x" * 20_000}) for _ in range(10)]
    with pytest.raises(Unavailable):
        await bus.publish(outputs)
    await emptied(bus._database)
    await bus.publish(outputs)
    assert len(await receive_all(bus)) == 10


async def test_a_cancelled_settlement_is_done_and_what_it_kept_is_received(bus: SqlBus) -> None:
    await bus.publish([keyed("run:1")])
    delivery = await receive_one(bus)
    output = work()
    commit = Commit("run:1", 0, delivery.event, (output.event,))
    settling = asyncio.create_task(
        bus.settle([Settlement((delivery,), (commit,), (output,))], keep=1)
    )
    await asyncio.sleep(0)
    settling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settling
    kept = await receive_one(bus)
    assert (kept.event, kept.attempt) == (output.event, 1)
    assert len((await bus.history("run:1")).commits) == 1


# --- contents -------------------------------------------------------------------------------------


def contents(folder: Path) -> list[Path]:
    return [path for path in (folder / "blobs").rglob("*") if path.is_file()]


async def test_a_large_value_is_stored_once_and_not_in_the_database(
    bus: SqlBus, tmp_path: Path
) -> None:
    page = {"page": "x" * 200_000}
    for n in range(5):
        cause, output = event(data=page), work(data=page)
        await bus.settle([Settlement((), (Commit("run:1", n, cause, (output.event,)),), (output,))])
    assert len(contents(tmp_path)) == 1
    sizes = await bus._database.read(
        lambda c: c.execute(
            "SELECT max(length(body)) FROM log UNION ALL SELECT max(length(body)) FROM messages"
        ).fetchall()
    )
    assert all(size < 2000 for (size,) in sizes)


async def test_the_contents_of_two_owners_are_kept_apart(bus: SqlBus, tmp_path: Path) -> None:
    page = {"page": "x" * 200_000}
    await bus.publish([work(data=page, user_id="ann"), work(data=page, user_id="bob")])
    assert len(contents(tmp_path)) == 2
    assert [d.event.data for d in await receive_all(bus)] == [page, page]


async def test_an_event_whose_content_is_gone_becomes_a_dead_letter(
    bus: SqlBus, tmp_path: Path
) -> None:
    await bus.publish([work("broken", data={"page": "x" * 200_000}), work("whole")])
    (content,) = contents(tmp_path)
    content.unlink()
    assert [d.event.type for d in await receive_all(bus)] == ["whole"]
    (letter,) = await bus.dead_letters()
    assert letter.delivery.event.type == "broken"
    assert letter.error["code"] == "EXEC_BLOB_MISSING"


async def test_history_can_be_read_when_a_content_is_gone(bus: SqlBus, tmp_path: Path) -> None:
    cause = event(data={"page": "x" * 200_000, "n": 1})
    await bus.settle([Settlement(commits=(Commit("run:1", 0, cause),))])
    (content,) = contents(tmp_path)
    content.unlink()
    (commit,) = (await bus.history("run:1")).commits
    assert commit.cause.data["n"] == 1
    assert "$blob" in commit.cause.data["page"]


# --- size and waiting -----------------------------------------------------------------------------


async def test_a_step_costs_at_most_two_and_a_half_kilobytes(bus: SqlBus, tmp_path: Path) -> None:
    steps = 1000
    for n in range(0, steps, 100):
        settlements = []
        for position in range(n, n + 100):
            data = {"run_id": "a" * 32, "step": "fetch", "output": {"body": "x" * 200}}
            output = event("plan.step.execute", data, causation_id="b" * 32)
            cause = event("plan.step.completed", data, causation_id="c" * 32)
            commit = Commit("run:" + "a" * 32, position, cause, (output,))
            settlements.append(Settlement(commits=(commit,)))
        await bus.settle(settlements)
    await bus.close()
    await bus._database.close()
    assert (tmp_path / "lightning.db").stat().st_size / steps < 2500


async def test_a_bus_without_work_leaves_the_database_alone(bus: SqlBus) -> None:
    def changes(connection: object) -> int:
        return bus._database._writer.total_changes

    before = await bus._database.write(changes)
    waiting = asyncio.create_task(bus.receive(1))
    for _ in range(3):
        bus._wake.set()
        await bus._database.write(changes)
    assert await bus._database.write(changes) == before
    waiting.cancel()


async def test_an_unopened_bus_can_be_closed(tmp_path: Path) -> None:
    database = Sqlite(tmp_path / "lightning.db")
    await SqlBus(database, blobs=FolderBlobs(tmp_path / "blobs")).close()
