"""notify.user and human.ask: a word to the person, a word from them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from backend.contracts.tools import ToolResult
from backend.tools.builtin.readable import one_line, render
from backend.tools.define import ToolContext, tool

MAX_MESSAGE = 20_000


class Notified(TypedDict):
    """`delivered` is false for a run that belongs to no thread, where NOTIFY_URL is not set either."""

    delivered: bool


class Answered(TypedDict):
    answer: Any


@tool(
    "notify.user",
    name="Tell me in the chat",
    purity="idempotent",
    outputs=Notified,
    effects=("posts 1 message in the chat",),
    duration_s=0.1,
    timeout_s=10,
    examples=(
        "tell me",
        "notify me",
        "post it here in the chat",
        "let me know",
        "show me the result",
    ),
)
async def notify(
    context: ToolContext,
    text: str | list[Any] | dict[str, Any],
    title: Annotated[str, Field(max_length=200)] = "",
) -> ToolResult:
    """Post a message into the chat thread this plan belongs to.

    Args:
        text: the message; a list or an object is written out readably
        title: a heading above it
    """
    said = render(text)
    if len(said) > MAX_MESSAGE:
        said = said[:MAX_MESSAGE] + "…"
    context.say(f"**{one_line(title, 200)}**\n\n{said}" if title else said)
    delivered = context.call.thread_id is not None or bool(context.settings.notify_url)
    note = "" if delivered else "This run belongs to no chat, so nobody saw the message."
    return ToolResult(output=dict(Notified(delivered=delivered)), note=note)


@tool(
    "human.ask",
    name="Ask me",
    purity="idempotent",
    outputs=Answered,
    effects=("asks 1 question",),
    duration_s=60.0,
    timeout_s=10,
    produces=("answer",),
    examples=(
        "ask me first",
        "let me choose",
        "wait for my answer",
        "check with me before going on",
    ),
)
async def ask(
    context: ToolContext,
    text: Annotated[str, Field(min_length=1, max_length=5000)],
    choices: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=20)
    ]
    | None = None,
) -> ToolResult:
    """Ask the person a question in the chat and wait for the answer, for days if need be.

    Args:
        text: the question
        choices: answers to choose from; without them the answer is free text
    """
    question: dict[str, Any] = {"kind": "ask", "text": text}
    if choices:
        question["choices"] = list(dict.fromkeys(choices))
    return ToolResult(question=question)
