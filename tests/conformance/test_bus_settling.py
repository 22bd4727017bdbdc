"""The bus: one atomic act per event."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from backend.contracts.ports import (
    Bus,
    Commit,
    DeadLetter,
    Delivery,
    Document,
    Output,
    Settlement,
    Store,
)
from backend.contracts.security import Verdict
from tests.conformance import adapters
from tests.conformance.adapters import (
    Buses,
    Clock,
    event,
    keyed,
    receive_all,
    work,
)

fusing = pytest.mark.parametrize("buses", adapters.FUSING, indirect=True)


async def leased(bus: Bus, *outputs: Output) -> list[Delivery]:
    await bus.publish(outputs)
    received = {d.event.id: d for d in await bus.receive(1000)}
    return [received[output.event.id] for output in outputs]


def committed(delivery: Delivery, position: int, *outputs: Output) -> Settlement:
    assert delivery.stream is not None
    commit = Commit(delivery.stream, position, delivery.event, tuple(o.event for o in outputs))
    return Settlement(acks=(delivery,), commits=(commit,), outputs=outputs)


async def outcomes(bus: Bus, *settlements: Settlement) -> list[str]:
    return [settled.outcome for settled in await bus.settle(settlements)]


async def test_a_settlement_does_all_its_parts(bus: Bus, store: Store) -> None:
    (delivery,) = await leased(bus, keyed("run:1"))
    output = work("next.asked")
    commit = Commit("run:1", 0, delivery.event, (output.event,), Verdict("allow", "rule 1"))
    document = Document("summary", "1", "ann", {"steps": 3}, status="running", position=0)
    settlement = Settlement((delivery,), (commit,), (output,), (document,))
    assert await outcomes(bus, settlement) == ["ok"]
    assert [d.event for d in await receive_all(bus)] == [output.event]
    assert (await bus.history("run:1")).commits == (commit,)
    stored = await store.get("summary", "1", "ann")
    assert stored is not None
    assert (stored.body, stored.status, stored.position) == ({"steps": 3}, "running", 0)


async def test_what_was_settled_never_comes_back(bus: Bus, buses: Buses) -> None:
    (delivery,) = await leased(bus, keyed("run:1"))
    await bus.settle([committed(delivery, 0)])
    await buses.kill(bus)
    assert await receive_all(await buses.recover()) == []


async def test_at_a_taken_position_nothing_of_a_settlement_is_done(bus: Bus, store: Store) -> None:
    first, second = await leased(bus, keyed("run:1"), keyed("run:1"))
    await bus.settle([committed(first, 0)])
    commit = Commit("run:1", 0, second.event)
    document = Document("summary", "1", "ann", {})
    late = Settlement((second,), (commit,), (work(),), (document,))
    assert await outcomes(bus, late) == ["conflict"]
    assert await store.get("summary", "1", "ann") is None
    assert await receive_all(bus) == []
    assert len((await bus.history("run:1")).commits) == 1
    assert await outcomes(bus, committed(second, 1)) == ["ok"]


async def test_a_position_ahead_of_the_stream_is_a_conflict(bus: Bus) -> None:
    (delivery,) = await leased(bus, keyed("run:1"))
    assert await outcomes(bus, committed(delivery, 1)) == ["conflict"]


async def test_a_cause_is_decided_once_in_its_stream(bus: Bus) -> None:
    one, other = await leased(bus, keyed("run:1"), work())
    await bus.settle([committed(one, 0)])
    again = Settlement(acks=(other,), commits=(Commit("run:1", 1, one.event),))
    assert await outcomes(bus, again) == ["conflict"]
    assert await bus.decided("run:1", one.event.id)
    assert not await bus.decided("run:2", one.event.id)
    assert not await bus.decided("run:1", other.event.id)


async def test_of_two_settlements_of_one_delivery_the_second_is_stale(bus: Bus) -> None:
    (delivery,) = await leased(bus, keyed("run:1"))
    assert await outcomes(bus, committed(delivery, 0), committed(delivery, 1)) == ["ok", "stale"]
    assert await outcomes(bus, committed(delivery, 1, work())) == ["stale"]
    assert await receive_all(bus) == []
    assert len((await bus.history("run:1")).commits) == 1


async def test_a_failing_settlement_does_not_fail_its_neighbours(bus: Bus) -> None:
    one, two, three = await leased(bus, keyed("run:1"), keyed("run:2"), keyed("run:3"))
    await bus.settle([Settlement(acks=(two,))])
    settlements = (committed(one, 0), committed(two, 0), committed(three, 7), committed(one, 1))
    assert await outcomes(bus, *settlements) == ["ok", "stale", "conflict", "stale"]


async def test_settlements_of_one_call_follow_each_other(bus: Bus) -> None:
    several = await leased(bus, *(keyed("run:1") for _ in range(5)))
    settlements = [committed(delivery, n) for n, delivery in enumerate(several)]
    assert await outcomes(bus, *settlements) == ["ok"] * 5
    commits = (await bus.history("run:1")).commits
    assert [c.cause.id for c in commits] == [d.event.id for d in several]


async def test_concurrent_settlements_of_one_position_let_one_win(bus: Bus) -> None:
    several = await leased(bus, *(keyed("run:1") for _ in range(8)))
    settled = await asyncio.gather(*(bus.settle([committed(d, 0)]) for d in several))
    assert sorted(s.outcome for (s,) in settled) == ["conflict"] * 7 + ["ok"]


async def test_an_output_is_queued_once_however_often_it_is_settled(bus: Bus) -> None:
    one, two = await leased(bus, keyed("run:1"), keyed("run:2"))
    output = keyed("run:3")
    await bus.settle([committed(one, 0, output), committed(two, 0, output)])
    assert len(await receive_all(bus)) == 1


async def test_an_output_due_later_waits(bus: Bus, clock: Clock) -> None:
    (delivery,) = await leased(bus, keyed("schedule:1"))
    later = keyed("schedule:1", due=clock() + timedelta(hours=1))
    await bus.settle([committed(delivery, 0, later)])
    assert await receive_all(bus) == []
    clock.advance(3601)
    assert [d.event.id for d in await receive_all(bus)] == [later.event.id]


async def test_a_document_that_has_moved_on_is_a_conflict(bus: Bus, store: Store) -> None:
    (delivery,) = await leased(bus, keyed("plan:1"))
    old = await store.put(Document("plan", "1", "ann", {"n": 1}))
    await store.put(Document("plan", "1", "ann", {"n": 2}))
    commit = Commit("plan:1", 0, delivery.event)
    late = Document("plan", "1", "ann", {"n": 3}, etag=old.etag)
    assert await outcomes(bus, Settlement((delivery,), (commit,), (), (late,))) == ["conflict"]
    assert not (await bus.history("plan:1")).commits


async def test_a_document_of_another_owner_is_a_conflict(bus: Bus, store: Store) -> None:
    (delivery,) = await leased(bus, keyed("plan:1"))
    await store.put(Document("plan", "1", "bob", {"n": 1}))
    stolen = Settlement(acks=(delivery,), documents=(Document("plan", "1", "ann", {"n": 2}),))
    assert await outcomes(bus, stolen) == ["conflict"]
    stored = await store.get("plan", "1", None)
    assert stored is not None
    assert stored.owner == "bob"


async def test_a_document_of_an_earlier_commit_changes_nothing(bus: Bus, store: Store) -> None:
    one, two = await leased(bus, keyed("run:1"), keyed("run:2"))
    newer = Document("summary", "1", "ann", {"n": 5}, position=5)
    older = Document("summary", "1", "ann", {"n": 4}, position=4)
    settlements = [Settlement(acks=(one,), documents=(newer,))]
    settlements.append(Settlement(acks=(two,), documents=(older,)))
    assert await outcomes(bus, *settlements) == ["ok", "ok"]
    stored = await store.get("summary", "1", "ann")
    assert stored is not None
    assert stored.body == {"n": 5}


async def test_a_settlement_deletes_a_document(bus: Bus, store: Store) -> None:
    (delivery,) = await leased(bus, keyed("plan:1"))
    await store.put(Document("plan", "1", "ann", {"n": 1}))
    gone = Document("plan", "1", "ann", None)
    await bus.settle([Settlement(acks=(delivery,), documents=(gone,))])
    assert await store.get("plan", "1", "ann") is None


async def test_after_its_lease_was_lost_a_process_settles_nothing(bus: Bus, buses: Buses) -> None:
    (delivery,) = await leased(bus, keyed("run:1"))
    await buses.kill(bus)
    other = await buses.recover()
    (again,) = await other.receive(1)
    assert await outcomes(bus, committed(delivery, 0, work())) == ["stale"]
    assert await outcomes(other, committed(again, 0)) == ["ok"]
    assert await receive_all(other) == []


# --- dead letters ---------------------------------------------------------------------------------


async def test_a_dead_letter_is_listed_and_not_delivered(bus: Bus) -> None:
    (delivery,) = await leased(bus, keyed("run:1"))
    letter = DeadLetter(delivery, {"code": "EXEC_INTERNAL", "message": "no"})
    stalled = event("run.stalled", {"run_id": "1"})
    settlement = Settlement((delivery,), (Commit("run:1", 0, stalled),), dead=(letter,))
    assert await outcomes(bus, settlement) == ["ok"]
    assert await receive_all(bus) == []
    (found,) = await bus.dead_letters()
    assert (found.delivery.event, found.delivery.stream) == (delivery.event, "run:1")
    assert found.error == letter.error
    assert (await bus.history("run:1")).commits[0].cause == stalled


async def test_burying_acknowledges(bus: Bus) -> None:
    (delivery,) = await leased(bus, work())
    await bus.settle([Settlement(dead=(DeadLetter(delivery, {}),))])
    assert await receive_all(bus) == []
    assert await outcomes(bus, Settlement(acks=(delivery,))) == ["stale"]


async def test_a_dead_event_is_not_published_again_by_accident(bus: Bus) -> None:
    output = keyed("schedule:1")
    (delivery,) = await leased(bus, output)
    await bus.settle([Settlement(dead=(DeadLetter(delivery, {}),))])
    await bus.publish([output])
    assert await receive_all(bus) == []


async def test_a_dead_letter_is_replayed_once(bus: Bus) -> None:
    (delivery,) = await leased(bus, keyed("run:1"))
    await bus.settle([Settlement(dead=(DeadLetter(delivery, {}),))])
    assert await bus.replay(delivery.event.id)
    assert not await bus.replay(delivery.event.id)
    (again,) = await receive_all(bus)
    assert (again.event, again.stream) == (delivery.event, "run:1")
    assert not await bus.dead_letters()


# --- fused hops -----------------------------------------------------------------------------------


@fusing
async def test_several_commits_of_several_streams_are_one_act(bus: Bus) -> None:
    (delivery,) = await leased(bus, work())
    causes = [event() for _ in range(3)]
    commits = (Commit("a", 0, causes[0]), Commit("a", 1, causes[1]), Commit("b", 0, causes[2]))
    assert await outcomes(bus, Settlement((delivery,), commits)) == ["ok"]
    assert (await bus.history("a")).commits == commits[:2]
    assert (await bus.history("b")).commits == commits[2:]


@fusing
async def test_of_several_commits_one_in_conflict_fails_all(bus: Bus) -> None:
    (delivery,) = await leased(bus, work())
    commits = (Commit("a", 0, event()), Commit("b", 1, event()))
    assert await outcomes(bus, Settlement((delivery,), commits)) == ["conflict"]
    assert not (await bus.history("a")).commits
    same = event()
    commits = (Commit("a", 0, same), Commit("a", 1, same))
    assert await outcomes(bus, Settlement((delivery,), commits)) == ["conflict"]


@fusing
async def test_a_waiting_message_disturbs_its_stream(bus: Bus) -> None:
    (step,) = await leased(bus, work())
    await bus.publish([keyed("run:1")])
    fused = Settlement((step,), (Commit("run:1", 0, event()),), undisturbed=("run:1",))
    assert await outcomes(bus, fused) == ["conflict"]
    (held,) = await bus.receive(10)
    await bus.release(held, 60)
    assert await outcomes(bus, fused) == ["conflict"]


@fusing
async def test_a_message_leased_to_another_process_disturbs(bus: Bus, buses: Buses) -> None:
    other = await buses.open()
    (step,) = await leased(bus, work())
    (held,) = await leased(other, keyed("run:1"))
    fused = Settlement((step,), (Commit("run:1", 0, event()),), undisturbed=("run:1",))
    assert await outcomes(bus, fused) == ["conflict"]
    await other.settle([Settlement(acks=(held,))])
    assert await outcomes(bus, fused) == ["ok"]


@fusing
async def test_what_a_process_has_leased_itself_does_not_disturb(bus: Bus) -> None:
    step, _held = await leased(bus, work(), keyed("run:1"))
    fused = Settlement((step,), (Commit("run:1", 0, event()),), undisturbed=("run:1",))
    assert await outcomes(bus, fused) == ["ok"]


@fusing
async def test_its_own_acks_and_later_timers_do_not_disturb(bus: Bus, clock: Clock) -> None:
    (own,) = await leased(bus, keyed("run:1"))
    await bus.publish([keyed("run:1", due=clock() + timedelta(hours=1))])
    fused = Settlement((own,), (Commit("run:1", 0, own.event),), undisturbed=("run:1",))
    assert await outcomes(bus, fused) == ["ok"]


@fusing
async def test_an_output_of_a_neighbour_disturbs(bus: Bus) -> None:
    one, two = await leased(bus, work(), work())
    sends = Settlement((one,), outputs=(keyed("run:1"),))
    fused = Settlement((two,), (Commit("run:1", 0, event()),), undisturbed=("run:1",))
    assert await outcomes(bus, sends, fused) == ["ok", "conflict"]


@fusing
async def test_kept_outputs_come_back_leased(bus: Bus, buses: Buses) -> None:
    other = await buses.open()
    (delivery,) = await leased(bus, keyed("run:1"))
    outputs = (work(), keyed("run:2"), work())
    (settled,) = await bus.settle([committed(delivery, 0, *outputs)], keep=2)
    assert [d.event for d in settled.kept] == [o.event for o in outputs[:2]]
    assert [d.attempt for d in settled.kept] == [1, 1]
    assert [d.event for d in await receive_all(other)] == [outputs[2].event]
    assert await outcomes(bus, *(Settlement(acks=(d,)) for d in settled.kept)) == ["ok", "ok"]


@fusing
async def test_keeping_counts_over_the_whole_call(bus: Bus) -> None:
    several = await leased(bus, *(keyed(f"run:{n}") for n in range(3)))
    settled = await bus.settle([committed(d, 0, work()) for d in several], keep=2)
    assert [len(s.kept) for s in settled] == [1, 1, 0]


@fusing
async def test_what_is_due_later_is_not_kept(bus: Bus, clock: Clock) -> None:
    (delivery,) = await leased(bus, keyed("run:1"))
    later = keyed("run:2", due=clock() + timedelta(hours=1))
    (settled,) = await bus.settle([committed(delivery, 0, later)], keep=5)
    assert settled.kept == ()


@fusing
async def test_an_event_behind_others_in_its_stream_is_not_kept(bus: Bus) -> None:
    (delivery,) = await leased(bus, keyed("run:1"))
    await bus.publish([keyed("run:2", "earlier")])
    (settled,) = await bus.settle([committed(delivery, 0, keyed("run:2", "later"))], keep=5)
    assert settled.kept == ()
    assert [d.event.type for d in await receive_all(bus)] == ["earlier", "later"]


@fusing
async def test_an_event_of_a_stream_another_process_holds_is_not_kept(
    bus: Bus, buses: Buses
) -> None:
    other = await buses.open()
    await leased(other, keyed("run:2"))
    (delivery,) = await leased(bus, keyed("run:1"))
    (settled,) = await bus.settle([committed(delivery, 0, keyed("run:2"))], keep=5)
    assert settled.kept == ()


@fusing
async def test_what_a_killed_process_kept_is_delivered_again(bus: Bus, buses: Buses) -> None:
    (delivery,) = await leased(bus, keyed("run:1"))
    output = work()
    await bus.settle([committed(delivery, 0, output)], keep=5)
    await buses.kill(bus)
    (again,) = await receive_all(await buses.recover())
    assert (again.event, again.attempt) == (output.event, 2)


@fusing
async def test_large_values_are_kept_whole(bus: Bus) -> None:
    (delivery,) = await leased(bus, keyed("run:1"))
    output = work(data={"page": "x" * 100_000})
    (settled,) = await bus.settle([committed(delivery, 0, output)], keep=1)
    assert settled.kept[0].event == output.event
    assert (await bus.history("run:1")).commits[0].outputs == (output.event,)
