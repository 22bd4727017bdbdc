"""A plan's name, its one-sentence purpose, a mail's subject: from its steps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from agents.planner.lexicon import WORDS
from agents.planner.times import When
from backend.contracts.tools import ToolSpec

Line = tuple[ToolSpec, dict[str, Any]]


def plan_name(lines: Sequence[Line], when: When | None) -> str:
    """Such as "Weekday feed summary by mail"."""
    things: list[str] = []
    ways: list[str] = []
    for spec, args in lines:
        word = WORDS.get(spec.id)
        if word is None:
            things.append(spec.name.lower())
        elif word.title and word.title not in things:
            things.append(word.title)
        elif word.way:
            way = _filled(word.way, args)
            ways += [way] if way not in ways else []
    name = " ".join([how_often(when) if when else "", *things[-3:], *_list(ways[:3])]).strip()
    if not things and ways:
        name = " ".join([how_often(when) if when else "", "message", *_list(ways[:3])])
    name = re.sub(r"\s+", " ", name.strip() or lines[0][0].name)
    return name[:1].upper() + name[1:120]


def description(lines: Sequence[Line]) -> str:
    """One sentence: what a run does."""
    doings = []
    for spec, args in lines:
        word = WORDS.get(spec.id)
        doings.append(_filled(word.does, args) if word and word.does else spec.name.lower())
    sentence = ", ".join(doings[:-1]) + (" and " if len(doings) > 1 else "") + doings[-1]
    return sentence[:1].upper() + sentence[1:900] + "."


def subject(lines: Sequence[Line]) -> str:
    """A subject line for what these steps made."""
    kinds = [WORDS[spec.id].title for spec, _ in lines if spec.id in WORDS and WORDS[spec.id].title]
    host = next((_host(args["url"]) for _, args in lines if isinstance(args.get("url"), str)), "")
    path = next((args["path"] for _, args in lines if isinstance(args.get("path"), str)), "")
    if len(kinds) > 1:
        words = f"{kinds[-1]} of the {kinds[0]}"
    else:
        words = kinds[0] if kinds else "message from Lightning"
    about = host or path
    return f"{words[:1].upper()}{words[1:]}{f' {about}' if about else ''}"[:200]


def how_often(when: When) -> str:
    """ "weekday", "daily", "Monday", "hourly"; empty for one moment."""
    if when.kind == "at":
        return ""
    if when.kind == "interval" or any(
        "/" in line.split()[1] or line.split()[1] == "*" for line in when.cron
    ):
        hourly = when.every_s == 3600 or when.cron == ("0 * * * *",)
        return "hourly" if hourly else "regular"
    _, _, day, month, weekday = when.cron[0].split()
    if month != "*":
        return "yearly" if month.isdigit() else "regular"
    if day != "*" or "#" in weekday or "L" in weekday:
        return "monthly"
    names = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
    if weekday.isdigit():
        return names[int(weekday)]
    return {"*": "daily", "1-5": "weekday", "0,6": "weekend"}.get(weekday, "weekly")


def _filled(pattern: str, args: dict[str, Any]) -> str:
    def value(match: re.Match[str]) -> str:
        found = args.get(match.group(1), "")
        text = ", ".join(map(str, found)) if isinstance(found, list) else str(found)
        return re.sub(r"\s+", " ", text)[:120] or "it"

    return re.sub(r"\{(\w+)\}", value, pattern)


def _host(url: str) -> str:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    named = "." in host and not re.fullmatch(r"[\d.]+", host)
    return host.removeprefix("www.") if named else ""


def _list(words: Sequence[str]) -> list[str]:
    return [*words[:-1], "and", words[-1]] if len(words) > 1 else list(words)
