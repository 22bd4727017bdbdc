"""What must hold of runs, whatever happened to those who worked on them: by the log alone, on any bus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backend.contracts.ports import Bus, Commit

BEGUN = "plan.execute"
FINISHED = "plan.step.completed"
ENDED = ("run.completed", "run.failed", "run.cancelled")

Step = tuple[str, int | None, int]
"""A step's name, the index of its item in a loop, the iteration."""


@dataclass(slots=True)
class Story:
    """What the log says of one run, in order."""

    run_id: str
    commits: Sequence[Commit]
    finished: list[Step] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    stalled: bool = False
    children: list[str] = field(default_factory=list)


async def broken(bus: Bus, runs: Collection[str]) -> list[str]:
    """What does not hold of these runs and those they called, in words; empty when all is well.

    Nothing lost: every run has begun and has ended, none stalled, no message is dead. Nothing twice: no
    event was decided twice in its stream, no run begun twice or ended twice, no step finished twice. Order:
    positions without gaps, and each event after
    what caused it.
    """
    found: list[str] = []
    waiting = list(runs)
    while waiting:
        story = await read(bus, waiting.pop())
        found += _of(story)
        waiting += story.children
    found += [f"dead: {letter.delivery.event.type}" for letter in await bus.dead_letters()]
    return found


async def read(bus: Bus, run_id: str) -> Story:
    commits: list[Commit] = []
    cursor = None
    while page := (history := await bus.history(f"run:{run_id}", cursor)).commits:
        commits += page
        cursor = history.cursor
    story = Story(run_id, commits)
    for commit in commits:
        if _allowed(commit) and commit.cause.type == FINISHED:
            story.finished.append(_step(commit.cause.data))
        for event in commit.outputs:
            if event.type in ENDED:
                story.ended.append(event.type)
            story.stalled |= event.type == "run.stalled"
            if isinstance(child := event.data.get("child"), str) and child not in story.children:
                story.children.append(child)
    return story


def _of(story: Story) -> list[str]:
    run, commits = story.run_id, story.commits
    found = []
    if not commits:
        return [f"{run}: lost, it never began"]
    if [commit.position for commit in commits] != list(range(len(commits))):
        found.append(f"{run}: its positions have gaps or come out of order")
    begun = [c.position for c in commits if c.cause.type == BEGUN]
    if begun != [0]:
        found.append(f"{run}: begun at {begun}")
    if len(story.ended) != 1:
        found.append(f"{run}: ended {len(story.ended)} times")
    if story.stalled:
        found.append(f"{run}: stalled")
    found += _twice(run, "decided", [commit.cause.id for commit in commits])
    found += _twice(run, "finished", story.finished)
    found += _out_of_order(story)
    return found


def _twice(run: str, what: str, things: Sequence[Any]) -> list[str]:
    return [f"{run}: {what} {n} times: {thing}" for thing, n in Counter(things).items() if n > 1]


def _out_of_order(story: Story) -> list[str]:
    """A cause that an earlier commit of this stream sent out stands behind that commit."""
    sent: dict[str, int] = {}
    for commit in story.commits:
        for event in commit.outputs:
            sent.setdefault(event.id, commit.position)
    return [
        f"{story.run_id}: {commit.cause.type} at {commit.position} stands before what caused it"
        for commit in story.commits
        if sent.get(commit.cause.causation_id, -1) >= commit.position
    ]


def _allowed(commit: Commit) -> bool:
    return commit.verdict is None or commit.verdict.allowed


def _step(data: Mapping[str, Any]) -> Step:
    return data["step"], data.get("index"), data.get("iteration", 1)
