"""What a run will do, before it does it."""

from __future__ import annotations

from typing import Any

from backend.contracts.plans import Catalogue
from backend.contracts.views import Forecast
from backend.plans.forecast import forecast
from backend.plans.ir import compile_document
from tests.plans.toolbox import EVERYTHING, document, plan, step, tool

BOOK = tool(
    "book.add",
    {"book": {"type": "string"}, "lines": {"type": "array"}, "note": {"default": "none"}},
    {},
    effects=("adds 1 entry to {book}", "prints {lines}", "keeps 1 note, {note}"),
)
TOOLS = Catalogue({**EVERYTHING.tools, BOOK.id: BOOK})
URL = {"url": "https://example.com"}


def predicted(*steps: dict[str, Any], **fields: Any) -> Forecast:
    return forecast(compile_document(document(plan(*steps, **fields))), TOOLS)


def mail(name: str, to: str, on: str | list[str] = "go", **fields: Any) -> dict[str, Any]:
    args = {"to": to, "subject": "s", "body": "b"}
    return step(name, on, "email.send", args=args, **fields)


def page(name: str, on: str | list[str] = "go", **fields: Any) -> dict[str, Any]:
    return step(name, on, "web.read", args=URL, **fields)


def test_effects_are_said_with_the_values_that_are_known() -> None:
    found = predicted(
        page("a"),
        mail("b", "me@example.com", "step.a"),
        step("c", "step.a", "file.write", args={"path": "notes/today.md"}),
    )
    assert found.effects == (
        "reads 1 web page",
        "sends 1 mail to me@example.com",
        "writes 1 file, notes/today.md",
    )
    assert found.step_effects["b"] == ("sends 1 mail to me@example.com",)
    assert not found.per_item


def test_the_same_effect_is_counted_and_others_are_kept_apart() -> None:
    found = predicted(
        page("a"),
        page("b"),
        mail("c", "me@example.com"),
        mail("d", "me@example.com"),
        mail("e", "you@example.com"),
        step("f", "go", BOOK.id, args={"book": "A", "lines": [1, 2, 3, 4, 5]}),
        step("g", "go", BOOK.id, args={"book": "A", "lines": ["x"]}),
    )
    assert found.effects == (
        "reads 2 web pages",
        "sends 2 mails to me@example.com",
        "sends 1 mail to you@example.com",
        "adds 2 entries to A",
        "prints 1, 2, 3 and 2 more",
        "keeps 2 notes, none",
        "prints x",
    )


def test_what_is_not_known_before_the_run_is_left_out() -> None:
    found = predicted(
        mail("a", "${inputs.who}"),
        step("b", "go", "file.write", args={"path": "${event.name}"}),
        step("c", "go", BOOK.id, args={"book": "${inputs.book}", "lines": "${event.lines}"}),
        inputs={"who": {}, "book": {"default": "the diary"}},
    )
    assert found.effects == (
        "sends 1 mail to someone",
        "writes 1 file",
        "adds 1 entry to the diary",
        "prints something",
        "keeps 1 note, none",
    )


def test_every_branch_counts() -> None:
    found = predicted(
        step("w", "go", "page.watch", args=URL),
        mail("a", "a@example.com", "step.w.changed"),
        mail("b", "a@example.com", "step.w.same"),
    )
    assert found.effects == ("sends 2 mails to a@example.com",)


def test_a_list_not_known_yet_is_said_to_repeat() -> None:
    found = predicted(page("a"), mail("b", "x@example.com", "step.a", for_each="${a.links}"))
    assert found.per_item
    assert found.effects[-1] == "sends 1 mail to x@example.com for each item"


def test_a_list_that_is_known_is_counted() -> None:
    found = predicted(
        mail("b", "x@example.com", for_each="${inputs.people}", max_parallel=2),
        inputs={"people": {"type": "array", "default": [1, 2, 3]}},
    )
    assert found.effects == ("sends 3 mails to x@example.com",)
    assert found.cost_usd == 0.3
    assert found.duration_s == 8
    assert not found.per_item


def test_a_loop_counts_up_to_its_limit() -> None:
    found = predicted(
        page("a", ["go", "step.b"]),
        mail("b", "x@example.com", "step.a", guard="true"),
        mail("c", "y@example.com", "step.b"),
        graph_type="reactive",
        max_iterations=1_000,
    )
    assert found.effects == (
        "reads up to 1,000 web pages",
        "sends up to 1,000 mails to x@example.com",
        "sends 1 mail to y@example.com",
    )
    assert found.duration_s == 3 + 4 + 4


def test_time_is_that_of_the_longest_way_and_cost_that_of_all() -> None:
    found = predicted(
        page("a"),
        page("b", "step.a"),
        mail("c", "x@example.com", "step.a"),
        mail("d", "y@example.com", ["step.b", "step.c"]),
    )
    assert found.duration_s == 3 + 4 + 4
    assert found.cost_usd == 0.2


def test_unknown_tools_count_for_nothing() -> None:
    assert predicted(step("a", action="no.tool")) == Forecast()


def test_a_value_in_an_effect_stays_on_one_short_line() -> None:
    (effect,) = predicted(step("a", "go", "file.write", args={"path": "x\n" * 500})).effects
    assert "\n" not in effect
    assert len(effect) < 120
