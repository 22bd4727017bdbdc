"""What every part of the program needs to know: where it is, and for whom."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import managedidentity, resources

from backend.deploy.pulumi.stacks import Names, Stack


@dataclass(frozen=True, slots=True)
class Base:
    stack: Stack
    names: Names
    region: str
    tenant: str
    subscription: str
    group: resources.ResourceGroup
    identity: managedidentity.UserAssignedIdentity

    @property
    def tags(self) -> dict[str, str]:
        return {"application": "lightning", "stack": self.stack.name, **self.stack.tags}


def base(stack: Stack, *, region: str, tenant: str, subscription: str) -> Base:
    """The resource group, and the one identity that chat, API and workers share."""
    names = Names(stack, subscription)
    tags = {"application": "lightning", "stack": stack.name}
    group = resources.ResourceGroup(
        "group",
        resource_group_name=names.plain("rg"),
        location=region,
        tags=tags,
        opts=pulumi.ResourceOptions(protect=stack.purge_protection),
    )
    identity = managedidentity.UserAssignedIdentity(
        "identity",
        resource_name_=names.plain("id"),
        resource_group_name=group.name,
        location=region,
        tags=tags,
    )
    return Base(stack, names, region, tenant, subscription, group, identity)
