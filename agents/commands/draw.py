"""A plan in another form: a Mermaid flowchart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.text import Text

from agents.commands.documents import read_document
from agents.terminal import DONE, out
from backend.contracts.errors import Invalid
from backend.contracts.plans import IR, PlanDocument
from backend.plans.ir import compile_document
from backend.plans.validation.shape import shape


async def mermaid(file: Path) -> int:
    from backend.plans.render import mermaid as draw

    _, ir = plan_in(read_document(file))
    out.print(Text(draw(ir)), soft_wrap=True)
    return DONE


def plan_in(raw: Any) -> tuple[PlanDocument, IR]:
    """A plan and its IR; it may have faults, as long as it has the shape of one. Raises `Invalid`."""
    document, issues = shape(raw)
    if document is None:
        raise Invalid("This is not a plan.", issues=issues)
    return document, compile_document(document)
