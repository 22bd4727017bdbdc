"""Time zones as people say them."""

from __future__ import annotations

import re
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

REGIONS = {
    "eastern": "America/New_York",
    "us eastern": "America/New_York",
    "pacific": "America/Los_Angeles",
    "us pacific": "America/Los_Angeles",
    "us central": "America/Chicago",
    "us mountain": "America/Denver",
    "mountain": "America/Denver",
    "central": "America/Chicago",
    "jst": "Asia/Tokyo",
    "kst": "Asia/Seoul",
    "sgt": "Asia/Singapore",
    "hkt": "Asia/Hong_Kong",
    "msk": "Europe/Moscow",
    "hst": "Pacific/Honolulu",
    "et": "America/New_York",
    "pt": "America/Los_Angeles",
    "central european": "Europe/Berlin",
    "eastern european": "Europe/Helsinki",
    "nyc": "America/New_York",
    "la": "America/Los_Angeles",
    "sf": "America/Los_Angeles",
    "rio": "America/Sao_Paulo",
    "uk": "Europe/London",
    "british": "Europe/London",
    "german": "Europe/Berlin",
    "french": "Europe/Paris",
    "indian": "Asia/Kolkata",
    "india": "Asia/Kolkata",
    "japan": "Asia/Tokyo",
    "delhi": "Asia/Kolkata",
    "mumbai": "Asia/Kolkata",
    "bangalore": "Asia/Kolkata",
    "san francisco": "America/Los_Angeles",
    "seattle": "America/Los_Angeles",
    "boston": "America/New_York",
    "washington": "America/New_York",
    "beijing": "Asia/Shanghai",
    "munich": "Europe/Berlin",
    "frankfurt": "Europe/Berlin",
    "hamburg": "Europe/Berlin",
    "barcelona": "Europe/Madrid",
    "milan": "Europe/Rome",
    "geneva": "Europe/Zurich",
}
# fixed all year or not, and meant by several countries: a city says it exactly
AMBIGUOUS = frozenset(
    re.findall(
        r"\w+",
        "est edt cst cdt ct mst mdt mt pst pdt cet cest eet eest wet west bst ist aest "
        "aedt akst nzst nzdt",
    )
)


@cache
def _names() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones()}


@cache
def _cities() -> dict[str, str]:
    areas = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
    cities: dict[str, str] = {}
    for name in sorted(available_timezones()):
        area, _, rest = name.partition("/")
        if area in areas and rest:
            cities.setdefault(rest.split("/")[-1].replace("_", " ").lower(), name)
    return cities | REGIONS


def zone_named(words: str) -> str | None:
    """The IANA name of "europe/paris", "new york", "utc", "utc+2" (whole hours); None if unknown."""
    words = words.strip().lower()
    if words in {"utc", "gmt", "z", "zulu"}:
        return "UTC"
    offset = re.fullmatch(r"(?:utc|gmt)\s*([+-])\s*(\d{1,2})(?::?00)?", words)
    if offset:
        hours = int(offset.group(2))
        # the names of the Etc zones count westwards
        sign = "-" if offset.group(1) == "+" else "+"
        return _names().get(f"etc/gmt{sign}{hours}") if hours else "UTC"
    if "/" in words:
        return _names().get(words.replace(" ", "_"))
    return _cities().get(words)


def zone_info(name: str) -> ZoneInfo | None:
    """The zone of that name, or None when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
