"""Templates for common work, shipped as data: a file each, its name is the template's slug."""

from __future__ import annotations

import functools
import json
from importlib import resources

from backend.contracts.plans import PlanDocument, Template


@functools.cache
def templates() -> tuple[Template, ...]:
    """By name. Each is a plan document, to be started with inputs of one's own."""
    found = []
    for file in resources.files(__name__).iterdir():
        if file.name.endswith(".json"):
            kept = json.loads(file.read_text(encoding="utf-8"))
            document = PlanDocument.model_validate(kept.pop("document"))
            found.append(Template(file.name.removesuffix(".json"), document=document, **kept))
    return tuple(sorted(found, key=lambda template: template.name))
