"""The values a run is started with, against what the plan declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.contracts.errors import Invalid, Issue
from backend.contracts.plans import Input
from backend.plans.inputs import fits


def check_inputs(
    declared: Mapping[str, Input], given: Mapping[str, Any], *, whole: bool = True
) -> dict[str, Any]:
    """The given values, all declared and of the right type; none missing, if they are the `whole`.
    Raises `Invalid`."""
    issues = [
        Issue(
            code="PLAN_INPUT_UNKNOWN",
            message=f"The plan has no input {name[:60]!r}.",
            path=f"inputs/{name[:60]}",
            available=tuple(declared),
        )
        for name in given
        if name not in declared
    ]
    for name, spec in declared.items():
        path = f"inputs/{name}"
        if name not in given:
            if spec.default is None and whole:
                issues.append(
                    Issue(code="PLAN_INPUT_MISSING", message=f"{name} is needed.", path=path)
                )
        elif not fits(given[name], spec):
            issues.append(
                Issue(code="PLAN_INPUT_INVALID", message=f"{name} must be {spec.type}.", path=path)
            )
    if issues:
        raise Invalid(
            "Some inputs are not right.", code="PLAN_INPUTS_INVALID", issues=tuple(issues)
        )
    return dict(given)
