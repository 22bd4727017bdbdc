"""Changes to the open plan, said in words; all that is not named stays exactly as it was."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from agents.planner import amend, edits, exchange, gates, swaps, talk, titles
from agents.planner.bearing import Bearing, bearing, which
from agents.planner.entities import Text
from agents.planner.planning import START, Planning
from agents.planner.purpose import purpose
from agents.planner.questions import time_question
from agents.planner.remarks import remarks
from agents.planner.revision_forms import (
    DROP,
    LEAD,
    MAKE,
    MORE,
    NOT_ON,
    RENAME,
    SAYS_NOTHING,
    SPLIT,
    TAIL,
    UNSCHEDULE,
)
from agents.planner.times import Refused, adjust_when
from backend.contracts.ports import PlanAnswer

Document = dict[str, Any]
# a changed document with the sources of what changed, an answer to give at once, or "not that"
Outcome = tuple[Document, dict[str, str]] | PlanAnswer | None


def revise(
    planning: Planning, previous: Mapping[str, Any], *, change: bool = False
) -> PlanAnswer | None:
    """The answer when the words change the open plan; None when they ask for something else. `change`:
    the person has said that they do."""
    document = copy.deepcopy(dict(previous))
    if not document.get("steps"):
        return None
    for event in document.get("events") or ():
        event.setdefault("kind", "manual")
    for step in document["steps"]:
        step.setdefault("args", {})
    before = copy.deepcopy(document)
    revision = Revision(planning, change=change)
    outcome = revision.apply(planning.text, document)
    if isinstance(outcome, PlanAnswer):
        return outcome
    if outcome is None:
        return None
    changed, sources = outcome
    _retell(planning, before, changed)
    if changed == before:
        return PlanAnswer("question", "That is how the plan already is. What should change?")
    told = remarks(revision.assumed, revision.left)
    return PlanAnswer(
        "plan",
        f"Changed as you said. {told}" if told else "",
        document=changed,
        confidence=0.95,
        sources=sources,
        not_covered=revision.left,
        revises=True,
    )


class Revision:
    """`left` are words that no change expresses."""

    def __init__(self, planning: Planning, *, change: bool = False) -> None:
        self._planning = planning
        self._change = change
        self.left: tuple[str, ...] = ()
        self.assumed: tuple[str, ...] = ()

    def apply(self, text: Text, document: Document) -> Outcome:
        """The document changed as the text says."""
        core, also = _core(text)
        if not core.plain.strip() or talk.dropped(text.plain.strip()):
            return None
        wholes: tuple[Callable[[Text, Document, bool], Outcome], ...] = (
            self._rename,
            self._unschedule,
            self._gates,
            self._exchange,
            self._without_days,
            self._time,
            self._named,
            self._inside,
            self._drop,
            self._counts,
        )
        for change in wholes:
            outcome = change(core, document, also)
            if outcome is not None:
                return outcome
        if answer := talk.small_talk(text.plain, self._planning.tools):
            return answer
        match "change" if also else self._bears_on(text, document):
            case "own":
                return None
            case "either" if text is self._planning.text:
                return which(text.said)
        for change in (self._entity, self._pieces, self._add):
            outcome = change(core, document, also)
            if outcome is not None:
                return outcome
        return None

    # --- one change each --------------------------------------------------------------------------

    def _rename(self, text: Text, document: Document, also: bool) -> Outcome:
        found = RENAME.match(text.plain)
        if found is None or not document.get("plan_name"):
            return None
        name = text.said[found.start("name") : found.end("name")].strip(" \"'“”‘’.")
        if not name:
            return None
        document["plan_name"] = name[:120]
        return document, {}

    def _unschedule(self, text: Text, document: Document, also: bool) -> Outcome:
        if not UNSCHEDULE.match(text.plain.strip()):
            return None
        return self._triggered(document, {"name": "event.start", "kind": "manual"}), {}

    def _gates(self, text: Text, document: Document, also: bool) -> Outcome:
        for change in (gates.always, gates.asked_first):
            if (outcome := change(text, document, self._planning)) is not None:
                return outcome
        return None

    def _exchange(self, text: Text, document: Document, also: bool) -> Outcome:
        found = exchange.exchanged(text, document, self._planning)
        if found is None:
            return None
        changed, sources, self.left = found
        return changed, sources

    def _without_days(self, text: Text, document: Document, also: bool) -> Outcome:
        """ "not on weekends": the days that there are, without some."""
        found = NOT_ON.match(text.plain.strip())
        days = str(_trigger(document).get("schedule") or "").split()[4:]
        kept = {"*": "every day", "1-5": "every weekday"}.get(days[0]) if days else None
        if found is None or kept is None:
            return None
        return self._time(Text.of(f"{kept} except {found['days']}"), document, also)

    def _time(self, text: Text, document: Document, also: bool) -> Outcome:
        if any(e.kind != "quoted" for e in text.entities):
            return None
        text = exchange.other_time(text, self._planning)
        found = MAKE.match(text.plain)
        for phrase in (
            text.plain,
            text.plain[found.end() :] if found else "",
            _only_time(text.plain),
        ):
            phrase = phrase.strip()
            if not phrase:
                continue
            request = self._planning.request
            when = adjust_when(phrase, _trigger(document), request.now, request.timezone, also=also)
            if isinstance(when, Refused):
                if phrase in text.plain:
                    return time_question(when)
            elif when is not None:
                old = _trigger(document)
                name = str(old.get("name") or START[when.kind])
                name = name if name not in {*START.values(), "event.start"} else START[when.kind]
                source = "; ".join(when.assumed) or "said"
                self.assumed = when.assumed
                return self._triggered(document, when.trigger(name)), {name: source}
        return None

    def _named(self, text: Text, document: Document, also: bool) -> Outcome:
        return amend.named_argument(text, document, self._planning.tools)

    def _inside(self, text: Text, document: Document, also: bool) -> Outcome:
        if also:
            return None
        for change in (
            exchange.same_for,
            exchange.other_words,
            exchange.other_language,
            exchange.only_those,
            edits.without_recipient,
            swaps.swapped,
            swaps.bounded,
            edits.conditioned,
            edits.put_between,
            edits.other_content,
        ):
            outcome = change(text, document, self._planning)
            if outcome is not None:
                return outcome
        return None

    def _drop(self, text: Text, document: Document, also: bool) -> Outcome:
        found = DROP.match(text.plain)
        if found is None:
            return None
        return amend.drop(text, found["what"] or found["what2"], document, self._planning.tools)

    def _entity(self, text: Text, document: Document, also: bool) -> Outcome:
        return amend.entity(text, document, self._planning.tools, also=also)

    def _counts(self, text: Text, document: Document, also: bool) -> Outcome:
        return amend.counted(text, document, self._planning.tools)

    def _pieces(self, text: Text, document: Document, also: bool) -> Outcome:
        """ "make it 8 and send it to bob@x.org": each piece on its own."""
        cuts = list(SPLIT.finditer(text.plain))
        if not cuts or len(cuts) > 4:
            return None
        places = [0, *(c.end() for c in cuts)]
        ends = [*(c.start() for c in cuts), len(text.plain)]
        changed = copy.deepcopy(document)
        sources: dict[str, str] = {}
        for start, end in zip(places, ends, strict=True):
            outcome = self.apply(_cut(text, start, end), changed)
            if outcome is None or isinstance(outcome, PlanAnswer):
                return (
                    outcome
                    if isinstance(outcome, PlanAnswer) and outcome.kind == "question"
                    else None
                )
            changed, more = outcome
            sources |= more
        return changed, sources

    def _add(self, text: Text, document: Document, also: bool) -> Outcome:
        found = self._planning.added(text, document)
        if isinstance(found, PlanAnswer) or found is None:
            return found
        changed, sources, self.left = found
        return changed, sources

    # --- helps --------------------------------------------------------------------------------------

    def _bears_on(self, text: Text, document: Document) -> Bearing:
        if self._change:
            return "change"
        return bearing(text, self._planning.alone(text), document)

    def _triggered(self, document: Document, trigger: dict[str, Any]) -> Document:
        events = document.get("events") or []
        old = {e.get("name") for e in events}
        document["events"] = [trigger]
        for step in document["steps"]:
            on = [trigger["name"] if o in old else o for o in step.get("on", ())]
            step["on"] = list(dict.fromkeys(on))
        return document


def _core(text: Text) -> tuple[Text, bool]:
    """The text without "please", "instead", and whether it said "also"."""
    start, end = 0, len(text.plain)
    also = False
    for _ in range(4):
        plain = text.plain[start:end]
        start += len(plain) - len(plain.lstrip())
        plain = text.plain[start:end]
        if lead := LEAD.match(plain):
            start += lead.end()
        elif tail := TAIL.search(plain):
            end = start + tail.start()
        elif more := MORE.search(plain):
            also = True
            if more.start() == 0:
                start += more.end()
            else:
                end = start + more.start()
    return _cut(text, start, end), also


def _cut(text: Text, start: int, end: int) -> Text:
    return Text.of(text.said[start:end].strip())


def _trigger(document: Document) -> Mapping[str, Any]:
    events = document.get("events") or [{}]
    return events[0] if isinstance(events[0], dict) else {}


def _retell(planning: Planning, old: Document, new: Document) -> None:
    """The description and the subjects that the planner made follow the change; the name, by which
    the person knows the plan, stays."""
    before, after = amend.lines(old, planning.tools), amend.lines(new, planning.tools)
    if not before or not after:
        return
    about = old.get("description", "")
    if about and new.get("description") == about == purpose(old, planning.tools):
        new["description"] = purpose(new, planning.tools)
    made = {titles.subject(before[:i]) for i in range(len(before) + 1)}
    kept = {step.get("args", {}).get("subject") for step in old["steps"]} & made
    for i, step in enumerate(new["steps"]):
        if step.get("args", {}).get("subject") in kept:
            step["args"]["subject"] = titles.subject(after[:i])


def _only_time(plain: str) -> str:
    """The words without those that say nothing of when: "a bit later, 9:15", "mondays will do"."""
    return " ".join(SAYS_NOTHING.sub(" ", plain).split()).strip(" ,.;:!?")
