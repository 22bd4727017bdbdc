"""Anthropic's adapter, with the real SDK, over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from agents.planner import prompts
from backend.contracts.errors import RateLimited, Unavailable
from backend.llm import AnthropicLLM, OpenAILLM, chosen, connect
from backend.settings import Settings
from tests.scripted_anthropic import ScriptedAnthropic

HELLO = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
SCHEMA = {
    "type": "object",
    "properties": {
        "word": {"type": "string", "maxLength": 5},
        "parts": {"type": "array", "items": {"type": "integer"}},
    },
}
GOOD = {"word": "yes", "parts": [1]}


@pytest.fixture
def server() -> Iterator[ScriptedAnthropic]:
    with ScriptedAnthropic() as server:
        yield server


@pytest.fixture
async def llm(server: ScriptedAnthropic) -> AsyncIterator[AnthropicLLM]:
    llm = AnthropicLLM("claude-haiku-4-5", api_key=server.key, base_url=server.url, retries=1)
    yield llm
    await llm.aclose()


async def test_text_comes_back_with_its_tokens_and_cost(
    server: ScriptedAnthropic, llm: AnthropicLLM
) -> None:
    server.say("Hi there", usage=(1_000_000, 1_000_000, 500_000))
    reply = await llm.complete(HELLO)
    assert (reply.text, reply.data, reply.input_tokens) == ("Hi there", None, 1_000_000)
    assert reply.cost_usd == pytest.approx(0.5 + 0.05 + 5.0)
    assert server.requests[0]["system"] == "Be brief."
    assert server.requests[0]["messages"] == [{"role": "user", "content": "Hello"}]


async def test_an_answer_has_the_shape_that_was_asked_for(
    server: ScriptedAnthropic, llm: AnthropicLLM
) -> None:
    server.answer(GOOD)
    assert (await llm.complete(HELLO, schema=SCHEMA)).data == GOOD


async def test_a_bound_the_api_does_not_take_is_checked_here_and_asked_for_once_more(
    server: ScriptedAnthropic, llm: AnthropicLLM
) -> None:
    server.answer({**GOOD, "word": "far too long"})
    server.answer(GOOD)
    reply = await llm.complete(HELLO, schema=SCHEMA)
    assert (reply.data, reply.input_tokens) == (GOOD, 200)
    assert "not what was asked for" in server.requests[1]["messages"][-1]["content"]
    server.answer({})
    server.answer({})
    with pytest.raises(Unavailable) as caught:
        await llm.complete(HELLO, schema=SCHEMA)
    assert caught.value.code == "EXEC_MODEL_ANSWER"


async def test_the_planners_own_shapes_are_taken(
    server: ScriptedAnthropic, llm: AnthropicLLM
) -> None:
    empty = {"steps": [], "when": "", "left": [], "kind": "talk", "say": "", "choices": []}
    server.answer(empty)
    shape = prompts.draft_schema(["feed.read"], revises=True)
    assert (await llm.complete(HELLO, schema=shape)).data == empty
    server.answer({"steps": [], "remove": [], "when": None})
    assert (await llm.complete(HELLO, schema=prompts.repair_schema(["feed.read"]))).data


async def test_an_answer_that_is_cut_off_is_asked_for_more_briefly(
    server: ScriptedAnthropic, llm: AnthropicLLM
) -> None:
    server.say('{"word": "y', stop="max_tokens")
    server.answer(GOOD)
    assert (await llm.complete(HELLO, schema=SCHEMA)).data == GOOD
    server.say("{", stop="max_tokens")
    server.say("{", stop="max_tokens")
    with pytest.raises(Unavailable) as caught:
        await llm.complete(HELLO, schema=SCHEMA)
    assert caught.value.code == "EXEC_MODEL_CUT_OFF"


async def test_an_answer_is_seen_as_it_grows(server: ScriptedAnthropic, llm: AnthropicLLM) -> None:
    seen: list[Any] = []
    server.say(json.dumps({"word": "a b c", "parts": []}))
    reply = await llm.complete(HELLO, schema=SCHEMA, on_partial=lambda part: seen.append(part))
    assert reply.data == {"word": "a b c", "parts": []}
    assert [part.get("word") for part in seen][:4] == [None, "a ", "a b ", "a b c"]


async def test_words_are_streamed_as_they_come(
    server: ScriptedAnthropic, llm: AnthropicLLM
) -> None:
    server.say("Good morning, Ann.")
    assert [token async for token in llm.stream(HELLO)] == ["Good ", "morning, ", "Ann."]


async def test_a_stream_that_breaks_is_an_error_after_what_was_said(
    server: ScriptedAnthropic, llm: AnthropicLLM
) -> None:
    server.hang_up("Good morning")
    said = []
    with pytest.raises(Unavailable):
        async for token in llm.stream(HELLO):
            said.append(token)
    assert said == ["Good ", "morning"]


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "EXEC_MODEL_KEY"), (404, "EXEC_MODEL_UNKNOWN"), (400, "EXEC_MODEL_FAILED")],
)
async def test_every_failure_has_its_code(
    server: ScriptedAnthropic, llm: AnthropicLLM, status: int, code: str
) -> None:
    server.fail(status, "no")
    with pytest.raises(Unavailable) as caught:
        await llm.complete(HELLO)
    assert caught.value.code == code


async def test_a_wrong_key_names_its_setting(server: ScriptedAnthropic) -> None:
    llm = AnthropicLLM("claude-haiku-4-5", api_key="wrong", base_url=server.url)
    with pytest.raises(Unavailable, match="ANTHROPIC_API_KEY"):
        await llm.complete(HELLO)
    await llm.aclose()


@pytest.mark.parametrize("status", [429, 529])
async def test_a_busy_model_says_when_to_come_back(
    server: ScriptedAnthropic, llm: AnthropicLLM, status: int
) -> None:
    server.fail(status, "busy", retry_after="7")
    with pytest.raises(RateLimited) as caught:
        await llm.complete(HELLO)
    assert caught.value.retry_after_s == 7


async def test_a_hiccup_is_tried_again(server: ScriptedAnthropic, llm: AnthropicLLM) -> None:
    server.fail(500, "on fire", retry=True)
    server.say("Fine")
    assert (await llm.complete(HELLO)).text == "Fine"


async def test_a_refusal_is_no_answer(server: ScriptedAnthropic, llm: AnthropicLLM) -> None:
    server.say("", stop="refusal")
    with pytest.raises(Unavailable) as caught:
        await llm.complete(HELLO)
    assert caught.value.code == "EXEC_MODEL_REFUSED"


@pytest.mark.parametrize(
    ("given", "model"),
    [
        ({"anthropic_api_key": "k"}, "claude-haiku-4-5"),
        ({"anthropic_api_key": "k", "openai_model": "claude-opus-4-8"}, "claude-opus-4-8"),
        ({"anthropic_api_key": "k", "openai_model": "gpt-5"}, None),
        ({"anthropic_api_key": "k", "openai_api_key": "k"}, "gpt-5.4-mini"),
        ({"openai_api_key": "k", "openai_model": "claude-opus-4-8"}, "claude-opus-4-8"),
        ({}, None),
    ],
)
def test_a_models_name_says_whose_it_is_and_a_lone_key_decides(
    given: dict[str, str], model: str | None
) -> None:
    assert chosen(Settings(_env_file=None, **given)) == model  # type: ignore[arg-type]


def test_a_claude_behind_another_server_is_asked_for_there() -> None:
    given = {"openai_base_url": "http://127.0.0.1:9/v1", "openai_model": "claude-opus-4-8"}
    assert isinstance(connect(Settings(_env_file=None, **given)), OpenAILLM)  # type: ignore[arg-type]
    own = connect(Settings(_env_file=None, anthropic_api_key="k", **given))  # type: ignore[arg-type]
    assert isinstance(own, AnthropicLLM)
