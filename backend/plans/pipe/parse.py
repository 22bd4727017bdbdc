"""Pipe text, read: chains of steps, groups of chains, and what is declared before them."""

from __future__ import annotations

import re
from typing import Any

from backend.contracts.plans import MAX_STEPS
from backend.plans.pipe.declarations import KINDS, WORDS, declaration
from backend.plans.pipe.scan import MAX_DEPTH, Scanner, Value
from backend.plans.pipe.settings import settings
from backend.plans.pipe.syntax import (
    DECLARED,
    HEARD,
    NAME,
    OPTION_NAME,
    WORD,
    Chain,
    Definition,
    Group,
    Heard,
    Link,
    Reading,
    Started,
)

_NAMED = re.compile(r"([A-Za-z_][\w.-]*)[^\S\n]*:(?!:)")
_OUTCOME = re.compile(r"[-–—][^\S\n]+(?=[\"'“\w])")
_OPTION = re.compile(r"(?:--|—|–)(?=[\w\"])")
_HEARD_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_NO_VALUE = ("--", "—", "–", ">>", "|", ")", "[", ";", "\n", "#")
_NAMING = "Names have letters, digits, “_” and “-”."
MAX_PARTS = 4 * MAX_STEPS
_MISTAKES = {
    "|": "“>>” leads from step to step; “|” stands between branches: (a | b) >> c.",
    "-": 'An outcome is written a - "error" >> b, an argument --name=value.',
    ">": "“>>” leads from step to step.",
    "=": "Write the name of the argument first: --name=value.",
}
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
                on.expected("“>>”", hint=_MISTAKES.get(on.text[on.at], _ONWARD))
            crossed = self._statement()
        return self._reading

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
        named = _NAMED.match(text, at)
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
        named = on.match(_NAMED)
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

    def _outcome(self, part: Definition | Heard | Started | Group) -> str | None:
        on = self._on
        place = on.at
        on.blanks()
        start = on.at
        if not on.match(_OUTCOME):
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

    # --- steps ------------------------------------------------------------------------------------

    def _step(self) -> Definition:
        on = self._on
        start = on.at
        step = Definition(start, "")
        while self._prefix(step):
            on.blanks()
        quoted = on.quoted()
        word = None if quoted else on.match(WORD)
        if quoted is None and word is None:
            on.expected("a step", hint="For example feed.read --url=https://example.com/rss.")
        step.tool = quoted.text if quoted else word[0] if word else ""
        step.plain = bool(word and NAME.fullmatch(word[0]) and on.at - len(word[0]) == start)
        self._options(step)
        self._steps += 1
        if self._steps > MAX_PARTS:
            on.fail(f"there are more than {MAX_PARTS:,} steps.", at=start)
        return step

    def _prefix(self, step: Definition) -> bool:
        on = self._on
        at = on.at
        if on.takes("?"):
            self._once(step, "guard", on.expression(), at)
        elif on.takes("*"):
            on.blanks()
            self._once(step, "for_each", on.value().text, at)
        elif on.takes("!"):
            self._once(step, "approval", "required", at)
        elif named := on.match(_NAMED):
            if not NAME.fullmatch(named[1]):
                on.fail(f"“{named[1]}” is no name for a step.", at=at, hint=_NAMING)
            if step.name is not None:
                on.fail("this step has two names.", at=at)
            step.name = named[1]
        else:
            return False
        return True

    def _once(self, step: Definition, field: str, value: str, at: int) -> None:
        if field in step.fields:
            self._on.fail(f"this step has two of “{self._on.text[at]}”.", at=at)
        step.fields[field] = value

    def _options(self, step: Definition) -> None:
        on = self._on
        args: dict[str, Any] = {}
        set_already = False
        while True:
            place = on.at
            on.blanks()
            at = on.at
            if on.match(_OPTION):
                name = self._option(step, at)
                if name.text in args:
                    on.fail(f"“--{name.text}” is given twice.", at=at)
                args[name.text] = name.value
            elif on.sees("[") and not set_already:
                on.takes("[")
                set_already = True
                step.fields |= settings(on)
            else:
                on.at = place
                break
            step.plain = False
        if args:
            step.fields["args"] = args

    def _option(self, step: Definition, at: int) -> Value:
        """An argument: its value, with its name for a text."""
        on = self._on
        quoted = on.quoted()
        word = None if quoted else on.match(OPTION_NAME)
        name = quoted.text if quoted else word[0] if word else ""
        if on.takes("="):
            value = on.value()
        else:
            place = on.at
            on.blanks(lines=False)
            if on.ended or on.at == place or on.sees(*_NO_VALUE) or on.match(_OUTCOME):
                on.at = place
                value = Value(True, "true", at)
            else:
                value = on.value()
        if not value.quoted:
            step.written[name] = value.text
        return Value(value.value, name, at)
