"""One step of pipe text: what stands before it, its tool, its arguments, its settings."""

from __future__ import annotations

import re

from backend.plans.pipe.scan import Scanner, Value
from backend.plans.pipe.settings import settings
from backend.plans.pipe.syntax import NAME, OPTION_NAME, WORD, Definition

NAMED = re.compile(r"([A-Za-z_][\w.-]*)[^\S\n]*:(?!:)")
OUTCOME = re.compile(r"[-–—][^\S\n]+(?=[\"'“\w])")
_OPTION = re.compile(r"(?:--|—|–)(?=[\w\"])")
_NO_VALUE = ("--", "—", "–", ">>", "|", ")", "[", ";", "\n", "#")
_NAMING = "Names have letters, digits, “_” and “-”."
_EXAMPLE = "For example feed.read --url=https://example.com/rss."


def definition(on: Scanner) -> Definition:
    """Take a step. Raises `Misread`."""
    start = on.at
    step = Definition(start, "")
    while _prefix(on, step):
        on.blanks()
    quoted = on.quoted()
    word = None if quoted else on.match(WORD)
    if quoted is None and word is None:
        on.expected("a step", hint=_EXAMPLE)
    step.tool = quoted.text if quoted else word[0] if word else ""
    step.plain = bool(word and NAME.fullmatch(word[0]) and word.start() == start)
    while _option(on, step):
        step.plain = False
    return step


def _prefix(on: Scanner, step: Definition) -> bool:
    at = on.at
    if on.takes("?"):
        _once(on, step, "guard", on.expression(), at)
    elif on.takes("*"):
        on.blanks()
        _once(on, step, "for_each", on.value().text, at)
    elif on.takes("!"):
        _once(on, step, "approval", "required", at)
    elif named := on.match(NAMED):
        if not NAME.fullmatch(named[1]):
            on.fail(f"“{named[1]}” is no name for a step.", at=at, hint=_NAMING)
        if step.name is not None:
            on.fail("this step has two names.", at=at)
        step.name = named[1]
    else:
        return False
    return True


def _once(on: Scanner, step: Definition, field: str, value: str, at: int) -> None:
    if field in step.fields:
        on.fail(f"this step has two of “{on.text[at]}”.", at=at)
    step.fields[field] = value


def _option(on: Scanner, step: Definition) -> bool:
    """Take an argument, or the settings; whether there was either, on this line or the next."""
    place = on.at
    on.blanks()
    at = on.at
    if on.match(_OPTION):
        name, value = _argument(on, at)
        args = step.fields.setdefault("args", {})
        if name in args:
            on.fail(f"“--{name}” is given twice.", at=at)
        args[name] = value.value
        if not value.quoted:
            step.written[name] = value.text
    elif on.takes("["):
        for field, setting in settings(on).items():
            if field in step.fields:
                on.fail(f"“{field}” is given twice.", at=at)
            step.fields[field] = setting
    else:
        on.at = place
        return False
    return True


def _argument(on: Scanner, at: int) -> tuple[str, Value]:
    quoted = on.quoted()
    word = None if quoted else on.match(OPTION_NAME)
    name = quoted.text if quoted else word[0] if word else ""
    if on.takes("="):
        return name, on.value()
    place = on.at
    on.blanks(lines=False)
    if on.ended or on.at == place or on.sees(*_NO_VALUE) or on.match(OUTCOME):
        on.at = place
        return name, Value(True, "true", at)
    return name, on.value()
