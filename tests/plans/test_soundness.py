"""The validator and the engine agree: what validates never stands still, ends, and has no dead step."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backend.contracts.plans import IR, RESERVED_ACTION, Catalogue, Edge
from backend.contracts.runs import ENDED_RUN, RunState
from backend.contracts.tools import ToolSpec
from backend.plans.engine import evolve, graph
from tests.plans.documents import unhurried
from tests.plans.play import Play
from tests.plans.toolbox import checked, issues, plan, step

PLAIN = ToolSpec(id="test.tool", name="t", description="t", purity="pure")
WATCH = PLAIN.model_copy(update={"id": "test.watch", "actions": ("changed", "same")})
TOOLS = Catalogue({WATCH.id: WATCH, PLAIN.id: PLAIN})
FAILS = "fails"
MOST_CALLS = 400

Outcome = Callable[[Mapping[str, Any]], str]


# --- random plans -------------------------------------------------------------------------------------


def announced(other: dict[str, Any]) -> list[str]:
    """The names under which a step can be listened to."""
    name = f"step.{other['name']}"
    errors = [f"{name}.error"] if other.get("on_error") else []
    actions = [f"{name}.changed", f"{name}.same"] if other["action"] == WATCH.id else []
    return [name, *errors, *actions, *other.get("emits", [])]


@st.composite
def plans(draw: st.DrawFn, *, reactive: bool) -> dict[str, Any]:
    """Two to five steps, listening to any mixture of triggers and each other."""
    triggers = draw(st.sampled_from([["go"], ["go"], ["go", "tick"]]))
    steps: list[dict[str, Any]] = []
    for index in range(draw(st.integers(2, 5))):
        fields: dict[str, Any] = {
            "join": draw(st.sampled_from([None, None, "all", "any"])),
            "guard": draw(st.sampled_from([None, None, f"inputs.g{index}"])),
            "on_error": draw(st.sampled_from([None, None, None, "continue", "route"])),
            "emits": draw(st.sampled_from([[], [], ["said"], ["told"]])),
        }
        action = draw(st.sampled_from([PLAIN.id, WATCH.id]))
        steps.append(step(f"s{index}", [], action, **fields))
    for index, each in enumerate(steps):
        others = steps if reactive else steps[:index]
        names = [name for other in others for name in announced(other)]
        each["on"] = draw(
            st.lists(st.sampled_from([*triggers, *names]), min_size=1, max_size=3, unique=True)
        )
    heard = {name for each in steps for name in each["on"]}
    for each in steps:
        if each["on_error"] == "route" and f"step.{each['name']}.error" not in heard:
            each["on_error"] = "continue"
    more = {"graph_type": "reactive", "max_iterations": 4} if reactive else {}
    return plan(
        *steps,
        events=[{"name": name, "kind": "manual"} for name in triggers],
        inputs={f"g{index}": {"type": "boolean"} for index in range(len(steps))},
        **more,
    )


def compiled(raw: dict[str, Any]) -> IR:
    result = checked(raw, catalogue=TOOLS)
    assert result.ok, result.issues
    assert result.ir is not None
    return result.ir


def valid(raw: dict[str, Any]) -> IR:
    """The IR of a plan that validates; others are not looked at."""
    assume(checked(raw, catalogue=TOOLS).ok)
    return compiled(raw)


# --- random runs --------------------------------------------------------------------------------------


def outcomes(tool: str) -> list[str]:
    return ["default", FAILS, *(WATCH.actions if tool == WATCH.id else ())]


def played(
    ir: IR, outcome: Outcome, chance: random.Random, trigger: str | None, guards: Mapping[str, bool]
) -> Play:
    play = Play(graph(ir))
    play.start(trigger=trigger, inputs=guards)
    calls = 0
    while play.due:
        call = chance.choice(play.due)
        said = outcome(call)
        if said == FAILS:
            play.fail(call["step"])
        else:
            play.done(call["step"], {"x": 1}, action=said)
        calls += 1
        assert calls < MOST_CALLS, "The run goes on and on."
    return play


def by_chance(ir: IR, seed: int) -> Play:
    chance = random.Random(seed)
    names = [trigger.name for trigger in ir.triggers]
    guards = {name: chance.random() < 0.7 for name in ir.inputs}
    always = {node.id: chance.choice(outcomes(node.tool)) for node in ir.nodes}
    stubborn = chance.random() < 0.4

    def outcome(call: Mapping[str, Any]) -> str:
        return always[call["step"]] if stubborn else chance.choice(outcomes(call["tool"]))

    return played(ir, outcome, chance, chance.choice([None, *names]), guards)


def before_completion(play: Play) -> RunState | None:
    state: RunState | None = None
    for event in play.log:
        if event.type == "run.completed":
            return state
        state = evolve(play.graph, state, event)
    return None


def called(play: Play) -> set[str]:
    return {event.data["step"] for event in play.log if event.type == "plan.step.execute"}


@pytest.mark.parametrize("reactive", [False, True])
def test_a_run_of_a_valid_plan_ends_and_nothing_waits_for_what_never_comes(reactive: bool) -> None:
    @settings(unhurried, max_examples=120)
    @given(plans(reactive=reactive), st.lists(st.integers(0, 2**32), min_size=6, max_size=6))
    def property(raw: dict[str, Any], seeds: list[int]) -> None:
        ir = valid(raw)
        for seed in seeds:
            play = by_chance(ir, seed)
            assert play.run.status in ENDED_RUN
            state = before_completion(play)
            if state is None:
                continue
            stuck = {name for name in state.fired if name not in state.steps}
            assert not stuck
            if not reactive:
                assert state.steps.keys() == play.graph.vertices.keys()

    property()


@pytest.mark.parametrize("reactive", [False, True])
def test_every_step_of_a_valid_plan_runs_in_some_play(reactive: bool) -> None:
    @settings(unhurried, max_examples=80)
    @given(plans(reactive=reactive))
    def property(raw: dict[str, Any]) -> None:
        ir = valid(raw)
        for node in ir.nodes:
            assert any(node.id in called(play) for play in directed(ir, node.id)), node.id

    property()


def directed(ir: IR, target: str) -> Iterator[Play]:
    """Plays that try to get to a step: along each of the short ways to it, then by chance."""
    guards = dict.fromkeys(ir.inputs, True)
    for way in ways(ir, target):
        ends = {edge.source: ending(edge) for edge in way[1:]}

        def outcome(call: Mapping[str, Any], ends: Mapping[str, str] = ends) -> str:
            first = call["iteration"] == 1
            return ends.get(call["step"], "default") if first else FAILS

        def again(call: Mapping[str, Any], ends: Mapping[str, str] = ends) -> str:
            return ends.get(call["step"], "default")

        for tried in (outcome, again):
            yield played(ir, tried, random.Random(0), way[0].source, guards)
    for seed in range(400):
        yield by_chance(ir, seed)


def ways(ir: IR, target: str) -> list[list[Edge]]:
    """The ways from a trigger to a step that pass no step twice, shortest first."""
    triggers = {trigger.name for trigger in ir.triggers}
    found: list[list[Edge]] = []
    todo: list[list[Edge]] = [[edge] for edge in ir.edges if edge.to == target]
    while todo and len(found) < 8:
        way = todo.pop(0)
        if way[0].source in triggers:
            found.append(way)
            continue
        seen = {edge.to for edge in way}
        todo += [[e, *way] for e in ir.edges if e.to == way[0].source and e.source not in seen]
    return found


def ending(edge: Edge) -> str:
    if edge.action == RESERVED_ACTION:
        return FAILS
    return "default" if edge.event is not None else edge.action or "default"


def test_enough_of_the_random_plans_are_valid() -> None:
    counted: Counter[tuple[bool, bool]] = Counter()

    @settings(unhurried, max_examples=60)
    @given(plans(reactive=False), plans(reactive=True))
    def count(acyclic: dict[str, Any], reactive: dict[str, Any]) -> None:
        counted[False, checked(acyclic, catalogue=TOOLS).ok] += 1
        counted[True, checked(reactive, catalogue=TOOLS).ok] += 1

    count()
    assert counted[False, True] > counted[False, False]
    assert counted[True, True] > 6


# --- what each of them is about -----------------------------------------------------------------------


def test_a_step_whose_guard_is_always_false_is_dead() -> None:
    for guard in ("false", "1 > 2", "len('') == 1"):
        found = issues(plan(step("a", guard=guard)))
        assert [(i.code, i.path) for i in found] == [("PLAN_STEP_UNREACHABLE", "steps/0/guard")]


def test_a_guard_that_looks_at_nothing_is_no_way_out_of_a_loop() -> None:
    raw = plan(
        step("a", ["go", "step.b"]), step("b", "step.a", guard="1 < 2"), graph_type="reactive"
    )
    assert [i.code for i in issues(raw)] == ["PLAN_LOOP_UNBOUNDED"]


def test_a_guard_beside_a_loop_is_no_way_out_of_it() -> None:
    """a → b → a goes on, whatever the guarded c does."""
    raw = plan(
        step("a", ["go", "step.b", "step.c"]),
        step("b", "step.a"),
        step("c", "step.a", guard="event.again"),
        graph_type="reactive",
    )
    (issue,) = issues(raw)
    assert (issue.code, issue.available) == ("PLAN_LOOP_UNBOUNDED", ("a", "b"))


def test_a_join_in_a_reactive_plan_does_not_wait_for_what_was_never_called() -> None:
    raw = plan(
        step("watch", "go", WATCH.id),
        step("tell", "step.watch.changed", PLAIN.id),
        step("extra", "step.tell", PLAIN.id),
        step("last", ["go", "step.extra"], PLAIN.id, join="all"),
        graph_type="reactive",
    )
    play = Play(graph(compiled(raw)))
    play.start()
    assert play.waiting_calls == ["watch"]
    play.done("watch", action="same")
    assert play.waiting_calls == ["last"]
    play.done("last")
    assert play.run.status == "completed"
    assert play["extra"].status == "pending"


def test_of_two_joins_that_stand_still_the_one_upstream_goes_first() -> None:
    raw = plan(
        step("watch", "go", WATCH.id),
        step("tell", "step.watch.changed", PLAIN.id),
        step("late", ["go", "step.early", "step.tell"], PLAIN.id, join="all"),
        step("early", ["go", "step.tell"], PLAIN.id, join="all"),
        graph_type="reactive",
    )
    play = Play(graph(compiled(raw)))
    play.start()
    play.done("watch", action="same")
    assert play.waiting_calls == ["early"]
    play.done("early")
    assert play.waiting_calls == ["late"]


def test_a_join_waits_while_somebody_is_asked() -> None:
    raw = plan(
        step("ask", "go", PLAIN.id),
        step("tell", "step.ask.error", PLAIN.id),
        step("last", ["go", "step.tell"], PLAIN.id, join="all"),
        graph_type="reactive",
    )
    raw["steps"][0]["on_error"] = "route"
    play = Play(graph(compiled(raw)))
    play.start()
    play.ask("ask")
    assert play.waiting_calls == []
    play.answer("ask", "yes")
    assert play.waiting_calls == ["last"]


def test_a_join_that_had_its_turn_is_not_let_go_again() -> None:
    raw = plan(
        step("a", ["go", "step.b"], PLAIN.id),
        step("b", "step.a", WATCH.id, guard="inputs.again"),
        step("last", ["go", "step.a"], PLAIN.id, join="all"),
        graph_type="reactive",
        max_iterations=2,
        inputs={"again": {"type": "boolean"}},
    )
    play = Play(graph(compiled(raw)))
    play.start(inputs={"again": True})
    play.done("a")
    play.done("last")
    play.done("b")
    play.done("a")
    play.done("b", action="same")
    assert play.waiting_calls == []
    assert play["last"].iteration == 1
    assert play.run.status == "completed"
