"""Pipe syntax: a plan as one readable text, there and back."""

from __future__ import annotations

from typing import Any

from backend.contracts.plans import Catalogue
from backend.plans.pipe.build import build
from backend.plans.pipe.errors import Misread
from backend.plans.pipe.parse import read
from backend.plans.pipe.scan import MAX_CHARACTERS
from backend.plans.pipe.wiring import wire
from backend.plans.pipe.write import to_pipe

__all__ = ["MAX_CHARACTERS", "Misread", "parse_pipe", "to_pipe"]


def parse_pipe(text: str, catalogue: Catalogue | None = None) -> dict[str, Any]:
    """The plan document that `text` says, as JSON and not yet validated.

    With a catalogue, required arguments that were left out are taken from the step before, where it
    is clear which of its outputs is meant; the reference is written into the document. Raises
    `Misread` (COMPILE_PIPE_SYNTAX, with line, column and an excerpt).
    """
    document, definitions = build(text, read(text))
    return wire(document, definitions, catalogue) if catalogue is not None else document
