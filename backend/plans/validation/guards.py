"""V4: the names in a guard, where they are and what could stand there instead."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from backend.contracts.errors import Fix, Invalid, Issue
from backend.expressions import parse
from backend.plans.bindings import Reference
from backend.plans.validation.defaults import empty_of
from backend.plans.validation.schema import Shape
from backend.plans.validation.sight import Chain, Sight, Unseen
from backend.plans.validation.spelling import expressions, labelled
from backend.plans.validation.subject import Subject


@dataclass(frozen=True, slots=True)
class Look:
    """A chain of names in an expression, from `start` to `end` in the bytes of its source. `safe`:
    inside default(…), which says what holds when it is not there."""

    chain: Chain
    start: int
    end: int
    safe: bool


def guard(
    subject: Subject, sight: Sight, text: str, path: str, after: Callable[[str], Fix | None]
) -> Iterator[Issue]:
    """`after` gives the fix that lets this guard's step come after another."""
    try:
        parse(text)
    except Invalid as error:
        yield Issue(
            code=error.code,
            message=error.message,
            path=path,
            suggestion=error.hint,
            fix=_read_otherwise(subject, sight, text, path, after),
        )
        return
    names = {name.replace("-", "_"): name for name in reversed(subject.steps)}
    told: set[str] = set()
    for look in looks(text):
        name, *rest = look.chain
        root = str(name) if name in subject.steps else names.get(str(name), str(name))
        whole = ".".join(map(str, look.chain))
        reference = Reference(root, tuple(rest), has_default=look.safe, text=str(name))
        unseen = sight.root(root, str(name), has_default=look.safe, path=tuple(rest))
        if unseen is None:
            reference = Reference(root, tuple(rest), has_default=look.safe, text=whole)
            seen = sight.produced(reference)
            unseen = seen if isinstance(seen, Unseen) else None
        if unseen is None or unseen.message in told:
            continue
        told.add(unseen.message)
        fix = None
        if unseen.code == "PLAN_REFERENCE_NOT_BEFORE":
            fix = after(root)
        yield _issue(sight, text, path, look, reference, unseen, fix)


def looks(text: str) -> list[Look]:
    """The chains of names that an expression looks at, as far as they are written out."""
    found: list[Look] = []
    stack: list[tuple[ast.AST, bool]] = [(ast.parse(source(text), mode="eval").body, False)]
    while stack:
        node, safe = stack.pop()
        chain = _chain(node)
        if chain and isinstance(node, ast.expr) and chain[0] not in ("true", "false", "null"):
            found.append(Look(chain, node.col_offset, node.end_col_offset or 0, safe))
        elif isinstance(node, ast.Call):
            default = isinstance(node.func, ast.Name) and node.func.id == "default"
            stack += [(arg, safe or (default and i == 0)) for i, arg in enumerate(node.args)]
        else:
            stack += [(child, safe) for child in ast.iter_child_nodes(node)]
    return sorted(found, key=lambda look: look.start)


def source(text: str) -> str:
    """The text as the expressions' own parser reads it."""
    return " ".join(text.split("\n")).strip()


def _chain(node: ast.AST) -> Chain:
    """("fetch", "links", 0) for `fetch.links[0]`; () for what is not only names."""
    path: list[str | int] = []
    while True:
        match node:
            case ast.Attribute(value=inner, attr=name):
                path.insert(0, name)
                node = inner
            case ast.Subscript(value=inner, slice=ast.Constant(value=str() | int() as key)):
                path.insert(0, key)
                node = inner
            case ast.Name(id=name):
                return (name, *path)
            case _:
                return ()


def _issue(
    sight: Sight,
    text: str,
    path: str,
    look: Look,
    reference: Reference,
    unseen: Unseen,
    fix: Fix | None,
) -> Issue:
    suggestion, fixed = unseen.suggestion, None
    if unseen.code == "PLAN_REFERENCE_NEEDS_DEFAULT":
        suggestion = f"Say what holds then: default({reference.text}.…, 0)."
        fixed = _defaulted(sight, text, look, reference.root)
    elif unseen.code == "PLAN_REFERENCE_UNKNOWN":
        fixed = _renamed(sight, text, look, unseen)
    return Issue(
        code=unseen.code,
        message=unseen.message,
        path=path,
        suggestion=suggestion,
        available=unseen.available,
        fix=Fix(path=path, value=fixed, label=f"Use {labelled(fixed)}") if fixed else fix,
    )


def _renamed(sight: Sight, text: str, look: Look, unseen: Unseen) -> str | None:
    for root, *rest in unseen.instead:
        reference = Reference(str(root), tuple(rest), has_default=look.safe)
        if sight.meant(reference) is not None:
            spelling = spelled((str(root).replace("-", "_"), *rest))
            same = [other for other in looks(text) if other.chain == look.chain]
            return _readable(put(text, [(each, spelling) for each in same]))
    return None


def _defaulted(sight: Sight, text: str, look: Look, root: str) -> str | None:
    """Every look at the step gets a default; if it can be, one that keeps the step from acting on what
    is not there."""
    bare = [each for each in looks(text) if each.chain[0] == look.chain[0] and not each.safe]
    changes = []
    for each in bare:
        seen = sight.produced(Reference(root, each.chain[1:], has_default=True))
        empty = empty_of(seen.kinds - {"null"}) if isinstance(seen, Shape) else None
        options = [json.dumps(empty)] if empty is not None else []
        options += _compared(text, each)
        if not options:
            return None
        changes.append((each, options))
    for number in range(max(len(options) for _, options in changes)):
        chosen = [(each, options[min(number, len(options) - 1)]) for each, options in changes]
        fixed = put(text, [(each, _wrapped(text, each, value)) for each, value in chosen])
        if _holds(fixed) is False:
            return fixed
    first = [(each, _wrapped(text, each, options[0])) for each, options in changes]
    return _readable(put(text, first)) if _holds(put(text, first)) is None else None


def _compared(text: str, look: Look) -> list[str]:
    """The constants that what is looked at is compared with."""
    found = []
    for node in ast.walk(ast.parse(source(text), mode="eval")):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(side.col_offset == look.start for side in sides):
                found += [ast.unparse(s) for s in sides if isinstance(s, ast.Constant)]
    return found


def _holds(text: str) -> bool | None:
    """Whether a guard holds where nothing that it looks at is there; None when that is not known."""
    try:
        return bool(parse(text).evaluate({}))
    except Invalid:
        return None


def _wrapped(text: str, look: Look, default: str) -> str:
    looked = source(text).encode()[look.start : look.end].decode()
    return f"default({looked}, {default})"


def put(text: str, changes: list[tuple[Look, str]]) -> str:
    data = source(text).encode()
    for look, new in sorted(changes, key=lambda change: -change[0].start):
        data = data[: look.start] + new.encode() + data[look.end :]
    return data.decode()


def spelled(chain: Chain) -> str:
    root, *path = chain
    steps = (
        f".{part}" if isinstance(part, str) and part.isidentifier() else f"[{json.dumps(part)}]"
        for part in path
    )
    return f"{root}{''.join(steps)}"


def _readable(text: str) -> str | None:
    try:
        parse(text)
    except Invalid:
        return None
    return text


def _read_otherwise(
    subject: Subject, sight: Sight, text: str, path: str, after: Callable[[str], Fix | None]
) -> Fix | None:
    for meant in expressions(text):
        if _readable(meant) and not list(guard(subject, sight, meant, path, after)):
            return Fix(path=path, value=meant, label=f"Use {labelled(meant)}")
    return None
