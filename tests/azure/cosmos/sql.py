"""The part of Cosmos DB's SQL that is used here: parsed, and evaluated with its three truth values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<word>[@A-Za-z_]\w*)|(?P<sign><=|>=|!=|<>|[=<>(),.\[\]*])|(?P<wrong>\S))"
)
WORDS = {"true": True, "false": False, "null": None}


class Undefined:
    """What is not there: neither true nor false, equal to nothing."""


UNDEFINED = Undefined()
Path = tuple[str, ...]
Value = Callable[[Mapping[str, Any]], Any]


class Malformed(Exception):
    """Not a query, or more of the language than is known here."""


@dataclass
class Query:
    """`filtered` are the paths its condition looks at; `count` is `SELECT VALUE COUNT(1)`."""

    select: Value
    where: Value = lambda item: True
    order: list[tuple[Path, bool]] = field(default_factory=list)
    top: int | None = None
    offset: int = 0
    count: bool = False
    filtered: set[Path] = field(default_factory=set)


def look_up(item: Mapping[str, Any], path: Path) -> Any:
    value: Any = item
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return UNDEFINED
        value = value[name]
    return value


def rank(value: Any) -> tuple[int, Any]:
    """The order among values of all types."""
    if isinstance(value, Undefined):
        return 0, 0
    if value is None:
        return 1, 0
    if isinstance(value, bool):
        return 2, value
    if isinstance(value, (int, float)):
        return 3, value
    if isinstance(value, str):
        return 4, value
    return 5, str(value)


def _kind(value: Any) -> int:
    return rank(value)[0]


class Parser:
    def __init__(self, text: str, parameters: Mapping[str, Any]) -> None:
        self.tokens: list[tuple[str, str]] = []
        for found in TOKEN.finditer(text):
            kind = found.lastgroup or ""
            if kind == "wrong":
                raise Malformed(f"what is {found[kind]!r}?")
            self.tokens.append((kind, found[kind]))
        self.parameters = parameters
        self.at = 0
        self.alias = "c"
        self.paths: set[Path] = set()

    # --- tokens -----------------------------------------------------------------------------------

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        """The next token if it is one of these, in any case; else nothing, and nothing is taken."""
        if self.peek().upper() not in wanted or not self.peek():
            return ""
        self.at += 1
        return self.tokens[self.at - 1][1].upper()

    def need(self, *wanted: str) -> str:
        taken = self.take(*wanted)
        if not taken:
            raise Malformed(f"{' or '.join(wanted)} is missing before {self.peek()!r}")
        return taken

    def next(self) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise Malformed("the query ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    # --- clauses ----------------------------------------------------------------------------------

    def query(self) -> Query:
        self.need("SELECT")
        top = int(self.next()[1]) if self.take("TOP") else None
        start = self.at
        while self.peek() and self.peek().upper() != "FROM":
            self.at += 1
        self.need("FROM")
        self.alias = self.next()[1]
        end, self.at = self.at, start
        query = self._selected()
        self.at = end
        query.top = top
        self.paths = query.filtered
        if self.take("WHERE"):
            query.where = self.either()
        if self.take("ORDER"):
            self.need("BY")
            query.order.append(self._ordering())
            while self.take(","):
                query.order.append(self._ordering())
        if self.take("OFFSET"):
            query.offset = int(self.next()[1])
            self.need("LIMIT")
            query.top = int(self.next()[1])
        if self.peek():
            raise Malformed(f"what is {self.peek()!r}?")
        return query

    def _selected(self) -> Query:
        if self.take("*"):
            return Query(lambda item: item)
        if self.take("VALUE"):
            if self.take("COUNT"):
                return Query(lambda item: 1, count=True)
            return Query(self.operand())
        fields: dict[str, Value] = {}
        while True:
            value = self.operand()
            name = self.tokens[self.at - 1][1].strip("'\"]")
            if self.take("AS"):
                name = self.next()[1]
            fields[name] = value
            if not self.take(","):
                break

        def select(item: Mapping[str, Any]) -> Any:
            found = {name: value(item) for name, value in fields.items()}
            return {k: v for k, v in found.items() if v is not UNDEFINED}

        return Query(select)

    def _ordering(self) -> tuple[Path, bool]:
        path = self.path(self.next()[1])
        return path, self.take("ASC", "DESC") == "DESC"

    # --- conditions -------------------------------------------------------------------------------

    def either(self) -> Value:
        sides = [self.both()]
        while self.take("OR"):
            sides.append(self.both())
        if len(sides) == 1:
            return sides[0]

        def value(item: Mapping[str, Any]) -> Any:
            found = [side(item) for side in sides]
            if any(one is True for one in found):
                return True
            return False if all(one is False for one in found) else UNDEFINED

        return value

    def both(self) -> Value:
        sides = [self.negated()]
        while self.take("AND"):
            sides.append(self.negated())
        if len(sides) == 1:
            return sides[0]

        def value(item: Mapping[str, Any]) -> Any:
            found = [side(item) for side in sides]
            if any(one is False for one in found):
                return False
            return True if all(one is True for one in found) else UNDEFINED

        return value

    def negated(self) -> Value:
        if not self.take("NOT"):
            return self.comparison()
        inner = self.negated()

        def value(item: Mapping[str, Any]) -> Any:
            found = inner(item)
            return not found if isinstance(found, bool) else UNDEFINED

        return value

    def comparison(self) -> Value:
        left = self.operand()
        sign = self.take("=", "!=", "<>", "<", "<=", ">", ">=", "IN", "BETWEEN")
        if not sign:
            return left
        if sign == "IN":
            self.need("(")
            options = self.arguments()
            return lambda item: any(_compare("=", left(item), o(item)) is True for o in options)
        right = self.operand()
        if sign == "BETWEEN":
            self.need("AND")
            top = self.operand()
            return lambda item: (
                _compare(">=", left(item), right(item)) is True
                and _compare("<=", left(item), top(item)) is True
            )
        return lambda item: _compare(sign, left(item), right(item))

    def operand(self) -> Value:
        kind, token = self.next()
        if kind == "number":
            number = float(token) if "." in token else int(token)
            return lambda item: number
        if kind == "text":
            return lambda item: token[1:-1]
        if token == "(":
            inner = self.either()
            self.need(")")
            return inner
        if kind != "word":
            raise Malformed(f"{token!r} is out of place")
        if token.startswith("@"):
            if token not in self.parameters:
                raise Malformed(f"{token} is not given")
            given = self.parameters[token]
            return lambda item: given
        if token.lower() in WORDS:
            constant = WORDS[token.lower()]
            return lambda item: constant
        if self.take("("):
            return self._call(token.upper(), self.arguments())
        path = self.path(token)
        return lambda item: look_up(item, path)

    def arguments(self) -> list[Value]:
        found: list[Value] = []
        while not self.take(")"):
            found.append(self.operand())
            self.take(",")
        return found

    def path(self, first: str) -> Path:
        if first != self.alias:
            raise Malformed(f"{first} is unknown")
        names: list[str] = []
        while sign := self.take(".", "["):
            name = self.next()[1]
            if sign == "[":
                self.need("]")
            names.append(name.strip("'\""))
        self.paths.add(tuple(names))
        return tuple(names)

    def _call(self, name: str, given: list[Value]) -> Value:
        function = FUNCTIONS.get(name)
        if function is None:
            raise Malformed(f"the function {name} is not known here")
        return lambda item: function(*(value(item) for value in given))


def _compare(sign: str, left: Any, right: Any) -> Any:
    if UNDEFINED in (left, right):
        return UNDEFINED
    if sign in ("=", "!=", "<>"):
        same = _kind(left) == _kind(right) and left == right
        return same if sign == "=" else not same
    if _kind(left) != _kind(right) or _kind(left) < 2:
        return UNDEFINED
    less, more = rank(left) < rank(right), rank(left) > rank(right)
    return {"<": less, ">": more, "<=": not more, ">=": not less}[sign]


def _contains(values: Any, wanted: Any) -> Any:
    return wanted in values if isinstance(values, list) else UNDEFINED


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "ARRAY_CONTAINS": _contains,
    "ARRAY_LENGTH": lambda v: len(v) if isinstance(v, list) else UNDEFINED,
    "IS_DEFINED": lambda v: v is not UNDEFINED,
    "IS_NULL": lambda v: v is None,
    "STARTSWITH": lambda v, p: v.startswith(p) if isinstance(v, str) else UNDEFINED,
    "CONTAINS": lambda v, p: p in v if isinstance(v, str) else UNDEFINED,
    "LOWER": lambda v: v.lower() if isinstance(v, str) else UNDEFINED,
}


def parse(text: str, parameters: Mapping[str, Any]) -> Query:
    """Raises `Malformed`."""
    return Parser(text, parameters).query()
