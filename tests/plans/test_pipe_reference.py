"""Every text of the reference page is one that is read, and a plan that holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backend.contracts.plans import Catalogue
from backend.plans.pipe import parse_pipe, to_pipe
from backend.plans.validation import check
from backend.tools.builtin import builtin
from tests.plans.toolbox import NOW, document

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "pipe.md").read_text()
TEXTS = re.findall(r"```pipe\n(.*?)```", PAGE, re.DOTALL)
TOOLS = Catalogue({tool.spec.id: tool.spec for tool in builtin()})


@pytest.mark.parametrize("text", TEXTS)
def test_the_texts_of_the_page_are_plans(text: str) -> None:
    plan = parse_pipe(text, TOOLS)
    errors = [i for i in check(plan, TOOLS, now=NOW).issues if i.severity == "error"]
    assert not errors
    assert document(parse_pipe(to_pipe(document(plan)), TOOLS)) == document(plan)


@pytest.mark.parametrize(
    "declared", re.findall(r"^\| `(@[a-z]+(?:\(.*\))?)` \|", PAGE, re.MULTILINE)
)
def test_the_declarations_of_the_page_are_read(declared: str) -> None:
    assert parse_pipe(f"{declared} a.b")["steps"]
