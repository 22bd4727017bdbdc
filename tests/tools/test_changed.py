"""watch.changed: what is different from the last time."""

from __future__ import annotations

from typing import Any

import pytest

from backend.contracts.errors import Invalid
from tests.tools.conftest import Bench

ENTRIES = [{"title": "One", "link": "https://x.org/1"}, {"title": "Two", "link": "https://x.org/2"}]
THREE = {"title": "Three", "link": "https://x.org/3"}


async def look(bench: Bench, value: Any, key: str, memory: str = "page") -> dict[str, Any]:
    bench.key = key
    return dict((await bench.use("watch.changed", value=value, memory=memory)).output)


async def test_the_first_look_changes_nothing_and_says_so(bench: Bench) -> None:
    found = await bench.use("watch.changed", value="a page", memory="page")
    assert found.output == {"changed": False, "first": True, "added": []}
    assert "first look" in found.note


async def test_the_same_again_is_no_change_and_another_is_one(bench: Bench) -> None:
    await look(bench, "one\ntwo", "run 1")
    same = await look(bench, "one\ntwo", "run 2")
    other = await look(bench, "one\nthree\ntwo", "run 3")
    back = await look(bench, "one\nthree\ntwo", "run 4")
    assert same == {"changed": False, "first": False, "added": []}
    assert other == {"changed": True, "first": False, "added": ["three"]}
    assert back["changed"] is False


async def test_what_is_gone_is_a_change_without_anything_new(bench: Bench) -> None:
    await look(bench, [1, 2], "run 1")
    assert await look(bench, [2], "run 2") == {"changed": True, "first": False, "added": []}


async def test_entries_are_known_by_their_link_and_for_good(bench: Bench) -> None:
    await look(bench, ENTRIES, "run 1")
    edited = [{**ENTRIES[0], "title": "One!"}, THREE]
    assert (await look(bench, edited, "run 2"))["added"] == [THREE]
    assert (await look(bench, [*ENTRIES, THREE], "run 3"))["added"] == []


@pytest.mark.parametrize("value", [{"a": 1}, 3, None, True])
async def test_any_data_can_be_compared(bench: Bench, value: Any) -> None:
    await look(bench, value, "run 1")
    assert (await look(bench, value, "run 2"))["changed"] is False
    assert (await look(bench, {"a": 2}, "run 3"))["changed"] is True


async def test_a_call_that_is_repeated_after_a_crash_says_the_same(bench: Bench) -> None:
    await look(bench, "one", "run 1")
    assert (await look(bench, "one", "run 1"))["first"] is True
    first = await look(bench, "two", "run 2")
    again = await look(bench, "two", "run 2")
    assert first == again == {"changed": True, "first": False, "added": ["two"]}
    assert (await look(bench, "two", "run 3"))["changed"] is False


async def test_names_and_people_are_apart(bench: Bench) -> None:
    await look(bench, "one", "run 1")
    assert (await look(bench, "two", "run 2", memory="other"))["first"] is True
    bench.user_id = "eve"
    assert (await look(bench, "two", "run 3"))["first"] is True


async def test_a_memory_that_was_damaged_is_a_first_look(bench: Bench) -> None:
    await look(bench, "one", "run 1")
    (kept,) = (await bench.use("file.list", folder="watched")).output["files"]
    for content in ("{", "[]", '{"key": "run 1", "before": [1], "now": 3}'):
        await bench.use("file.write", path=kept["path"], content=content)
        assert (await look(bench, "two", "run 2"))["first"] is True


async def test_what_is_remembered_is_bounded(bench: Bench) -> None:
    await look(bench, list(range(30_000)), "run 1")
    (kept,) = (await bench.use("file.list", folder="watched")).output["files"]
    assert kept["size"] < 500_000


async def test_a_memory_needs_a_name(bench: Bench) -> None:
    with pytest.raises(Invalid):
        await look(bench, "one", "run 1", memory="")
