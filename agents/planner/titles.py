"""A plan's name, and a mail's subject: from its steps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from agents.planner import purpose
from agents.planner.lexicon import WORDS
from agents.planner.purpose import cut, filled
from agents.planner.times import When
from backend.contracts.tools import ToolSpec

Line = tuple[ToolSpec, dict[str, Any]]
MAX_NAME = 80
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_SOURCES = {"web.read", "http.get"}
_QUOTES = {"file.write", "file.append", "http.request"}


def plan_name(
    lines: Sequence[Line], when: When | None, steps: Sequence[Mapping[str, Any]] = ()
) -> str:
    """The person's purpose, such as "Weekday feed summary by mail" or "Reminder: call mum". The `steps`
    say what is done for each of many, and when."""
    often = how_often(when) if when else ""
    name = _reminder(lines, often) or _watch(lines, often, when) or _message(lines, often)
    return _qualified(_fitted(name or _made(lines, often)), steps)


def _qualified(name: str, steps: Sequence[Mapping[str, Any]]) -> str:
    """With "for each entry", and the condition under which all acts, where there is room for them."""
    if ", for each" not in name and any("added" in str(s.get("for_each")) for s in steps):
        name = name.replace(" changes", "", 1)
    acting = [s for s in steps if (word := WORDS.get(s["action"])) and word.stage in ("out", "ask")]
    each = next((purpose.thing(s) for s in reversed(acting) if purpose.thing(s)), "")
    conditions = {purpose.condition(s) for s in acting}
    when = conditions.pop() if len(conditions) == 1 else ""
    for said in (
        f", for each {each}" if each and each != "one" else "",
        f", {when}" if when else "",
    ):
        name = f"{name}{said}" if len(name) + len(said) <= MAX_NAME else name
    return name


def _reminder(lines: Sequence[Line], often: str) -> str:
    """What only says something in the chat."""
    acting = [(spec, args) for spec, args in lines if spec.id != "wait.until"]
    if len(acting) != 1 or acting[0][0].id != "notify.user":
        return ""
    text = acting[0][1].get("text")
    if not isinstance(text, str) or "${" in text:
        return ""
    return f"{often} reminder: {_lower(text)}".strip()


def _watch(lines: Sequence[Line], often: str, when: When | None) -> str:
    """One page or answer, looked at and told."""
    lines = [line for line in lines if line[0].id != "watch.changed"]
    ids = [spec.id for spec, _ in lines]
    if len(ids) != 2 or ids[0] not in _SOURCES or ids[1] != "notify.user":
        return ""
    place = _place(lines[0][1].get("url"))
    if not place:
        return ""
    if when is None or when.kind == "at":
        return f"Look at {place}"
    return f"Watch {place}" if often in ("", "hourly", "regular") else f"{often} look at {place}"


def _message(lines: Sequence[Line], often: str) -> str:
    """A message of the person's own, sent or kept."""
    if len(lines) != 1:
        return ""
    spec, args = lines[0]
    said = next((args[k] for k in ("content", "body") if isinstance(args.get(k), str)), "")
    if spec.id == "email.send" and "${" not in said:
        to = args.get("to", "")
        return f"{often} mail to {', '.join(to) if isinstance(to, list) else to}".strip()
    if spec.id in _QUOTES and said and "${" not in said:
        return f"{often} “{cut(said, 40)}” {_way(spec, args)}".strip()
    return ""


def _made(lines: Sequence[Line], often: str) -> str:
    things: list[str] = []
    ways: list[str] = []
    for spec, args in lines:
        word = WORDS.get(spec.id)
        title = word.title if word else ""
        if spec.id == "llm.complete" and (written := _written(args)):
            things, title = (
                ([*things, written], "")
                if written in ("translation", "comparison")
                else ([written], "")
            )
        if word is None:
            things.append(spec.name.lower())
        elif about := purpose.kept_about(args):
            things.append(f"about {about}")
        elif title:
            things += [title] if title not in things else []
        elif word.way:
            way = _way(spec, args)
            ways += [way] if way not in ways else []
    if not things and ways:
        things = ["message"]
    name = " ".join([often, *things[-3:], *_list(ways[:3])])
    return re.sub(r"\s+", " ", name).strip() or lines[0][0].name


def _written(args: dict[str, Any]) -> str:
    """ "Translate it" makes a translation, "Write a poem about rain" a poem about rain."""
    prompt = str(args.get("prompt", "")).lower()
    if prompt.startswith("translat"):
        return "translation"
    if prompt.startswith("compar"):
        return "comparison"
    written = re.match(
        r"(?:write|draft|compose|generate)\s+(?:me\s+)?an?\s+([^,.;:\"$]{3,40})$", prompt
    )
    return written[1] if written else ""


def subject(lines: Sequence[Line]) -> str:
    """A subject line for what these steps made."""
    words_of = [WORDS[spec.id].title for spec, _ in lines if spec.id in WORDS]
    kinds = list(dict.fromkeys(title for title in words_of if title))
    host = next((_host(args["url"]) for _, args in lines if _literal(args.get("url"))), "")
    path = next((args["path"] for _, args in lines if _literal(args.get("path"))), "")
    if len(kinds) > 1:
        words = f"{kinds[-1]} of the {kinds[0]}"
    else:
        words = kinds[0] if kinds else "message from Lightning"
    about = host or _base(path)
    return cut(f"{words[:1].upper()}{words[1:]}{f' {about}' if about else ''}", 150)


def _literal(value: Any) -> bool:
    return isinstance(value, str) and "${" not in value


def how_often(when: When) -> str:
    """ "weekday", "daily", "Monday and Thursday", "hourly"; empty for one moment."""
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
    return {"*": "daily", "1-5": "weekday", "0,6": "weekend"}.get(weekday) or _days(weekday)


def _days(field: str) -> str:
    """ "1-6" as "Monday to Saturday", "1,4" as "Monday and Thursday"."""
    words = []
    for part in field.split(","):
        first, _, last = part.partition("-")
        words.append(f"{_DAYS[int(first)]} to {_DAYS[int(last)]}" if last else _DAYS[int(first)])
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _way(spec: ToolSpec, args: dict[str, Any]) -> str:
    if spec.id == "http.request" and (host := _host(str(args.get("url", "")))):
        return f"to {host}"
    return filled(WORDS[spec.id].way, {**args, "path": _base(str(args.get("path", "")))})


def _host(url: str) -> str:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    named = "." in host and not re.fullmatch(r"[\d.]+", host)
    return host.removeprefix("www.") if named else ""


def _place(url: Any) -> str:
    """A page as people write it: example.com/status."""
    host = _host(url) if isinstance(url, str) else ""
    path = urlsplit(url).path.rstrip("/") if host else ""
    return f"{host}{path}" if len(path) <= 30 else host


def _base(path: str) -> str:
    return path.rstrip("/").rsplit("/", 1)[-1]


def _lower(text: str) -> str:
    """Its first letter small, unless the word is one that is written large ("API", "I")."""
    first = text.split(" ", 1)[0]
    return (
        text
        if first == "I" or (len(first) > 1 and first.isupper())
        else text[:1].lower() + text[1:]
    )


def _fitted(name: str) -> str:
    return cut(name[:1].upper() + name[1:], MAX_NAME)


def _list(words: Sequence[str]) -> list[str]:
    return [*words[:-1], "and", words[-1]] if len(words) > 1 else list(words)
