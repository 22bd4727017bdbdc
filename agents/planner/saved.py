"""A saved plan meant by a request: named, or said again; the whole request, or one clause of it."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, NamedTuple

from agents.planner import lexicon
from agents.planner.called import Inputs, filled_inputs, labelled_inputs
from agents.planner.entities import MASKED, Text
from agents.planner.exact import exact_answer, reuse_step
from agents.planner.match import Match
from agents.planner.mentions import Mention, mention
from agents.planner.pieces import lead_end
from agents.planner.shipped import is_template, shipped
from agents.planner.spoken import when_said
from backend.contracts.ports import PlanRequest
from backend.contracts.tools import ToolSpec

__all__ = ["Match", "exact_answer", "reuse_step", "saved_match"]

SAID_AGAIN, UNREAD = 0.9, 0.6
_WORK = re.compile(r"[;.!?\n]+|,|\b(?:and\s+then|and\s+also|then|after\s+that|afterwards|and)\b")
_CONDITION = re.compile(
    r"\b(?:if|when|whenever|unless|only|except|as\s+long\s+as|in\s+case|provided|until|but\s+not)\b"
)
_WORD = re.compile(r"[a-z][a-z-]*")
_COURTESY = re.compile(r"\b(?:again|once\s+more|now|right\s+away|please|for\s+me)\b")


def saved_match(request: PlanRequest) -> Match | None:
    """The saved plan that `request` means, or None. Pure, and the same for the same request."""
    saved = [spec for spec in request.catalogue.tools.values() if spec.type == "plan"]
    text = Text.of(request.text)
    named = mention(text, [*saved, *_usable(request)])
    return _called(text, request, named) if named else _said_again(text, request, saved)


def _usable(request: PlanRequest) -> list[ToolSpec]:
    """The shipped templates whose tools are all there: not over a foreign catalogue."""
    tools = request.catalogue.tools
    return [
        spec
        for spec in shipped().values()
        if all(step["action"] in tools for step in spec.config["document"]["steps"])
    ]


# --- named ------------------------------------------------------------------------------------------


def _called(text: Text, request: PlanRequest, named: Mention) -> Match | None:
    spec = named.spec
    around = text.without((named.span,))
    verbs = lexicon.verbs(request.catalogue.tools.values())
    found = when_said(around, request.now, request.timezone)
    untimed = around.without(found.spans)
    labelled = labelled_inputs(spec, untimed, (0, len(text.plain)))
    place = _place(untimed.without(tuple(labelled.spans)), named.span, verbs)
    if not is_template(spec) and (place.late or place.conditional):
        return None  # a clause among others, planned in its turn and under its condition
    if not is_template(spec) and place.among:
        inputs = labelled if place.object else filled_inputs(spec, untimed, place.clause)
        rest = _trimmed(_blank(text.said, [named.span, *inputs.spans]))
        reason = f"“{spec.name}” is a saved plan of yours; the rest is planned around it."
        return Match("reuse", spec.id, named.confidence, reason, inputs.values, rest=rest)
    inputs = filled_inputs(spec, untimed, (0, len(text.plain)))
    rest = _unread(untimed, inputs)
    return Match(
        "exact",
        spec.id,
        min(named.confidence, UNREAD) if rest else named.confidence,
        f"You named the {'template' if is_template(spec) else 'saved plan'} “{spec.name}”.",
        inputs.values,
        found.when,
        named.lasting,
        rest,
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a request calls a plan. `among`: there is other work; `late`: some of it comes before;
    `object`: the call is but the object of such work, "mail the summary of <name> to …"; `clause` is
    the part of the request that says how it is called."""

    among: bool
    late: bool
    object: bool
    conditional: bool
    clause: tuple[int, int]


def _place(text: Text, span: tuple[int, int], verbs: frozenset[str]) -> _Place:
    cuts = [0, *(found.end() for found in _WORK.finditer(text.plain)), len(text.plain)]
    begin = max(cut for cut in cuts if cut <= span[0])
    work = [start for start, end in pairwise(cuts) if _begins(text, start, end, span[0], verbs)]
    end = min((start for start in work if start > span[0]), default=len(text.plain))
    # "if it rains, run it": the condition stands before the comma
    before = max((start for start in work if start <= begin), default=0)
    return _Place(
        among=bool(work),
        late=any(start < begin for start in work),
        object=begin in work,
        conditional=bool(_CONDITION.search(text.plain, before, end)),
        clause=(span[0], end),
    )


def _begins(text: Text, start: int, end: int, call: int, verbs: frozenset[str]) -> bool:
    """Whether other work than the call begins here."""
    if start <= call < end:
        end = call
    word = _WORD.match(text.plain, lead_end(text.plain, start), end)
    return word is not None and word.group() in verbs


# --- said again -------------------------------------------------------------------------------------


def _said_again(text: Text, request: PlanRequest, saved: list[ToolSpec]) -> Match | None:
    """The plan that was made from these words, or from the same words with other values or another
    time. What is said otherwise has to be an input of the plan, or it is another plan."""
    found = when_said(text, request.now, request.timezone)
    words = _skeleton(text.without(found.spans))
    if len(words.split()) < 2:
        return None
    for spec in sorted(saved, key=lambda spec: spec.id):
        for example in spec.examples:
            made = _made(example)
            if made.words != words:
                continue
            inputs = filled_inputs(spec, text, (0, len(text.plain)))
            if {entity.value for entity in text.entities} - made.values - set(inputs.taken):
                continue
            same_time = _said_time(text, found.spans) == made.time
            return Match(
                "exact",
                spec.id,
                SAID_AGAIN,
                f"Your saved plan “{spec.name}” was made from these words.",
                {n: v for n, v in inputs.values.items() if not _known(v, made.values)},
                None if same_time else found.when,
                lasting=same_time,
            )
    return None


class _Made(NamedTuple):
    """The words a plan was made from: without its time and values, and these apart."""

    words: str
    values: frozenset[str]
    time: str


@functools.lru_cache(2_000)
def _made(example: str) -> _Made:
    text = Text.of(example)
    # where the time stands does not depend on the day it was said
    spans = when_said(text, datetime(2026, 1, 1, tzinfo=UTC), "UTC").spans
    values = frozenset(entity.value for entity in text.entities)
    return _Made(_skeleton(text.without(spans)), values, _said_time(text, spans))


def _skeleton(text: Text) -> str:
    """The words alone, without what is named outright, and without courtesies."""
    plain = MASKED.sub(" ", text.plain)
    return " ".join(re.findall(r"[^\W_]+", _COURTESY.sub(" ", plain)))


def _said_time(text: Text, spans: tuple[tuple[int, int], ...]) -> str:
    return " ".join(text.plain[start:end].strip(" ,") for start, end in spans)


def _known(value: Any, known: frozenset[str]) -> bool:
    return set(value) <= known if isinstance(value, list) else value in known


# --- words ------------------------------------------------------------------------------------------


def _unread(text: Text, inputs: Inputs) -> str:
    """What says nothing of the plan, its time or its inputs, as the person wrote it."""
    plain = text.without(tuple(inputs.spans)).plain
    left = [
        found.span()
        for found in re.finditer(r"[^\W\d_]+(?:['-][^\W\d_]+)*|[\ue001-\ue004]+|\d+", plain)
        if found.group() not in lexicon.FILLER and not _COURTESY.match(found.group())
    ]
    return " ".join(text.said[left[0][0] : left[-1][1]].split()) if left else ""


def _blank(said: str, spans: list[tuple[int, int]]) -> str:
    for start, end in spans:
        said = said[:start] + " " * (end - start) + said[end:]
    return said


def _trimmed(words: str) -> str:
    """Without the words that joined it to what was taken out."""
    words = " ".join(words.split())
    words = re.sub(r"(?:\b(?:and|then|also|of|from|with)\b|\W)+$", "", words)
    return re.sub(r"^(?:\W|\b(?:and|then|also)\b)+", "", words)
