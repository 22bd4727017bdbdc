"""Requests as people type them, each with what must come of it: the table in everyday.txt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backend.contracts.ports import PlanAnswer
from backend.plans.validation import check

from .conftest import CATALOGUE, NOW, ZONE, Say

TABLE = Path(__file__).with_name("everyday.txt")
LINE_BREAK = " ⏎ "


def table() -> list[tuple[str, str]]:
    """Requests ("> …") with the lines below them."""
    blocks = TABLE.read_text(encoding="utf-8").strip().split("\n\n")
    cases = []
    for block in blocks:
        said, _, expected = block.removeprefix("> ").partition("\n")
        cases.append((said.replace(LINE_BREAK, "\n"), expected))
    return cases


def told(answer: PlanAnswer) -> str:
    """An answer as the table writes it."""
    if answer.kind != "plan" or answer.document is None:
        return f"{answer.kind}: {answer.text.split('. I can ')[0].split(' I can read')[0]}"
    (trigger,) = answer.document["events"]
    rest = [str(v) for k, v in trigger.items() if k not in ("name", "kind", "timezone")]
    lines = [f"{answer.document['plan_name']} | {' '.join([trigger['kind'], *rest])}"]
    lines += [step_told(step) for step in answer.document["steps"]]
    if answer.not_covered:
        lines.append(f"  not covered: {'; '.join(answer.not_covered)}")
    return "\n".join(lines)


def step_told(step: dict[str, Any]) -> str:
    args = [f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in step["args"].items()]
    each = [f"[for each of {step['for_each']}]"] if step.get("for_each") else []
    guard = [f"[if {step['guard']}]"] if step.get("guard") else []
    gate = ["[asks first]"] if step.get("approval") else []
    return " ".join([f"  {step['action']}", *args, *each, *guard, *gate])


@pytest.mark.parametrize(("said", "expected"), table())
async def test_an_everyday_request_is_understood_or_asked_about(
    say: Say, said: str, expected: str
) -> None:
    answer = await say(said)
    assert told(answer) == expected
    if answer.kind == "plan":
        found = check(
            answer.document, CATALOGUE, now=NOW, timezone=ZONE, not_covered=answer.not_covered
        )
        assert found.ok


def test_the_table_names_every_tool() -> None:
    text = TABLE.read_text(encoding="utf-8")
    assert [tool for tool in CATALOGUE.tools if f"  {tool}" not in text] == []
