"""One guard: an expression over outputs, what it looks at, and its opposite."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_OPPOSITE = {">": "<=", "<": ">=", "==": "!=", "!=": "==", ">=": "<", "<=": ">"}


@dataclass(frozen=True, slots=True)
class Guard:
    """`expression` over the outputs of `steps`; empty where their order says it all. `errors`: the
    step acts only when one of these has failed. `item`: it is decided for each item."""

    expression: str
    steps: tuple[str, ...]
    errors: tuple[str, ...] = ()
    item: bool = False

    def turned(self) -> Guard:
        """For the work that is done otherwise."""
        return replace(self, expression=negated(self.expression))


def negated(expression: str) -> str:
    if found := re.fullmatch(r"(len\([\w.]+\)) > 0", expression):
        return f"{found[1]} == 0"
    if found := re.fullmatch(r"(len\([\w.]+\)) == 0", expression):
        return f"{found[1]} > 0"
    if found := re.fullmatch(r"([\w.()]+) (==|!=|>=|<=|>|<) (\S+|\"[^\"]*\")", expression):
        return f"{found[1]} {_OPPOSITE[found[2]]} {found[3]}"
    if re.fullmatch(r"[\w.]+", expression):
        return f"not {expression}"
    return f"not ({expression})"


def literal(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
