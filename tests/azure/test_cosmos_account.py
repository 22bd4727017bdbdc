"""What an account says when it cannot be used, and what it makes when it can."""

from __future__ import annotations

import asyncio
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.aio import CosmosClient
from structlog.testing import capture_logs

from backend.contracts.errors import Conflict, LightningError, TooLarge, Unavailable
from backend.stores.azure.account import CosmosAccount
from backend.stores.azure.containers import Container, containers
from tests.azure import doubles
from tests.azure.doubles import Double, cosmos_account
from tests.certificates import make_certificate

THINGS = Container("things", "/pk", ("/kind", "/n"), (("/kind", "/n"),))


def account(**given: Any) -> CosmosAccount:
    defaults = {"database": secrets.token_hex(8), "containers": (THINGS,)}
    return CosmosAccount(**(defaults | given))


async def said_by(account: CosmosAccount) -> LightningError:
    with pytest.raises(LightningError) as caught:
        await account.start()
    return caught.value


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    """An account that is reached over TLS, as an identity needs; and an identity."""
    make_certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("IDENTITY_ENDPOINT", doubles.cosmos().url + "/_double/identity")
    monkeypatch.setenv("IDENTITY_HEADER", "here")
    with Double("tests.azure.cosmos", "--tls", str(tmp_path)) as double:
        yield double


# --- at start -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "connection",
    [
        "nonsense",
        "AccountEndpoint={url}/",
        "AccountKey={key}",
        "AccountEndpoint=;AccountKey={key}",
        "AccountEndpoint=nonsense;AccountKey={key}",
        "AccountEndpoint={url}/;AccountKey=not*base64",
        "AccountEndpoint={url}/;AccountKey=d3Jvbmcga2V5",
    ],
)
async def test_a_wrong_connection_string_is_named_and_never_shown(connection: str) -> None:
    double = doubles.cosmos()
    given = connection.format(url=double.url, key=double.key)
    said = await said_by(account(connection=given))
    assert "COSMOS_CONNECTION" in said.message
    shown = f"{said.message} {said.hint} {said.__cause__}"
    for secret in (double.key, "not*base64", "d3Jvbmcga2V5"):
        assert secret not in shown


async def test_an_account_that_does_not_answer_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    connection = f"AccountEndpoint=http://127.0.0.1:{port}/;AccountKey=a2V5"
    said = await said_by(account(connection=connection))
    assert isinstance(said, Unavailable)
    assert "COSMOS_CONNECTION" in said.message


async def test_what_is_missing_is_made_once_by_all_who_start() -> None:
    name = secrets.token_hex(8)
    connection = doubles.cosmos_connection()
    accounts = [
        CosmosAccount(connection=connection, database=name, containers=containers())
        for _ in range(3)
    ]
    await asyncio.gather(*(one.start() for one in accounts))
    await accounts[0].items("documents").create({"id": "1", "pk": "a"})
    assert await accounts[2].items("documents").read("1", "a")
    for one in accounts:
        await one.close()
        await one.close()


async def test_a_container_of_another_kind_is_refused() -> None:
    given = account(connection=doubles.cosmos_connection(), database="of-others")
    async with CosmosClient(doubles.cosmos().url, doubles.cosmos().key) as client:
        database = await client.create_database_if_not_exists("of-others")
        await database.create_container_if_not_exists("things", PartitionKey("/other"))
    said = await said_by(given)
    assert "things" in said.message
    assert "/pk" in said.message


async def test_indexes_that_a_later_version_needs_are_added() -> None:
    connection, name = doubles.cosmos_connection(), secrets.token_hex(8)
    for earlier in (Container("things", "/pk"), Container("things", "/pk", ("/kind", "/n"))):
        before = account(connection=connection, database=name, containers=(earlier,))
        await before.start()
        await before.close()
    for query in ("SELECT * FROM c WHERE c.n = 1", "SELECT * FROM c ORDER BY c.kind, c.n"):
        later = account(connection=connection, database=name)
        await later.start()
        assert [item async for item in later.items("things").query(query, {})] == []
        await later.close()


async def test_an_identity_uses_what_the_deployment_made_and_makes_nothing(secure: Double) -> None:
    name = secrets.token_hex(8)
    said = await said_by(account(endpoint=secure.url, database=name))
    assert "COSMOS_ENDPOINT" in said.message
    assert f"the database {name}" in said.message
    deployed = account(
        connection=f"AccountEndpoint={secure.url}/;AccountKey={secure.key};", database=name
    )
    await deployed.start()
    await deployed.close()
    used = account(endpoint=secure.url, database=name)
    await used.start()
    assert await used.items("things").create({"id": "1", "pk": "a"})
    await used.close()


@pytest.mark.parametrize("level", ["Strong", "BoundedStaleness", "Session"])
async def test_an_account_that_shows_a_process_its_own_writes_is_taken(
    level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONSISTENCY", level)
    with Double("tests.azure.cosmos") as double, capture_logs() as logs:
        used = account(connection=f"AccountEndpoint={double.url}/;AccountKey={double.key};")
        await used.start()
        await used.close()
    warned = [line for line in logs if line["log_level"] == "warning"]
    assert len(warned) == len(used.remarks) == (level == "Session")
    assert all("Session" in line["words"] and "Strong" in line["advice"] for line in warned)


@pytest.mark.parametrize("level", ["ConsistentPrefix", "Eventual"])
async def test_an_account_that_may_hide_a_process_its_own_writes_is_refused(
    level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONSISTENCY", level)
    with Double("tests.azure.cosmos") as double:
        connection = f"AccountEndpoint={double.url}/;AccountKey={double.key};"
        said = await said_by(account(connection=connection))
    assert said.code == "EXEC_SETTING_INVALID"
    assert "consistency" in said.message and level in said.message
    assert "Strong" in said.hint and double.key not in f"{said.message} {said.hint}"


# --- at run time ----------------------------------------------------------------------------------


async def test_a_write_whose_reply_was_lost_is_known_as_ones_own() -> None:
    async with cosmos_account() as account:
        items = account.items("documents")
        for fault in ({"kind": "lose", "next": 1}, {"kind": "drop", "next": 1}):
            id = fault["kind"]
            with doubles.cosmos().faults({**fault, "method": "POST"}):
                made = await items.create({"id": id, "pk": "a", "n": 1})
            with pytest.raises(Conflict):
                await items.create({"id": id, "pk": "a", "n": 2})
            with doubles.cosmos().faults({**fault, "method": "PUT"}):
                changed = await items.replace({"id": id, "pk": "a", "n": 3}, made["_etag"])
            with pytest.raises(Conflict):
                await items.replace({"id": id, "pk": "a", "n": 4}, made["_etag"])
            with doubles.cosmos().faults({**fault, "method": "DELETE"}):
                await items.delete(id, "a", changed["_etag"])
            assert await items.read(id, "a") is None


async def test_a_write_that_was_given_up_on_though_it_was_done_is_known_too() -> None:
    async with cosmos_account() as account:
        lost = {"kind": "lose", "every": 1, "method": "POST"}
        with doubles.cosmos().faults(lost):
            await account.items("documents").create({"id": "1", "pk": "a"})
        with doubles.cosmos().faults({**lost, "kind": "drop"}), pytest.raises(Unavailable):
            await account.items("documents").create({"id": "2", "pk": "a"})


async def test_throttling_is_waited_for_and_then_unavailable() -> None:
    throttled = {"kind": "status", "status": 429, "retry_after_ms": 1, "path": "/docs"}
    async with cosmos_account() as account:
        items = account.items("documents")
        with doubles.cosmos().faults({**throttled, "next": 5}):
            await items.create({"id": "1", "pk": "a"})
        with doubles.cosmos().faults({**throttled, "every": 1}):
            with pytest.raises(Unavailable, match="throughput"):
                await items.read("1", "a")
            with pytest.raises(Unavailable, match="throughput"):
                _ = [item async for item in items.query("SELECT * FROM c", {})]


@pytest.mark.parametrize("status", [401, 403, 408, 410, 449, 500, 503])
async def test_a_service_in_trouble_is_unavailable(status: int) -> None:
    async with cosmos_account() as account:
        items = account.items("documents")
        fault = {"kind": "status", "status": status, "every": 1, "path": "/docs"}
        with doubles.cosmos().faults(fault), pytest.raises(Unavailable):
            await items.read("1", "a")


async def test_what_is_too_large_is_refused() -> None:
    async with cosmos_account() as account:
        with pytest.warns(ResourceWarning), pytest.raises(TooLarge):
            await account.items("documents").create({"id": "1", "pk": "a", "x": "x" * 2_200_000})


async def test_a_batch_conflicts_as_a_whole() -> None:
    async with cosmos_account() as account:
        items = account.items("documents")
        await items.create({"id": "1", "pk": "a"})
        one, two = ({"id": id, "pk": "a"} for id in ("1", "2"))
        with pytest.raises(Conflict):
            await items.batch("a", [("create", (two,)), ("create", (one,))])
        assert await items.read("2", "a") is None


async def test_what_calls_cost_is_counted_by_operation() -> None:
    async with cosmos_account() as account:
        items = account.items("documents")
        await items.create({"id": "1", "pk": "a"})
        await items.read("1", "a")
        await items.read("2", "a")
        counted = account.meter.counted()
        assert (counted["documents.create"].calls, counted["documents.read"].calls) == (1, 2)
        assert counted["documents.create"].request_units > 0


async def test_a_slow_reply_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.stores.azure.account.READ_S", 0.1)
    async with cosmos_account() as account:
        items = account.items("documents")
        slow = {"kind": "slow", "seconds": 0.4, "next": 1, "method": "POST", "path": "/docs"}
        with doubles.cosmos().faults(slow):
            made = await items.create({"id": "1", "pk": "a", "n": 1})
        assert await items.read("1", "a") == made
        with doubles.cosmos().faults({**slow, "every": 1}), pytest.raises(Unavailable):
            await items.create({"id": "2", "pk": "a"})


@pytest.mark.parametrize("module", ["cosmos", "account", "blobs"])
def test_a_missing_extra_says_what_to_install(module: str) -> None:
    code = f"import sys; sys.modules['azure'] = None; import backend.stores.azure.{module}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "LightningError" in done.stderr
    assert "needs a package that is not installed (azure" in done.stderr
