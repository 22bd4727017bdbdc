"""llm.complete: ask the configured language model."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from backend.contracts.errors import ToolError
from backend.contracts.tools import ToolResult
from backend.tools.builtin.fields import Fields, answer_schema
from backend.tools.builtin.readable import render
from backend.tools.define import ToolContext, tool

MAX_CHARS = 200_000


class Completed(TypedDict):
    """`data` is the object where fields were asked for, else null."""

    text: str
    data: Any
    model: str


@tool(
    "llm.complete",
    name="Ask a language model",
    purity="pure",
    outputs=Completed,
    requires=("OPENAI_API_KEY",),
    cost_usd=0.002,
    duration_s=5.0,
    timeout_s=180,
    capabilities=("language", "model"),
    produces=("text",),
    examples=(
        "ask the AI",
        "write a text about it",
        "rewrite this in a friendly tone",
        "translate it",
        "let the model decide",
    ),
)
async def complete(
    context: ToolContext,
    prompt: Annotated[str, Field(min_length=1, max_length=20_000)],
    material: str | list[Any] | dict[str, Any] = "",
    system: Annotated[str, Field(max_length=10_000)] = "",
    fields: Fields | None = None,
    max_tokens: Annotated[int, Field(ge=1, le=32_000)] = 2000,
) -> ToolResult:
    """Ask the language model to write, rewrite, translate, classify or decide something.

    Args:
        prompt: what the model should do
        material: what it should work on
        system: who the model should be
        fields: names of fields to answer with, each with what it is; the answer is then an object
        max_tokens: the longest answer
    """
    if context.llm is None:
        raise ToolError("There is no language model.", code="EXEC_MODEL_MISSING")
    messages = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": prompt})
    if material:
        messages.append({"role": "user", "content": render(material)[:MAX_CHARS]})
    schema = answer_schema(fields) if fields else None
    answer = await context.llm.complete(messages, schema=schema, max_tokens=max_tokens)
    made = Completed(text=answer.text, data=answer.data, model=answer.model)
    return ToolResult(output=dict(made), cost_usd=answer.cost_usd)
