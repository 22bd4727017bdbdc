"""What a step did, in words: with what its tool says it did, before what was foreseen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from backend.contracts.runs import StepState
from backend.contracts.tools import ToolSpec
from chat_app import words
from chat_app.results import cut

PLACE = re.compile(r"\{(\w+)\}")
LIMIT = 200
EACH = " for each item"


def did(tool: ToolSpec | None, state: StepState, foreseen: Sequence[str]) -> list[str]:
    """`Sent 1 mail to …`, one for each effect. A value changed at a gate is not the one foreseen."""
    told = []
    for place, effect in enumerate(foreseen):
        template = tool.effects[place] if tool and place < len(tool.effects) else ""
        if state.items is not None:
            number = sum(item.status == "done" for item in state.items)
            effect = f"{effect.removesuffix(EACH)} for {number} of {len(state.items)} items"
        else:
            effect = _filled(template, state.output) or effect
        told.append(words.happened(cut(effect, LIMIT)))
    return told


def would(tool: ToolSpec | None, args: Mapping[str, Any], foreseen: Sequence[str]) -> str:
    """`sends 1 mail to …`, with the values it is about to act with."""
    templates = tool.effects if tool else ()
    return cut(
        words.joined([_filled(t, args) for t in templates if _filled(t, args)] or [*foreseen]), 300
    )


def _filled(template: str, output: Any) -> str:
    names = PLACE.findall(template)
    if not names or not isinstance(output, Mapping):
        return ""
    values = {name: _said(output.get(name)) for name in names}
    return PLACE.sub(lambda match: values[match[1]], template) if all(values.values()) else ""


def _said(value: Any) -> str:
    if isinstance(value, str):
        return value
    texts = isinstance(value, list | tuple) and all(isinstance(v, str) for v in value)
    return words.joined(list(value)) if texts else ""
