"""A cursor over pipe text: blanks, words and values, and errors that point at their place."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from backend.plans.pipe.errors import Misread

MAX_CHARACTERS = 100_000
MAX_DEPTH = 32
EXACT = 2**53 - 1

_BLANK = re.compile(r"(?:[^\S\n]|\\\r?\n)+")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_SINGLE = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_CURLY = re.compile(r"“([^”]*)”")
_LITERALS: Final = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Value:
    """A value and the text it was written as, without quotes."""

    value: Any
    text: str
    at: int
    quoted: bool = False


class Scanner:
    """`at` is the place in `text` that is read next."""

    __slots__ = ("at", "text")

    def __init__(self, text: str) -> None:
        if len(text) > MAX_CHARACTERS:
            raise Misread(text, 0, f"the text is longer than {MAX_CHARACTERS:,} characters.")
        self.text = text
        self.at = 0

    def fail(
        self, message: str, *, at: int | None = None, hint: str = "", expected: Iterable[str] = ()
    ) -> NoReturn:
        place = self.at if at is None else at
        raise Misread(self.text, place, message, hint=hint, expected=expected)

    def expected(self, what: str, *, hint: str = "") -> NoReturn:
        self.fail(f"expected {what}, found {self.found()}.", hint=hint, expected=(what,))

    def found(self) -> str:
        """What stands here, in words."""
        if self.at >= len(self.text):
            return "the end"
        if self.text[self.at] == "\n":
            return "the end of the line"
        shown = re.match(r"\w{1,40}|.", self.text[self.at :][:40], re.DOTALL)
        return f"“{shown[0] if shown else ''}”"

    # --- blanks and marks -----------------------------------------------------------------------

    def blanks(self, *, lines: bool = True) -> bool:
        """Skip blanks and comments, ends of lines too unless told otherwise. Whether one was."""
        crossed = False
        while self.at < len(self.text):
            if blank := _BLANK.match(self.text, self.at):
                self.at = blank.end()
            elif self.text[self.at] == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif self.text[self.at] == "\n" and lines:
                self.at += 1
                crossed = True
            else:
                break
        return crossed

    def sees(self, *marks: str) -> bool:
        return self.text.startswith(marks, self.at)

    def takes(self, *marks: str) -> bool:
        mark = next((mark for mark in marks if self.text.startswith(mark, self.at)), None)
        self.at += len(mark or "")
        return mark is not None

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Take what the pattern matches here."""
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    @property
    def ended(self) -> bool:
        return self.at >= len(self.text)

    # --- values ---------------------------------------------------------------------------------

    def value(self, stops: str = "") -> Value:
        """JSON, a quoted text, or a bare word. With `stops`, a bare word may hold blanks and ends
        at one of these marks; without, at a blank."""
        start = self.at
        if self.sees('"', "{", "["):
            return self._json(start)
        if self.sees("'", "“"):
            return self._other_quotes(start)
        text = self._bare(stops)
        if not text:
            self.expected("a value", hint='Write "" for an empty text.')
        return Value(literal(text), text, start)

    def quoted(self) -> Value | None:
        return self.value() if self.sees('"', "'", "“") else None

    def expression(self) -> str:
        """What stands between the brackets that begin here, or in quotes."""
        if text := self.quoted():
            return text.text
        if not self.sees("("):
            self.expected("a condition in brackets", hint="Write ?(fetch.count > 0).")
        start = self.at
        end = closing(self.text, start)
        if end is None:
            self.fail("this bracket is never closed.", at=start, expected=(")",))
        self.at = end + 1
        return self.text[start + 1 : end].strip()

    def _json(self, start: int) -> Value:
        try:
            value, self.at = _JSON.raw_decode(self.text, start)
        except json.JSONDecodeError as error:
            hint = "Put text in quotes inside [ ] and { }." if self.text[start] != '"' else ""
            self.fail(f"this is no JSON value: {_lower(error.msg)}.", at=error.pos, hint=hint)
        except ValueError:
            self.fail("this value holds a number that is no exact JSON.", at=start)
        except RecursionError:
            self._too_deep(start)
        if too_deep(value):
            self._too_deep(start)
        self._ends()
        text = value if isinstance(value, str) else self.text[start : self.at]
        return Value(value, text, start, isinstance(value, str))

    def _too_deep(self, start: int) -> NoReturn:
        self.fail(f"a value is nested more than {MAX_DEPTH} levels deep.", at=start)

    def _other_quotes(self, start: int) -> Value:
        found = self.match(_SINGLE) or self.match(_CURLY)
        if found is None:
            self.fail("this quote is never closed.", at=start)
        self._ends()
        text = re.sub(r"\\(['\\])", r"\1", found[1]) if found[0][0] == "'" else found[1]
        return Value(text, text, start, True)

    def _ends(self) -> None:
        if not self.ended and not self.text[self.at].isspace() and not self.sees(*"),]|;>#:="):
            self.fail(f"expected a space, found {self.found()}.", expected=("a space",))

    def _bare(self, stops: str) -> str:
        text, at, depth, start = self.text, self.at, 0, self.at
        while at < len(text):
            mark = text[at]
            if text.startswith("${", at):
                at = self._reference(at)
                continue
            if mark == "\n" or (mark.isspace() and not stops) or text.startswith(">>", at):
                break
            if mark in stops and depth == 0:
                break
            if mark in ";|" and not stops and text[at + 1 : at + 2].strip() == "":
                break
            if mark == "(":
                depth += 1
            elif mark == ")":
                if depth == 0:
                    break
                depth -= 1
            at += 1
        self.at = at
        return text[start:at].strip()

    def _reference(self, start: int) -> int:
        """The end of the reference that begins here; a default inside it may hold anything."""
        at = start + 2
        while at < len(self.text) and self.text[at] not in "}\n":
            if self.text[at] == '"':
                try:
                    _, at = _JSON.raw_decode(self.text, at)
                except ValueError:
                    self.fail("this quote is never closed.", at=at)
                continue
            at += 1
        if at >= len(self.text) or self.text[at] == "\n":
            self.fail("this reference is never closed.", at=start, expected=("}",))
        return at + 1


def literal(text: str) -> Any:
    """What a bare word means: true, false, null, a number that can be written exactly, or itself."""
    if text in _LITERALS:
        return _LITERALS[text]
    number = _NUMBER.fullmatch(text)
    if number is None or len(text) > 400:
        return text
    if number[1] or number[2]:
        return float(text) if math.isfinite(float(text)) else text
    return int(text) if abs(int(text)) <= EXACT else text


def closing(text: str, start: int) -> int | None:
    """Where the bracket that opens at `start` is closed, quotes being skipped; None if nowhere."""
    depth, quote, at = 0, "", start
    while at < len(text):
        mark = text[at]
        if quote:
            at += mark == "\\"
            quote = "" if mark == quote else quote
        elif mark in "'\"":
            quote = mark
        elif mark in "()":
            depth += 1 if mark == "(" else -1
            if depth == 0:
                return at
        at += 1
    return None


def too_deep(value: Any) -> bool:
    stack = [(value, 1)]
    while stack:
        value, depth = stack.pop()
        if isinstance(value, dict | list):
            if depth > MAX_DEPTH:
                return True
            inner = value.values() if isinstance(value, dict) else value
            stack.extend((item, depth + 1) for item in inner)
    return False


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(text)


# Not strict: a text may run over several lines.
_JSON: Final = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite, strict=False)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
