"""What `pulumi up` runs: the stack by its name, its wishes from the configuration."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import authorization

from backend.deploy.pulumi.program import Wishes, deployed
from backend.deploy.pulumi.secrets import SECRET
from backend.deploy.pulumi.stacks import REGION, STACKS

config = pulumi.Config("lightning")
given = {name: config.get_secret(name) for name in sorted(SECRET)}
client = authorization.get_client_config()
told = deployed(
    STACKS[pulumi.get_stack()],
    Wishes(
        region=config.get("region") or REGION,
        secrets={
            "JWT_SIGNING_KEY": config.require_secret("JWT_SIGNING_KEY"),
            **{name: value for name, value in given.items() if value is not None},
        },
        settings=config.get_object("settings") or {},
        image=config.get("image") or "",
        public_url=config.get("public_url") or "",
        workers="containers" if config.get("workers") == "containers" else "functions",
    ),
    tenant=client.tenant_id,
    subscription=client.subscription_id,
)
for name, value in told.items():
    pulumi.export(name, value)
