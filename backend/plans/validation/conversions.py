"""What a literal of the wrong kind most likely meant, where there is one exact answer."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from backend.plans.validation.schema import kind_of

_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}(:\d+)?([/?#]\S*)?", re.IGNORECASE)
_MAX_JSON = 100_000


def candidates(value: Any, keyword: str, details: Mapping[str, Any]) -> Iterator[Any]:
    """What could stand in the place of `value`, which broke `keyword` of a schema, best first.
    Whether it fits must be tried."""
    match keyword:
        case "type":
            yield from retyped(value, details.get("types", ()))
        case "enum" | "const":
            yield from _chosen(value, details.get("options", ()))
        case "format" | "pattern" if isinstance(value, str):
            yield from _reformatted(value, str(details.get("format", "")))


def converted(value: Any, kinds: Iterable[str]) -> Any:
    """What a text most likely meant where a number or a truth was wanted; None when unclear."""
    if not isinstance(value, str):
        return None
    text = value.strip().lower()
    if "boolean" in kinds and text in ("true", "false"):
        return text == "true"
    for kind, convert in (("integer", int), ("number", float)):
        if kind in kinds and len(text) < 16 and text.lstrip("-").replace(".", "", 1).isdecimal():
            try:
                return convert(text)
            except ValueError:
                return None
    return None


def retyped(value: Any, kinds: Iterable[str]) -> Iterator[Any]:
    """The same value as one of `kinds`, where nothing of it is lost."""
    wanted = set(kinds)
    exact = converted(value, wanted)
    if exact is not None:
        yield exact
    if isinstance(value, str) and wanted & {"array", "object"} and value[:1] in ("[", "{"):
        try:
            read = json.loads(value[:_MAX_JSON])
        except (ValueError, RecursionError):
            read = None
        if kind_of(read) in wanted:
            yield read
    if "string" in wanted and isinstance(value, (bool, int, float)):
        yield json.dumps(value)
    if "array" in wanted and value is not None and not isinstance(value, list):
        yield [value]
    if isinstance(value, list) and len(value) == 1:
        yield value[0]


def _chosen(value: Any, options: Sequence[Any]) -> Iterator[Any]:
    if not isinstance(value, (str, bool, int, float)):
        return
    said = _plain(value)
    yield from (option for option in options if _plain(option) == said)
    words = [option for option in options if isinstance(option, str)]
    lowered = {word.lower(): word for word in words}
    if isinstance(value, str):
        near = difflib.get_close_matches(value.lower()[:128], lowered, n=2, cutoff=0.75)
        if len(near) == 1:
            yield lowered[near[0]]


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return re.sub(r"[\s_-]+", "", text.lower())


def _reformatted(value: str, format: str) -> Iterator[Any]:
    text = value.strip()
    if text != value:
        yield text
    if format == "email":
        yield text.removeprefix("mailto:")
        parts = [part.strip() for part in re.split(r"[,;]", text)]
        if len(parts) > 1 and all(parts):
            yield parts
    elif format in ("uri", "url", "iri") and _HOST.fullmatch(text):
        yield f"https://{text}"
