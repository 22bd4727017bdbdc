"""A plan as a Python file: it reads back as itself, and nothing in it is ever run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.contracts.errors import Invalid
from backend.contracts.plans import PlanDocument
from backend.plans.export import from_python, to_python
from tests.plans.documents import documents, unhurried
from tests.plans.toolbox import DIGEST, document, plan, step

IMPORT = "from backend.contracts.plans import PlanDocument, Step\n"


@unhurried
@given(documents())
def test_any_plan_is_read_back_as_itself(original: PlanDocument) -> None:
    assert PlanDocument.model_validate(from_python(to_python(original))) == original


def test_a_file_reads_like_one_written_by_hand() -> None:
    assert to_python(document(DIGEST)).splitlines()[:18] == [
        '"daily-hn-digest: Mail me what matters on Hacker News"',
        "",
        "from backend.contracts.plans import CronTrigger, Input, PlanDocument, Step",
        "",
        "plan = PlanDocument(",
        '    plan_name="daily-hn-digest",',
        '    description="Mail me what matters on Hacker News",',
        '    inputs={"to": Input(format="email", description="who gets it")},',
        "    events=[",
        "        CronTrigger(",
        '            name="event.morning",',
        '            kind="cron",',
        '            schedule="0 9 * * 1-5",',
        '            timezone="Europe/Paris",',
        "        ),",
        "    ],",
        "    steps=[",
        "        Step(",
    ]


def test_a_file_that_is_run_prints_the_same_plan(tmp_path: Path) -> None:
    file = tmp_path / "plan.py"
    original = document(plan(step("a", args={"x": None, "y": "q\"'\\\n", "z": -0.5})))
    file.write_text(to_python(original))
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, str(file)], cwd=root, env={"PYTHONPATH": str(root)},
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert PlanDocument.model_validate(json.loads(ran.stdout)) == original


@pytest.mark.parametrize(
    "line",
    [
        "import os",
        "from os import system",
        "from backend.contracts.plans import *",
        "from backend.contracts.plans import PlanDocument as print",
        "print(1)",
        "plan = open('/etc/passwd')",
        "plan = PlanDocument(**{})",
        "plan = PlanDocument(plan_name=__import__('os').name)",
        "plan = PlanDocument(plan_name=f'{1}')",
        "plan = Rb'' f'" + "{1}" * 120_000 + "'",
        "plan = PlanDocument(plan_name='a' * 9)",
        "plan = PlanDocument(steps=[s for s in ()])",
        "plan = PlanDocument(steps=[Step(args={**x})])",
        "plan = PlanDocument(steps=[Step(args={1: 2})])",
        "plan = PlanDocument(steps=[*x])",
        "plan = PlanDocument(plan_name=b'x')",
        "plan = PlanDocument(plan_name=...)",
        "plan = PlanDocument(plan_name=1j)",
        "plan = (lambda: 1)()",
        "plan = eval('1')",
        "plan: int = PlanDocument()",
        "def plan(): ...",
        "if __name__ == '__main__':\n    import os",
        "if " + "-" * 900 + "1: print(plan)",
        "plan = PlanDocument(steps=" + "[" * 60 + "]" * 60 + ")",
    ],
)
def test_what_is_more_than_literals_is_refused(line: str) -> None:
    with pytest.raises(Invalid) as caught:
        from_python(IMPORT + line)
    assert caught.value.code == "COMPILE_PYTHON_UNSAFE"
    assert caught.value.message.startswith("Line 2: ")


@pytest.mark.parametrize(
    "text",
    ["", "plan", "x = (", "\0", "\ud800", "-" * 90_000 + "1", "(" * 90_000, "a" + ".a" * 90_000,
     "plan = " + "9" * 9_000, "x" * 500_001],
)  # fmt: skip
def test_what_is_no_plan_file_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        from_python(text)
    assert caught.value.code.startswith("COMPILE_PYTHON_")


@unhurried
@given(st.text())
def test_no_text_raises_anything_else(text: str) -> None:
    with pytest.raises(Invalid):
        from_python(text)


def test_a_number_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(Invalid) as caught:
        to_python(document(plan(step("a", args={"x": float("nan")}))))
    assert caught.value.code == "COMPILE_PYTHON_UNSAYABLE"
