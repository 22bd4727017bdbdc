"""Whether what was written is there when it is read: the account's default consistency. Decision 14."""

from __future__ import annotations

from backend.contracts.errors import LightningError
from backend.contracts.ports import Remark

ENOUGH = ("Strong", "BoundedStaleness")
"""In the region that is written to, and we read nowhere else, both read the newest."""
OWN_WRITES = "Session"

_ADVICE = "Set the account's default consistency to Strong."


def remark_on(level: str, host: str) -> Remark | None:
    """What an operator should know of it. Raises `LightningError` when a process could not even rely on
    what it wrote itself: then results would be wrong."""
    if level in ENOUGH:
        return None
    said = f"The default consistency of Cosmos DB at {host} is {level}"
    if level != OWN_WRITES:
        raise LightningError(
            f"{said}: what was written may not be there when it is read.",
            code="EXEC_SETTING_INVALID",
            hint=f"{_ADVICE} {OWN_WRITES} is the least that will do.",
        )
    words = f"{said}: what another process wrote may for a moment not be seen, and a step be done again."
    return Remark("database", words, _ADVICE)
