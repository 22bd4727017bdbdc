"""What a container's indexes allow: the refusals that show only on the real service otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.azure.cosmos.sql import Path, Query

SYSTEM = {("id",), ("_ts",)}


def complaint(policy: Mapping[str, Any], query: Query, *, scan: bool) -> str:
    """Why this query cannot be served, or nothing."""
    order = [path for path, _ in query.order]
    if len(order) > 1:
        wanted = [("/" + "/".join(path), descending) for path, descending in query.order]
        turned = [(path, not descending) for path, descending in wanted]
        composites = [
            [(part["path"], part.get("order", "ascending") == "descending") for part in index]
            for index in policy.get("compositeIndexes", ())
        ]
        if wanted not in composites and turned not in composites:
            return "The order by query does not have a corresponding composite index."
    elif order and not indexed(policy, order[0]):
        return "The order-by item has no range index."
    missing = [path for path in query.filtered if not indexed(policy, path)]
    if missing and not scan:
        return f"The path /{'/'.join(missing[0])} is not indexed, and a scan was not asked for."
    return ""


def indexed(policy: Mapping[str, Any], path: Path) -> bool:
    """The most precise of the policy's paths decides."""
    if path in SYSTEM:
        return True
    included = max((_fit(p["path"], path) for p in policy.get("includedPaths", ())), default=-1)
    excluded = max((_fit(p["path"], path) for p in policy.get("excludedPaths", ())), default=-1)
    return included > excluded


def _fit(pattern: str, path: Path) -> int:
    """How precisely a pattern ("/a/?" this value, "/a/*" all below) names the path; -1: not."""
    *names, last = pattern.replace('"', "").strip("/").split("/")
    names = [name for name in names if name != "[]"]
    if last == "*":
        return 2 * len(names) if tuple(names) == path[: len(names)] else -1
    if last != "?":
        names.append(last)
    return 2 * len(names) + 1 if tuple(names) == path else -1
