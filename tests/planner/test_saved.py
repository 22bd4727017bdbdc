"""A request that means a saved plan: which, how surely, with which values and at what time."""

from __future__ import annotations

from typing import Any

import pytest

from agents.planner.offline import OfflinePlanner
from agents.planner.routines import routine_request, saving_request
from agents.planner.saved import exact_answer, reuse_step, saved_match
from backend.contracts.plans import Catalogue, PlanDocument, SavedPlan
from backend.contracts.ports import PlanAnswer, PlanRequest
from backend.plans.ir import compile_document, ir_hash
from backend.plans.nested import with_saved
from backend.plans.validation import check
from tests.planner.conftest import CATALOGUE, NOW, ZONE

MADE_FROM = "every day at 9 read https://a.com/rss, summarise it and mail it to me@x.com"
DIGEST: dict[str, Any] = {
    "plan_name": "Morning digest",
    "inputs": {
        "to": {"format": "email", "default": "me@x.com"},
        "url": {"format": "uri", "default": "https://a.com/rss"},
    },
    "events": [{"name": "morning", "kind": "cron", "schedule": "0 9 * * *", "timezone": ZONE}],
    "steps": [
        {
            "name": "fetch",
            "on": ["morning"],
            "action": "feed.read",
            "args": {"url": "${inputs.url}"},
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
            "args": {"to": "${inputs.to}", "subject": "News", "body": "${digest.summary}"},
        },
    ],
}
NOTE: dict[str, Any] = {
    "plan_name": "Note",
    "inputs": {"topic": {"description": "what about"}, "count": {"type": "integer", "default": 3}},
    "events": [{"name": "go", "kind": "manual"}],
    "steps": [
        {
            "name": "tell",
            "on": ["go"],
            "action": "notify.user",
            "args": {"text": "${inputs.topic}: ${inputs.count}"},
        }
    ],
}


def saved(slug: str, name: str, raw: dict[str, Any], request: str = "") -> SavedPlan:
    document = PlanDocument.model_validate(raw)
    return SavedPlan(slug, name, slug, 1, ir_hash(compile_document(document)), document, request)


PLANS = with_saved(
    CATALOGUE,
    [saved("morning-digest", "morning digest", DIGEST, MADE_FROM), saved("note", "note", NOTE)],
)


def asked(text: str, catalogue: Catalogue = PLANS) -> PlanRequest:
    return PlanRequest(text, "ann", ZONE, NOW, catalogue)


def answered(text: str) -> PlanAnswer:
    request = asked(text)
    match = saved_match(request)
    assert match is not None and match.mode == "exact"
    return exact_answer(request, match)


@pytest.mark.parametrize(
    ("text", "tool", "inputs"),
    [
        ("run my morning digest", "plan.morning-digest", {}),
        ("Morning digest", "plan.morning-digest", {}),
        ("please run the “morning digest” routine again", "plan.morning-digest", {}),
        ("do my morning digest for ben@x.com", "plan.morning-digest", {"to": "ben@x.com"}),
        ("plan.note topic: cats, count = 5", "plan.note", {"topic": "cats", "count": 5}),
        (
            "start the note about solid state batteries",
            "plan.note",
            {"topic": "solid state batteries"},
        ),
        ("run note\nheat pumps", "plan.note", {"topic": "heat pumps"}),
        (
            "run the morning digest with https://b.com/rss every Monday at 7",
            "plan.morning-digest",
            {"url": "https://b.com/rss"},
        ),
    ],
)
def test_a_named_plan_is_meant_with_the_values_that_are_said(
    text: str, tool: str, inputs: dict[str, Any]
) -> None:
    match = saved_match(asked(text))
    assert match is not None
    assert (match.mode, match.tool, dict(match.inputs), match.rest) == ("exact", tool, inputs, "")
    assert match.confidence >= 0.75


@pytest.mark.parametrize(
    "text",
    [
        "read the morning news",
        "write a note about batteries",
        "add a note to notes.md",
        "every morning at 9 send me a digest of https://a.com/rss",
        "remind me to run tomorrow",
        "use the page watch",
        "",
        "\ue001" * 50,
    ],
)
def test_what_only_sounds_like_it_is_none(text: str) -> None:
    assert saved_match(asked(text)) is None


def test_without_saved_plans_nothing_is_meant() -> None:
    assert saved_match(asked("run my morning digest", CATALOGUE)) is None


def test_the_same_words_again_are_the_same_plan_with_its_own_time() -> None:
    answer = answered("Read https://a.com/rss, summarise it and mail it to me@x.com every day at 9")
    assert answer.document is not None
    assert answer.document["events"] == DIGEST["events"]
    assert answer.selection["mode"] == "exact"


def test_the_same_words_with_other_values_and_another_time_are_that_plan_with_these() -> None:
    answer = answered(
        "every Friday at 10 read https://c.com/rss, summarise it and mail it to jo@x.com"
    )
    assert answer.document is not None
    assert answer.document["events"][0]["schedule"] == "0 10 * * 5"
    assert answer.document["inputs"]["to"]["default"] == "jo@x.com"
    assert answer.document["inputs"]["url"]["default"] == "https://c.com/rss"


def test_the_same_words_with_a_value_the_plan_has_no_input_for_are_another_plan() -> None:
    fixed = {**NOTE, "inputs": {}, "steps": [{**NOTE["steps"][0], "args": {"text": "a.md"}}]}
    catalogue = with_saved(CATALOGUE, [saved("x", "unsaid", fixed, "read a.md and post it")])
    assert saved_match(asked("read a.md and post it", catalogue)) is not None
    assert saved_match(asked("read b.md and post it", catalogue)) is None


def test_without_a_time_it_starts_when_it_is_approved_and_scheduled_means_its_own_time() -> None:
    now = answered("run my morning digest").document
    lasting = answered("schedule my morning digest").document
    assert now is not None and lasting is not None
    assert now["events"] == [{"name": "morning", "kind": "manual"}]
    assert now["steps"] == DIGEST["steps"]
    assert lasting["events"] == DIGEST["events"]


def test_the_answer_is_a_sound_plan() -> None:
    answer = answered("run my morning digest tomorrow at 8 for ben@x.com")
    checked = check(answer.document, PLANS, now=NOW, timezone=ZONE)
    assert [i.code for i in checked.issues if i.severity == "error"] == []


def test_an_input_without_a_value_is_asked_for() -> None:
    answer = answered("run note")
    assert (answer.kind, answer.document) == ("question", None)
    assert "topic" in answer.text


def test_words_that_say_nothing_to_the_plan_are_not_covered() -> None:
    answer = answered("run my morning digest with fireworks")
    assert answer.not_covered == ("fireworks",)
    assert answer.confidence < 0.7


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("run my morning digest and save the summary to a.md", "save the summary to a.md"),
        ("every Monday at 8 run my morning digest, then tell me the summary", "every Monday at 8"),
        ("mail me the summary of my morning digest", "mail me the summary"),
    ],
)
def test_a_plan_that_is_one_part_of_a_request_leaves_the_rest_to_be_planned(
    text: str, rest: str
) -> None:
    request = asked(text)
    match = saved_match(request)
    assert match is not None and match.mode == "reuse"
    assert rest in match.rest and "morning digest" not in match.rest
    step = reuse_step(request, match, "digest", ["go"])
    assert step == {"name": "digest", "on": ["go"], "action": "plan.morning-digest", "args": {}}


def test_a_shipped_template_is_meant_only_where_it_is_called_one() -> None:
    match = saved_match(asked("use the page watch template with https://a.com"))
    assert match is not None and match.tool == "template.page-watch"
    foreign = Catalogue({id: spec for id, spec in CATALOGUE.tools.items() if id != "web.read"})
    assert saved_match(asked("use the page watch template with https://a.com", foreign)) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("save this as a routine", ""),
        ("Save it as “Morning digest”.", "Morning digest"),
        ("please keep this plan as my weekly report", "weekly report"),
        ("turn this into a routine called inbox zero", "inbox zero"),
        ("save this plan under the name weekly report", "weekly report"),
        ("save it as notes.md", None),
        ("save it as a pdf", None),
        ("save it", None),
        ("save it every day at 9", None),
        ("save the summary to a.md", None),
        ("read https://a.com and save this as a routine", None),
    ],
)
def test_a_plan_is_kept_only_where_the_plan_is_meant(text: str, name: str | None) -> None:
    assert saving_request(text) == name


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("what routines do I have?", "list"),
        ("list my saved plans", "list"),
        ("show me the templates", "templates"),
        ("show the history of morning digest", "history"),
        ("forget the routine morning digest", "forget"),
        ("rename morning digest to early digest", "rename"),
        ("what plans do I have", None),
        ("delete my files", None),
        ("delete my daily plan", None),
        ("forget it", None),
    ],
)
def test_what_is_asked_about_routines_is_told_from_all_else(text: str, act: str | None) -> None:
    found = routine_request(text)
    assert (found.act if found else None) == act


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        (
            "every day at 7 run note about cats and then run my morning digest",
            ["plan.note", "plan.morning-digest"],
        ),
        (
            "run my morning digest, then wait 2 hours, then run note about dogs",
            ["plan.morning-digest", "wait.until", "plan.note"],
        ),
    ],
)
async def test_several_plans_are_called_in_the_order_they_are_said(
    planner: OfflinePlanner, text: str, actions: list[str]
) -> None:
    answer = await planner.plan(asked(text))
    assert answer.document is not None
    assert [step["action"] for step in answer.document["steps"]] == actions
    assert answer.selection["mode"] == "reuse"
    assert not [i for i in check(answer.document, PLANS, now=NOW).issues if i.severity == "error"]


@pytest.mark.parametrize(
    "text",
    [
        "if https://a.com/x changed run my morning digest",
        "run my morning digest only if it rains",
        "read https://a.com/x and unless it says closed run my morning digest for ben@x.com",
    ],
)
async def test_a_condition_on_a_call_is_never_dropped(planner: OfflinePlanner, text: str) -> None:
    assert saved_match(asked(text)) is None
    answer = await planner.plan(asked(text))
    guarded = answer.document is not None and any("guard" in s for s in answer.document["steps"])
    assert answer.kind == "question" or answer.not_covered or guarded


def test_what_is_only_spoken_of_takes_no_values_of_the_work_around_it() -> None:
    match = saved_match(asked("mail the summary of my morning digest to ben@x.com"))
    assert match is not None
    assert (match.mode, match.inputs) == ("reuse", {})
    assert match.rest == "mail the summary of to ben@x.com"
