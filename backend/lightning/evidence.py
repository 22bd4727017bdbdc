"""What the log says of a run and of a plan's decisions: the events an explanation is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.contracts.events import Event, derived_id
from backend.contracts.ports import Commit

_REPORTS = {
    "plan.step.completed": "done",
    "plan.step.failed": "failed",
    "plan.step.unknown": "interrupted half way",
    "plan.step.waiting": "waiting for an answer",
    "plan.step.skipped": "skipped",
    "plan.step.errored": "failed",
}


@dataclass(frozen=True, slots=True)
class Called:
    """The last call of a step: `call` is its `plan.step.execute`, `report` what came of it, `said` that
    in a word, `allowed` a person's answer to a gate."""

    call: Event | None
    report: Event | None
    said: str
    allowed: Event | None


@dataclass(frozen=True, slots=True)
class Started:
    """How a run came to be: `trigger` is the command in the plan's stream that started it, `approval`
    the one that approved its revision."""

    trigger: Event | None
    approval: Event | None


def events_of(commits: Iterable[Commit]) -> Iterator[Event]:
    """Every event that was allowed, causes before what followed from them."""
    for commit in commits:
        if commit.verdict is None or commit.verdict.allowed:
            yield commit.cause
            yield from commit.outputs


def called(commits: Sequence[Commit], step: str, index: int | None) -> Called | None:
    """None when the run has no trace of the step."""
    call = report = allowed = None
    found = False
    for event in events_of(commits):
        if event.data.get("step") != step:
            continue
        if index is not None and event.data.get("index") != index:
            continue
        found = True
        if event.type == "plan.step.execute":
            call, report = event, None
        elif event.type in _REPORTS:
            report = event
        elif event.type == "plan.step.answered" and event.data.get("kind") == "gate":
            allowed = event
    if not found:
        return None
    return Called(call, report, _REPORTS[report.type] if report else "under way", allowed)


def started(commits: Sequence[Commit], run: Event) -> Started:
    """`commits` are the plan's; `run` is the `plan.execute` that began the run."""
    trigger: Event | None = None
    approval: Event | None = None
    for commit in commits:
        if any(e.type == "plan.approved" and _same(e.data, run.data) for e in commit.outputs):
            approval = commit.cause
        if any(event.id == run.id for event in commit.outputs):
            trigger = commit.cause
            break
    return Started(trigger, approval)


def approved(commits: Sequence[Commit], revision: int) -> Event | None:
    """The command that approved a revision."""
    for commit in commits:
        for event in commit.outputs:
            if event.type == "plan.approved" and event.data.get("revision") == revision:
                return commit.cause
    return None


def meant(event: Event, id: str) -> bool:
    """Whether `id` is the event's, the key of the effect it asks for, or that of what it brought about
    (the Message-ID of a mail)."""
    data = event.data
    if id in (event.id, data.get("key")):
        return True
    if event.type == "plan.step.execute":
        places = (data["run_id"], data["step"], data["iteration"], str(data.get("index")))
        return id == derived_id(*places)
    output = data.get("output") if event.type == "plan.step.completed" else None
    return isinstance(output, Mapping) and id in _ids(output)


def _ids(output: Mapping[str, Any]) -> Iterator[str]:
    return (value for name, value in output.items() if name.endswith("id") and value)


def _same(approval: Mapping[str, Any], run: Mapping[str, Any]) -> bool:
    return all(approval.get(name) == run[name] for name in ("ir_hash", "revision"))
