"""Running a document once, from the terminal: check, ask, propose, approve, watch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import typer
from rich.text import Text

from agents.documents import parse_inputs, read_document, run_once
from agents.terminal import ASKS, FAILED, err, plain, settings, show_issues, show_plan
from agents.watch import outcome, watch
from backend.api.shapes import run_as_json
from backend.bootstrap import open_system
from backend.contracts.plans import IR, Catalogue, PlanDocument
from backend.contracts.security import Principal
from backend.lightning import Lightning
from backend.lightning.inputs import check_inputs
from backend.plans.forecast import forecast
from backend.settings import Settings


@dataclass(frozen=True, slots=True)
class Order:
    """What the command line said. `yes` is the approval, given beforehand."""

    file: Path
    inputs: tuple[str, ...] = ()
    yes: bool = False
    user_id: str = ""
    as_json: bool = False
    timezone: str = ""


async def carry_out(order: Order) -> int:
    """Run the document of `order` once, now. Returns the exit code."""
    chosen = settings()
    raw = read_document(order.file)
    async with open_system(chosen) as system:
        lightning = system.lightning
        who = await _person(lightning, order.user_id)
        checked = await lightning.validate(who, raw, order.timezone or None)
        if not checked.ok or checked.document is None or checked.ir is None:
            show_issues(checked.issues)
            err.print("The plan has errors; nothing was run.")
            return FAILED
        document, timed = run_once(checked.document)
        inputs = check_inputs(document.inputs, parse_inputs(document.inputs, order.inputs))
        show_plan(checked)
        _show_effects(checked.ir, await lightning.catalogue(who))
    if timed:
        err.print("It runs once, now. To set its schedule, approve it in the chat.")
    # Asked between two openings: nothing is leased while a person thinks.
    if not order.yes and not _confirmed():
        err.print("Not approved; nothing was run.")
        return ASKS
    return await _run(chosen, order, who, document, inputs)


async def _run(
    chosen: Settings,
    order: Order,
    who: Principal,
    document: PlanDocument,
    inputs: dict[str, Any],
) -> int:
    async with open_system(chosen) as system, system.working():
        lightning = system.lightning
        proposal = await lightning.propose(
            who, document, request=f"execute {order.file.name}", timezone=order.timezone or None
        )
        approved = await lightning.approve(
            who, proposal.plan_id, proposal.ir_hash, proposal.catalogue_hash, inputs
        )
        run_id = approved.run_id or await lightning.run(who, proposal.plan_id, inputs)
        err.print(Text(f"Run {run_id}", style="dim"))
        code = await watch(lightning, who, run_id, document)
        state = await lightning.run_state(who, run_id)
    if order.as_json:
        typer.echo(orjson.dumps(run_as_json(state)).decode())
    else:
        outcome(state, document)
    return code


def _confirmed() -> bool:
    try:
        return typer.confirm("Run it?", default=False, err=True)
    except typer.Abort:
        return False  # nobody is there to say yes


async def _person(lightning: Lightning, user_id: str) -> Principal:
    users = lightning.users
    return await (users.user(user_id) if user_id else users.local_user())


def _show_effects(ir: IR, catalogue: Catalogue) -> None:
    effects = forecast(ir, catalogue).effects
    words = f"It {', '.join(effects)}." if effects else "It changes nothing outside of its results."
    err.print(Text(plain(words)))
