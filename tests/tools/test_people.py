from __future__ import annotations

from typing import Any

import pytest

from backend.contracts.errors import Invalid
from backend.contracts.tools import ToolResult
from tests.tools.conftest import Bench


async def use(
    bench: Bench, tool: str, thread_id: str | None = "thread-1", **args: Any
) -> ToolResult:
    return await bench.registry().call(bench.call(tool, args, thread_id=thread_id))


async def test_a_message_reaches_the_thread(bench: Bench) -> None:
    result = await use(bench, "notify.user", text="Done.")
    assert result.messages == ("Done.",)
    assert result.output == {"delivered": True}


async def test_a_message_may_have_a_title_and_be_made_of_data(bench: Bench) -> None:
    result = await use(bench, "notify.user", text=[{"title": "One"}], title="To\nday")
    assert result.messages == ("**To day**\n\n• One",)


async def test_a_message_without_a_thread_says_that_nobody_saw_it(bench: Bench) -> None:
    result = await use(bench, "notify.user", thread_id=None, text="Done.")
    assert result.output == {"delivered": False}
    assert "nobody" in result.note


async def test_a_very_long_message_is_cut(bench: Bench) -> None:
    [message] = (await use(bench, "notify.user", text="x" * 100_000)).messages
    assert len(message) == 20_001


async def test_a_question_makes_the_step_wait(bench: Bench) -> None:
    result = await use(bench, "human.ask", text="Which?", choices=["a", "b", "a"])
    assert result.question == {"kind": "ask", "text": "Which?", "choices": ["a", "b"]}
    assert (await use(bench, "human.ask", text="Why?")).question == {"kind": "ask", "text": "Why?"}


@pytest.mark.parametrize(
    "args", [{"text": ""}, {"text": "Q", "choices": [""]}, {"text": "Q", "choices": "a"}]
)
async def test_a_question_nobody_could_answer_is_refused(
    bench: Bench, args: dict[str, Any]
) -> None:
    with pytest.raises(Invalid):
        await use(bench, "human.ask", **args)
