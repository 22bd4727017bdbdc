"""Why something happened, link by link back to what the person said."""

from __future__ import annotations

from typing import Any

import typer
from pydantic import TypeAdapter
from rich.text import Text

from agents.commands.documents import indented
from agents.commands.people import meant, person
from agents.terminal import DONE, out, plain, settings
from backend.bootstrap import open_system
from backend.contracts.explanation import Explanation

_explanations: TypeAdapter[Explanation] = TypeAdapter(Explanation)


async def explain(said: str, user_id: str, as_json: bool) -> int:
    async with open_system(settings()) as system:
        lightning = system.lightning
        who = await person(lightning, user_id)
        found = await lightning.explain(who, await meant(lightning, who, said))
    if as_json:
        data: dict[str, Any] = _explanations.dump_python(found, mode="json")
        typer.echo(indented(data).decode())
        return DONE
    for place, link in enumerate(found.links):
        arrow = Text("← " if place else "  ", style="dim")
        id = Text(f"  {plain(link.id[:12])}", style="dim")
        out.print(arrow + Text(plain(link.words)) + id, soft_wrap=True)
    return DONE
