"""A step's condition, and the list it goes through, as a person reads them."""

from __future__ import annotations

import ast
from collections.abc import Callable

Named = Callable[[str], str]  # the words for `step.field`

_COMPARED: dict[type[ast.cmpop], str] = {
    ast.Eq: "is",
    ast.NotEq: "is not",
    ast.Lt: "is under",
    ast.LtE: "is at most",
    ast.Gt: "is over",
    ast.GtE: "is at least",
    ast.In: "is in",
    ast.NotIn: "is not in",
}
_MOST = 500


class _Unsaid(Exception):
    """There are no words for this; the expression is shown as it is."""


def guard_words(guard: str | None, named: Named) -> str:
    """`compare.changed` → `Compare with last time · changed`; what has no words stays as it is."""
    if not guard or len(guard) > _MOST:
        return guard or ""
    try:
        return _said(ast.parse(guard.strip(), mode="eval").body, named)
    except (SyntaxError, ValueError, RecursionError, _Unsaid):
        return guard


def _said(node: ast.expr, named: Named) -> str:
    match node:
        case ast.BoolOp(op=op, values=values):
            glue = " and " if isinstance(op, ast.And) else " or "
            return glue.join(
                f"({_said(v, named)})" if isinstance(v, ast.BoolOp) else _said(v, named)
                for v in values
            )
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return f"not {_value(inner, named)}"
        case ast.Compare(left=ast.Constant() as left, ops=[ast.In()], comparators=[right]):
            return f"{_value(right, named)} contains {_value(left, named)}"
        case ast.Compare(left=ast.Constant() as left, ops=[ast.NotIn()], comparators=[right]):
            return f"{_value(right, named)} does not contain {_value(left, named)}"
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARED:
            return f"{_value(left, named)} {_COMPARED[type(op)]} {_value(right, named)}"
    return _value(node, named)


def _value(node: ast.expr, named: Named) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return f"“{text}”"
        case ast.Constant(value=bool(yes)):
            return "yes" if yes else "no"
        case ast.Constant(value=int() | float() as number):
            return f"{number:,}"
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return f"−{number:,}"
        case ast.Name() | ast.Attribute():
            return named(_path(node))
        case ast.Call(func=ast.Name(id="len"), args=[inner], keywords=[]):
            return f"the number of {_value(inner, named)}"
        case ast.Call(func=ast.Name(id="lower"), args=[inner], keywords=[]):
            return _value(inner, named)
    raise _Unsaid


def _path(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=inner, attr=name):
            return f"{_path(inner)}.{name}"
    raise _Unsaid
