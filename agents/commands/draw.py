"""A plan in another form: a picture, Mermaid, Python, pipe syntax, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
from rich.text import Text

from agents.commands.documents import indented, read_document, write_file, written
from agents.terminal import DONE, err, plain, settings_alone
from backend.contracts.errors import Invalid
from backend.contracts.plans import IR, PlanDocument
from backend.plans.ir import compile_document
from backend.plans.validation.shape import shape

FORMATS = (".svg", ".png", ".mmd", ".py", ".pipe", ".json")


async def mermaid(file: Path, as_json: bool) -> int:
    """The plan in `file` as a Mermaid flowchart."""
    from backend.plans.render import mermaid as draw

    _, ir = plan_in(read_document(file))
    _say("mermaid", draw(ir), as_json)
    return DONE


async def pipe(file: Path, as_json: bool) -> int:
    """The plan in `file` in pipe syntax."""
    from backend.plans.pipe import to_pipe

    document, _ = plan_in(read_document(file))
    _say("pipe", to_pipe(document), as_json)
    return DONE


def _say(form: str, text: str, as_json: bool) -> None:
    typer.echo(indented({form: text}).decode() if as_json else plain(text.rstrip(), len(text)))


async def visualize(file: Path, output: Path, timezone: str, dark: bool, as_json: bool) -> int:
    """The plan in `file` in the form that the name of `output` says."""
    document, ir = plan_in(read_document(file))
    here = timezone or settings_alone().timezone or "UTC"
    write_file(output, _drawn(document, ir, output, here, dark))
    if as_json:
        typer.echo(indented({"written": str(output)}).decode())
    else:
        err.print(Text(f"Written to {output}."))
    return DONE


def _drawn(document: PlanDocument, ir: IR, output: Path, timezone: str, dark: bool) -> bytes:
    if output.suffix in (".svg", ".png"):
        from backend.plans.drawing import png, svg

        if output.suffix == ".png":
            return png(ir, timezone, dark)
        return svg(ir, timezone, dark).encode()
    if output.suffix == ".mmd":
        from backend.plans.render import mermaid as draw

        return draw(ir, timezone).encode()
    if output.suffix in (".py", ".pipe", ".json"):
        return written(document, output)
    raise Invalid(
        f"A plan is not drawn as {output.suffix or output.name!r}.",
        code="PLAN_FORMAT_UNKNOWN",
        hint=f"Name a file that ends in {', '.join(FORMATS)}.",
    )


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
