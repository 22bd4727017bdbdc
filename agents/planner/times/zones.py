"""Time zones as people say them."""

from __future__ import annotations

import re
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

# names of places and habits of speech that no zone's own name says
_SPOKEN = {
    "Africa/Cairo": "egypt",
    "Africa/Johannesburg": "south africa, cape town",
    "Africa/Nairobi": "kenya",
    "America/Chicago": "us central, central, dallas, houston, austin, minneapolis",
    "America/Denver": "us mountain, mountain",
    "America/Los_Angeles": "pacific, us pacific, pt, la, sf, "
    "san francisco, seattle, san diego, las vegas, california",
    "America/New_York": "eastern, us eastern, et, nyc, "
    "boston, washington, miami, atlanta, philadelphia",
    "America/Phoenix": "arizona",
    "America/Sao_Paulo": "rio, são paulo, rio de janeiro",
    "America/Toronto": "montreal, ottawa",
    "Asia/Bangkok": "thailand",
    "Asia/Dubai": "abu dhabi",
    "Asia/Hong_Kong": "hkt",
    "Asia/Jerusalem": "israel, tel aviv",
    "Asia/Karachi": "pakistan",
    "Asia/Kathmandu": "nepal, utc+5:45",
    "Asia/Kolkata": "indian, india, delhi, mumbai, bangalore, "
    "bengaluru, chennai, india standard, utc+5:30, gmt+5:30",
    "Asia/Manila": "philippines",
    "Asia/Seoul": "kst, korea, south korea, korean",
    "Asia/Shanghai": "beijing, china, shenzhen, guangzhou",
    "Asia/Singapore": "sgt",
    "Asia/Taipei": "taiwan",
    "Asia/Tokyo": "jst, japan, osaka, kyoto, japan standard",
    "Europe/Amsterdam": "netherlands, dutch, rotterdam, the hague",
    "Europe/Athens": "greece",
    "Europe/Berlin": "central european, german, munich, frankfurt, hamburg, germany, "
    "cologne, köln, münchen, stuttgart, düsseldorf, leipzig",
    "Europe/Brussels": "belgium, antwerp",
    "Europe/Copenhagen": "denmark",
    "Europe/Dublin": "ireland, irish",
    "Europe/Helsinki": "eastern european, finland",
    "Europe/Istanbul": "turkey, turkish",
    "Europe/London": "uk, british, manchester, edinburgh, glasgow",
    "Europe/Madrid": "barcelona",
    "Europe/Moscow": "msk, st petersburg, saint petersburg",
    "Europe/Oslo": "norway",
    "Europe/Paris": "french, france, lyon, marseille",
    "Europe/Rome": "milan, italy, florence, naples, turin",
    "Europe/Stockholm": "sweden, swedish, gothenburg",
    "Europe/Vienna": "austria",
    "Europe/Warsaw": "poland, krakow",
    "Europe/Zurich": "geneva, zürich, basel, bern, switzerland, swiss",
    "Pacific/Auckland": "wellington",
    "Pacific/Honolulu": "hst, hawaii",
}
REGIONS = {name: zone for zone, names in _SPOKEN.items() for name in names.split(", ")}
_NO_CITIES = frozenset({"center", "christmas", "easter", "wake"})  # "Christmas time"
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
    return {city: name for city, name in cities.items() if city not in _NO_CITIES} | REGIONS


def zone_named(words: str) -> str | None:
    """The IANA name of "europe/paris", "new york", "utc", "utc+2" (whole hours); None if unknown."""
    words = words.strip().lower()
    if words in REGIONS:
        return REGIONS[words]
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
