"""One database in a Cosmos DB account: its containers, their errors in our words, what they cost."""

from __future__ import annotations

import binascii
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import structlog

from backend.contracts.errors import LightningError, Unavailable
from backend.contracts.ports import Remark
from backend.stores.azure.consistency import ENOUGH, remark_on
from backend.stores.azure.containers import Container

try:
    from azure.core.exceptions import AzureError, ClientAuthenticationError
    from azure.cosmos import PartitionKey
    from azure.cosmos.aio import ContainerProxy, CosmosClient, DatabaseProxy
    from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceNotFoundError
    from azure.identity.aio import DefaultAzureCredential

    from backend.stores.azure.items import Items, Meter
except ImportError as error:
    raise LightningError(
        f"Cosmos DB needs a package that is not installed ({error.name}).",
        code="EXEC_EXTRA_MISSING",
        hint="pip install 'lightning[azure]'",
    ) from error

log = structlog.get_logger()

CONNECT_S = 5
READ_S = 20
THROTTLED_S = 20
_THERE = (409, 412)


class CosmosAccount:
    """`connection` is a connection string; without one, `endpoint` is used with the machine's or the
    person's own Azure identity. `start` makes the database and its `containers` where they are missing
    and may be made.

    Errors: at start one `LightningError` that names the setting; later `Unavailable` when Cosmos DB does
    not answer, or still refuses for its throughput after having been waited for.
    """

    def __init__(
        self,
        *,
        connection: str = "",
        endpoint: str = "",
        database: str,
        containers: Sequence[Container],
    ) -> None:
        self.setting = "COSMOS_CONNECTION" if connection else "COSMOS_ENDPOINT"
        self.meter = Meter()
        self.remarks: list[Remark] = []
        self._connection = connection
        self._endpoint = endpoint
        self._database = database
        self._declared = containers
        self._identity: DefaultAzureCredential | None = None
        self._client: CosmosClient | None = None
        self._items: dict[str, Items] = {}

    async def start(self) -> None:
        try:
            self._client = self._open()
            await self._client.__aenter__()
            await self._judge_consistency(self._client)
            database = await self._ready_database(self._client)
            for declared in self._declared:
                proxy = await self._ready_container(database, declared)
                self._items[declared.name] = Items(proxy, declared, self.meter)
        except LightningError:
            await self.close()
            raise
        except (AzureError, OSError, ValueError, binascii.Error) as error:
            await self.close()
            raise self._explained(error) from None

    async def close(self) -> None:
        """Closing twice is harmless."""
        client, self._client = self._client, None
        identity, self._identity = self._identity, None
        if client is not None:
            await client.close()
        if identity is not None:
            await identity.close()

    def items(self, container: str) -> Items:
        return self._items[container]

    def _open(self) -> CosmosClient:
        options: dict[str, Any] = {
            "connection_timeout": CONNECT_S,
            "read_timeout": READ_S,
            "retry_throttle_backoff_max": THROTTLED_S,
            "enable_compact_utf8_item_writes": True,
        }
        if not self._connection:
            _checked(self._endpoint)
            self._identity = DefaultAzureCredential()
            return CosmosClient(self._endpoint, self._identity, **options)
        parts = dict(part.partition("=")[::2] for part in self._connection.strip().split(";"))
        key = parts.get("AccountKey", "")
        self._endpoint = _checked(parts.get("AccountEndpoint", ""))
        return CosmosClient(self._endpoint, key, **options)

    async def _judge_consistency(self, client: CosmosClient) -> None:
        account = await client._get_database_account()
        policy = account.ConsistencyPolicy or {}
        remark = remark_on(policy.get("defaultConsistencyLevel", ENOUGH[0]), self._endpoint)
        if remark is not None:
            self.remarks.append(remark)
            log.warning("cosmos.consistency", words=remark.words, advice=remark.advice)

    async def _ready_database(self, client: CosmosClient) -> DatabaseProxy:
        database = client.get_database_client(self._database)
        try:
            await database.read()
        except CosmosResourceNotFoundError:
            with self._making(f"the database {self._database}"):
                return await client.create_database(self._database)
        return database

    async def _ready_container(
        self, database: DatabaseProxy, declared: Container
    ) -> ContainerProxy:
        definition: dict[str, Any] = {
            "partition_key": PartitionKey(declared.partition_key),
            "indexing_policy": declared.indexing(),
            "default_ttl": declared.ttl_s,
        }
        proxy = database.get_container_client(declared.name)
        try:
            found = await proxy.read()
        except CosmosResourceNotFoundError:
            with self._making(f"the container {declared.name} in {self._database}"):
                await database.create_container(declared.name, **definition)
            return proxy
        if found["partitionKey"]["paths"] != [declared.partition_key]:
            raise LightningError(
                f"The container {declared.name} in {self._database} is not one of ours: "
                f"its partition key is not {declared.partition_key}.",
                code="EXEC_SETTING_INVALID",
                hint="Choose another COSMOS_DATABASE, or remove the container.",
            )
        if not _covers(found, declared):
            with self._making(f"the indexes of {declared.name} in {self._database}"):
                await database.replace_container(proxy, **definition)
        return proxy

    @contextmanager
    def _making(self, what: str) -> Iterator[None]:
        try:
            yield
        except CosmosHttpResponseError as error:
            if error.status_code in _THERE:
                return  # another process made it just now
            if error.status_code not in (401, 403):
                raise
            raise LightningError(
                f"In Cosmos DB {what} is missing, and {self.setting} has no right to make it.",
                code="EXEC_SETTING_INVALID",
                hint="Have the deployment make it, or check COSMOS_DATABASE.",
            ) from None

    def _explained(self, error: Exception) -> LightningError:
        """One message for whoever set it up. The error's own words may hold the key; they are left."""
        host = self._endpoint
        if isinstance(error, ClientAuthenticationError):
            said = f"{self.setting}: no Azure identity was found to sign in to {host} with."
        elif isinstance(error, CosmosHttpResponseError) and error.status_code == 401:
            said = f"{self.setting}: Cosmos DB at {host} does not accept the key or the identity."
        elif isinstance(error, CosmosHttpResponseError) and error.status_code == 403:
            said = f"{self.setting}: Cosmos DB at {host} refuses access: a missing role, or its firewall."
        elif isinstance(error, CosmosHttpResponseError) and (error.status_code or 500) < 500:
            said = f"Cosmos DB at {host} refused what is in {self.setting} and COSMOS_DATABASE."
        elif isinstance(error, AzureError):
            return Unavailable(f"{self.setting}: Cosmos DB does not answer at {host}.")
        else:
            said = f"{self.setting} is not the address or connection string of a Cosmos DB account."
        return LightningError(said, code="EXEC_SETTING_INVALID")


def _checked(endpoint: str) -> str:
    address = urlsplit(endpoint)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ValueError("not an address")
    return endpoint


def _covers(found: Mapping[str, Any], declared: Container) -> bool:
    """Whether the found container can answer what is asked of the declared one."""
    policy = found.get("indexingPolicy", {})
    paths = {path["path"] for path in policy.get("includedPaths", ())}
    wanted = {path["path"] for path in declared.indexing()["includedPaths"]}
    composites = {
        tuple(part["path"] for part in index) for index in policy.get("compositeIndexes", ())
    }
    return wanted <= paths and set(declared.composites) <= composites
