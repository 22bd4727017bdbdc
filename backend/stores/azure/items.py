"""The items of one Cosmos DB container: their errors in our words, and what they cost."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import AzureError
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import (
    CosmosBatchOperationError,
    CosmosHttpResponseError,
    CosmosResourceNotFoundError,
)

from backend.contracts.errors import Conflict, LightningError, TooLarge, Unavailable
from backend.contracts.ports import Charge
from backend.stores.azure.containers import Container

WRITE = "write"  # what tells one's own write from another's after a lost reply
THROTTLED = "EXEC_COSMOS_THROTTLED"
OWNER_GONE = 1003  # the container, not the item, is what was not found

_NOTHING = Charge()

Item = dict[str, Any]


class Meter:
    """By container and operation, as "documents.read"."""

    def __init__(self) -> None:
        self._charges: dict[str, Charge] = {}

    def add(self, operation: str, headers: Mapping[str, Any]) -> None:
        charge = self._charges.get(operation, _NOTHING)
        units = float(headers.get("x-ms-request-charge") or 0)
        self._charges[operation] = Charge(charge.calls + 1, charge.request_units + units)

    def counted(self) -> Mapping[str, Charge]:
        return dict(self._charges)


class Items:
    """Items of one container. Partition keys are text. Every call's request charge is counted.

    The SDK repeats a write whose reply was lost, and then meets what it wrote itself; or it gives up on
    what was done. So each write carries a mark, and no failure is believed while its mark is there.
    """

    def __init__(self, proxy: ContainerProxy, container: Container, meter: Meter) -> None:
        self.name = container.name
        self._proxy = proxy
        self._path = container.partition_key.lstrip("/")
        self._meter = meter

    async def read(self, id: str, partition: str) -> Item | None:
        with self._call("read") as options:
            try:
                return dict(await self._proxy.read_item(id, partition, **options))
            except CosmosResourceNotFoundError as error:
                if error.sub_status == OWNER_GONE:
                    raise
                self._meter.add(f"{self.name}.read", error.headers)
                return None

    async def create(self, item: Item) -> Item:
        """The item as it is stored. Raises `Conflict` when there is one of its id already."""
        marked = _marked(item)
        try:
            with self._call("create") as options:
                return dict(await self._proxy.create_item(marked, **options))
        except (Conflict, Unavailable) as error:
            return await self._own(marked, error)

    async def replace(self, item: Item, etag: str) -> Item:
        """Raises `Conflict` when what is stored has another etag, or is gone."""
        marked = _marked(item)
        conditions: dict[str, Any] = {
            "etag": etag,
            "match_condition": MatchConditions.IfNotModified,
        }
        try:
            with self._call("replace") as options:
                return dict(
                    await self._proxy.replace_item(item["id"], marked, **conditions, **options)
                )
        except (Conflict, Unavailable) as error:
            return await self._own(marked, error)

    async def upsert(self, item: Item) -> Item:
        with self._call("upsert") as options:
            return dict(await self._proxy.upsert_item(_marked(item), **options))

    async def delete(self, id: str, partition: str, etag: str | None = None) -> bool:
        """False when it is gone already. Raises `Conflict` when it has another etag."""
        conditions: dict[str, Any] = {}
        if etag is not None:
            conditions = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
        with self._call("delete") as options:
            try:
                await self._proxy.delete_item(id, partition, **conditions, **options)
            except CosmosResourceNotFoundError as error:
                if error.sub_status == OWNER_GONE:
                    raise
                self._meter.add(f"{self.name}.delete", error.headers)
                return False
        return True

    async def batch(self, partition: str, operations: Sequence[tuple[Any, ...]]) -> None:
        """Up to 100 operations on one partition, all or none; as `execute_item_batch` takes them.
        Raises `Conflict` when any of them is refused; unlike the single writes, also when it was this
        very batch, whose reply was lost, that went before."""
        with self._call("batch") as options:
            await self._proxy.execute_item_batch(operations, partition, **options)

    async def query(
        self,
        text: str,
        values: Mapping[str, Any],
        partition: str | None = None,
        *,
        page: int = 100,
        scan: bool = False,
    ) -> AsyncIterator[Item]:
        """`scan` for conditions that no index serves; without a partition, all are asked."""
        with self._call("query") as options:
            if partition is not None:
                options["partition_key"] = partition
            if scan:
                options["enable_scan_in_query"] = True
            parameters: list[dict[str, object]] = [
                {"name": f"@{name}", "value": value} for name, value in values.items()
            ]
            async for item in self._proxy.query_items(
                text, parameters=parameters, max_item_count=page, **options
            ):
                yield item

    async def _own(self, marked: Item, error: LightningError) -> Item:
        """What is stored, if it is this very write; else the error stands."""
        if error.code == THROTTLED:
            raise error
        stored = await self.read(marked["id"], marked[self._path])
        if stored is not None and stored.get(WRITE) == marked[WRITE]:
            return stored
        raise error

    @contextmanager
    def _call(self, operation: str) -> Iterator[dict[str, Any]]:
        name = f"{self.name}.{operation}"
        try:
            yield {"response_hook": lambda headers, _: self._meter.add(name, headers)}
        except (CosmosHttpResponseError, CosmosBatchOperationError) as error:
            self._meter.add(name, error.headers or {})
            raise _refused(self.name, error.status_code, error.sub_status) from error
        except AzureError as error:
            raise Unavailable(
                f"Cosmos DB does not answer: {type(error).__name__}.",
                code="EXEC_COSMOS_UNAVAILABLE",
            ) from error


def _marked(item: Item) -> Item:
    return {**item, WRITE: os.urandom(8).hex()}


def _refused(container: str, status: int | None, reason: int | None) -> LightningError:
    if status in (404, 409, 412, 424) and reason != OWNER_GONE:
        return Conflict(f"An item of {container} has changed meanwhile.")
    if status == 413:
        return TooLarge(f"That is more than an item of {container} can hold.")
    if status == 429:
        return Unavailable(
            "Cosmos DB has more to do than its throughput allows.",
            code=THROTTLED,
            hint="Raise the request units of the database.",
        )
    if status is not None and (status >= 500 or status in (401, 403, 404, 408, 410, 449)):
        return Unavailable(f"Cosmos DB refuses: {status}.", code="EXEC_COSMOS_UNAVAILABLE")
    return LightningError(
        f"Cosmos DB does not take this: {status}, {reason}.", code="EXEC_COSMOS_REFUSED"
    )
