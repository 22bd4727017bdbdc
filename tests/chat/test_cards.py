"""Plans and runs as cards: small, in the person's words and zone, without secrets."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend.contracts.errors import Invalid, Issue
from backend.contracts.plans import Catalogue, PlanDocument
from backend.contracts.runs import ItemState, RunState, StepState
from backend.contracts.schedules import Schedule
from backend.contracts.tools import ToolSpec
from backend.contracts.views import Change, Forecast, PlanView
from chat_app.answers import answered
from chat_app.cards import card
from chat_app.fitting import MAX_BYTES
from chat_app.steps import MAX_STEPS

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def takes(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


TEXT = {"type": "string"}
TOOLS = (
    ToolSpec(
        id="feed.read",
        name="Read a feed",
        description="Reads a feed.",
        purity="pure",
        inputs=takes("url", url=TEXT, limit={"type": "integer", "title": "At most"}),
    ),
    ToolSpec(
        id="text.summarize",
        name="Summarise",
        description="Shortens a text.",
        purity="pure",
        inputs=takes("text", text={}, style={"type": "string", "enum": ["plain", "list"]}),
    ),
    ToolSpec(
        id="email.send",
        name="Send a mail",
        description="Sends a mail.",
        inputs=takes("to", "body", to=TEXT, body=TEXT, password=TEXT),
    ),
)
CATALOGUE = Catalogue({tool.id: tool for tool in TOOLS}, hash="tools")
DOCUMENT = PlanDocument.model_validate(
    {
        "plan_name": "daily-digest",
        "events": [{"name": "go", "kind": "cron", "schedule": "0 9 * * *"}],
        "steps": [
            {
                "name": "fetch",
                "on": ["go"],
                "action": "feed.read",
                "args": {"url": "https://a.example"},
            },
            {
                "name": "digest",
                "on": ["step.fetch"],
                "action": "text.summarize",
                "args": {"text": "${fetch.entries}"},
            },
            {
                "name": "send",
                "on": ["step.digest"],
                "action": "email.send",
                "args": {
                    "to": "me@example.com",
                    "body": "Today: ${digest.summary}",
                    "password": "s3cret",
                },
            },
        ],
    }
)
VIEW = PlanView(
    plan_id="p",
    owner="alice",
    revision=1,
    latest=1,
    status="proposed",
    ir_hash="hash",
    catalogue_hash="tools",
    document=DOCUMENT,
    when="Every day at 09:00",
    timezone="Europe/Paris",
    firings=(datetime(2026, 11, 22, 8, tzinfo=UTC),),
    forecast=Forecast(
        ("sends 1 mail to me@example.com",), {"send": ("sends 1 mail to me@example.com",)}
    ),
    sources={"fetch.url": "said"},
)
SCHEDULE = Schedule(id="s", plan_id="p", ir_hash="hash", owner="alice", trigger={})


def drawn(view: PlanView = VIEW, **more: Any) -> dict[str, Any]:
    return card(view, CATALOGUE, now=NOW, zone="Europe/Paris", **more)


def argument(props: dict[str, Any], step: int, key: str) -> dict[str, Any]:
    return next(dict(a) for a in props["steps"][step]["args"] if a["key"] == key)


def run(
    status: Any = "running", steps: dict[str, StepState] | None = None, **more: Any
) -> RunState:
    return RunState("r", "p", "hash", "alice", status, steps=steps or {}, started_at=NOW, **more)


def done(output: Any) -> StepState:
    return StepState(
        "done", 1, 1, output=output, started_at=NOW, ended_at=NOW + timedelta(seconds=2)
    )


def test_a_name_becomes_a_title_and_times_are_the_persons() -> None:
    assert drawn()["title"] == "Daily digest"
    assert drawn()["when"]["next"][0]["text"] == "Sun 22 Nov 09:00"
    there = card(VIEW, CATALOGUE, now=NOW, zone="Asia/Kolkata")
    assert there["when"]["next"][0]["text"] == "Sun 22 Nov 13:30"
    assert there["when"]["elsewhere"] == "Europe/Paris"


def test_a_zone_that_is_none_falls_back_to_the_plans() -> None:
    assert card(VIEW, CATALOGUE, now=NOW, zone="../etc/passwd")["zone"] == "Europe/Paris"


@pytest.mark.parametrize(
    ("change", "run_status", "word"),
    [
        ({}, None, "proposed"),
        ({"latest": 2}, None, "superseded"),
        ({"status": "rejected"}, None, "rejected"),
        ({"status": "archived"}, None, "archived"),
        ({"status": "scheduled", "schedules": (SCHEDULE,)}, None, "scheduled"),
        (
            {"status": "scheduled", "schedules": (replace(SCHEDULE, status="paused"),)},
            None,
            "paused",
        ),
        ({"status": "scheduled", "schedules": (SCHEDULE,)}, "running", "running"),
        ({"status": "scheduled", "schedules": (SCHEDULE,)}, "failed", "scheduled"),
        ({"status": "approved"}, None, "approved"),
        ({"status": "approved"}, "waiting", "waiting"),
        ({"status": "approved"}, "completed", "done"),
        ({"status": "approved"}, "failed", "failed"),
        ({"status": "approved"}, "cancelled", "stopped"),
        ({"status": "approved"}, "stalled", "stalled"),
        ({"latest": 2}, "completed", "superseded"),
    ],
)
def test_a_card_stands_under_one_word(change: Any, run_status: Any, word: str) -> None:
    state = run(run_status) if run_status else None
    assert drawn(replace(VIEW, **change), run=state)["status"] == word


def test_an_error_makes_it_invalid_a_warning_does_not() -> None:
    error = Issue(code="PLAN_X", message="Wrong.", path="steps/0/args/url")
    warning = error.model_copy(update={"severity": "warning"})
    assert drawn(replace(VIEW, issues=(error,)))["status"] == "invalid"
    assert drawn(replace(VIEW, issues=(warning,)))["status"] == "proposed"


def test_an_issue_is_shown_at_its_step_and_others_below() -> None:
    of_step = Issue(code="PLAN_A", message="Wrong.", path="steps/0/args/url")
    of_plan = Issue(code="PLAN_B", message="Late.", path="events/0")
    props = drawn(replace(VIEW, issues=(of_step, of_plan)))
    assert [i["code"] for i in props["steps"][0]["issues"]] == ["PLAN_A"]
    assert [i["code"] for i in props["issues"]] == ["PLAN_B"]


def test_each_value_says_where_it_comes_from() -> None:
    props = drawn()
    assert argument(props, 0, "url")["source"] == "you said"
    assert argument(props, 1, "text")["source"] == "from Read a feed · entries"
    assert argument(props, 2, "body")["source"] == "from Summarise · summary"


def test_only_literals_can_be_edited_in_place() -> None:
    props = drawn()
    assert argument(props, 0, "url")["editable"]
    assert not argument(props, 1, "text")["editable"]
    assert not argument(props, 2, "body")["editable"]
    assert argument(props, 2, "to")["path"] == "steps/2/args/to"


def test_a_required_argument_that_is_missing_has_its_field() -> None:
    bare = DOCUMENT.model_copy(
        update={"steps": [DOCUMENT.steps[0].model_copy(update={"args": {}}), *DOCUMENT.steps[1:]]}
    )
    row = argument(drawn(replace(VIEW, document=bare)), 0, "url")
    assert row["required"]
    assert row["editable"]


def test_secrets_are_in_no_card() -> None:
    question = {"kind": "gate", "args": {"to": "me@example.com", "password": "s3cret"}}
    steps = {
        "fetch": done({"entries": [], "token": "s3cret", "deep": [{"api_key": "s3cret"}]}),
        "send": StepState("waiting", 1, question=question),
    }
    change = Change("changed", "steps/2/args/password", "password", {"password": "s3cret"}, None)
    view = replace(VIEW, revision=2, latest=2, changes=(change,))
    assert "s3cret" not in json.dumps([drawn(), drawn(view, run=run("waiting", steps))])


def test_a_waiting_step_asks_with_its_values() -> None:
    asked = {"kind": "gate", "args": {"to": "me@example.com"}, "choices": ["allow", "deny"]}
    props = drawn(run=run("waiting", {"send": StepState("waiting", 1, question=asked)}))
    (question,) = props["steps"][2]["state"]["questions"]
    assert question["kind"] == "gate"
    (row,) = question["args"]
    assert (row["label"], row["value"], row["editable"]) == ("To", "me@example.com", True)


def test_a_value_at_a_gate_that_is_not_whole_in_its_field_cannot_be_changed_there() -> None:
    asked = {"kind": "gate", "args": {"to": ["a", "b"], "body": "x" * 9_000, "password": "p"}}
    props = drawn(run=run("waiting", {"send": StepState("waiting", 1, question=asked)}))
    (question,) = props["steps"][2]["state"]["questions"]
    assert not any(row["editable"] for row in question["args"])


def test_what_is_typed_at_a_gate_fits_the_tool_or_is_refused() -> None:
    question = {"kind": "gate", "args": {"url": "https://a.example", "limit": 3}}
    state = run("waiting", {"fetch": StepState("waiting", 1, question=question)})
    said = {"answer": "allow", "args": {"limit": "8", "unheard": 1}}
    allowed = answered(said, state, "fetch", None, TOOLS[0])
    assert allowed == {"answer": "allow", "args": {"limit": 8}}
    with pytest.raises(Invalid):
        answered({"answer": "allow", "args": {"limit": "many"}}, state, "fetch", None, TOOLS[0])
    assert answered("deny", state, "fetch", None, TOOLS[0]) == "deny"


def test_a_question_names_the_iteration_that_asks() -> None:
    asked = {"kind": "ask", "text": "Well?"}
    props = drawn(run=run("waiting", {"send": StepState("waiting", 4, question=asked)}))
    assert props["steps"][2]["state"]["questions"][0]["iteration"] == 4


def test_each_item_that_asks_has_a_question_of_its_own() -> None:
    items = (
        ItemState("done"),
        ItemState("waiting", question={"kind": "ask", "text": "b?"}),
        ItemState("waiting", question={"kind": "ask", "text": "c?"}),
    )
    props = drawn(run=run("waiting", {"send": StepState("waiting", 1, items=items)}))
    state = props["steps"][2]["state"]
    assert [(q["index"], q["text"]) for q in state["questions"]] == [(1, "b?"), (2, "c?")]
    assert state["items"] == [1, 3]


def test_an_interrupted_effect_asks_whether_it_happened() -> None:
    props = drawn(run=run("waiting", {"send": StepState("unknown", 1)}))
    (question,) = props["steps"][2]["state"]["questions"]
    assert question["kind"] == "unknown"
    assert "may have sent 1 mail to me@example.com, or not" in question["text"]


def test_a_step_that_was_left_out_says_why() -> None:
    error = {"code": "TOOL_FAILED", "message": "No."}
    steps = {"fetch": StepState("failed", 1, error=error)}
    props = drawn(run=run("failed", steps, ended_at=NOW, error=error))
    assert props["steps"][1]["state"]["why"] == "because “Read a feed” failed"
    assert not props["run"]["denied"]


def test_a_persons_no_is_not_a_failure_of_the_plan() -> None:
    error = {"code": "EXEC_STEP_DENIED", "message": "A person denied this step."}
    steps = {"fetch": done({}), "digest": done({}), "send": StepState("failed", 1, error=error)}
    props = drawn(run=run("failed", steps, ended_at=NOW, error=error))
    assert props["run"]["denied"]
    assert props["steps"][2]["state"]["denied"]
    assert props["did"] == []


def test_a_change_says_what_a_new_step_does_not_what_it_is_called() -> None:
    changes = (
        Change("changed", "description", "Description", "a", "b"),
        Change("added", "steps/2", "Step “send”", None, "email.send"),
        Change("changed", "steps/2/args/to", "send: to", "a@example.com", "b@example.com"),
    )
    rows = drawn(replace(VIEW, revision=2, latest=2, changes=changes))["changes"]
    assert [(r["label"], r["new"]) for r in rows] == [
        ("Send a mail", "sends 1 mail to me@example.com"),
        ("Send a mail: to", "b@example.com"),
    ]
    assert rows[0]["tool"] == "email.send"


def test_no_model_cost_is_claimed_only_where_there_is_no_model() -> None:
    assert drawn()["cost"] == ""
    without = replace(CATALOGUE, missing={"llm.complete": ("openai_api_key",)})
    assert card(VIEW, without, now=NOW, zone="UTC")["cost"] == "no model cost"


def test_a_done_run_shows_what_was_sent_and_what_was_in_it() -> None:
    steps = {
        "fetch": done({"entries": [{"title": "A", "link": "https://a.example/1"}]}),
        "digest": done({"summary": "**All** is well."}),
        "send": done({"message_id": "<1@example>"}),
    }
    props = drawn(replace(VIEW, status="approved"), run=run("completed", steps, ended_at=NOW))
    assert props["did"] == ["Sent 1 mail to me@example.com"]
    assert [(r["step"], r["text"]) for r in props["results"]] == [("digest", "**All** is well.")]
    assert props["steps"][1]["state"]["preview"] == "All is well."


def test_what_was_sent_is_what_the_tool_says_not_what_was_foreseen() -> None:
    mail = TOOLS[2].model_copy(update={"effects": ("sends 1 mail to {to}",)})
    catalogue = Catalogue({**CATALOGUE.tools, mail.id: mail}, hash="tools")
    steps = {"fetch": done({}), "digest": done({}), "send": done({"to": ["new@example.com"]})}
    state = run("completed", steps, ended_at=NOW)
    props = card(VIEW, catalogue, now=NOW, zone="UTC", run=state)
    assert props["did"] == ["Sent 1 mail to new@example.com"]
    assert props["steps"][2]["state"]["preview"] == "Sent 1 mail to new@example.com"


def test_a_scheduled_run_is_named_after_its_due_time() -> None:
    due = datetime(2026, 11, 23, 8, tzinfo=UTC)
    props = drawn(replace(VIEW, status="scheduled"), run=run("completed"), due=due)
    assert (props["kind"], props["label"]) == ("run", "Run of Mon 23 Nov 09:00")
    assert props["status"] == "done"


def test_a_card_fits_whatever_it_shows() -> None:
    step = DOCUMENT.steps[0].model_dump()
    many = DOCUMENT.model_copy(
        update={
            "steps": [
                DOCUMENT.steps[0].model_validate(
                    {**step, "name": f"s{i}", "args": {f"a{j}": "x" * 5_000 for j in range(20)}}
                )
                for i in range(1_000)
            ]
        }
    )
    states = {f"s{i}": done({"text": "y" * 100_000}) for i in range(500)}
    for state in (None, run("running", states), run("completed", states)):
        props = drawn(replace(VIEW, document=many), run=state)
        assert len(json.dumps(props, ensure_ascii=False).encode()) <= MAX_BYTES
        assert props["before"] + len(props["steps"]) + props["after"] == 1_000


def test_of_a_long_run_the_steps_around_now_are_shown() -> None:
    step = DOCUMENT.steps[0]
    many = DOCUMENT.model_copy(
        update={"steps": [step.model_copy(update={"name": f"s{i}"}) for i in range(300)]}
    )
    states = {f"s{i}": done({}) for i in range(200)}
    props = drawn(replace(VIEW, document=many), run=run("running", states))
    assert len(props["steps"]) == MAX_STEPS
    assert "s200" in [s["id"] for s in props["steps"]]
    assert props["steps"][0]["n"] == props["before"] + 1


def test_what_something_outside_starts_is_not_said_to_run_once() -> None:
    arrives = {"name": "go", "kind": "event", "type": "order.created", "filter": "event.n > 1"}
    called = {"name": "called", "kind": "webhook"}
    raw = DOCUMENT.model_dump(mode="json")
    document = PlanDocument.model_validate(raw | {"events": [arrives, called]})
    listening = replace(VIEW, document=document, when="", status="scheduled")
    told = drawn(listening)["when"]
    assert told["words"] == (
        "When “order.created” happens, if event.n > 1; when its web address is called"
    )
    assert (told["timed"], told["listens"]) == (False, True)
    # One run of it that ended does not end the listening.
    assert drawn(listening, run=run("completed"))["status"] == "scheduled"


def guarded() -> PlanView:
    send = DOCUMENT.steps[2].model_copy(update={"guard": "digest.count > 3"})
    document = DOCUMENT.model_copy(update={"steps": [*DOCUMENT.steps[:2], send]})
    effect = "sends 1 mail"
    forecast = Forecast(effects=(effect,), step_effects={"send": (effect,)})
    return replace(VIEW, document=document, forecast=forecast)


def test_a_condition_is_said_at_its_step_its_arrow_and_what_hangs_on_it() -> None:
    props = drawn(guarded())
    assert props["steps"][2]["guard"] == "Summarise · count is over 3"
    assert props["edges"][-1]["label"] == "if Summarise · count is over 3"
    assert props["effects"] == ["Sends 1 mail, if its condition holds"]


def test_only_a_step_that_does_something_can_be_made_to_ask() -> None:
    fetch, _, send = drawn()["steps"]
    assert fetch["asking"] is None
    assert (send["asking"]["path"], send["asking"]["value"]) == ("steps/2/approval", False)


def test_an_issue_names_steps_and_what_they_bring_by_their_titles() -> None:
    told = "“send” acts once for each of ${fetch.entries}; “other” stays."
    issue = Issue(code="PLAN_X", message=told, path="steps/2/approval", severity="warning")
    (said,) = drawn(replace(VIEW, issues=(issue,)))["steps"][2]["issues"]
    assert said["message"] == (
        "“Send a mail” acts once for each of Read a feed · entries; “other” stays."
    )


def test_a_step_that_calls_a_saved_plan_says_what_is_in_it() -> None:
    saved = ToolSpec(
        id="plan.daily-digest",
        name="Daily digest",
        description="Saved.",
        type="plan",
        inputs=takes(),
        config={"plan_id": "p0", "document": DOCUMENT.model_dump(mode="json")},
    )
    step = DOCUMENT.steps[0].model_copy(update={"action": saved.id, "args": {}})
    view = replace(VIEW, document=DOCUMENT.model_copy(update={"steps": [step]}))
    catalogue = Catalogue({**CATALOGUE.tools, saved.id: saved}, hash="tools")
    props = card(view, catalogue, now=NOW, zone="UTC")
    assert props["steps"][0]["calls"] == ("Daily digest: Read a feed, Summarise and Send a mail")


def test_a_step_that_joins_two_says_both() -> None:
    both = {"text": ["${fetch.entries}", {"more": "${again.entries}"}]}
    first = DOCUMENT.steps[0]
    again = first.model_copy(update={"name": "again"})
    digest = DOCUMENT.steps[1].model_copy(update={"args": both})
    document = DOCUMENT.model_copy(update={"steps": [first, again, digest]})
    row = drawn(replace(VIEW, document=document))["steps"][2]
    assert row["sub"] == "From Read a feed · entries and from Read a feed · entries"
