"""One-time sign-in links."""

from __future__ import annotations

import asyncio

import pytest

from backend.contracts.errors import Unauthenticated
from backend.contracts.ports import Store
from backend.security.login_links import KIND, LoginLinks
from tests.security.conftest import Clock


@pytest.fixture
def links(store: Store, clock: Clock) -> LoginLinks:
    return LoginLinks(store, now=clock)


async def test_a_link_signs_its_user_in_once(links: LoginLinks) -> None:
    code = await links.create("local")
    assert await links.redeem(code) == "local"
    with pytest.raises(Unauthenticated) as caught:
        await links.redeem(code)
    assert caught.value.code == "EXEC_LOGIN_LINK_SPENT"


async def test_of_many_at_once_one_gets_in(links: LoginLinks) -> None:
    code = await links.create("local")
    tried = await asyncio.gather(*[links.redeem(code) for _ in range(8)], return_exceptions=True)
    assert tried.count("local") == 1
    assert sum(isinstance(t, Unauthenticated) for t in tried) == 7


async def test_a_link_is_good_for_its_time_only(links: LoginLinks, clock: Clock) -> None:
    code = await links.create("local", lifetime_s=60)
    clock.forward(60)
    with pytest.raises(Unauthenticated):
        await links.redeem(code)


async def test_the_store_knows_no_code(links: LoginLinks, store: Store) -> None:
    code = await links.create("local")
    assert await store.get(KIND, code, None) is None
    page = await store.list(KIND, owner=None)
    assert code not in repr(page.items)


@pytest.mark.parametrize("code", ["", "x", "../", "\ud800", "a" * 10_000])
async def test_a_made_up_code_opens_nothing(links: LoginLinks, code: str) -> None:
    with pytest.raises(Unauthenticated):
        await links.redeem(code)


async def test_old_links_are_swept_away_by_new_ones(
    links: LoginLinks, store: Store, clock: Clock
) -> None:
    for _ in range(3):
        await links.create("local", lifetime_s=60)
    clock.forward(61)
    await links.create("local")
    assert len((await store.list(KIND, owner=None)).items) == 1
