"""Selections are made once for the same words, and for nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from agents.planner.model import ModelPlanner
from agents.planner.selections import selection_key
from backend.contracts.ports import PlanRequest
from backend.llm import OpenAILLM
from tests.agents.conftest import NOW, selected
from tests.agents.test_model_planner import CATALOGUE
from tests.scripted_openai import ScriptedOpenAI

SAID = "Every day at 9 read the feed https://example.com/feed and mail 5 titles to me@example.com"
REQUEST = PlanRequest(SAID, "ann", "Europe/Paris", NOW, replace(CATALOGUE, hash="h1"))


@pytest.fixture
async def planner(server: ScriptedOpenAI) -> AsyncIterator[ModelPlanner]:
    llm = OpenAILLM("gpt-4o-mini", api_key=server.key, base_url=server.url, retries=0)
    yield ModelPlanner(llm, reasoning=llm)
    await llm.aclose()


async def test_the_same_words_with_other_values_are_selected_once(
    server: ScriptedOpenAI, planner: ModelPlanner
) -> None:
    server.answer(selected("feed.read", "email.send"))
    first = await planner.select(REQUEST, ["feed.read", "email.send"])
    said = SAID.replace("at 9", "at 10").replace("me@", "you@").replace("5 titles", "7 titles")
    again = await planner.select(replace(REQUEST, text=said), ["feed.read", "email.send"])
    assert (again.kind, again.tools) == (first.kind, first.tools)
    assert (len(server.requests), again.usage) == (1, {})
    assert planner.selections.counted() == {"hits": 1, "misses": 1}


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, user_id="bob"),
        replace(REQUEST, catalogue=replace(CATALOGUE, hash="h2")),
        replace(REQUEST, text=SAID.replace("and mail", "and never mail")),
    ],
    ids=["somebody else", "other tools", "other words"],
)
def test_what_differs_in_more_is_selected_anew(other: PlanRequest) -> None:
    assert selection_key(other) != selection_key(REQUEST)


def test_another_kind_of_address_is_selected_anew() -> None:
    feed, page = (replace(REQUEST, text=f"read https://example.com/{at}") for at in ("rss", "a"))
    assert selection_key(feed) != selection_key(page)


def test_what_only_its_thread_explains_is_never_kept() -> None:
    assert selection_key(replace(REQUEST, history=({"role": "user", "content": "x"},))) is None
    assert selection_key(replace(REQUEST, previous={"steps": []})) is None


async def test_a_question_is_asked_anew(server: ScriptedOpenAI, planner: ModelPlanner) -> None:
    for _ in range(2):
        server.answer({**selected(), "kind": "question", "text": "Which?"})
        assert (await planner.select(REQUEST, ["feed.read"])).kind == "question"
