"""Clauses into steps: tools chosen, arguments filled, the order wired."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.planner import choose, conditions, lexicon, schema, titles
from agents.planner.choose import Choice
from agents.planner.clauses import Clause, lead_end, working_span
from agents.planner.entities import MASKED, Text
from agents.planner.lexicon import WORDS
from agents.planner.slots import DEFAULT, SAID, TOP, Filled, Filling, Made
from backend.contracts.plans import RESERVED_STEP_NAMES
from backend.contracts.tools import ToolSpec

MAX_CLAUSES = 40
_AGAIN = re.compile(
    r"\W*(?:please |and |just )*(?:check|look|watch|poll|try|repeat|monitor)(?: it| again| that)?\W*$"
)
_CHATTER = re.compile(
    r"\W*(?:(?:i )?hope (?:you|all|this|that)\b|how are you|thank|"
    r"many thanks|cheers|(?:best|kind) regards|have a (?:nice|good|great)\b)[^\ue001-\ue004]*$"
)
_STATE = re.compile(r"\b(?:up|down|ok|online|offline|reachable|available|status)\b")
_NEWS = re.compile(r"\bwhat(?:'s|s| is| has| was)? (?:new|changed|different)\b")
Finder = Callable[[str], tuple[Choice | None, tuple[str, ...]]]
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Gap:
    """A required argument nobody gave."""

    step: str
    spec: ToolSpec
    name: str


@dataclass(slots=True)
class Draft:
    """The steps so far. `unknown` are clauses with no tool for them and the nearest tools' ids;
    `left` the places of words that no step expresses."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    unknown: list[tuple[Span, tuple[str, ...]]] = field(default_factory=list)
    left: list[Span] = field(default_factory=list)
    confidence: float = 1.0


class Drafting:
    """`find` retrieves a tool for a clause that our own words do not know."""

    def __init__(self, text: Text, tools: Mapping[str, ToolSpec], event: str, find: Finder) -> None:
        self._text = text
        self._tools = tools
        self._event = event
        self._find = find
        self._draft = Draft()
        self._asked: tuple[str, bool] | None = (
            None  # the last question, and whether it is yes or no
        )

    def draft(self, clauses: tuple[Clause, ...], earlier: Draft | None = None) -> Draft:
        """The steps of these clauses, after those of `earlier`, whose names are taken."""
        if earlier is not None:
            self._draft = earlier
        for clause in clauses[:MAX_CLAUSES]:
            self._clause(clause)
        self._draft.left += [(c.start, c.end) for c in clauses[MAX_CLAUSES:]]
        return self._draft

    def _clause(self, clause: Clause) -> None:
        start, end = working_span(clause)
        words = self._text.plain[start:end]
        if (self._draft.steps and _AGAIN.match(words)) or _CHATTER.match(words):
            return
        used = frozenset(made.spec.id for made in self._draft.made)
        choices = choose.by_words(clause, self._text, self._tools, used)
        if not choices and content_words(self._text.plain[start:end]):
            found, nearest = self._find(self._text.plain[start:end])
            if found is None:
                self._draft.unknown.append(((start, end), nearest))
                return
            choices = (found,)
        if not choices:
            if clause.condition is not None:
                self._draft.left.append(clause.condition)
            self._draft.left += _left(self._text, (start, end), [], [], [])
            return
        if self._beyond(start, choices):
            self._draft.unknown.append(((start, end), ()))
            return
        spans: list[Span] = []
        self._condition_source(clause)
        first = len(self._draft.steps)
        for choice in choices:
            for _ in range(self._times(choice, start, end)):
                spans += self._step(choice, clause, (start, end), tuple(spans))
        self._guard(clause, self._draft.steps[first:])
        spans += self._first_few(start, end)
        self._draft.left += _left(
            self._text, (start, end), spans, [c.spec for c in choices], self._draft.made
        )

    def _condition_source(self, clause: Clause) -> None:
        """ "tell me when <url> says X": the page of the condition is read first."""
        if clause.condition is None:
            return
        urls = self._text.between(*clause.condition, "url")
        if len(urls) != 1 or urls[0].value in str([s["args"] for s in self._draft.steps]):
            return
        words = self._text.plain[slice(*clause.condition)]
        reader = "http.get" if _STATE.search(words) else choose.reader_of(urls[0].value, words)
        if reader in self._tools:
            alone = Clause(*clause.condition, after=clause.after)
            self._step(Choice(self._tools[reader], 0.85, implied=True), alone, clause.condition, ())

    def _first_few(self, start: int, end: int) -> list[Span]:
        """ "… and tell me the top 3": so many of what was read before."""
        found = TOP.search(self._text.plain, start, end)
        if found is None:
            return []
        for made, step in zip(self._draft.made, self._draft.steps, strict=True):
            word = WORDS.get(made.spec.id)
            if word and word.stage == "source" and "limit" in schema.properties(made.spec):
                if "limit" in step["args"]:
                    continue
                step["args"] = _ordered(made.spec, {**step["args"], "limit": int(found["n"])})
                self._draft.sources[f"{made.name}.limit"] = SAID
                return [found.span()]
        return []

    def _beyond(self, start: int, choices: tuple[Choice, ...]) -> bool:
        """Whether the clause begins with a verb that none of its tools does: "delete notes.md"."""
        found = re.compile(r"[a-z-]+").match(self._text.plain, lead_end(self._text.plain, start))
        if found is None or found.group() not in lexicon.VERBS - lexicon.FILLER:
            return False
        known: set[str] = set()
        for choice in choices:
            known |= schema.vocabulary(choice.spec)
            if word := WORDS.get(choice.spec.id):
                known |= {schema.stem(v) for v in (*word.verbs.split(), *word.nouns)}
        return schema.stem(found.group()) not in known

    def _times(self, choice: Choice, start: int, end: int) -> int:
        """Two addresses for a tool that takes one are two steps."""
        word = WORDS.get(choice.spec.id)
        if word is None or word.stage != "source":
            return 1
        kinds = {schema.role(n, p) for n, p in schema.properties(choice.spec).items()}
        if "url" in kinds:
            return max(1, min(10, len(self._text.between(start, end, "url"))))
        return 1

    def _step(
        self, choice: Choice, clause: Clause, span: Span, reserved: tuple[Span, ...]
    ) -> list[Span]:
        draft, spec = self._draft, choice.spec
        name = self._name(spec)
        earlier = tuple(draft.made)
        filled = Filling(spec, self._text, span, earlier, reserved).fill()
        self._several(filled, spec)
        if "subject" in filled.missing:
            lines = [(m.spec, s["args"]) for m, s in zip(draft.made, draft.steps, strict=False)]
            filled.put("subject", titles.subject(lines), DEFAULT)
            filled.missing.remove("subject")
        step: dict[str, Any] = {
            "name": name,
            "on": [],
            "action": spec.id,
            "args": _ordered(spec, filled.args),
        }
        step["on"] = self._after(filled.refers, clause, spec)
        if clause.approval and spec.purity != "pure":
            step["approval"] = "required"
        if spec.id == "human.ask":
            self._asked = (name, filled.args.get("choices") == ["yes", "no"])
        elif self._asked is not None and spec.purity != "pure":
            self._heed(step)
        draft.steps.append(step)
        draft.made.append(Made(name, spec))
        draft.gaps += [Gap(name, spec, missing) for missing in filled.missing]
        draft.sources |= {f"{name}.{arg}": source for arg, source in filled.sources.items()}
        draft.confidence = min(draft.confidence, choice.confidence)
        return filled.spans

    def _heed(self, step: dict[str, Any]) -> None:
        """What acts after a question waits for its answer, and for a yes where that was asked."""
        assert self._asked is not None
        asked, yes_or_no = self._asked
        names = [o.removeprefix("step.") for o in step["on"] if o.startswith("step.")]
        step["on"] = [f"step.{n}" for n in self._reduced(list(dict.fromkeys([*names, asked])))]
        told = f"${{{asked}.answer}}" in str(step["args"])
        if yes_or_no and not told:
            step["guard"] = f'{asked}.answer == "yes"'

    def _several(self, filled: Filled, spec: ToolSpec) -> None:
        """What follows two sources read side by side takes both."""
        refers = filled.refers
        if len(refers) != 1:
            return
        kin = [
            m
            for m in self._draft.made
            if m.name == refers[0]
            or m.name.rstrip("_0123456789") == refers[0].rstrip("_0123456789")
        ]
        together = [
            m
            for m in kin
            if m.spec.id == kin[0].spec.id
            and WORDS.get(m.spec.id)
            and WORDS[m.spec.id].stage == "source"
        ]
        if len(together) < 2:
            return
        for name, value in filled.args.items():
            if filled.sources[name].startswith("step ") and schema.takes_list(
                schema.properties(spec)[name]
            ):
                filled.args[name] = [
                    value.replace(f"${{{refers[0]}.", f"${{{m.name}.") for m in together
                ]
                filled.sources[name] = f"step {', '.join(m.name for m in together)}"
                filled.refers = [m.name for m in together]

    def _name(self, spec: ToolSpec) -> str:
        word = WORDS.get(spec.id)
        base = word.step if word else re.sub(r"\W+", "_", spec.id.rsplit(".", 1)[-1])
        taken = {step["name"] for step in self._draft.steps}
        if base in RESERVED_STEP_NAMES or not re.match(r"[a-z]", base):
            base = f"do_{base}"
        name, n = base[:60], 2
        while name in taken:
            name, n = f"{base[:56]}_{n}", n + 1
        return name

    def _after(self, refers: list[str], clause: Clause, spec: ToolSpec) -> list[str]:
        names = list(dict.fromkeys(refers))
        previous = self._draft.made[-1] if self._draft.made else None
        if previous is not None:
            asks = previous.spec.id in WORDS and WORDS[previous.spec.id].stage == "ask"
            word = WORDS.get(spec.id)
            beside = word is not None and word.stage == "source"
            if not beside and (asks or clause.after or not names) and previous.name not in names:
                names.append(previous.name)
        return [f"step.{name}" for name in self._reduced(names)] or [self._event]

    def _reduced(self, names: list[str]) -> list[str]:
        """Without those that another of them waits for anyway."""
        waits = {s["name"]: {o.removeprefix("step.") for o in s["on"]} for s in self._draft.steps}
        changed = True
        while changed:
            changed = False
            for upstream in waits.values():
                more = {u for name in upstream for u in waits.get(name, ())} - upstream
                if more:
                    upstream |= more
                    changed = True
        return [n for n in names if not any(n in waits.get(other, ()) for other in names)]

    def _guard(self, clause: Clause, steps: list[dict[str, Any]]) -> None:
        if clause.condition is None or not steps:
            return
        start, end = clause.condition
        target = steps[-1]
        before = [m for m in self._draft.made if m.name != target["name"]]
        found = conditions.guard(
            self._text.plain[start:end], self._text.said[start:end], tuple(before)
        )
        if found is None:
            self._draft.left.append((start, end))
            return
        own = target.get("guard")
        same = own is None or own == found.expression
        target["guard"] = found.expression if same else f"({own}) and ({found.expression})"
        self._any_status(found)
        names = [o.removeprefix("step.") for o in target["on"] if o.startswith("step.")]
        target["on"] = [
            f"step.{n}" for n in self._reduced(list(dict.fromkeys([*names, *found.steps])))
        ]

    def _any_status(self, found: conditions.Guard) -> None:
        """A condition on the answer's status can only be looked at when no status is a failure."""
        for made, step in zip(self._draft.made, self._draft.steps, strict=True):
            looked_at = re.search(rf"\b{re.escape(made.name)}\.(?:status|ok)\b", found.expression)
            if looked_at and "any_status" in schema.properties(made.spec):
                step["args"]["any_status"] = True
                self._draft.sources[f"{made.name}.any_status"] = DEFAULT


def _ordered(spec: ToolSpec, args: Mapping[str, Any]) -> dict[str, Any]:
    return {name: args[name] for name in schema.properties(spec) if name in args}


def content_words(plain: str) -> list[str]:
    """The words that carry work."""
    return [w for w in re.findall(r"[^\W\d_]+(?:['-][^\W\d_]+)*", plain) if w not in lexicon.FILLER]


def _left(
    text: Text, span: Span, used: list[Span], specs: list[ToolSpec], made: list[Made]
) -> list[Span]:
    """The words of a clause that its steps do not express, in runs."""
    known: set[str] = set()
    for spec in specs:
        known |= schema.vocabulary(spec)
        if word := WORDS.get(spec.id):
            known |= {schema.stem(w) for w in (*word.nouns, *word.verbs.split())}
    for before in made:
        if word := WORDS.get(before.spec.id):
            known |= {schema.stem(w) for w in word.nouns}
        known |= {schema.stem(o) for o in before.spec.outputs.get("properties") or {}}
    start, end = span
    left = [m.span() for m in _NEWS.finditer(text.plain, start, end)]
    used = [*used, *left]
    for match in re.finditer(r"[^\W_]+(?:['-][^\W_]+)*", text.plain[start:end]):
        place = (start + match.start(), start + match.end())
        said = match.group()
        if any(a < place[1] and place[0] < b for a, b in used):
            continue
        if said in lexicon.FILLER or schema.stem(said) in known or MASKED.match(said):
            continue
        if (
            left
            and left[-1][1] <= place[0]
            and not _content_between(text.plain[left[-1][1] : place[0]])
        ):
            left[-1] = (left[-1][0], place[1])
        else:
            left.append(place)
    left += [
        (e.start, e.end)
        for e in text.entities
        if start <= e.start < end and not any(a < e.end and e.start < b for a, b in used)
    ]
    return sorted(left)


def _content_between(plain: str) -> bool:
    """Whether more than small words stand between."""
    return len(plain.split()) > 2 or bool(re.search(r"[,.;:\ue001-\ue004]", plain))
