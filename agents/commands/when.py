"""What a phrase means as a time. Starts fast: nothing is imported that it does not need."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import orjson
import typer
from pydantic import TypeAdapter
from rich.table import Table
from rich.text import Text

from agents.planner.times.report import report, understood
from agents.planner.times.scan import Refused
from agents.planner.times.when import When
from agents.terminal import ASKS, DONE, err, out, plain
from backend.contracts.plans import Trigger
from backend.plans.readback import words


def when(phrase: str, now: datetime | None, zone: str, as_json: bool) -> int:
    """Returns `ASKS` where the phrase is refused."""
    here = zone or os.environ.get("TIMEZONE", "") or _configured()
    moment = _moment(now, here)
    found = report(phrase, moment, here)
    if as_json:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    elif found["kind"] == "refused":
        err.print(Text.assemble(("✗ ", "bold red"), plain(found["reason"])))
    else:
        _say(found, understood(phrase, moment, here))
    return ASKS if found["kind"] == "refused" else DONE


def _moment(now: datetime | None, timezone: str) -> datetime:
    if now is None:
        return datetime.now(UTC)
    if now.tzinfo is not None:
        return now
    from agents.planner.times.zones import zone_info

    return now.replace(tzinfo=zone_info(timezone) or UTC)


def _configured() -> str:
    from agents.terminal import settings_alone
    from backend.settings import machine_timezone

    return settings_alone().timezone or machine_timezone()


def _say(found: dict[str, Any], meant: When | Refused) -> None:
    assert isinstance(meant, When)
    trigger: Trigger = TypeAdapter(Trigger).validate_python(meant.trigger("when"))
    zone = Text(f"  {found['zone']}", style="dim")
    out.print(Text(plain(words(trigger, found["zone"])), style="bold") + zone)
    for said in meant.assumed:
        out.print(Text(plain(said), style="yellow"))
    table = Table.grid(padding=(0, 2))
    for due in map(datetime.fromisoformat, found["next"]):
        table.add_row("", Text(due.strftime("%a %-d %b %Y")), Text(due.strftime("%H:%M")))
    out.print(table)
