"""A plan as a picture in text."""

from __future__ import annotations

from hypothesis import given

from backend.contracts.plans import PlanDocument
from backend.plans.ir import compile_document
from backend.plans.render import mermaid
from tests.plans.documents import documents, unhurried
from tests.plans.toolbox import DIGEST, document, plan, step


def test_a_plan_is_drawn_with_its_trigger_in_words() -> None:
    assert mermaid(compile_document(document(DIGEST)), "Europe/Paris") == (
        "flowchart LR\n"
        '    t0(["Weekdays at 09:00"])\n'
        '    s0["fetch<br/>feed.read"]\n'
        '    s1["digest<br/>text.summarize"]\n'
        '    s2["send<br/>email.send<br/>announces event.email.sent"]\n'
        "    t0 --> s0\n"
        "    s0 --> s1\n"
        "    s1 --> s2\n"
    )


def test_actions_gates_guards_and_lists_are_shown() -> None:
    drawn = mermaid(
        compile_document(
            document(
                plan(
                    step("a"),
                    step("b", "step.a.error", approval="required", guard="a.x > 1"),
                    step("c", "step.a", for_each="${a.links}"),
                )
            )
        )
    )
    assert '    s0 -.->|"error"| s1\n' in drawn
    assert '    s1{{"b<br/>free.tool<br/>if a.x #62; 1"}}\n' in drawn
    assert '    s2[["c<br/>free.tool<br/>for each a.links"]]\n' in drawn


def test_announced_names_first_of_several_and_plans_are_shown() -> None:
    drawn = mermaid(
        compile_document(
            document(
                plan(
                    step("a", emits=["ready", "seen"], on_error="continue"),
                    step("b", ["ready", "step.a.error"], action="plan.tidy-up", join="any"),
                )
            )
        )
    )
    assert '    s0["a<br/>free.tool<br/>goes on if it fails<br/>announces seen"]\n' in drawn
    assert '    s1[["b<br/>plan.tidy-up<br/>at the first of these"]]\n' in drawn
    assert '    s0 -->|"ready"| s1\n    s0 -.->|"error"| s1\n' in drawn


def test_a_trigger_called_like_a_step_is_not_that_step() -> None:
    named = [{"name": "a", "kind": "manual"}]
    drawn = mermaid(compile_document(document(plan(step("a"), step("b", "a"), events=named))))
    assert drawn.splitlines()[-1] == "    t0 --> s1"


def test_hostile_words_cannot_leave_their_label() -> None:
    evil = '"]; click s0 "javascript:alert(1)"\n%%{init: {}}%% <img src=x onerror=alert(1)>'
    drawn = mermaid(compile_document(document(plan(step("a", guard=evil, action=evil[:128])))))
    (label,) = [line for line in drawn.splitlines() if line.startswith("    s0")]
    inner = label.removeprefix('    s0["').removesuffix('"]').replace("<br/>", "")
    assert not set(inner) & set('"<>[]{}()|`%')
    assert len(drawn.splitlines()) == 4


@unhurried
@given(documents())
def test_any_plan_is_drawn_with_a_line_for_each_part(original: PlanDocument) -> None:
    ir = compile_document(original)
    lines = mermaid(ir).splitlines()
    assert 1 + len(ir.triggers) + len(ir.nodes) <= len(lines)
    assert len(lines) <= 1 + len(ir.triggers) + len(ir.nodes) + len(ir.edges)
