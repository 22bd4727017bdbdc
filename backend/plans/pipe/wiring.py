"""Arguments that were left out, taken from where they clearly come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from backend.contracts.plans import RESERVED_ACTION, Catalogue
from backend.contracts.tools import ToolSpec
from backend.plans.ir import STEP_PREFIX
from backend.plans.pipe.syntax import Definition
from backend.plans.validation.schema import Absent, Shape

_RESULTS: Final = (
    "summary", "text", "content", "body", "result", "data", "answer", "entries", "items",
)  # fmt: skip
_TITLES: Final = frozenset({"subject", "title"})
_WORDS: Final = frozenset({"string"})


def wire(
    document: dict[str, Any], definitions: list[Definition], catalogue: Catalogue
) -> dict[str, Any]:
    """The document with required arguments filled in: from the item of a loop, from the output of
    the one step before, a title from the plan's name; bare words as text where text is taken; and
    errors that lead somewhere routed there. What is not clear stays open, for validation to say."""
    steps = {step["name"]: step for step in document["steps"]}
    heard = {name for step in document["steps"] for name in step["on"]}
    for name, step in steps.items():
        if f"{STEP_PREFIX}{name}.{RESERVED_ACTION}" in heard:
            step.setdefault("on_error", "route")
    for step, definition in zip(document["steps"], definitions, strict=True):
        spec = catalogue.tools.get(step["action"])
        if spec is None:
            continue
        _spell(step, definition, spec)
        missing = dict(_missing(spec, step.get("args", {})))
        fed = _from_item(step, missing, steps, catalogue) or _from_before(
            step, missing, steps, catalogue
        )
        for name in missing.keys() & _TITLES - fed.keys():
            if missing[name].kinds >= _WORDS:
                fed[name] = document["plan_name"]
        if fed:
            step["args"] = step.get("args", {}) | fed
    return document


def _spell(step: dict[str, Any], definition: Definition, spec: ToolSpec) -> None:
    """`--subject=2027` is text where only text is taken."""
    args = step.get("args", {})
    for name, text in definition.written.items():
        if not isinstance(args.get(name), str) and _argument(spec, name).kinds == _WORDS:
            args[name] = text


def _missing(spec: ToolSpec, args: Mapping[str, Any]) -> Iterator[tuple[str, Shape]]:
    required = spec.inputs.get("required", ())
    for name in required if isinstance(required, list | tuple) else ():
        if isinstance(name, str) and name not in args:
            yield name, _argument(spec, name)


def _argument(spec: ToolSpec, name: str) -> Shape:
    try:
        return Shape.of(spec.inputs).at(name)
    except Absent:
        return Shape()


def _from_item(
    step: dict[str, Any],
    missing: Mapping[str, Shape],
    steps: Mapping[str, Any],
    catalogue: Catalogue,
) -> dict[str, Any]:
    """A loop's item feeds the one argument left open, or those its own fields are named like."""
    if "for_each" not in step or not missing:
        return {}
    item = _item(step["for_each"], steps, catalogue)
    fed = {}
    for name, wanted in missing.items():
        try:
            if item is not None and _fits(item.at(name), wanted) and item.kinds == {"object"}:
                fed[name] = f"${{item.{name}}}"
        except Absent:
            continue
    if not fed and len(missing) == 1:
        (name, wanted), *_ = missing.items()
        if item is None or _fits(item, wanted):
            fed[name] = "${item}"
    return fed


def _item(loop: str, steps: Mapping[str, Any], catalogue: Catalogue) -> Shape | None:
    """The shape of one item of `${step.output}`, if that can be known."""
    name, dot, output = loop.strip().removeprefix("${").removesuffix("}").partition(".")
    source = steps.get(name)
    spec = catalogue.tools.get(source["action"]) if source and dot else None
    if source is None or spec is None:
        return None
    try:
        return _outputs(source, spec).at(output).at(0)
    except Absent:
        return None


def _from_before(
    step: dict[str, Any],
    missing: Mapping[str, Shape],
    steps: Mapping[str, Any],
    catalogue: Catalogue,
) -> dict[str, Any]:
    """What the one step before gives under the name of an argument, and else its result."""
    source = _before(step, steps)
    spec = catalogue.tools.get(source["action"]) if source else None
    if source is None or spec is None or not missing:
        return {}
    outputs = _outputs(source, spec)
    fed = {}
    for name, wanted in missing.items():
        if name in spec.outputs.get("properties", {}) and _fits(outputs.at(name), wanted):
            fed[name] = name
    open_ = {name: wanted for name, wanted in missing.items() if name not in fed}
    if not fed:
        content = _content(open_)
        found = _result(spec, outputs, open_[content]) if content else None
        if content and found:
            fed[content] = found
    return {name: f"${{{source['name']}.{output}}}" for name, output in fed.items()}


def _before(step: Mapping[str, Any], steps: Mapping[str, Any]) -> dict[str, Any] | None:
    if len(step["on"]) != 1 or not step["on"][0].startswith(STEP_PREFIX):
        return None
    name, _, action = step["on"][0].removeprefix(STEP_PREFIX).partition(".")
    source: dict[str, Any] | None = steps.get(name)
    return None if action == RESERVED_ACTION or source is step else source


def _content(missing: Mapping[str, Shape]) -> str | None:
    """The one argument open, or the one among several that takes more than plain text."""
    names = [name for name in missing if len(missing) == 1 or name not in _TITLES]
    rich = [name for name in names if missing[name].kinds - _WORDS]
    if len(names) == 1:
        return names[0]
    return rich[0] if len(rich) == 1 else None


def _result(spec: ToolSpec, outputs: Shape, wanted: Shape) -> str | None:
    """What the tool says it produces; else a usual name for a result; else its only fitting output."""
    names = [name for name in spec.outputs.get("properties", {}) if _fits(outputs.at(name), wanted)]
    for among in (spec.produces, _RESULTS):
        for name in among:
            if name in names:
                return name
    return names[0] if len(names) == 1 else None


def _outputs(step: Mapping[str, Any], spec: ToolSpec) -> Shape:
    outputs = Shape.of(spec.outputs)
    return outputs.columns() if "for_each" in step else outputs


def _fits(given: Shape, wanted: Shape) -> bool:
    return bool(given.kinds & wanted.kinds)
