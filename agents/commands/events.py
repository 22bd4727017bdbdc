"""What can happen: the types of events with who may send them, and what your plans wait for."""

from __future__ import annotations

from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from agents.commands.documents import indented
from agents.terminal import DONE, out, plain
from backend.contracts.events import EVENT_TYPES, EventType

_PAGE = 200
_OTHERS = (
    "Any other name is yours: POST /api/events sends it, and it starts the plans that wait for it."
)


def list_events(as_json: bool) -> int:
    """The catalogue of event types."""
    kinds = [EVENT_TYPES[name] for name in sorted(EVENT_TYPES)]
    if as_json:
        typer.echo(indented({"events": [_as_json(kind) for kind in kinds]}).decode())
        return DONE
    table = Table.grid(padding=(0, 2))
    for kind in kinds:
        sender = Text("you", style="green") if kind.outside else Text("Lightning", style="dim")
        table.add_row(Text(kind.name, style="bold"), sender, Text(kind.description))
    out.print(table)
    out.print(Text(_OTHERS, style="dim"))
    return DONE


async def list_mine(user_id: str, as_json: bool) -> int:
    """What starts each of the person's approved plans."""
    from agents.commands.people import person
    from agents.commands.show import when
    from agents.terminal import settings
    from backend.bootstrap import open_system

    async with open_system(settings()) as system:
        lightning = system.lightning
        who = await person(lightning, user_id)
        plans, _ = await lightning.plans(who, limit=_PAGE)
        rows: list[tuple[dict[str, Any], str]] = []
        for view in plans:
            if view.status != "scheduled":
                continue
            data: dict[str, Any] = {
                "plan_id": view.plan_id,
                "plan": view.document.plan_name,
                "triggers": [
                    t.model_dump(mode="json", exclude_none=True) for t in view.document.events
                ],
                "next": [due.isoformat() for due in view.firings],
            }
            rows.append((data, when(view.document, lightning.now(), view.timezone, 1)))
    if as_json:
        typer.echo(indented({"mine": [data for data, _ in rows]}).decode())
        return DONE
    table = Table.grid(padding=(0, 2))
    for data, words in rows:
        id = Text(str(data["plan_id"])[:12], style="dim")
        table.add_row(id, Text(plain(str(data["plan"])), style="bold"), Text(plain(words)))
    out.print(table if rows else "No plan of yours waits for anything.")
    return DONE


def _as_json(kind: EventType) -> dict[str, Any]:
    return {
        "type": kind.name,
        "sender": "you" if kind.outside else "lightning",
        "description": kind.description,
        "required": list(kind.required),
        "fields": dict(kind.fields),
    }
