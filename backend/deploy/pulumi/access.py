"""What the identity may do: the built-in roles, each on one resource and not on the whole group."""

from __future__ import annotations

import uuid

import pulumi
from pulumi_azure_native import authorization, containerregistry, cosmosdb, resources

from backend.deploy.pulumi.base import Base
from backend.deploy.pulumi.data import Data
from backend.deploy.pulumi.messaging import Messaging
from backend.deploy.pulumi.secrets import Secrets

ROLES = {
    "Azure Service Bus Data Sender": "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39",
    "Azure Service Bus Data Receiver": "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0",
    # The functions' host keeps its locks in blobs, which Contributor is not enough for.
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "AcrPull": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
    "Azure Container Instances Contributor Role": "5d977122-f97e-4b4d-a52f-6b43003ddb4d",
}
COSMOS_DATA_CONTRIBUTOR = "00000000-0000-0000-0000-000000000002"


def access(
    base: Base,
    bus: Messaging,
    data: Data,
    secrets: Secrets,
    registry: containerregistry.Registry,
    tasks: resources.ResourceGroup,
) -> list[pulumi.Resource]:
    """All of them; what uses the identity starts after these."""
    scopes: dict[str, pulumi.Output[str]] = {
        "Azure Service Bus Data Sender": bus.namespace.id,
        "Azure Service Bus Data Receiver": bus.namespace.id,
        "Storage Blob Data Owner": data.storage.id,
        "Key Vault Secrets User": secrets.vault.id,
        "AcrPull": registry.id,
        "Azure Container Instances Contributor Role": tasks.id,
    }
    given: list[pulumi.Resource] = [
        authorization.RoleAssignment(
            f"role-{role}",
            role_assignment_name=_assignment(base, role),
            scope=scope,
            role_definition_id=(
                f"/subscriptions/{base.subscription}/providers/Microsoft.Authorization"
                f"/roleDefinitions/{ROLES[role]}"
            ),
            principal_id=base.identity.principal_id,
            principal_type=authorization.PrincipalType.SERVICE_PRINCIPAL,
        )
        for role, scope in scopes.items()
    ]
    # Cosmos DB keeps roles on data to itself.
    role = "Cosmos DB Built-in Data Contributor"
    given.append(
        cosmosdb.SqlResourceSqlRoleAssignment(
            f"role-{role}",
            account_name=data.cosmos.name,
            resource_group_name=base.group.name,
            role_assignment_id=_assignment(base, role),
            role_definition_id=data.cosmos.id.apply(
                lambda id: f"{id}/sqlRoleDefinitions/{COSMOS_DATA_CONTRIBUTOR}"
            ),
            scope=data.cosmos.id,
            principal_id=base.identity.principal_id,
        )
    )
    return given


def _assignment(base: Base, role: str) -> str:
    """The same at every deployment."""
    key = f"lightning/{base.subscription}/{base.stack.name}/{role}"
    return str(uuid.uuid5(uuid.NAMESPACE_URL, key))
