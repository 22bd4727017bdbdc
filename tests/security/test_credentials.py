"""Names, passwords, tokens, and what a stranger can learn from them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import jwt
import pytest

from backend.contracts.errors import Conflict, Invalid, NotFound, RateLimited, Unauthenticated
from backend.contracts.ports import Store
from backend.contracts.security import Principal
from backend.security import passwords
from backend.security.attempts import Attempts
from backend.security.credentials import LOCAL_USER, Credentials, normalise_name
from backend.security.passwords import hash_password, verify_password
from backend.security.tokens import issue_token, read_token
from tests.security.conftest import KEY, Clock

ANN = Principal("ann", frozenset({"user"}), "Ann")
PASSWORD = "correct horse"


@pytest.fixture
def users(store: Store, clock: Clock) -> Credentials:
    return Credentials(store, KEY, now=clock, token_hours=1)


async def test_a_registered_user_signs_in_and_is_who_the_token_says(users: Credentials) -> None:
    made = await users.register("Ann", PASSWORD)
    who = await users.authenticate("ann", PASSWORD)
    assert who == made == Principal("ann", frozenset({"user"}), "Ann")
    assert await users.principal(await users.token(who)) == who


async def test_a_password_is_kept_as_an_argon2id_hash_alone(
    users: Credentials, store: Store
) -> None:
    await users.register("ann", PASSWORD)
    document = await store.get("user", "ann", "ann")
    assert document is not None and document.body is not None
    assert document.body["password"].startswith("$argon2id$")
    assert PASSWORD not in str(document.body)


async def test_names_that_look_alike_are_one_user(users: Credentials) -> None:
    await users.register("Ann", PASSWORD)
    for name in ("ann", "ANN", " ann ", "ａｎｎ"):
        with pytest.raises(Conflict):
            await users.register(name, PASSWORD)


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "a b", "-a", "a" * 65, "ａ\0", "ann\n!"])
def test_a_name_that_could_be_something_else_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        normalise_name(name)
    assert caught.value.code == "EXEC_NAME_INVALID"


@pytest.mark.parametrize("name", ["system", "System", LOCAL_USER])
async def test_the_system_and_the_local_user_cannot_be_registered(
    users: Credentials, name: str
) -> None:
    with pytest.raises(Conflict):
        await users.register(name, PASSWORD)


async def test_two_registrations_of_one_name_at_once_make_one_user(users: Credentials) -> None:
    made = await asyncio.gather(
        *(users.register("ann", f"password number {n}") for n in range(3)), return_exceptions=True
    )
    assert sum(isinstance(m, Principal) for m in made) == 1
    assert sum(isinstance(m, Conflict) for m in made) == 2


async def test_an_unknown_name_and_a_wrong_password_are_answered_alike(
    users: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    await users.register("ann", PASSWORD)
    verified: list[str] = []
    genuine = passwords._verify

    def counted(password: bytes, hashed: str) -> bool:
        verified.append(hashed)
        return genuine(password, hashed)

    monkeypatch.setattr(passwords, "_verify", counted)
    answers: list[tuple[Any, ...]] = []
    for name in ("ann", "nobody", "not a name"):
        with pytest.raises(Unauthenticated) as caught:
            await users.authenticate(name, "wrong password")
        answers.append((caught.value.code, caught.value.message, caught.value.hint))
    assert len(set(answers)) == 1
    assert len(verified) == 3  # a hash was worked through each time


async def test_no_password_opens_a_user_without_one(users: Credentials) -> None:
    local = await users.local_user()
    assert local.roles == {"user", "admin"}
    with pytest.raises(Unauthenticated):
        await users.authenticate(LOCAL_USER, "")
    assert not await verify_password("", "")


async def test_the_local_user_is_made_once_by_whoever_is_first(users: Credentials) -> None:
    assert len({p.user_id for p in await asyncio.gather(*[users.local_user()] * 3)}) == 1


async def test_revoking_ends_every_token_of_that_user_alone(users: Credentials) -> None:
    await users.register("ann", PASSWORD)
    await users.register("bob", PASSWORD)
    ann = await users.token(await users.user("ann"))
    bob = await users.token(await users.user("bob"))
    await users.revoke("ann")
    with pytest.raises(Unauthenticated):
        await users.principal(ann)
    assert (await users.principal(bob)).user_id == "bob"
    assert await users.principal(await users.token(await users.user("ann")))
    with pytest.raises(NotFound):
        await users.revoke("nobody")


async def test_a_token_gives_the_roles_of_today(users: Credentials, store: Store) -> None:
    await users.register("ann", PASSWORD, roles=["user", "admin"])
    token = await users.token(await users.user("ann"))
    document = await store.get("user", "ann", "ann")
    assert document is not None and document.body is not None
    await store.put(replace(document, body={**document.body, "roles": ["user"]}))
    assert (await users.principal(token)).roles == {"user"}


async def test_a_token_ends_with_its_hours(users: Credentials, clock: Clock) -> None:
    await users.register("ann", PASSWORD)
    token = await users.token(await users.user("ann"))
    clock.forward(3599)
    await users.principal(token)
    clock.forward(1)
    with pytest.raises(Unauthenticated) as caught:
        await users.principal(token)
    assert caught.value.code == "EXEC_TOKEN_EXPIRED"


async def test_nobody_unknown_gets_a_token(users: Credentials) -> None:
    with pytest.raises(Unauthenticated):
        await users.token(Principal("ghost"))


def test_a_token_has_what_the_chat_reads_and_no_audience(clock: Clock) -> None:
    token = issue_token(ANN, KEY, now=clock(), hours=1, generation=3)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["identifier"] == claims["sub"] == "ann"
    assert claims["exp"] - claims["iat"] == 3600
    assert "aud" not in claims and claims["jti"]
    assert read_token(token, KEY, now=clock()).generation == 3


def test_a_token_the_chat_minted_is_read_by_its_metadata(clock: Clock) -> None:
    claims = {"identifier": "ann", "exp": clock().timestamp() + 9, "metadata": {"gen": 2}}
    token = jwt.encode(claims, KEY, algorithm="HS256")
    assert read_token(token, KEY, now=clock()).generation == 2


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 2e9, "gen": 0},
        {"identifier": "ann", "gen": 0},
        {"identifier": "ann", "exp": 2e9},
        {"identifier": "ann", "exp": 2e9, "gen": "0"},
        {"identifier": ["ann"], "exp": 2e9, "gen": 0},
        {"identifier": "ann", "exp": 2e9, "metadata": "gen"},
    ],
)
def test_a_signed_token_with_other_claims_is_refused(claims: dict[str, Any], clock: Clock) -> None:
    with pytest.raises(Unauthenticated):
        read_token(jwt.encode(claims, KEY, algorithm="HS256"), KEY, now=clock())


def test_a_token_of_another_key_or_none_is_refused(clock: Clock) -> None:
    claims = {"identifier": "ann", "exp": 2_000_000_000, "gen": 0}
    foreign = issue_token(ANN, "x" * 48, now=clock(), hours=1)
    unsigned = jwt.encode(claims, None, algorithm="none")
    other = jwt.encode(claims, KEY + KEY, algorithm="HS512")
    for token in (foreign, unsigned, other, "", "a.b.c", "é", "\0"):
        with pytest.raises(Unauthenticated):
            read_token(token, KEY, now=clock())


async def test_a_short_or_endless_password_is_refused_before_it_is_hashed() -> None:
    for password in ("short", "x" * 5000):
        with pytest.raises(Invalid) as caught:
            await hash_password(password)
        assert caught.value.code == "EXEC_PASSWORD_INVALID"
    assert not await verify_password("x" * 5000, await hash_password(PASSWORD))


async def test_a_damaged_hash_opens_nothing() -> None:
    assert not await verify_password(PASSWORD, "$argon2id$damaged")


# --- how often -------------------------------------------------------------------------------------


async def test_after_five_failures_even_the_right_password_waits(
    users: Credentials, clock: Clock
) -> None:
    await users.register("ann", PASSWORD)
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await users.authenticate("ann", "wrong password", address="10.0.0.1")
    with pytest.raises(RateLimited) as caught:
        await users.authenticate("ann", PASSWORD, address="10.0.0.1")
    assert 0 < caught.value.retry_after_s <= 60
    assert await users.authenticate("ann", PASSWORD, address="10.0.0.2")
    clock.forward(caught.value.retry_after_s)
    assert await users.authenticate("ann", PASSWORD, address="10.0.0.1")


def test_genuine_sign_ins_are_never_limited(clock: Clock) -> None:
    attempts = Attempts(clock)
    for _ in range(200):
        attempts.begin("ann", "here")
        attempts.succeeded("ann", "here")


def test_one_address_cannot_try_ever_new_names(clock: Clock) -> None:
    attempts = Attempts(clock, limit_per_address=30)
    for n in range(30):
        attempts.begin(f"user{n}", "there")
    with pytest.raises(RateLimited):
        attempts.begin("another", "there")
    attempts.begin("another", "elsewhere")


def test_what_is_remembered_of_attempts_is_bounded(clock: Clock) -> None:
    attempts = Attempts(clock, remembered=10)
    for n in range(1000):
        attempts.begin(f"user{n}", f"10.0.{n % 256}.{n // 256}")
    assert len(attempts._times) <= 10
