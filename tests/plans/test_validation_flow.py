"""Graph and data flow: what comes before what, what may be skipped, and what values are."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.contracts.plans import Catalogue
from backend.contracts.runs import ENDED_RUN
from backend.contracts.tools import ToolSpec
from backend.plans.engine import graph
from tests.plans.documents import unhurried
from tests.plans.play import Play
from tests.plans.toolbox import (
    EVERYTHING,
    changed,
    checked,
    codes,
    issues,
    mended,
    only,
    plan,
    step,
)

URL = {"url": "https://example.com"}


def page(name: str, on: str | list[str] = "go", **fields: Any) -> dict[str, Any]:
    return step(name, on, "web.read", args=URL, **fields)


def uses(name: str, on: str | list[str], value: Any, **fields: Any) -> dict[str, Any]:
    return step(name, on, args={"value": value}, **fields)


# --- the graph ----------------------------------------------------------------------------------------


def test_a_cycle_in_an_acyclic_plan_names_its_steps() -> None:
    raw = plan(step("a", ["go", "step.c"]), step("b", "step.a"), step("c", "step.b"))
    issue = only(raw)
    assert (issue.code, issue.path) == ("PLAN_CYCLE", "steps/0/on")
    assert issue.available == ("a", "b", "c")


def test_each_cycle_is_one_issue() -> None:
    raw = plan(
        step("a", ["go", "step.a"]),
        step("b", ["go", "step.c"]),
        step("c", "step.b"),
    )
    assert [issue.code for issue in issues(raw)] == ["PLAN_CYCLE", "PLAN_CYCLE"]


def test_a_loop_of_a_reactive_plan_needs_a_way_out() -> None:
    bare = plan(step("a", ["go", "step.b"]), step("b", "step.a"), graph_type="reactive")
    assert [issue.code for issue in issues(bare)] == ["PLAN_LOOP_UNBOUNDED"]
    guarded = changed(lambda d: d["steps"][1].update(guard="inputs.again"), bare)
    guarded["inputs"] = {"again": {"type": "boolean"}}
    assert issues(guarded) == ()
    watch = step("a", ["go", "step.b"], "page.watch", args=URL)
    by_action = plan(watch, step("b", "step.a.same"), graph_type="reactive")
    assert [issue.severity for issue in issues(by_action)] == ["warning"]


def test_a_step_no_trigger_leads_to_is_an_error() -> None:
    raw = plan(step("a"), step("b", "step.b"), graph_type="reactive")
    assert ("PLAN_STEP_UNREACHABLE", "steps/1/on") in codes(raw)


def test_a_plan_without_trigger_is_offered_a_start_by_hand() -> None:
    raw = plan(step("a", "event.start"), step("b", ["step.a", "event.start"]), events=[])
    found = issues(raw)
    assert {issue.code for issue in found} == {"PLAN_EVENT_UNKNOWN"}
    assert issues(mended(raw, found[0])) == ()


def test_of_two_undeclared_events_neither_is_made_up() -> None:
    raw = plan(step("a", "event.start"), step("b", "event.other"), events=[])
    assert [issue.fix for issue in issues(raw)] == [None, None]


def test_what_waits_for_an_unknown_name_is_reported_once() -> None:
    raw = plan(step("a", "event.start"), uses("b", "step.a", "${a.x}"), events=[])
    assert codes(raw) == [("PLAN_EVENT_UNKNOWN", "steps/0/on/0")]


def test_waiting_for_all_of_a_loop_is_a_deadlock() -> None:
    raw = plan(
        step("a", ["go", "step.b"], join="all"),
        step("b", "step.a", guard="event.again"),
        graph_type="reactive",
    )
    issue = only(raw)
    assert (issue.code, issue.path) == ("PLAN_DEADLOCK", "steps/0/join")
    assert issues(mended(raw, issue)) == ()


# --- order --------------------------------------------------------------------------------------------


def test_a_step_can_use_what_any_step_upstream_made() -> None:
    raw = plan(
        page("a"),
        page("b", "step.a"),
        uses("c", "step.b", "${a.text} ${b.text}"),
    )
    assert issues(raw) == ()


def test_a_step_cannot_use_what_runs_beside_it() -> None:
    raw = plan(page("a"), uses("b", "go", "${a.text}"))
    issue = only(raw)
    assert (issue.code, issue.path) == ("PLAN_REFERENCE_NOT_BEFORE", "steps/1/args/value")
    assert "step.a" in issue.suggestion


def test_a_step_cannot_use_itself_or_what_comes_later() -> None:
    raw = plan(uses("a", "go", "${a.x} ${b.x}"), step("b", "step.a"))
    assert [code for code, _ in codes(raw)] == ["PLAN_REFERENCE_NOT_BEFORE"] * 2


def test_a_join_of_all_can_use_every_branch() -> None:
    raw = plan(
        page("a"),
        page("b", "step.a"),
        page("c", "step.a"),
        uses("d", ["step.b", "step.c"], "${b.text} ${c.text}"),
        uses("e", "step.d", "${b.text} ${c.text}"),
    )
    assert issues(raw) == ()


def test_a_join_of_any_cannot_rely_on_either_branch() -> None:
    raw = plan(
        page("a"),
        page("b", "step.a"),
        page("c", "step.a"),
        uses("d", ["step.b", "step.c"], "${a.text} ${b.text}", join="any"),
    )
    issue = only(raw)
    assert (issue.code, issue.message[:9]) == ("PLAN_REFERENCE_NEEDS_DEFAULT", "${b.text}")


@pytest.mark.parametrize(
    "skippable",
    [
        {"guard": "inputs.go_on"},
        {"on_error": "continue"},
    ],
)
def test_what_may_be_skipped_needs_a_default(skippable: dict[str, Any]) -> None:
    raw = plan(
        page("a"),
        page("b", "step.a", **skippable),
        uses("c", ["step.a", "step.b"], "${a.text} ${b.text}"),
        inputs={"go_on": {"type": "boolean"}},
    )
    assert codes(raw) == [("PLAN_REFERENCE_NEEDS_DEFAULT", "steps/2/args/value")]
    with_default = changed(lambda d: d["steps"][2]["args"].update(value='${b.text ?? ""}'), raw)
    assert issues(with_default) == ()


def test_what_only_a_done_step_starts_needs_no_default() -> None:
    raw = plan(
        page("a", guard="inputs.go_on"),
        uses("b", "step.a", "${a.text}"),
        inputs={"go_on": {"type": "boolean"}},
    )
    assert issues(raw) == ()


def test_branches_of_named_actions_may_be_skipped() -> None:
    watch = step("watch", "go", "page.watch", args=URL)
    branches = [page("yes", "step.watch.changed"), page("no", "step.watch.same")]
    after = uses("after", ["step.yes", "step.no"], "${watch.text} ${yes.text}")
    assert codes(plan(watch, *branches, after)) == [
        ("PLAN_REFERENCE_NEEDS_DEFAULT", "steps/3/args/value")
    ]
    inside = uses("inside", "step.yes", "${watch.text} ${yes.text}")
    assert issues(plan(watch, *branches, inside)) == ()


def test_the_plain_name_of_a_step_with_named_actions_may_not_be_called() -> None:
    raw = plan(
        step("watch", "go", "page.watch", args=URL),
        page("plain", "step.watch"),
        uses("after", ["step.plain", "step.watch.changed"], "${plain.text}"),
    )
    found = [i.code for i in issues(raw) if i.severity == "error"]
    assert found == ["PLAN_REFERENCE_NEEDS_DEFAULT"]


def test_a_handler_of_errors_cannot_use_what_failed() -> None:
    raw = plan(
        page("a", on_error="route"),
        uses("mend", "step.a.error", "${a.text}"),
    )
    assert codes(raw) == [("PLAN_REFERENCE_NEEDS_DEFAULT", "steps/1/args/value")]


def test_of_several_triggers_each_starts_only_its_own() -> None:
    events = [{"name": "go", "kind": "manual"}, {"name": "tick", "kind": "manual"}]
    apart = plan(
        page("a", "go"),
        page("b", "tick"),
        uses("c", ["step.a", "step.b"], "${a.text}"),
        events=events,
    )
    assert codes(apart) == [("PLAN_REFERENCE_NEEDS_DEFAULT", "steps/2/args/value")]
    together = changed(
        lambda d: [s.update(on=["go", "tick"]) for s in d["steps"][:2]],
        apart,
    )
    assert issues(together) == ()


def test_a_loop_can_use_its_last_round_with_a_default() -> None:
    raw = plan(
        uses("a", ["go", "step.b"], "${b.text}"),
        page("b", "step.a", guard="event.again"),
        graph_type="reactive",
    )
    assert codes(raw) == [("PLAN_REFERENCE_NEEDS_DEFAULT", "steps/0/args/value")]


def test_guards_are_held_to_the_same_rules() -> None:
    raw = plan(
        page("a"),
        page("b", "step.a", guard="a.status == 200"),
        step("c", ["step.a", "step.b"], guard="b.status == 200"),
    )
    assert codes(raw) == [("PLAN_REFERENCE_NEEDS_DEFAULT", "steps/2/guard")]
    raw["steps"][2]["guard"] = "default(b.status, 0) == 200"
    assert issues(raw) == ()


@pytest.mark.parametrize(
    ("guard", "code"),
    [
        ("a.status == 200", None),
        ("len(a.links) > 0 and event.x == 1", None),
        ("a.statos == 200", "PLAN_REFERENCE_UNKNOWN"),
        ("nobody.x", "PLAN_REFERENCE_UNKNOWN"),
        ("item == 1", "PLAN_REFERENCE_UNKNOWN"),
        ("inputs.nothing", "PLAN_REFERENCE_UNKNOWN"),
        ("run.id != ''", None),
        ("a.status ==", "PLAN_EXPRESSION_INVALID"),
        ("__import__('os').system('x')", "PLAN_EXPRESSION_INVALID"),
    ],
)
def test_names_in_a_guard_resolve(guard: str, code: str | None) -> None:
    found = codes(plan(page("a"), step("b", "step.a", guard=guard)))
    assert found == ([(code, "steps/1/guard")] if code else [])


def test_a_guard_spells_hyphens_as_underscores() -> None:
    raw = plan(page("a-b"), step("c", "step.a-b", guard="a_b.status == 200"))
    assert issues(raw) == ()


# --- values -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("${a.text}", None),
        ("${a.links[0]}", None),
        ("${a.links.0}", None),
        ("${a}", None),
        ("${inputs.who}", None),
        ("${run.id} ${event.anything.at[0].all}", None),
        ("$${a.nothing}", None),
        ("${a.txt}", "PLAN_REFERENCE_UNKNOWN"),
        ("${a.text.deeper}", "PLAN_REFERENCE_UNKNOWN"),
        ("${a.links.first}", "PLAN_REFERENCE_UNKNOWN"),
        ("${inputs.whom}", "PLAN_REFERENCE_UNKNOWN"),
        ("${who}", "PLAN_REFERENCE_UNKNOWN"),
        ("${event}", None),
        ("${item}", "PLAN_REFERENCE_UNKNOWN"),
        ("${run.owner}", "PLAN_REFERENCE_UNKNOWN"),
        ("${a.text", "PLAN_REFERENCE_INVALID"),
        ("${}", "PLAN_REFERENCE_INVALID"),
    ],
)
def test_references_resolve(value: str, code: str | None) -> None:
    raw = plan(page("a"), uses("b", "step.a", [value]), inputs={"who": {}})
    found = [issue.code for issue in issues(raw)]
    assert found == ([code] if code else [])


def test_a_misspelt_output_is_mended_in_place() -> None:
    raw = plan(page("a"), uses("b", "step.a", "Look: ${a.txet}, ${a.text}"))
    issue = only(raw)
    assert issue.available == ("text", "status", "links")
    assert issue.fix is not None
    assert issue.fix.value == "Look: ${a.text}, ${a.text}"


def test_an_input_without_its_root_is_mended() -> None:
    raw = plan(uses("a", "go", "${who}"), inputs={"who": {}})
    assert issues(mended(raw, only(raw))) == ()


def mail(on: str, **args: Any) -> dict[str, Any]:
    given = {"to": "a@example.com", "subject": "s", "body": "b", **args}
    return step("send", on, "email.send", args=given)


@pytest.mark.parametrize(
    ("args", "fits"),
    [
        ({"body": "${a.text}"}, True),
        ({"body": "${a.links}"}, False),
        ({"body": "Links: ${a.links}"}, True),
        ({"priority": "${a.status}"}, True),
        ({"priority": "${a.text}"}, False),
        ({"priority": "No. ${a.status}"}, False),
        ({"tags": "${a.links}"}, True),
        ({"tags": ["${a.links}"]}, False),
        ({"tags": ["${a.links[0]}", "x"]}, True),
        ({"to": "${inputs.who}"}, True),
        ({"to": "${inputs.count}"}, False),
        ({"body": "${event.text}"}, True),
    ],
)
def test_the_kinds_of_values_agree(args: dict[str, Any], fits: bool) -> None:
    raw = plan(page("a"), mail("step.a", **args), inputs={"who": {}, "count": {"type": "integer"}})
    assert [i.code for i in issues(raw)] == ([] if fits else ["PLAN_INTERFACE_MISMATCH"])


def test_a_mismatch_offers_outputs_that_fit() -> None:
    issue = only(plan(page("a"), mail("step.a", body="${a.links}")))
    assert issue.available == ("${a.text}",)


def test_items_exist_only_in_a_repeated_step() -> None:
    raw = plan(
        page("a"),
        step(
            "each",
            "step.a",
            "web.read",
            args={"url": "${item}"},
            for_each="${a.links}",
            guard="index < 10",
        ),
    )
    assert issues(raw) == ()


def test_items_have_the_kind_of_the_lists_elements() -> None:
    feed = step("a", "go", "feed.read", args=URL)
    one = step("b", "step.a", "web.read", args={"url": "${item.link}"}, for_each="${a.entries}")
    assert issues(plan(feed, one)) == ()
    one["args"]["url"] = "${item.href}"
    assert codes(plan(feed, one)) == [("PLAN_REFERENCE_UNKNOWN", "steps/1/args/url")]
    one["args"]["url"] = "${item}"
    assert codes(plan(feed, one)) == [("PLAN_INTERFACE_MISMATCH", "steps/1/args/url")]


@pytest.mark.parametrize(
    ("for_each", "code"),
    [
        ("${a.text}", "PLAN_INTERFACE_MISMATCH"),
        ("${a.links} and more", "PLAN_FOR_EACH_INVALID"),
        ("a.links", "PLAN_FOR_EACH_INVALID"),
        ("${item}", "PLAN_FOR_EACH_INVALID"),
        ("${a.links", "PLAN_REFERENCE_INVALID"),
        ("${a.lnks}", "PLAN_REFERENCE_UNKNOWN"),
    ],
)
def test_for_each_is_one_reference_to_a_list(for_each: str, code: str) -> None:
    raw = plan(page("a"), step("b", "step.a", for_each=for_each))
    assert codes(raw) == [(code, "steps/1/for_each")]


def test_a_repeated_step_gives_a_list_of_each_output() -> None:
    feed = step("a", "go", "feed.read", args=URL)
    pages = step(
        "pages", "step.a", "web.read", args={"url": "${item.link}"}, for_each="${a.entries}"
    )
    assert (
        issues(plan(feed, pages, uses("c", "step.pages", "${pages.text[0]} ${pages.errors}"))) == ()
    )
    send = mail("step.pages", body="${pages.text}")
    assert [i.code for i in issues(plan(feed, pages, send))] == ["PLAN_INTERFACE_MISMATCH"]


def test_a_guard_on_items_skips_items_not_the_step() -> None:
    pages = page("pages", "step.a", for_each="${a.links}", guard="index < 3")
    after = uses("c", ["step.a", "step.pages"], "${pages.text}")
    assert issues(plan(page("a"), pages, after)) == ()
    pages["guard"] = "a.status == 200"
    assert [i.code for i in issues(plan(page("a"), pages, after))] == [
        "PLAN_REFERENCE_NEEDS_DEFAULT"
    ]


def test_a_limit_on_nothing_repeated_is_an_issue() -> None:
    assert codes(plan(step("a", max_parallel=2))) == [
        ("PLAN_FOR_EACH_INVALID", "steps/0/max_parallel")
    ]


@pytest.mark.parametrize(
    ("given_input", "path"),
    [
        ({"type": "integer", "default": "5"}, "inputs/x/default"),
        ({"type": "boolean", "default": 1}, "inputs/x/default"),
        ({"enum": ["a", "b"], "default": "c"}, "inputs/x/default"),
        ({"enum": ["a", 2]}, "inputs/x/enum/1"),
        ({"format": "email", "default": "nobody"}, "inputs/x/default"),
    ],
)
def test_an_inputs_default_must_be_of_its_type(given_input: dict[str, Any], path: str) -> None:
    assert codes(plan(step("a"), inputs={"x": given_input})) == [("PLAN_INPUT_INVALID", path)]


# --- the validator against the engine -------------------------------------------------------------------

WATCH = ToolSpec(id="test.watch", name="w", description="w", actions=("changed", "same"))
PLAIN = ToolSpec(id="test.tool", name="t", description="t")
PLAYED = Catalogue({**EVERYTHING.tools, WATCH.id: WATCH, PLAIN.id: PLAIN})


def announced(other: dict[str, Any]) -> list[str]:
    """The names under which a step can be listened to."""
    name = f"step.{other['name']}"
    errors = [f"{name}.error"] if other.get("on_error") == "route" else []
    actions = [f"{name}.changed", f"{name}.same"] if other["action"] == WATCH.id else []
    return [name, *errors, *actions]


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    """Plans of up to eight steps in which everything refers to everything before it."""
    size = draw(st.integers(2, 8))
    triggers = draw(st.lists(st.sampled_from(["go", "tick"]), min_size=1, unique=True))
    steps: list[dict[str, Any]] = []
    for index in range(size):
        earlier = [name for other in steps for name in announced(other)]
        fields: dict[str, Any] = {}
        if draw(st.booleans()):
            fields["join"] = draw(st.sampled_from(["all", "any"]))
        if draw(st.integers(0, 3)) == 0:
            fields["guard"] = f"inputs.g{index}"
        if draw(st.integers(0, 3)) == 0:
            fields["on_error"] = draw(st.sampled_from(["continue", "route"]))
        heard = draw(
            st.lists(st.sampled_from([*triggers, *earlier]), min_size=1, max_size=3, unique=True)
        )
        action = draw(st.sampled_from([PLAIN.id, PLAIN.id, WATCH.id]))
        args = {other["name"]: f"${{{other['name']}.x}}" for other in steps}
        steps.append(step(f"s{index}", heard, action, args=args, **fields))
    inputs = {f"g{index}": {"type": "boolean"} for index in range(size)}
    return plan(
        *steps,
        events=[{"name": name, "kind": "manual"} for name in triggers],
        inputs=inputs,
        graph_type=draw(st.sampled_from(["acyclic", "acyclic", "reactive"])),
    )


def without_unsure_references(raw: dict[str, Any]) -> dict[str, Any]:
    """The plan with only the references left that validation allows without a default."""
    fresh = changed(lambda d: None, raw)
    for issue in issues(raw, catalogue=PLAYED):
        if issue.code in ("PLAN_REFERENCE_NEEDS_DEFAULT", "PLAN_REFERENCE_NOT_BEFORE"):
            _, index, _, name = issue.path.split("/")
            del fresh["steps"][int(index)]["args"][name]
    return fresh


def played(raw: dict[str, Any], chance: random.Random) -> Play:
    """One run in which everything that can vary is left to chance."""
    result = checked(raw, catalogue=PLAYED)
    assert result.ir is not None
    play = Play(graph(result.ir))
    trigger = chance.choice([None, *(event["name"] for event in raw["events"])])
    play.start(trigger=trigger, inputs={name: chance.random() < 0.6 for name in raw["inputs"]})
    while play.due:
        call = chance.choice(play.due)
        name, watches = call["step"], call["tool"] == WATCH.id
        if chance.random() < 0.2:
            play.fail(name)
        else:
            action = chance.choice(["changed", "same", "default"]) if watches else "default"
            play.done(name, {"x": 1}, action=action)
    return play


@settings(unhurried, max_examples=300)
@given(graphs(), st.integers(0, 2**32))
def test_an_accepted_reference_is_never_missing_at_run_time(raw: dict[str, Any], seed: int) -> None:
    play = played(without_unsure_references(raw), random.Random(seed))
    missing = [event for event in play.log if "EXEC_REFERENCE_MISSING" in str(event.data)]
    assert missing == []
    assert play.run.status in ENDED_RUN


def test_a_default_is_not_asked_for_in_vain() -> None:
    """For each skippable shape there is a run in which the reference is really missing."""
    raw = plan(
        step("a", "go", PLAIN.id),
        step("b", "step.a", PLAIN.id, guard="inputs.g"),
        step("c", ["step.a", "step.b"], PLAIN.id, args={"b": "${b.x}"}),
        inputs={"g": {"type": "boolean"}},
    )
    assert [i.code for i in issues(raw, catalogue=PLAYED)] == ["PLAN_REFERENCE_NEEDS_DEFAULT"]
    result = checked(raw, catalogue=PLAYED)
    assert result.ir is not None
    play = Play(graph(result.ir))
    play.start(inputs={"g": False})
    play.done("a", {"x": 1})
    assert play["c"].error is not None
    assert play["c"].error["code"] == "EXEC_REFERENCE_MISSING"
