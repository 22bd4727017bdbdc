"""The OpenAI adapter, with the real SDK, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from backend.contracts.errors import RateLimited, Unavailable
from backend.llm import MODELS, OpenAILLM, bounded, cheapest, connect, known, named
from backend.settings import Settings
from tests.scripted_openai import Answer, ScriptedOpenAI, strict_problem

HELLO = [{"role": "user", "content": "Hello"}]
SCHEMA = {
    "type": "object",
    "properties": {
        "word": {"type": "string"},
        "parts": {
            "type": "array",
            "items": {"type": "object", "properties": {"n": {"type": "integer"}}},
        },
    },
}
GOOD = {"word": "yes", "parts": [{"n": 1}]}


@pytest.fixture
def server() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI() as server:
        yield server


@pytest.fixture
async def llm(server: ScriptedOpenAI) -> AsyncIterator[OpenAILLM]:
    llm = OpenAILLM("gpt-4o-mini", api_key=server.key, base_url=server.url, retries=1)
    yield llm
    await llm.aclose()


async def test_text_comes_back_with_its_tokens_and_cost(
    server: ScriptedOpenAI, llm: OpenAILLM
) -> None:
    server.say("Hi there", usage=(1_000_000, 1_000_000, 500_000))
    reply = await llm.complete(HELLO)
    assert (reply.text, reply.input_tokens, reply.output_tokens) == (
        "Hi there",
        1_000_000,
        1_000_000,
    )
    assert reply.cost_usd == pytest.approx(0.075 + 0.0375 + 0.60)
    assert reply.data is None


async def test_a_schema_is_sent_strict_and_the_answer_comes_back_parsed(
    server: ScriptedOpenAI, llm: OpenAILLM
) -> None:
    server.answer(GOOD)
    reply = await llm.complete(HELLO, schema=SCHEMA)
    assert reply.data == GOOD
    sent = server.requests[0]["response_format"]["json_schema"]
    assert sent["strict"] is True
    assert sent["schema"]["properties"]["parts"]["items"]["additionalProperties"] is False


async def test_a_server_without_schemas_is_asked_for_json_and_remembered(llm: OpenAILLM) -> None:
    with ScriptedOpenAI(schemas=False) as server:
        plain = OpenAILLM("some-model", api_key=server.key, base_url=server.url)
        server.say('```json\n{"word": "yes", "parts": []}\n```')
        server.answer(GOOD)
        assert (await plain.complete(HELLO, schema=SCHEMA)).data["word"] == "yes"
        assert (await plain.complete(HELLO, schema=SCHEMA)).data == GOOD
        formats = [r.get("response_format", {}).get("type") for r in server.requests]
        assert formats == ["json_schema", "json_object", "json_object"]
        await plain.aclose()


async def test_a_server_without_any_format_is_asked_in_words() -> None:
    with ScriptedOpenAI(schemas=False, json_mode=False) as server:
        plain = OpenAILLM("some-model", api_key=server.key, base_url=server.url)
        server.say('Sure! {"word": "yes", "parts": []} Anything else?')
        assert (await plain.complete(HELLO, schema=SCHEMA)).data == {"word": "yes", "parts": []}
        assert "response_format" not in server.requests[-1]
        await plain.aclose()


async def test_a_schema_the_server_cannot_compile_is_asked_for_in_words(
    server: ScriptedOpenAI, llm: OpenAILLM
) -> None:
    server.fail(400, "Failed to initialize samplers: failed to parse grammar")
    server.answer(GOOD)
    assert (await llm.complete(HELLO, schema=SCHEMA)).data == GOOD
    assert server.requests[-1]["response_format"] == {"type": "json_object"}


async def test_a_request_that_is_too_long_is_not_asked_again(
    server: ScriptedOpenAI, llm: OpenAILLM
) -> None:
    server.fail(400, "This model's maximum context length is 128000 tokens")
    with pytest.raises(Unavailable):
        await llm.complete(HELLO, schema=SCHEMA)
    assert len(server.requests) == 1


async def test_an_answer_of_the_wrong_shape_is_asked_for_once_more(
    server: ScriptedOpenAI, llm: OpenAILLM
) -> None:
    server.answer({"word": 7, "parts": []})
    server.answer(GOOD)
    reply = await llm.complete(HELLO, schema=SCHEMA)
    assert reply.data == GOOD
    assert reply.input_tokens == 200
    assert "7" in server.requests[1]["messages"][-1]["content"]


async def test_nonsense_twice_is_an_error_with_a_code(
    server: ScriptedOpenAI, llm: OpenAILLM
) -> None:
    server.say("lorem ipsum")
    server.say("dolor sit")
    with pytest.raises(Unavailable) as caught:
        await llm.complete(HELLO, schema=SCHEMA)
    assert caught.value.code == "EXEC_MODEL_ANSWER"


async def test_a_token_limit_is_named_as_the_server_wants_it(server: ScriptedOpenAI) -> None:
    llm = OpenAILLM("gpt-5-mini", api_key=server.key, base_url=server.url)
    server.say("Hi")
    assert (await llm.complete(HELLO)).text == "Hi"
    assert "max_completion_tokens" in server.requests[-1]
    await llm.aclose()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer("{", finish="length"), "EXEC_MODEL_CUT_OFF"),
        (Answer(refusal="I would rather not"), "EXEC_MODEL_REFUSED"),
        (Answer("x", finish="content_filter"), "EXEC_MODEL_REFUSED"),
        (Answer(body=b"<html>Welcome</html>"), "EXEC_MODEL_ANSWER"),
        (Answer(body=b'{"choices": []}'), "EXEC_MODEL_ANSWER"),
        (Answer(hang_up=True), "EXEC_MODEL_DOWN"),
        (Answer(status=500, headers={"x-should-retry": "false"}), "EXEC_MODEL_FAILED"),
        (Answer(status=404, headers={"x-should-retry": "false"}), "EXEC_MODEL_UNKNOWN"),
    ],
)
async def test_every_failure_has_its_code_and_clear_words(
    server: ScriptedOpenAI, llm: OpenAILLM, answer: Answer, code: str
) -> None:
    server.rule(lambda _: answer)
    with pytest.raises(Unavailable) as caught:
        await llm.complete(HELLO, schema=SCHEMA)
    assert caught.value.code == code
    assert "gpt-4o-mini" in caught.value.message
    assert caught.value.hint


async def test_a_slow_model_is_given_up_on(server: ScriptedOpenAI) -> None:
    llm = OpenAILLM("gpt-4o-mini", api_key=server.key, base_url=server.url, timeout_s=0.05)
    server.slow()
    with pytest.raises(Unavailable) as caught:
        await llm.complete(HELLO)
    assert caught.value.code == "EXEC_MODEL_SLOW"
    server.release()
    await llm.aclose()


async def test_a_server_that_is_gone_is_unavailable(server: ScriptedOpenAI) -> None:
    llm = OpenAILLM("gpt-4o-mini", api_key=server.key, base_url=server.url, retries=0)
    server.close()
    with pytest.raises(Unavailable) as caught:
        await llm.complete(HELLO)
    assert caught.value.code == "EXEC_MODEL_DOWN"
    await llm.aclose()


async def test_a_busy_model_says_when_to_come_back(server: ScriptedOpenAI, llm: OpenAILLM) -> None:
    server.fail(429, "Rate limit reached", code="rate_limit_exceeded", retry_after="7")
    with pytest.raises(RateLimited) as caught:
        await llm.complete(HELLO)
    assert caught.value.retry_after_s == 7


async def test_an_empty_purse_is_not_a_reason_to_wait(
    server: ScriptedOpenAI, llm: OpenAILLM
) -> None:
    server.fail(429, "You exceeded your current quota", code="insufficient_quota")
    with pytest.raises(Unavailable) as caught:
        await llm.complete(HELLO)
    assert caught.value.code == "EXEC_MODEL_QUOTA"


async def test_a_hiccup_is_tried_again(server: ScriptedOpenAI, llm: OpenAILLM) -> None:
    server.fail(500, "hiccup", retry=True)
    server.say("Hi")
    assert (await llm.complete(HELLO)).text == "Hi"


async def test_a_wrong_key_names_the_setting(server: ScriptedOpenAI) -> None:
    llm = OpenAILLM("gpt-4o-mini", api_key="wrong", base_url=server.url)
    with pytest.raises(Unavailable) as caught:
        await llm.complete(HELLO)
    assert "OPENAI_API_KEY" in caught.value.message
    await llm.aclose()


async def test_tokens_are_streamed_as_they_come(server: ScriptedOpenAI, llm: OpenAILLM) -> None:
    server.say("one two three")
    assert [token async for token in llm.stream(HELLO)] == ["one ", "two ", "three"]


async def test_a_stream_that_breaks_is_an_error_after_what_was_said(
    server: ScriptedOpenAI, llm: OpenAILLM
) -> None:
    server.hang_up("one two")
    said = []
    with pytest.raises(Unavailable):
        async for token in llm.stream(HELLO):
            said.append(token)
    assert said == ["one ", "two"]


async def test_without_a_key_or_a_server_there_is_no_model() -> None:
    none = Settings(_env_file=None, openai_api_key="", openai_base_url="")
    assert connect(none) is None
    local = none.model_copy(update={"openai_base_url": "http://127.0.0.1:1/v1"})
    llm = connect(local)
    assert llm is not None
    assert llm.model == local.openai_model


def test_a_bounded_schema_passes_strict_mode_and_an_ordinary_one_does_not() -> None:
    assert strict_problem(SCHEMA, top=True) is not None
    assert strict_problem(bounded(SCHEMA), top=True) is None
    word = bounded(SCHEMA)["properties"]["word"]
    assert word["maxLength"] > 0
    assert bounded(SCHEMA)["properties"]["parts"]["maxItems"] > 0


def test_the_cheapest_model_that_can_do_it_is_chosen() -> None:
    chosen = cheapest({"schema", "reasoning"}, context=300_000)
    assert chosen is not None
    able = [m for m in MODELS if m.vendor == "openai" and m.context >= 300_000]
    assert all(
        chosen.input_usd * 3 + chosen.output_usd <= m.input_usd * 3 + m.output_usd
        for m in able
        if "reasoning" in m.capabilities
    )
    assert cheapest(context=10**9) is None


def test_a_setting_names_a_model_or_takes_the_cheapest_that_can_do_the_task() -> None:
    assert named("qwen", "plan") == "qwen"
    able = [m for m in MODELS if m.vendor == "openai" and "planning" in m.capabilities]
    price = {m.id: m.input_usd * 3 + m.output_usd for m in able}
    assert price[named("auto", "plan")] == min(price.values())
    reasoning = {m.id for m in able if "reasoning" in m.capabilities}
    assert price[named("auto", "select")] == min(price[id] for id in reasoning)


def test_selection_has_a_model_of_its_own_only_where_one_is_set() -> None:
    plain = Settings(_env_file=None, openai_api_key="sk-test", openai_model="auto")
    planning = connect(plain)
    assert planning is not None
    assert planning.model == named("auto", "plan")
    assert connect(plain, "select") is None
    strong = connect(plain.model_copy(update={"openai_reasoning_model": "gpt-5.5"}), "select")
    assert strong is not None
    assert strong.model == "gpt-5.5"
    assert connect(Settings(_env_file=None, openai_reasoning_model="gpt-5.5"), "select") is None


def test_a_dated_name_has_its_familys_price() -> None:
    assert known("gpt-5-mini-2025-08-07") == known("gpt-5-mini")
    assert known("openai/gpt-5.4-mini") == known("gpt-5.4-mini")
    assert known("qwen2.5-coder") is None


async def test_an_answer_is_seen_as_it_grows(server: ScriptedOpenAI, llm: OpenAILLM) -> None:
    server.answer({"kind": "question", "text": "Which feed is it?"})
    seen: list[str] = []
    schema = {
        "type": "object",
        "properties": {"kind": {"type": "string"}, "text": {"type": "string"}},
    }
    whole = await llm.complete(
        HELLO, schema=schema, on_partial=lambda so_far: seen.append(so_far.get("text", ""))
    )
    assert whole.data["text"] == "Which feed is it?"
    assert (whole.input_tokens, whole.cost_usd > 0) == (100, True)
    assert any("Which" in text and text != whole.data["text"] for text in seen)
    assert all(whole.data["text"].startswith(text.rstrip()) for text in seen)


async def test_a_growing_answer_that_breaks_off_is_an_error(
    server: ScriptedOpenAI, llm: OpenAILLM
) -> None:
    for _ in range(2):
        server.cut_off('{"kind": "question", "text": "Whi')
    with pytest.raises(Unavailable) as caught:
        await llm.complete(HELLO, schema={"type": "object"}, on_partial=lambda so_far: None)
    assert caught.value.code == "EXEC_MODEL_CUT_OFF"
