"""What a step can call."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.table import Table
from rich.text import Text

from agents.commands.documents import indented
from agents.commands.people import person
from agents.commands.planning import given_catalogue
from agents.terminal import DONE, out, plain, settings
from backend.bootstrap import open_system
from backend.contracts.plans import Catalogue


async def list_tools(catalogue: Path | None, user_id: str, as_json: bool) -> int:
    """The tools of the registry with the person's saved plans, or those of a foreign catalogue."""
    tools = given_catalogue(catalogue) or await _own(user_id)
    if as_json:
        listed = [tools.tools[id].model_dump(mode="json") for id in sorted(tools.tools)]
        found = {"hash": tools.hash, "tools": listed, "missing": tools.missing}
        typer.echo(indented(found).decode())
        return DONE
    table = Table.grid(padding=(0, 2))
    for id in sorted(tools.tools):
        words = Text(plain(tools.tools[id].description))
        if missing := tools.missing.get(id):
            words.append(f" needs {', '.join(missing)}", style="yellow")
        table.add_row(Text(plain(id), style="bold"), words)
    out.print(table)
    return DONE


async def _own(user_id: str) -> Catalogue:
    async with open_system(settings()) as system:
        lightning = system.lightning
        return await lightning.catalogue(await person(lightning, user_id))
