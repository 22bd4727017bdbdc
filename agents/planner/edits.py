"""Changes of an open plan that reach into its steps: a value for another, a condition more, a step put
in between, a recipient less."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from agents.planner import amend, choose, lexicon, schema, wiring
from agents.planner.clauses import Clause, clauses, working_span
from agents.planner.conditional import Conditional
from agents.planner.entities import Text
from agents.planner.slots import DEFAULT, SAID, Filling
from agents.planner.steps import Steps
from backend.contracts.ports import PlanAnswer

if TYPE_CHECKING:
    from agents.planner.planning import Planning

Document = dict[str, Any]
Outcome = tuple[Document, dict[str, str]] | PlanAnswer | None

_GONE = re.compile(
    r"^(?:(?P<who>[\ue002]+|[a-z][\w.-]*)\s+(?:doesn't|does\s+not|needn't|no\s+longer|shouldn't|"
    r"should\s+not|won't)\b.*|"
    r"(?:without|drop|remove|delete|not\s+to|skip|leave\s+out|don't\s+send\s+(?:it\s+)?to|"
    r"don't\s+mail\s+(?:it\s+to\s+)?|no\s+more\s+mails?\s+to|"
    r"take)\s+(?P<who2>[\ue002]+|[a-z][\w.-]*)(?:\s+(?:off|out|from\s+it|any\s*more))?)$"
)
_BEFORE = re.compile(
    r"\s*,?\s*\bbefore\s+(?:you\s+|it\s+is\s+|it's\s+|that\s*,?\s*)?(?P<verb>[a-z-]+)?(?:\s+(?:it|"
    r"them|that))?(?:\s+out)?\s*$|"
    r"\s*\b(?:first|beforehand|in\s+between)\s*$|\s*\binstead(?:\s+of\s+[^,;]*)?\s*$"
)
_CONTENT = re.compile(
    r"^(?:(?:just|only|rather)\s+)*(?:send|mail|e-?mail|save|post|show|tell|write|put)\s+(?:me\s+|"
    r"us\s+)?(?:only\s+|just\s+)?"
    r"(?:the\s+(?:whole\s+|full\s+)?|all\s+(?:the\s+)?)(?P<noun>[a-z]+)(?:\s+(?:itself|themselves|"
    r"instead))?$"
)
_WORKLESS = re.compile(
    r"^\W*(?:(?:and|but|please|only|just|do|run|act|start|that|this|it|so)\b\W*)*$"
)
_NOT = re.compile(r"^\W*(?:don't|do\s+not|no|never|without|stop|skip|drop)\b")


def without_recipient(text: Text, document: Document, planning: Planning) -> Outcome:
    """ "pat doesn't need it any more": an address less, where others stay."""
    found = _GONE.match(text.plain.strip())
    if found is None:
        return None
    name = "who" if found["who"] else "who2"
    who = text.said.strip()[slice(*found.span(name))].lower()
    for step in document["steps"]:
        for argument, value in step.get("args", {}).items():
            if not isinstance(value, list) or argument not in lexicon.RECIPIENT_NAMES:
                continue
            kept = [each for each in value if str(each).lower().split("@")[0] != who.split("@")[0]]
            if kept and len(kept) < len(value):
                step["args"][argument] = kept
                return document, {f"{step['name']}.{argument}": SAID}
    return None


def conditioned(text: Text, document: Document, planning: Planning) -> Outcome:
    """ "send it unless week.md is empty", "only if it changed": a condition for what is there."""
    pieces, text = clauses(text, planning.verbs)
    if len(pieces) != 1 or pieces[0].condition is None:
        return None
    clause = pieces[0]
    work = "" if _is_all(clause) else text.plain[slice(*working_span(clause))]
    targets = _targets(work, document, planning)
    if not targets:
        return None
    draft = planning.drafted_before(document)
    event = str((document.get("events") or [{}])[0].get("name") or "event.start")
    conditional = Conditional(Steps(draft, text, planning.tools, event))
    count = len(draft.steps)
    first = min(next(i for i, s in enumerate(draft.steps) if s["name"] == t) for t in targets)
    earlier, later = draft.made[:first], draft.made[first:]
    del draft.made[first:]
    steps_later = draft.steps[first:]
    del draft.steps[first:]
    conditional.bind(clause, None)
    if clause.condition in draft.left:
        return None
    added = len(draft.steps) - len(earlier)
    draft.steps += steps_later
    draft.made += later
    for step in draft.steps:
        if step["name"] in targets:
            conditional.guard(clause, [step])
    assert len(draft.steps) == count + added
    sources = {f"{name}.guard": SAID for name in targets} | dict(draft.sources)
    return {**document, "steps": draft.steps}, sources


def _is_all(clause: Clause) -> bool:
    return clause.condition is not None and clause.condition[0] <= clause.start


def _targets(work: str, document: Document, planning: Planning) -> list[str]:
    """The acting steps that the words of work name; all of them when they name none."""
    out = [
        step
        for step in document["steps"]
        if (spec := planning.tools.get(str(step.get("action"))))
        and spec.purity != "pure"
        and step.get("action") != "watch.changed"
    ]
    if _WORKLESS.match(work):
        return [step["name"] for step in out]
    words = {schema.stem(w) for w in re.findall(r"[a-z-]+", work) if w not in lexicon.FILLER}
    return [s["name"] for s in out if words and words <= amend.own_words(s, planning.tools)]


def put_between(text: Text, document: Document, planning: Planning) -> Outcome:
    """ "translate it to french before mailing", "send a summary instead of the whole file": a step
    between what is there and what goes out."""
    if any(e.kind != "quoted" for e in text.entities) or _NOT.match(text.plain):
        return None
    tail = _BEFORE.search(text.plain)
    if tail is None and re.search(r"\bbefore\b", text.plain):
        return None  # before what, stands elsewhere
    core = Text.of(text.said[: tail.start()]) if tail else text
    place = Clause(0, len(core.plain))
    choices = [
        c
        for c in choose.by_words(place, core, planning.tools, frozenset())
        if wiring.stage_of(c.spec) == "change"
    ]
    present = {step.get("action") for step in document["steps"]}
    if len(choices) != 1 or (
        choices[0].spec.id in present and choices[0].spec.id != "llm.complete"
    ):
        return None
    verb = tail["verb"] if tail and tail["verb"] else core.plain
    first = tail is not None and not tail["verb"] and "instead" not in tail.group()
    targets = _nearest_source(document, planning) if first else []
    targets = targets or _taking(verb, document, planning)
    if not targets:
        return None
    spec = choices[0].spec
    argument, value = _passed(targets[0], planning)
    name = wiring.name_for(spec, {step["name"] for step in document["steps"]})
    filled = Filling(spec, core, (0, len(core.plain)), (), ()).fill()
    takes = next(
        (n for n, p in schema.properties(spec).items() if schema.role(n, p) == "content"), ""
    )
    if not takes:
        return None
    args = schema.ordered(spec, {**filled.args, takes: value})
    index = document["steps"].index(targets[0])
    step = {"name": name, "on": list(targets[0]["on"]), "action": spec.id, "args": args}
    output = schema.output_for(spec, argument, {}, frozenset())
    reference = f"${{{name}.{output[0]}}}" if output else ""
    for target in targets:
        for arg, old in target["args"].items():
            if old == value:
                target["args"][arg] = reference
        target["on"] = [f"step.{name}"]
    document["steps"].insert(index, step)
    guarded = {w for t in targets for w in re.findall(r"[a-z_]\w*", str(t.get("guard", "")))}
    for target in targets:
        more = [s["name"] for s in document["steps"] if s["name"] in guarded and s["name"] != name]
        wiring.listen(target, document["steps"], more, "event.start")
    sources = {f"{name}.{n}": s for n, s in filled.sources.items()} | {f"{name}.{takes}": DEFAULT}
    return document, sources


def _nearest_source(document: Document, planning: Planning) -> list[dict[str, Any]]:
    """The steps that work first on what was read."""
    sources = {
        step["name"]
        for step in document["steps"]
        if (spec := planning.tools.get(str(step.get("action"))))
        and wiring.stage_of(spec) == "source"
    }
    taking = [
        step
        for step in document["steps"]
        if step.get("action") in planning.tools and not step.get("for_each")
        for value in [_passed(step, planning)[1]]
        if any(f"${{{name}." in json.dumps(value or "") for name in sources)
    ]
    return [s for s in taking if _passed(s, planning)[1] == _passed(taking[0], planning)[1]]


def _taking(words: str, document: Document, planning: Planning) -> list[dict[str, Any]]:
    """The outgoing steps that take what another step made: those that the words name, else all that
    take the same as the last."""
    out = [
        step
        for step in document["steps"]
        if (spec := planning.tools.get(str(step.get("action"))))
        and wiring.stage_of(spec) == "out"
        and not step.get("for_each")
        and _passed(step, planning)[0]
    ]
    stems = {schema.stem(w) for w in re.findall(r"[a-z-]+", words)}
    named = [step for step in out if stems & amend.own_words(step, planning.tools)]
    chosen = named or out
    return [s for s in chosen if _passed(s, planning)[1] == _passed(chosen[-1], planning)[1]]


def _passed(step: Mapping[str, Any], planning: Planning) -> tuple[str, Any]:
    """The argument in which a step takes its content, and what it takes."""
    spec = planning.tools[str(step["action"])]
    for name, wanted in schema.properties(spec).items():
        value = step.get("args", {}).get(name)
        if schema.role(name, wanted) == "content" and "${" in json.dumps(value or ""):
            return name, value
    return "", None


def other_content(text: Text, document: Document, planning: Planning) -> Outcome:
    """ "just send the entries": another result of the plan in what goes out."""
    found = _CONTENT.match(text.plain.strip())
    if found is None:
        return None
    targets = _taking(text.plain, document, planning)
    draft = planning.drafted_before(document)
    nouns = frozenset({found["noun"]})
    for made in draft.made:
        word = lexicon.WORDS.get(made.spec.id)
        outputs = set(made.spec.outputs.get("properties") or {})
        if made.goes_out or not nouns & (outputs | set(word.nouns if word else ())):
            continue
        sources: dict[str, str] = {}
        for target in targets:
            argument, _ = _passed(target, planning)
            wanted = schema.properties(planning.tools[target["action"]])[argument]
            output = schema.output_for(made.spec, argument, wanted, nouns)
            if output is None:
                return None
            target["args"][argument] = f"${{{made.name}.{output[0]}}}"
            wiring.listen(target, document["steps"], [made.name], "event.start")
            sources[f"{target['name']}.{argument}"] = f"step {made.name}"
        return (document, sources) if sources else None
    return None
