"""Which tools an installation allows: policy by the patterns of its settings."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase

from backend.contracts.security import Verdict
from backend.settings import Settings

Judge = Callable[[str], Verdict | None]


def judge(settings: Settings) -> Judge:
    """Says of a tool's id what policy holds other than allow. `DENIED_TOOLS` wins over `GATED_TOOLS`."""
    denied, gated = _patterns(settings.denied_tools), _patterns(settings.gated_tools)

    def verdict(tool: str) -> Verdict | None:
        if any(fnmatchcase(tool, pattern) for pattern in denied):
            reason = f"{tool} is not allowed here (DENIED_TOOLS)."
            return Verdict("deny", "DENIED_TOOLS", "EXEC_TOOL_FORBIDDEN", reason)
        if any(fnmatchcase(tool, pattern) for pattern in gated):
            return Verdict("ask", "GATED_TOOLS", reason=f"{tool} always asks first (GATED_TOOLS).")
        return None

    return verdict


def _patterns(setting: str) -> tuple[str, ...]:
    return tuple(pattern for part in setting.split(",") if (pattern := part.strip()))
