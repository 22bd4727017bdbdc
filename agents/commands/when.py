"""What a phrase means as a time. Starts fast: nothing is imported that it does not need."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import orjson
import typer
from rich.table import Table
from rich.text import Text

from agents.planner.times.report import report
from agents.terminal import ASKS, DONE, err, out, plain


def when(phrase: str, now: datetime | None, zone: str, as_json: bool) -> int:
    """Returns `ASKS` where the phrase is refused."""
    here = zone or os.environ.get("TIMEZONE", "") or _configured()
    found = report(phrase, _moment(now, here), here)
    if as_json:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    else:
        _say(found)
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


def _say(found: dict[str, Any]) -> None:
    if found["kind"] == "refused":
        err.print(Text.assemble(("✗ ", "bold red"), plain(found["reason"])))
        return
    meant = " and ".join(found["cron"]) or found["at"] or f"every {found['every_s']} s"
    out.print(Text.assemble((found["kind"], "bold"), f"  {meant}", (f"  {found['zone']}", "dim")))
    table = Table.grid(padding=(0, 2))
    for due in map(datetime.fromisoformat, found["next"]):
        table.add_row("", Text(due.strftime("%a %-d %b %Y")), Text(due.strftime("%H:%M")))
    out.print(table)
