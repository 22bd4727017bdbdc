"""What the shell offers on Tab, where it costs next to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import available_timezones

_PLANS = (".json", ".pipe", ".py")


def plan_files(incomplete: str) -> Iterator[str]:
    """Folders, and the files a plan may be in."""
    typed = Path(incomplete)
    folder = typed if incomplete.endswith("/") else typed.parent
    start = "" if incomplete.endswith("/") else typed.name
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return
    for file in found:
        shown = str(file)
        if not file.name.startswith(start) or (file.name.startswith(".") and not start):
            continue
        if file.is_dir():
            yield f"{shown}/"
        elif file.suffix in _PLANS:
            yield shown


def zones(incomplete: str) -> Iterator[str]:
    typed = incomplete.lower()
    return (name for name in sorted(available_timezones()) if name.lower().startswith(typed))
