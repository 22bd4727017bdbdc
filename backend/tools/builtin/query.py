"""json.query: pick, filter and reshape data with JMESPath."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Annotated, Any

import jmespath
import jmespath.exceptions
import jmespath.functions
import orjson
from pydantic import Field
from typing_extensions import TypedDict

from backend.contracts.errors import Invalid
from backend.tools.define import ToolContext, tool

MAX_WORK = 20_000_000
MAX_TEXT = 5_000_000
_LISTS = frozenset(("multi_select_list", "multi_select_dict"))


class Queried(TypedDict):
    result: Any


class _Functions(jmespath.functions.Functions):  # type: ignore[misc]
    """JMESPath's own; `join` alone could make a text of unbounded length out of little."""

    @jmespath.functions.signature({"types": ["string"]}, {"types": ["array-string"]})  # type: ignore[untyped-decorator]
    def _func_join(self, glue: str, parts: list[str]) -> str:
        if len(glue) * len(parts) + sum(map(len, parts)) > MAX_TEXT:
            raise Invalid("The joined text would be too long.", code="EXEC_TOO_LARGE")
        return glue.join(parts)


@tool(
    "json.query",
    name="Query data",
    purity="pure",
    duration_s=0.1,
    timeout_s=30,
    produces=("result",),
    examples=(
        "pick the titles from the list",
        "filter the items",
        "get one field out of the JSON",
        "take the first three",
        "sort by price",
    ),
)
async def query(
    context: ToolContext,
    data: Any,
    query: Annotated[str, Field(min_length=1, max_length=1000)],
) -> Queried:
    """Pick, filter, sort or reshape JSON data with a JMESPath expression.

    Args:
        data: the data; a text is parsed as JSON first
        query: the expression, such as items[?price < `10`].name
    """
    return Queried(result=await asyncio.to_thread(search, query, data))


def search(expression: str, data: Any) -> Any:
    """`Invalid` EXEC_QUERY_INVALID for an expression or data it cannot work with."""
    try:
        if isinstance(data, str):
            data = orjson.loads(data)
        compiled = jmespath.compile(expression)
        if _growth(compiled.parsed) * _size(data) > MAX_WORK:
            said = "This query could make far more of the data than there is."
            raise Invalid(said, code="EXEC_TOO_LARGE")
        return compiled.search(data, jmespath.Options(custom_functions=_Functions()))
    except (jmespath.exceptions.JMESPathError, orjson.JSONDecodeError) as error:
        said = f"The query does not work: {error}"[:500]
        raise Invalid(said, code="EXEC_QUERY_INVALID") from error
    except (RecursionError, ValueError, TypeError, AttributeError) as error:
        said = f"The query does not fit the data ({type(error).__name__})."
        raise Invalid(said, code="EXEC_QUERY_INVALID") from error


def _growth(node: Mapping[str, Any]) -> int:
    """An upper bound of how often a query can repeat its data: only `[a, b]` and `{a: b}` repeat."""
    children = [each for each in node.get("children", ()) if isinstance(each, Mapping)]
    own = max(2, len(children)) if node["type"] in _LISTS else 1
    return own * math.prod(map(_growth, children))


def _size(data: Any) -> int:
    """How many values there are."""
    count = 0
    left = [data]
    while left:
        value = left.pop()
        count += 1
        if isinstance(value, Mapping):
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
    return count
