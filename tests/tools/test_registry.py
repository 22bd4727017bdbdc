from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from backend.contracts.errors import (
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    Retry,
    ToolError,
    Unavailable,
)
from backend.contracts.tools import ToolResult, ToolSpec
from backend.tools import registry as registry_module
from backend.tools.define import Tool, ToolContext
from tests.tools.conftest import Bench

INPUTS = {
    "type": "object",
    "properties": {
        "to": {"type": "string", "format": "email"},
        "count": {"type": "integer", "default": 3, "maximum": 5},
        "any": {"anyOf": [{"type": "string", "maxLength": 2}, {"type": "array"}]},
    },
    "required": ["to"],
    "additionalProperties": False,
}


def made(id: str = "test.tool", does: Any = None, **spec: Any) -> Tool:
    async def function(context: ToolContext, **args: Any) -> ToolResult:
        if isinstance(does, Exception):
            raise does
        return ToolResult(output=args if does is None else does)

    told = {"name": "Test", "description": "A test.", "purity": "pure", "inputs": INPUTS}
    return Tool(ToolSpec(id=id, **{**told, **spec}), function)


async def run(bench: Bench, tool: Tool, args: Mapping[str, Any] | None = None) -> ToolResult:
    bench.tools = (tool,)
    given = {"to": "a@b.org"} if args is None else dict(args)
    return await bench.registry().call(bench.call(tool.spec.id, given))


async def fails(bench: Bench, tool: Tool) -> ToolError:
    with pytest.raises(ToolError) as caught:
        await run(bench, tool)
    return caught.value


async def test_defaults_fill_in_what_is_not_given(bench: Bench) -> None:
    assert (await run(bench, made())).output == {"to": "a@b.org", "count": 3}
    result = await run(bench, made(), {"to": "a@b.org", "count": 1})
    assert result.output["count"] == 1


@pytest.mark.parametrize(
    ("args", "path"),
    [
        ({}, "args/to"),
        ({"to": "nobody"}, "args/to"),
        ({"to": "a@b.org", "count": "3"}, "args/count"),
        ({"to": "a@b.org", "count": 6}, "args/count"),
        ({"to": "a@b.org", "cc": "x"}, "args/cc"),
    ],
)
async def test_arguments_that_break_the_schema_never_reach_the_tool(
    bench: Bench, args: dict[str, Any], path: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await run(bench, made(does=AssertionError("reached")), args)
    assert caught.value.code == "EXEC_ARGS_INVALID"
    assert [issue.path for issue in caught.value.issues] == [path]


async def test_every_wrong_argument_is_named(bench: Bench) -> None:
    with pytest.raises(Invalid) as caught:
        await run(bench, made(), {"to": "x", "count": 9})
    assert {issue.path for issue in caught.value.issues} == {"args/to", "args/count"}


async def test_of_several_types_the_one_that_was_meant_explains_the_fault(bench: Bench) -> None:
    with pytest.raises(Invalid, match="longer than 2"):
        await run(bench, made(), {"to": "a@b.org", "any": "long"})


async def test_an_unknown_tool_is_an_error(bench: Bench) -> None:
    with pytest.raises(ToolError) as caught:
        await bench.registry().call(bench.call("no.tool", {}))
    assert caught.value.code == "EXEC_TOOL_UNKNOWN"


async def test_a_missing_setting_is_known_before_and_refused_at_the_call(bench: Bench) -> None:
    bench.tools = (made(requires=("SMTP_HOST",), does=AssertionError("reached")), made("test.b"))
    without = bench.registry()
    assert without.catalogue().missing == {"test.tool": ("SMTP_HOST",)}
    with pytest.raises(ToolError) as caught:
        await without.call(bench.call("test.tool", {"to": "a@b.org"}))
    assert caught.value.code == "EXEC_SETTING_MISSING"
    assert "SMTP_HOST" in caught.value.hint
    assert bench.registry(smtp_host="mail.example").catalogue().missing == {}


async def test_a_model_is_there_with_a_key_or_with_a_server(bench: Bench) -> None:
    bench.tools = (made(requires=("OPENAI_API_KEY",)),)
    assert bench.registry().catalogue().missing == {"test.tool": ("OPENAI_API_KEY",)}
    assert not bench.registry(openai_base_url="http://127.0.0.1:1/v1").catalogue().missing
    assert not bench.registry(openai_api_key="sk-test").catalogue().missing


async def test_the_catalogue_is_the_same_object_until_a_tool_is_registered(bench: Bench) -> None:
    bench.tools = (made(),)
    registry = bench.registry()
    before = registry.catalogue()
    assert registry.catalogue() is before
    registry.register(made("test.other"))
    assert list(registry.catalogue().tools) == ["test.other", "test.tool"]
    assert registry.catalogue().hash != before.hash


async def test_the_hash_follows_contracts_and_nothing_else(bench: Bench) -> None:
    def hash_of(*tools: Tool) -> str:
        bench.tools = tools
        return bench.registry().catalogue().hash

    first = hash_of(made("test.a"), made("test.b"))
    assert hash_of(made("test.b"), made("test.a")) == first
    assert hash_of(made("test.a"), made("test.b", cost_usd=1, examples=("do it",))) == first
    assert hash_of(made("test.a"), made("test.b", version="2")) != first
    assert hash_of(made("test.a"), made("test.b", purity="effect")) != first
    assert hash_of(made("test.a"), made("test.b", effects=("sends 1 mail",))) != first
    assert hash_of(made("test.a"), made("test.b", inputs={"type": "object"})) != first


async def test_a_registered_version_takes_the_place_of_the_old(bench: Bench) -> None:
    bench.tools = (made(does={"from": "old"}),)
    registry = bench.registry()
    registry.register(made(does={"from": "new"}, inputs={"type": "object", "required": ["x"]}))
    assert (await registry.call(bench.call("test.tool", {"x": 1}))).output == {"from": "new"}
    with pytest.raises(Invalid):
        await registry.call(bench.call("test.tool", {"to": "a@b.org"}))


async def test_a_tool_that_breaks_down_fails_its_step_and_is_logged(bench: Bench) -> None:
    with capture_logs() as logs:
        error = await fails(bench, made(does=ZeroDivisionError("secret-4711")))
    assert (error.code, error.transient) == ("EXEC_TOOL_CRASHED", False)
    assert "ZeroDivisionError" in error.message
    assert "secret-4711" not in error.message
    assert [(log["tool"], log["key"]) for log in logs] == [("test.tool", bench.key)]
    assert "ZeroDivisionError" in logs[0]["traceback"]


async def test_a_timeout_inside_a_tool_is_a_fault_of_the_tool(bench: Bench) -> None:
    with capture_logs():
        assert (await fails(bench, made(does=TimeoutError()))).code == "EXEC_TOOL_CRASHED"


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (Unavailable("down"), True),
        (RateLimited("later", retry_after_s=1), True),
        (NotFound("gone"), False),
        (Forbidden("no"), False),
    ],
)
async def test_errors_of_the_parts_a_tool_uses_keep_their_code(
    bench: Bench, error: Any, transient: bool
) -> None:
    caught = await fails(bench, made(does=error))
    assert (caught.code, caught.message, caught.transient) == (error.code, error.message, transient)


async def test_a_tool_s_own_errors_pass_unchanged(bench: Bench) -> None:
    error = ToolError("it is so", code="EXEC_ITS_OWN", transient=True)
    assert await fails(bench, made(does=error)) is error
    with pytest.raises(Retry) as caught:
        await run(bench, made(does=Retry(7)))
    assert caught.value.delay_s == 7


async def test_what_a_tool_returns_is_what_the_log_will_hold(bench: Bench) -> None:
    result = await run(bench, made(does={"a": (1, 2), "b": float("nan")}))
    assert result.output == {"a": [1, 2], "b": None}


@pytest.mark.parametrize(
    "output", [{"when": datetime(2026, 1, 1, tzinfo=UTC)}, {"raw": b"x"}, {1: 2}, ["list"], "text"]
)
async def test_an_output_that_is_no_json_object_is_refused(bench: Bench, output: Any) -> None:
    assert (await fails(bench, made(does=output))).code == "EXEC_OUTPUT_INVALID"


async def test_an_output_beyond_the_limit_is_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "MAX_OUTPUT", 100)
    assert (await fails(bench, made(does={"text": "x" * 100}))).code == "EXEC_TOO_LARGE"
    assert (await run(bench, made(does={"text": "x" * 80}))).output == {"text": "x" * 80}


async def test_what_a_tool_says_is_among_the_result_s_messages(bench: Bench) -> None:
    async def function(context: ToolContext, **args: Any) -> ToolResult:
        context.say("first")
        context.say("second")
        return ToolResult(note="noted", cost_usd=0.5, action="left", messages=("third",))

    result = await run(bench, Tool(made().spec, function))
    assert result.messages == ("first", "second", "third")
    assert (result.note, result.cost_usd, result.action) == ("noted", 0.5, "left")


async def test_what_a_model_costs_is_forecast_only_where_there_is_one(bench: Bench) -> None:
    bench.tools = (made(capabilities=("language",), cost_usd=0.002),)
    without = bench.registry().catalogue()
    with_one = bench.registry(openai_api_key="sk-test").catalogue()
    assert without.tools["test.tool"].cost_usd == 0
    assert with_one.tools["test.tool"].cost_usd == 0.002
    assert without.hash == with_one.hash
