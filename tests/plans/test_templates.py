"""The shipped templates, against the tools that are really there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backend.contracts.plans import Template
from backend.plans.templates import templates
from backend.plans.validation import check
from backend.tools.builtin import builtin
from backend.tools.outgoing import Outgoing
from backend.tools.registry import Registry
from tests.systems import settings_for

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
# may be made right by settings, without touching the plan
LATER = {"PLAN_SETTING_MISSING"}


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.slug)
def test_a_template_is_a_sound_plan_for_the_shipped_tools(
    template: Template, tmp_path: Path
) -> None:
    settings = settings_for(tmp_path)
    files: Any = None
    registry = Registry(builtin(), settings, http=Outgoing(settings), files=files)
    document = template.document.model_dump(mode="json", exclude_defaults=True)
    checked = check(document, registry.catalogue(), now=NOW)
    assert {i.code for i in checked.issues if i.severity == "error"} <= LATER, checked.issues
    assert checked.document == template.document


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.slug)
def test_a_template_says_what_it_is_and_what_it_needs(template: Template) -> None:
    assert template.name and template.description and template.example
    assert template.document.description
    assert all(given.description for given in template.document.inputs.values())


def test_there_is_a_template_for_each_kind_of_common_work() -> None:
    assert {t.slug for t in templates()} >= {
        "feed-digest",
        "page-watch",
        "weekly-report",
        "research-note",
        "folder-summary",
    }
