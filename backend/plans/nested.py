"""Saved plans as tools: the contract of each, and what a plan that calls them is bound to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from backend.contracts.plans import (
    IR,
    SAVED_PREFIX,
    Catalogue,
    Input,
    PlanDocument,
    SavedPlan,
)
from backend.contracts.security import Verdict
from backend.contracts.tools import JsonSchema, Purity, ToolSpec
from backend.plans.forecast import forecast
from backend.plans.given import ALL, given, unsure
from backend.plans.ir import compile_document
from backend.plans.lockfile import tools_hash

MAX_DEPTH: Final = 5
_WORST: Final[tuple[Purity, ...]] = ("pure", "idempotent", "effect")
_STRICTEST: Final = ("allow", "ask", "deny")
_LONGEST_S: Final = 86_400.0


def with_saved(catalogue: Catalogue, saved: Iterable[SavedPlan]) -> Catalogue:
    """The catalogue with each saved plan as the tool `plan.<slug>`. A plan that calls another has that
    one's version in its own: what is approved on top changes with whatever lies below."""
    return _Shelf(catalogue, {plan.tool: plan for plan in saved}).catalogue()


def bindings(ir: IR, catalogue: Catalogue) -> dict[str, Any]:
    """Which revision each saved plan stands for that this one calls, at any depth, by tool id:
    {"plan_id", "revision", "ir_hash", "outputs"}; `outputs` as `given`. JSON."""
    bound: dict[str, Any] = {}
    waiting = [ir]
    while waiting:
        for node in waiting.pop().nodes:
            if node.tool in bound or not _is_plan(node.tool, catalogue):
                continue
            spec = catalogue.tools[node.tool]
            inner = compile_document(document_of(spec))
            bound[node.tool] = {
                "plan_id": spec.config["plan_id"],
                "revision": spec.config["revision"],
                "ir_hash": spec.config["ir_hash"],
                "outputs": {name: list(place) for name, place in given(inner, catalogue).items()},
            }
            waiting.append(inner)
    return bound


def called(tool: str, catalogue: Catalogue) -> tuple[str, ...]:
    """The saved plans that this tool calls itself, each once."""
    if not _is_plan(tool, catalogue):
        return ()
    steps = document_of(catalogue.tools[tool]).steps
    return tuple(dict.fromkeys(s.action for s in steps if s.action.startswith(SAVED_PREFIX)))


def cycle(tool: str, catalogue: Catalogue) -> tuple[str, ...]:
    """The way on which this tool comes to call itself, or another twice; empty when there is none."""
    clean: set[str] = set()

    def walk(at: str, way: tuple[str, ...]) -> tuple[str, ...]:
        if at in way:
            return (*way[way.index(at) :], at)
        if at in clean:
            return ()
        for other in called(at, catalogue):
            if found := walk(other, (*way, at)):
                return found
        clean.add(at)
        return ()

    return walk(tool, ())


def depth(tool: str, catalogue: Catalogue) -> int:
    """How many plans deep a call of this tool goes: 0 for what is no plan. Counted no further than one
    more than is allowed."""
    deep, level = 0, {tool}
    while deep <= MAX_DEPTH:
        level = {other for other in level if _is_plan(other, catalogue)}
        if not level:
            break
        deep += 1
        level = {inner for other in level for inner in called(other, catalogue)}
    return deep


def document_of(spec: ToolSpec) -> PlanDocument:
    """The document of a saved plan's tool."""
    return PlanDocument.model_validate(spec.config["document"])


def _is_plan(tool: str, catalogue: Catalogue) -> bool:
    spec = catalogue.tools.get(tool)
    return spec is not None and spec.type == "plan"


class _Shelf:
    """Builds the tools, those that are called before those that call them."""

    def __init__(self, catalogue: Catalogue, plans: Mapping[str, SavedPlan]) -> None:
        self._base = catalogue
        self._plans = plans
        self._all = replace(catalogue, tools=dict(catalogue.tools))
        self._missing = dict(catalogue.missing)
        self._verdicts = dict(catalogue.verdicts)

    def catalogue(self) -> Catalogue:
        for tool in self._plans:
            self._add(tool, ())
        versions = [f"{tool}={self._all.tools[tool].version}" for tool in sorted(self._plans)]
        digest = hashlib.sha256("\n".join([self._base.hash, *versions]).encode())
        return Catalogue(
            tools={id: self._all.tools[id] for id in (*self._base.tools, *self._plans)},
            missing=self._missing,
            verdicts=self._verdicts,
            hash=digest.hexdigest() if versions else self._base.hash,
        )

    def _add(self, tool: str, callers: tuple[str, ...]) -> None:
        # A cycle is cut where it closes; validation reports it.
        if tool in self._all.tools or tool in callers or tool not in self._plans:
            return
        plan = self._plans[tool]
        inner = {step.action for step in plan.document.steps}
        for other in sorted(inner):
            self._add(other, (*callers, tool))
        spec = _spec(plan, self._all)
        self._all.tools[tool] = spec  # type: ignore[index]
        lacking = {name for other in inner for name in self._missing.get(other, ())}
        if lacking:
            self._missing[tool] = tuple(sorted(lacking))
        judged = [self._verdicts[other] for other in sorted(inner) if other in self._verdicts]
        if judged:
            self._verdicts[tool] = max(judged, key=_strictness)


def _spec(plan: SavedPlan, catalogue: Catalogue) -> ToolSpec:
    document = plan.document
    ir = compile_document(document)
    foreseen = forecast(ir, catalogue)
    below = tools_hash(ir, catalogue)
    digest = hashlib.sha256(f"{plan.ir_hash}\n{below}".encode()).hexdigest()
    return ToolSpec(
        id=plan.tool,
        name=plan.name,
        description=document.description or f"Your saved plan “{plan.name}”.",
        version=f"{plan.revision}-{digest[:8]}",
        type="plan",
        inputs=inputs_schema(document.inputs),
        outputs=_outputs(ir, catalogue),
        purity=_purity(document, catalogue),
        effects=foreseen.effects,
        produces=_produces(ir, catalogue),
        capabilities=("saved",),
        config={
            "plan_id": plan.plan_id,
            "revision": plan.revision,
            "ir_hash": plan.ir_hash,
            "document": document.model_dump(mode="json", exclude_defaults=True),
        },
        cost_usd=foreseen.cost_usd,
        duration_s=foreseen.duration_s,
        timeout_s=_LONGEST_S,
        examples=(plan.request,) if plan.request else (),
    )


def inputs_schema(inputs: Mapping[str, Input]) -> JsonSchema:
    """A plan's inputs as a tool's: those without a default must be given."""
    fields = {name: dict(_field(spec)) for name, spec in inputs.items()}
    return {
        "type": "object",
        "properties": fields,
        "required": [name for name, spec in inputs.items() if spec.default is None],
        "additionalProperties": False,
    }


def _field(spec: Input) -> Iterator[tuple[str, Any]]:
    yield "type", spec.type
    for name in ("format", "description", "enum", "default"):
        if (value := getattr(spec, name)) not in (None, ""):
            yield name, value


def _outputs(ir: IR, catalogue: Catalogue) -> JsonSchema:
    """By natural names, and under "steps" all that the last steps give."""
    nodes = {node.id: node for node in ir.nodes}
    fields: dict[str, Any] = {}
    steps: dict[str, Any] = {}
    doubtful = unsure(ir, catalogue)
    for name, (step, output) in given(ir, catalogue).items():
        spec = catalogue.tools.get(nodes[step].tool)
        schema = (spec.outputs.get("properties") or {}).get(output, {}) if spec else {}
        schema = {} if "$ref" in str(schema) else schema
        if nodes[step].for_each is not None:
            schema = {"type": "array", "items": schema}
        nullable = schema and step in doubtful
        fields[name] = {"anyOf": [schema, {"type": "null"}]} if nullable else schema
        steps[step] = {"type": ["object", "null"] if step in doubtful else "object"}
    return {
        "type": "object",
        "properties": {**fields, ALL: {"type": "object", "properties": steps}},
        "additionalProperties": False,
    }


def _produces(ir: IR, catalogue: Catalogue) -> tuple[str, ...]:
    """What "it" means after this plan: what its last steps, or those before, are there to make."""
    nodes = {node.id: catalogue.tools.get(node.tool) for node in ir.nodes}
    made = [
        name
        for name, (step, output) in given(ir, catalogue).items()
        if (spec := nodes[step]) is not None and output in spec.produces
    ]
    return tuple(sorted(made, key=lambda name: name == "path"))


def _purity(document: PlanDocument, catalogue: Catalogue) -> Purity:
    found: list[Purity] = []
    for step in document.steps:
        spec = catalogue.tools.get(step.action)
        found.append(spec.purity if spec else "effect")
    return max(found, key=_WORST.index)


def _strictness(verdict: Verdict) -> int:
    return _STRICTEST.index(verdict.decision)
