"""References and expressions as they are often written elsewhere, spelled the way they are read here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from backend.plans.bindings import Reference

_CHAIN = r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+|\[-?[0-9]{1,9}\])*"
_ALONE = re.compile(rf"\$?\{{{{0,2}}\s*({_CHAIN})\s*\}}{{0,2}}")
_FOREIGN = re.compile(
    rf"\$\{{\{{\s*(?P<action>{_CHAIN})\s*\}}\}}"
    rf"|(?<![$\{{])\{{\{{\s*(?P<double>{_CHAIN})\s*\}}\}}"
    rf"|(?<![$\{{])\{{(?P<single>{_CHAIN})\}}(?!\}})"
)
_QUOTED = re.compile(r"(\$\{[^{}'\"]*\?\?\s*)'([^'\"\\{}]*)'(\s*\})")
_STRING = re.compile(r"('(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")")
_OPERATORS = (
    (re.compile(r"\$\{\s*([^{}]*?)\s*\}|\{\{\s*([^{}]*?)\s*\}\}"), r"\1\2"),
    (re.compile(r"^\s*if\s+"), ""),
    (re.compile(r"\s*&&\s*"), " and "),
    (re.compile(r"\s*\|\|\s*"), " or "),
    (re.compile(r"!=="), "!="),
    (re.compile(r"==="), "=="),
    (re.compile(r"!(?!=)\s*"), "not "),
)
_MAX_LABEL = 60


def spelled(chain: tuple[str | int, ...], reference: Reference) -> str:
    """A reference to `chain` with the default, if any, that `reference` has."""
    root, *path = chain
    default = f" ?? {json.dumps(reference.default, ensure_ascii=False)}"
    steps = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return f"${{{root}{steps}{default if reference.has_default else ''}}}"


def braced(text: str) -> str:
    """One chain of names, however it was marked, as a reference; "" for anything else."""
    match = _ALONE.fullmatch(text.strip())
    return f"${{{match[1]}}}" if match and re.search(r"[.\[]", match[1]) else ""


def rebraced(text: str, resolves: Callable[[str], bool]) -> str:
    """`{{step.output}}` and its like as references, where `resolves` says that they are; and defaults
    in quotes that JSON has."""

    def rewrite(match: re.Match[str]) -> str:
        meant = f"${{{match['action'] or match['double'] or match['single']}}}"
        return meant if resolves(meant) else match[0]

    quoted = _QUOTED.sub(lambda match: f"{match[1]}{json.dumps(match[2])}{match[3]}", text)
    return _FOREIGN.sub(rewrite, quoted) if "{" in quoted else quoted


def expressions(text: str) -> Iterator[str]:
    """What an expression in the dialect of another language may mean here."""
    parts = _STRING.split(text)
    for index in range(0, len(parts), 2):
        for pattern, here in _OPERATORS:
            parts[index] = pattern.sub(here, parts[index])
    fixed = "".join(parts).strip()
    if fixed != text:
        yield fixed
    if "=" in fixed:
        single = [
            re.sub(r"(?<![=!<>])=(?!=)", "==", p) if i % 2 == 0 else p
            for i, p in enumerate(_STRING.split(fixed))
        ]
        if "".join(single) != fixed:
            yield "".join(single)


def labelled(text: str) -> str:
    """Short enough for a button."""
    return text if len(text) <= _MAX_LABEL else f"{text[: _MAX_LABEL - 1]}…"
