"""The bus: history, live streams, retention."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from backend.contracts.errors import Invalid
from backend.contracts.ports import Bus, Commit, History, Settlement, cursor_at
from tests.conformance.adapters import Buses, event, keyed, receive_one, work


async def append(bus: Bus, stream: str, count: int = 1) -> list[str]:
    """That many commits more; their causes' ids."""
    position = 0
    while commits := (await bus.history(stream, str(position))).commits:
        position = commits[-1].position + 1
    causes = [event() for _ in range(count)]
    settlements = [
        Settlement(commits=(Commit(stream, position + n, cause),)) for n, cause in enumerate(causes)
    ]
    assert {s.outcome for s in await bus.settle(settlements)} == {"ok"}
    return [cause.id for cause in causes]


def ids(history: History) -> list[str]:
    return [commit.cause.id for commit in history.commits]


async def test_an_unknown_stream_has_no_history(bus: Bus) -> None:
    history = await bus.history("run:none")
    assert history.commits == ()
    assert (await bus.history("run:none", history.cursor)).commits == ()


async def test_history_is_read_in_pages_in_order(bus: Bus) -> None:
    causes = await append(bus, "run:1", 7)
    await append(bus, "run:2")
    read: list[str] = []
    cursor = None
    while page := (await bus.history("run:1", cursor, limit=3)).commits:
        read += [commit.cause.id for commit in page]
        cursor = (await bus.history("run:1", cursor, limit=3)).cursor
    assert read == causes


async def test_a_cursor_resumes_behind_what_was_read(bus: Bus) -> None:
    await append(bus, "run:1", 2)
    cursor = (await bus.history("run:1")).cursor
    later = await append(bus, "run:1", 2)
    assert ids(await bus.history("run:1", cursor)) == later


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "9" * 40, "١", "0 OR 1=1"])
async def test_a_made_up_cursor_is_refused(bus: Bus, cursor: str) -> None:
    with pytest.raises(Invalid):
        await bus.history("run:1", cursor)
    with pytest.raises(Invalid):
        await anext(bus.follow({"run:1": cursor}))


async def test_what_comes_behind_the_head_is_what_comes_from_now_on(bus: Bus) -> None:
    assert (await bus.history("run:1", await bus.head("run:1"))).commits == ()
    for _ in range(2):
        await append(bus, "run:1")
    await append(bus, "run:2")
    head = await bus.head("run:1")
    assert (await bus.history("run:1", head)).commits == ()
    later = await append(bus, "run:1")
    assert ids(await bus.history("run:1", head)) == later


async def test_a_stream_can_be_read_from_a_position_on(bus: Bus) -> None:
    causes = await append(bus, "run:1", 3)
    for position in range(4):
        assert ids(await bus.history("run:1", cursor_at(position))) == causes[position:]
    assert await bus.head("run:1") == cursor_at(3)


async def test_large_values_are_whole_in_history(bus: Bus) -> None:
    cause = event("page.read", {"page": "x" * 100_000})
    output = event("page.kept", {"page": "y" * 100_000, "same": "x" * 100_000})
    await bus.settle([Settlement(commits=(Commit("run:1", 0, cause, (output,)),))])
    assert (await bus.history("run:1")).commits == (Commit("run:1", 0, cause, (output,)),)


async def test_a_follower_gets_what_is_there_and_then_what_comes(bus: Bus) -> None:
    there = await append(bus, "run:1", 2)
    following = bus.follow({"run:1": None, "run:2": None})
    assert ids((await anext(following))["run:1"]) == there
    coming = asyncio.ensure_future(anext(following))
    came = await append(bus, "run:2")
    news = await coming
    assert list(news) == ["run:2"]
    assert ids(news["run:2"]) == came


async def test_a_follower_with_a_cursor_gets_only_what_is_newer(bus: Bus) -> None:
    await append(bus, "run:1", 2)
    cursor = (await bus.history("run:1")).cursor
    following = bus.follow({"run:1": cursor})
    waiting = asyncio.ensure_future(anext(following))
    newer = await append(bus, "run:1")
    assert ids((await waiting)["run:1"]) == newer


async def test_a_follower_resumes_from_the_cursors_it_was_given(bus: Bus) -> None:
    await append(bus, "run:1", 3)
    news = await anext(bus.follow({"run:1": None}))
    newer = await append(bus, "run:1")
    again = await anext(bus.follow({"run:1": news["run:1"].cursor}))
    assert ids(again["run:1"]) == newer


async def test_a_follower_misses_nothing_of_a_long_stream(bus: Bus) -> None:
    causes = await append(bus, "run:1", 1200)
    assert await collected(bus.follow({"run:1": None}), 1200) == causes


async def test_a_follower_misses_nothing_while_much_happens(bus: Bus) -> None:
    following = asyncio.ensure_future(collected(bus.follow({"run:1": None}), 60))
    causes: list[str] = []
    for _ in range(60):
        causes += await append(bus, "run:1")
    assert await following == causes


async def test_a_follower_hears_of_what_another_process_appends(bus: Bus, buses: Buses) -> None:
    other = await buses.open()
    following = asyncio.ensure_future(anext(bus.follow({"run:1": None})))
    await asyncio.sleep(0)
    causes = await append(other, "run:1")
    assert ids((await following)["run:1"]) == causes


async def test_a_follower_ends_when_the_bus_is_closed(bus: Bus) -> None:
    await append(bus, "run:1")
    following = bus.follow({"run:1": None})
    await anext(following)
    ending = asyncio.ensure_future(anext(following, None))
    await asyncio.sleep(0)
    await bus.close()
    assert await ending is None


async def test_a_pruned_stream_is_forgotten_with_its_claims(bus: Bus) -> None:
    await append(bus, "run:1", 2)
    kept = await append(bus, "run:2", 2)
    await bus.publish([work()])
    delivery = await receive_one(bus)
    assert await bus.claim(delivery, "of run 1", [keyed("run:1")])
    assert await bus.claim(delivery, "of run 2", [keyed("run:2")])
    await bus.prune(["run:1"])
    assert (await bus.history("run:1")).commits == ()
    assert ids(await bus.history("run:2")) == kept
    assert await bus.claim(delivery, "of run 1")
    assert not await bus.claim(delivery, "of run 2")


async def collected(following: AsyncIterator[Mapping[str, History]], count: int) -> list[str]:
    found: list[str] = []
    async for news in following:
        for history in news.values():
            found += ids(history)
        if len(found) >= count:
            break
    return found
