"""One step after the other: named, filled, wired behind what it refers to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from agents.planner import schema, titles, wiring
from agents.planner.choose import Choice
from agents.planner.clauses import Clause
from agents.planner.drafts import Draft, Gap, Span
from agents.planner.entities import Entity, Text
from agents.planner.filled import Filled
from agents.planner.loops import Loop
from agents.planner.made import Made
from agents.planner.slots import DEFAULT, SAID, Filling
from backend.contracts.tools import ToolSpec

_FIELD = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_MANY = re.compile(
    r"\b(?:them|both|all|these|those|everything|together|summaries|texts|pages|"
    r"files)\b"
)


class Steps:
    """Adds steps to `draft`. `event` names the trigger; `arrives` stands for what it brings; `recalled`
    is what was read before and is spoken of again; `batch` counts the clauses."""

    def __init__(
        self,
        draft: Draft,
        text: Text,
        tools: Mapping[str, ToolSpec],
        event: str,
        arrives: Made | None = None,
    ) -> None:
        self.draft = draft
        self.text = text
        self.tools = tools
        self.event = event
        self.recalled: Made | None = None
        self.batch = 0
        self.gate: Span | None = None  # asked for, by a clause whose steps do not act
        self._arrives = (arrives,) if arrives else ()
        # the last question, and whether it is yes or no
        self._asked: tuple[str, bool] | None = None

    def earlier(self) -> tuple[Made, ...]:
        """What a step may refer to, the nearest last."""
        again = (self.recalled,) if self.recalled else ()
        return (*self._arrives, *self.draft.made, *again)

    def insert(
        self, tool: str, args: Mapping[str, Any], behind: Sequence[str], narrows: str = ""
    ) -> Made | None:
        """A step that nobody named, but that what was said needs; None when there is no such tool."""
        spec = self.tools.get(tool)
        if spec is None:
            return None
        same = [s["name"] for s in self.draft.steps if (s["action"], s["args"]) == (tool, args)]
        if same and spec.purity == "pure":
            return next(m for m in self.draft.made if m.name == same[0])
        name = wiring.name_for(spec, {step["name"] for step in self.draft.steps})
        step: dict[str, Any] = {"name": name, "on": [], "action": tool, "args": dict(args)}
        wiring.listen(step, self.draft.steps, behind, self.event)
        made = Made(name, spec, narrows=narrows, scalar=_scalar(args))
        self.draft.steps.append(step)
        self.draft.made.append(made)
        self.draft.sources |= {f"{name}.{arg}": DEFAULT for arg in args}
        return made

    def add(
        self,
        choice: Choice,
        clause: Clause,
        span: Span,
        reserved: tuple[Span, ...],
        loop: Loop | None,
        turn: int = 0,
        apart: int = 0,
        among: Sequence[Made] = (),
    ) -> list[Span]:
        """Add the step of a tool for the words at `span`; the places of the words that it used. `turn` of
        `apart` sources read side by side, when each is worked on by itself; `among`: all that it may
        refer to."""
        draft, spec = self.draft, choice.spec
        name = wiring.name_for(spec, {step["name"] for step in draft.steps})
        earlier = self.earlier()
        if apart:
            sources = [m for m in draft.made if wiring.stage_of(m.spec) == "source"]
            earlier = (wiring.kin(draft.made, sources[-1].name)[turn],)
        if among:
            earlier = tuple(among)
        filled = Filling(spec, self.text, span, earlier, reserved, loop).fill()
        if self._known_source(spec, filled):
            return filled.spans
        if not apart and not among:
            many = _MANY.search(self.text.plain, *span) is not None
            wiring.together(filled, spec, draft.made, many=many)
        self._subject(filled, loop)
        step: dict[str, Any] = {"name": name, "on": [], "action": spec.id}
        step["args"] = schema.ordered(spec, filled.args)
        upstream = wiring.upstream_of(
            draft.steps, draft.made, filled.refers, spec, after=clause.after and not apart
        )
        step["on"] = [f"{wiring.PREFIX}{each}" for each in upstream] or [self.event]
        if filled.again and not clause.after:
            step["on"] = next(list(s["on"]) for s in draft.steps if s["name"] == filled.again)
        if filled.repeats and loop is not None:
            step["for_each"] = loop.reference
            if "path" in schema.roles(spec) and wiring.stage_of(spec) == "out":
                step["max_parallel"] = 1  # into one file, in order
        if self.gate and spec.purity != "pure":
            step["approval"] = "required"
            self.gate = None
        if spec.id == "human.ask":
            self._asked = (name, filled.args.get("choices") == ["yes", "no"])
        elif self._asked is not None and spec.purity != "pure":
            self._heed(step)
        draft.steps.append(step)
        yes_or_no = spec.id == "human.ask" and filled.args.get("choices") == ["yes", "no"]
        made = Made(
            name,
            spec,
            listed=filled.repeats,
            aside=yes_or_no,
            batch=self.batch,
            scalar=_scalar(filled.args) if spec.id == "json.query" else "",
            told=_told(filled, spec),
        )
        draft.made.append(made)
        draft.gaps += [Gap(name, spec, missing) for missing in filled.missing]
        draft.sources |= {f"{name}.{arg}": source for arg, source in filled.sources.items()}
        draft.confidence = min(draft.confidence, choice.confidence)
        return filled.spans

    def into_each(
        self,
        choice: Choice,
        clause: Clause,
        span: Span,
        reserved: tuple[Span, ...],
        files: Sequence[Entity],
    ) -> list[Span]:
        """Add a step for each of the files: what was made side by side goes into them in order, one
        thing into all of them."""
        made = [m for m in self.draft.made if not m.goes_out and not m.quiet]
        several = wiring.kin(self.draft.made, made[-1].name) if made else []
        spans: list[Span] = []
        for at, file in enumerate(files):
            others = tuple((f.start, f.end) for f in files if f is not file)
            only = [several[at]] if len(several) == len(files) else []
            spans += self.add(choice, clause, span, (*reserved, *others), None, among=only)
        return spans

    def _known_source(self, spec: ToolSpec, filled: Filled) -> bool:
        """What was read before is not read again: from here on it is meant by "it"."""
        if wiring.stage_of(spec) != "source" or not filled.args or filled.repeats:
            return False
        for made, step in zip(self.draft.made, self.draft.steps, strict=True):
            if step["action"] == spec.id and step["args"] == filled.args and not made.listed:
                self.recalled = made
                return True
        return False

    def _subject(self, filled: Filled, loop: Loop | None) -> None:
        if "subject" not in filled.missing:
            return
        pairs = [(m, s) for m, s in zip(self.draft.made, self.draft.steps, strict=False)]
        near = self._upstream(filled.refers)
        told = [(m, s) for m, s in pairs if not m.quiet and not m.aside] or pairs
        told = [(m, s) for m, s in told if m.name in near] or told
        subject = titles.subject([(m.spec, s["args"]) for m, s in told])
        if filled.repeats and loop is not None and loop.kind == "entry":
            subject = "${item.title}"
        filled.put("subject", subject, DEFAULT)
        filled.missing.remove("subject")

    def _upstream(self, names: Sequence[str]) -> set[str]:
        """These steps and all that they follow from."""
        found, todo = set(names), list(names)
        waits = {step["name"]: wiring.waits_for(step) for step in self.draft.steps}
        while todo:
            more = [name for name in waits.get(todo.pop(), ()) if name not in found]
            found |= set(more)
            todo += more
        return found

    def _heed(self, step: dict[str, Any]) -> None:
        """What acts after a question waits for its answer, and for a yes where that was asked."""
        assert self._asked is not None
        asked, yes_or_no = self._asked
        wiring.listen(step, self.draft.steps, [asked], self.event)
        told = f"${{{asked}.answer}}" in str(step["args"])
        listed = any(m.name == asked and m.listed for m in self.draft.made)
        if yes_or_no and not told and not listed:
            step["guard"] = f'{asked}.answer == "yes"'


def _scalar(args: Mapping[str, Any]) -> str:
    """What a query for one value gives, by name; empty for a query of another kind."""
    query = str(args.get("query", ""))
    if query == "length(@)":
        return "count"
    return query.rsplit(".", 1)[-1] if _FIELD.fullmatch(query) else ""


def _told(filled: Filled, spec: ToolSpec) -> str:
    """What the person said that goes out as it is."""
    if wiring.stage_of(spec) != "out":
        return ""
    said = [
        value
        for name, value in filled.args.items()
        if filled.sources[name] == SAID
        and schema.role(name, schema.properties(spec)[name]) == "content"
    ]
    return str(said[0]) if said and isinstance(said[0], str) else ""
