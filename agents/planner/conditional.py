"""Conditions of clauses: what they look at is read first, and the steps they guard are guarded."""

from __future__ import annotations

import re
from typing import Any

from agents.planner import choose, conditions, schema, wiring
from agents.planner.choose import Choice
from agents.planner.clauses import Clause, working_span
from agents.planner.drafts import Span
from agents.planner.guard import Guard
from agents.planner.guards import Guarding
from agents.planner.loops import Loop
from agents.planner.slots import DEFAULT, Filling
from agents.planner.steps import Steps

_AT_ONCE = re.compile(r"\s*(?:as\s+soon\s+as|the\s+moment|once|whenever)\b")
_TELL = re.compile(
    r"\b(?:tell|notify|alert|ping|inform|message)\s+(?:me|us)\b|\blet\s+(?:me|us)"
    r"\s+know\b"
)


class Conditional:
    """One guard for each condition of a request, however many steps it guards."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._guarding = Guarding(steps.draft, steps.insert)
        self._guards: dict[Span, Guard | None] = {}

    def read_first(self, clause: Clause) -> None:
        """ "tell me when <url> says X": what the condition names is read first."""
        if clause.condition is None or clause.shared:
            return
        self._watched_folder(clause)
        for kind in ("url", "file"):
            named = self._steps.text.between(*clause.condition, "url" if kind == "url" else "file")
            if len(named) != 1 or named[0].value in str(
                [s["args"] for s in self._steps.draft.steps]
            ):
                continue
            own = self._steps.text.between(
                *working_span(clause), "url" if kind == "url" else "file"
            )
            if named[0].value in [e.value for e in own]:
                continue
            said = self._steps.text.plain[slice(*clause.condition)]
            reader = "file.read"
            if kind == "url":
                looks = _of_state(conditions.read(said, said))
                reader = "http.get" if looks else choose.reader_of(named[0].value, said)
            if reader in self._steps.tools:
                alone = Clause(*clause.condition, after=clause.after)
                choice = Choice(self._steps.tools[reader], 0.85, implied=True)
                place = (named[0].start, named[0].end)
                self._steps.draft.watches |= self._awaited(clause)
                self._steps.add(choice, alone, place, (), None)

    def _awaited(self, clause: Clause) -> bool:
        """ "tell me when <url> says …", "as soon as …": not only looked at once."""
        assert clause.condition is not None
        plain = self._steps.text.plain
        told = _TELL.search(plain, *working_span(clause)) is not None
        return _AT_ONCE.match(plain, clause.condition[0]) is not None or (
            told and re.compile(r"\s*when").match(plain, clause.condition[0]) is not None
        )

    def _watched_folder(self, clause: Clause) -> None:
        """ "when there are no files in drafts/": the list of files is what there is to look at."""
        assert clause.condition is not None
        said = self._steps.text.plain[slice(*clause.condition)]
        read = conditions.read(said, said)
        kinds = ("new", "changed", "count", "any")
        wanted = isinstance(read, conditions.Condition) and read.kind in kinds
        spec = self._steps.tools.get("file.list")
        if (
            wanted
            and spec
            and not self._steps.draft.steps
            and re.search(r"\bfiles\b|\bnew\s+file\b", said)
        ):
            filled = Filling(spec, self._steps.text, clause.condition, (), ()).fill()
            self._steps.insert("file.list", filled.args, [])

    def bind(self, clause: Clause, loop: Loop | None) -> None:
        """What the clause's condition needs is planned before the step that it guards."""
        span = clause.condition
        if span is None or span in self._guards:
            return
        start, end = span
        read = conditions.read(
            self._steps.text.plain[start:end], self._steps.text.said[start:end], start
        )
        named = next(
            (
                e.value
                for kind in ("url", "file")
                for e in self._steps.text.between(start, end, kind)
            ),
            "",
        )
        item = loop.kind if loop and loop.kind in ("entry", "text") else ""
        bound = self._guarding.bind(read, self._steps.earlier(), named, item) if read else None
        self._guards[span] = bound
        if bound is None:
            self._steps.draft.left.append(span)

    def guard(self, clause: Clause, steps: list[dict[str, Any]]) -> None:
        """Guard the last of a clause's steps with its condition."""
        if clause.condition is None or not steps:
            return
        found = self._guards.get(clause.condition)
        if found is None:
            return
        target = steps[-1]
        if found.item and not target.get("for_each"):
            self._steps.draft.left.append(clause.condition)
            return
        if self._only_told(clause, target, found):
            return
        guard = found.turned() if clause.otherwise and found.expression else found
        if found.errors:
            self._on_failure(target, found, otherwise=clause.otherwise)
            return
        if not clause.otherwise and self._follows(target, guard.expression):
            return
        own = target.get("guard")
        if guard.expression and own != guard.expression:
            target["guard"] = f"({own}) and ({guard.expression})" if own else guard.expression
        self._any_status(guard)
        wiring.listen(target, self._steps.draft.steps, guard.steps, self._steps.event)

    def _only_told(self, clause: Clause, target: dict[str, Any], found: Guard) -> bool:
        """ "tell me whether it is up": told either way."""
        assert clause.condition is not None
        state = re.fullmatch(r"(?:not )?(\w+)\.(?:ok|status\b.*)", found.expression)
        said = self._steps.text.plain[slice(*clause.condition)]
        if state is None or not said.lstrip().startswith("whether") or "text" not in target["args"]:
            return False
        source = next(s for s in self._steps.draft.steps if s["name"] == state[1])
        target["args"]["text"] = f"{source['args'].get('url', state[1])}: ${{{state[1]}.status}}"
        self._any_status(found)
        return True

    def _follows(self, target: dict[str, Any], expression: str) -> bool:
        """Whether a step only runs behind others that have this very guard."""
        names = wiring.waits_for(target)
        guards = {s["name"]: s.get("guard") for s in self._steps.draft.steps}
        return bool(names) and bool(expression) and all(guards[n] == expression for n in names)

    def _on_failure(self, target: dict[str, Any], found: Guard, *, otherwise: bool) -> None:
        """Acts when one of the steps has failed: its outcome cannot be told, so the words are ours."""
        if otherwise:
            return
        for step in self._steps.draft.steps:
            if step["name"] in found.errors:
                step["on_error"] = "route"
        target["on"] = [f"step.{name}.error" for name in found.errors]
        told = " and ".join(f"“{name}”" for name in found.errors)
        spec = next(m.spec for m in self._steps.draft.made if m.name == target["name"])
        for name, wanted in schema.properties(spec).items():
            about = f"{target['name']}.{name}"
            if self._steps.draft.sources.get(about, "").startswith("step ") or (
                name in schema.required(spec)
                and name not in target["args"]
                and schema.role(name, wanted) == "content"
            ):
                target["args"][name] = f"The step {told} has failed."
                self._steps.draft.sources[about] = DEFAULT
            elif name == "subject" and self._steps.draft.sources.get(about) == DEFAULT:
                target["args"][name] = f"{told} has failed"
        self._steps.draft.gaps = [
            g
            for g in self._steps.draft.gaps
            if (g.step, g.name) != (target["name"], g.name) or g.name not in target["args"]
        ]
        target["args"] = schema.ordered(spec, target["args"])

    def only_news(self, steps: list[dict[str, Any]]) -> None:
        """Nothing new, nothing sent."""
        for step in steps[-1:]:
            for made in self._steps.draft.made:
                told = f"${{{made.name}.added}}" in str([step["args"], step.get("for_each")])
                plain = not step.get("guard") and not step.get("for_each")
                if made.spec.id == "watch.changed" and told and plain:
                    step["guard"] = f"len({made.name}.added) > 0"

    def _any_status(self, found: Guard) -> None:
        """A condition on the answer's status can only be looked at when no status is a failure."""
        for made, step in zip(self._steps.draft.made, self._steps.draft.steps, strict=True):
            looked_at = re.search(rf"\b{re.escape(made.name)}\.(?:status|ok)\b", found.expression)
            if looked_at and "any_status" in schema.properties(made.spec):
                step["args"]["any_status"] = True
                self._steps.draft.sources[f"{made.name}.any_status"] = DEFAULT


def _of_state(read: conditions.Read | None) -> bool:
    """Whether it is the answer of an address that is looked at, not what stands there."""
    if isinstance(read, conditions.Combined):
        return any(_of_state(part) for part in read.parts)
    return read is not None and read.kind in ("status", "up")
