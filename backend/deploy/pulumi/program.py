"""Everything of one stack, put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pulumi
from pulumi_azure_native import resources

from backend.deploy.pulumi.access import access
from backend.deploy.pulumi.base import base
from backend.deploy.pulumi.containers import Apps, registry
from backend.deploy.pulumi.data import data
from backend.deploy.pulumi.environment import environment
from backend.deploy.pulumi.functions import functions
from backend.deploy.pulumi.messaging import messaging
from backend.deploy.pulumi.observing import observing
from backend.deploy.pulumi.secrets import secrets
from backend.deploy.pulumi.stacks import Stack


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a stack's configuration says. `secrets` and `settings` by their names as settings; without an
    `image` the container apps are left out, as its registry has to be there first."""

    region: str
    secrets: Mapping[str, pulumi.Output[str]]
    settings: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    public_url: str = ""
    workers: Literal["functions", "containers"] = "functions"


def deployed(
    stack: Stack, wishes: Wishes, *, tenant: str, subscription: str
) -> dict[str, pulumi.Output[str]]:
    """Declares all resources. Returns what the commands that follow need to know."""
    here = base(stack, region=wishes.region, tenant=tenant, subscription=subscription)
    tasks = resources.ResourceGroup(
        "tasks",
        resource_group_name=here.names.plain("tasks"),
        location=here.region,
        tags=here.tags,
    )
    bus = messaging(here)
    stored = data(here)
    kept = secrets(here, wishes.secrets)
    watched = observing(here)
    images = registry(here)
    after = [
        *access(here, bus, stored, kept, images, tasks),
        *bus.queues,
        *stored.containers,
    ]
    settings = environment(here, bus, stored, tasks.name, wishes.settings)
    told = {
        "resource_group": here.group.name,
        "registry": images.name,
        "login_server": images.login_server,
    }
    if wishes.workers == "functions":
        app = functions(here, settings, stored, kept, watched, after)
        told["function_app"] = app.name
    if wishes.image:
        apps = Apps(here, settings, kept, watched, images, wishes.image, after)
        chat = apps.chat(wishes.public_url)
        told["url"] = chat.configuration.apply(
            lambda c: f"https://{c.ingress.fqdn}" if c and c.ingress else ""
        )
        if wishes.workers == "containers":
            apps.worker()
    return told
