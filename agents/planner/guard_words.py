"""A guard as a person would say it: "if it mentions rust", "unless it is empty"."""

from __future__ import annotations

import ast
import re

_OVER: dict[type[ast.cmpop], str] = {
    ast.Gt: "over",
    ast.GtE: "at least",
    ast.Lt: "under",
    ast.LtE: "at most",
    ast.Eq: "",
    ast.NotEq: "not",
}
_MORE: dict[type[ast.cmpop], str] = {
    ast.Gt: "more than",
    ast.GtE: "at least",
    ast.Lt: "fewer than",
    ast.LtE: "at most",
    ast.Eq: "exactly",
}
_TURNED = {"it answers": "if it does not answer", "it changed": "if it has not changed"}
HOLDS = "if its condition holds"


class _Unsaid(Exception):
    """There are no words for this."""


def guard_words(guard: str) -> str:
    """The words that follow what is done: "if …" or "unless …"."""
    try:
        node = ast.parse(guard.strip(), mode="eval").body
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return _TURNED.get(_said(node.operand)) or f"unless {_said(node.operand)}"
        return f"if {_said(node)}"
    except (SyntaxError, ValueError, RecursionError, _Unsaid):
        return HOLDS


def item_words(guard: str) -> str:
    """The words that follow the things it is done for: "that mention rust", "with stock under 3"."""
    said = guard_words(guard)
    if found := re.fullmatch(r"if its (?P<what>.+?) is (?P<rest>.+)", said):
        return f"with {found['what']} {found['rest']}"
    return (
        re.sub(r"^(?:if|(?P<not>unless)) it (?=mentions )", "that ", said)
        if said[:2] == "if"
        else said
    )


def _said(node: ast.expr) -> str:
    match node:
        case ast.BoolOp(op=op, values=values):
            return (" and " if isinstance(op, ast.And) else " or ").join(map(_said, values))
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return f"not: {_said(inner)}"
        case ast.Attribute(attr="changed"):
            return "it changed"
        case ast.Attribute(attr="ok"):
            return "it answers"
        case ast.Compare(left=ast.Constant(value=str(text)), ops=[ast.In()], comparators=[_]):
            return f"it mentions {text}"
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _compared(left, op, right)
    raise _Unsaid


def _compared(left: ast.expr, op: ast.cmpop, right: ast.expr) -> str:
    value = _value(right)
    match left:
        case ast.Call(func=ast.Name(id="len"), args=[inner]):
            return _counted(inner, op, value)
        case ast.Attribute(attr="answer"):
            return f"you {'do not ' if isinstance(op, ast.NotEq) else ''}say {value}"
        case ast.Attribute(attr=field) if type(op) in _OVER:
            its = "its " if field == "status" or _of_item(left) else ""
            return " ".join(f"{its}{field} is {_OVER[type(op)]} {value}".split())
        case ast.Call(func=ast.Name(id="default"), args=[ast.Attribute(attr=field), _]) if (
            type(op) in _OVER
        ):
            return " ".join(f"its {field} is {_OVER[type(op)]} {value}".split())
    raise _Unsaid


def _counted(inner: ast.expr, op: ast.cmpop, value: str) -> str:
    what = inner.attr if isinstance(inner, ast.Attribute) else ""
    if value == "0" and isinstance(op, ast.Eq):
        return "there is nothing in it"
    if value == "0" and isinstance(op, ast.Gt):
        return "there is anything new" if what == "added" else "there is anything in it"
    if type(op) not in _MORE:
        raise _Unsaid
    if what in ("content", "text", "body", "summary"):
        longer = {ast.Gt: "longer than", ast.Lt: "shorter than"}.get(type(op), _MORE[type(op)])
        return f"it is {longer} {value} characters"
    things = {"added": "new ones"}.get(what, what if what in ("entries", "files") else "of them")
    return f"there are {_MORE[type(op)]} {value} {things}"


def _of_item(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "item"
    )


def _value(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=bool(yes)):
            return "true" if yes else "false"
        case ast.Constant(value=str() | int() | float() as value):
            return str(value)
        case ast.Name(id=name):
            return name
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return f"-{value}"
    raise _Unsaid
