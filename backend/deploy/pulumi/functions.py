"""The workers as Azure Functions, on a Flex Consumption plan."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_azure_native import storage, web

from backend.deploy.pulumi.base import Base
from backend.deploy.pulumi.data import Data
from backend.deploy.pulumi.environment import Environment
from backend.deploy.pulumi.observing import Observing
from backend.deploy.pulumi.secrets import Secrets

PACKAGES = "functions"
PYTHON = "3.11"
MEMORY_MB = 2048


def functions(
    base: Base,
    environment: Environment,
    data: Data,
    secrets: Secrets,
    observing: Observing,
    after: Sequence[pulumi.Resource],
) -> web.WebApp:
    packages = storage.BlobContainer(
        "packages",
        account_name=data.storage.name,
        resource_group_name=base.group.name,
        container_name=PACKAGES,
        public_access=storage.PublicAccess.NONE,
    )
    plan = web.AppServicePlan(
        "plan",
        name=base.names.plain("plan"),
        resource_group_name=base.group.name,
        location=base.region,
        kind="functionapp",
        reserved=True,
        sku=web.SkuDescriptionArgs(name="FC1", tier="FlexConsumption"),
        tags=base.tags,
    )
    return web.WebApp(
        "functions",
        name=base.names.worldwide("fn"),
        resource_group_name=base.group.name,
        location=base.region,
        kind="functionapp,linux",
        server_farm_id=plan.id,
        https_only=True,
        identity=web.ManagedServiceIdentityArgs(
            type=web.ManagedServiceIdentityType.USER_ASSIGNED,
            user_assigned_identities=[base.identity.id],
        ),
        key_vault_reference_identity=base.identity.id,
        function_app_config=web.FunctionAppConfigArgs(
            runtime=web.FunctionsRuntimeArgs(name="python", version=PYTHON),
            scale_and_concurrency=web.FunctionsScaleAndConcurrencyArgs(
                instance_memory_mb=MEMORY_MB, maximum_instance_count=base.stack.workers[1]
            ),
            deployment=web.FunctionsDeploymentArgs(
                storage=web.FunctionsDeploymentStorageArgs(
                    type=web.FunctionsDeploymentStorageType.BLOB_CONTAINER,
                    value=pulumi.Output.format(
                        "https://{0}.blob.core.windows.net/{1}", data.storage.name, packages.name
                    ),
                    authentication=web.FunctionsDeploymentStorageAuthenticationArgs(
                        type=web.AuthenticationType.USER_ASSIGNED_IDENTITY,
                        user_assigned_identity_resource_id=base.identity.id,
                    ),
                )
            ),
        ),
        site_config=web.SiteConfigArgs(
            min_tls_version="1.2",
            app_settings=[
                web.NameValuePairArgs(name=name, value=value)
                for name, value in _settings(base, environment, data, secrets, observing).items()
            ],
        ),
        tags=base.tags,
        opts=pulumi.ResourceOptions(depends_on=list(after)),
    )


def _settings(
    base: Base, environment: Environment, data: Data, secrets: Secrets, observing: Observing
) -> dict[str, str | pulumi.Output[str]]:
    identity = {"credential": "managedidentity", "clientId": base.identity.client_id}
    namespace = {"fullyQualifiedNamespace": environment["SERVICEBUS_NAMESPACE"]}
    connections: dict[str, dict[str, str | pulumi.Output[str]]] = {
        "AzureWebJobsStorage": {"accountName": data.storage.name, **identity},
        "SERVICEBUS_CONNECTION": {**namespace, **identity},
    }
    return {
        **environment,
        **{
            f"{prefix}__{name}": value
            for prefix, connection in connections.items()
            for name, value in connection.items()
        },
        **{
            setting: uri.apply(lambda uri: f"@Microsoft.KeyVault(SecretUri={uri})")
            for setting, uri in secrets.uris.items()
        },
        "APPLICATIONINSIGHTS_CONNECTION_STRING": observing.insights.connection_string,
    }
