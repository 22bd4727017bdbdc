"""Saved plans as tools: their contracts, what a caller is bound to, what they give back."""

from __future__ import annotations

from typing import Any

import pytest

from backend.contracts.errors import Invalid
from backend.contracts.plans import Catalogue, PlanDocument, SavedPlan
from backend.contracts.security import Verdict
from backend.plans.forecast import forecast
from backend.plans.given import collect, given, unsure
from backend.plans.ir import compile_document, ir_hash
from backend.plans.lockfile import tools_hash
from backend.plans.nested import bindings, cycle, depth, with_saved
from backend.plans.parametrise import parametrise
from tests.plans.toolbox import CATALOGUE, DIGEST, codes, document, only, plan, step


def saved(slug: str, raw: dict[str, Any], revision: int = 1) -> SavedPlan:
    kept = PlanDocument.model_validate(raw)
    return SavedPlan(slug, slug, f"id-{slug}", revision, ir_hash(compile_document(kept)), kept)


def shelf(*plans: SavedPlan, base: Catalogue = CATALOGUE) -> Catalogue:
    return with_saved(base, plans)


def calling(slug: str, name: str = "call", **args: Any) -> dict[str, Any]:
    return step(name, action=f"plan.{slug}", args=args)


DIGESTS = shelf(saved("digest", DIGEST))


# --- the contract ---------------------------------------------------------------------------------------


def test_a_saved_plan_takes_its_inputs_and_gives_what_its_last_step_gave_and_got() -> None:
    spec = DIGESTS.tools["plan.digest"]
    assert spec.inputs["required"] == ["to"]
    assert spec.inputs["properties"]["to"]["format"] == "email"
    assert not spec.inputs["additionalProperties"]
    assert set(spec.outputs["properties"]) == {"message_id", "summary", "steps"}
    assert spec.outputs["properties"]["summary"] == {"type": "string"}
    assert (spec.type, spec.purity) == ("plan", "effect")
    assert spec.cost_usd == pytest.approx(0.11)


def test_a_plan_is_as_harmless_as_the_worst_of_its_steps() -> None:
    read = plan(step("read", action="web.read", args={"url": "https://a.com"}))
    gone = plan(step("read", action="nobody.knows"))
    tools = shelf(saved("a", read), saved("b", gone), saved("c", plan(calling("a")))).tools
    assert [tools[f"plan.{name}"].purity for name in "abc"] == ["pure", "effect", "pure"]


def test_what_a_step_below_lacks_or_may_not_do_holds_for_the_plan() -> None:
    base = Catalogue(
        CATALOGUE.tools,
        missing={"email.send": ("SMTP_HOST",)},
        verdicts={
            "email.send": Verdict("ask", "policy"),
            "feed.read": Verdict("deny", "policy", "PLAN_TOOL_FORBIDDEN", "no feeds"),
        },
    )
    tools = shelf(saved("digest", DIGEST), saved("top", plan(calling("digest"))), base=base)
    assert tools.missing["plan.top"] == ("SMTP_HOST",)
    assert tools.verdicts["plan.top"].decision == "deny"


def test_its_version_changes_with_all_that_lies_below_and_with_nothing_else() -> None:
    note = plan(step("write", action="file.write", args={"path": "a.md"}))
    top = saved("top", plan(calling("note")))
    before = shelf(saved("note", note), top)
    same = shelf(top, saved("note", note))
    other = {**note, "steps": [{**note["steps"][0], "args": {"path": "b.md"}}]}
    changed = shelf(saved("note", other), top)
    tool = CATALOGUE.tools["file.write"].model_copy(update={"version": "2"})
    newer = shelf(saved("note", note), top, base=Catalogue({**CATALOGUE.tools, "file.write": tool}))
    versions = [c.tools["plan.top"].version for c in (before, same, changed, newer)]
    assert versions[0] == versions[1]
    assert len(set(versions[1:])) == 3
    assert before.hash != changed.hash


def test_a_caller_is_bound_to_the_revisions_below_it() -> None:
    caller = compile_document(document(plan(calling("top"))))
    one = shelf(saved("digest", DIGEST), saved("top", plan(calling("digest", to="a@b.c"))))
    two = shelf(saved("digest", DIGEST, 2), saved("top", plan(calling("digest", to="a@b.c"))))
    assert tools_hash(caller, one) != tools_hash(caller, two)
    bound = bindings(caller, one)
    assert set(bound) == {"plan.top", "plan.digest"}
    assert bound["plan.digest"]["revision"] == 1
    assert bound["plan.digest"]["outputs"]["summary"] == ["digest", "summary"]
    assert bound["plan.top"]["outputs"]["summary"] == ["call", "summary"]


# --- what it gives back -----------------------------------------------------------------------------------


def test_a_name_that_two_last_steps_give_is_found_under_their_names_alone() -> None:
    two = compile_document(
        document(
            plan(
                step("a", action="web.read", args={"url": "https://a.com"}),
                step("b", action="feed.read", args={"url": "https://b.com"}),
                step("c", action="web.read", args={"url": "https://c.com"}),
            )
        )
    )
    places = given(two, CATALOGUE)
    assert "text" not in places and places["entries"] == ("b", "entries")
    found = collect(
        {"entries": ["b", "entries"], "other": ["c", "nothing"]},
        {"b": {"entries": [1]}, "c": None},
    )
    assert found == {"entries": [1], "other": None, "steps": {"b": {"entries": [1]}, "c": None}}


def test_a_step_that_may_not_have_run_gives_perhaps_nothing() -> None:
    guarded = plan(
        step("a", action="web.read", args={"url": "https://a.com"}),
        step("b", "step.a", action="file.write", args={"path": "x"}, guard="a.status == 200"),
        step("c", "step.b", action="text.summarize", args={"text": "x"}),
    )
    assert unsure(compile_document(document(guarded)), CATALOGUE) == {"b", "c"}
    spec = shelf(saved("g", guarded)).tools["plan.g"]
    assert spec.outputs["properties"]["summary"] == {
        "anyOf": [{"type": "string"}, {"type": "null"}]
    }


def test_the_steps_behind_a_branch_are_unsure_and_those_behind_both_are_not() -> None:
    branching = plan(
        step("w", action="page.watch", args={"url": "https://a.com"}),
        step("x", "step.w.changed", action="web.read", args={"url": "https://a.com"}),
        step("y", ["step.x", "go"], action="web.read", args={"url": "https://a.com"}),
    )
    assert unsure(compile_document(document(branching)), CATALOGUE) == {"x"}


def test_a_list_of_runs_gives_lists() -> None:
    each = plan(
        step("a", action="web.read", args={"url": "${item}"}, for_each="${inputs.urls}"),
        inputs={"urls": {"type": "array"}},
    )
    properties = shelf(saved("each", each)).tools["plan.each"].outputs["properties"]
    assert properties["text"] == {"type": "array", "items": {"type": "string"}}


# --- what it will do --------------------------------------------------------------------------------------


def test_a_call_counts_with_its_own_arguments_as_often_as_it_is_made() -> None:
    two = plan(
        calling("digest", "one", to="ann@example.com"),
        calling("digest", "two", to="ann@example.com"),
        step("own", action="email.send", args={"to": "ann@example.com", "subject": "", "body": ""}),
    )
    found = forecast(compile_document(document(two)), DIGESTS)
    assert "sends 2 mails to ann@example.com (in digest)" in found.effects
    assert "sends 1 mail to ann@example.com" in found.effects
    assert found.cost_usd == pytest.approx(0.32)
    assert found.step_effects["one"][-1] == "sends 1 mail to ann@example.com (in digest)"


def test_what_only_the_run_will_know_is_not_foretold_of_a_called_plan() -> None:
    asked = plan(
        step("read", action="web.read", args={"url": "https://a.com"}),
        step("call", "step.read", action="plan.digest", args={"to": "${read.text}"}),
    )
    found = forecast(compile_document(document(asked)), DIGESTS)
    assert "sends 1 mail to someone (in digest)" in found.effects


def test_a_call_in_a_call_is_named_by_the_outer_one_and_counted_through() -> None:
    outer = saved(
        "outer", plan(calling("digest", "a", to="x@y.z"), calling("digest", "b", to="x@y.z"))
    )
    tools = shelf(saved("digest", DIGEST), outer)
    each = plan(
        step("call", action="plan.outer", for_each="${inputs.days}"),
        inputs={"days": {"type": "array", "default": [1, 2, 3]}},
    )
    found = forecast(compile_document(document(each)), tools)
    assert "sends 6 mails to x@y.z (in outer)" in found.effects


# --- circles ----------------------------------------------------------------------------------------------


def test_a_circle_is_said_with_its_way() -> None:
    tools = shelf(
        saved("a", plan(calling("b"))),
        saved("b", plan(calling("c"))),
        saved("c", plan(calling("a"))),
    )
    assert cycle("plan.a", tools) == ("plan.a", "plan.b", "plan.c", "plan.a")
    issue = only(plan(calling("b")), catalogue=tools)
    assert (issue.code, issue.path) == ("PLAN_CYCLE", "steps/0/action")
    assert "plan.b → plan.c → plan.a → plan.b" in issue.message
    assert cycle("plan.digest", DIGESTS) == ()


def test_five_deep_is_deep_enough() -> None:
    plans = [saved("p1", plan(step("read", action="web.read", args={"url": "https://a.com"})))]
    plans += [saved(f"p{n}", plan(calling(f"p{n - 1}"))) for n in range(2, 8)]
    tools = shelf(*plans)
    assert [depth(f"plan.p{n}", tools) for n in (1, 5, 6, 7)] == [1, 5, 6, 6]
    assert codes(plan(calling("p5")), catalogue=tools) == []
    assert codes(plan(calling("p6")), catalogue=tools) == [("PLAN_TOO_DEEP", "steps/0/action")]


def test_a_tool_that_went_away_below_is_said_above() -> None:
    tools = shelf(saved("a", plan(step("x", action="web.raed"))), saved("b", plan(calling("a"))))
    issue = only(plan(calling("b")), catalogue=tools)
    assert (issue.code, issue.path) == ("PLAN_TOOL_UNKNOWN", "steps/0/action")
    assert "plan.a" in issue.message and "web.raed" in issue.message


def test_what_needs_its_own_event_cannot_be_called() -> None:
    def heard(**fields: Any) -> list[tuple[str, str]]:
        waits = plan(step("read", action="web.read", **fields))
        return codes(plan(calling("w")), catalogue=shelf(saved("w", waits)))

    wrong = [("PLAN_INTERFACE_MISMATCH", "steps/0/action")]
    assert heard(args={"url": "${event.url}"}) == wrong
    assert heard(args={"url": "https://a.com"}, guard="event.size > 3") == wrong
    assert heard(args={"url": '${event.url ?? "https://a.com"}'}) == []


def test_a_thousand_calls_below_calls_are_looked_through_once() -> None:
    wide = [
        saved(f"p{n}", plan(*(calling(f"p{n - 1}", f"c{i}") for i in range(200))))
        for n in (2, 3, 4, 5)
    ]
    tools = shelf(saved("p1", plan(step("read", action="web.read", args={"url": "x"}))), *wide)
    assert cycle("plan.p5", tools) == ()
    assert depth("plan.p5", tools) == 5


# --- templates --------------------------------------------------------------------------------------------

MAILS = plan(
    step("read", action="web.read", args={"url": "https://a.com"}),
    step(
        "one",
        "step.read",
        action="email.send",
        args={"to": "ann@b.c", "subject": "News", "body": "${read.text}", "priority": 3},
    ),
    step(
        "two",
        "step.one",
        action="email.send",
        args={"to": "bob@b.c", "subject": "ann@b.c", "body": "${read.text}"},
    ),
    step(
        "three",
        "step.two",
        action="email.send",
        args={"to": "ann@b.c", "subject": "again", "body": "${read.text}"},
    ),
)


def test_recipients_addresses_and_files_become_inputs_and_the_same_one_once() -> None:
    made = parametrise(document(MAILS), CATALOGUE)
    assert {n: (i.format, i.default) for n, i in made.inputs.items()} == {
        "url": (None, "https://a.com"),
        "to": ("email", "ann@b.c"),
        "two_to": ("email", "bob@b.c"),
    }
    to = [s.args.get("to") for s in made.steps]
    assert to == [None, "${inputs.to}", "${inputs.two_to}", "${inputs.to}"]
    assert made.steps[1].args["subject"] == "News"
    assert parametrise(made, CATALOGUE) == made


def test_chosen_values_become_inputs_of_their_kind() -> None:
    made = parametrise(
        document(MAILS), CATALOGUE, ["steps/1/args/priority", "steps/1/args/subject"]
    )
    kinds = {name: (i.type, i.default) for name, i in made.inputs.items()}
    assert kinds == {"priority": ("integer", 3), "subject": ("string", "News")}
    assert codes(made.model_dump(mode="json", exclude_defaults=True)) == []


@pytest.mark.parametrize("path", ["steps/1/args/body", "steps/9/args/to", "plan_name", ""])
def test_only_a_written_value_becomes_an_input(path: str) -> None:
    with pytest.raises(Invalid) as refused:
        parametrise(document(MAILS), CATALOGUE, [path])
    assert refused.value.code == "PLAN_EDIT_REFUSED"


def test_a_template_does_what_the_plan_did() -> None:
    made = parametrise(document(MAILS), CATALOGUE)
    before = forecast(compile_document(document(MAILS)), CATALOGUE)
    assert forecast(compile_document(made), CATALOGUE) == before
