"""The rules of a run, one by one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from backend.contracts.events import EVENT_TYPES, Event, derived_id
from backend.contracts.plans import IR, DataMapping, Node, PlanDocument
from backend.plans.engine import MAX_ITEMS, decide, evolve, graph
from backend.plans.ir import compile_document
from tests.plans.play import BEGAN, Play, plan, started, step

# --- starting -----------------------------------------------------------------------------------------


def test_a_run_begins_with_the_steps_that_listen_to_its_trigger() -> None:
    play = started(step("a"), step("b", "step.a"))

    assert [e.type for e in play.log] == ["plan.execute", "run.started", "plan.step.execute"]
    assert play.statuses == {"a": "running", "b": "pending"}
    assert (play.run.owner, play.run.plan_id, play.run.ir_hash) == ("ann", "p1", "h")
    assert play.run.started_at == BEGAN


def test_a_step_that_only_another_trigger_starts_is_skipped() -> None:
    play = Play(
        plan(
            step("a", "morning"),
            step("b", "evening"),
            step("c", ["morning", "evening"]),
            events=[{"name": n, "kind": "manual"} for n in ("morning", "evening")],
        )
    )
    play.start(trigger="evening")

    assert play.statuses == {"a": "skipped", "b": "running", "c": "running"}


def test_run_now_starts_the_steps_of_all_triggers() -> None:
    events = [{"name": n, "kind": "manual"} for n in ("morning", "evening")]
    play = started(step("a", "morning"), step("b", "evening"), events=events)

    assert play.statuses == {"a": "running", "b": "running"}


def test_a_trigger_named_like_a_step_is_not_that_step() -> None:
    play = started(
        step("news"),
        step("b", "news"),
        events=[{"name": "go", "kind": "manual"}, {"name": "news", "kind": "manual"}],
    )

    assert play.statuses == {"news": "running", "b": "running"}


def test_a_name_nobody_says_starts_nothing() -> None:
    play = started(step("a"), step("b", "a"))

    assert play.statuses == {"a": "running", "b": "skipped"}


def test_a_call_carries_all_a_worker_needs() -> None:
    retry = {"max_attempts": 5}
    play = started(step("a", args={"url": "${inputs.url}"}, timeout_s=9, retry=retry), inputs=URL)
    call = play.take("a")

    assert call == {
        "run_id": "r1",
        "step": "a",
        "tool": "test.tool",
        "args": {"url": "http://x/"},
        "attempt": 1,
        "iteration": 1,
        "index": None,
        "key": derived_id("r1", "a", 1, "", 1),
        "timeout_s": 9.0,
        "max_attempts": 5,
    }
    assert not set(EVENT_TYPES["plan.step.execute"].required) - call.keys()


URL = {"url": {"default": "http://x/"}}


def test_given_inputs_overrule_defaults() -> None:
    play = Play(plan(step("a", args={"url": "${inputs.url}"}), inputs=URL))
    play.start(inputs={"url": "http://y/"})

    assert play.take("a")["args"] == {"url": "http://y/"}


@pytest.mark.parametrize("given", [{}, {"to": None}])
def test_a_run_without_a_needed_input_fails_before_any_step(given: dict[str, Any]) -> None:
    play = Play(plan(step("a"), inputs={"to": {"type": "string"}}))
    play.start(inputs=given)

    assert play.run.status == "failed"
    assert play.run.error == {
        "code": "EXEC_INPUT_MISSING",
        "message": "Not given: to.",
        "hint": "Give it and run again.",
    }
    assert not play.due


def test_the_run_and_what_started_it_can_be_referred_to() -> None:
    play = Play(
        plan(
            step(
                "a", args={"id": "${run.id}", "from": "${event.sender}", "at": "${run.started_at}"}
            )
        )
    )
    play.start(event={"sender": "bob"})

    assert play.take("a")["args"] == {"id": "r1", "from": "bob", "at": BEGAN.isoformat()}


# --- joins, guards, skipping --------------------------------------------------------------------------


def test_under_all_a_step_waits_for_everything_upstream() -> None:
    play = started(step("a"), step("b"), step("c", ["step.a", "step.b"]))
    play.done("a")
    assert play["c"].status == "pending"
    play.done("b")
    assert play["c"].status == "running"


def test_under_any_a_step_starts_at_the_first_and_only_once() -> None:
    play = started(step("a"), step("b"), step("c", ["step.a", "step.b"], join="any"))
    play.done("b")
    assert play.waiting_calls == ["a", "c"]
    play.done("c")
    play.done("a")
    assert play.run.status == "completed"
    assert play["c"].iteration == 1


def test_a_step_whose_guard_is_false_is_skipped_and_skipping_travels_on() -> None:
    play = started(step("a", guard="1 > 2"), step("b", "step.a"), step("c", "step.b"))

    assert play.statuses == dict.fromkeys("abc", "skipped")
    assert play.run.status == "completed"


def test_under_all_one_that_is_done_is_enough_when_the_rest_is_skipped() -> None:
    play = started(
        step("a"), step("b", guard="false"), step("c", ["step.a", "step.b"]), step("d", "step.b")
    )
    assert play.statuses == {"a": "running", "b": "skipped", "c": "pending", "d": "skipped"}
    play.done("a")
    assert play["c"].status == "running"


def test_under_any_a_step_is_skipped_when_nothing_is_left_that_could_start_it() -> None:
    play = started(
        step("a"),
        step("b", "step.a", guard="false"),
        step("c", ["step.a.error", "step.b"], join="any"),
    )
    play.done("a")

    assert play.statuses == {"a": "done", "b": "skipped", "c": "skipped"}


def test_a_guard_sees_inputs_and_outputs() -> None:
    play = started(
        step("a"),
        step("b", "step.a", guard="a.status != 200 and inputs.careful"),
        step("c", "step.a", guard="a.status == 200"),
        inputs={"careful": {"type": "boolean", "default": True}},
    )
    play.done("a", {"status": 404})

    assert play.statuses == {"a": "done", "b": "running", "c": "skipped"}


def test_a_guard_that_cannot_be_decided_fails_its_step() -> None:
    play = started(step("a"), step("b", "step.a", guard="a.nothing > 1"))
    play.done("a", {"status": 404})

    assert play.run.status == "failed"
    assert play["b"].error is not None
    assert play["b"].error["code"] == "EXEC_EXPRESSION_FAILED"
    assert play.run.error == {**play["b"].error, "step": "b"}


def test_a_hyphenated_step_is_spelled_with_underscores_in_a_guard() -> None:
    play = started(step("read-feed"), step("b", "step.read-feed", guard="read_feed.count > 1"))
    play.done("read-feed", {"count": 2})

    assert play["b"].status == "running"


# --- what a step announces ----------------------------------------------------------------------------


def test_a_named_action_starts_only_who_listens_to_it() -> None:
    play = started(
        step("a"), step("b", "step.a"), step("c", "step.a.empty"), step("d", "step.a.other")
    )
    play.done("a", action="empty")

    assert play.statuses == {"a": "done", "b": "skipped", "c": "running", "d": "skipped"}
    assert play["a"].action == "empty"


def test_emitted_names_are_said_whatever_the_action() -> None:
    play = started(
        step("a", emits=["news"]), step("b", emits=["news"]), step("c", "news"), step("d", "step.a")
    )
    play.done("a", action="empty")
    assert play["c"].status == "pending"
    play.done("b")
    assert play["c"].status == "running"
    assert play["d"].status == "skipped"


def test_emitted_names_are_not_said_of_what_was_skipped_or_failed() -> None:
    play = started(
        step("a", emits=["news"], guard="false"),
        step("b", emits=["talk"], on_error="continue"),
        step("c", "news"),
        step("d", "talk"),
    )
    play.fail("b")

    assert play.statuses == {"a": "skipped", "b": "failed", "c": "skipped", "d": "skipped"}


def test_a_step_that_listens_to_nothing_is_skipped() -> None:
    ir = IR(nodes=[Node(id="a", tool="test.tool")])
    play = Play(graph(ir))
    play.start()

    assert play.statuses == {"a": "skipped"}
    assert play.run.status == "completed"


def test_a_tool_cannot_pretend_to_have_failed() -> None:
    play = started(step("a", on_error="route"), step("b", "step.a.error"))
    play.done("a", action="error")

    assert play["b"].status == "skipped"


# --- data flow ----------------------------------------------------------------------------------------


def test_outputs_are_handed_on_uncopied() -> None:
    play = started(step("a"), step("b", "step.a", args={"rows": "${a.rows}"}))
    rows = [{"x": 1}]
    play.done("a", {"rows": rows})

    assert play.take("b")["args"]["rows"] is rows


def test_a_mapping_feeds_an_argument_that_is_not_given() -> None:
    document = {
        "plan_name": "x",
        "events": [{"name": "go", "kind": "manual"}],
        "steps": [step("a"), step("b", "step.a", args={"text": "given"})],
    }
    ir = compile_document(PlanDocument.model_validate(document))
    feeds = [
        DataMapping(source="a", output="body", to="b", param=param) for param in ("text", "more")
    ]
    play = Play(graph(ir.model_copy(update={"mappings": feeds})))
    play.start()
    play.done("a", {"body": "made"})

    assert play.take("b")["args"] == {"text": "given", "more": "made"}


def test_a_reference_to_nothing_fails_the_step_that_has_it() -> None:
    play = started(step("a"), step("b", "step.a", args={"x": "${a.body}"}))
    play.done("a", {"text": "hi"})

    error = play["b"].error
    assert play["b"].status == "failed"
    assert error is not None
    assert error["code"] == "EXEC_REFERENCE_MISSING"
    assert "Available: text" in error["hint"]
    assert play.run.status == "failed"


def test_a_skipped_step_has_no_output_and_defaults_stand_in() -> None:
    play = started(
        step("a", guard="false"),
        step("b"),
        step("c", ["step.a", "step.b"], args={"x": "${a.x ?? 7}"}),
    )
    play.done("b")

    assert play.take("c")["args"] == {"x": 7}


# --- failing ------------------------------------------------------------------------------------------


def test_after_a_failure_running_steps_finish_and_nothing_new_starts() -> None:
    play = started(step("a"), step("b"), step("c", "step.b"))
    play.fail("a")
    assert play.run.status == "running"
    play.done("b", {"x": 1})

    assert play.run.status == "failed"
    assert play.statuses == {"a": "failed", "b": "done", "c": "pending"}
    assert play["b"].output == {"x": 1}
    assert play.run.error == {"code": "EXEC_TOOL_FAILED", "message": "It broke.", "step": "a"}


def test_after_a_failure_nothing_is_tried_again() -> None:
    play = started(step("a"), step("b"))
    play.fail("a")
    play.fail("b", transient=True)

    assert not play.due
    assert play.statuses == {"a": "failed", "b": "failed"}
    assert play.run.status == "failed"


def test_after_a_failure_a_gate_opens_no_more() -> None:
    play = started(step("a"), step("b"), step("c", approval="required"))
    play.fail("a")

    assert play.answer("c", "allow") == ()
    assert play.waiting_calls == ["b"]


def test_after_a_failure_elsewhere_no_more_items_are_called() -> None:
    play = started(step("a"), step("b", for_each="${inputs.l}", max_parallel=1), inputs={"l": LIST})
    play.fail("a")
    play.done("b", index=0)

    assert not play.due
    assert play.run.status == "failed"


LIST = {"type": "array", "default": [1, 2, 3]}


def test_the_first_failure_is_what_the_run_failed_of() -> None:
    play = started(step("a"), step("b"))
    play.fail("b")
    play.fail("a")

    assert play.run.error == {"code": "EXEC_TOOL_FAILED", "message": "It broke.", "step": "b"}


def test_a_failed_run_does_not_wait_for_people() -> None:
    play = started(step("a"), step("b", approval="required"), step("c"))
    play.ask("c")
    play.fail("a")

    assert play.run.status == "failed"
    assert play.statuses == {"a": "failed", "b": "cancelled", "c": "cancelled"}


def test_continue_counts_as_skipped_and_tells_who_listens_to_the_error() -> None:
    play = started(
        step("a", on_error="continue"),
        step("b", "step.a"),
        step("c", "step.a.error"),
        step("d"),
        step("e", ["step.a", "step.d"], args={"x": "${a.x ?? 0}"}),
    )
    play.fail("a")
    play.done("d")

    assert play.statuses == {
        "a": "failed",
        "b": "skipped",
        "c": "running",
        "d": "done",
        "e": "running",
    }


def test_route_goes_to_who_listens_to_the_error_and_the_run_ends_well() -> None:
    play = started(step("a", on_error="route"), step("b", "step.a.error"), step("c", "step.a"))
    play.fail("a")
    assert play.statuses == {"a": "failed", "b": "running", "c": "skipped"}
    play.done("b")
    assert play.run.status == "completed"


def test_route_to_nobody_fails_the_run() -> None:
    play = started(step("a", on_error="route"))
    play.fail("a")

    assert play.run.status == "failed"


def test_an_error_listener_of_a_failing_step_never_starts() -> None:
    play = started(step("a"), step("b", "step.a.error"))
    play.fail("a")

    assert play.run.status == "failed"
    assert play["b"].status == "pending"


def test_transient_failures_are_retried_with_growing_pauses() -> None:
    retry = {"max_attempts": 5, "delay_s": 2, "max_delay_s": 5}
    play = started(step("a", retry=retry, args={"x": 1}))
    pauses = [play.fail("a", transient=True)[0].delay_s for _ in range(4)]

    assert pauses == [2, 4, 5, 5]
    assert (play["a"].status, play["a"].attempt) == ("retrying", 5)
    assert play["a"].due_at == play.log[-1].timestamp + timedelta(seconds=5)
    assert play.due[0]["args"] == {"x": 1}
    assert play.due[0]["key"] != derived_id("r1", "a", 1, "", 4)
    play.fail("a", transient=True)
    assert play.run.status == "failed"


def test_a_retried_step_that_succeeds_is_done_without_an_error() -> None:
    play = started(step("a"))
    play.fail("a", transient=True)
    play.done("a", {"x": 1})

    assert (play["a"].status, play["a"].error, play["a"].attempt) == ("done", None, 2)
    assert play.run.status == "completed"


def test_three_attempts_are_the_default() -> None:
    play = started(step("a"))
    for _ in range(2):
        play.fail("a", transient=True)
    assert play["a"].attempt == 3
    play.fail("a", transient=True)
    assert play.run.status == "failed"


def test_lasting_failures_are_not_retried() -> None:
    play = started(step("a"))
    play.fail("a", transient=False)

    assert play.run.status == "failed"


def test_an_attempt_given_up_is_not_heard_any_more() -> None:
    play = started(step("a"))
    first = dict(play.due[0])
    play.fail("a", transient=True)

    assert play.tell("plan.step.completed", {**first, "output": {}}) == ()
    assert play["a"].status == "retrying"


# --- for_each -----------------------------------------------------------------------------------------


def each(**fields: Any) -> Play:
    fields = {"args": {"x": "${item}", "i": "${index}"}, **fields}
    play = started(
        step("a"),
        step("b", "step.a", for_each="${a.links}", **fields),
        step("c", "step.b", args={"out": "${b.body}", "errors": "${b.errors}"}),
        step("d", "step.b.error"),
    )
    play.done("a", {"links": ["k", "l", "m"]})
    return play


def test_each_item_is_a_call_and_outputs_come_in_input_order() -> None:
    play = each()
    assert [c["args"] for c in play.due] == [{"x": x, "i": i} for i, x in enumerate("klm")]
    for i in (2, 0, 1):
        play.done("b", {"body": f"<{i}>"}, index=i)

    assert play["b"].output == {"body": ["<0>", "<1>", "<2>"]}
    assert play.take("c")["args"] == {"out": ["<0>", "<1>", "<2>"], "errors": []}


def test_no_more_items_are_out_than_allowed() -> None:
    play = each(max_parallel=2)
    assert [c["index"] for c in play.due] == [0, 1]
    play.done("b", {"body": 1}, index=1)
    assert [c["index"] for c in play.due] == [0, 2]


def test_no_items_are_done_at_once_and_every_output_is_an_empty_list() -> None:
    play = started(
        step("a"),
        step("b", "step.a", for_each="${a.links}"),
        step("c", "step.b", args={"out": "${b.body}", "errors": "${b.errors}"}),
    )
    play.done("a", {"links": []})

    assert play["b"].status == "done"
    assert play.take("c")["args"] == {"out": [], "errors": []}


def test_with_continue_failed_items_are_null_and_listed() -> None:
    play = each(on_error="continue")
    play.done("b", {"body": 0}, index=0)
    play.fail("b", index=1)
    play.done("b", {"body": 2}, index=2)

    assert play["b"].status == "done"
    errors = [{"index": 1, "code": "EXEC_TOOL_FAILED", "message": "It broke."}]
    assert play.take("c")["args"] == {"out": [0, None, 2], "errors": errors}
    assert play["d"].status == "skipped"


def test_when_every_item_failed_outputs_are_all_null() -> None:
    play = each(on_error="continue")
    for i in range(3):
        play.fail("b", index=i)

    assert play.take("c")["args"]["out"] == [None, None, None]


def test_one_failed_item_fails_the_run_once_the_others_have_finished() -> None:
    play = each(max_parallel=2)
    play.fail("b", index=0)
    assert [c["index"] for c in play.due] == [1]
    assert play.run.status == "running"
    play.done("b", {"body": 1}, index=1)

    assert play["b"].status == "failed"
    assert play.run.status == "failed"


def test_one_failed_item_routes_the_step() -> None:
    play = each(max_parallel=2, on_error="route")
    play.fail("b", index=0)
    assert play["d"].status == "pending"
    play.done("b", {"body": 1}, index=1)

    assert play.statuses == {"a": "done", "b": "failed", "c": "skipped", "d": "running"}


def test_a_routed_step_waits_for_what_its_items_have_asked() -> None:
    play = each(on_error="route")
    play.ask("b", index=1)
    play.fail("b", index=0)
    play.done("b", {"body": 2}, index=2)
    assert play["b"].status == "waiting"
    assert play["d"].status == "pending"
    play.answer("b", "yes", index=1)

    assert play.statuses == {"a": "done", "b": "failed", "c": "skipped", "d": "running"}


def test_gates_of_items_that_will_not_be_called_are_withdrawn() -> None:
    play = each(on_error="route", approval="required")
    play.answer("b", "deny", index=1)

    assert play["b"].items is not None
    assert [i.status for i in play["b"].items] == ["cancelled", "failed", "cancelled"]
    assert play.statuses == {"a": "done", "b": "failed", "c": "skipped", "d": "running"}
    assert play.run.asking == 0


def test_items_are_retried_each_for_itself() -> None:
    play = each()
    play.fail("b", index=1, transient=True)

    assert [(c["index"], c["attempt"]) for c in play.due] == [(0, 1), (2, 1), (1, 2)]
    assert play.due[2]["key"] == derived_id("r1", "b", 1, 1, 2)
    assert play["b"].items is not None
    assert [i.status for i in play["b"].items] == ["running", "retrying", "running"]


def test_a_guard_over_the_item_leaves_items_out() -> None:
    play = each(guard='item != "l"')
    assert [c["index"] for c in play.due] == [0, 2]
    play.done("b", {"body": 0}, index=0)
    play.done("b", {"body": 2}, index=2)

    assert play["b"].output == {"body": [0, None, 2]}


def test_a_guard_over_the_step_skips_all_of_it() -> None:
    play = each(guard="len(a.links) > 5")

    assert play["b"].status == "skipped"


@pytest.mark.parametrize(
    ("links", "code"),
    [("k", "EXEC_FOR_EACH_NOT_A_LIST"), ([0] * (MAX_ITEMS + 1), "EXEC_TOO_MANY_ITEMS")],
)
def test_what_cannot_be_gone_through_fails_the_step(links: Any, code: str) -> None:
    play = started(step("a"), step("b", "step.a", for_each="${a.links}"))
    play.done("a", {"links": links})

    assert play["b"].error is not None
    assert play["b"].error["code"] == code
    assert play.run.status == "failed"


def test_an_item_whose_arguments_cannot_be_filled_in_is_a_failed_item() -> None:
    play = started(
        step("a"),
        step("b", "step.a", for_each="${a.links}", args={"u": "${item.url}"}, on_error="continue"),
    )
    play.done("a", {"links": [{"url": 1}, {}]})

    assert [c["index"] for c in play.due] == [0]
    assert [e["code"] for e in play["b"].errors] == ["EXEC_REFERENCE_MISSING"]


# --- people -------------------------------------------------------------------------------------------


def test_a_gated_step_asks_before_it_is_called() -> None:
    play = started(step("a", approval="required", args={"to": "${inputs.url}"}), inputs=URL)

    assert not play.due
    assert play.run.status == "waiting"
    question = play["a"].question
    assert question is not None
    assert (question["kind"], question["tool"], question["args"], question["choices"]) == (
        "gate",
        "test.tool",
        {"to": "http://x/"},
        ["allow", "deny"],
    )
    play.answer("a", "allow")
    assert play.take("a")["attempt"] == 1
    assert play["a"].question is None
    assert play.run.status == "running"


def test_allowing_may_edit_arguments_as_literals() -> None:
    play = started(step("a", approval="required", args={"to": "x", "n": 1}))
    play.answer("a", {"answer": "allow", "args": {"to": "${run.id}"}})

    assert play.take("a")["args"] == {"to": "${run.id}", "n": 1}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "yes",
        True,
        ["allow"],
        {"answer": "allow", "args": {"secret": 1}},
        {"answer": "allow", "args": "to"},
        {"args": {"to": "y"}},
    ],
)
def test_a_gate_takes_nothing_but_a_clear_answer(answer: Any) -> None:
    play = started(step("a", approval="required", args={"to": "x"}))

    assert play.answer("a", answer) == ()
    assert play["a"].status == "waiting"


def test_a_denied_step_fails_for_good() -> None:
    play = started(step("a", approval="required", on_error="route"), step("b", "step.a.error"))
    play.answer("a", "deny")

    assert play.statuses == {"a": "failed", "b": "running"}
    assert play["a"].error == {
        "code": "EXEC_STEP_DENIED",
        "message": "You said no; it was not done.",
    }


def test_the_first_answer_wins() -> None:
    play = started(step("a", approval="required"))
    play.answer("a", "allow")

    assert play.answer("a", "deny") == ()
    assert play["a"].status == "running"


def test_each_item_is_a_decision_of_its_own() -> None:
    play = each(approval="required")
    assert play["b"].status == "waiting"
    assert play.answer("b", "allow") == ()
    play.answer("b", "allow", index=1)

    assert [(c["step"], c["index"]) for c in play.due] == [("b", 1)]
    assert play["b"].items is not None
    assert [i.status for i in play["b"].items] == ["waiting", "running", "waiting"]


def test_no_more_questions_are_open_than_items_may_be_out() -> None:
    play = each(approval="required", max_parallel=2)
    assert play.run.asking == 2
    play.answer("b", "allow", index=0)
    assert (play.run.asking, play.run.active) == (1, 1)
    play.done("b", {"body": 0}, index=0)
    assert play.run.asking == 2


def test_an_answered_question_is_the_output_of_its_step() -> None:
    play = started(step("a"), step("b", "step.a", args={"x": "${a.answer}"}))
    play.ask("a", choices=["red", "blue"], kind="gate")
    assert play["a"].question == {"text": "Which?", "choices": ["red", "blue"], "kind": "ask"}
    assert play.run.status == "waiting"
    play.answer("a", "blue")

    assert play["a"].output == {"answer": "blue"}
    assert play.take("b")["args"] == {"x": "blue"}


def test_a_run_with_other_work_is_not_called_waiting() -> None:
    play = started(step("a"), step("b"))
    play.ask("a")
    assert play.run.status == "running"
    play.done("b")
    assert play.run.status == "waiting"


def test_an_effect_interrupted_half_way_is_run_again_when_a_person_says_so() -> None:
    play = started(step("a", args={"x": 1}))
    play.lose("a")
    assert play["a"].status == "unknown"
    assert play["a"].question is not None
    assert play["a"].question["choices"] == ["again", "happened", "stop"]
    play.answer("a", "again")

    call = play.take("a")
    assert (call["attempt"], call["args"]) == (2, {"x": 1})


def test_what_becomes_known_of_an_unknown_effect_counts() -> None:
    play = started(step("a"), step("b"))
    calls = {name: dict(play.due[i]) for i, name in enumerate("ab")}
    play.lose("a")
    play.lose("b")
    play.tell("plan.step.completed", {**calls["a"], "output": {"x": 1}})
    assert (play["a"].status, play["a"].output, play["a"].question) == ("done", {"x": 1}, None)
    failure = {"error": {"code": "E", "message": "m"}, "transient": True}
    play.tell("plan.step.failed", {**calls["b"], **failure})
    assert (play["b"].status, play["b"].attempt) == ("retrying", 2)


def test_an_effect_that_happened_counts_as_done() -> None:
    play = started(step("a"), step("b", "step.a"))
    play.lose("a")
    play.answer("a", "happened")

    assert (play["a"].status, play["a"].output) == ("done", {})
    assert play["b"].status == "running"


def test_an_unknown_effect_can_end_the_run() -> None:
    play = started(step("a"), step("b"))
    play.lose("a")
    play.answer("a", "stop")

    assert play.run.status == "cancelled"
    assert play["a"].error is not None
    assert play["a"].error["code"] == "EXEC_EFFECT_UNKNOWN"


@pytest.mark.parametrize("step_name", ["a", "nobody", None, 3, ["a"], {"a": 1}])
def test_answers_to_nothing_change_nothing(step_name: Any) -> None:
    play = started(step("a"))
    before = play.run

    assert play.answer(step_name, "allow", index=step_name) == ()
    assert play.run == before


def test_an_answer_for_another_iteration_is_not_taken() -> None:
    play = started(step("a", approval="required"))

    assert play.answer("a", "allow", iteration=2) == ()
    assert play.answer("a", "allow", iteration=1) != ()


# --- ending -------------------------------------------------------------------------------------------


def test_a_cancelled_run_waits_for_nothing_and_ignores_what_comes_late() -> None:
    play = started(step("a"), step("b", "step.a"))
    call = play.take("a")
    play.cancel()
    assert play.statuses["a"] == "cancelled"
    assert play.run.ended_at is not None
    end = play.run

    assert play.tell("plan.step.completed", {**call, "output": {}}) == ()
    assert play.cancel() == ()
    assert play.run is end


def test_a_run_in_which_everything_was_skipped_completes() -> None:
    play = Play(plan(step("a"), step("b", "step.a")))
    play.start(trigger="nobody")

    assert play.run.status == "completed"
    assert play.statuses == {"a": "skipped", "b": "skipped"}


def test_a_stalled_run_goes_on_when_its_event_is_replayed() -> None:
    play = started(step("a"))
    play.tell("run.stalled", {"run_id": "r1", "error": {"code": "X", "message": "m"}})
    assert (play.run.status, play.run.error) == ("stalled", {"code": "X", "message": "m"})
    play.tell("plan.step.started", play.due[0])
    assert (play.run.status, play.run.error) == ("running", None)
    play.done("a")

    assert (play.run.status, play.run.error) == ("completed", None)


def test_nothing_but_plan_execute_begins_a_run() -> None:
    cause = Event("e", "run.cancel", "ann", BEGAN, {"run_id": "r1"})

    assert decide(plan(step("a")), None, cause) == ()


def test_beginning_twice_begins_once() -> None:
    play = started(step("a"))
    before = play.run

    assert play.start() == ()
    assert play.run == before


@pytest.mark.parametrize(
    "change",
    [
        {"step": "zz"},
        {"iteration": 2},
        {"attempt": 2},
        {"index": 0},
        {"index": "0"},
        {"attempt": None},
    ],
)
def test_a_report_about_another_call_is_not_heard(change: dict[str, Any]) -> None:
    play = started(step("a"))
    call = {**play.take("a"), "output": {}, **change}

    assert play.tell("plan.step.completed", call) == ()
    assert play["a"].status == "running"


def test_a_call_out_of_turn_changes_nothing() -> None:
    play = started(step("a", retry={"max_attempts": 3}))
    call, before = play.take("a"), play.run

    for change in ({"iteration": 2}, {"attempt": 3}, {"index": 0}):
        event = Event("e", "plan.step.execute", "ann", BEGAN, {**call, **change})
        assert evolve(play.graph, before, event) is before


def test_a_step_does_not_begin_with_a_later_attempt() -> None:
    play = started(step("a"), step("b", "step.a"))
    call = {**play.take("a"), "step": "b", "attempt": 2}

    event = Event("e", "plan.step.execute", "ann", BEGAN, call)
    assert evolve(play.graph, play.run, event) is play.run


def test_a_call_that_asked_a_person_has_said_its_last() -> None:
    play = started(step("a"))
    call = dict(play.due[0])
    play.ask("a")

    assert play.tell("plan.step.completed", {**call, "output": {}}) == ()
    assert play["a"].status == "waiting"


def test_an_item_that_has_ended_does_not_fail_later() -> None:
    play = each(on_error="continue")
    play.fail("b", index=1)
    fact = play.log[-1]
    assert fact.type == "plan.step.errored"

    assert evolve(play.graph, play.run, fact) is play.run


def test_an_item_that_has_ended_is_not_called_again() -> None:
    play = each()
    call = {**play.due[1], "attempt": 2}
    play.done("b", {"body": 1}, index=1)
    event = Event("e", "plan.step.execute", "ann", BEGAN, call)

    assert evolve(play.graph, play.run, event) is play.run


def test_times_come_from_the_events() -> None:
    play = started(step("a"))
    play.done("a", note="extractive", duration_ms=12)

    called = next(event for event in play.log if event.type == "plan.step.execute")
    assert play["a"].started_at == called.timestamp
    reported, ended = play.log[-2:]
    assert (play["a"].ended_at, play.run.ended_at) == (reported.timestamp, ended.timestamp)
    assert play["a"].note == "extractive"


# --- loops --------------------------------------------------------------------------------------------


def loop(*steps: dict[str, Any], **fields: Any) -> Play:
    return started(*steps, graph_type="reactive", **fields)


def test_a_loop_runs_until_its_guard_says_no() -> None:
    play = loop(
        step("draft", ["go", "step.review"], args={"hint": '${review.hint ?? ""}'}),
        step("review", "step.draft", guard="draft.score < 3"),
    )
    for score in range(1, 4):
        play.done("draft", {"score": score})
        if score < 3:
            play.done("review", {"hint": f"better {score}"})

    hints = [
        e.data["args"]["hint"]
        for e in play.log
        if e.data.get("step") == "draft" and "args" in e.data
    ]
    assert hints == ["", "better 1", "better 2"]
    assert play["draft"].iteration == 3
    assert play.run.status == "completed"


def test_a_loop_without_end_ends_at_its_limit() -> None:
    play = loop(step("a", ["go", "step.a"]), max_iterations=3)
    for _ in range(3):
        play.done("a")

    assert play.run.status == "failed"
    assert play.run.error is not None
    assert play.run.error["code"] == "EXEC_LOOP_LIMIT"
    assert not play.due


def test_the_loop_limit_is_not_an_error_to_go_on_from() -> None:
    play = loop(
        step(
            "a",
            ["go", "step.a.error", "step.b.error"],
            args={"x": "${nothing}"},
            on_error="continue",
        ),
        step("b", "step.a.error", args={"x": "${nothing}"}, on_error="continue"),
    )

    assert play.run.status == "failed"
    assert play.run.error is not None
    assert play.run.error["code"] == "EXEC_LOOP_LIMIT"


def test_loops_of_steps_that_end_at_once_are_bounded_too() -> None:
    play = loop(
        step("a", ["go", "step.a"], for_each="${inputs.none}"), inputs=NONE, max_iterations=100_000
    )

    assert play.run.status == "failed"
    assert len(play.log) < 25_000


NONE = {"none": {"type": "array", "default": []}}


def test_in_a_loop_a_busy_step_runs_again_for_each_that_called_it_meanwhile() -> None:
    play = loop(step("a"), step("b"), step("c"), step("d", ["step.a", "step.b", "step.c"]))
    for name in "abc":
        play.done(name)
    assert play.waiting_calls == ["d"]
    for iteration in (1, 2, 3):
        assert play["d"].iteration == iteration
        play.done("d")
    assert play.run.status == "completed"


def test_in_a_loop_a_join_is_skipped_when_nobody_wants_it_this_time() -> None:
    play = loop(
        step("a", ["go", "step.d"]),
        step("b", "step.a", guard="a.n == 1"),
        step("c", "step.a", guard="a.n == 1"),
        step("d", ["step.b", "step.c"], join="all"),
    )
    play.done("a", {"n": 1})
    for name in "bcd":
        play.done(name)
    play.done("a", {"n": 2})

    assert play.run.status == "completed"
    assert play["d"].status == "skipped"
    assert play["d"].output is None


def test_in_a_loop_a_join_of_all_waits_for_every_upstream_each_time() -> None:
    play = loop(
        step("a", ["go", "step.d"]),
        step("b", "step.a"),
        step("c", "step.a", guard="a.n != 2"),
        step("d", ["step.b", "step.c"], join="all", guard="a.n < 3"),
    )
    for n in (1, 2, 3):
        play.done("a", {"n": n})
        play.done("b")
        if n != 2:
            assert "d" not in play.waiting_calls
            play.done("c")
        if n < 3:
            play.done("d")

    assert play.run.status == "completed"
    assert play["a"].iteration == 3


def test_in_a_loop_an_output_stands_until_its_step_ends_again() -> None:
    play = loop(
        step("a", ["go", "step.b"], args={"last": "${a.n ?? 0}"}),
        step("b", "step.a"),
        step("c", "step.b", args={"n": "${a.n}"}),
    )
    play.done("a", {"n": 1})
    play.done("b")

    assert play.take("a")["args"] == {"last": 1}
    assert play["a"].status == "running"
    assert play.take("c")["args"] == {"n": 1}


def test_in_a_loop_an_iteration_is_not_left_out() -> None:
    play = loop(step("a"), step("b"))
    call = {**play.due[0], "iteration": 3}
    play.done("a")

    event = Event("e", "plan.step.execute", "ann", BEGAN, call)
    assert evolve(play.graph, play.run, event) is play.run


def test_in_a_loop_a_step_that_fails_has_no_output_any_more() -> None:
    play = loop(
        step("a", ["go", "step.b"], on_error="continue"),
        step("b", "step.a"),
        step("c", "step.a.error", args={"x": '${a.x ?? "none"}'}),
    )
    play.done("a", {"x": 1})
    play.done("b")
    play.fail("a")

    assert play.take("c")["args"] == {"x": "none"}


def test_in_a_loop_two_names_of_one_outcome_are_one_call() -> None:
    play = loop(step("a", emits=["news"]), step("b", ["step.a", "news"]))
    play.done("a")
    play.done("b")

    assert play["b"].iteration == 1
    assert play.run.status == "completed"
