"""The plan document and its IR, there and back, and the hashes an approval is bound to."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import rfc8785

from backend.contracts.errors import Invalid
from backend.contracts.plans import (
    IR,
    Catalogue,
    DataMapping,
    Edge,
    Node,
    PlanDocument,
    Step,
)
from backend.plans.bindings import Reference, references
from backend.plans.shared_store import shared_store_schema

STEP_PREFIX = "step."
_OUTPUT = re.compile(r"\$\{\s*([A-Za-z_][A-Za-z0-9_-]*)\.([A-Za-z_][A-Za-z0-9_-]*)\s*\}")
_NODE_FIELDS = sorted(Node.model_fields.keys() & Step.model_fields.keys())


def compile_document(document: PlanDocument, catalogue: Catalogue | None = None) -> IR:
    """The IR of a document. Names in `on` that mean nothing are kept as they are, for validation to
    report. With a catalogue at hand `shared_store_schema` is filled in; all else, and the hashes, are
    a function of the document alone. Raises `Invalid` (PLAN_NAME_TAKEN) when two steps share a name."""
    names = {step.name for step in document.steps}
    if len(names) != len(document.steps):
        raise Invalid("Two steps have the same name.", code="PLAN_NAME_TAKEN")
    listening = Listening(document)
    words = {step.name: step.description for step in document.steps if step.description}
    return IR(
        metadata={
            "schema_version": document.schema_version,
            "plan_name": document.plan_name,
            "description": document.description,
            "steps": words,
        },
        graph_type=document.graph_type,
        max_iterations=document.max_iterations,
        inputs=document.inputs,
        triggers=document.events,
        nodes=[_node(step) for step in document.steps],
        edges=[
            edge
            for step in document.steps
            for name in step.on
            for edge in listening(name, step.name)
        ],
        mappings=[mapping for step in document.steps for mapping in _mappings(step, names)],
        shared_store_schema=shared_store_schema(document.steps, catalogue)
        if catalogue is not None
        else {},
    )


def to_document(ir: IR) -> PlanDocument:
    """The document an IR was made from. Words missing from `metadata` come back empty; a mapping
    whose parameter the node lacks becomes an argument."""
    ids = {node.id for node in ir.nodes}
    listens: dict[str, list[Edge]] = {node.id: [] for node in ir.nodes}
    for edge in ir.edges:
        listens[edge.to].append(edge)
    mapped: dict[str, dict[str, Any]] = {}
    for mapping in ir.mappings:
        value = f"${{{mapping.source}.{mapping.output}}}"
        mapped.setdefault(mapping.to, {})[mapping.param] = value
    words = ir.metadata.get("steps", {})
    return PlanDocument(
        schema_version=ir.metadata.get("schema_version", 1),
        plan_name=ir.metadata.get("plan_name", "plan"),
        description=ir.metadata.get("description", ""),
        graph_type=ir.graph_type,
        max_iterations=ir.max_iterations,
        inputs=ir.inputs,
        events=ir.triggers,
        steps=[
            Step(
                name=node.id,
                on=list(_names(listens[node.id], ids)),
                action=node.tool,
                args=node.params | _absent(mapped.get(node.id, {}), node.params),
                description=words.get(node.id, ""),
                **{field: getattr(node, field) for field in _NODE_FIELDS},
            )
            for node in ir.nodes
        ],
    )


def ir_hash(ir: IR) -> str:
    """sha256 of the IR's canonical JSON (RFC 8785) without `metadata`, in hex.

    The store's schema is left out too: it follows from the tools' contracts, which an approval is
    bound to by a hash of their own. With it in here a tool that only describes its output better
    would make every approved plan another plan.

    Fields at their defaults are left out, so that a field added later changes no approved hash.
    Raises `Invalid` (PLAN_VALUE_UNREPRESENTABLE) for values that JSON cannot carry exactly.
    """
    return _sha256(_dump(ir))


def structure_hash(ir: IR) -> str:
    """As `ir_hash`, without triggers and literal arguments: equal for plans that differ only in
    when they run and with what."""
    dump = _dump(ir)
    triggers = {trigger["name"] for trigger in dump.pop("triggers", [])}
    ids = {node.id for node in ir.nodes}
    for node in dump["nodes"]:
        node["params"] = {name: _structure(value) for name, value in node.get("params", {}).items()}
    edges = [
        {"to": edge["to"]} if edge["from"] in triggers - ids else edge
        for edge in dump.pop("edges", [])
    ]
    dump["edges"] = list({rfc8785.dumps(edge): edge for edge in edges}.values())
    for value in dump.get("inputs", {}).values():
        value.pop("default", None)
        value.pop("description", None)
    return _sha256(dump)


def canonical(value: Any) -> bytes:
    """Canonical JSON. Raises `Invalid` (PLAN_VALUE_UNREPRESENTABLE)."""
    try:
        return rfc8785.dumps(value)
    except (ValueError, TypeError, RecursionError) as error:
        raise Invalid(
            f"A value cannot be written as exact JSON: {error}.",
            code="PLAN_VALUE_UNREPRESENTABLE",
            hint="Write very large whole numbers as text.",
        ) from error


class Listening:
    """What each name in an `on` list means in this document."""

    def __init__(self, document: PlanDocument) -> None:
        self._steps = {step.name for step in document.steps}
        self._triggers = {trigger.name for trigger in document.events}
        self._outcomes: dict[str, tuple[str, str | None] | None] = {}
        self._emitters: dict[str, list[str]] = {}
        for step in document.steps:
            for name in dict.fromkeys(step.emits):
                self._emitters.setdefault(name, []).append(step.name)

    def __call__(self, name: str, to: str) -> tuple[Edge, ...]:
        """The edges by which step `to` listens to `name`: several when several steps emit it."""
        if name in self._triggers:
            return (self._verbatim(name, to),)
        outcome = self.outcome(name)
        if outcome is not None:
            return (Edge(source=outcome[0], to=to, action=outcome[1]),)
        if name in self._emitters:
            return tuple(Edge(source=step, to=to, event=name) for step in self._emitters[name])
        return (self._verbatim(name, to),)

    def count(self, document: PlanDocument) -> int:
        """How many edges the document has, without making them."""
        heard = Counter(name for step in document.steps for name in step.on)
        return sum(len(self._emitters.get(name, "1")) * times for name, times in heard.items())

    def outcome(self, name: str) -> tuple[str, str | None] | None:
        """The step and, if named, the action behind "step.<name>" and "step.<name>.<action>"."""
        if name not in self._outcomes:
            self._outcomes[name] = self._outcome(name)
        return self._outcomes[name]

    def _outcome(self, name: str) -> tuple[str, str | None] | None:
        if name in self._triggers or not name.startswith(STEP_PREFIX):
            return None
        step, dot, action = name.removeprefix(STEP_PREFIX).partition(".")
        if step not in self._steps or bool(dot) != bool(action):
            return None
        return step, action or None

    def known(self, name: str) -> bool:
        return name in self._triggers or name in self._emitters or self.outcome(name) is not None

    def names(self) -> tuple[str, ...]:
        """Everything that can be listened to."""
        steps = (STEP_PREFIX + step for step in sorted(self._steps))
        return (*sorted(self._triggers), *steps, *sorted(self._emitters))

    def _verbatim(self, name: str, to: str) -> Edge:
        # A name equal to a step's is marked, or it would read back as that step's outcome.
        return Edge(source=name, to=to, event=name if name in self._steps else None)


def _node(step: Step) -> Node:
    fields = {field: getattr(step, field) for field in _NODE_FIELDS}
    return Node(id=step.name, tool=step.action, params=step.args, **fields)


def _mappings(step: Step, names: set[str]) -> Iterator[DataMapping]:
    """What is fed from an output of another name; where the names agree the argument says it all."""
    for param, value in step.args.items():
        match = _OUTPUT.fullmatch(value) if isinstance(value, str) else None
        if match and match[1] in names and match[2] != param:
            yield DataMapping(source=match[1], output=match[2], to=step.name, param=param)


def _names(edges: Sequence[Edge], ids: set[str]) -> Iterator[str]:
    """The `on` list behind one step's edges. An emitted name stands for all its emitters at once;
    it was listed again where an emitter repeats."""
    event, seen = None, set[str]()
    for edge in edges:
        if edge.event is None:
            event = None
            if edge.source not in ids:
                yield edge.source
            else:
                action = "" if edge.action is None else f".{edge.action}"
                yield f"{STEP_PREFIX}{edge.source}{action}"
        elif edge.event != event or edge.source in seen:
            event, seen = edge.event, {edge.source}
            yield edge.event
        else:
            seen.add(edge.source)


def _absent(values: Mapping[str, Any], present: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in present}


def _dump(ir: IR) -> dict[str, Any]:
    # In Python's mode because JSON's would write NaN as null, and two plans would share a hash.
    derived = {"metadata", "shared_store_schema"}
    dump = ir.model_dump(by_alias=True, exclude=derived, exclude_defaults=True)
    triggers = [trigger.model_dump(mode="json", exclude_none=True) for trigger in ir.triggers]
    return dump | ({"triggers": triggers} if triggers else {})


def _sha256(value: Any) -> str:
    return hashlib.sha256(canonical(value)).hexdigest()


def _structure(value: Any) -> Any:
    """Where a value comes from, without what is said literally: None for a literal."""
    if isinstance(value, dict):
        fields = {name: _structure(item) for name, item in value.items()}
        return fields if any(field is not None for field in fields.values()) else None
    if isinstance(value, list):
        items = [_structure(item) for item in value]
        return items if any(item is not None for item in items) else None
    if not isinstance(value, str) or "${" not in value:
        return None
    try:
        found = references(value)
    except Invalid:
        return value
    if len(found) == 1 and found[0].text == value:
        return _source(found[0])
    return [_source(reference) for reference in found] or None


def _source(reference: Reference) -> str:
    return ".".join([reference.root, *map(str, reference.path)])
