"""The steps of a model's draft: those that the person's words give a reason for, in an order that can run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from agents.planner import schema
from agents.planner.coverage import content_words
from agents.planner.safeguards import said_by_person
from backend.contracts.ports import PlanRequest

Step = Mapping[str, Any]
_USED = re.compile(r"\{\s*(?:steps?\.)?([A-Za-z_]\w*)")
_ROOT = re.compile(r"\b([A-Za-z_]\w*)\.[A-Za-z_]")


def with_reason(steps: Sequence[Step], request: PlanRequest) -> list[Step]:
    """`steps` without those that no words asked for, as small models add them, and that no other uses.
    What such a step says it is for was never said so, and what of it was said other steps are for; or
    it is a part of what another is for, and has nothing to do with the tool."""
    said = said_by_person(request)
    plain, spoken = _plain(said), _words(said)
    reasons = [_plain(step["for"]) for step in steps]
    literal = [reason for reason in reasons if reason and reason in plain]
    claimed = {word for reason in literal for word in _words(reason)}
    if not claimed:
        return list(steps)
    kept = [
        step
        for step, reason in zip(steps, reasons, strict=True)
        if not reason
        or (reason in literal and not _beside(step, reason, literal, request))
        or not _words(reason) & spoken <= claimed
    ]
    uses = {step["name"]: _used(step) | {*step["after"]} for step in steps}
    while True:
        needed = {name for step in kept for name in uses[step["name"]]}
        more = [step for step in steps if step in kept or step["name"] in needed]
        if len(more) == len(kept):
            return kept
        kept = more


def _beside(step: Step, reason: str, reasons: Sequence[str], request: PlanRequest) -> bool:
    """Whether a step is for a part of what another is for, with no word of its tool."""
    spec = request.catalogue.tools.get(step["tool"])
    part = any(reason != other and f" {reason} " in f" {other} " for other in reasons)
    if not part or spec is None:
        return False
    about = f"{spec.id} {spec.name} {spec.description}".replace("_", " ").replace(".", " ")
    return not _words(about) & _words(reason)


def in_order(steps: Sequence[Step]) -> list[Step]:
    """Each behind those whose results it uses, and behind those it waits for where that is possible."""
    names = {step["name"] for step in steps}
    if len(names) < len(steps):
        return list(steps)
    uses = {step["name"]: _used(step) & names - {step["name"]} for step in steps}
    waits = {step["name"]: {*step["after"]} & names - {step["name"]} for step in steps}
    ordered: list[Step] = []
    waiting = list(steps)
    while waiting:
        done = {step["name"] for step in ordered}
        able = [step for step in waiting if uses[step["name"]] <= done]
        ready = next((s for s in able if waits[s["name"]] <= done), (able or waiting)[0])
        waiting.remove(ready)
        ordered.append(ready)
    return ordered


def _used(step: Step) -> set[str]:
    told = " ".join([*step["args"], step["each"]])
    failed = {name.removesuffix(".error") for name in step["after"] if name.endswith(".error")}
    return {*_USED.findall(told), *_ROOT.findall(f"{step['if']} {step['each']}")} | failed


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _words(text: str) -> set[str]:
    return {schema.stem(word) for word in content_words(text.lower())}
