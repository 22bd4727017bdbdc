"""Conditions bound to the steps of a plan: guards over their real outputs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from agents.planner import results, schema
from agents.planner.conditions import Combined, Condition, Read
from agents.planner.drafts import Draft
from agents.planner.guard import Guard, literal
from agents.planner.made import EVENT, Made
from agents.planner.times.words import listed
from agents.planner.wiring import stage_of, waits_for
from backend.plans.validation.schema import Shape

MEMORY = "${run.plan_id}"
_LITERALS = {"true": "true", "false": "false", "null": "null", "empty": '""'}
# adds a step of this tool, with these arguments, behind these steps
Insert = Callable[[str, Mapping[str, Any], Sequence[str], str], Made | None]


class Guarding:
    """Binds what is read in conditions.py to `draft`. `item` is what the items of a loop are, when the
    guarded step repeats."""

    def __init__(self, draft: Draft, insert: Insert) -> None:
        self._draft = draft
        self._insert = insert

    def bind(
        self, read: Read, earlier: Sequence[Made], named: str = "", item: str = ""
    ) -> Guard | None:
        """The guard, or None when no step tells. `named` is the address the condition speaks of."""
        if isinstance(read, Combined):
            parts = [self.bind(part, earlier, named, item) for part in read.parts]
            bound = [part for part in parts if part is not None]
            if len(bound) < len(parts) or any(p.errors or not p.expression for p in bound):
                return None
            joined = f" {read.word} ".join(f"({part.expression})" for part in bound)
            steps = tuple(dict.fromkeys(name for part in bound for name in part.steps))
            return Guard(f"not ({joined})" if read.negated else joined, steps, item=bound[0].item)
        if item and read.kind == "mentions" and not named:
            return Guard(_mentioned(read, _item_text(item)), (), item=True)
        found = {
            "any": self._any,
            "count": self._any,
            "status": self._status,
            "up": self._up,
            "changed": self._changed,
            "new": self._changed,
            "failed": self._failed,
            "worked": self._worked,
            "length": self._length,
            "answer": self._answer,
            "number": self._number,
            "equals": self._number,
            "mentions": self._mentions,
        }[read.kind](read, self._looked_at(read, earlier, named))
        if found is not None and read.negated and found.expression:
            return found.turned()
        return found

    def _looked_at(self, read: Condition, earlier: Sequence[Made], named: str) -> list[Made]:
        """The steps that the condition may speak of, the likeliest first."""
        telling = [m for m in reversed(earlier) if not m.goes_out and not m.quiet]
        if named:
            return [m for m in telling if named in str(self._args(m))]
        if read.subject:
            noun = schema.stem(read.subject.split()[-1])
            fit = [m for m in telling if noun in results.nouns(m)]
            if fit:
                return fit
            if (
                read.kind in ("changed", "any", "count", "length", "mentions")
                and noun not in _GENERAL
            ):
                # a noun of the data itself: only where there is data with names
                return [m for m in telling if results.data(m)]
        if read.kind in ("changed", "new", "mentions", "length"):
            # a summary leaves things out: what it was made from tells
            return sorted(telling, key=lambda m: stage_of(m.spec) not in ("source", ""))
        return telling

    def _args(self, made: Made) -> Mapping[str, Any]:
        return next((s["args"] for s in self._draft.steps if s["name"] == made.name), {})

    # --- one kind each ------------------------------------------------------------------------------

    def _any(self, read: Condition, looked_at: list[Made]) -> Guard | None:
        test = f"{read.operator or '>'} {read.number or 0}"
        for made in looked_at:
            if made.spec.id in ("human.ask", "text.summarize", "llm.complete", "wait.until"):
                continue
            if made.name == EVENT:
                continue
            if read.kind == "count" and not results.is_list(made):
                if made.listed or not results.data(made) or not read.subject:
                    continue
                noun = re.sub(r"\W", "", read.subject) if read.place is None else ""
                picked = self._query(made, f"{noun} || @" if noun else "@")
                if picked is None:
                    return None
                return Guard(f"len({picked.name}.result) {test}", (picked.name,))
            path = self._content(made)
            return Guard(f"len({path}) {test}", (made.name,)) if path else None
        return None

    def _status(self, read: Condition, looked_at: list[Made]) -> Guard | None:
        for made in looked_at:
            if "integer" in results.kinds(made, "status"):
                return Guard(f"{made.name}.status {read.operator} {read.number}", (made.name,))
        if asked := self._asked_again(looked_at):
            return Guard(f"{asked}.status {read.operator} {read.number}", (asked,))
        return None

    def _asked_again(self, looked_at: list[Made]) -> str:
        """A page's text has no status: the address itself is called, in its place where nothing has
        taken its text. The step's name; empty when there is no page, or no such tool."""
        page = next((m for m in looked_at if "url" in schema.roles(m.spec) and not m.listed), None)
        if page is None:
            return ""
        url = self._args(page).get("url")
        behind = next(waits_for(s) for s in self._draft.steps if s["name"] == page.name)
        taken = f"${{{page.name}." in str([s["args"] for s in self._draft.steps])
        called = self._insert("http.get", {"url": url}, behind, "")
        if called is None:
            return ""
        if not taken:
            at = self._draft.made.index(page)
            del self._draft.made[at], self._draft.steps[at]
            for step in self._draft.steps:
                step["on"] = [
                    on.replace(f"step.{page.name}", f"step.{called.name}") for on in step["on"]
                ]
        return called.name

    def _up(self, read: Condition, looked_at: list[Made]) -> Guard | None:
        for made in looked_at:
            if "boolean" in results.kinds(made, "ok"):
                return Guard(f"{made.name}.ok", (made.name,))
        for made in looked_at:
            if stage_of(made.spec) == "source" and read.negated:
                return Guard("", (made.name,), (made.name,))
        return None

    def _changed(self, read: Condition, looked_at: list[Made]) -> Guard | None:
        for made in looked_at:
            if made.spec.id == "watch.changed":
                return self._compared(read, made)
            path = self._content(made)
            if not path or made.listed or made.name == EVENT or stage_of(made.spec) == "ask":
                continue
            noun = re.sub(r"\W", "", read.subject)
            if (
                results.data(made)
                and read.place is None
                and noun
                and noun not in results.nouns(made)
            ):
                path = f"{results.data(made)}.{noun}"
            more = [m.name for m in self._draft.made if m.spec.id == "watch.changed"]
            memory = f"{MEMORY} {made.name}" if more else MEMORY
            args = {"value": f"${{{path}}}", "memory": memory}
            new = read.kind == "new"
            compare = self._insert("watch.changed", args, [made.name], made.name if new else "")
            if compare is None:
                return None
            if not new:
                self._quiet(compare)
            return self._compared(read, compare)
        return None

    def _compared(self, read: Condition, compare: Made) -> Guard:
        new = read.kind == "new"
        expression = f"len({compare.name}.added) > 0" if new else f"{compare.name}.changed"
        return Guard(expression, (compare.name,))

    def _failed(self, read: Condition, looked_at: list[Made]) -> Guard | None:
        """Any of the steps behind which nothing has acted yet."""
        if read.negated:
            return None
        names = [m.name for m in looked_at if m.name != EVENT] or (
            [self._draft.made[-1].name] if self._draft.made else []
        )
        if not read.subject:
            last = self._draft.made[-1:] if self._draft.made else []
            names = list(dict.fromkeys([*names[:1], *(m.name for m in last)]))
        return Guard("", tuple(names), tuple(names)) if names else None

    def _worked(self, read: Condition, looked_at: list[Made]) -> Guard | None:
        names = [m.name for m in self._draft.made[-1:]]
        return Guard("", tuple(names)) if names and not read.negated else None

    def _length(self, read: Condition, looked_at: list[Made]) -> Guard | None:
        for made in looked_at:
            path = self._content(made)
            if path and "string" in Shape(results.at(made, path)).kinds and made.name != EVENT:
                return Guard(f"len({path}) {read.operator} {read.number}", (made.name,))
        return None

    def _answer(self, read: Condition, looked_at: list[Made]) -> Guard | None:
        for made in looked_at:
            if "answer" not in (made.spec.outputs.get("properties") or {}):
                continue
            args = self._args(made)
            choices = args.get("choices") or ()
            text = next((c for c in choices if c.lower() == read.text.lower()), read.text)
            return Guard(f"{made.name}.answer == {literal(text)}", (made.name,))
        return None

    def _number(self, read: Condition, looked_at: list[Made]) -> Guard | None:
        """A field of the one answer with data there is, by the name the person gives it."""
        value = read.number or _LITERALS.get(read.text.lower()) or literal(read.text)
        operator = read.operator or "=="
        for made in looked_at:
            if results.kinds(made, read.field) & {"integer", "number"} and read.number:
                return Guard(f"{made.name}.{read.field} {operator} {value}", (made.name,))
        holders = [m for m in looked_at if results.data(m) and self._holds_data(m)]
        if len(holders) != 1:
            return None
        made = holders[0]
        path = f"{results.data(made)}.{read.field}"
        if made.name == EVENT:
            path = f"default({path}, {'0' if read.number else chr(34) * 2})"
            return Guard(f"{path} {operator} {value}", ())
        return Guard(f"{path} {operator} {value}", (made.name,))

    def _mentions(self, read: Condition, looked_at: list[Made]) -> Guard | None:
        for made in looked_at:
            if made.name == EVENT:
                if said := re.fullmatch(
                    r"(?:that\s+)?(?:the\s+)?([A-Za-z_]\w*)\s+(?:is\s+|=\s*)?(\w+)", read.text
                ):
                    path = f'default(event.{said[1].lower()}, "")'
                    return Guard(f"{path} == {literal(said[2])}", ())
                text = 'default(event.subject, "") + " " + default(event.body, default(event.text, ""))'
                return Guard(_mentioned(read, f"lower({text})"), ())
            if stage_of(made.spec) == "ask" or made.spec.id == "watch.changed":
                continue
            own = read.subject if "string" in results.kinds(made, read.subject) else ""
            path = f"{made.name}.{own}" if own else self._content(made)
            if not path:
                continue
            if made.listed or Shape(results.at(made, path)).kinds != {"string"}:
                picked = self._query(made, "to_string(@)", path)
                if picked is None:
                    return None
                where = f"lower({picked.name}.result)"
                return Guard(_mentioned(read, where), (picked.name,))
            return Guard(_mentioned(read, f"lower({path})"), (made.name,))
        return None

    # --- what steps give ------------------------------------------------------------------------------

    def _content(self, made: Made) -> str:
        """The path of a step's main output; empty when it has none."""
        if made.name == EVENT:
            return EVENT
        kinds = self._args(made).get("kinds") or ()
        if made.spec.id == "text.extract" and len(kinds) == 1:
            return f"{made.name}.data.{next(iter(kinds))}"
        found = schema.output_for(made.spec, "text", {})
        return f"{made.name}.{found[0]}" if found else ""

    def _holds_data(self, made: Made) -> bool:
        if made.spec.id != "file.read":
            return True
        return str(self._args(made).get("path", "")).lower().endswith(".json")

    def _query(self, made: Made, query: str, path: str = "") -> Made | None:
        data = f"${{{path or results.data(made)}}}"
        picked = self._insert("json.query", {"data": data, "query": query}, [made.name], "")
        if picked is not None:
            self._quiet(picked)
        return picked

    def _quiet(self, made: Made) -> None:
        """What only a guard looks at is not what "it" is later."""
        self._draft.made[self._draft.made.index(made)] = replace(made, quiet=True)


_GENERAL = frozenset(
    schema.stem(w)
    for w in listed(
        "page site website text content feed file data response result list thing title headline server"
    )
)


def _mentioned(read: Condition, where: str) -> str:
    return f"{literal(read.text.lower())} in {where}"


def _item_text(item: str) -> str:
    if item == "entry":
        return 'lower(item.title + " " + item.summary)'
    return "lower(item)"
