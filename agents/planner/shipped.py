"""The shipped templates, as what a request can mean beside a person's own saved plans."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from backend.contracts.tools import ToolSpec
from backend.plans.nested import inputs_schema
from backend.plans.templates import templates

_PREFIX = "template."


@functools.cache
def shipped() -> Mapping[str, ToolSpec]:
    """By id, `template.<slug>`. They are no tools of any catalogue: a plan is made of one, never with."""
    return {
        f"{_PREFIX}{template.slug}": ToolSpec(
            id=f"{_PREFIX}{template.slug}",
            name=template.name,
            description=template.description,
            type="plan",
            inputs=inputs_schema(template.document.inputs),
            config={"document": template.document.model_dump(mode="json", exclude_defaults=True)},
        )
        for template in templates()
    }


def is_template(spec: ToolSpec) -> bool:
    return spec.id.startswith(_PREFIX)
