"""Random plans, random outcomes, random orders: what holds for every run."""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.contracts.events import Event, derived_id
from backend.contracts.runs import ENDED_RUN, ENDED_STEP, RunState
from backend.plans.engine import Graph, evolve
from tests.plans.play import Play, attempt, plan, step

PLAYED = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
TRIGGERS = [{"name": "go", "kind": "manual"}, {"name": "other", "kind": "manual"}]
INPUTS = {
    "flag": {"type": "boolean", "default": False},
    "some": {"type": "array", "default": [7, 8]},
}


@st.composite
def listens(draw: st.DrawFn, earlier: list[str]) -> list[str]:
    heard = ["go", "other"]
    for name in earlier:
        heard += [
            f"step.{name}",
            f"step.{name}",
            f"step.{name}.error",
            f"step.{name}.alt",
            f"said.{name}",
        ]
    return draw(st.lists(st.sampled_from(heard), min_size=1, max_size=4, unique=True))


@st.composite
def steps(draw: st.DrawFn, name: str, on: list[str], *, calm: bool) -> dict[str, Any]:
    """`calm` steps never make the run fail."""
    join = draw(st.sampled_from([None, "all", "any"]))
    near = [] if join == "any" else sorted({n.split(".")[1] for n in on if "." in n})
    guards = [None, None, "inputs.flag", "len(inputs.some) == 2"]
    lists = [None, None, "${inputs.some}"]
    args: dict[str, Any] = {"some": "${inputs.some}"}
    if near:
        other = draw(st.sampled_from(near))
        guards.append(f"default({other}.n, 0) != 1")
        lists.append(f"${{{other}.l ?? []}}")
        args["near"] = f'${{{other}.n ?? "none"}}'
        if not calm:
            args |= draw(st.sampled_from([{}, {}, {"sure": f"${{{other}.n}}"}]))
    for_each = draw(st.sampled_from(lists))
    if for_each:
        args["item"] = "${item}"
        guards.append("index != 0")
    handled = any(draw(st.booleans()) for _ in range(2))
    return step(
        name,
        on,
        join=join,
        guard=draw(st.sampled_from(guards)),
        args=args,
        for_each=for_each,
        max_parallel=draw(st.sampled_from([None, 1, 2])) if for_each else None,
        on_error="continue" if calm or handled else draw(st.sampled_from([None, "fail", "route"])),
        retry={"max_attempts": draw(st.integers(1, 3))},
        approval=draw(st.sampled_from([None, None, None, "required"])),
        emits=[f"said.{name}"],
    )


@st.composite
def acyclic(draw: st.DrawFn, *, calm: bool = False) -> Graph:
    names = [f"s{i}" for i in range(draw(st.integers(1, 8)))]
    drawn = [draw(steps(n, draw(listens(names[:i])), calm=calm)) for i, n in enumerate(names)]
    return plan(*drawn, events=TRIGGERS, inputs=INPUTS)


@st.composite
def reactive(draw: st.DrawFn) -> Graph:
    names = [f"s{i}" for i in range(draw(st.integers(1, 6)))]
    drawn = []
    for name in names:
        on = draw(listens(names))
        drawn.append({**draw(steps(name, on, calm=True)), "approval": None, "for_each": None})
        drawn[-1] |= {
            "args": {},
            "max_parallel": None,
            "guard": draw(st.sampled_from([None, "inputs.flag"])),
        }
    most = draw(st.integers(1, 5))
    return plan(*drawn, events=TRIGGERS, inputs=INPUTS, graph_type="reactive", max_iterations=most)


@dataclass
class World:
    """Does what `seed` says, whenever it is asked: the same call always goes the same way."""

    seed: int
    odd: bool = True

    def __call__(self, play: Play, call: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        data: dict[str, Any] = attempt(call)
        dice = self._dice(call["step"], call["iteration"], call["index"], call["attempt"])
        kind = dice.choice(["done"] * 4 + ["fail", "fail", "ask", "lose"]) if self.odd else "done"
        match kind:
            case "fail":
                data |= {"error": {"code": "E", "message": "no"}, "transient": dice.random() < 0.7}
                return "plan.step.failed", data
            case "ask":
                return "plan.step.waiting", {**data, "question": {"text": "?"}}
            case "lose":
                return "plan.step.unknown", data
        output = {"n": dice.randint(0, 2), "l": list(range(dice.randint(0, 3)))}
        action = dice.choice(["default", "default", "alt"])
        return "plan.step.completed", {**data, "output": output, "action": action}

    def answer(self, step: str, index: int | None, cell: Any) -> Any:
        dice = self._dice(step, index, cell.attempt, "answer")
        match cell.question["kind"]:
            case "gate":
                return dice.choice(["allow", "allow", "deny"])
            case "unknown":
                return dice.choice(["again", "happened"])
        return "blue"

    def _dice(self, *parts: Any) -> random.Random:
        return random.Random(derived_id(self.seed, *map(str, parts)))


def questions(run: RunState) -> list[tuple[str, int | None, Any]]:
    asked: list[tuple[str, int | None, Any]] = []
    for name, state in run.steps.items():
        cells = [(None, state)] if state.items is None else list(enumerate(state.items))
        asked += [(name, i, cell) for i, cell in cells if cell.question]
    return asked


def play_out(graph: Graph, world: World, order: random.Random, **started: Any) -> Play:
    play = Play(graph)
    play.start(**started)
    for _ in range(3_000):
        asked = questions(play.run)
        if play.run.status in ENDED_RUN or not (play.due or asked):
            return play
        if asked and (not play.due or order.random() < 0.3):
            name, index, cell = order.choice(asked)
            play.answer(name, world.answer(name, index, cell), index=index)
        else:
            call = play.due.pop(order.randrange(len(play.due)))
            play.tell(*world(play, call))
    raise AssertionError("The run goes on and on.")


seeds = st.integers(0, 2**32)
orders = st.integers(0, 2**32).map(random.Random)


@PLAYED
@given(acyclic(), seeds, orders, st.sampled_from([None, "go", "other", "nobody"]))
def test_every_acyclic_run_ends(
    graph: Graph, seed: int, order: random.Random, trigger: str | None
) -> None:
    play = play_out(graph, World(seed), order, trigger=trigger)

    assert play.run.status in ENDED_RUN
    assert all(s.status in ENDED_STEP for s in play.run.steps.values())
    if play.run.status == "completed":
        assert play.run.steps.keys() == graph.vertices.keys()
    assert play.run.active == play.run.asking == 0


@PLAYED
@given(acyclic(), seeds, orders)
def test_no_step_or_item_ends_twice_or_is_called_after_it_ended(
    graph: Graph, seed: int, order: random.Random
) -> None:
    play = play_out(graph, World(seed), order)

    state: RunState | None = None
    ended: set[tuple[str, int | None]] = set()
    calls: Counter[tuple[Any, ...]] = Counter()
    for event in play.log:
        if event.type == "plan.step.execute":
            cell = (event.data["step"], event.data["index"])
            assert cell not in ended
            calls[(*cell, event.data["attempt"])] += 1
        before, state = state, evolve(graph, state, event)
        for name, now in state.steps.items():
            was = before.steps.get(name) if before else None
            assert now.iteration == 1
            if now.status in ENDED_STEP:
                ended.add((name, None))
                assert was is None or was.status not in ENDED_STEP or was == now
            for i, item in enumerate(now.items or ()):
                if item.status in ENDED_STEP:
                    ended.add((name, i))
                    old = was.items[i] if was and was.items else None
                    assert old is None or old.status not in ENDED_STEP or old == item
    assert max(calls.values(), default=1) == 1


@PLAYED
@given(acyclic(), seeds, orders)
def test_folding_the_stored_log_gives_the_same_state(
    graph: Graph, seed: int, order: random.Random
) -> None:
    play = play_out(graph, World(seed), order)

    state: RunState | None = None
    for event in play.log:
        stored = json.loads(json.dumps(event.data))
        state = evolve(graph, state, Event("x", event.type, "ann", event.timestamp, stored))
    assert state == play.run


@PLAYED
@given(acyclic(calm=True), seeds, orders, orders)
def test_the_order_of_parallel_completions_does_not_change_the_outcome(
    graph: Graph, seed: int, order: random.Random, another: random.Random
) -> None:
    one = play_out(graph, World(seed), order).run
    two = play_out(graph, World(seed), another).run

    assert one.status == two.status == "completed"
    for name in graph.vertices:
        assert _outcome(one, name) == _outcome(two, name)


@PLAYED
@given(acyclic(), seeds, orders, orders)
def test_whether_a_run_fails_does_not_depend_on_the_order(
    graph: Graph, seed: int, order: random.Random, another: random.Random
) -> None:
    one = play_out(graph, World(seed), order).run
    two = play_out(graph, World(seed), another).run

    assert one.status == two.status


def _outcome(run: RunState, name: str) -> Any:
    state = run.steps[name]
    items = state.items and [(i.status, i.output) for i in state.items]
    errors = sorted(e["index"] for e in state.errors)
    return state.status, state.output, state.action, items, errors


class Doubting(Play):
    """Tells everything twice, and checks that deciding leaves the state as it was."""

    def tell(self, type: str, data: Mapping[str, Any]) -> Any:
        before, kept, told = self.state, copy.deepcopy(self.state), len(self.log)
        outputs = super().tell(type, data)
        assert before == kept
        after = self.state
        for event in self.log[told:]:
            assert evolve(self.graph, self.state, event) is self.state
        again = super().tell(type, data)
        if type == "run.cancel" or self.state is None:
            return outputs
        assert again == ()
        assert self.state == after
        return outputs


@PLAYED
@given(acyclic(), seeds, orders)
def test_a_repeated_or_late_event_changes_nothing(
    graph: Graph, seed: int, order: random.Random
) -> None:
    world, play = World(seed), Doubting(graph)
    play.start()
    told: list[tuple[str, dict[str, Any]]] = []
    while play.run.status not in ENDED_RUN:
        asked = questions(play.run)
        if asked and (not play.due or order.random() < 0.3):
            name, index, cell = order.choice(asked)
            play.answer(name, world.answer(name, index, cell), index=index)
        else:
            call = play.due.pop(order.randrange(len(play.due)))
            told.append(world(play, call))
            play.tell(*told[-1])
        late = order.choice(told) if told else None
        if late and order.random() < 0.5:
            play.tell(*late)
    end = play.run
    for type, data in told:
        play.tell(type, data)
    play.cancel()
    assert play.run == end


@PLAYED
@given(acyclic(), seeds, orders, st.integers(0, 12))
def test_a_cancelled_run_stays_as_it_was(
    graph: Graph, seed: int, order: random.Random, after: int
) -> None:
    world, play = World(seed), Play(graph)
    play.start()
    for _ in range(after):
        if play.due and play.run.status not in ENDED_RUN:
            play.tell(*world(play, play.due.pop(0)))
    going = play.run.status not in ENDED_RUN
    play.cancel()

    assert play.run.status == "cancelled" if going else play.run.status in ENDED_RUN
    assert all(s.status in ENDED_STEP for s in play.run.steps.values())
    end = play.run
    while play.due:
        assert play.tell(*world(play, play.due.pop(0))) == ()
    assert play.run == end


@PLAYED
@given(reactive(), seeds, orders, st.booleans())
def test_reactive_runs_end_and_no_step_runs_more_often_than_allowed(
    graph: Graph, seed: int, order: random.Random, odd: bool
) -> None:
    play = play_out(graph, World(seed, odd), order)

    assert play.run.status in ENDED_RUN
    calls = Counter(
        (e.data["step"], e.data["iteration"])
        for e in play.log
        if e.type == "plan.step.execute" and e.data["attempt"] == 1
    )
    assert max(calls.values(), default=1) == 1
    assert max((i for _, i in calls), default=1) <= graph.max_iterations
    if play.run.error:
        assert play.run.error["code"] == "EXEC_LOOP_LIMIT"
