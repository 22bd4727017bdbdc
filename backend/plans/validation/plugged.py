"""Validators from plugins, held apart: what one of them does wrong is an issue of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from backend.contracts.errors import Issue
from backend.plans.validation.subject import Subject

Validator = Callable[[Subject], Iterable[Issue]]
MAX_ISSUES = 200


def plugged(name: str, validate: Validator, subject: Subject) -> Iterator[Issue]:
    """What a plugin's validator says of a copy of the plan, at most `MAX_ISSUES` of it. A rule that could
    not be asked is not a rule that holds, so its failure (PLAN_VALIDATOR_FAILED) is an error."""
    own = replace(subject, document=subject.document.model_copy(deep=True))
    try:
        for issue in islice(validate(own), MAX_ISSUES):
            yield _sound(issue)
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises, the others are heard
        yield Issue(
            code="PLAN_VALIDATOR_FAILED",
            message=f"The validator “{name[:80]}” broke: {_words(error)}",
            suggestion="Mend its plugin, or disable it.",
        )


def _sound(issue: object) -> Issue:
    """The issue as its contract has it, whatever was put past that. Raises `TypeError`, `ValueError`."""
    if not isinstance(issue, Issue):
        raise TypeError(f"it answered with a {type(issue).__name__}, not an issue.")
    read = Issue.model_validate(issue.model_dump())
    if not read.code.startswith(("PLAN_", "COMPILE_", "EXEC_")) or not read.message:
        raise ValueError(f"“{read.code[:80]}” is no issue's code, or it says nothing.")
    read.model_dump_json()
    return read


def _words(error: Exception) -> str:
    said = " ".join(str(error).split())[:200]
    return said if isinstance(error, (TypeError, ValueError)) and said else type(error).__name__
