from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from backend.contracts.errors import ToolError
from backend.tools.builtin import sentences
from tests.scripted_openai import ScriptedOpenAI
from tests.tools.conftest import Bench, Use
from tests.web import Site

STORY = """# The harbour

The harbour of Westport opened to tall ships on Monday after nine years of repairs. It was a sunny day.
Forty ships came from nine countries, and the harbour master greeted each of the ships by name.
Somebody sold ice cream. The repairs of the harbour walls cost the town forty million, less than feared.
A dog barked at the gulls. Next year the tall ships will return to the harbour in June.
Well, well. Nobody knows why the gulls were so loud."""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("One. Two! Three? Four…", ["One.", "Two!", "Three?", "Four…"]),
        ("Dr. Smith met Mr. J. Jones. He left.", ["Dr. Smith met Mr. J. Jones.", "He left."]),
        ("It costs 3.50 a piece. Cheap.", ["It costs 3.50 a piece.", "Cheap."]),
        ("Use tools, e.g. a saw. Cut.", ["Use tools, e.g. a saw.", "Cut."]),
        ("Das ist z.B. so. Über uns.", ["Das ist z.B. so.", "Über uns."]),
        ('"Really?" she asked. "Yes."', ['"Really?" she asked.', '"Yes."']),
        ("今日は晴れ。明日は雨。", ["今日は晴れ。", "明日は雨。"]),
        ("यह एक है। यह दो है।", ["यह एक है।", "यह दो है।"]),
        ("A heading\n\nA sentence\nbroken off", ["A heading", "A sentence", "broken off"]),
        ("- one\n* two\n1. three\n# four", ["one", "two", "three", "four"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_a_text_is_split_where_its_sentences_end(text: str, found: list[str]) -> None:
    assert sentences.split(text) == found


def test_picked_sentences_come_in_reading_order_without_repeats() -> None:
    said = ["Ships came to the harbour.", "Ships came to the harbour.", "Gulls cried over fields."]
    assert sentences.pick(said, 2) == [0, 2]
    assert sentences.pick(said, 9) == [0, 2]
    assert sentences.pick([], 3) == []


async def test_the_most_telling_sentences_are_kept_word_for_word(use: Use) -> None:
    result = await use("text.summarize", text=STORY, max_sentences=3)
    picked = sentences.split(result.output["summary"])
    assert len(picked) == 3
    assert all(each in " ".join(STORY.split()) for each in picked)
    assert picked[0].startswith("The harbour of Westport opened")
    assert not any(word in result.output["summary"] for word in ("ice cream", "dog", "Well"))


async def test_the_focus_of_the_reader_decides(use: Use) -> None:
    result = await use("text.summarize", text=STORY, max_sentences=1, focus="what did it cost")
    assert result.output["summary"].startswith("The repairs of the harbour walls cost")


async def test_it_says_that_it_is_extractive(use: Use) -> None:
    result = await use("text.summarize", text=STORY)
    assert result.output["method"] == "extractive"
    assert "without a model" in result.note
    assert result.cost_usd == 0


async def test_a_short_text_is_its_own_summary(use: Use) -> None:
    result = await use("text.summarize", text="Only this.")
    assert result.output["summary"] == "Only this."


@pytest.mark.parametrize("nothing", ["", "  \n", [], {}])
async def test_nothing_summarises_to_nothing_and_says_so(use: Use, nothing: object) -> None:
    result = await use("text.summarize", text=nothing)
    assert result.output["summary"] == ""
    assert "nothing" in result.note


async def test_a_feed_s_entries_become_a_digest(use: Use, site: Site) -> None:
    feed = await use("feed.read", url=site.url("/feed.xml"))
    result = await use("text.summarize", text=feed.output["entries"])
    assert result.output["items"] == 3
    assert result.output["summary"] == (
        "• Sailing ships cross the bay again\n"
        "  The harbour opened to tall ships on Monday.\n"
        "  https://harbour.example/article\n\n"
        "• A quieter engine for ferries\n"
        "  Engineers cut the noise of a ferry by half.\n"
        "  https://harbour.example/ferries\n\n"
        "• Comments are open\n"
        "  https://harbour.example/comments"
    )


async def test_a_tool_s_whole_output_is_summarised_like_the_part_that_matters(
    use: Use, site: Site
) -> None:
    for tool, path, part in (
        ("feed.read", "/feed.xml", "entries"),
        ("web.read", "/article", "text"),
    ):
        output = (await use(tool, url=site.url(path))).output
        whole = await use("text.summarize", text=output)
        assert whole == await use("text.summarize", text=output[part])
        assert whole.output["summary"]


async def test_a_digest_begins_with_what_the_reader_cares_about(use: Use) -> None:
    entries = [{"title": f"News {n}"} for n in range(20)] + [{"title": "Ferries are late"}]
    result = await use("text.summarize", text=entries, focus="ferries", max_sentences=2)
    assert result.output["summary"] == "• Ferries are late\n\n• News 0"


async def test_things_of_any_shape_can_be_summarised(use: Use) -> None:
    things = ["Plain text. More text.", {"price": 3}, 7, None, [1, 2], {"title": 5, "link": None}]
    summary = (await use("text.summarize", text=things)).output["summary"]
    assert summary.startswith("• Plain text.\n\n• price: 3\n\n• 7")


async def test_a_long_text_of_one_word_is_no_trouble(use: Use) -> None:
    for text in ("a" * 1_000_000, "a " * 300_000, "ab cd. " * 100_000, "." * 500_000):
        assert (await use("text.summarize", text=text)).output["method"] == "extractive"


async def test_a_model_writes_the_summary_where_there_is_one(
    bench: Bench, model: ScriptedOpenAI
) -> None:
    model.say("Ships are back.")
    registry = bench.registry(openai_api_key=model.key, openai_base_url=model.url)
    args = {"text": STORY, "focus": "ships", "max_sentences": 2}
    result = await registry.call(bench.call("text.summarize", args))
    assert result.output["summary"] == "Ships are back."
    assert result.output["method"] == "gpt-5.4-mini"
    assert result.cost_usd > 0
    system, user = model.requests[-1]["messages"]
    assert "ships" in system["content"] and "At most 2 sentences" in system["content"]
    assert user["content"] == STORY


async def test_a_model_that_is_down_is_tried_again_not_replaced_in_silence(
    bench: Bench, model: ScriptedOpenAI
) -> None:
    model.rule(lambda request: None)
    registry = bench.registry(openai_api_key="wrong", openai_base_url="http://127.0.0.1:9/v1")
    with pytest.raises(ToolError) as caught:
        await registry.call(bench.call("text.summarize", {"text": STORY}))
    assert caught.value.transient


@pytest.mark.parametrize(
    "wrap", [lambda feed: feed, lambda feed: {"entries": feed, "title": "A feed"}]
)
async def test_several_feeds_are_one_digest_with_something_of_each(
    use: Use, wrap: Callable[[list[Any]], Any]
) -> None:
    feeds = [[{"title": f"{name} {number}"} for number in range(20)] for name in ("Sea", "Sky")]
    result = await use("text.summarize", text=[wrap(feed) for feed in feeds], max_sentences=4)
    assert result.output["items"] == 40
    assert result.output["summary"].split("\n\n") == [
        "• Sea 0",
        "• Sky 0",
        "• Sea 1",
        "• Sky 1",
    ]
