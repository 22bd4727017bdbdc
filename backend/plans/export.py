"""A plan as a small Python file, and read back from one without running it."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel

from backend.contracts.errors import Invalid, Issue
from backend.contracts.plans import (
    AtTrigger,
    CronTrigger,
    EventTrigger,
    Input,
    IntervalTrigger,
    ManualTrigger,
    PlanDocument,
    Retry,
    Step,
    WebhookTrigger,
)
from backend.plans.pipe.literals import unwritable

MAX_CHARACTERS = 500_000
MAX_DEPTH = 40
_MODULE: Final = "backend.contracts.plans"
_CLASSES: Final = frozenset(
    cls.__name__
    for cls in (
        AtTrigger,
        CronTrigger,
        EventTrigger,
        Input,
        IntervalTrigger,
        ManualTrigger,
        PlanDocument,
        Retry,
        Step,
        WebhookTrigger,
    )
)
_PRINTING: Final = """\
if __name__ == "__main__":
    print(plan.model_dump_json(exclude_unset=True, indent=2))
"""
_UNSAFE: Final = "COMPILE_PYTHON_UNSAFE"
_ONLY: Final = "Only literals and the classes of plans are read; nothing is run."
_WIDTH = 96


def to_python(document: PlanDocument) -> str:
    """A module whose `plan` is the document; run, it prints it as JSON.

    Raises `Invalid` (COMPILE_PYTHON_UNSAYABLE) for a value that Python's literals cannot carry.
    """
    reason = unwritable([step.args for step in document.steps]) or unwritable(
        [[declared.default, declared.enum] for declared in document.inputs.values()]
    )
    if reason:
        raise _invalid("COMPILE_PYTHON_UNSAYABLE", f"A Python file cannot hold {reason}.")
    plan = "\n".join(_lines(document, "plan = ", "", 0))
    used = sorted(name for name in _CLASSES if f"{name}(" in plan)
    summary = f"{document.plan_name}: {document.description}".removesuffix(": ")
    imports = _wrapped(f"from {_MODULE} import ", used)
    return f"{_text(summary)}\n\n{imports}\n\n{plan}\n\n{_PRINTING}"


def from_python(text: str) -> dict[str, Any]:
    """The plan document a file of `to_python`'s kind says, as JSON and not yet validated; whoever
    wrote it, it is untrusted. Nothing in it is run: it may hold literals and the classes of plans.

    Raises `Invalid` (COMPILE_PYTHON_UNSAFE, COMPILE_PYTHON_SYNTAX), naming the line.
    """
    if len(text) > MAX_CHARACTERS:
        raise _invalid("COMPILE_PYTHON_SYNTAX", "The file is too long.")
    try:
        _no_formatting(text)
        module = ast.parse(text)
    except SyntaxError as error:
        where = f"Line {error.lineno}: " if error.lineno else ""
        raise _invalid("COMPILE_PYTHON_SYNTAX", f"{where}{error.msg}.") from None
    except (tokenize.TokenError, ValueError, MemoryError, RecursionError):
        raise _invalid("COMPILE_PYTHON_SYNTAX", "This is no Python file.") from None
    plan: dict[str, Any] | None = None
    for statement in module.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="plan")], value=value) if plan is None:
                plan = _plan(value)
            case _ if not _harmless(statement, text):
                raise _refusal(statement)
    if plan is None:
        message = "The file has no “plan = PlanDocument(…)”."
        raise _invalid("COMPILE_PYTHON_SYNTAX", message)
    return plan


# --- writing ----------------------------------------------------------------------------------------


def _lines(value: Any, before: str, after: str, indent: int) -> Iterator[str]:
    """`value` between two texts: on one line if it fits, else one line a part."""
    blank = " " * indent
    line = f"{blank}{before}{_flat(value)}{after}"
    parts = _parts(value)
    if len(line) <= _WIDTH or not parts:
        yield line
        return
    opening, closing = _brackets(value)
    yield f"{blank}{before}{opening}"
    for name, inner in parts:
        yield from _lines(inner, name, ",", indent + 4)
    yield f"{blank}{closing}{after}"


def _flat(value: Any) -> str:
    if isinstance(value, BaseModel | dict | list):
        opening, closing = _brackets(value)
        inner = ", ".join(f"{name}{_flat(inner)}" for name, inner in _parts(value))
        return f"{opening}{inner}{closing}"
    if isinstance(value, datetime):
        return _text(value.isoformat())
    return _text(value) if isinstance(value, str) else repr(value)


def _parts(value: Any) -> list[tuple[str, Any]]:
    match value:
        case BaseModel():
            fields = type(value).model_fields.items()
            return [
                (f"{name}=", getattr(value, name))
                for name, field in fields
                if field.is_required()
                or getattr(value, name) != field.get_default(call_default_factory=True)
            ]
        case dict():
            return [(f"{_text(key)}: ", inner) for key, inner in value.items()]
        case list():
            return [("", inner) for inner in value]
    return []


def _brackets(value: Any) -> tuple[str, str]:
    if isinstance(value, BaseModel):
        return f"{type(value).__name__}(", ")"
    return ("{", "}") if isinstance(value, dict) else ("[", "]")


def _text(text: str) -> str:
    plain = repr(text)
    if plain[0] == '"' or '"' in text:
        return plain
    return f'"{plain[1:-1]}"'


def _wrapped(before: str, names: list[str]) -> str:
    line = before + ", ".join(names)
    if len(line) <= _WIDTH:
        return line
    return f"{before}(\n" + "".join(f"    {name},\n" for name in names) + ")"


# --- reading ----------------------------------------------------------------------------------------


def _no_formatting(text: str) -> None:
    """Refuse f-strings before they are parsed: one with very many parts takes a minute."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        prefix = token.string[:3].lower().partition('"')[0].partition("'")[0]
        formatted = token.type == tokenize.STRING and "f" in prefix
        if formatted or tokenize.tok_name[token.type] == "FSTRING_START":
            raise _invalid(_UNSAFE, f"Line {token.start[0]}: {_ONLY}")


def _harmless(statement: ast.stmt, text: str) -> bool:
    match statement:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
        case ast.ImportFrom(module="__future__", names=[ast.alias(name="annotations")]):
            return True
        case ast.ImportFrom(module=module, names=names, level=0) if module == _MODULE:
            return all(each.name in _CLASSES and each.asname is None for each in names)
        case ast.If():
            return ast.get_source_segment(text, statement) == _PRINTING.rstrip()
    return False


def _plan(node: ast.expr) -> dict[str, Any]:
    match node:
        case ast.Call(func=ast.Name(id="PlanDocument")):
            plan: dict[str, Any] = _value(node, 0)
            return plan
    raise _refusal(node, "“plan” is a PlanDocument.")


def _value(node: ast.expr, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise _refusal(node, "This is nested too deeply.")
    match node:
        case ast.Constant(value=value) if value is None or type(value) in (str, int, float, bool):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=value)) if type(value) in (
            int,
            float,
        ):
            return -value  # type: ignore[operator]
        case ast.List(elts=elements):
            return [_value(element, depth + 1) for element in elements]
        case ast.Dict(keys=keys, values=values):
            return {
                _key(key, node): _value(value, depth + 1)
                for key, value in zip(keys, values, strict=True)
            }
        case ast.Call(func=ast.Name(id=name), args=[], keywords=keywords) if name in _CLASSES:
            if all(each.arg for each in keywords):
                return {str(each.arg): _value(each.value, depth + 1) for each in keywords}
    raise _refusal(node)


def _key(key: ast.expr | None, node: ast.expr) -> str:
    if isinstance(key, ast.Constant) and isinstance(key.value, str):
        return key.value
    raise _refusal(key or node, "Keys are texts.")


def _refusal(node: ast.stmt | ast.expr, reason: str = "") -> Invalid:
    return _invalid(_UNSAFE, f"Line {node.lineno}: {reason or _ONLY}")


def _invalid(code: str, message: str) -> Invalid:
    hint = "Export a plan to see what such a file may hold." if "SAYABLE" not in code else ""
    return Invalid(
        message, code=code, hint=hint, issues=(Issue(code=code, message=message, suggestion=hint),)
    )
