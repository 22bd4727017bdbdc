"""Selections made before, found again by what was said: the same words with other values."""

from __future__ import annotations

import re

from agents.planner.choose import reader_of
from agents.planner.entities import Text
from agents.planner.selection import Selection
from agents.planner.spoken import when_said
from backend.contracts.caching import Cache
from backend.contracts.ports import PlanRequest

Key = tuple[str, str, str]
Selections = Cache[Key, Selection]
MAX_KEPT = 2_000


def selection_key(request: PlanRequest) -> Key | None:
    """Whose words, over which tools, and the words: without the time in them, each address, file and
    number standing for any other of its kind. None for what only its thread explains."""
    if request.previous is not None or request.history:
        return None
    text = Text.of(request.text)
    found = when_said(text, request.now, request.timezone)
    plain, place = text.without(found.spans).plain, 0
    parts = []
    for entity in text.entities:
        kind = reader_of(entity.value, plain) if entity.kind == "url" else entity.kind
        parts += [plain[place : entity.start], f" <{kind}> "]
        place = entity.end
    words = " ".join([*parts, plain[place:]])
    skeleton = re.findall(r"<[\w.]+>|[^\W\d_]+|\d+", words)
    return (
        request.user_id,
        request.catalogue.hash,
        " ".join(re.sub(r"\d+", "#", w) for w in skeleton),
    )
