"""Which argument a number is for: "five entries", "in three sentences", "for ten minutes"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agents.planner import lexicon, schema
from agents.planner.entities import Count
from agents.planner.lexicon import WORDS
from backend.contracts.tools import ToolSpec

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}


def counted(
    spec: ToolSpec, plain: str, name: str, wanted: Mapping[str, Any], count: Count
) -> float | int | None:
    """The number for this argument, in its unit; None where the noun behind it names something else."""
    noun = schema.stem(count.noun)
    unit = _UNITS.get(count.noun.rstrip("s"))
    target = {"s": 1, "seconds": 1, "minutes": 60, "hours": 3600}.get(name.rsplit("_", 1)[-1])
    if unit and target:
        if name.startswith("max_age") and not re.search(r"\b(?:last|past)\b", plain):
            return None
        amount = count.number * unit / target
        return int(amount) if amount == int(amount) else amount
    if unit or target:
        return None
    about = f"{name.replace('_', ' ')} {wanted.get('description', '')}".lower()
    named = noun in {schema.stem(w) for w in re.findall(r"[a-z]+", about)}
    nouns = lexicon.LIMITED | set(WORDS[spec.id].nouns if spec.id in WORDS else ())
    limits = name in lexicon.LIMIT_NAMES and (count.noun in nouns or f"{count.noun}s" in nouns)
    return count.number if named or limits else None
