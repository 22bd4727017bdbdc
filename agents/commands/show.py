"""Plans in the terminal: what, when, with which effects. Beside the data, so on standard error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agents.terminal import err, plain
from backend.contracts.errors import Invalid
from backend.contracts.plans import IR, Catalogue, Checked, PlanDocument, Step
from backend.plans.firings import firings, words
from backend.plans.forecast import forecast

NEXT = 3
_LONGEST = 60


def show_plan(checked: Checked, now: datetime, timezone: str, console: Console = err) -> None:
    """Name, purpose, time and steps."""
    document = checked.document
    if document is None:
        return
    console.print(Text(plain(document.plan_name), style="bold"))
    if document.description:
        console.print(Text(plain(document.description)))
    if said := when(document, now, timezone):
        console.print(Text("  " + plain(said), style="cyan"))
    table = Table.grid(padding=(0, 2))
    for number, step in enumerate(document.steps, 1):
        table.add_row(
            Text(f"  {number}", style="dim"),
            Text(plain(step.name), style="bold"),
            Text(plain(step.action), style="dim"),
            Text(plain(_told(step), 400)),
        )
    console.print(table)


def show_effects(ir: IR, catalogue: Catalogue) -> None:
    """What one run does to a person's things."""
    effects = forecast(ir, catalogue).effects
    said = f"It {', '.join(effects)}." if effects else "It changes nothing outside of its results."
    err.print(Text(plain(said)))


def when(document: PlanDocument, now: datetime, timezone: str, count: int = NEXT) -> str:
    """The triggers in words with the next firings; "" for a plan that is only started by hand."""
    others = [trigger for trigger in document.events if trigger.kind != "manual"]
    if not others:
        return ""
    try:
        said = ", ".join(words(trigger, timezone) for trigger in others)
        due = sorted(d for trigger in others for d in firings(trigger, now, timezone, count))
    except Invalid:
        return ""
    listed = ", ".join(moment(each, timezone, now) for each in due[:count])
    return f"{said} · next {listed}" if listed else said


def moment(due: datetime, timezone: str, now: datetime) -> str:
    """A time for a person in `timezone`; the year only where it is another."""
    here = due.astimezone(ZoneInfo(timezone))
    year = " %Y" if here.year != now.astimezone(here.tzinfo).year else ""
    return here.strftime(f"%a %-d %b{year} %H:%M")


def _told(step: Step) -> str:
    said = [f"{name}={_value(value)}" for name, value in step.args.items()]
    if step.guard:
        said.append(f"if {step.guard}")
    if step.for_each:
        said.append(f"for each of {step.for_each}")
    if step.approval:
        said.append("asks first")
    return "  ".join(said)


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def show_stages(stages: Sequence[Mapping[str, Any]], usage: Mapping[str, Any]) -> None:
    """How long each stage of planning took, and what the model cost."""
    said = [f"{stage['name']} {stage['duration_ms']:.0f} ms" for stage in stages]
    if usage.get("calls"):
        tokens = f"{usage.get('input_tokens', 0):,} + {usage.get('output_tokens', 0):,} tokens"
        said.append(f"{usage.get('model', '')} {tokens}, ${usage.get('cost_usd', 0.0):.4f}")
    if said:
        err.print(Text(plain(" · ".join(said)), style="dim"))
