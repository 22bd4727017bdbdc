"""From words to a plan, on standard output; all that is said about it on standard error."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import typer
from rich.status import Status
from rich.text import Text

from agents.commands.answers import WITHOUT_MODEL, as_json, usable, ways_on
from agents.commands.documents import (
    MAX_BYTES,
    indented,
    read_document,
    write_file,
    written,
)
from agents.commands.locks import write_lock
from agents.commands.planning import Desk, given_catalogue, open_desk
from agents.commands.sessions import recorded
from agents.commands.show import show_effects, show_plan, show_stages
from agents.planner.ready import HAND
from agents.planner.session import Outcome
from agents.terminal import ASKS, DONE, FAILED, err, plain, settings, show_issues
from backend.contracts.events import utc_now


@dataclass(frozen=True, slots=True)
class Order:
    """What the command line said. `after` is the plan that the words are said about."""

    request: str
    output: Path | None = None
    after: Path | None = None
    catalogue: Path | None = None
    offline: bool = False
    as_json: bool = False
    timezone: str = ""
    now: datetime | None = None


async def generate(order: Order) -> int:
    """Returns the exit code."""
    request = sys.stdin.read(MAX_BYTES) if order.request == "-" else order.request
    previous = read_document(order.after) if order.after else None
    tools = given_catalogue(order.catalogue)
    async with open_desk(offline=order.offline, catalogue=tools, timezone=order.timezone) as desk:
        outcome = await _planned(desk, request, previous, order.now)
        if order.output is not None:
            await _write(order.output, outcome, desk, order, request)
        _say(outcome, desk, order)
    if outcome.answer.kind != "plan":
        return ASKS
    return DONE if usable(outcome.checked) else FAILED


async def _planned(desk: Desk, request: str, previous: Any, now: datetime | None) -> Outcome:
    with err.status("Planning…") as status:
        return await desk.plan(
            request, previous=previous, now=now, on_stage=_Progress(status, desk.model).tell
        )


class _Progress:
    """The stages of planning on standard error, where they take long enough to be read."""

    def __init__(self, status: Status, model: bool) -> None:
        self._status = status
        self._lines = model and not err.is_terminal

    def tell(self, name: str, state: str) -> None:
        if state != "running":
            return
        self._status.update(f"Planning: {name}…")
        if self._lines:
            err.print(Text(f"{name}…", style="dim"))


def _say(outcome: Outcome, desk: Desk, order: Order) -> None:
    answer, checked = outcome.answer, outcome.checked
    if order.as_json:
        typer.echo(indented(as_json(outcome, model=desk.model)).decode())
        return
    if answer.text:
        err.print(Text(plain(answer.text)))
    for choice in answer.choices:
        err.print(Text(plain(f"  · {choice}")))
    if answer.kind != "plan" or checked is None:
        return
    _say_ways_on(outcome, desk)
    show_plan(checked, order.now or utc_now(), desk.timezone)
    if checked.ir is not None:
        show_effects(checked.ir, desk.catalogue)
    show_issues((*outcome.repairs, *checked.issues))
    show_stages(answer.stages, answer.usage)
    if order.output is None:
        typer.echo(indented(dict(answer.document or {})).decode())
    else:
        waits = checked.document and any(t.kind != "manual" for t in checked.document.events)
        verb = (
            "Set it up: lightning-planner setup" if waits else "Run it: lightning-planner execute"
        )
        err.print(Text(f"Written to {order.output}. {verb} {order.output}"), soft_wrap=True)


def _say_ways_on(outcome: Outcome, desk: Desk) -> None:
    other = ways_on(outcome, model=desk.model)
    if other is None:
        return
    err.print(Text(plain(other.text)))
    for choice in other.choices:
        told = "Plan without a model: --offline" if choice == WITHOUT_MODEL else choice
        err.print(Text(plain(f"  · {told}")))


async def _write(file: Path, outcome: Outcome, desk: Desk, order: Order, request: str) -> None:
    """The plan, and its lockfile where a planner made it of the tools of this machine."""
    answer, checked = outcome.answer, outcome.checked
    if checked is None or answer.kind != "plan":
        return
    if checked.document is None or checked.ir is None:
        write_file(file, indented(answer.document) + b"\n")
        return
    write_file(file, written(checked.document, file))
    if order.catalogue is None and answer.planner != HAND:
        chosen, now = settings(), utc_now()
        session = await recorded(chosen, request, outcome, now)
        write_lock(
            file,
            checked.ir,
            desk.catalogue,
            chosen,
            planner=answer.planner,
            planning_id=session,
            now=now,
        )
