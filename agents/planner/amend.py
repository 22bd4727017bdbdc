"""Single changes of a plan document: a value, a recipient, an address, a step less."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from agents.planner import choose, lexicon, schema
from agents.planner.entities import Text
from agents.planner.lexicon import WORDS
from agents.planner.slots import Filling
from backend.contracts.ports import PlanAnswer
from backend.contracts.tools import ToolSpec
from backend.plans.validation.schema import Shape

Document = dict[str, Any]
Outcome = tuple[Document, dict[str, str]] | PlanAnswer | None
Tools = Mapping[str, ToolSpec]

_REPLACE = re.compile(
    r"\b(?:use|take|read|fetch|get|from|change|switch|make|replace|with|instead|to|"
    r"send|mail|email|save|write|it|address|url|feed|page|source|input)\b"
)
_REFERENCE = re.compile(r"\$\{(?P<path>[^}]+)\}")


def lines(document: Document, tools: Tools) -> list[tuple[ToolSpec, dict[str, Any]]]:
    """Each step's tool and arguments; empty when a tool is unknown."""
    found = [(tools.get(s.get("action", "")), s.get("args", {})) for s in document.get("steps", ())]
    return (
        [(spec, args) for spec, args in found if spec is not None]
        if all(s for s, _ in found)
        else []
    )


def named_argument(text: Text, document: Document, tools: Tools) -> Outcome:
    """ "change the subject to Morning news", "limit: 5"."""
    for step in document["steps"]:
        spec = tools.get(step.get("action", ""))
        if spec is None:
            continue
        for name, wanted in schema.properties(spec).items():
            label = re.escape(name.replace("_", " "))
            found = re.match(
                rf"^(?:(?:change|set|make|put|use|let|have)\s+)?(?:the\s+|"
                rf"its\s+)?{label}(?:\s+(?:line|of (?:the|it)\s*\w*))?\s*"
                r"(?:to|:|=|is|as|should be|should say|be)\s*(?P<value>\S.*)$",
                text.plain,
            )
            if found is None:
                continue
            said = text.said[found.start("value") :].strip().strip("\"“”'‘’").strip()
            value = _typed(said, wanted)
            if value is None:
                kinds = " or ".join(sorted(Shape(wanted).kinds - {"null"}))
                return PlanAnswer(
                    "question", f"“{said[:80]}” is no {kinds} for “{name}”. What should it be?"
                )
            step.setdefault("args", {})[name] = value
            return document, {f"{step['name']}.{name}": "said"}
    return None


def _typed(said: str, wanted: Mapping[str, Any]) -> Any:
    kinds = Shape(wanted).kinds
    if "string" in kinds or kinds >= {"string", "array", "object"}:
        return said
    if kinds & {"integer", "number"} and re.fullmatch(r"-?\d{1,9}(?:\.\d{1,6})?", said):
        number = float(said)
        return int(number) if number.is_integer() else number if "number" in kinds else None
    if "boolean" in kinds and said.lower() in {"yes", "true", "on", "no", "false", "off"}:
        return said.lower() in {"yes", "true", "on"}
    return None


def entity(text: Text, document: Document, tools: Tools, *, also: bool) -> Outcome:
    """A recipient, an address or a file in the place of the old one; with "also", beside it."""
    kinds = {e.kind for e in text.entities}
    if len(kinds) != 1 or (len(text.entities) > 1 and kinds != {"email"}):
        return None
    if _other_words(text, document, tools) or re.search(r"\d", text.plain):
        return None
    value = text.entities[0]
    values = [e.value for e in text.entities]
    wanted = {"email": "email", "url": "url", "file": "path"}.get(value.kind)
    if wanted is None:
        return None
    places = [
        (step, name, props)
        for step in document["steps"]
        if (spec := tools.get(step.get("action", "")))
        for name, props in schema.properties(spec).items()
        if schema.role(name, props) == wanted and name in step.get("args", {})
    ]
    if wanted == "path":
        out = [p for p in places if _stage(p[0]) == "out"]
        places = (
            out if out and re.search(r"\b(?:save|write|store|to|into)\b", text.plain) else places
        )
    if wanted == "path" and re.search(r"\bas\s+(?:the|an?)\s+(?:source|input)\b", text.plain):
        places = [p for p in places if _stage(p[0]) == "source"]
    if wanted == "url" and len(places) > 1:
        reader = choose.reader_of(value.value, text.plain)
        places = [p for p in places if p[0]["action"] == reader] or places
    if not places or (also and wanted != "email"):
        return None
    if len(places) > 1:
        names = tuple(str(p[0]["name"]) for p in places)
        return PlanAnswer("question", f"In which step should {value.value} go?", choices=names)
    step, name, props = places[0]
    if also:
        if not schema.takes_list(props):
            return None
        old = step["args"][name]
        step["args"][name] = [*(old if isinstance(old, list) else [old]), *values]
    else:
        step["args"][name] = values if len(values) > 1 else value.value
    return document, {f"{step['name']}.{name}": "said"}


def _other_words(text: Text, document: Document, tools: Tools) -> bool:
    """Whether the words name work that the plan does not do yet."""
    words = re.findall(r"[a-z][a-z-]+", text.plain)
    known = set(lexicon.FILLER)
    for step in document["steps"]:
        if word := WORDS.get(step.get("action", "")):
            known |= {*word.nouns, *word.verbs.split()}
        if spec := tools.get(step.get("action", "")):
            known |= {w for w in words if schema.stem(w) in schema.vocabulary(spec)}
    return any(w not in known and not _REPLACE.fullmatch(w) for w in words)


def counted(text: Text, document: Document, tools: Tools) -> Outcome:
    """ "three sentences", "only the first 5 entries": into the one argument that counts them."""
    found: list[tuple[dict[str, Any], str, Any]] = []
    for step in document["steps"]:
        spec = tools.get(step.get("action", ""))
        if spec is None:
            continue
        filled = Filling(spec, text, (0, len(text.plain)), (), ()).fill()
        for name, value in filled.args.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                found.append((step, name, value))
                spans = filled.spans
    if len(found) != 1:
        return None
    step, name, value = found[0]
    rest = "".join(
        " " if any(a <= i < b for a, b in spans) else c for i, c in enumerate(text.plain)
    )
    if [
        w
        for w in re.findall(r"[a-z]+", rest)
        if w not in lexicon.FILLER | {"limit", "summarise", "summarize", "summary", "read", "top"}
    ]:
        return None
    step.setdefault("args", {})[name] = value
    return document, {f"{step['name']}.{name}": "said"}


# --- a step less ----------------------------------------------------------------------------------


def drop(text: Text, what: str, document: Document, tools: Tools) -> Outcome:
    """Without the step that the words name; what it passed on is wired past it."""
    steps = document["steps"]
    words = {schema.stem(w) for w in re.findall(r"[a-z][a-z-]*", what)} - {
        "step",
        "the",
        "it",
        "to",
    }
    scored = [(_named_score(step, words, text, tools), i) for i, step in enumerate(steps)]
    best = max(score for score, _ in scored)
    if best <= 0:
        return None
    named = [i for score, i in scored if score == best]
    if len(named) > 1:
        names = tuple(str(steps[i]["name"]) for i in named)
        return PlanAnswer("question", "Which of these steps should go?", choices=names)
    if len(steps) == 1:
        return PlanAnswer("question", "That is the plan's only step. Reject the plan instead?")
    return _without(document, named[0], tools)


def own_words(step: Mapping[str, Any], tools: Tools) -> set[str]:
    """The stems of the words by which a step may be called."""
    action = str(step.get("action", ""))
    said = f"{step['name']} {action}".lower()
    if word := WORDS.get(action):
        said += f" {word.verbs} {' '.join(word.nouns)}"
    elif spec := tools.get(action):
        said += f" {spec.name.lower()}"
    return {schema.stem(w) for w in re.findall(r"[a-z][a-z-]*", said)}


def _named_score(step: Mapping[str, Any], words: set[str], text: Text, tools: Tools) -> float:
    word = WORDS.get(str(step.get("action", "")))
    spec = tools.get(str(step.get("action", "")))
    names = {
        schema.stem(n)
        for n in re.findall(r"[a-z]+", f"{step['name']} {step.get('action', '')}".lower())
    }
    score = 2.0 * len(words & names)
    if word:
        score += 2.0 * len(words & {schema.stem(v) for v in (*word.verbs.split(), *word.nouns[:2])})
    elif spec:
        score += len(words & {schema.stem(v) for v in re.findall(r"[a-z]+", spec.name.lower())})
    written = json.dumps(step.get("args", {}), ensure_ascii=False)
    score += 5.0 * any(e.value in written for e in text.entities)
    if score and word and word.stage == "out":
        score += 0.5
    return score


def _without(document: Document, index: int, tools: Tools) -> Outcome:
    gone = document["steps"][index]
    name = gone["name"]
    rest = [step for i, step in enumerate(document["steps"]) if i != index]
    upstream = _passed_on(gone)
    for step in rest:
        if re.search(
            rf"\b{re.escape(name)}\b", f"{step.get('guard', '')} {step.get('for_each', '')}"
        ):
            return PlanAnswer(
                "question", f"“{step['name']}” depends on a condition over “{name}”. Drop both?"
            )
        for arg, value in list(step.get("args", {}).items()):
            changed = _rewired(step, arg, value, name, upstream, document, tools)
            if changed is None:
                return PlanAnswer(
                    "question",
                    f"“{step['name']}” needs what “{name}” brings. What should it take instead?",
                )
            step["args"][arg] = changed
        on: list[str] = []
        for event in step.get("on", ()):
            on += (
                gone.get("on", [])
                if event == f"step.{name}" or event.startswith(f"step.{name}.")
                else [event]
            )
        step["on"] = list(dict.fromkeys(on))
    document["steps"] = rest
    return document, {}


def _passed_on(gone: Mapping[str, Any]) -> str:
    """The reference that the step itself worked on."""
    for arg in lexicon.CONTENT_NAMES:
        value = gone.get("args", {}).get(arg)
        found = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
        if found:
            return found["path"]
    return ""


def _rewired(
    step: Mapping[str, Any],
    arg: str,
    value: Any,
    name: str,
    upstream: str,
    document: Document,
    tools: Tools,
) -> Any:
    """The value without references to the step that goes; None when nothing can stand in."""
    written = json.dumps(value, ensure_ascii=False)
    if not re.search(rf"\$\{{{re.escape(name)}\b", written):
        return value
    if not upstream:
        return None
    root = upstream.split(".")[0]
    source = next((s for s in document["steps"] if s["name"] == root), None)
    spec, taker = tools.get(source["action"]) if source else None, tools.get(step["action"])
    target = f"${{{upstream}}}"
    if (
        spec
        and taker
        and (found := schema.output_for(spec, arg, schema.properties(taker).get(arg, {})))
    ):
        target = f"${{{root}.{found[0]}}}"
    changed = re.sub(rf"\$\{{{re.escape(name)}\b[^}}]*\}}", lambda _: target, written)
    return json.loads(changed)


def _stage(step: Mapping[str, Any]) -> str:
    word = WORDS.get(str(step.get("action", "")))
    return word.stage if word else ""
