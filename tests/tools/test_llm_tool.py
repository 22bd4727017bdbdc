from __future__ import annotations

import pytest

from backend.contracts.errors import ToolError
from tests.scripted_openai import ScriptedOpenAI
from tests.tools.conftest import Bench


async def test_the_model_is_asked_and_its_answer_and_cost_returned(
    bench: Bench, model: ScriptedOpenAI
) -> None:
    model.say("Bonjour.")
    registry = bench.registry(openai_api_key=model.key, openai_base_url=model.url)
    args = {"prompt": "Translate to French.", "material": ["Hello."], "system": "You translate."}
    result = await registry.call(bench.call("llm.complete", args))
    assert result.output == {"text": "Bonjour.", "data": None, "model": "gpt-5.4-mini"}
    assert result.cost_usd > 0
    assert [message["content"] for message in model.requests[0]["messages"]] == [
        "You translate.",
        "Translate to French.",
        "• Hello.",
    ]


async def test_fields_come_back_as_data(bench: Bench, model: ScriptedOpenAI) -> None:
    model.answer({"mood": "glad", "score": 3})
    registry = bench.registry(openai_api_key=model.key, openai_base_url=model.url)
    args = {"prompt": "How is it?", "fields": {"mood": "in one word", "score": "integer: 1 to 5"}}
    result = await registry.call(bench.call("llm.complete", args))
    assert result.output["data"] == {"mood": "glad", "score": 3}


async def test_a_refused_key_is_told_and_not_tried_again(
    bench: Bench, model: ScriptedOpenAI
) -> None:
    registry = bench.registry(openai_api_key="sk-wrong", openai_base_url=model.url)
    with pytest.raises(ToolError):
        await registry.call(bench.call("llm.complete", {"prompt": "Hello."}))


async def test_without_a_model_the_setting_is_named(bench: Bench) -> None:
    with pytest.raises(ToolError) as caught:
        await bench.use("llm.complete", prompt="Hello.")
    assert caught.value.code == "EXEC_SETTING_MISSING"
