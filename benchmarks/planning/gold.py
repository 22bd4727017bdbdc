"""Whether one answer is what must come of a written request."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from agents.repairs import mendable
from backend.contracts.errors import Invalid
from backend.contracts.plans import Checked, PlanDocument
from backend.contracts.ports import PlanAnswer
from backend.plans.firings import firings
from benchmarks.planning.requests import Written
from benchmarks.planning.shapes import Fit, best_fit, missed, references

TOLERANCE = timedelta(minutes=1)
ABOUT = {
    "recipient": r"who|whom|address|recipient|mail\b.*\bto",
    "time": r"when|time|how often|which day|what day|date|hour|schedule|once",
    "source": r"which|where|address|page|feed|site|url|file|link|what",
    "what": r"what|which|text|say|words",
}


@dataclass(frozen=True, slots=True)
class Score:
    """None: does not apply. `condition` is "kept", "shown" (as not covered), "enough" (shown, where no
    more can be asked for) or "dropped". `remarked`: something was shown as not covered."""

    id: str
    kind: bool
    answered: str
    valid_at_once: bool | None = None
    valid: bool | None = None
    fit: Fit | None = None
    args: tuple[int, int] = (0, 0)
    trigger: bool | None = None
    condition: str | None = None
    loop: bool | None = None
    gate: bool | None = None
    about: bool | None = None
    wrong_args: tuple[str, ...] = ()
    remarked: bool = False

    @property
    def silently_wrong(self) -> bool:
        """A plan that is not right, without a word that anything of the request is missing in it."""
        return self.answered == "plan" and not self.right and not self.remarked

    @property
    def right(self) -> bool:
        """All of it: what a person would approve as it is."""
        parts = (self.valid, self.trigger, self.loop, self.gate, self.about)
        graph = self.fit is None or self.fit.exact
        whole = (
            graph and self.args[0] == self.args[1] and self.condition in (None, "kept", "enough")
        )
        return self.kind and whole and False not in parts


def score(row: Written, answer: PlanAnswer, at_once: bool | None, checked: Checked | None) -> Score:
    """`at_once`: the first draft was valid. `checked`: the last draft; None for no plan."""
    kind = answer.kind in row.kinds
    base = Score(row.id, kind, answer.kind, remarked=bool(answer.not_covered))
    if answer.kind == "question" and "asks_about" in row.expect:
        return Score(row.id, kind, answer.kind, about=_asks(row.expect["asks_about"], answer))
    if answer.kind != "plan" or "plan" not in row.kinds:
        unanswered = row.kinds == ("plan",) and row.graphs
        return Score(row.id, kind, answer.kind, fit=missed(row.graphs[0])) if unanswered else base
    if checked is None or checked.document is None:
        return Score(row.id, kind, answer.kind, at_once, False, fit=missed(row.graphs[0]))
    document = checked.document.model_dump(mode="json", exclude_none=True)
    fit = best_fit(document, row.graphs, row.expect.get("extra", ()))
    wrong, total = _args(document, row.expect.get("args", {}), fit.tools)
    return Score(
        row.id,
        kind,
        answer.kind,
        at_once,
        not mendable(checked.issues),
        fit,
        (total - len(wrong), total),
        _trigger(checked.document, row.expect["trigger"], row),
        _condition(document, row.expect, answer.not_covered),
        any(s.get("for_each") for s in document["steps"]) if "for_each" in row.expect else None,
        _gated(document) if "approval" in row.expect else None,
        wrong_args=tuple(wrong),
        remarked=bool(answer.not_covered),
    )


def unanswered(row: Written) -> Score:
    """A planner that broke down, or whose model did not answer, is wrong about everything."""
    needed = row.kinds == ("plan",) and row.graphs
    return Score(row.id, False, "error", fit=missed(row.graphs[0]) if needed else None)


# --- arguments ------------------------------------------------------------------------------------


def _args(
    document: Mapping[str, Any], wanted: Mapping[str, Any], tools: frozenset[str]
) -> tuple[list[str], int]:
    wrong, total = [], 0
    for name, gold in wanted.items():
        tool, _, arg = name.rpartition(".")
        if name == "plan_name":
            found = [({}, document["plan_name"])]
        elif tool not in tools:
            continue
        else:
            steps = [s for s in document["steps"] if s["action"] == tool]
            found = [(s, s.get("args", {}).get(arg)) for s in steps]
        total += 1
        if not _matches(found, gold, document):
            wrong.append(name)
    return wrong, total


def _matches(found: Sequence[tuple[Any, Any]], gold: Any, document: Mapping[str, Any]) -> bool:
    if isinstance(gold, Mapping) and "set" in gold:
        values = [v for _, value in found for v in (value if isinstance(value, list) else [value])]
        return {_plain(v) for v in values} == {_plain(v) for v in gold["set"]}
    return any(_is(step, value, gold, document) for step, value in found)


def _is(step: Mapping[str, Any], value: Any, gold: Any, document: Mapping[str, Any]) -> bool:
    if not isinstance(gold, Mapping):
        return _plain(value) == _plain(gold)
    if "any" in gold:
        return any(_is(step, value, one, document) for one in gold["any"])
    if "contains" in gold:
        text = _words(json.dumps(value, ensure_ascii=False))
        return all(_words(part) in text for part in gold["contains"])
    tools = {s["name"]: s["action"] for s in document["steps"]}
    return gold["ref"] in {tools.get(name, name) for name in references(step, value)}


def _plain(value: Any) -> str:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return _words(value).removesuffix("/") if isinstance(value, str) else json.dumps(value)


def _words(text: str) -> str:
    return " ".join(text.casefold().split())


# --- triggers -------------------------------------------------------------------------------------


def _trigger(document: PlanDocument, gold: Mapping[str, Any], row: Written) -> bool:
    if "any" in gold:
        return any(_trigger(document, one, row) for one in gold["any"])
    events = [t for t in document.events if t.kind != "manual"]
    match gold["kind"]:
        case "any":
            return True
        case "manual":
            return not events
        case "interval":
            return len(events) == 1 and getattr(events[0], "every_s", None) == gold["every_s"]
        case "event" | "webhook" as kind:
            named = [
                t.kind == kind and gold.get("type") == getattr(t, "type", None) for t in events
            ]
            return len(named) == 1 and named[0]
        case "at":
            return _due(document, row, 2) == _moments(gold["next"])
    return _due(document, row, len(gold["next"])) == _moments(gold["next"])


def _due(document: PlanDocument, row: Written, count: int) -> list[datetime]:
    try:
        found = {
            due for trigger in document.events for due in firings(trigger, row.now, row.zone, count)
        }
    except Invalid:
        return []
    return [_minute(due) for due in sorted(found)[:count]]


def _moments(texts: Sequence[str]) -> list[datetime]:
    return [_minute(datetime.fromisoformat(text)) for text in texts]


def _minute(moment: datetime) -> datetime:
    return datetime.fromtimestamp(moment.timestamp() // 60 * 60, tz=moment.tzinfo)


# --- conditions, gates, questions ------------------------------------------------------------------


def _condition(
    document: Mapping[str, Any], expect: Mapping[str, Any], not_covered: Sequence[str]
) -> str | None:
    if "guard" not in expect:
        return None
    said = _words(" ".join(_conditions(document)))
    if not expect["guard"]:
        return "kept" if not said else "dropped"
    if said and all(_words(part) in said for part in expect.get("guard_has", ())):
        return "kept"
    if not not_covered:
        return "dropped"
    return "enough" if expect.get("not_covered_ok") else "shown"


def _conditions(document: Mapping[str, Any]) -> Iterator[str]:
    for event in document.get("events", ()):
        yield from (event[key] for key in ("filter", "only_if") if event.get(key))
    for step in document["steps"]:
        if step.get("guard"):
            yield step["guard"]
        yield from (e for e in step["on"] if e.startswith("step.") and e.count(".") > 1)


def _gated(document: Mapping[str, Any]) -> bool:
    return any(s.get("approval") or s["action"] == "human.ask" for s in document["steps"])


def _asks(about: str, answer: PlanAnswer) -> bool:
    said = " ".join(itertools.chain([answer.text], answer.choices)).casefold()
    return any(re.search(ABOUT[subject], said) for subject in about.split("|"))
