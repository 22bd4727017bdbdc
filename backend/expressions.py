"""The expression language of guards, filters and conditions: small, total, and bounded in time.

Names and their fields (`fetch.status`, `event.headers["x-id"]`), numbers, text, lists, `true false
null`, comparison, `in`, `and or not`, `a if c else b`, arithmetic, and the functions `len lower upper
min max round abs default`. `default(x, y)` is `y` where `x` is missing or null. Fields are looked up
in JSON objects only; Python's attributes and methods do not exist.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from simpleeval import SimpleEval

from backend.contracts.errors import Invalid

MAX_CHARACTERS = 1_000
MAX_DEPTH = 100
MAX_LENGTH = 100_000
MAX_BITS = 4_096
MAX_DIGITS = 15

FUNCTIONS = ("abs", "default", "len", "lower", "max", "min", "round", "upper")
_CONSTANTS: Final[Mapping[str, Any]] = {"true": True, "false": False, "null": None}

_NODES: Final = (
    ast.Expression,
    ast.Name,
    ast.Constant,
    ast.Attribute,
    ast.Subscript,
    ast.List,
    ast.Tuple,
    ast.UnaryOp,
    ast.BinOp,
    ast.BoolOp,
    ast.Compare,
    ast.IfExp,
    ast.Call,
    ast.boolop,
    ast.Load,
)
# String literals, to look at what is outside them; and what Python's own reader would warn about.
_STRING = re.compile(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"")
_ESCAPE = re.compile(r"\\[^\\'\"nrt]")
_ODD_NUMBER = re.compile(r"(?<![A-Za-z_0-9])[0-9][0-9.]*(?!(?:[eE][+-]?[0-9]))[A-Za-z_]")
_PREFIXED = re.compile(r"[A-Za-z_0-9]\"")


class Expression:
    """A parsed expression. `names` are the roots it looks at; `required` those it cannot do without."""

    __slots__ = ("_body", "names", "required", "text")

    def __init__(self, text: str, body: ast.expr) -> None:
        self.text = text
        self._body = body
        self.names = frozenset(_names(body))
        self.required = frozenset(_names(body, required=True))

    def evaluate(self, scope: Mapping[str, Any]) -> Any:
        """The value over `scope`, which holds JSON values. Raises `Invalid` (EXEC_EXPRESSION_FAILED)."""
        try:
            return _Evaluation(self.text, scope).value(self._body)
        except Invalid:
            raise
        except ZeroDivisionError:
            raise _failed(self.text, "division by zero") from None
        except RecursionError:
            raise _failed(self.text, "the values are nested too deeply") from None
        except (TypeError, ValueError, ArithmeticError) as error:
            raise _failed(self.text, str(error)) from error

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


def parse(text: str) -> Expression:
    """Raises `Invalid` (PLAN_EXPRESSION_INVALID) for anything outside the language."""
    if not isinstance(text, str) or not text.strip():
        raise _invalid("An expression is empty.")
    if len(text) > MAX_CHARACTERS:
        raise _invalid(f"An expression has at most {MAX_CHARACTERS} characters.")
    source = " ".join(text.split("\n")).strip()
    outside = _STRING.sub('""', source)
    if "#" in outside:
        raise _invalid(f"`{text}` has a comment; an expression says all it does.")
    if any(_ESCAPE.search(literal) for literal in _STRING.findall(source)) or "\\" in outside:
        raise _invalid(f"`{text}` has an unknown escape.")
    if _ODD_NUMBER.search(outside) or _PREFIXED.search(outside.replace('""', '"')):
        raise _invalid(f"`{text}` is not an expression: put spaces between words.")
    try:
        tree = ast.parse(source, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise _invalid(f"`{text}` is not an expression: {reason}.") from None
    _check(text, tree.body)
    return Expression(text, tree.body)


# --- what is allowed --------------------------------------------------------------------------------


def _check(text: str, body: ast.expr) -> None:
    todo: list[tuple[ast.AST, int]] = [(body, 1)]
    while todo:
        node, depth = todo.pop()
        if depth > MAX_DEPTH:
            raise _invalid("An expression is nested too deeply.")
        reason = _refusal(node)
        if reason:
            raise _invalid(f"`{text}`: {reason}.")
        children = node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node)
        todo.extend((child, depth + 1) for child in children)


def _refusal(node: ast.AST) -> str:
    match node:
        case ast.Call(func=ast.Name(id=name), keywords=[]) if name in FUNCTIONS:
            few, many = (2, 2) if name == "default" else (1, 20 if name in ("min", "max") else 1)
            most = 2 if name == "round" else many
            return "" if few <= len(node.args) <= most else f"`{name}` takes other arguments"
        case ast.Call():
            return f"only these can be called: {', '.join(FUNCTIONS)}"
        case ast.Constant(value=value):
            fine = value is None or type(value) in (str, int, float, bool)
            return "" if fine else "only numbers, text, true, false and null"
        case ast.BinOp(op=op) if type(op) not in _BINARY:
            return "only + - * / // % can be calculated with"
        case ast.UnaryOp(op=op) if type(op) not in _UNARY:
            return "`~` is not available"
        case ast.operator() | ast.unaryop():
            return ""
        case ast.cmpop():
            return "" if type(node) in _COMPARISONS else "use == and != to compare"
        case _:
            return "" if isinstance(node, _NODES) else f"{type(node).__name__} is not available"


def _names(node: ast.AST, *, required: bool = False) -> Iterator[str]:
    todo: list[ast.AST] = [node]
    while todo:
        node = todo.pop()
        match node:
            case ast.Name(id=name) if name not in _CONSTANTS:
                yield name
            case ast.Call(func=ast.Name(id="default"), args=args) if required:
                todo.extend(args[1:])
            case ast.Call(args=args):
                todo.extend(args)
            case _:
                todo.extend(ast.iter_child_nodes(node))


# --- evaluation -------------------------------------------------------------------------------------


def _number(value: Any) -> Any:
    if not isinstance(value, int | float):
        raise TypeError(f"{_kind(value)} is not a number")
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise ValueError("a number is too large")
    return value


def _numeric(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda left, right: function(_number(left), _number(right))


def _add(left: Any, right: Any) -> Any:
    if (isinstance(left, str) and isinstance(right, str)) or (
        isinstance(left, list) and isinstance(right, list)
    ):
        if len(left) + len(right) > MAX_LENGTH:
            raise ValueError("a text or list grows too long")
        return operator.add(left, right)
    return _number(left) + _number(right)


def _contains(left: Any, right: Any) -> bool:
    if isinstance(right, str) and not isinstance(left, str):
        raise TypeError(f"{_kind(left)} cannot be in text")
    if not isinstance(right, str | list | tuple | Mapping):
        raise TypeError(f"nothing can be in {_kind(right)}")
    if isinstance(right, Mapping):
        return isinstance(left, str) and left in right
    return left in right


def _same(left: Any, right: Any) -> bool:
    if right is None or isinstance(right, bool):
        return left is right
    raise TypeError("`is` is for null, true and false")


def _length(value: Any) -> int:
    if not isinstance(value, str | list | tuple | Mapping):
        raise TypeError(f"{_kind(value)} has no length")
    return len(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{_kind(value)} is not text")
    return value


def _round(value: Any, digits: Any = None) -> Any:
    if digits is None:
        return round(_number(value))
    # int's own rounding would compute ten to the power of whatever is asked for
    if not isinstance(digits, int) or abs(digits) > MAX_DIGITS:
        raise ValueError(f"numbers are rounded to at most {MAX_DIGITS} digits")
    return round(_number(value), digits)


def _extreme(function: Callable[[Any], Any]) -> Callable[..., Any]:
    def extreme(*values: Any) -> Any:
        among = values[0] if len(values) == 1 else values
        if not isinstance(among, list | tuple):
            raise TypeError(f"{_kind(among)} is not a list")
        if not all(isinstance(v, str) for v in among):
            among = [_number(v) for v in among]
        return function(among)

    return extreme


_BINARY: Final = {
    ast.Add: _add,
    ast.Sub: _numeric(operator.sub),
    ast.Mult: _numeric(operator.mul),
    ast.Div: _numeric(operator.truediv),
    ast.FloorDiv: _numeric(operator.floordiv),
    ast.Mod: _numeric(operator.mod),
}
_UNARY: Final = {
    ast.Not: operator.not_,
    ast.USub: lambda value: -_number(value),
    ast.UAdd: lambda value: +_number(value),
}
_COMPARISONS: Final = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: _contains,
    ast.NotIn: lambda left, right: not _contains(left, right),
    ast.Is: _same,
    ast.IsNot: lambda left, right: not _same(left, right),
}
_OPERATORS: Final[dict[Any, Any]] = {**_BINARY, **_UNARY, **_COMPARISONS}
_CALLS: Final[Mapping[str, Callable[..., Any]]] = {
    "abs": lambda value: abs(_number(value)),
    "len": _length,
    "lower": lambda value: _text(value).lower(),
    "upper": lambda value: _text(value).upper(),
    "min": _extreme(min),
    "max": _extreme(max),
    "round": _round,
}


class _Missing(Invalid):
    pass


class _Evaluation(SimpleEval):  # type: ignore[misc]
    """simpleeval without its way into objects. Its walk over every intermediate value, in search of
    functions and modules, is left out too: scopes hold JSON, and outputs can be large."""

    nodes: Mapping[type[ast.AST], Any] | None

    def __init__(self, text: str, scope: Mapping[str, Any]) -> None:
        self.expr = text
        self.names = scope
        self.operators = _OPERATORS

    def __del__(self) -> None:
        pass

    def value(self, node: ast.AST) -> Any:
        return self._eval(node)

    def _eval(self, node: ast.AST) -> Any:
        return _HANDLERS[type(node)](self, node)

    def _eval_name(self, node: ast.Name) -> Any:
        if node.id in _CONSTANTS:
            return _CONSTANTS[node.id]
        try:
            return self.names[node.id]
        except KeyError:
            raise _missing(self.expr, f"there is no `{node.id}`", self.names) from None

    def _eval_attribute(self, node: ast.Attribute) -> Any:
        return self._field(self._eval(node.value), node.attr)

    def _eval_subscript(self, node: ast.Subscript) -> Any:
        return self._field(self._eval(node.value), self._eval(node.slice))

    def _eval_list(self, node: ast.List | ast.Tuple) -> list[Any]:
        return [self._eval(element) for element in node.elts]

    def _eval_call(self, node: ast.Call) -> Any:
        assert isinstance(node.func, ast.Name)
        if node.func.id != "default":
            return _CALLS[node.func.id](*map(self._eval, node.args))
        try:
            value = self._eval(node.args[0])
        except _Missing:
            value = None
        return self._eval(node.args[1]) if value is None else value

    def _field(self, value: Any, key: Any) -> Any:
        if isinstance(value, Mapping) and isinstance(key, str):
            try:
                return value[key]
            except KeyError:
                raise _missing(self.expr, f"there is no `{key[:64]}`", value) from None
        if isinstance(value, list | tuple) and type(key) is int:
            if -len(value) <= key < len(value):
                return value[key]
            raise _missing(self.expr, f"a list of {len(value)} has no item {key}", {})
        raise _missing(self.expr, f"{_kind(value)} has no field `{str(key)[:64]}`", {})


_HANDLERS: Final[Mapping[type[ast.AST], Callable[[_Evaluation, Any], Any]]] = {
    ast.Name: _Evaluation._eval_name,
    ast.Constant: lambda _, node: node.value,
    ast.Attribute: _Evaluation._eval_attribute,
    ast.Subscript: _Evaluation._eval_subscript,
    ast.List: _Evaluation._eval_list,
    ast.Tuple: _Evaluation._eval_list,
    ast.UnaryOp: SimpleEval._eval_unaryop,
    ast.BinOp: SimpleEval._eval_binop,
    ast.BoolOp: SimpleEval._eval_boolop,
    ast.Compare: SimpleEval._eval_compare,
    ast.IfExp: SimpleEval._eval_ifexp,
    ast.Call: _Evaluation._eval_call,
}


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case Mapping():
            return "an object"
        case _:
            return "a list"


def _missing(text: str, reason: str, among: Mapping[str, Any]) -> Invalid:
    available = ", ".join(str(name)[:64] for name in islice(among, 20))
    hint = f"Available: {available}." if available else ""
    message = f"`{text}` cannot be decided: {reason}."
    return _Missing(message, code="EXEC_EXPRESSION_FAILED", hint=hint)


def _failed(text: str, reason: str) -> Invalid:
    return Invalid(f"`{text}` cannot be decided: {reason}.", code="EXEC_EXPRESSION_FAILED")


def _invalid(message: str) -> Invalid:
    return Invalid(message, code="PLAN_EXPRESSION_INVALID")
