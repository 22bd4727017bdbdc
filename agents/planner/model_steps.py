"""The steps of a model's draft: those that the person's words give a reason for, in an order that can run."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from agents.planner import schema
from agents.planner.coverage import content_words
from backend.contracts.ports import PlanRequest

Step = Mapping[str, Any]
_USED = re.compile(r"\{\s*(?:steps?\.)?([A-Za-z_]\w*)")
_ROOT = re.compile(r"\b([A-Za-z_]\w*)\.[A-Za-z_]")


def asked_for(steps: Sequence[Mapping[str, Any]], request: PlanRequest) -> list[Mapping[str, Any]]:
    told = [turn["content"] for turn in request.history if turn.get("role") == "user"]
    uses = {step["name"]: _used(step) | {*step["after"]} for step in steps}
    return _reasoned(steps, "\n".join([*told, request.text]), uses)


def in_order(steps: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Each behind those whose results it uses, and behind those it waits for where that is possible."""
    names = {step["name"] for step in steps}
    if len(names) < len(steps):
        return list(steps)
    uses = {step["name"]: _used(step) & names - {step["name"]} for step in steps}
    waits = {step["name"]: {*step["after"]} & names - {step["name"]} for step in steps}
    ordered: list[Mapping[str, Any]] = []
    waiting = list(steps)
    while waiting:
        done = {step["name"] for step in ordered}
        able = [step for step in waiting if uses[step["name"]] <= done]
        ready = next((s for s in able if waits[s["name"]] <= done), (able or waiting)[0])
        waiting.remove(ready)
        ordered.append(ready)
    return ordered


def _used(step: Mapping[str, Any]) -> set[str]:
    told = " ".join([*step["args"], step["each"]])
    failed = {name.removesuffix(".error") for name in step["after"] if name.endswith(".error")}
    return {*_USED.findall(told), *_ROOT.findall(f"{step['if']} {step['each']}")} | failed


def _reasoned(steps: Sequence[Step], said: str, uses: Mapping[str, Collection[str]]) -> list[Step]:
    """`steps` without those that no words asked for, as small models add them: the words that such a step
    says it is for were never said so, what of them was said is what other steps are for, and none of
    these uses it. `uses` are the names that each step, by name, has use for."""
    plain = _plain(said)
    spoken = _words(said)
    literal = [bool(step["for"].strip()) and _plain(step["for"]) in plain for step in steps]
    claimed = {
        w for step, told in zip(steps, literal, strict=True) if told for w in _words(step["for"])
    }
    if not claimed:
        return list(steps)
    kept = [
        step
        for step, told in zip(steps, literal, strict=True)
        if told or not step["for"].strip() or not _words(step["for"]) & spoken <= claimed
    ]
    while needed := {name for step in kept for name in uses[step["name"]]} - {
        s["name"] for s in kept
    }:
        more = [step for step in steps if step in kept or step["name"] in needed]
        if len(more) == len(kept):
            break
        kept = more
    return kept


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _words(text: str) -> set[str]:
    return {schema.stem(word) for word in content_words(text.lower())}
