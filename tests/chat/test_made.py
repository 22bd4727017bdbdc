"""A card tells how its plan came about: by whom, from which words, and as text to copy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.contracts.plans import PlanDocument
from backend.contracts.views import PlanView
from backend.plans.pipe import parse_pipe
from chat_app.made import MOST_TEXT, made

DOCUMENT = PlanDocument.model_validate(
    {
        "plan_name": "tell",
        "events": [{"name": "event.start", "kind": "manual"}],
        "steps": [
            {
                "name": "tell",
                "on": ["event.start"],
                "action": "notify.user",
                "args": {"text": "Hello"},
            }
        ],
    }
)
VIEW = PlanView(
    plan_id="p1",
    owner="ann",
    revision=1,
    latest=1,
    status="proposed",
    ir_hash="h",
    catalogue_hash="c",
    document=DOCUMENT,
    origin="planner",
    planner="offline",
    trust="trusted",
    request="say hello",
)


def test_the_text_to_copy_reads_back_as_the_plan() -> None:
    told = made(VIEW)
    assert told["syntax"] == "pipe"
    assert PlanDocument.model_validate(parse_pipe(told["text"])) == DOCUMENT


def test_secrets_are_masked_in_the_text() -> None:
    step = DOCUMENT.steps[0].model_copy(update={"args": {"text": "Hello", "password": "s3cret"}})
    told = made(replace(VIEW, document=DOCUMENT.model_copy(update={"steps": [step]})))
    assert "s3cret" not in told["text"]
    assert "Hello" in told["text"]


def test_a_text_nobody_would_read_is_left_out() -> None:
    step = DOCUMENT.steps[0].model_copy(update={"args": {"text": "x" * MOST_TEXT}})
    long = DOCUMENT.model_copy(update={"steps": [step]})
    assert made(replace(VIEW, document=long))["text"] == ""


@pytest.mark.parametrize(
    ("view", "line"),
    [
        (VIEW, "Planned offline. Add a model for open-ended requests."),
        (replace(VIEW, planner="gpt-5"), "Planned by gpt-5."),
        (replace(VIEW, planner="gpt-5", origin="edited"), "Planned by gpt-5, changed by you."),
        (replace(VIEW, origin="hand", planner=""), "Written by you."),
    ],
)
def test_who_planned_is_said_in_one_line(view: PlanView, line: str) -> None:
    assert made(view)["line"] == line


def test_why_and_what_it_took_are_told_where_they_are_known() -> None:
    usage = {"model": "m", "calls": 2, "cost_usd": 0.0123}
    provenance = {"selection": {"reason": "These two do it."}, "usage": usage}
    told = made(replace(VIEW, provenance=provenance))
    assert told["why"] == "These two do it."
    assert told["cost"] == "2 questions to the model, $0.0123"
    assert made(VIEW)["cost"] == ""


def test_what_was_mended_is_told_in_words_and_once() -> None:
    mended = {"code": "PLAN_ARGUMENT_MISSING", "path": "steps/0", "message": "It lacks a subject."}
    told = made(replace(VIEW, provenance={"repairs": [mended, mended, "PLAN_ARGUMENT_MISSING"]}))
    assert told["mended"] == ["It lacks a subject."]
