"""A model's draft held to what the person said: its addresses, its times, its effects, its gates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from agents.planner import lexicon, rules, schema
from agents.planner.coverage import content_words
from agents.planner.entities import Text
from agents.planner.fitted import fitted
from agents.planner.grounding import Guess, guesses
from agents.planner.spoken import when_said
from agents.planner.times import Refused, When
from agents.planner.timing import BY_HAND, by_hand, explained, offered, overrule, said_time
from backend.contracts.plans import TIMED_KINDS
from backend.contracts.ports import PlanAnswer, PlanRequest
from backend.contracts.tools import ToolSpec

# Tools that reach nobody but the person who asked.
_TO_THEM = frozenset({"notify.user", "human.ask"})
# What our words must say of a tool, at least, for it to have been asked for.
ASKED_FOR = 0.6
_CONFIRM = re.compile(
    r"\b(?:ask me (?:first|before)|check with me|(?:after|with|once) (?:my|i) (?:approv\w+|confirm\w*|"
    r"say (?:so|yes))|let me (?:approve|confirm|check|review)|(?:my|for) (?:approval|confirmation))\b",
    re.IGNORECASE,
)
_UNGATE = re.compile(
    r"\b(?:without (?:asking|approval|confirm\w*)|(?:don't|do not|no need to|stop|never) ask(?:ing)?|"
    r"no (?:approval|confirmation))\b",
    re.IGNORECASE,
)
_UNTIME = re.compile(
    r"\b(?:schedules?|unscheduled?|once|now|by hand|manual(?:ly)?|stop|repeat|when i start)\b",
    re.IGNORECASE,
)
_CONDITIONS = re.compile(
    r"\b(?:if|when|only|unless|always|regardless|whether|either way|condition|no matter|each|every|"
    r"all|without)\b",
    re.IGNORECASE,
)
_VALUE = re.compile(r"(\d+(?:\.\d+)?|\"[^\"]*\"|'[^']*')")
_EXPRESSIBLE = {"name", "on", "action", "args", "guard", "for_each", "join", "on_error", "approval"}

Json = dict[str, Any]


def held(request: PlanRequest, answer: PlanAnswer, document: Json) -> PlanAnswer:
    """`answer` with `document`, changed to what the person said where the two differ; or a question,
    where the model made up what only the person can say."""
    revises = answer.revises
    previous = request.previous if revises else None
    if previous is not None:
        document = _kept(document, previous, request.text)
    said = said_by_person(request)
    document, left = fitted(document, request, said)
    document = _gated(document, request)
    document = _only_one_said(document, said, previous)
    if guessed := guesses(document, said, known=previous):
        return _ask_address(answer, guessed)
    if (place := _no_place(document, request)) is not None:
        return _ask_place(answer, *place)
    if unasked := tuple(_unasked(document, request, said, previous)):
        return _ask_effect(answer, unasked[0])
    document, question = _timed(request, answer, document, previous)
    if question is not None:
        return question
    left = tuple(dict.fromkeys([*answer.not_covered, *left]))
    return replace(answer, document=document, not_covered=left, sources=_sources(document, said))


def _only_one_said(document: Json, said: str, previous: Mapping[str, Any] | None) -> Json:
    """An address that a model made up is the one the person said, where they said just one and nothing
    in the plan uses it."""
    guessed = {(g.step, g.argument): g for g in guesses(document, said, known=previous)}
    if len({guess.value for guess in guessed.values()}) != 1:
        return document
    (kind,) = {"email" if guess.kind == "address" else "url" for guess in guessed.values()}
    own = {e.value for e in Text.of(said).entities if e.kind == kind}
    used = str([step["args"] for step in document["steps"]])
    if len(own) != 1 or any(value in used for value in own):
        return document
    (value,) = own
    steps = [
        {
            **step,
            "args": {
                name: value
                if (found := guessed.get((step["name"], name)))
                and was in (found.value, [found.value])
                else was
                for name, was in step["args"].items()
            },
        }
        for step in document["steps"]
    ]
    return {**document, "steps": steps}


def said_by_person(request: PlanRequest) -> str:
    said = [turn["content"] for turn in request.history if turn.get("role") == "user"]
    return "\n".join([*said, request.text])


# --- times ----------------------------------------------------------------------------------------


def _timed(
    request: PlanRequest, answer: PlanAnswer, document: Json, previous: Mapping[str, Any] | None
) -> tuple[Json, PlanAnswer | None]:
    revises = previous is not None
    timed = [event for event in document["events"] if event.get("kind") in TIMED_KINDS]
    when = said_time(request.text, request.now, request.timezone)
    if _foreign(request) and not revises and not _begins_with_habit(request):
        # a time inside a request may as well be meant for one of its tools
        if isinstance(when, Refused):
            return by_hand(document), None
        when = when if timed else None
    if when is None and timed and not revises:
        # the answer to a question we asked: the time stands in the request before it
        asked = [t["content"] for t in request.history if t.get("role") == "user"]
        when = said_time(asked[-1], request.now, request.timezone) if asked else None
    if isinstance(when, Refused) and timed and not revises:
        text = f"When exactly? About “{when.words}”: {when.reason}."
        return document, _question(answer, text, when.choices)
    before = list((previous or {}).get("events", ()))
    if before and not timed and when is None and not _UNTIME.search(request.text):
        return _started_as(document, before), None
    unchanged = _bare(timed) == _bare([e for e in before if e.get("kind") in TIMED_KINDS])
    said = bool(before) and explained(before, timed, request.text)
    if when is None and timed and not unchanged and not said:
        if not BY_HAND.search(request.text):
            text = "When should this run? I found no time in your words that I can be sure of."
            choices = (*offered(document, request.timezone), "Only when I start it")
            return document, _question(answer, text, choices)
        document = by_hand(document)
    return overrule(document, when, revises=revises), None


def _foreign(request: PlanRequest) -> bool:
    return not lexicon.WORDS.keys() & request.catalogue.tools.keys()


def _begins_with_habit(request: PlanRequest) -> bool:
    found = when_said(Text.of(request.text), request.now, request.timezone)
    habit = isinstance(found.when, When) and found.when.kind in ("cron", "interval")
    return habit and bool(found.spans) and found.spans[0][0] == 0


def _started_as(document: Json, before: Sequence[Mapping[str, Any]]) -> Json:
    """`document` with the triggers it had before."""
    now = {event["name"] for event in document["events"]}
    names = [event["name"] for event in before]
    steps = [
        {
            **step,
            "on": list(
                dict.fromkeys(n for on in step["on"] for n in (names if on in now else [on]))
            ),
        }
        for step in document["steps"]
    ]
    return {**document, "events": [dict(event) for event in before], "steps": steps}


def _bare(events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Triggers without their names, and without a zone that only repeats the person's."""
    return [{k: v for k, v in e.items() if k not in ("name", "timezone")} for e in events]


# --- gates, conditions and what a model cannot say ------------------------------------------------


def _kept(document: Json, previous: Mapping[str, Any], text: str) -> Json:
    """A revision keeps all of the open plan that a draft cannot express, and the gates and conditions
    that the person did not ask to drop."""
    before = {step["name"]: step for step in previous.get("steps", ())}
    steps = []
    for step in document["steps"]:
        # under another name it is the same work still, or a gate could be renamed away
        same = [old for old in before.values() if old["action"] == step["action"]]
        old = before.get(step["name"]) or (same[0] if len(same) == 1 else None)
        if old is None or old["action"] != step["action"]:
            steps.append(step)
            continue
        step = {**{k: v for k, v in old.items() if k not in _EXPRESSIBLE}, **step}
        if old.get("approval") and not _UNGATE.search(text):
            step["approval"] = old["approval"]
        if not _CONDITIONS.search(text) and not _said_in(step.get("guard"), old.get("guard"), text):
            step = {k: v for k, v in step.items() if k not in ("guard", "for_each")}
            step |= {name: old[name] for name in ("guard", "for_each") if name in old}
        steps.append(step)
    whole = {k: previous[k] for k in ("inputs", "graph_type", "max_iterations") if k in previous}
    return {**whole, **document, "steps": steps}


def _said_in(guard: Any, before: Any, text: str) -> bool:
    """Whether a condition differs from what it was in nothing but values that the words name."""
    now, was = (_VALUE.split(str(each or "")) for each in (guard, before))
    changed = [new for new, old in zip(now, was, strict=False) if new != old]
    values = all(
        _VALUE.fullmatch(each) and each.strip("\"'").lower() in text.lower() for each in changed
    )
    return bool(guard and before) and len(now) == len(was) and bool(changed) and values


def _gated(document: Json, request: PlanRequest) -> Json:
    """Every effect asks first where the person said so."""
    if not _CONFIRM.search(request.text):
        return document
    tools = request.catalogue.tools
    asks = any(step["action"] == "human.ask" for step in document["steps"])
    steps = [
        {**step, "approval": "required"} if not asks and _acts(tools.get(step["action"])) else step
        for step in document["steps"]
    ]
    return {**document, "steps": steps}


# --- effects nobody asked for ---------------------------------------------------------------------


def _unasked(
    document: Json, request: PlanRequest, said: str, previous: Mapping[str, Any] | None
) -> Iterator[ToolSpec]:
    """Tools with effects that the person's words give no reason for."""
    known = _TO_THEM | {step["action"] for step in (previous or {}).get("steps", ())}
    for step in document["steps"]:
        spec = request.catalogue.tools.get(step["action"])
        if spec is not None and _acts(spec) and spec.id not in known and not asked_for(spec, said):
            yield spec


def asked_for(spec: ToolSpec, said: str) -> bool:
    """Whether somebody's words are about this tool: by its name, by our rules for it, or by a word
    that it is named with."""
    plain = Text.of(said).plain
    if spec.id in plain or spec.name.lower() in plain:
        return True
    ours = [rule for rule in rules.RULES if rule.tool == spec.id and rule.weight >= ASKED_FOR]
    if any(rule.pattern.search(plain) for rule in ours):
        return True
    named = {schema.stem(word) for word in re.findall(r"[a-z]+", f"{spec.id} {spec.name}".lower())}
    return bool((named - _VAGUE) & {schema.stem(word) for word in content_words(plain)})


_VAGUE = {schema.stem(word) for word in ("plan", "user", "tool", "list", "data", "http", "new")} | {
    schema.stem(word) for word in lexicon.FILLER
}


def _acts(spec: ToolSpec | None) -> bool:
    return spec is not None and spec.purity != "pure" and bool(spec.effects)


def _no_place(document: Json, request: PlanRequest) -> tuple[ToolSpec, str] | None:
    """Where a step acts must be said: else what was read before would be written over."""
    for step in document["steps"]:
        spec = request.catalogue.tools.get(step["action"])
        if spec is None or not _acts(spec):
            continue
        for name in schema.required(spec) - step["args"].keys():
            if schema.role(name, schema.properties(spec).get(name, {})) in ("path", "url", "email"):
                return spec, name
    return None


# --- questions ------------------------------------------------------------------------------------


def _ask_address(answer: PlanAnswer, guessed: Sequence[Guess]) -> PlanAnswer:
    kind = guessed[0].kind
    where = f"“{guessed[0].argument}” of {guessed[0].step}"
    values = tuple(dict.fromkeys(g.value for g in guessed if g.kind == kind))[:4]
    text = f"Which {kind} should I use for {where}? You have not named it, and I do not guess."
    return _question(answer, text, values)


def _ask_place(answer: PlanAnswer, spec: ToolSpec, name: str) -> PlanAnswer:
    return _question(answer, f"Which “{name}” should I use for {spec.name} ({spec.id})?", ())


def _ask_effect(answer: PlanAnswer, spec: ToolSpec) -> PlanAnswer:
    text = (
        f"The plan would also use {spec.name} ({spec.id}), which I do not find in your words. "
        "Should it?"
    )
    return _question(answer, text, (f"Yes, use {spec.id}", f"No, without {spec.name}"))


def _question(answer: PlanAnswer, text: str, choices: Sequence[str]) -> PlanAnswer:
    return PlanAnswer(
        "question",
        text,
        choices=tuple(choices),
        planner=answer.planner,
        selection=answer.selection,
        usage=answer.usage,
    )


def _sources(document: Mapping[str, Any], said: str) -> dict[str, str]:
    """Where each argument comes from: a step, the person's words, or the model's choice."""
    known = said.lower()
    sources: dict[str, str] = {}
    for step in document["steps"]:
        for name, value in step["args"].items():
            text = value if isinstance(value, str) else ""
            reference = re.search(r"(?<!\$)\$\{\s*([A-Za-z_]\w*)", text)
            if reference:
                root = reference.group(1)
                source = "each item" if root in ("item", "index") else f"step {root}"
                source = root if root in ("inputs", "event", "run") else source
            elif text and text.lower() in known:
                source = "said"
            else:
                source = "chosen"
            sources[f"{step['name']}.{name}"] = source
    return sources
