"""Conditions that a model hands on in the person's words, or as an expression, bound to real outputs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from agents.planner import conditions, schema
from agents.planner.drafts import Draft
from agents.planner.entities import Text
from agents.planner.guard import Guard
from agents.planner.guards import Guarding, Insert
from agents.planner.made import Made
from backend.contracts.errors import Invalid
from backend.contracts.plans import RESERVED_STEP_NAMES
from backend.expressions import parse

_BRACES = re.compile(r"\$?\{\{?\s*([^{}]*?)\s*\}?\}")
Earlier = Callable[[], tuple[Made, ...]]


class Conditions:
    """Binds conditions to the steps of `draft`; `insert` adds one that a condition needs."""

    def __init__(self, draft: Draft, insert: Insert, earlier: Earlier) -> None:
        self._draft = draft
        self._guarding = Guarding(draft, insert)
        self._earlier = earlier
        self._bound: dict[str, Guard] = {}
        self._last: Guard | None = None

    def bind(self, words: str, item: str = "") -> Guard | None:
        """The guard that these words stand for; None where no step can tell."""
        key = f"{item}|{' '.join(words.lower().split())}"
        if key not in self._bound:
            found = self._expression(words) or self._otherwise(words) or self._read(words, item)
            if found is None:
                return None
            self._bound[key] = found
        self._last = self._bound[key]
        return self._last

    def _expression(self, words: str) -> Guard | None:
        text = _BRACES.sub(r"\1", words).strip().removeprefix("if ")
        try:
            names = parse(text).names
        except Invalid:
            return None
        made = {m.name for m in self._earlier()}
        if not names:
            return Guard("", ()) if text in ("true", "True") else None
        if not names <= made | RESERVED_STEP_NAMES or names == {text}:
            return None
        return Guard(text, tuple(sorted(names & made)), item="item" in names)

    def _otherwise(self, words: str) -> Guard | None:
        said = conditions.OTHERWISE.fullmatch(f"{words.lower().strip(' ,.')}")
        if said is None or self._last is None or not self._last.expression:
            return None
        return self._last.turned()

    def _read(self, words: str, item: str) -> Guard | None:
        text = Text.of(words)
        read = conditions.read(text.plain, text.said)
        if read is None:
            return None
        whole = (0, len(text.plain))
        named = next((e.value for k in ("url", "file") for e in text.between(*whole, k)), "")
        known = named if any(named in str(s["args"]) for s in self._draft.steps) else ""
        return self._guarding.bind(read, self._earlier(), known, item)


def any_status(guard: Guard, draft: Draft) -> None:
    """A condition on the answer's status can only be looked at when no status is a failure."""
    for made, step in zip(draft.made, draft.steps, strict=True):
        looked_at = re.search(rf"\b{re.escape(made.name)}\.(?:status|ok)\b", guard.expression)
        if looked_at and "any_status" in schema.properties(made.spec):
            step["args"]["any_status"] = True


def told_of_failure(step: Mapping[str, Any], guard: Guard, spec: Any) -> dict[str, Any]:
    """`step` as one that acts when another has failed: what came of that cannot be told."""
    failed = " and ".join(f"“{name}”" for name in guard.errors)
    refers = re.compile(rf"\$\{{\s*(?:{'|'.join(map(re.escape, guard.errors))})\b")
    args = {
        name: f"The step {failed} has failed." if refers.search(str(value)) else value
        for name, value in step["args"].items()
    }
    needed = schema.required(spec) if spec is not None else frozenset()
    for name in needed - args.keys():
        if schema.role(name, schema.properties(spec)[name]) == "content":
            args[name] = f"The step {failed} has failed."
    return {**step, "args": args, "on": [f"step.{name}.error" for name in guard.errors]}


def quiet(draft: Draft, name: str) -> None:
    """What only a guard looks at is not what "it" is later."""
    draft.made[:] = [replace(m, quiet=True) if m.name == name else m for m in draft.made]
