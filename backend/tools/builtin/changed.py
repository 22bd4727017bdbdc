"""watch.changed: what is different from the last time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from pydantic import Field
from typing_extensions import TypedDict

from backend.contracts.errors import NotFound
from backend.contracts.tools import ToolResult
from backend.tools.define import ToolContext, tool

FOLDER = "watched"
MAX_SEEN = 10_000
# by these an entry is the same one, though its other fields change
_NAMES = ("id", "guid", "link", "url", "path")
Digests = tuple[str, ...]


class Compared(TypedDict):
    """`changed` and `added` speak of the last time; the first time there is none: `first` is true
    and nothing counts as changed. `added` are the items of a list, or the lines of a text, that were
    never there before."""

    changed: bool
    first: bool
    added: list[Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """What was there last time: the digest of all, and those of all parts there ever were."""

    whole: str
    parts: Digests


@tool(
    "watch.changed",
    name="Compare with last time",
    purity="idempotent",
    outputs=Compared,
    effects=("remembers 1 value for the next time",),
    duration_s=0.1,
    timeout_s=30,
    produces=("changed", "added"),
    examples=(
        "only if it changed",
        "tell me what is new since last time",
        "compare it with what was there before",
        "only entries I have not seen yet",
    ),
)
async def changed(
    context: ToolContext,
    value: Any,
    memory: Annotated[str, Field(min_length=1, max_length=500)],
) -> ToolResult:
    """Say whether a value is different from the last time, and which parts of it are new; remember it
    for the next time, in the person's own files.

    Args:
        value: what to compare: a text, a list or any data
        memory: the name it is remembered under; only what has the same name is compared
    """
    path = f"{FOLDER}/{_digest(memory)}.json"
    before, known = await _remembered(context, path)
    now = Seen(_digest(value), tuple(dict.fromkeys(_digest(_named(p)) for p in _parts(value))))
    output = _compared(value, now, before)
    if not known:
        older = before.parts if before else ()
        kept = tuple(dict.fromkeys((*now.parts, *older)))[:MAX_SEEN]
        written = {
            "memory": memory,
            # a call that is repeated after a crash must find what it compared with
            "key": context.call.key,
            "before": [before.whole, list(before.parts)] if before else None,
            "now": [now.whole, list(kept)],
        }
        await context.files.write(context.call.user_id, path, orjson.dumps(written))
    note = "The first look: there is nothing to compare with yet." if before is None else ""
    return ToolResult(output=dict(output), note=note)


async def _remembered(context: ToolContext, path: str) -> tuple[Seen | None, bool]:
    """What to compare with, and whether this very call has been remembered already."""
    try:
        raw = await context.files.read(context.call.user_id, path)
        kept = orjson.loads(raw)
        known = kept["key"] == context.call.key
        whole, parts = kept["before" if known else "now"] or (None, ())
    except (NotFound, orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None, False
    return (Seen(str(whole), tuple(map(str, parts))) if whole else None), known


def _compared(value: Any, now: Seen, before: Seen | None) -> Compared:
    if before is None:
        return Compared(changed=False, first=True, added=[])
    old = set(before.parts)
    added = [part for part in _parts(value) if _digest(_named(part)) not in old]
    return Compared(changed=now.whole != before.whole, first=False, added=added)


def _parts(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [line.strip() for line in value.splitlines() if line.strip()]
    return value if isinstance(value, list) else []


def _named(part: Any) -> Any:
    if isinstance(part, dict):
        return next((part[name] for name in _NAMES if part.get(name)), part)
    return part


def _digest(value: Any) -> str:
    raw = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(raw, digest_size=12).hexdigest()
