"""Clauses into steps: tools chosen, arguments filled, conditions bound, the order wired."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from agents.planner import choose, lexicon, loops, schema, talk, wiring
from agents.planner.afterthoughts import all_of_them, asked_of_model, first_few
from agents.planner.choose import Choice
from agents.planner.clauses import Clause, working_span
from agents.planner.conditional import Conditional
from agents.planner.coverage import content_words, left_over
from agents.planner.drafts import Draft, Span
from agents.planner.entities import Text
from agents.planner.lexicon import WORDS
from agents.planner.loops import Loop, Marker
from agents.planner.made import Made
from agents.planner.narrowing import Narrowing
from agents.planner.pieces import lead_end
from agents.planner.repeating import Repeating
from agents.planner.restriction import restriction
from agents.planner.steps import Steps
from backend.contracts.tools import ToolSpec

MAX_CLAUSES = 40
_AGAIN = re.compile(
    r"\W*(?:please |and |just )*(?:check|look|watch|poll|try|repeat|monitor)(?:ing)?(?: it| again| that)"
    r"?[^\w\ue001-\ue004]*$"
)
_CHATTER = re.compile(
    r"\W*(?:(?:i )?hope (?:you|all|this|that)\b|how are you|thank|"
    r"many thanks|cheers|(?:best|kind) regards|have a (?:nice|good|great)\b)[^\ue001-\ue004]*$"
)
_JOINED = re.compile(
    r"\W*(?:join|combine|merge|put|bring|collect|gather)\s+(?:them|both|these|everything|it\s+all|"
    r"all(?:\s+of\s+them)?)"
    r"(?:\s+(?:all\s+)?together|\s+into\s+one)?\W*$"
)
_NOTHING = re.compile(
    r"\W*(?:please\s+)?(?:do\s+nothing|nothing|stop|skip(?:\s+it)?|ignore\s+it|"
    r"leave\s+it(?:\s+alone)?|end|finish)\W*$"
)
Finder = Callable[[str], tuple[Choice | None, tuple[str, ...]]]


class Drafting:
    """`find` retrieves a tool for a clause that our own words do not know. `event` names the trigger;
    `arrives` stands for what it brings; `recurring`: there is a last time to compare with."""

    def __init__(
        self,
        text: Text,
        tools: Mapping[str, ToolSpec],
        event: str,
        find: Finder,
        *,
        arrives: Made | None = None,
        recurring: bool = False,
        earlier: Draft | None = None,
    ) -> None:
        self._text = text
        self._tools = tools
        self._find = find
        self._recurring = recurring
        self._draft = earlier or Draft()
        self._steps = Steps(self._draft, text, tools, event, arrives)
        self._conditional = Conditional(self._steps)
        self._repeating = Repeating(self._steps)
        self._narrowing = Narrowing(self._draft, text, self._steps.insert)

    def draft(self, clauses: tuple[Clause, ...]) -> Draft:
        """The steps of these clauses, after those of `earlier`, whose names are taken."""
        for clause in clauses[:MAX_CLAUSES]:
            self._clause(clause)
        self._draft.left += [(c.start, c.end) for c in clauses[MAX_CLAUSES:]]
        self._draft.left += self._repeating.waiting()
        if self._steps.gate is not None:  # nothing acts that could ask first
            self._draft.left.append(self._steps.gate)
        return self._draft

    # --- one clause -------------------------------------------------------------------------------

    def _clause(self, clause: Clause) -> None:
        draft = self._draft
        span = start, end = working_span(clause)
        said = self._text.plain[start:end]
        self._steps.recalled = None
        self._steps.batch += 1
        self._steps.gate = clause.approval or self._steps.gate
        if self._says_no_work(clause, said):
            self._loose(clause)
            return
        self._conditional.read_first(clause)
        marker = loops.marker(self._text, start, end)
        within = self._repeating.source(marker, span) if marker else []
        only = restriction(self._text, marker, end) if marker else None
        if only is not None:
            self._blank(only.place)
        choices, opened = self._chosen(clause, marker, span)
        self._repeating.heard(clause, span)
        if not choices:
            return
        if self._beyond(start, choices) and not self._narrowing.says(span):
            draft.unknown.append((span, ()))
            return
        first = len(draft.made)
        spans = within + self._planned(clause, marker, choices, opened)
        self._conditional.guard(clause, draft.steps[first:])
        if only is not None and not only.guard(draft.steps[first:]):
            draft.left.append(only.place)
        self._conditional.only_news(draft.steps[first:])
        for more in (first_few, all_of_them, asked_of_model):
            spans += more(draft, self._text, span, spans)
        specs = [choice.spec for choice in choices]
        draft.left += left_over(self._text, span, spans, specs, self._steps.earlier())

    def _blank(self, place: Span) -> None:
        """What was understood is not read again."""
        self._text = self._text.without((place,))
        self._steps.text = self._narrowing.text = self._text

    def _says_no_work(self, clause: Clause, said: str) -> bool:
        if (self._draft.steps and _AGAIN.match(said)) or _CHATTER.match(said):
            return True
        if talk.greets(said):
            return True
        if len(self._draft.steps) > 1 and _JOINED.match(said):
            return True  # what follows takes them all anyway
        return clause.otherwise and _NOTHING.match(said) is not None

    def _loose(self, clause: Clause) -> None:
        """A condition that guards nothing here is left over, unless it was bound before."""
        if clause.condition is not None and not clause.shared:
            self._nothing_done(clause)

    def _planned(
        self,
        clause: Clause,
        marker: Marker | None,
        choices: tuple[Choice, ...],
        opened: Choice | None,
    ) -> list[Span]:
        """The steps of the clause's tools; the places of the words that they used."""
        span = start, end = working_span(clause)
        spans = list(marker.spans) if marker else []
        first = len(self._draft.made)
        loop: Loop | None = None
        apart = times = 0
        sought = False
        for at, choice in enumerate(choices):
            last = at + 1 == len(choices)
            source = wiring.stage_of(choice.spec) == "source" and choice is not opened
            if last and not source:
                spans += self._narrowed(choice, span)
            if not sought and (last or not source):
                sought = True
                said = self._text.plain[start:end]
                repeating = self._repeating
                loop = (
                    repeating.loop(marker, choice) if marker else repeating.going_on(clause, said)
                )
                apart = repeating.apart() if marker and loop is None else 0
                loop = repeating.read_first(loop, choice)
            if last:
                self._conditional.bind(clause, loop)
            turns = max(apart, self._times(choice, choices, span, spans))
            times = max(times, turns)
            files = choose.targets(self._text, start, end) if last and not source else []
            if files and "path" in schema.roles(choice.spec):
                spans += self._steps.into_each(choice, clause, span, tuple(spans), files)
                continue
            for turn in range(turns):
                each = self._reader(choice, span, spans) if turns > 1 and source else choice
                spans += self._steps.add(each, clause, span, tuple(spans), loop, turn, apart)
            if loop is not None and self._draft.made[-1].listed:
                loop = self._repeating.within(choices[at + 1 :])
            if last and source:
                spans += self._narrowed(choice, span)
        repeats = times > 1 or any(made.listed for made in self._draft.made[first:])
        self._repeating.mark(marker, clause, found=repeats)
        return spans

    def _reader(self, choice: Choice, span: Span, used: list[Span]) -> Choice:
        """Of several addresses each is read as it looks: a feed, data, a page."""
        urls = [e for e in self._text.between(*span, "url")]
        at = next((e for e in urls if (e.start, e.end) not in used), None)
        if at is None or "url" not in schema.roles(choice.spec):
            return choice
        looks = choose.reader_of(at.value, "")
        tool = looks if looks != "web.read" else choice.spec.id
        spec = self._tools.get(tool)
        return Choice(spec, choice.confidence, choice.implied) if spec else choice

    def _chosen(
        self, clause: Clause, marker: Marker | None, span: Span
    ) -> tuple[tuple[Choice, ...], Choice | None]:
        """The clause's tools, and which of them opens the items of a list; none when it has none, which
        is then written down."""
        draft = self._draft
        start, end = span
        said = self._text.plain[start:end]
        used = choose.done_by([made.spec for made in draft.made], self._tools)
        away = (marker.place,) if marker and marker.place else ()
        choices = choose.by_words(clause, self._text.without(away), self._tools, used)
        looping = marker is not None or self._repeating.looping
        opened = choose.opened(said, self._tools, looping)
        if opened and (marker is None or not marker.leading):
            choices = tuple(c for c in choices if c.spec.id != opened.spec.id)
            read = any(wiring.stage_of(c.spec) == "source" for c in choices)
            choices, opened = (choices, None) if read else ((opened, *choices), opened)
        elif opened:
            sources = [c for c in choices if wiring.stage_of(c.spec) == "source"]
            choices = (*sources, opened, *(c for c in choices if c not in sources))
        if not choices and self._narrowing.concerns(span):
            self._selected(span)
            self._loose(clause)
            return (), None
        rest = said
        for place in marker.spans if marker else ():
            rest = rest.replace(self._text.plain[slice(*place)], " ")
        if not choices and content_words(rest):
            found, nearest = self._find(said)
            draft.candidates += nearest
            if found is None:
                draft.unknown.append((span, nearest))
                return (), None
            choices = (found,)
        if not choices:
            self._loose(clause)
            self._repeating.mark(marker, clause, found=False)
            used_places = marker.spans if marker else ()
            draft.left += left_over(self._text, span, used_places, [], draft.made)
        draft.candidates += [c.spec.id for c in choices]
        return choices, opened

    def _nothing_done(self, clause: Clause) -> None:
        """A condition without work: what it looks at was read, or it is left over."""
        assert clause.condition is not None
        said = self._text.plain[slice(*clause.condition)].lstrip()
        looked = said.startswith("whether") and self._draft.steps
        if not looked:
            self._draft.left.append(clause.condition)

    def _selected(self, span: Span) -> None:
        """ "only those about tea", "sort them by price": a clause that only narrows."""
        spans = self._narrowing.select(span)
        query = [spec for tool, spec in self._tools.items() if tool == "json.query"]
        self._draft.left += left_over(self._text, span, spans, query, self._draft.made)

    def _narrowed(self, choice: Choice, span: Span) -> list[Span]:
        """What is said of the entries: those about something, in some order, the new ones."""
        if choice.spec.id == "text.summarize" and not re.search(
            r"\bonly\b|\bexcept\b|\bexcluding\b|\bwithout\b|\bmention",
            self._text.plain[slice(*span)],
        ):
            spans: list[Span] = []
        else:
            spans = self._narrowing.select(span)
        if wiring.stage_of(choice.spec) in ("out", "source") and not loops.marker(
            self._text, *span
        ):
            spans += self._narrowing.fields(span)
        if self._recurring:
            spans += self._narrowing.news(span)
        elif news := self._narrowing.says_news(span):
            # there is no last time to compare with
            self._draft.left.append(news)
        return spans

    def _beyond(self, start: int, choices: tuple[Choice, ...]) -> bool:
        """Whether the clause begins with a verb that none of its tools does: "delete notes.md"."""
        found = re.compile(r"[a-z-]+").match(self._text.plain, lead_end(self._text.plain, start))
        if found is None or found.group() not in lexicon.VERBS - lexicon.FILLER:
            return False
        if any(choice.leads and wiring.stage_of(choice.spec) == "change" for choice in choices):
            return False
        known: set[str] = set()
        stages = {wiring.stage_of(choice.spec) for choice in choices}
        for choice in choices:
            known |= schema.vocabulary(choice.spec)
            if word := WORDS.get(choice.spec.id):
                known |= {schema.stem(v) for v in (*word.verbs.split(), *word.nouns)}
        for word in WORDS.values():  # "warn ann@x.org": what sends is called by many verbs
            if word.stage in stages:
                known |= {schema.stem(v) for v in word.verbs.split()}
        return schema.stem(found.group()) not in known

    def _times(
        self, choice: Choice, choices: tuple[Choice, ...], span: Span, used: list[Span]
    ) -> int:
        """Two addresses for a tool that takes one are two steps."""
        if wiring.stage_of(choice.spec) != "source":
            return 1
        for role, kind in (("url", "url"), ("path", "file")):
            if role in schema.roles(choice.spec):
                named = [
                    e
                    for e in self._text.between(*span, kind)  # type: ignore[arg-type]
                    if not any(a <= e.start < b for a, b in used)
                ]
                others = sum(role in schema.roles(c.spec) for c in choices if c is not choice)
                return max(1, min(10, len(named) - others))
        return 1
