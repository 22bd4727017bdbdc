"""A cache keeps what was used last, and counts what it was asked."""

from __future__ import annotations

from backend.contracts.caching import Cache


def test_hits_and_misses_are_counted() -> None:
    cache: Cache[str, int] = Cache(2)
    assert cache.get("a") is None
    cache.put("a", 0)
    assert [cache.get("a"), cache.get("a"), cache.get("b")] == [0, 0, None]
    assert cache.counted() == {"hits": 2, "misses": 2}


def test_the_least_recently_used_goes_first() -> None:
    cache: Cache[str, int] = Cache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.get("a")
    cache.put("c", 3)
    assert [cache.get(key) for key in "abc"] == [1, None, 3]


def test_what_holds_no_more_is_a_miss() -> None:
    cache: Cache[str, int] = Cache(2)
    cache.put("a", 1)
    assert cache.get("a", lambda value: value > 1) is None
    assert cache.get("a", lambda value: value == 1) == 1
    assert cache.counted() == {"hits": 1, "misses": 1}


def test_dropping_keeps_what_was_counted() -> None:
    cache: Cache[str, int] = Cache(2)
    cache.put("a", 1)
    cache.get("a")
    cache.drop()
    assert cache.get("a") is None
    assert cache.counted() == {"hits": 1, "misses": 1}
