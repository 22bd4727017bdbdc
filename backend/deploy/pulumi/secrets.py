"""Key Vault. Secrets go from Pulumi's encrypted configuration into the vault, and from there by reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import keyvault

from backend.deploy.pulumi.base import Base
from backend.settings import Settings

SECRET = frozenset(name.upper() for name, field in Settings.model_fields.items() if not field.repr)
"""Settings that are never shown, and so never stand among plain ones."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """`uris` by setting, without a version: the newest is taken."""

    vault: keyvault.Vault
    uris: dict[str, pulumi.Output[str]]


def secrets(base: Base, values: Mapping[str, pulumi.Output[str]]) -> Secrets:
    """`values` by setting, such as JWT_SIGNING_KEY."""
    vault = keyvault.Vault(
        "vault",
        vault_name=base.names.worldwide("kv"),
        resource_group_name=base.group.name,
        location=base.region,
        properties=keyvault.VaultPropertiesArgs(
            tenant_id=base.tenant,
            sku=keyvault.SkuArgs(family="A", name=keyvault.SkuName.STANDARD),
            enable_rbac_authorization=True,
            enable_soft_delete=True,
            enable_purge_protection=base.stack.purge_protection,
        ),
        tags=base.tags,
    )
    uris: dict[str, pulumi.Output[str]] = {}
    for setting, value in values.items():
        name = secret_name(setting)
        secret = keyvault.Secret(
            f"secret-{name}",
            secret_name=name,
            vault_name=vault.name,
            resource_group_name=base.group.name,
            properties=keyvault.SecretPropertiesArgs(value=value),
        )
        uris[setting] = secret.properties.secret_uri
    return Secrets(vault, uris)


def secret_name(setting: str) -> str:
    return setting.lower().replace("_", "-")
