from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from backend.contracts.tools import ToolResult
from backend.tools.define import ToolContext, tool


class Part(TypedDict):
    """A part."""

    title: str
    weight: float


class Made(TypedDict):
    title: str
    parts: list[Part]


class Count(BaseModel):
    count: int


class Endless(TypedDict):
    inner: list[Endless]


@tool("test.make", name="Make", purity="pure", examples=("make it",))
async def make(
    context: ToolContext,
    title: str,
    part: Part,
    size: Annotated[int, Field(ge=1, le=9)] = 3,
    mode: Literal["fast", "slow"] = "fast",
) -> Made:
    """Make a thing.

    It is made of parts.

    Args:
        title: what it is called,
            in words
        part: what it is made of
        size: how large
        mode: how

    Returns:
        nothing that is read
    """
    return Made(title=title, parts=[part] * size)


def test_a_signature_becomes_the_schema_of_the_arguments() -> None:
    assert make.spec.inputs == {
        "type": "object",
        "additionalProperties": False,
        "required": ["title", "part"],
        "properties": {
            "title": {"type": "string", "description": "what it is called, in words"},
            "part": {
                "type": "object",
                "description": "what it is made of",
                "additionalProperties": False,
                "required": ["title", "weight"],
                "properties": {"title": {"type": "string"}, "weight": {"type": "number"}},
            },
            "size": {
                "type": "integer",
                "description": "how large",
                "default": 3,
                "minimum": 1,
                "maximum": 9,
            },
            "mode": {
                "type": "string",
                "description": "how",
                "default": "fast",
                "enum": ["fast", "slow"],
            },
        },
    }


def test_a_return_type_becomes_the_schema_of_the_output() -> None:
    assert make.spec.outputs["properties"]["parts"]["items"]["properties"]["title"] == {
        "type": "string"
    }
    assert make.spec.outputs["required"] == ["title", "parts"]


def test_a_docstring_becomes_the_description_without_its_sections() -> None:
    assert make.spec.description == "Make a thing. It is made of parts."


async def test_a_tool_is_called_like_its_function(context: ToolContext) -> None:
    part = Part(title="wheel", weight=2.0)
    result = await make(context, title="cart", part=part, size=2)
    assert result == ToolResult(output={"title": "cart", "parts": [part, part]})


async def test_a_model_that_is_returned_becomes_plain_output(context: ToolContext) -> None:
    @tool("test.count", name="Count", purity="pure")
    async def count(context: ToolContext) -> Count:
        """Count."""
        return Count(count=3)

    assert (await count(context)).output == {"count": 3}
    assert count.spec.inputs["properties"] == {}


def test_an_argument_nobody_documented_is_refused() -> None:
    with pytest.raises(TypeError, match="lacks a type or a line"):

        @tool("test.bad", name="Bad", purity="pure")
        async def bad(context: ToolContext, url: str) -> Count:
            """Do it."""
            return Count(count=1)


def test_a_function_without_a_docstring_is_refused() -> None:
    async def bad(context: ToolContext) -> Count:
        return Count(count=1)

    with pytest.raises(TypeError, match="no docstring"):
        tool("test.bad", name="Bad", purity="pure")(bad)


def test_a_function_that_does_not_say_what_comes_out_is_refused() -> None:
    async def bad(context: ToolContext) -> ToolResult:
        """Do it."""
        return ToolResult()

    with pytest.raises(TypeError, match="what comes out"):
        tool("test.bad", name="Bad", purity="pure")(bad)
    assert tool("test.good", name="Good", purity="pure", outputs=Count)(bad).spec.outputs[
        "properties"
    ] == {"count": {"type": "integer"}}


def test_a_type_that_contains_itself_is_refused() -> None:
    async def bad(context: ToolContext) -> Any:
        """Do it."""

    with pytest.raises(TypeError, match="contains itself"):
        tool("test.bad", name="Bad", purity="pure", outputs=Endless)(bad)
