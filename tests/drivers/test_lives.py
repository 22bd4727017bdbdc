"""Plans and their schedules under any order of clicks, deliveries, repeats and clock changes."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.contracts.events import EVENT_TYPES, Event, new_id
from backend.contracts.ports import Commit, Output
from backend.drivers.plan_state import PlanState
from backend.drivers.plans import PlanDecider
from backend.drivers.saved import Saved, SavedDecider
from backend.drivers.schedules import ScheduleDecider, timer_id
from backend.processor import Processor

START = datetime(2026, 3, 28, 12, tzinfo=UTC)  # the night after this day is an hour shorter
KINDS: dict[str, list[dict[str, Any]]] = {
    "manual": [{"name": "go", "kind": "manual"}],
    "daily": [{"name": "go", "kind": "cron", "schedule": "30 2 * * *"}],
    "often": [{"name": "go", "kind": "interval", "every_s": 1200}],
}
PLAN, SAVED = "plan:p", "saved:alice"
LIVES = ("plan:", "schedule:", "saved:")


class World:
    """The deciders, with a queue in which a stream's messages keep their order, but timers do not."""

    def __init__(self) -> None:
        self.now = START
        self.processor = Processor(
            [PlanDecider(), ScheduleDecider(), SavedDecider()], [], lambda: self.now
        )
        self.states: dict[str, Any] = {PLAN: PlanState(), SAVED: Saved()}
        self.positions: Counter[str] = Counter()
        self.seen: set[tuple[str, str]] = set()
        self.queue: list[Output] = []
        self.settled: list[Output] = []
        self.events: list[Event] = []
        self.log: dict[str, list[Commit]] = {}

    def send(self, type: str, data: dict[str, Any], user: str = "alice") -> None:
        kind = EVENT_TYPES[type]
        event = Event(new_id(), type, user, self.now, data, category="input")
        if not kind.outside:
            event = Event(event.id, type, user, self.now, data)
        self.deliver(Output(event, "stream", kind.stream(data)))

    def send_to_schedules(self, type: str, user: str) -> None:
        for stream in [s for s in self.states if s.startswith("schedule:")]:
            self.send(type, {"schedule_id": stream.partition(":")[2]}, user)

    def deliver(self, output: Output) -> None:
        stream = str(output.stream)
        if (stream, output.event.id) in self.seen or not stream.startswith(LIVES):
            return
        self.seen.add((stream, output.event.id))
        decider = self.processor.decider(stream)
        state = self.states.get(stream)
        before = self.states[PLAN].approved
        decided = self.processor.decide(
            decider, stream, state, output.event, self.positions[stream]
        )
        self.check(stream, state, before, decided.commit.outputs)
        self.states[stream] = decided.state
        self.positions[stream] += 1
        self.log.setdefault(stream, []).append(decided.commit)
        self.events += decided.commit.outputs
        self.queue += [o for o in decided.outputs if o.lane == "stream"]
        self.settled.append(output)

    def check(self, stream: str, state: Any, approved: Any, outputs: tuple[Event, ...]) -> None:
        for event in outputs:
            if event.type == "plan.execute":
                granted = [e.data["ir_hash"] for e in outputs if e.type == "plan.approved"]
                assert event.data["ir_hash"] == (granted or [approved["ir_hash"]])[0]
                assert self.states[stream].status != "archived"
            if event.type == "schedule.fired":
                assert state.status == "active"
                assert datetime.fromisoformat(event.data["due"]) <= self.now or not state.next_due

    def pump(self, number: int) -> None:
        """One message that is due, whichever."""
        ready = [o for o in self.queue if o.due is None or o.due <= self.now]
        if ready:
            output = ready[number % len(ready)]
            first = next(o for o in ready if o.stream == output.stream)
            self.queue.remove(first)
            self.deliver(first)

    def settle_all(self) -> None:
        while any(o.due is None or o.due <= self.now for o in self.queue):
            self.pump(0)


proposals = st.tuples(st.just("propose"), st.sampled_from(sorted(KINDS)), st.sampled_from("abc"))
clicks = st.tuples(st.just("approve"), st.sampled_from("abc"), st.sampled_from(["alice", "eve"]))
commands = st.tuples(
    st.sampled_from([*["trigger", "pause", "resume"] * 3, "reject", "archive"]),
    st.sampled_from(["alice", "alice", "eve"]),
)
saves = st.tuples(
    st.sampled_from(["save", "save", "unsave"]), st.sampled_from(["alice", "alice", "eve"])
)
moves = st.tuples(st.just("pump"), st.integers(0, 7))
repeats = st.tuples(st.just("repeat"), st.integers(0, 30))
clock = st.tuples(st.just("clock"), st.sampled_from([-7200, 60, 1200, 3600, 86_400, 200_000]))


ACTS = st.lists(
    st.one_of(proposals, clicks, commands, saves, moves, moves, repeats, clock, clock),
    min_size=25,  # or they would be five on average
    max_size=60,
)


def live(acts: list[Any]) -> World:
    world = World()
    for name, *values in acts:
        match name:
            case "propose":
                kind, hashed = values
                data = {
                    "plan_id": "p",
                    "document": {},
                    "ir_hash": f"{kind}-{hashed}",
                    "catalogue_hash": "c",
                    "valid": True,
                    "thread_id": None,
                    "triggers": KINDS[kind],
                    "timezone": "Europe/Paris",
                    "title": "t",
                }
                world.send("plan.propose", data)
            case "approve":
                offered = world.states[PLAN].offered.get("ir_hash", "none")
                hashed = offered if values[0] != "c" else f"daily-{values[0]}"
                data = {"plan_id": "p", "ir_hash": hashed, "catalogue_hash": "c"}
                world.send("plan.approve", data, values[1])
            case "reject" | "archive" | "trigger":
                world.send(f"plan.{name}", {"plan_id": "p"}, values[0])
            case "save" | "unsave":
                data = {"plan_id": "p", "revision": 1, "ir_hash": "h", "name": "Mine"}
                world.send(f"plan.{name}", data, values[0])
            case "pause" | "resume":
                world.send_to_schedules(f"schedule.{name}", values[0])
            case "pump":
                world.pump(values[0])
            case "repeat" if world.settled:
                world.deliver(world.settled[values[0] % len(world.settled)])
            case "clock":
                world.now += timedelta(seconds=values[0])
    return world


@settings(max_examples=150, deadline=None)
@given(ACTS)
def test_only_what_is_approved_runs_and_each_due_time_fires_once(acts: list[Any]) -> None:
    world = live(acts)
    answers = {"event.denied", "event.ignored", "plan.refused"}
    assert {e.type for e in world.events if e.user_id == "eve"} <= answers
    world.settle_all()
    kept = world.states[PLAN].saved
    assert {plan["slug"] for plan in world.states[SAVED].plans.values()} == (
        {"mine"} if kept else set()
    )
    assert not kept or world.states[PLAN].status != "archived"
    fired = Counter(
        (e.data["schedule_id"], e.data["due"]) for e in world.events if e.type == "schedule.fired"
    )
    assert all(times == 1 for times in fired.values())
    approvals = [e for e in world.events if e.type == "plan.approved"]
    assert len({e.data["revision"] for e in approvals}) == len(approvals)
    runs = [e.data["run_id"] for e in world.events if e.type == "plan.execute"]
    assert len(set(runs)) == len(runs)
    waiting = {o.event.id for o in world.queue}
    for stream, state in world.states.items():
        if stream.startswith("schedule:") and state is not None and state.status == "active":
            assert timer_id(state.id, state.generation, state.next_due) in waiting
