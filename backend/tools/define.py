"""A tool is a typed, documented async function: its signature and docstring are its contract."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model

from backend.contracts.ports import LLM, Files
from backend.contracts.tools import JsonSchema, Purity, ToolCall, ToolResult, ToolSpec
from backend.settings import Settings
from backend.tools.outgoing import Outgoing

Function = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool may use besides its arguments. `say` puts a message into the thread; `llm` is None
    without a model; `now` is the clock, in UTC."""

    call: ToolCall
    http: Outgoing
    files: Files
    llm: LLM | None
    settings: Settings
    now: Callable[[], datetime]
    say: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Tool:
    """A contract and the function that keeps it: `await tool(context, **args)`."""

    spec: ToolSpec
    function: Function

    async def __call__(self, context: ToolContext, **args: Any) -> ToolResult:
        made = await self.function(context, **args)
        if isinstance(made, ToolResult):
            return made
        return ToolResult(made.model_dump(mode="json") if isinstance(made, BaseModel) else made)


def tool(
    id: str,
    *,
    name: str,
    purity: Purity,
    outputs: Any = None,
    effects: tuple[str, ...] = (),
    requires: tuple[str, ...] = (),
    capabilities: tuple[str, ...] = (),
    produces: tuple[str, ...] = (),
    examples: tuple[str, ...] = (),
    cost_usd: float = 0.0,
    duration_s: float = 1.0,
    timeout_s: float = 60.0,
    version: str = "1",
) -> Callable[[Function], Tool]:
    """Make a `Tool` of `async def f(context: ToolContext, <args>) -> <TypedDict or BaseModel>`.

    The docstring is in Google style; its text and its `Args:` become the descriptions. `outputs`
    names the type of the output of a function that returns `ToolResult`. A signature that says
    too little is a `TypeError`, when the module is imported.
    """

    def define(function: Function) -> Tool:
        text, documented = read_docstring(function)
        made = outputs or get_type_hints(function, include_extras=True).get("return")
        if made in (None, ToolResult):
            raise TypeError(f"{id}: say what comes out, by the return type or by `outputs`")
        spec = ToolSpec(
            id=id,
            name=name,
            description=text,
            version=version,
            type="native",
            inputs=_inputs(id, function, documented),
            outputs=inline(TypeAdapter(made).json_schema(mode="serialization")),
            purity=purity,
            effects=effects,
            requires=requires,
            capabilities=capabilities,
            produces=produces,
            examples=examples,
            cost_usd=cost_usd,
            duration_s=duration_s,
            timeout_s=timeout_s,
        )
        return Tool(spec, function)

    return define


def _inputs(id: str, function: Function, documented: dict[str, str]) -> JsonSchema:
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        if parameter.name not in hints or parameter.name not in documented:
            raise TypeError(f"{id}: {parameter.name} lacks a type or a line under Args")
        required = parameter.default is inspect.Parameter.empty
        default = ... if required else parameter.default
        described = Field(default, description=documented[parameter.name])
        fields[parameter.name] = (hints[parameter.name], described)
    model = create_model("Inputs", __config__=ConfigDict(extra="forbid"), **fields)
    return inline({"properties": {}, **model.model_json_schema()})


def inline(schema: JsonSchema) -> JsonSchema:
    """The same schema with every `$ref` replaced by what it names, without generated titles."""
    definitions = schema.get("$defs", {})

    def walk(node: Any, inside: tuple[str, ...]) -> Any:
        if isinstance(node, list):
            return [walk(each, inside) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            name = node["$ref"].rsplit("/", 1)[-1]
            if name in inside:
                raise TypeError(f"{name} contains itself: a tool's schema is a finite tree")
            beside = {key: value for key, value in node.items() if key != "$ref"}
            return walk({**definitions[name], **beside}, (*inside, name))
        return dict(_walk_items(node, inside))

    def _walk_items(node: dict[str, Any], inside: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        for key, value in node.items():
            if key == "properties":
                yield key, {name: walk(each, inside) for name, each in value.items()}
            elif key in ("default", "enum", "const", "examples"):
                yield key, value
            elif key not in ("$defs", "title"):
                yield key, walk(value, inside)

    plain = walk(schema, ())
    assert isinstance(plain, dict)
    return plain


def read_docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """The text of a Google-style docstring, and what its `Args:` say of each parameter."""
    head, _, rest = inspect.cleandoc(function.__doc__ or "").partition("\nArgs:\n")
    text = re.split(r"\n(?:Returns|Raises):\n", head)[0].strip()
    if not text:
        raise TypeError(f"{function.__name__} has no docstring")
    documented: dict[str, str] = {}
    name = ""
    for line in re.split(r"\n(?=\S)", rest)[0].splitlines():
        if entry := re.match(r"    (\w+):\s*(.*)", line):
            name, said = entry.groups()
            documented[name] = said
        elif name and line.strip():
            documented[name] += " " + line.strip()
    return " ".join(text.split()), documented
