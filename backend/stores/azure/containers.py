"""The containers of one Cosmos DB database, as data: made at start where missing, or by the deployment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LOG = "log"
DOCUMENTS = "documents"
FOREVER = -1


@dataclass(frozen=True, slots=True)
class Container:
    """`composites` are sequences of paths that are filtered or sorted on together, in this order.

    Only `indexed` paths are: an index on whole bodies would double what a write costs. `ttl_s` is the
    default life of an item: `FOREVER` lets single items have one.
    """

    name: str
    partition_key: str
    indexed: tuple[str, ...] = ()
    composites: tuple[tuple[str, ...], ...] = ()
    ttl_s: int = FOREVER

    def indexing(self) -> dict[str, Any]:
        """The indexing policy, as Cosmos DB spells it."""
        return {
            "indexingMode": "consistent",
            "automatic": True,
            "includedPaths": [{"path": f"{path}/?"} for path in self.indexed],
            "excludedPaths": [{"path": "/*"}],
            "compositeIndexes": [
                [{"path": path, "order": "ascending"} for path in paths]
                for paths in self.composites
            ],
        }


ENVELOPE = ("/kind", "/owner", "/parent", "/status", "/sort", "/due", "/key")
LISTS = (
    ("/kind", "/owner", "/sort", "/key"),
    ("/kind", "/owner", "/status", "/sort", "/key"),
    ("/kind", "/parent", "/sort", "/key"),
    ("/kind", "/status", "/sort", "/key"),
    ("/kind", "/sort", "/key"),
    ("/kind", "/due", "/key"),
)


def containers(
    users: str = "users", schedules: str = "schedules", repos: str = "repos"
) -> tuple[Container, ...]:
    """All of them; the names are USER_CONTAINER, SCHEDULE_CONTAINER and REPO_CONTAINER."""
    log = Container(LOG, "/stream", indexed=("/position", "/of"))
    return (
        log,
        *(Container(name, "/pk", ENVELOPE, LISTS) for name in (DOCUMENTS, users, schedules, repos)),
    )
