from __future__ import annotations

from typing import Any

import pytest

from backend.contracts.errors import Invalid, ToolError
from tests.scripted_openai import ScriptedOpenAI
from tests.tools.conftest import Bench, Use

LETTER = """Dear Ada, please pay invoice INV-77 of 3 March 2026 by 2026-04-01: $1,200.50 (or 1.100,00 EUR).
Ask billing@harbour.example or ada.marsh+x@mail.example, call +49 30 1234567 or (030) 765-4321,
or see https://harbour.example/pay?id=77. Until 12/04/2026 or Apr 5, 2026!"""


async def test_what_has_a_form_is_found_without_a_model(use: Use) -> None:
    result = await use("text.extract", text=LETTER)
    assert result.output == {
        "data": {
            "emails": ["billing@harbour.example", "ada.marsh+x@mail.example"],
            "urls": ["https://harbour.example/pay?id=77"],
            "dates": ["3 March 2026", "2026-04-01", "12/04/2026", "Apr 5, 2026"],
            "amounts": ["$1,200.50", "1.100,00 EUR"],
            "phones": ["+49 30 1234567", "(030) 765-4321"],
        },
        "method": "extractive",
    }
    assert "without a model" in result.note


async def test_only_the_kinds_asked_for_are_found(use: Use) -> None:
    result = await use("text.extract", text=LETTER, kinds=["emails"])
    assert set(result.output["data"]) == {"emails"}
    result = await use("text.extract", text=LETTER, instruction="all links and e-mail addresses")
    assert set(result.output["data"]) == {"emails", "urls"}


async def test_each_thing_is_found_once_in_a_list_of_texts_too(use: Use) -> None:
    texts = ["a@x.org", {"title": "Ask", "summary": "b@x.org or a@x.org"}]
    result = await use("text.extract", text=texts, kinds=["emails"])
    assert result.output["data"]["emails"] == ["a@x.org", "b@x.org"]


@pytest.mark.parametrize(
    ("pattern", "found"), [(r"INV-\d+", ["INV-77"]), (r"invoice (\S+)", ["INV-77"]), ("nope", [])]
)
async def test_a_pattern_finds_its_group_or_the_whole_match(
    use: Use, pattern: str, found: list[str]
) -> None:
    result = await use("text.extract", text=LETTER, pattern=pattern)
    assert result.output == {"data": {"matches": found}, "method": "pattern"}


@pytest.mark.parametrize("pattern", ["(", "[", "*", "(?P<a", r"\p{Nope}", "a{99999999999}"])
async def test_what_is_no_pattern_is_told_so(use: Use, pattern: str) -> None:
    with pytest.raises(Invalid) as caught:
        await use("text.extract", text=LETTER, pattern=pattern)
    assert caught.value.code == "EXEC_PATTERN_INVALID"


async def test_a_pattern_that_would_take_years_is_stopped(
    use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.tools.builtin.extract.PATTERN_SECONDS", 0.1)
    with pytest.raises(ToolError) as caught:
        await use("text.extract", text="ab" * 50 + "c", pattern=r"^((?:\w|\w\w)+)+\d$")
    assert (caught.value.code, caught.value.transient) == ("EXEC_PATTERN_TOO_SLOW", False)


@pytest.mark.parametrize("part", ["1", "1 ", "a.", "a@", "1.", "$", "http://", "+1-", "1-1", "(1"])
async def test_hostile_text_is_read_in_time(use: Use, part: str) -> None:
    assert (await use("text.extract", text=part * 50_000)).output["method"] == "extractive"


async def test_fields_need_a_model_and_say_so(use: Use) -> None:
    with pytest.raises(ToolError) as caught:
        await use("text.extract", text=LETTER, fields={"total": "number: to pay"})
    assert caught.value.code == "EXEC_MODEL_MISSING"
    assert "OPENAI_API_KEY" in caught.value.hint


async def by_model(bench: Bench, model: ScriptedOpenAI, answer: Any, **args: Any) -> Any:
    model.answer(answer)
    registry = bench.registry(openai_api_key=model.key, openai_base_url=model.url)
    return await registry.call(bench.call("text.extract", {"text": LETTER, **args}))


async def test_a_model_fills_in_the_fields(bench: Bench, model: ScriptedOpenAI) -> None:
    fields = {"total": "number: to pay", "payee": "who gets it", "words": "list"}
    answer = {"total": 1200.5, "payee": None, "words": ["a"]}
    result = await by_model(bench, model, answer, fields=fields)
    assert result.output == {"data": answer, "method": "gpt-5.4-mini"}
    asked = model.requests[0]["response_format"]["json_schema"]["schema"]["properties"]
    assert asked["total"] == {"type": ["number", "null"], "description": "to pay"}
    assert asked["payee"]["description"] == "who gets it"


async def test_a_model_names_the_fields_of_a_wish_in_words(
    bench: Bench, model: ScriptedOpenAI
) -> None:
    found = [{"name": n, "value": v} for n, v in (("id", "77"), ("day", "a"), ("day", "b"))]
    result = await by_model(bench, model, {"found": found}, instruction="the invoice and its days")
    assert result.output["data"] == {"id": "77", "day": ["a", "b"]}
    assert "the invoice and its days" in model.requests[0]["messages"][0]["content"]
