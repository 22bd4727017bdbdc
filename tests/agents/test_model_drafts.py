"""What a model's draft becomes: real outputs, conditions and times in the person's words, an order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from agents.planner.model import ModelPlanner
from agents.planner.model_drafts import to_document, to_draft
from agents.planner.offline import OfflinePlanner
from agents.planner.prompts import most_steps
from agents.planner.session import plan_once
from backend.contracts.plans import Catalogue
from backend.contracts.ports import PlanAnswer, PlanRequest
from backend.llm import OpenAILLM
from backend.plans.validation import check
from backend.tools.builtin import builtin
from tests.agents.conftest import NOW, answered, drafted, repaired, step
from tests.scripted_openai import ScriptedOpenAI

CATALOGUE = Catalogue({tool.spec.id: tool.spec for tool in builtin()})
FEED = "https://example.com/rss"
READ = step("fetch", "feed.read", url=FEED)
SEND = step("send", "email.send", to="me@example.com", subject="News", body="${fetch}")
ASKED = f"read {FEED} and mail it to me@example.com"


def request(text: str = ASKED, **more: Any) -> PlanRequest:
    return PlanRequest(text, "ann", "Europe/Paris", NOW, CATALOGUE, **more)


def steps(*written: dict[str, Any], text: str = ASKED, **more: Any) -> dict[str, dict[str, Any]]:
    drawn = to_document(drafted(*written, **more), request(text))
    assert check(drawn.document, CATALOGUE, now=NOW).ok, drawn.document
    return {step["name"]: step for step in drawn.document["steps"]}


@pytest.fixture
async def planner(server: ScriptedOpenAI) -> AsyncIterator[ModelPlanner]:
    llm = OpenAILLM("gpt-4o-mini", api_key=server.key, base_url=server.url, retries=0)
    yield ModelPlanner(llm, rules=OfflinePlanner())
    await llm.aclose()


async def planned(planner: ModelPlanner, text: str = ASKED, **more: Any) -> PlanAnswer:
    return (await plan_once(planner, request(text, **more))).answer


async def test_a_habit_starts_the_plan_though_the_model_waits_for_its_hour_in_a_step(
    server: ScriptedOpenAI, planner: ModelPlanner
) -> None:
    pause = step("pause", "wait.until", timestamp="2026-03-03T00:00:00+01:00")
    server.answer(drafted(pause, READ, SEND))
    answer = await planned(planner, f"every night at midnight {ASKED}")
    assert answer.document is not None
    assert [e.get("schedule") for e in answer.document["events"]] == ["0 0 * * *"]


def test_a_step_said_over_and_over_is_done_once_unless_it_was_asked_for() -> None:
    again = [{**READ, "name": f"fetch_{n}"} for n in range(3)]
    late = {**SEND, "args": [*SEND["args"][:2], "body=${fetch_2}"]}
    assert [*steps(READ, *again, late)] == ["fetch", "send"]
    assert [*steps(READ, again[0], SEND, text=f"{ASKED}, but read it twice")] == [
        "fetch",
        "fetch_0",
        "send",
    ]
    turns = [READ, SEND, again[0], {**SEND, "name": "send_2"}]
    assert [*steps(*turns)] == ["fetch", "send"]
    pause = step("pause", "wait.until", for_s="600")
    assert [*steps(READ, pause, again[0], SEND)] == ["fetch", "pause", "fetch_0", "send"]
    once = {**SEND, "args": [a.replace("me@", "you@") for a in SEND["args"]], "name": "second"}
    assert [*steps(READ, SEND, once)] == ["fetch", "send", "second"]


def test_a_step_that_no_words_asked_for_is_left_out_unless_another_uses_it() -> None:
    read, send = {**READ, "for": f"read {FEED}"}, {**SEND, "for": "mail it to me@example.com"}
    note = {**step("note", "file.write", path="a.md", content="${fetch}"), "for": "note the mail"}
    assert [*steps(read, send, note)] == ["fetch", "send"]
    # in words of its own: it may well be what was meant
    assert [*steps(read, send, {**note, "for": "keep a copy"}, text=f"{ASKED}, with a copy")] == [
        "fetch",
        "send",
        "note",
    ]
    short = {**step("short", "text.summarize", text="${fetch}"), "for": "the mail in short"}
    used = {**send, "args": [*send["args"][:2], "body=${short}"]}
    assert [*steps(read, short, used)] == ["fetch", "short", "send"]
    friend = {**note, "for": "me@example.com"}
    assert [*steps(read, send, friend)] == ["fetch", "send"]
    saved = f"{ASKED} and write the mail to a file"
    part = {**note, "for": "write the mail to a file"}
    assert [
        *steps(read, {**send, "for": saved.removeprefix(f"read {FEED} and ")}, part, text=saved)
    ] == [
        "fetch",
        "send",
        "note",
    ]
    # what is said in one language and given a reason in another is no proof
    assert [*steps(READ, {**note, "for": "note it"})] == ["fetch", "note"]


@pytest.mark.parametrize(
    ("words", "opened", "most"), [(4, 0, 5), (13, 0, 10), (7, 4, 10), (30, 0, 20), (900, 0, 30)]
)
def test_a_request_has_room_for_as_many_steps_as_its_words_can_ask_for(
    words: int, opened: int, most: int
) -> None:
    previous = {"steps": [{}] * opened}
    assert most_steps(request("word " * words, previous=previous)) == most


@pytest.mark.parametrize(
    ("written", "body"),
    [
        ("${fetch}", "${fetch.entries}"),
        ("${fetch.entrys}", "${fetch.entries}"),
        ("${fetch.text}", "${fetch.entries}"),
        ("fetch.title", "${fetch.title}"),
        ("{{fetch.title}}", "${fetch.title}"),
        ("News: ${fetch.title}!", "News: ${fetch.title}!"),
        ("{not a reference}", "{not a reference}"),
    ],
)
def test_a_reference_becomes_one_to_an_output_there_is(written: str, body: str) -> None:
    send = step("send", "email.send", to="me@example.com", subject="News", body=written)
    assert steps(READ, send)["send"]["args"]["body"] == body


def test_an_event_that_brings_nothing_is_not_referred_to() -> None:
    read = step("fetch", "feed.read", url=f"{FEED}${{event.date}}")
    assert steps(read)["fetch"]["args"] == {"url": FEED}


def test_each_item_of_a_list_is_done_by_its_address() -> None:
    read = {**step("open", "web.read", url="${item}"), "each": "the entries"}
    made = steps(READ, read)["open"]
    assert (made["for_each"], made["args"]["url"]) == ("${fetch.entries}", "${item.link}")


@pytest.mark.parametrize(
    ("words", "guard"),
    [
        ("unless it's empty", "len(fetch.entries) > 0"),
        ("if there are more than 10 entries", "len(fetch.entries) > 10"),
        ("len(fetch.entries) > 3", "len(fetch.entries) > 3"),
        ("${fetch.count} > 3", "fetch.count > 3"),
    ],
)
def test_a_condition_is_bound_to_what_it_speaks_of(words: str, guard: str) -> None:
    assert steps(READ, {**SEND, "if": words})["send"]["guard"] == guard


def test_otherwise_is_the_opposite() -> None:
    tell = {**step("tell", "notify.user", text="Nothing"), "if": "otherwise"}
    made = steps(READ, {**SEND, "if": "if it is empty"}, tell)
    assert made["send"]["guard"] == "len(fetch.entries) == 0"
    assert made["tell"]["guard"] == "len(fetch.entries) > 0"


def test_a_failure_is_routed_to_the_step_that_speaks_of_it() -> None:
    tell = {**step("tell", "notify.user", text="${fetch.title}"), "if": "if that fails"}
    made = steps(READ, tell)
    assert made["fetch"]["on_error"] == "route"
    assert made["tell"]["on"] == ["step.fetch.error"]
    assert made["tell"]["args"]["text"] == "The step “fetch” has failed."


def test_what_changed_is_compared_with_the_last_time() -> None:
    made = steps(READ, {**SEND, "if": "if it changed"}, when="every day at 9")
    assert "watch.changed" in {step["action"] for step in made.values()}
    assert made["send"]["guard"].endswith(".changed")


def test_a_condition_no_step_can_tell_is_said_to_be_left() -> None:
    drawn = to_document(drafted(READ, {**SEND, "if": "if the moon is full"}), request())
    assert drawn.left == ("if the moon is full",)


def test_steps_come_in_the_order_that_they_need_whatever_order_they_are_written_in() -> None:
    assert list(steps(SEND, READ)) == ["fetch", "send"]


def test_what_uses_nothing_follows_in_the_persons_order_but_not_what_may_be_skipped() -> None:
    keep = step("keep", "file.write", path="log.txt", content="done")
    assert steps(READ, SEND, keep)["keep"]["on"] == ["step.send"]
    assert steps(READ, {**SEND, "if": "if it is empty"}, keep)["keep"]["on"] == ["step.fetch"]


def test_what_nobody_needs_to_say_is_filled_in() -> None:
    args = steps(READ, step("send", "email.send", to="me@example.com"))["send"]["args"]
    assert args["body"] == "${fetch.entries}" and args["subject"]


def test_a_draft_of_a_document_stands_for_that_document() -> None:
    first = to_document(
        drafted(READ, {**SEND, "if": "unless it's empty"}, when="every weekday at 9"), request()
    ).document
    draft = to_draft(first, request())
    assert draft["when"] == "Weekdays at 09:00"
    again = to_document({**draft, "kind": "revision"}, request(), first).document
    assert (again["events"], again["steps"]) == (first["events"], first["steps"])


async def test_a_made_up_recipient_is_the_only_one_that_was_said(
    server: ScriptedOpenAI, planner: ModelPlanner
) -> None:
    send = step("send", "email.send", to="x@made-up.example", subject="News", body="${fetch}")
    server.answer(drafted(READ, send))
    answer = await planned(planner)
    assert answer.document is not None
    assert answer.document["steps"][1]["args"]["to"] == "me@example.com"


async def test_what_nobody_asked_for_is_given_back_to_the_model_once(
    server: ScriptedOpenAI, planner: ModelPlanner
) -> None:
    extra = step("post", "http.request", url="https://made-up.example/x", method="POST")
    server.answer(drafted(READ, SEND, extra))
    server.answer(repaired(remove=("post",)))
    answer = await planned(planner)
    assert answer.document is not None
    assert [s["name"] for s in answer.document["steps"]] == ["fetch", "send"]
    server.answer(drafted(READ, SEND, extra))
    server.answer(repaired(extra))
    assert (await planned(planner)).kind == "question"


async def test_a_dropped_condition_is_given_back_to_the_model_and_else_shown(
    server: ScriptedOpenAI, planner: ModelPlanner
) -> None:
    asked = f"read {FEED} and when there are more than 10 entries mail them to me@example.com"
    server.answer(drafted(READ, SEND))
    server.answer(repaired({**SEND, "if": "when there are more than 10 entries"}))
    answer = await planned(planner, asked)
    assert answer.document is not None
    assert answer.document["steps"][1]["guard"] == "len(fetch.entries) > 10"
    server.answer(drafted(READ, SEND))
    server.answer(repaired(SEND))
    answer = await planned(planner, asked)
    assert "without the model" in answer.text and answer.choices == ("Plan offline",)


async def test_where_both_planners_agree_it_is_surer(
    server: ScriptedOpenAI, planner: ModelPlanner
) -> None:
    server.answer(drafted(READ, SEND))
    agreed = await planned(planner)
    server.answer(drafted(READ, step("tell", "notify.user", text="${fetch}")))
    differed = await planned(planner)
    assert agreed.confidence > differed.confidence
    assert agreed.choices == () and differed.choices == ("Plan offline",)


async def test_a_question_of_the_model_offers_the_plan_that_the_rules_have(
    server: ScriptedOpenAI, planner: ModelPlanner
) -> None:
    server.answer(answered("question", "Which feed?", "A"))
    assert (await planned(planner)).choices == ("A", "Plan offline")


async def test_a_revision_may_change_a_condition_by_the_value_that_is_said(
    server: ScriptedOpenAI, planner: ModelPlanner
) -> None:
    guarded = {**SEND, "if": "len(fetch.entries) > 30"}
    first = to_document(drafted(READ, guarded), request()).document
    for said, value in (("35 entries, not 30", "35"), ("another subject", "30")):
        changed = {**SEND, "if": "len(fetch.entries) > 35"}
        server.answer(drafted(READ, changed, kind="revision"))
        answer = await planned(planner, said, previous=first)
        assert answer.document is not None
        assert answer.document["steps"][1]["guard"] == f"len(fetch.entries) > {value}"
