"""Cosmos DB, by the table of containers that the adapters have, and Blob Storage."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi_azure_native import cosmosdb, storage

from backend.deploy.pulumi.base import Base
from backend.stores.azure.containers import FOREVER, LOG, Container, containers

DATABASE = "lightning"
BLOBS = "lightning"


@dataclass(frozen=True, slots=True)
class Data:
    cosmos: cosmosdb.DatabaseAccount
    containers: tuple[cosmosdb.SqlResourceSqlContainer, ...]
    storage: storage.StorageAccount


def data(base: Base) -> Data:
    account = _account(base)
    database = cosmosdb.SqlResourceSqlDatabase(
        "database",
        account_name=account.name,
        resource_group_name=base.group.name,
        database_name=DATABASE,
        resource=cosmosdb.SqlDatabaseResourceArgs(id=DATABASE),
        options=_autoscale(base.stack.shared_ru),
    )
    made = [_container(base, account, database, container) for container in containers()]
    return Data(account, tuple(made), _storage(base))


def _account(base: Base) -> cosmosdb.DatabaseAccount:
    serverless = [cosmosdb.CapabilityArgs(name="EnableServerless")]
    return cosmosdb.DatabaseAccount(
        "cosmos",
        account_name=base.names.worldwide("db"),
        resource_group_name=base.group.name,
        location=base.region,
        kind="GlobalDocumentDB",
        database_account_offer_type="Standard",
        locations=[cosmosdb.LocationArgs(location_name=base.region, failover_priority=0)],
        # Another process reads what was just written: decision 14.
        consistency_policy=cosmosdb.ConsistencyPolicyArgs(default_consistency_level="Strong"),
        capabilities=serverless if base.stack.shared_ru is None else [],
        disable_local_auth=True,
        minimal_tls_version="Tls12",
        tags=base.tags,
    )


def _container(
    base: Base,
    account: cosmosdb.DatabaseAccount,
    database: cosmosdb.SqlResourceSqlDatabase,
    container: Container,
) -> cosmosdb.SqlResourceSqlContainer:
    policy = container.indexing()
    return cosmosdb.SqlResourceSqlContainer(
        f"container-{container.name}",
        account_name=account.name,
        resource_group_name=base.group.name,
        database_name=database.name,
        container_name=container.name,
        options=_autoscale(base.stack.log_ru if container.name == LOG else None),
        resource=cosmosdb.SqlContainerResourceArgs(
            id=container.name,
            partition_key=cosmosdb.ContainerPartitionKeyArgs(
                kind="Hash", paths=[container.partition_key], version=2
            ),
            default_ttl=FOREVER if container.ttl_s is None else container.ttl_s,
            indexing_policy=cosmosdb.IndexingPolicyArgs(
                automatic=policy["automatic"],
                indexing_mode=policy["indexingMode"],
                included_paths=[
                    cosmosdb.IncludedPathArgs(**one) for one in policy["includedPaths"]
                ],
                excluded_paths=[
                    cosmosdb.ExcludedPathArgs(**one) for one in policy["excludedPaths"]
                ],
                composite_indexes=[
                    [cosmosdb.CompositePathArgs(**path) for path in paths]
                    for paths in policy["compositeIndexes"]
                ],
            ),
        ),
    )


def _autoscale(most: int | None) -> cosmosdb.CreateUpdateOptionsArgs | None:
    if most is None:
        return None
    return cosmosdb.CreateUpdateOptionsArgs(
        autoscale_settings=cosmosdb.AutoscaleSettingsArgs(max_throughput=most)
    )


def _storage(base: Base) -> storage.StorageAccount:
    account = storage.StorageAccount(
        "storage",
        account_name=base.names.letters("st"),
        resource_group_name=base.group.name,
        location=base.region,
        kind="StorageV2",
        sku=storage.SkuArgs(name=base.stack.storage_sku),
        allow_blob_public_access=False,
        allow_shared_key_access=False,
        enable_https_traffic_only=True,
        minimum_tls_version="TLS1_2",
        tags=base.tags,
    )
    storage.BlobContainer(
        "blobs",
        account_name=account.name,
        resource_group_name=base.group.name,
        container_name=BLOBS,
        public_access=storage.PublicAccess.NONE,
    )
    return account
