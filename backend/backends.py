"""What holds the log, the documents and the contents: SQLite, PostgreSQL or Azure, as the settings say."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.bus.sql import SqlBus
from backend.context.folder import FolderFiles
from backend.context.manifest import ManifestFiles
from backend.contracts.errors import LightningError
from backend.contracts.ports import Blobs, Bus, Charges, Files, Remark, Store
from backend.settings import Settings
from backend.stores.contents import SqlBlobs
from backend.stores.database import Database
from backend.stores.folder import FolderBlobs
from backend.stores.sql import SqlStore
from backend.stores.sqlite import Sqlite

Clock = Callable[[], datetime]
Examine = Callable[[], Awaitable[Sequence[Remark]]]
"""A close look at how the backend is set up."""


async def _unremarkable() -> Sequence[Remark]:
    return ()


@dataclass(frozen=True, slots=True)
class Backend:
    """The ports that one technology stands behind. Nothing above them knows which."""

    bus: Bus
    store: Store
    blobs: Blobs
    files: Files
    charges: Charges = dict
    examine: Examine = _unremarkable


@contextlib.asynccontextmanager
async def open_backend(
    settings: Settings, now: Clock, owner: str | None = None
) -> AsyncIterator[Backend]:
    """Service Bus and Cosmos DB where their settings are, PostgreSQL where `DATABASE_URL` is, else SQLite
    in the data folder. Raises one `LightningError` that names the setting that is wrong."""
    queues = settings.servicebus_connection or settings.servicebus_namespace
    documents = settings.cosmos_connection or settings.cosmos_endpoint
    if queues or documents:
        _complete(settings, bool(queues), bool(documents))
        opened = _on_azure(settings, now)
    elif settings.database_url:
        opened = _on_postgres(settings, now, owner)
    else:
        opened = _on_sqlite(settings, now, owner)
    async with opened as backend:
        yield backend


def _complete(settings: Settings, queues: bool, documents: bool) -> None:
    if settings.database_url:
        raise LightningError(
            "DATABASE_URL and the settings of Azure are both there: one of them holds the data.",
            code="EXEC_SETTING_INVALID",
            hint="Remove DATABASE_URL, or those of Service Bus and Cosmos DB.",
        )
    if not (queues and documents):
        there, missing = ("SERVICEBUS", "COSMOS") if queues else ("COSMOS", "SERVICEBUS")
        place = "COSMOS_ENDPOINT" if queues else "SERVICEBUS_NAMESPACE"
        raise LightningError(
            f"{there}_… is set, but {missing}_CONNECTION (or {place}) is not: Azure takes both.",
            code="EXEC_SETTING_MISSING",
            hint=f"Set {missing}_CONNECTION or {place}.",
        )


@contextlib.asynccontextmanager
async def _on_sqlite(settings: Settings, now: Clock, owner: str | None) -> AsyncIterator[Backend]:
    blobs = FolderBlobs(settings.data_dir / "blobs")
    async with _on_sql(Sqlite(settings.database), blobs, settings, now, owner) as (bus, store):
        yield Backend(bus, store, blobs, FolderFiles(settings.data_dir / "files"))


@contextlib.asynccontextmanager
async def _on_postgres(settings: Settings, now: Clock, owner: str | None) -> AsyncIterator[Backend]:
    try:
        from backend.stores.postgres import Postgres
    except ImportError as error:
        raise LightningError(
            f"DATABASE_URL needs a package that is not installed ({error.name}).",
            code="EXEC_EXTRA_MISSING",
            hint="pip install 'lightning[postgres]'",
        ) from error
    database = Postgres(settings.database_url)
    blobs = SqlBlobs(database)
    async with _on_sql(database, blobs, settings, now, owner) as (bus, store):
        yield Backend(bus, store, blobs, ManifestFiles(store, blobs, now=now))


@contextlib.asynccontextmanager
async def _on_sql(
    database: Database, blobs: Blobs, settings: Settings, now: Clock, owner: str | None
) -> AsyncIterator[tuple[Bus, Store]]:
    await database.start()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        bus = SqlBus(database, owner=owner, blobs=blobs, clock=now, lease_s=settings.lease_s)
        await bus.start()
        stack.push_async_callback(bus.close)
        yield bus, SqlStore(database)


@contextlib.asynccontextmanager
async def _on_azure(settings: Settings, now: Clock) -> AsyncIterator[Backend]:
    # each of them says what to install when its package is missing
    from backend.bus.azure.bus import AzureBus
    from backend.bus.azure.namespace import Namespace
    from backend.stores.azure.account import CosmosAccount
    from backend.stores.azure.containers import LOG, containers
    from backend.stores.azure.cosmos import CosmosStore
    from backend.stores.azure.places import layouts

    named = settings.user_container, settings.schedule_container, settings.repo_container
    async with contextlib.AsyncExitStack() as stack:
        blobs = await stack.enter_async_context(_azure_blobs(settings))
        account = CosmosAccount(
            connection=settings.cosmos_connection,
            endpoint=settings.cosmos_endpoint,
            database=settings.cosmos_database,
            containers=containers(*named),
        )
        await account.start()
        stack.push_async_callback(account.close)
        store = CosmosStore(account, blobs, layouts(*named))
        namespace = Namespace(
            connection=settings.servicebus_connection,
            host=settings.servicebus_namespace,
            queue=settings.servicebus_queue,
        )
        bus = AzureBus(namespace, account.items(LOG), store, blobs=blobs, clock=now)
        await bus.start()
        stack.push_async_callback(bus.close)
        files = ManifestFiles(store, blobs, now=now)

        async def examine() -> Sequence[Remark]:
            return [*account.remarks, *await bus.examine()]

        yield Backend(bus, store, blobs, files, account.meter.counted, examine)


@contextlib.asynccontextmanager
async def _azure_blobs(settings: Settings) -> AsyncIterator[Blobs]:
    from backend.stores.azure.blobs import AzureBlobs

    if not (settings.storage_connection or settings.storage_account_url):
        raise LightningError(
            "On Azure large values and files are kept in Blob Storage, which is not set.",
            code="EXEC_SETTING_MISSING",
            hint="Set STORAGE_CONNECTION or STORAGE_ACCOUNT_URL.",
        )
    blobs = AzureBlobs(
        connection=settings.storage_connection,
        account_url=settings.storage_account_url,
        container=settings.storage_container,
    )
    await blobs.start()
    try:
        yield blobs
    finally:
        await blobs.close()
