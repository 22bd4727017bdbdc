"""The Cosmos DB double: what the SDK may do, and what Azure would refuse."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, CosmosClient
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosBatchOperationError,
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from tests.azure import doubles

POLICY = {
    "includedPaths": [{"path": "/kind/?"}, {"path": "/n/?"}, {"path": "/tags/[]/?"}],
    "excludedPaths": [{"path": "/*"}],
    "compositeIndexes": [
        [{"path": "/kind", "order": "ascending"}, {"path": "/n", "order": "ascending"}]
    ],
}


@pytest.fixture
async def client() -> AsyncIterator[CosmosClient]:
    async with CosmosClient(doubles.cosmos().url, doubles.cosmos().key) as client:
        yield client


@pytest.fixture
async def container(client: CosmosClient) -> ContainerProxy:
    database = await client.create_database(secrets.token_hex(8))
    made: ContainerProxy = await database.create_container(
        "things", PartitionKey("/pk"), indexing_policy=POLICY, default_ttl=-1
    )
    return made


def thing(id: str = "1", pk: str = "a", **more: Any) -> dict[str, Any]:
    return {"id": id, "pk": pk, **more}


async def ids(container: ContainerProxy, query: str, **options: Any) -> list[str]:
    return [item["id"] async for item in container.query_items(query, **options)]


async def refused(status: int, call: Any) -> str:
    with pytest.raises(CosmosHttpResponseError) as caught:
        await call
    assert caught.value.status_code == status
    return str(caught.value)


# --- what may be done -----------------------------------------------------------------------------


async def test_an_item_is_made_read_replaced_and_deleted(container: ContainerProxy) -> None:
    made = await container.create_item(thing(n=1))
    assert (await container.read_item("1", "a"))["n"] == 1
    await container.replace_item("1", thing(n=2))
    await container.upsert_item(thing(n=3))
    await container.upsert_item(thing("2"))
    found = await container.read_item("1", "a")
    assert found["n"] == 3
    assert found["_etag"] != made["_etag"]
    await container.delete_item("1", "a")
    with pytest.raises(CosmosResourceNotFoundError):
        await container.read_item("1", "a")
    with pytest.raises(CosmosResourceExistsError):
        await container.create_item(thing("2"))


async def test_a_write_may_depend_on_the_etag(container: ContainerProxy) -> None:
    old = await container.create_item(thing())
    new = await container.replace_item("1", thing(n=2))
    condition: dict[str, Any] = {"match_condition": MatchConditions.IfNotModified}
    for call in (
        container.replace_item("1", thing(n=3), etag=old["_etag"], **condition),
        container.delete_item("1", "a", etag=old["_etag"], **condition),
    ):
        with pytest.raises(CosmosAccessConditionFailedError):
            await call
    await container.replace_item("1", thing(n=3), etag=new["_etag"], **condition)


async def test_a_patch_changes_parts_and_may_have_a_condition(container: ContainerProxy) -> None:
    await container.create_item(thing(n=1, tags=["a"]))
    patched = await container.patch_item(
        "1",
        "a",
        [
            {"op": "incr", "path": "/n", "value": 2},
            {"op": "set", "path": "/title", "value": "x"},
            {"op": "add", "path": "/tags/-", "value": "b"},
        ],
    )
    assert (patched["n"], patched["title"], patched["tags"]) == (3, "x", ["a", "b"])
    operations = [{"op": "remove", "path": "/title"}]
    with pytest.raises(CosmosAccessConditionFailedError):
        await container.patch_item("1", "a", operations, filter_predicate="FROM c WHERE c.n = 1")
    await container.patch_item("1", "a", operations, filter_predicate="FROM c WHERE c.n = 3")
    assert "title" not in await container.read_item("1", "a")


async def test_a_batch_is_all_or_nothing(container: ContainerProxy) -> None:
    await container.execute_item_batch(
        [("create", (thing("1", n=1),)), ("upsert", (thing("2"),)), ("read", ("1",))], "a"
    )
    with pytest.raises(CosmosBatchOperationError) as caught:
        await container.execute_item_batch(
            [("replace", ("1", thing("1", n=9))), ("create", (thing("2"),)), ("delete", ("1",))],
            "a",
        )
    assert (caught.value.error_index, caught.value.status_code) == (1, 409)
    assert (await container.read_item("1", "a"))["n"] == 1


async def test_a_query_filters_orders_and_pages(container: ContainerProxy) -> None:
    for n in range(7):
        await container.create_item(
            thing(str(n), pk="ab"[n % 2], kind="k", n=n, tags=[f"t{n % 3}"])
        )
    await container.create_item(thing("other", kind=None))
    every = "SELECT * FROM c WHERE c.kind = 'k' ORDER BY c.kind DESC, c.n DESC"
    assert await ids(container, every) == ["6", "5", "4", "3", "2", "1", "0"]
    assert await ids(container, every, partition_key="b") == ["5", "3", "1"]
    some = "SELECT TOP 2 c.id FROM c WHERE c.n >= @n AND NOT (c.n IN (3, 4)) ORDER BY c.n"
    assert await ids(container, some, parameters=[{"name": "@n", "value": 2}]) == ["2", "5"]
    tagged = "SELECT * FROM c WHERE ARRAY_CONTAINS(c.tags, 't0') AND IS_DEFINED(c.n) ORDER BY c.n"
    assert await ids(container, tagged) == ["0", "3", "6"]
    pages = container.query_items(every, partition_key="a", max_item_count=3).by_page()
    assert [[i["id"] async for i in page] async for page in pages] == [["6", "4", "2"], ["0"]]
    count = [n async for n in container.query_items("SELECT VALUE COUNT(1) FROM c")]
    assert count == [8]


async def test_null_and_what_is_missing_are_less_than_nothing(container: ContainerProxy) -> None:
    await container.create_item(thing("null", n=None))
    await container.create_item(thing("none"))
    await container.create_item(thing("text", n="x"))
    assert await ids(container, "SELECT * FROM c WHERE c.n <= 5") == []
    assert await ids(container, "SELECT * FROM c WHERE NOT c.n > 5") == []
    assert await ids(container, "SELECT * FROM c WHERE c.n = null") == ["null"]


async def test_what_outlived_its_time_is_gone(container: ContainerProxy) -> None:
    await container.create_item(thing("short", ttl=60))
    await container.create_item(thing("long"))
    doubles.cosmos().advance(61)
    assert await ids(container, "SELECT * FROM c") == ["long"]
    await container.create_item(thing("short"))


async def test_the_change_feed_goes_on_where_it_was(container: ContainerProxy) -> None:
    await container.create_item(thing("1"))
    first = container.query_items_change_feed(start_time="Beginning")
    assert [item["id"] async for item in first] == ["1"]
    token = container.client_connection.last_response_headers["etag"]
    await container.upsert_item(thing("2"))
    later = container.query_items_change_feed(continuation=token)
    assert [item["id"] async for item in later] == ["2"]


async def test_large_integers_lose_digits_as_they_do_in_azure(container: ContainerProxy) -> None:
    await container.create_item(thing(n=2**60 + 1, m=2**53))
    found = await container.read_item("1", "a")
    assert (found["n"], found["m"]) == (float(2**60), 2**53)


# --- what Azure refuses ---------------------------------------------------------------------------


async def test_a_wrong_key_is_refused() -> None:
    client = CosmosClient(doubles.cosmos().url, "d3Jvbmc=")
    await refused(401, client.__aenter__())
    await client.close()


async def test_what_was_never_made_is_not_found(client: CosmosClient) -> None:
    await refused(404, client.get_database_client("none").read())
    database = await client.create_database(secrets.token_hex(8))
    await refused(404, database.get_container_client("none").read_item("1", "a"))


@pytest.mark.parametrize("id", ["a/b", "a\\b", "a?b", "a#b", "", "x" * 1024, "a "])
async def test_an_id_that_azure_does_not_take_is_refused(
    container: ContainerProxy, id: str
) -> None:
    # The SDK looks at single items itself, and lets a batch pass.
    with pytest.raises(CosmosBatchOperationError) as caught:
        await container.execute_item_batch([("create", (thing(id),))], "a")
    assert caught.value.status_code == 400


async def test_too_much_is_refused(container: ContainerProxy) -> None:
    with pytest.warns(ResourceWarning, match="large body"):
        await refused(413, container.create_item(thing(text="x" * 2 * 1024 * 1024)))
    await refused(400, container.create_item(thing(pk="x" * 2049)))
    await container.create_item(thing())
    patches = [{"op": "set", "path": f"/f{n}", "value": n} for n in range(11)]
    await refused(400, container.patch_item("1", "a", patches))
    batch = [("upsert", (thing(str(n)),)) for n in range(101)]
    await refused(400, container.execute_item_batch(batch, "a"))


async def test_an_item_without_its_partition_key_is_refused(container: ContainerProxy) -> None:
    await container.create_item(thing())
    link = f"{container.container_link}/docs/1"
    await refused(400, container.client_connection.ReadItem(link, {}))


async def test_a_batch_stays_in_its_partition(container: ContainerProxy) -> None:
    with pytest.raises(CosmosBatchOperationError):
        await container.execute_item_batch([("create", (thing(pk="b"),))], "a")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM c ORDER BY c.n, c.kind",
        "SELECT * FROM c ORDER BY c.kind ASC, c.n DESC",
        "SELECT * FROM c ORDER BY c.kind, c.n, c.id",
        "SELECT * FROM c ORDER BY c.other",
        "SELECT * FROM c WHERE c.other = 1",
        "SELECT * FROM c WHERE",
        "SELECT * FROM c WHERE c.n = @missing",
        "DROP TABLE c",
    ],
)
async def test_a_query_that_no_index_serves_is_refused(
    container: ContainerProxy, query: str
) -> None:
    await refused(400, ids(container, query))


async def test_a_scan_has_to_be_asked_for(container: ContainerProxy) -> None:
    await container.create_item(thing(other=1))
    query = "SELECT * FROM c WHERE c.other = 1"
    assert await ids(container, query, enable_scan_in_query=True) == ["1"]


async def test_a_made_up_continuation_is_refused(container: ContainerProxy) -> None:
    pages = container.query_items("SELECT * FROM c", partition_key="a").by_page("bWFkZSB1cA==")
    with pytest.raises(CosmosHttpResponseError):
        async for page in pages:
            _ = [item async for item in page]


# --- faults ---------------------------------------------------------------------------------------


async def test_a_throttled_request_is_repeated_when_told(container: ContainerProxy) -> None:
    await container.create_item(thing())
    fault = {"kind": "status", "status": 429, "retry_after_ms": 1, "next": 3, "path": "/docs"}
    with doubles.cosmos().faults(fault):
        assert await container.read_item("1", "a")


async def test_a_dropped_connection_does_nothing_and_a_lost_reply_does(
    container: ContainerProxy,
) -> None:
    with doubles.cosmos().faults({"kind": "drop", "next": 1, "method": "POST"}):
        await container.create_item(thing("dropped"))
    # The SDK repeats a write whose reply was lost, and meets what it wrote.
    lost = {"kind": "lose", "next": 1, "method": "POST"}
    with doubles.cosmos().faults(lost), pytest.raises(CosmosResourceExistsError):
        await container.create_item(thing("lost"))


async def test_the_state_counts_what_was_asked(container: ContainerProxy) -> None:
    before = doubles.cosmos().state()
    await container.create_item(thing())
    after = doubles.cosmos().state()
    assert after["requests"]["POST"] == before["requests"]["POST"] + 1
    assert after["request_units"] > before["request_units"]
