"""Values as a model writes them: text where a tool wants text, JSON else, and references to real outputs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from agents.planner import schema
from agents.planner.made import Made
from backend.contracts.plans import RESERVED_STEP_NAMES
from backend.contracts.tools import ToolSpec
from backend.plans.validation.schema import Shape

_HOLE = re.compile(
    r"\$\{\s*(?P<a>[^{}]+?)\s*\}|\{\{\s*(?P<b>[^{}]+?)\s*\}\}|\{\s*(?P<c>[A-Za-z_]\w*(?:\.\w+)*)\s*\}"
)
_PATH = re.compile(r"(?:steps?\.)?(?P<root>[A-Za-z_][\w-]*)(?P<rest>.*)", re.DOTALL)
_BARE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_OPEN = RESERVED_STEP_NAMES - {"step"}
TEXT: Mapping[str, Any] = {"type": "string"}


class Values:
    """Reads what a model writes for arguments. `made` are the steps before, by the names it gave them;
    `eventful`: what starts the plan brings data. References to an event that brings none are taken out.
    """

    def __init__(self, made: Mapping[str, Made], *, eventful: bool = True) -> None:
        self._made = made
        self._eventful = eventful

    def arguments(self, written: Sequence[str], spec: ToolSpec | None) -> dict[str, Any]:
        """ "name=value" each; a name that is written again adds to a list where the tool takes one."""
        wanted = schema.properties(spec) if spec is not None else {}
        needed = sorted(schema.required(spec)) if spec is not None else []
        args: dict[str, Any] = {}
        for text in written:
            name, value = _split(text, wanted, [n for n in needed if n not in args])
            if not name:
                continue
            read = self.value(value, name, wanted.get(name, {}))
            if read == "" and value.strip():
                continue
            if name in args and schema.takes_list(wanted.get(name, {})):
                before = args[name] if isinstance(args[name], list) else [args[name]]
                read = [*before, *(read if isinstance(read, list) else [read])]
            args[name] = read
        return args

    def value(self, text: str, name: str = "", wanted: Mapping[str, Any] = TEXT) -> Any:
        said = text.strip()
        bare = _BARE.fullmatch(said)
        if (
            bare
            and said.split(".")[0] in self._made
            and ("." in said or _takes_content(name, wanted))
        ):
            said = f"${{{said}}}"  # "fetch.entries", where a reference is meant
        whole = _HOLE.fullmatch(said)
        hint = wanted if whole else TEXT
        text = _HOLE.sub(lambda m: self._reference(m, name, hint), said if whole else text)
        text = text if self._eventful or "event" not in said else text.strip()
        own = _HOLE.sub(" ", text).strip()
        if schema.role(name, wanted) == "email" and "@" in own and " " not in own:
            text = own  # an address with something made up around it
        return text if "${" in text and _HOLE.fullmatch(text) else _typed(text, wanted)

    def list_of(self, text: str) -> str:
        """What a step is done for each of: a reference to a list; as written where it is none."""
        whole = _HOLE.fullmatch(text.strip())
        inner = _inner(whole) if whole else text.strip()
        found = _PATH.fullmatch(inner)
        made = self._made.get(found["root"]) if found else None
        if made is not None and found is not None:
            return f"${{{self._path(made, found['rest'], '', {'type': 'array'})}}}"
        if whole:
            return f"${{{inner}}}"
        words = {schema.stem(word) for word in re.findall(r"[a-z]+", text.lower())}
        lists = [(made, name) for made in self._made.values() for name in _lists(made)]
        named = [(made, name) for made, name in lists if schema.stem(name) in words]
        best = (named or lists)[-1:]
        return f"${{{best[0][0].name}.{best[0][1]}}}" if best else text

    def _reference(self, match: re.Match[str], name: str, wanted: Mapping[str, Any]) -> str:
        inner = _inner(match)
        found = _PATH.fullmatch(inner)
        if found is None:
            return match[0]
        if (made := self._made.get(found["root"])) is not None:
            return f"${{{self._path(made, found['rest'], name, wanted)}}}"
        if found["root"] == "event" and not self._eventful:
            return ""
        known = found["root"] in _OPEN or match["a"] is not None
        return f"${{{inner}}}" if known else match[0]

    def _path(self, made: Made, rest: str, name: str, wanted: Mapping[str, Any]) -> str:
        """An output that the step really has: the one that is named, one named nearly so, or the one
        that best feeds the argument."""
        outputs = made.spec.outputs.get("properties") or {}
        first = re.match(r"\.([A-Za-z_]\w*)", rest)
        if not outputs:
            return f"{made.name}{rest or '.result'}"
        if first and first[1] in outputs:
            return f"{made.name}{rest}"
        if first and (near := get_close_matches(first[1], outputs, 1, 0.75)):
            return f"{made.name}.{near[0]}{rest[first.end() :]}"
        if wanted.get("type") == "array" and (lists := _lists(made)):
            return f"{made.name}.{lists[0]}"
        nouns = frozenset({first[1]}) if first else frozenset()
        best = schema.output_for(made.spec, name or "text", wanted, nouns)
        tail = re.search(r"\s*\?\?.*$", rest, re.DOTALL)
        return f"{made.name}.{best[0] if best else 'result'}{tail[0] if tail else ''}"


def written(value: Any) -> str:
    """A value as a model would write it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def fits_item(value: Any, wanted: Mapping[str, Any], name: str, items: Mapping[str, Any]) -> Any:
    """An item, or the address in it where a tool takes one."""
    fields = items.get("properties") or {}
    if value == "${item}" and schema.role(name, wanted) == "url":
        link = next((field for field in ("link", "url", "href") if field in fields), "")
        return f"${{item.{link}}}" if link else value
    return value


def _split(text: str, wanted: Mapping[str, Any], absent: Sequence[str]) -> tuple[str, str]:
    for sign in ("=", ":"):
        name, found, value = text.partition(sign)
        if found and (name.strip() in wanted or (sign == "=" and re.fullmatch(r"\s*\w+\s*", name))):
            return name.strip(), _unquoted(value)
    return (absent[0], text) if len(absent) == 1 and text.strip() else ("", text)


def _unquoted(value: str) -> str:
    said = value.strip()
    if len(said) > 1 and said[0] == said[-1] == '"' and '"' not in said[1:-1]:
        return said[1:-1]
    return value


def _typed(text: str, wanted: Mapping[str, Any]) -> Any:
    kinds = Shape(wanted).kinds
    for option in schema.options(wanted):
        if option.lower() == text.strip().lower() and not schema.takes_list(wanted):
            return option
    try:
        value = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        listed = "array" in kinds and "string" not in kinds
        return [part.strip() for part in text.split(",") if part.strip()] if listed else text
    if isinstance(value, dict) and value.keys() == {"value"} and "properties" not in wanted:
        return _typed(value["value"], wanted) if isinstance(value["value"], str) else value["value"]
    if "string" in kinds and not isinstance(value, (list, dict)):
        return text
    if isinstance(value, (list, dict)) and not kinds & {"array", "object"}:
        return text
    return value


def _takes_content(name: str, wanted: Mapping[str, Any]) -> bool:
    return bool(name) and schema.role(name, wanted) == "content"


def _inner(match: re.Match[str]) -> str:
    return next(part for part in match.groups() if part is not None).strip()


def _lists(made: Made) -> list[str]:
    outputs = made.spec.outputs.get("properties") or {}
    if made.listed:
        return list(outputs)[:1]
    return [
        name for name, part in outputs.items() if Shape(part, made.spec.outputs).kinds == {"array"}
    ]
