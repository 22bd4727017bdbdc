"""Pipe syntax there and back: what is written is read as the same plan."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backend.contracts.plans import PlanDocument
from backend.plans.ir import compile_document, ir_hash
from backend.plans.pipe import parse_pipe, to_pipe
from tests.plans.documents import documents, unhurried
from tests.plans.toolbox import DIGEST, SEED, document, plan, step


def same(original: PlanDocument) -> None:
    text = to_pipe(original)
    again = PlanDocument.model_validate(parse_pipe(text))
    assert again == original, text
    assert ir_hash(compile_document(again)) == ir_hash(compile_document(original)), text


@unhurried
@given(documents())
def test_any_plan_is_read_back_as_itself(original: PlanDocument) -> None:
    same(original)


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    """Plans whose steps follow one another in every way that makes chains, branches and joins."""
    names = [f"s{index}" for index in range(draw(st.integers(1, 9)))]
    outcomes = st.sampled_from(["", "", "", ".error", ".changed"])
    steps = []
    for index, name in enumerate(names):
        near = names[max(0, index - 3) : index] or ["s0"]
        sources = draw(st.lists(st.sampled_from(near), min_size=1, max_size=3, unique=True))
        on = [f"step.{source}{draw(outcomes)}" for source in sources]
        begins = index == 0 or draw(st.integers(0, 5)) == 0
        steps.append(step(name, ["go"] if begins else on))
    return plan(*steps)


@unhurried
@given(graphs())
def test_any_graph_is_read_back_as_itself(raw: dict[str, Any]) -> None:
    same(document(raw))


def test_the_shown_plans_are_read_back() -> None:
    for raw in (DIGEST, SEED):
        same(document(raw))
