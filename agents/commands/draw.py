"""A plan in another form: Mermaid, pipe syntax, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from agents.commands.documents import indented, read_document
from agents.terminal import DONE, settings_alone
from backend.contracts.errors import Invalid
from backend.contracts.plans import IR, PlanDocument
from backend.plans.ir import compile_document
from backend.plans.validation.shape import shape


async def mermaid(file: Path) -> int:
    from backend.plans.render import mermaid as draw

    _, ir = plan_in(read_document(file))
    typer.echo(draw(ir).rstrip())
    return DONE


async def pipe(file: Path, as_json: bool) -> int:
    """The plan in `file` in pipe syntax."""
    from backend.plans.pipe import to_pipe

    document, _ = plan_in(read_document(file))
    text = to_pipe(document)
    typer.echo(indented({"pipe": text}).decode() if as_json else text.rstrip())
    return DONE


async def parse(text: str) -> int:
    """The plan that `text` says, as JSON; what it leaves out is filled with the shipped tools."""
    from backend.bootstrap import open_planning
    from backend.plans.pipe import parse_pipe

    async with open_planning(settings_alone()) as planning:
        typer.echo(indented(parse_pipe(text, planning.catalogue)).decode())
    return DONE


def plan_in(raw: Any) -> tuple[PlanDocument, IR]:
    """A plan and its IR; it may have faults, as long as it has the shape of one. Raises `Invalid`."""
    document, issues = shape(raw)
    if document is None:
        raise Invalid("This is not a plan.", issues=issues)
    return document, compile_document(document)
