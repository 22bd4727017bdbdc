"""What an argument is for, read from its schema and its name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal

from agents.planner import lexicon
from backend.contracts.tools import ToolSpec
from backend.plans.validation.schema import Shape

Role = Literal["url", "email", "path", "content", "number", "flag", "choice", "choices", "words"]


def properties(spec: ToolSpec) -> Mapping[str, Mapping[str, Any]]:
    found = spec.inputs.get("properties", {})
    return (
        {k: v for k, v in found.items() if isinstance(v, dict)} if isinstance(found, dict) else {}
    )


def required(spec: ToolSpec) -> frozenset[str]:
    return frozenset(spec.inputs.get("required", ()))


def roles(spec: ToolSpec) -> set[str]:
    return {role(name, wanted) for name, wanted in properties(spec).items()}


def ordered(spec: ToolSpec, args: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments in the order in which the tool lists them."""
    return {name: args[name] for name in properties(spec) if name in args}


def role(name: str, schema: Mapping[str, Any]) -> Role:
    """The role of the argument `name`."""
    formats = {branch.get("format") for branch in _branches(schema)}
    kinds = Shape(schema).kinds
    if formats & {"uri", "url"} or (name in lexicon.ADDRESS_NAMES and "string" in kinds):
        return "url"
    if "email" in formats or name in lexicon.RECIPIENT_NAMES:
        return "email" if name != "reply_to" else "words"
    if name in lexicon.PATH_NAMES:
        return "path"
    if any(_options(branch.get("items")) for branch in _branches(schema)):
        return "choices"
    if options(schema):
        return "choice"
    if name in lexicon.CONTENT_NAMES:
        return "content"
    if kinds <= {"integer", "number", "null"}:
        return "number"
    if kinds <= {"boolean", "null"}:
        return "flag"
    return "words"


def options(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The words an argument, or each item of its list, may be one of."""
    for branch in _branches(schema):
        if found := _options(branch) or _options(branch.get("items")):
            return found
    return ()


def takes_list(schema: Mapping[str, Any]) -> bool:
    return "array" in Shape(schema).kinds


def takes_object(schema: Mapping[str, Any]) -> bool:
    return "object" in Shape(schema).kinds


def output_for(
    spec: ToolSpec, name: str, wanted: Mapping[str, Any], nouns: frozenset[str] = frozenset()
) -> tuple[str, bool] | None:
    """The output of `spec` that best feeds the argument `name`, and whether its type fits.

    `nouns` are words of the request that may name it.
    """
    takes = Shape(wanted).kinds
    best: tuple[float, str, bool] | None = None
    for output, schema in (spec.outputs.get("properties") or {}).items():
        kinds = Shape(schema, spec.outputs).kinds
        fits = kinds <= takes or bool(kinds & takes)
        score = 4.0 * (output in nouns or output.rstrip("s") in nouns or f"{output}s" in nouns)
        score += 3.0 * (output in spec.produces) + 1.0 * (output == name) + 2.0 * fits
        if output in lexicon.RESULT_NAMES:
            score += 2.5 - 0.1 * lexicon.RESULT_NAMES.index(output)
        if output == "json" and name == "data":
            score += 5  # data as data
        if kinds <= {"boolean", "integer", "number", "null"}:
            score -= 3
        if best is None or score > best[0]:
            best = (score, output, fits)
    return (best[1], best[2]) if best else None


@lru_cache(20_000)
def stem(word: str) -> str:
    """A word without its commonest endings: enough to match "entries" with "entry"."""
    word = re.sub(r"'s$", "", word)
    word = word.replace("isation", "ization")
    word = re.sub(r"is(e|ed|es|ing)$", r"iz\1", word)
    for ending, put in (
        ("ies", "y"),
        ("ings", ""),
        ("ing", ""),
        ("ed", ""),
        ("es", "e"),
        ("s", ""),
    ):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word[: len(word) - len(ending)] + put
            break
    return word.rstrip("e") if len(word) > 4 else word


def vocabulary(spec: ToolSpec) -> frozenset[str]:
    """The stems of all words by which a tool describes itself."""
    words: list[str] = [spec.id, spec.name, spec.description, *spec.examples, *spec.produces]
    for name, schema in properties(spec).items():
        words += [name, str(schema.get("description", ""))]
    words += list(spec.outputs.get("properties") or {})
    return frozenset(stem(w) for w in re.findall(r"[a-z]+", " ".join(words).lower()))


def _branches(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    for key in ("anyOf", "oneOf"):
        for branch in schema.get(key) or ():
            if isinstance(branch, dict):
                yield branch
                if isinstance(branch.get("items"), dict):
                    yield branch["items"]


def _options(schema: Any) -> tuple[str, ...]:
    found = schema.get("enum") if isinstance(schema, dict) else None
    return tuple(v for v in found or () if isinstance(v, str))
