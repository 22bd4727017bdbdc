"""Pipe text, read: chains of steps, groups of chains, and what is declared before them."""

from __future__ import annotations

import re
from typing import NoReturn

from backend.contracts.plans import MAX_STEPS
from backend.plans.pipe.declarations import KINDS, WORDS, declaration
from backend.plans.pipe.scan import MAX_DEPTH, Scanner
from backend.plans.pipe.step import NAMED, OUTCOME, definition
from backend.plans.pipe.syntax import (
    DECLARED,
    HEARD,
    Chain,
    Definition,
    Group,
    Heard,
    Link,
    Reading,
    Started,
)
from backend.plans.validation.subject import nearest

_HEARD_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
MAX_PARTS = 4 * MAX_STEPS
_MISTAKES = {
    "|": "“>>” leads from step to step; “|” stands between branches: (a | b) >> c.",
    "-": 'An outcome is written a - "error" >> b, an argument --name=value.',
    ">": "“>>” leads from step to step.",
    "=": "Write the name of the argument first: --name=value.",
}
_TRIGGERS = "Triggers are @manual, @cron(…), @interval(…), @at(…), @webhook and @event(…)."
_ONWARD = "Arguments are written --name=value; another chain begins on a new line."


def read(text: str) -> Reading:
    """The parts of a text, in their order. Raises `Misread`."""
    return _Parser(text).read()


class _Parser:
    def __init__(self, text: str) -> None:
        self._on = Scanner(text)
        self._reading = Reading()
        self._steps = 0

    def read(self) -> Reading:
        on = self._on
        crossed = True
        while True:
            crossed = self._separated() or crossed
            if on.ended:
                break
            if not crossed:
                self._lost()
            crossed = self._statement()
        return self._reading

    def _lost(self) -> NoReturn:
        """Something follows that cannot."""
        match self._reading.chains[-1:]:
            case [[Link(part=Heard(at=at, name=name))]]:
                near = nearest(name, WORDS, 1)
                hint = f"Did you mean “@{near[0]}”? {_TRIGGERS}" if near else _TRIGGERS
                self._on.fail(f"“>>” must follow “@{name}”.", at=at, hint=hint, expected=(">>",))
        hint = _MISTAKES.get(self._on.text[self._on.at], _ONWARD)
        self._on.expected("“>>”", hint=hint)

    def _separated(self) -> bool:
        """Skip to the next statement; whether anything stands between."""
        crossed = self._on.blanks()
        while self._on.takes(";"):
            crossed = True
            self._on.blanks()
        return crossed

    def _statement(self) -> bool:
        """One declaration or one chain. Whether another may follow on the same line."""
        on = self._on
        if not self._declares():
            self._reading.chains.append(self._chain(0))
            return False
        started = self._declared()
        if started is None:
            return True
        place = on.at
        on.blanks()
        if not on.sees(">>"):
            on.at = place
            return True
        self._reading.chains.append(self._chain(0, started))
        return False

    # --- declarations -----------------------------------------------------------------------------

    def _declares(self) -> bool:
        text, at = self._on.text, self._on.at
        named = NAMED.match(text, at)
        if named is not None:
            at = named.end()
            while at < len(text) and text[at].isspace():
                at += 1
            return text.startswith("@", at)
        word = DECLARED.match(text, at)
        return word is not None and (word[1] in WORDS or text.startswith("(", word.end()))

    def _declared(self) -> Started | None:
        """Take a declaration; of a trigger, its place."""
        on = self._on
        start = on.at
        named = on.match(NAMED)
        on.blanks()
        word = on.match(DECLARED)
        if word is None or (named and word[1] not in KINDS):
            on.expected("a trigger", hint='For example morning: @cron("0 9 * * *").')
        found = declaration(on, word[1], word.start())
        if word[1] == "input":
            name, declared = found
            if name in self._reading.inputs:
                on.fail(f"the input “{name}” is declared twice.", at=start)
            self._reading.inputs[name] = declared
            return None
        if word[1] == "plan":
            if self._reading.head:
                on.fail("the plan is named twice.", at=start)
            self._reading.head = found[1]
            return None
        called = {"name": named[1]} if named else {}
        self._reading.triggers.append(called | found[1])
        return Started(start, len(self._reading.triggers) - 1)

    # --- chains -----------------------------------------------------------------------------------

    def _chain(self, depth: int, started: Started | None = None) -> Chain:
        on = self._on
        chain = [Link(started) if started else self._link(depth)]
        while True:
            place = on.at
            on.blanks()
            if not on.takes(">>"):
                on.at = place
                return chain
            on.blanks()
            if on.sees(">"):
                on.fail("one “>” too many.", expected=(">>",))
            chain.append(self._link(depth))

    def _link(self, depth: int) -> Link:
        on = self._on
        part: Definition | Heard | Started | Group
        if on.sees("("):
            part = self._group(depth)
        elif on.sees("@") or self._declares():
            part = self._source()
        else:
            part = self._step()
        return Link(part, self._outcome(part))

    def _step(self) -> Definition:
        self._steps += 1
        if self._steps > MAX_PARTS:
            self._on.fail(f"there are more than {MAX_PARTS:,} steps.")
        return definition(self._on)

    def _outcome(self, part: Definition | Heard | Started | Group) -> str | None:
        on = self._on
        place = on.at
        on.blanks()
        start = on.at
        if not on.match(OUTCOME):
            on.at = place
            return None
        if not isinstance(part, Definition):
            on.fail("only a step has outcomes: write them inside the brackets.", at=start)
        if text := on.quoted():
            return text.text
        word = on.match(_HEARD_WORD)
        return word[0] if word else on.expected("the name of an outcome")

    def _group(self, depth: int) -> Group:
        on = self._on
        start = on.at
        if depth >= MAX_DEPTH:
            on.fail(f"brackets are nested more than {MAX_DEPTH} levels deep.")
        on.takes("(")
        chains = []
        while True:
            on.blanks()
            chains.append(self._chain(depth + 1))
            on.blanks()
            if on.takes(")"):
                return Group(start, chains)
            if not on.takes("|"):
                if on.ended:
                    on.fail("this bracket is never closed.", at=start, expected=(")",))
                on.expected("“>>”, “|” or “)”")

    def _source(self) -> Heard | Started:
        on = self._on
        start = on.at
        if self._declares():
            started = self._declared()
            return started or on.fail("this belongs on a line of its own.", at=start)
        if heard := on.match(HEARD):
            return Heard(start, heard[1])
        on.takes("@")
        name = on.quoted()
        return Heard(start, name.text) if name else on.expected("the name of an event")
