"""What a clause says of what was read before it: so many, all three, the cheaper one."""

from __future__ import annotations

import re

from agents.planner import picks, schema, wiring
from agents.planner.drafts import Draft, Span
from agents.planner.entities import Text
from agents.planner.slots import SAID
from agents.planner.times import words

_ALL = re.compile(
    rf"\b(?:all|the|these|those)\s+(?P<n>{words.NUMBER})\b(?:\s+of\s+(?:them|these))?"
)
_WANTED = re.compile(
    r"\bthe\s+(?:[a-z]+(?:er|est)|(?:most|least|more|less)\s+[a-z]+|better|best|worse|worst)"
    r"(?:\s+(?:ones?|of\s+(?:them|the\s+two|both)))?\b"
)


def first_few(draft: Draft, text: Text, span: Span, spans: list[Span]) -> list[Span]:
    """ "… and tell me the top 3": so many of what was read before."""
    plain = text.plain
    found = picks.TOP.search(plain, *span) or picks.ONE.search(plain, *span)
    if found is None or any(a < found.end() and found.start() < b for a, b in spans):
        return []
    for made, step in zip(draft.made, draft.steps, strict=True):
        if wiring.stage_of(made.spec) == "source" and "limit" in schema.properties(made.spec):
            if "limit" in step["args"]:
                continue
            step["args"] = schema.ordered(made.spec, {**step["args"], "limit": picks.amount(found)})
            draft.sources[f"{made.name}.limit"] = SAID
            return [found.span()]
    return []


def all_of_them(draft: Draft, text: Text, span: Span, _: list[Span]) -> list[Span]:
    """ "all three": as many as were read."""
    found = _ALL.search(text.plain, *span)
    sources = [m for m in draft.made if wiring.stage_of(m.spec) == "source"]
    if found is None or not sources:
        return []
    many = len(wiring.kin(draft.made, sources[-1].name, many=True))
    return [found.span()] if many == words.number(found["n"]) else []


def asked_of_model(draft: Draft, text: Text, span: Span, _: list[Span]) -> list[Span]:
    """ "mail the cheaper one": what is wanted of a model's answer is asked of the model."""
    found = _WANTED.search(text.plain, *span)
    models = [s for s in draft.steps if s["action"] == "llm.complete"]
    told = models and f"${{{models[-1]['name']}.text}}" in str(draft.steps[-1]["args"])
    if found is None or not told:
        return []
    models[-1]["args"]["prompt"] += f"; give only {found.group()}"
    return [found.span()]
