from __future__ import annotations

from typing import Any

import pytest

from backend.contracts.errors import Invalid
from tests.tools.conftest import Use

SHOP = {"items": [{"name": "oar", "price": 12}, {"name": "sail", "price": 80}]}


@pytest.mark.parametrize(
    ("query", "result"),
    [
        ("items[*].name", ["oar", "sail"]),
        ("items[?price < `20`].name", ["oar"]),
        ("max_by(items, &price).name", "sail"),
        ("items[].{n: name, p: price}", [{"n": "oar", "p": 12}, {"n": "sail", "p": 80}]),
        ("join(', ', items[].name)", "oar, sail"),
        ("length(items)", 2),
        ("missing", None),
    ],
)
async def test_data_is_picked_filtered_and_reshaped(use: Use, query: str, result: Any) -> None:
    assert (await use("json.query", data=SHOP, query=query)).output == {"result": result}


async def test_a_text_is_parsed_first(use: Use) -> None:
    assert (await use("json.query", data='{"a": [1]}', query="a[0]")).output == {"result": 1}


@pytest.mark.parametrize(
    ("data", "query"),
    [(SHOP, "items["), (SHOP, "nope(@)"), (SHOP, "sum(items)"), (SHOP, "'"), ("{", "a"),
     ([1, "a"], "sort(@)"), (SHOP, "(" * 900), (SHOP, "![" * 400), ({"a": "x"}, "sort_by(@, &a)")],
)  # fmt: skip
async def test_what_does_not_work_is_told_so(use: Use, data: Any, query: str) -> None:
    with pytest.raises(Invalid) as caught:
        await use("json.query", data=data, query=query)
    assert caught.value.code == "EXEC_QUERY_INVALID"


@pytest.mark.parametrize(
    "query",
    [
        "|".join(["[@, @]"] * 100),
        "|".join(["[@, @][]"] * 90),
        "|".join(["{a: @, b: @}"] * 70),
        "to_string(" + "|".join(["[@, @]"] * 60) + ")",
        "|".join(["[to_string(@)]"] * 50),
        "map(&[@,@], @)|" + "|".join(["map(&[@,@], @)"] * 60),
    ],
)
async def test_a_query_that_multiplies_its_data_is_refused(use: Use, query: str) -> None:
    with pytest.raises(Invalid) as caught:
        await use("json.query", data=["x"], query=query)
    assert caught.value.code == "EXEC_TOO_LARGE"


async def test_a_joined_text_of_unbounded_length_is_refused(use: Use) -> None:
    data = {"glue": "x" * 100_000, "parts": [""] * 1_000}
    with pytest.raises(Invalid) as caught:
        await use("json.query", data=data, query="join(glue, parts)")
    assert caught.value.code == "EXEC_TOO_LARGE"
