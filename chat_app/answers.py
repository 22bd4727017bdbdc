"""What a person answers a step, made ready for it: values changed at a gate fit the tool's own form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.contracts.errors import Invalid
from backend.contracts.runs import RunState
from backend.contracts.tools import ToolSpec
from backend.plans.validation.literals import validator


def answered(
    answer: Any, run: RunState, step: str, index: int | None, tool: ToolSpec | None
) -> Any:
    """The answer as the run takes it. A gate may be given `{"answer": "allow", "args": {name: value}}`;
    raises `Invalid` when a value is not one the tool takes, so that a slip of the pen fails no run."""
    if not isinstance(answer, Mapping) or not answer.get("args") or tool is None:
        return answer
    state = run.steps.get(step)
    cell = state if state is None or index is None else (state.items or ())[index : index + 1]
    asked: Any = cell[0] if isinstance(cell, tuple) and cell else cell
    args = dict((getattr(asked, "question", None) or {}).get("args") or {})
    properties = tool.inputs.get("properties") or {}
    edits = {
        name: _fitted(value, properties.get(name) or {})
        for name, value in dict(answer["args"]).items()
        if name in args
    }
    for error in validator(tool.inputs).iter_errors({**args, **edits}):
        raise Invalid(
            f"“{tool.name}” does not take that: {error.message}.",
            code="EXEC_ARGUMENT_INVALID",
            hint="Mend the value and allow it again.",
        )
    return {"answer": answer.get("answer"), "args": edits}


def _fitted(value: Any, schema: Mapping[str, Any]) -> Any:
    """A number typed into a field is a number where the tool wants one."""
    kinds = {schema.get("type"), *(s.get("type") for s in schema.get("anyOf") or ())}
    if not isinstance(value, str) or "string" in kinds or not kinds & {"integer", "number"}:
        return value
    try:
        return (
            int(value)
            if "number" not in kinds or value.strip().lstrip("-").isdigit()
            else float(value)
        )
    except ValueError:
        return value
