"""Approval from the terminal: a plan set up from a file, a proposal approved or turned down."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import typer
from rich.text import Text

from agents.commands.documents import indented, parse_document, read_text
from agents.commands.execute import Given, inputs_of, sound, watched
from agents.commands.locks import look_at_lock, say_lock
from agents.commands.people import person, plan_of
from agents.commands.sessions import provenance_of
from agents.commands.show import show_effects, show_plan
from agents.commands.views import plan_as_json
from agents.terminal import ASKS, DONE, confirmed, err, plain, settings
from backend.bootstrap import open_system
from backend.contracts.errors import Conflict, Invalid
from backend.contracts.views import PlanView


@dataclass(frozen=True, slots=True)
class Order:
    """What the command line said; `yes` is the approval, given beforehand."""

    given: Given = field(default_factory=Given)
    yes: bool = False
    user_id: str = ""
    as_json: bool = False
    timezone: str = ""


async def set_up(file: Path, order: Order) -> int:
    """Propose and approve the plan in `file`, so that its schedule is set and its events are heard."""
    chosen = settings()
    text = read_text(file)
    async with open_system(chosen) as system:
        lightning = system.lightning
        who = await person(lightning, order.user_id)
        tools = await lightning.catalogue(who)
        raw = parse_document(text, file, tools)
        checked = await lightning.validate(who, raw, order.timezone or None)
        document, ir = sound(checked)
        if all(trigger.kind == "manual" for trigger in document.events):
            raise Invalid(
                "This plan has no time and waits for no event.",
                code="PLAN_NOTHING_TO_SET_UP",
                hint=f"Run it: lightning-planner execute {file}",
            )
        inputs = inputs_of(document, order.given)
        show_plan(checked, lightning.now(), order.timezone or lightning.timezone)
        show_effects(ir, tools)
        held = look_at_lock(file, ir, tools, chosen.jwt_signing_key)
        say_lock(held)
    if not order.yes and not confirmed("Set it up?"):
        err.print("Not approved; nothing was set up.")
        return ASKS
    async with open_system(chosen) as system, system.working():
        lightning = system.lightning
        offered = await lightning.propose(
            who,
            document,
            request=f"setup {file.name}",
            origin=held.origin,
            planner=held.planner,
            timezone=order.timezone or None,
            provenance=await provenance_of(lightning, who, held),
        )
        view = await lightning.approve(
            who, offered.plan_id, offered.ir_hash, offered.catalogue_hash, inputs
        )
        _told(view, order.as_json, f"Plan {view.plan_id} is set up. It runs while Lightning is up.")
    return DONE


async def approve(said: str, order: Order) -> int:
    """Approve the newest revision of a proposal: it is set up if it has a time or waits for events,
    else it runs now and is shown to its end."""
    chosen = settings()
    async with open_system(chosen) as system:
        lightning = system.lightning
        who = await person(lightning, order.user_id)
        view = await plan_of(lightning, who, said)
        if view.status != "proposed":
            raise Conflict(f"This plan is {view.status} already.", code="PLAN_NOT_OPEN")
        checked = await lightning.validate(who, view.document, view.timezone, view.not_covered)
        _, ir = sound(checked)
        inputs = inputs_of(view.document, order.given)
        show_plan(checked, lightning.now(), view.timezone)
        show_effects(ir, await lightning.catalogue(who))
    if not order.yes and not confirmed("Approve it?"):
        err.print("Not approved; it still waits.")
        return ASKS
    async with open_system(chosen) as system, system.working():
        lightning = system.lightning
        # exactly what was shown: another revision since then is a conflict
        approved = await lightning.approve(
            who, view.plan_id, view.ir_hash, view.catalogue_hash, inputs
        )
        if approved.run_id is not None:
            return await watched(lightning, who, approved.run_id, approved.document, order.as_json)
        _told(approved, order.as_json, "Approved. It runs while Lightning is up.")
    return DONE


async def reject(said: str, reason: str, user_id: str, as_json: bool) -> int:
    async with open_system(settings()) as system, system.working():
        lightning = system.lightning
        who = await person(lightning, user_id)
        view = await plan_of(lightning, who, said)
        rejected = await lightning.reject(who, view.plan_id, reason)
        _told(rejected, as_json, f"Turned down: {rejected.document.plan_name}.")
    return DONE


def _told(view: PlanView, as_json: bool, words: str) -> None:
    if as_json:
        typer.echo(indented(plan_as_json(view)).decode())
        return
    err.print(Text(plain(words)))
