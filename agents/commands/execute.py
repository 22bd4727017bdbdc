"""Running a plan from the terminal: check, ask, propose, approve, watch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import typer
from rich.text import Text

from agents.commands.documents import parse_document, read_text, run_once
from agents.commands.inputs import parse_inputs
from agents.commands.locks import Held, look_at_lock, say_lock
from agents.commands.people import person
from agents.commands.sessions import provenance_of
from agents.commands.show import show_effects, show_plan
from agents.commands.watch import outcome, watch
from agents.terminal import ASKS, confirmed, err, settings
from backend.api.shapes import run_as_json
from backend.bootstrap import open_system
from backend.contracts.errors import Invalid
from backend.contracts.plans import IR, Checked, PlanDocument
from backend.contracts.security import Principal
from backend.lightning import Lightning
from backend.lightning.inputs import check_inputs
from backend.settings import Settings

NOT_APPROVED = "Not approved; nothing was run."


@dataclass(frozen=True, slots=True)
class Given:
    """What a run is started with, as the command line said it: `pairs` are name=value, `options` those
    of the command line that are none of its own."""

    pairs: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """What the command line said. `yes` is the approval, given beforehand."""

    file: Path
    given: Given = field(default_factory=Given)
    yes: bool = False
    user_id: str = ""
    as_json: bool = False
    timezone: str = ""


async def execute(order: Order) -> int:
    """Run the plan of `order` once, now. Returns the exit code."""
    chosen = settings()
    text = read_text(order.file)
    async with open_system(chosen) as system:
        lightning = system.lightning
        who = await person(lightning, order.user_id)
        tools = await lightning.catalogue(who)
        raw = parse_document(text, order.file, tools)
        checked = await lightning.validate(who, raw, order.timezone or None)
        written, ir = sound(checked)
        document, timed = run_once(written)
        inputs = inputs_of(document, order.given)
        show_plan(checked, lightning.now(), order.timezone or lightning.timezone)
        show_effects(ir, tools)
        held = look_at_lock(order.file, ir, tools, chosen.jwt_signing_key)
        say_lock(held)
        if timed and held.origin == "planner":
            held = replace(held, origin="edited")  # its times are taken out of what was locked
    if timed:
        err.print("It runs once, now. To set its schedule: lightning-planner setup")
    # Asked between two openings: nothing is leased while a person thinks.
    if not order.yes and not confirmed("Run it?"):
        err.print(NOT_APPROVED)
        return ASKS
    return await _run(chosen, order, who, document, inputs, held)


def sound(checked: Checked) -> tuple[PlanDocument, IR]:
    """A plan that may be offered for approval. Raises `Invalid` (PLAN_HAS_ERRORS), with its issues."""
    if not checked.ok or checked.document is None or checked.ir is None:
        raise Invalid(
            "The plan has errors; nothing was done.", code="PLAN_HAS_ERRORS", issues=checked.issues
        )
    return checked.document, checked.ir


def inputs_of(document: PlanDocument, given: Given) -> dict[str, Any]:
    """Raises `Invalid` (PLAN_INPUTS_INVALID)."""
    values = parse_inputs(document.inputs, given.pairs, given.options)
    return check_inputs(document.inputs, values)


async def _run(
    chosen: Settings,
    order: Order,
    who: Principal,
    document: PlanDocument,
    inputs: dict[str, Any],
    held: Held,
) -> int:
    async with open_system(chosen) as system, system.working():
        lightning = system.lightning
        proposal = await lightning.propose(
            who,
            document,
            request=f"execute {order.file.name}",
            origin=held.origin,
            planner=held.planner,
            timezone=order.timezone or None,
            provenance=await provenance_of(lightning, who, held),
        )
        approved = await lightning.approve(
            who, proposal.plan_id, proposal.ir_hash, proposal.catalogue_hash, inputs
        )
        run_id = approved.run_id or await lightning.run(who, proposal.plan_id, inputs)
        return await watched(lightning, who, run_id, document, order.as_json)


async def watched(
    lightning: Lightning, who: Principal, run_id: str, document: PlanDocument, as_json: bool
) -> int:
    """Show a run to its end and what it brought. Returns the exit code."""
    err.print(Text(f"Run {run_id}", style="dim"))
    code = await watch(lightning, who, run_id, document)
    state = await lightning.run_state(who, run_id)
    if as_json:
        typer.echo(orjson.dumps(run_as_json(state)).decode())
    else:
        outcome(state, document)
    return code
