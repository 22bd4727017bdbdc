"""A stream read from a snapshot on is the stream read from its start; what is doubtful is not used."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.bus.codec import decode_event, encode_event_whole
from backend.bus.memory import MemoryBus
from backend.contracts.events import Event, derived_id
from backend.contracts.ports import Commit, Document, Settlement
from backend.drivers import snapshots
from backend.drivers.plan_state import PlanState
from backend.drivers.plans import PlanDecider
from backend.drivers.runs import RunDecider, Running
from backend.drivers.saved import Saved, SavedDecider
from backend.drivers.schedules import ScheduleDecider
from backend.drivers.threads import ThreadDecider
from backend.drivers.turn import Decider, fold
from backend.plans.graph import Graph
from backend.stores.memory import MemoryStore
from tests.drivers.test_lives import ACTS, live
from tests.plans.play import plan, step
from tests.plans.test_engine_properties import World, acyclic, orders, play_out, reactive, seeds

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DECIDERS: dict[str, Decider[Any]] = {
    d.prefix: d for d in (PlanDecider(), SavedDecider(), ScheduleDecider(), ThreadDecider())
}


class OneGraph:
    """In the place of `Graphs`: every run is of this plan."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def load(self, *_: Any) -> Graph:
        return self._graph


def runs_of(graph: Graph) -> RunDecider:
    graphs: Any = OneGraph(graph)
    return RunDecider(graphs)


def as_read(event: Event) -> Event:
    return decode_event(encode_event_whole(event))


def commits_of(stream: str, causes: Sequence[Event]) -> list[Commit]:
    return [Commit(stream, at, as_read(cause)) for at, cause in enumerate(causes)]


def through(decider: Decider[Any], state: Any, last: Commit) -> Any:
    """The state as its snapshot gives it back."""
    document, _ = snapshots.take(decider, state, last)
    if document is None:
        return state
    body = json.loads(json.dumps(document.body))
    kept = snapshots.adapter(decider).validate_json(body["state"])
    return asyncio.run(decider.recall(kept))


def plain(state: Any) -> Any:
    return (state.state, state.origin) if isinstance(state, Running) else state


def check(decider: Decider[Any], start: Any, commits: Sequence[Commit], cut: int) -> Any:
    """Folded at once, and with a snapshot in between, it is the same; returns that."""
    whole = fold(decider, start, commits)
    early, late = commits[:cut], commits[cut:]
    state = fold(decider, start, early)
    if early:
        state = through(decider, state, early[-1])
    assert plain(fold(decider, state, late)) == plain(whole)
    return whole


@settings(max_examples=100, deadline=None)
@given(ACTS, st.integers(0, 200))
def test_plans_schedules_and_names_are_the_same_from_a_snapshot_on(
    acts: list[Any], cut: int
) -> None:
    world = live(acts)
    for stream, decided in world.log.items():
        decider = DECIDERS[stream.partition(":")[0]]
        start = {"plan": PlanState(), "saved": Saved()}.get(decider.prefix)
        commits = [
            replace(c, cause=as_read(c.cause), outputs=tuple(map(as_read, c.outputs)))
            for c in decided
        ]
        whole = check(decider, start, commits, cut % (len(commits) + 1))
        # and from one that was taken of the state that deciding came to
        assert through(decider, world.states[stream], commits[-1]) == whole


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.one_of(acyclic(), reactive()), seeds, orders, st.integers(0, 500))
def test_a_run_is_the_same_from_a_snapshot_on(
    graph: Graph, seed: int, order: random.Random, cut: int
) -> None:
    play = play_out(graph, World(seed), order, revision=1)
    commits = commits_of("run:r1", play.log)
    whole = check(runs_of(graph), Running(graph, None), commits, cut % (len(commits) + 1))
    assert whole.state == play.state


# --- reading --------------------------------------------------------------------------------------


def said(number: int, user: str = "alice") -> Event:
    data = {"thread_id": "t", "text": "hi"}
    return Event(f"said {number}", "user.message", user, AT, data)


class House:
    """A log of one thread's stream, with a snapshot behind its hundredth commit."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.bus = MemoryBus(self.store)
        self.threads = ThreadDecider()
        self.commits = commits_of("thread:t", [said(n) for n in range(120)])

    async def fill(self) -> None:
        await self.write(*self.commits)
        await self.remember()

    async def write(self, *commits: Commit) -> None:
        (settled,) = await self.bus.settle([Settlement(commits=commits)])
        assert settled.outcome == "ok"

    async def remember(self, owner: str = "alice", **changes: Any) -> None:
        document, _ = snapshots.take(self.threads, "alice", self.commits[99])
        assert document is not None
        assert document.body is not None
        body = {**document.body, **changes}
        changed = replace(document, owner=owner, body=body, position=None)
        await self.store.put(changed)

    async def read(
        self, decider: Decider[Any] | None = None, owner: str | None = None
    ) -> snapshots.Opened[Any]:
        decider = decider or self.threads
        return await snapshots.read(self.bus, self.store, decider, "thread:t", owner=owner)


async def test_a_long_stream_is_read_from_its_snapshot_on() -> None:
    house = House()
    await house.fill()
    opened = await house.read()
    assert (opened.state, opened.position, opened.skipped) == ("alice", 120, 100)
    assert opened.cursor == await house.bus.head("thread:t")
    assert opened.seen == {f"said {n}" for n in range(100, 120)}


async def test_without_its_snapshots_a_stream_is_the_same() -> None:
    house = House()
    await house.fill()
    with_it = await house.read()
    await house.store.delete(snapshots.SNAPSHOT, "thread:t", "alice")
    without = await house.read()
    assert without.skipped == 0
    assert (without.state, without.position, without.cursor) == (
        with_it.state,
        with_it.position,
        with_it.cursor,
    )


async def test_what_a_snapshot_stands_for_is_known_to_be_decided() -> None:
    house = House()
    await house.fill()
    opened = await house.read()
    known = [
        await snapshots.stands(house.bus, "thread:t", opened, f"said {n}") for n in (3, 110, 120)
    ]
    assert known == [True, True, False]


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "of another release"},
        {"state": "no JSON"},
        {"state": '{"of": "other types"}'},
        {"cause_id": "of another log"},
        {"position": 98},
        {"position": 5000},
        {"owner": "mallory"},
    ],
)
async def test_a_snapshot_that_does_not_fit_is_as_if_it_were_not_there(
    changes: Mapping[str, Any],
) -> None:
    house = House()
    await house.write(*house.commits)
    await house.remember(**changes)
    opened = await house.read()
    assert (opened.skipped, opened.position, opened.state) == (0, 120, "alice")


async def test_nobody_is_given_anothers_snapshot() -> None:
    house = House()
    await house.fill()
    assert (await house.read(owner="mallory")).skipped == 0
    assert (await house.read(owner="alice")).skipped == 100


async def test_a_snapshot_of_other_types_is_not_read() -> None:
    @dataclass(frozen=True)
    class Owner:
        name: str = "nobody"

    class Changed(ThreadDecider):
        keeps: Any = Owner

    house = House()
    await house.fill()
    assert (await house.read(Changed())).skipped == 0


def test_a_changed_field_or_default_is_another_version() -> None:
    @dataclass(frozen=True)
    class Before:
        count: int = 0

    @dataclass(frozen=True)
    class Renamed:
        number: int = 0

    @dataclass(frozen=True)
    class Defaulted:
        count: int = 1

    @dataclass(frozen=True)
    class Typed:
        count: str = "0"

    def version(keeps: Any) -> str:
        decider = ThreadDecider()
        decider.keeps = keeps
        return snapshots.version(decider)

    for type in (Before, Renamed, Defaulted, Typed):
        type.__name__ = type.__qualname__ = "Same"
    assert len({version(t) for t in (Before, Renamed, Defaulted, Typed)}) == 4


# --- taking ---------------------------------------------------------------------------------------


def test_a_state_too_large_for_a_document_is_not_kept_and_tried_less_often() -> None:
    last = commits_of("saved:alice", [said(0)])[0]
    large = Saved("alice", {"p": {"about": "x" * snapshots.LARGEST}})
    document, size = snapshots.take(SavedDecider(), large, last)
    assert document is None
    assert snapshots.interval(size) >= 10_000
    assert snapshots.interval(1000) == snapshots.EVERY


def test_what_json_cannot_hold_is_not_kept() -> None:
    last = commits_of("saved:alice", [said(0)])[0]
    document, _ = snapshots.take(SavedDecider(), Saved("alice", {"p": {"n": 2**80}}), last)
    assert document is None


def test_a_stream_that_is_nobodys_has_no_snapshot() -> None:
    last = commits_of("plan:p", [said(0)])[0]
    assert snapshots.take(PlanDecider(), PlanState(), last) == (None, 0)


# --- what an `evolve` makes of events -------------------------------------------------------------


def test_whoever_changes_what_histories_come_to_has_old_snapshots_ignored() -> None:
    """Where this fails: raise `snapshots.FOLDS`, then pin what is come to now."""
    graph = plan(
        step("one", retry={"max_attempts": 2}),
        step("many", "step.one", for_each="${inputs.some}"),
        step("ask", "step.one", approval="required"),
        inputs={"some": {"type": "array", "default": [7, 8, 9]}},
    )
    play = play_out(graph, World(3), random.Random(3), revision=1)
    lives = {
        "plan": ["plan.proposed", "plan.approved", "plan.saved", "plan.execute", "plan.rejected"],
        "saved": ["saved.added", "saved.added", "saved.removed"],
        "schedule": ["schedule.created", "schedule.fired", "schedule.paused", "schedule.resumed"],
        "thread": ["thread.updated"],
    }
    told = [_text(runs_of(graph), Running(graph, None), play.log[:-1])]
    for prefix, types in lives.items():
        start = {"plan": PlanState(), "saved": Saved()}.get(prefix)
        events = [_event(type, at) for at, type in enumerate(types)]
        told += [_text(DECIDERS[prefix], start, events[: n + 1]) for n in range(len(events))]
    digest = hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
    assert (snapshots.FOLDS, digest) == (1, "dea2dd9db7b5838f")


def _event(type: str, at: int) -> Event:
    data = {
        "plan_id": f"p{at // 2}",
        "schedule_id": "s",
        "ir_hash": "h",
        "revision": at,
        "trigger": {"name": "go", "kind": "interval"} if type == "schedule.created" else None,
        "timezone": "UTC",
        "generation": 0,
        "due": AT.isoformat(),
        "next_due": AT.isoformat(),
        "inputs": {"a": at},
        "schedules": ["s"],
        "lasting": True,
        "run_id": f"r{at}",
        "reason": "no",
        "slug": "mine",
        "name": "Mine",
    }
    return Event(derived_id(type, at), type, "alice", AT, data)


def _text(decider: Decider[Any], start: Any, events: Sequence[Event]) -> str:
    commits = commits_of(f"{decider.prefix}:x", events)
    document, _ = snapshots.take(decider, fold(decider, start, commits), commits[-1])
    return _state(document)


def _state(document: Document | None) -> str:
    assert document is not None
    assert document.body is not None
    return str(document.body["state"])
