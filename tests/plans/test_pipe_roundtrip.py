"""Pipe syntax there and back: what is written is read as the same plan."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backend.contracts.plans import PlanDocument
from backend.plans.ir import compile_document, ir_hash
from backend.plans.pipe import parse_pipe, to_pipe
from tests.plans.documents import documents, unhurried
from tests.plans.toolbox import CATALOGUE, DIGEST, SEED, document, plan, step


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
        whole = parse_pipe(to_pipe(document(raw)), CATALOGUE)
        assert document(whole) == document(raw)


def test_a_plan_reads_like_one_typed_by_hand() -> None:
    assert (
        to_pipe(document(DIGEST))
        == """\
@plan("daily-hn-digest", "Mail me what matters on Hacker News")
@input(to: string, "who gets it", format=email)
event.morning: @cron("0 9 * * 1-5", "Europe/Paris")

fetch: feed.read --url=https://news.ycombinator.com/rss
  >> digest: text.summarize --text=${fetch.entries}
  >> email.send --to=${inputs.to} --subject="Today on HN" --body=${digest.summary}
       [emits=event.email.sent]
"""
    )


def test_branches_and_joins_are_written_as_groups() -> None:
    raw = plan(
        step("a"),
        step("b", "step.a.changed"),
        step("c", "step.b"),
        step("d", "step.a.changed", guard="a.x > 1"),
        step("e", ["step.c", "step.d.error"], approval="required"),
        step("f", "step.a", for_each="${a.links}"),
        events=[{"name": "event.start", "kind": "manual"}],
    )
    raw["steps"][0]["on"] = ["event.start"]
    assert (
        to_pipe(document(raw))
        == """\
@plan("test")

a: free.tool - "changed"
  >> (b: free.tool >> c: free.tool | ?(a.x > 1) d: free.tool - "error")
  >> ! e: free.tool
a >> * ${a.links} f: free.tool
"""
    )


def test_a_plan_that_says_nothing_special_is_only_its_steps() -> None:
    text = "feed.read --url=https://a.example/rss >> text.summarize --text=${read.entries}\n"
    assert to_pipe(PlanDocument.model_validate(parse_pipe(text))) == text


def test_what_cannot_be_seen_is_written_as_an_escape() -> None:
    text = to_pipe(document(plan(step("a", args={"x": "a\u202eb\U000e0001"}))))
    assert '--x="a\\u202eb\\udb40\\udc01"' in text


@unhurried
@given(documents())
def test_a_text_written_again_is_the_same(original: PlanDocument) -> None:
    text = to_pipe(original)
    assert to_pipe(PlanDocument.model_validate(parse_pipe(text))) == text
