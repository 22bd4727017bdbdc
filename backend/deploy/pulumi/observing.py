"""Where logs and figures go: one workspace, for the functions through Application Insights."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi_azure_native import applicationinsights, operationalinsights

from backend.deploy.pulumi.base import Base


@dataclass(frozen=True, slots=True)
class Observing:
    workspace: operationalinsights.Workspace
    insights: applicationinsights.Component


def observing(base: Base) -> Observing:
    workspace = operationalinsights.Workspace(
        "logs",
        workspace_name=base.names.plain("logs"),
        resource_group_name=base.group.name,
        location=base.region,
        sku=operationalinsights.WorkspaceSkuArgs(name="PerGB2018"),
        retention_in_days=base.stack.log_days,
        tags=base.tags,
    )
    insights = applicationinsights.Component(
        "insights",
        resource_name_=base.names.plain("insights"),
        resource_group_name=base.group.name,
        location=base.region,
        kind="web",
        application_type="web",
        ingestion_mode="LogAnalytics",
        workspace_resource_id=workspace.id,
        tags=base.tags,
    )
    return Observing(workspace, insights)
