"""Chat and API as a container app, and the workers too where they are not functions."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_azure_native import app, containerregistry, operationalinsights

from backend.deploy.pulumi.base import Base
from backend.deploy.pulumi.environment import Environment
from backend.deploy.pulumi.messaging import QUEUE, WORK_QUEUE
from backend.deploy.pulumi.observing import Observing
from backend.deploy.pulumi.secrets import Secrets, secret_name

PORT = 8000
CALLS = 50  # open requests of one replica, live pages among them, before there is another
WAITING = 20  # messages of a queue that one worker is meant for


def registry(base: Base) -> containerregistry.Registry:
    return containerregistry.Registry(
        "registry",
        registry_name=base.names.letters("cr"),
        resource_group_name=base.group.name,
        location=base.region,
        sku=containerregistry.SkuArgs(name="Basic"),
        admin_user_enabled=False,
        tags=base.tags,
    )


class Apps:
    """The container apps' environment, and what every app in it has in common."""

    def __init__(
        self,
        base: Base,
        environment: Environment,
        secrets: Secrets,
        observing: Observing,
        registry: containerregistry.Registry,
        image: str,
        after: Sequence[pulumi.Resource],
    ) -> None:
        self._base = base
        self._environment = environment
        self._secrets = secrets
        self._registry = registry
        self._image = image
        self._after = after
        keys = operationalinsights.get_shared_keys_output(
            resource_group_name=base.group.name, workspace_name=observing.workspace.name
        )
        self._place = app.ManagedEnvironment(
            "environment",
            environment_name=base.names.plain("env"),
            resource_group_name=base.group.name,
            location=base.region,
            app_logs_configuration=app.AppLogsConfigurationArgs(
                destination="log-analytics",
                log_analytics_configuration=app.LogAnalyticsConfigurationArgs(
                    customer_id=observing.workspace.customer_id,
                    shared_key=pulumi.Output.secret(keys.primary_shared_key),
                ),
            ),
            tags=base.tags,
        )

    def chat(self, public_url: str) -> app.ContainerApp:
        """`public_url` empty: the address that Azure gives."""
        name = self._base.names.plain("chat")
        given = self._place.default_domain.apply(lambda domain: f"https://{name}.{domain}")
        fewest, most = self._base.stack.chat
        return self._app(
            "chat",
            {"HOST": "0.0.0.0", "PORT": str(PORT), "PUBLIC_URL": public_url or given},
            ingress=app.IngressArgs(
                external=True,
                target_port=PORT,
                transport="auto",
                # A page's socket, and what it polls before it has one, must reach one replica.
                sticky_sessions=app.IngressStickySessionsArgs(affinity=app.Affinity.STICKY),
            ),
            probes=[_probe(app.Type.READINESS, 10), _probe(app.Type.LIVENESS, 30)],
            scale=app.ScaleArgs(
                min_replicas=fewest,
                max_replicas=most,
                rules=[
                    app.ScaleRuleArgs(
                        name="calls",
                        http=app.HttpScaleRuleArgs(metadata={"concurrentRequests": str(CALLS)}),
                    )
                ],
            ),
        )

    def worker(self) -> app.ContainerApp:
        fewest, most = self._base.stack.workers
        return self._app(
            "worker",
            {},
            scale=app.ScaleArgs(
                min_replicas=max(1, fewest),
                max_replicas=min(most, 30),
                rules=[self._waiting(QUEUE), self._waiting(WORK_QUEUE)],
            ),
        )

    def _waiting(self, queue: str) -> app.ScaleRuleArgs:
        return app.ScaleRuleArgs(
            name=queue,
            custom=app.CustomScaleRuleArgs(
                type="azure-servicebus",
                identity=self._base.identity.id,
                metadata={
                    "queueName": queue,
                    "namespace": self._base.names.worldwide("bus"),
                    "messageCount": str(WAITING),
                },
            ),
        )

    def _app(
        self,
        role: str,
        more: Environment,
        *,
        scale: app.ScaleArgs,
        ingress: app.IngressArgs | None = None,
        probes: Sequence[app.ContainerAppProbeArgs] = (),
    ) -> app.ContainerApp:
        base = self._base
        return app.ContainerApp(
            role,
            container_app_name=base.names.plain(role),
            resource_group_name=base.group.name,
            location=base.region,
            environment_id=self._place.id,
            identity=app.ManagedServiceIdentityArgs(
                type=app.ManagedServiceIdentityType.USER_ASSIGNED,
                user_assigned_identities=[base.identity.id],
            ),
            configuration=app.ConfigurationArgs(
                active_revisions_mode=app.ActiveRevisionsMode.SINGLE,
                ingress=ingress,
                registries=[
                    app.RegistryCredentialsArgs(
                        server=self._registry.login_server, identity=base.identity.id
                    )
                ],
                secrets=[
                    app.SecretArgs(
                        name=secret_name(setting), key_vault_url=uri, identity=base.identity.id
                    )
                    for setting, uri in self._secrets.uris.items()
                ],
            ),
            template=app.TemplateArgs(
                containers=[
                    app.ContainerArgs(
                        name=role,
                        image=self._image,
                        args=[role],
                        env=self._env({**self._environment, **more}),
                        probes=list(probes),
                        resources=app.ContainerResourcesArgs(
                            cpu=base.stack.chat_cpu, memory=base.stack.chat_memory
                        ),
                    )
                ],
                scale=scale,
                # Longer than the time a stopping process gives the steps under way.
                termination_grace_period_seconds=30,
            ),
            tags=base.tags,
            opts=pulumi.ResourceOptions(depends_on=list(self._after)),
        )

    def _env(self, plain: Environment) -> list[app.EnvironmentVarArgs]:
        return [
            *(app.EnvironmentVarArgs(name=name, value=value) for name, value in plain.items()),
            *(
                app.EnvironmentVarArgs(name=setting, secret_ref=secret_name(setting))
                for setting in self._secrets.uris
            ),
        ]


def _probe(type: app.Type, period_s: int) -> app.ContainerAppProbeArgs:
    return app.ContainerAppProbeArgs(
        type=type,
        http_get=app.ContainerAppProbeHttpGetArgs(path="/api/health", port=PORT),
        period_seconds=period_s,
        timeout_seconds=5,
        failure_threshold=3,
    )
