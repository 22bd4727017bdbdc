"""Times, durations, money and names as a person reads them."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

ACRONYMS = frozenset(
    {"api", "csv", "html", "http", "id", "json", "pdf", "rss", "sql", "url", "xml"}
)
PAST = {
    "adds": "added",
    "asks": "asked",
    "creates": "created",
    "deletes": "deleted",
    "fetches": "fetched",
    "notifies": "notified",
    "posts": "posted",
    "reads": "read",
    "saves": "saved",
    "sends": "sent",
    "tells": "told",
    "waits": "waited",
    "writes": "wrote",
}


def zone_of(name: str | None, fallback: str = "UTC") -> str:
    """The name when it is an IANA zone, else the fallback."""
    for candidate in (name, fallback):
        if candidate and len(candidate) <= 64:
            try:
                return ZoneInfo(candidate).key
            except (ZoneInfoNotFoundError, ValueError, OSError):
                continue
    return "UTC"


def clock(at: datetime, zone: str, now: datetime) -> str:
    """`Mon 23 Nov 09:00`, with the year when it is not this one."""
    local, today = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    if local.date() == today.date():
        return f"today {local:%H:%M}"
    day = f"{local:%a} {local.day} {local:%b}"
    return f"{day} {local:%H:%M}" if local.year == today.year else f"{day} {local:%Y %H:%M}"


def duration(seconds: float) -> str:
    if seconds < 1:
        return "under a second"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def money(usd: float) -> str:
    if usd <= 0:
        return "no model cost"
    if usd < 0.01:
        return "under 1 cent"
    return f"${usd:.3f}" if usd < 0.1 else f"${usd:,.2f}"


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def happened(effect: str) -> str:
    """`sends 1 mail` → `Sent 1 mail`; what it cannot turn stays as it is."""
    verb, _, rest = effect.partition(" ")
    return sentence(f"{PAST.get(verb.lower(), verb)} {rest}".strip())


def humanised(name: str) -> str:
    """`max_items` → `Max items`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    parts = re.sub(r"[_.\-]+", " ", spaced).split()
    return sentence(" ".join(w.upper() if w.lower() in ACRONYMS else w.lower() for w in parts))


def joined(parts: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return (
        parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""
    )


def titled(name: str) -> str:
    """A plan's name as a title: `daily-digest` → `Daily digest`; words stay as they are."""
    return name if " " in name else humanised(name)
