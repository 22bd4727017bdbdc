"""What the Pulumi program declares, for every stack, without an Azure."""

from __future__ import annotations

import asyncio
import json
import re
import runpy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.config import set_all_config

from backend.deploy import pulumi as program_folder
from backend.deploy.pulumi.access import ROLES
from backend.deploy.pulumi.program import Wishes, deployed
from backend.deploy.pulumi.stacks import REGION, STACKS, Names
from backend.stores.azure.containers import containers

KEY = "a signing key that nobody may read"
MODEL_KEY = "sk-that-nobody-may-read"
SUBSCRIPTION = "00000000-1111-2222-3333-444444444444"
IMAGE = "registry.example/lightning:1"
LOOP = asyncio.new_event_loop()
"""Never closed: Pulumi's threads have loops of their own, which nobody would close."""


@dataclass
class Declared(Mocks):
    """The resources of one deployment, by type: what Azure would have been asked for."""

    resources: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        type = args.typ.partition(":")[2]
        self.resources.append((type, args.name, args.inputs))
        own = next((v for k, v in args.inputs.items() if k.endswith("Name")), args.name)
        made: dict[str, Any] = {
            "name": _own_name(type, args.inputs) or own,
            "principalId": "principal",
            "clientId": "client",
            "loginServer": "registry.example",
            "defaultDomain": "example.azurecontainerapps.io",
            "customerId": "customer",
            "connectionString": "InstrumentationKey=0",
        }
        if type == "keyvault:Secret":
            uri = f"https://vault.example/secrets/{args.inputs['secretName']}"
            made["properties"] = {"secretUri": uri, "secretUriWithVersion": f"{uri}/1"}
        if "identity" in args.inputs:  # comes back in another shape than it was given in
            made["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {}}
        return f"/id/{type}/{made['name']}", {**args.inputs, **made}

    def call(self, args: MockCallArgs) -> dict[str, Any]:
        if args.token.endswith("getClientConfig"):
            ids = ("clientId", "objectId", "tenantId")
            return {"subscriptionId": SUBSCRIPTION, **dict.fromkeys(ids, "an id")}
        return {"primarySharedKey": "a key of the workspace"}

    def of(self, type: str) -> list[dict[str, Any]]:
        return [inputs for kind, _, inputs in self.resources if kind == type]

    def one(self, type: str) -> dict[str, Any]:
        (found,) = self.of(type)
        return found


_NAMES = {
    "servicebus:Namespace": "namespaceName",
    "servicebus:Queue": "queueName",
    "cosmosdb:DatabaseAccount": "accountName",
    "cosmosdb:SqlResourceSqlDatabase": "databaseName",
    "cosmosdb:SqlResourceSqlContainer": "containerName",
    "storage:StorageAccount": "accountName",
    "storage:BlobContainer": "containerName",
    "web:AppServicePlan": "name",
    "web:WebApp": "name",
    "app:ContainerApp": "containerAppName",
    "app:ManagedEnvironment": "environmentName",
    "keyvault:Vault": "vaultName",
    "keyvault:Secret": "secretName",
    "containerregistry:Registry": "registryName",
    "operationalinsights:Workspace": "workspaceName",
    "applicationinsights:Component": "resourceName",
    "managedidentity:UserAssignedIdentity": "resourceName",
    "resources:ResourceGroup": "resourceGroupName",
}


def _own_name(type: str, inputs: dict[str, Any]) -> str | None:
    return inputs.get(_NAMES.get(type, ""))


def run_program(stack: str, program: Callable[[Declared], Any]) -> Declared:
    """What Pulumi was told by it."""
    mocks = Declared()
    asyncio.set_event_loop(LOOP)
    try:
        set_mocks(mocks, project="lightning", stack=stack)
        pulumi.runtime.test(lambda: program(mocks))()
    finally:
        asyncio.set_event_loop(None)
    return mocks


def declare(stack: str, **more: Any) -> Declared:
    def program(mocks: Declared) -> pulumi.Output[None]:
        secrets = {
            "JWT_SIGNING_KEY": pulumi.Output.secret(KEY),
            "OPENAI_API_KEY": pulumi.Output.secret(MODEL_KEY),
        }
        wishes = Wishes(**{"region": REGION, "secrets": secrets, "image": IMAGE, **more})
        told = deployed(STACKS[stack], wishes, tenant="tenant", subscription=SUBSCRIPTION)
        return pulumi.Output.all(**told).apply(mocks.told.update)

    return run_program(stack, program)


@pytest.fixture(scope="module", params=STACKS)
def stack(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param


@pytest.fixture(scope="module")
def azure(stack: str) -> Declared:
    return declare(stack)


def settings_of(azure: Declared) -> dict[str, str]:
    found = azure.one("web:WebApp")["siteConfig"]["appSettings"]
    return {one["name"]: one["value"] for one in found}


def test_the_ordered_queue_has_sessions_and_both_find_duplicates(azure: Declared) -> None:
    queues = {queue["queueName"]: queue for queue in azure.of("servicebus:Queue")}
    assert {name: queue["requiresSession"] for name, queue in queues.items()} == {
        "events": True,
        "events-work": False,
    }
    for queue in queues.values():
        assert queue["requiresDuplicateDetection"] and queue["deadLetteringOnMessageExpiration"]
        assert not queue["enablePartitioning"]  # with it, a session has no one order
        assert queue["lockDuration"] == "PT1M"
        assert queue["maxDeliveryCount"] > 1000
    assert settings_of(azure)["SERVICEBUS_QUEUE"] == "events"


def test_every_container_of_the_table_is_there_with_its_key_and_its_indexes(
    azure: Declared,
) -> None:
    made = {c["containerName"]: c["resource"] for c in azure.of("cosmosdb:SqlResourceSqlContainer")}
    assert set(made) == {container.name for container in containers()}
    for container in containers():
        resource = made[container.name]
        assert resource["partitionKey"]["paths"] == [container.partition_key]
        assert resource["defaultTtl"] == container.ttl_s
        policy = resource["indexingPolicy"]
        assert policy.get("compositeIndexes", []) == container.indexing()["compositeIndexes"]
        assert policy["includedPaths"] == container.indexing()["includedPaths"]
        assert policy["excludedPaths"] == [{"path": "/*"}]


def test_development_is_serverless_and_the_others_scale_by_themselves(
    azure: Declared, stack: str
) -> None:
    capabilities = azure.one("cosmosdb:DatabaseAccount")["capabilities"]
    scaled = [
        one["options"]["autoscaleSettings"]["maxThroughput"]
        for type in ("cosmosdb:SqlResourceSqlDatabase", "cosmosdb:SqlResourceSqlContainer")
        for one in azure.of(type)
        if "options" in one
    ]
    assert (capabilities == [{"name": "EnableServerless"}]) is (stack == "dev")
    assert len(scaled) == (0 if stack == "dev" else 2)
    assert all(units % 1000 == 0 for units in scaled)  # as Azure wants it


def test_the_identity_has_every_role_on_the_one_thing_it_is_for(azure: Declared) -> None:
    given = azure.of("authorization:RoleAssignment")
    assert {one["roleDefinitionId"].rpartition("/")[2] for one in given} == set(ROLES.values())
    kinds = {"servicebus:Namespace", "storage:StorageAccount", "keyvault:Vault"}
    kinds |= {"containerregistry:Registry", "resources:ResourceGroup"}
    assert {one["scope"].split("/")[2] for one in given} == kinds
    cosmos = azure.one("cosmosdb:SqlResourceSqlRoleAssignment")
    assert cosmos["roleDefinitionId"].endswith("/00000000-0000-0000-0000-000000000002")
    assert {one["principalId"] for one in [*given, cosmos]} == {"principal"}
    (tasks,) = [one["scope"] for one in given if "ResourceGroup" in one["scope"]]
    assert tasks.endswith("-tasks")  # and not all that Lightning itself consists of


def test_keys_are_switched_off_where_the_identity_is_enough(azure: Declared) -> None:
    assert azure.one("servicebus:Namespace")["disableLocalAuth"]
    assert azure.one("cosmosdb:DatabaseAccount")["disableLocalAuth"]
    assert azure.one("storage:StorageAccount")["allowSharedKeyAccess"] is False
    assert azure.one("containerregistry:Registry")["adminUserEnabled"] is False


def test_secrets_are_in_the_vault_and_nowhere_else(azure: Declared) -> None:
    stored = {one["secretName"]: one["properties"] for one in azure.of("keyvault:Secret")}
    assert set(stored) == {"jwt-signing-key", "openai-api-key"}
    elsewhere = [inputs for type, _, inputs in azure.resources if type not in ("keyvault:Secret",)]
    assert KEY not in json.dumps(elsewhere) and MODEL_KEY not in json.dumps(elsewhere)
    reference = "@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/jwt-signing-key)"
    assert settings_of(azure)["JWT_SIGNING_KEY"] == reference
    chat = azure.one("app:ContainerApp")
    (container,) = chat["template"]["containers"]
    env = {one["name"]: one for one in container["env"]}
    assert env["JWT_SIGNING_KEY"] == {"name": "JWT_SIGNING_KEY", "secretRef": "jwt-signing-key"}
    by_name = {one["name"]: one for one in chat["configuration"]["secrets"]}
    assert by_name["jwt-signing-key"]["keyVaultUrl"].endswith("/jwt-signing-key")
    assert "value" not in by_name["jwt-signing-key"]


def test_a_secret_among_the_plain_settings_is_refused() -> None:
    with pytest.raises(ValueError, match="SMTP_PASSWORD"):
        declare("dev", settings={"SMTP_HOST": "mail.example", "SMTP_PASSWORD": "x"})


def test_chat_keeps_a_page_on_one_replica_and_is_looked_after(azure: Declared) -> None:
    chat = azure.one("app:ContainerApp")
    ingress = chat["configuration"]["ingress"]
    assert ingress["stickySessions"] == {"affinity": "sticky"} and ingress["external"]
    (container,) = chat["template"]["containers"]
    assert container["image"] == IMAGE and container["args"] == ["chat"]
    assert {probe["httpGet"]["path"] for probe in container["probes"]} == {"/api/health"}
    scale = chat["template"]["scale"]
    assert 1 <= scale["minReplicas"] <= scale["maxReplicas"]
    env = {one["name"]: one.get("value") for one in container["env"]}
    assert env["PUBLIC_URL"] == f"https://{chat['containerAppName']}.example.azurecontainerapps.io"
    assert env["HOST"] == "0.0.0.0" and int(env["PORT"]) == ingress["targetPort"]


def test_the_functions_reach_everything_by_the_identity(azure: Declared) -> None:
    settings = settings_of(azure)
    bus = azure.one("servicebus:Namespace")["namespaceName"]
    assert (
        settings["SERVICEBUS_CONNECTION__fullyQualifiedNamespace"]
        == (settings["SERVICEBUS_NAMESPACE"])
    )
    assert settings["SERVICEBUS_NAMESPACE"] == f"{bus}.servicebus.windows.net"
    for prefix in ("SERVICEBUS_CONNECTION", "AzureWebJobsStorage"):
        assert settings[f"{prefix}__credential"] == "managedidentity"
        assert settings[f"{prefix}__clientId"] == settings["AZURE_CLIENT_ID"] == "client"
    app = azure.one("web:WebApp")["functionAppConfig"]
    assert app["runtime"]["name"] == "python"
    assert app["deployment"]["storage"]["authentication"]["type"] == "UserAssignedIdentity"


def test_workers_may_be_containers_that_grow_with_the_queues() -> None:
    azure = declare("staging", workers="containers")
    assert azure.of("web:WebApp") == []
    worker = next(a for a in azure.of("app:ContainerApp") if "worker" in a["containerAppName"])
    assert worker["template"]["containers"][0]["args"] == ["worker"]
    assert "ingress" not in worker["configuration"]
    rules = [rule["custom"]["metadata"] for rule in worker["template"]["scale"]["rules"]]
    assert [rule["queueName"] for rule in rules] == ["events", "events-work"]
    assert {r["namespace"] for r in rules} == {azure.one("servicebus:Namespace")["namespaceName"]}
    assert worker["template"]["scale"]["minReplicas"] >= 1


def test_before_there_is_an_image_everything_else_is_made() -> None:
    azure = declare("dev", image="")
    assert azure.of("app:ContainerApp") == []
    assert set(azure.told) == {"resource_group", "registry", "login_server", "function_app"}


RULES = {
    "servicebus:Namespace": r"[a-zA-Z][a-zA-Z0-9-]{4,48}[a-zA-Z0-9]",
    "servicebus:Queue": r"[A-Za-z0-9][\w.\-/]{0,258}[A-Za-z0-9]",
    "cosmosdb:DatabaseAccount": r"[a-z0-9][a-z0-9-]{1,42}[a-z0-9]",
    "cosmosdb:SqlResourceSqlDatabase": r"[^/\\#?]{1,255}",
    "cosmosdb:SqlResourceSqlContainer": r"[^/\\#?]{1,255}",
    "storage:StorageAccount": r"[a-z0-9]{3,24}",
    "storage:BlobContainer": r"[a-z0-9](?!.*--)[a-z0-9-]{1,61}[a-z0-9]",
    "web:AppServicePlan": r"[a-zA-Z0-9-]{1,40}",
    "web:WebApp": r"[a-zA-Z0-9][a-zA-Z0-9-]{0,58}[a-zA-Z0-9]",
    "app:ContainerApp": r"(?!.*--)[a-z][a-z0-9-]{0,30}[a-z0-9]",
    "app:ManagedEnvironment": r"(?!.*--)[a-zA-Z][a-zA-Z0-9-]{0,30}[a-zA-Z0-9]",
    "keyvault:Vault": r"(?!.*--)[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]",
    "keyvault:Secret": r"[a-zA-Z0-9-]{1,127}",
    "containerregistry:Registry": r"[a-zA-Z0-9]{5,50}",
    "operationalinsights:Workspace": r"[a-zA-Z0-9][a-zA-Z0-9-]{2,61}[a-zA-Z0-9]",
    "applicationinsights:Component": r"[^%&\\?/]{1,260}",
    "managedidentity:UserAssignedIdentity": r"[a-zA-Z0-9][\w-]{2,127}",
    "resources:ResourceGroup": r"[\w().-]{0,89}[\w()-]",
}


def test_every_name_is_one_that_azure_takes(azure: Declared) -> None:
    assert set(RULES) == set(_NAMES)
    checked = set()
    for type, _, inputs in azure.resources:
        if type in RULES:
            name = _own_name(type, inputs)
            assert name and re.fullmatch(RULES[type], name, re.ASCII), f"{type}: {name}"
            checked.add(type)
    assert checked == set(RULES)


def test_the_program_takes_the_stack_and_its_configuration_from_pulumi() -> None:
    settings = json.dumps({"SMTP_HOST": "mail.example"})
    said = {"JWT_SIGNING_KEY": KEY, "image": IMAGE, "settings": settings, "region": "westeurope"}

    def program(_: Declared) -> None:
        set_all_config({f"lightning:{name}": value for name, value in said.items()})
        runpy.run_module("backend.deploy.pulumi", run_name="__main__")
        set_all_config({})

    azure = run_program("staging", program)
    assert settings_of(azure)["SMTP_HOST"] == "mail.example"
    assert {one["secretName"] for one in azure.of("keyvault:Secret")} == {"jwt-signing-key"}
    assert {one["location"] for _, _, one in azure.resources if "location" in one} == {"westeurope"}


def test_two_stacks_or_subscriptions_have_no_name_in_common() -> None:
    all = [Names(s, sub) for s in STACKS.values() for sub in ("one", "another")]
    assert len({names.worldwide("bus") for names in all}) == len(all)
    assert len({names.letters("st") for names in all}) == len(all)


def test_every_stack_has_its_configuration_in_the_region_of_the_seeds() -> None:
    folder = Path(program_folder.__file__ or "").parent
    for name in STACKS:
        said = yaml.safe_load((folder / f"Pulumi.{name}.yaml").read_text())
        assert said["config"]["lightning:region"] == REGION == "centralindia"
