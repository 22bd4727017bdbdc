"""A lockfile says what was looked at; whatever is not that any more is said in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from backend.contracts.plans import IR, Catalogue, PlanDocument, Trust
from backend.plans.ir import compile_document, ir_hash
from backend.plans.lockfile import (
    Lock,
    Origin,
    is_signed,
    make_lock,
    read_lock,
    tools_hash,
    trust_of,
    verify,
)
from tests.plans.toolbox import TEXT, tool

KEY = "an instance's key, and long enough"
AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
READ = tool("feed.read", {"url": TEXT}, {})
SEND = tool("email.send", {"to": TEXT}, {})
TOOLS = Catalogue({t.id: t for t in (READ, SEND)})


def ir_of(to: str = "a@example.com") -> IR:
    steps = [
        {"name": "read", "on": ["go"], "action": "feed.read", "args": {"url": "https://a.eu"}},
        {"name": "send", "on": ["step.read"], "action": "email.send", "args": {"to": to}},
    ]
    events = [{"name": "go", "kind": "manual"}]
    return compile_document(
        PlanDocument.model_validate({"plan_name": "p", "events": events, "steps": steps})
    )


def locked(ir: IR | None = None, key: str = KEY) -> Lock:
    return make_lock(
        ir or ir_of(),
        TOOLS,
        key,
        created_by="offline",
        created_at=AT,
        origin="planner",
        trust="trusted",
    )


def codes(lock: Lock, ir: IR | None = None, tools: Catalogue = TOOLS, key: str = KEY) -> list[str]:
    return [issue.code for issue in verify(lock, ir or ir_of(), tools, key)]


def with_tool(**changes: Any) -> Catalogue:
    return Catalogue({**TOOLS.tools, "email.send": SEND.model_copy(update=changes)})


def test_a_lock_holds_while_nothing_changes() -> None:
    lock = locked()
    assert verify(lock, ir_of(), TOOLS, KEY) == ()
    assert lock.ir_hash == ir_hash(ir_of())
    assert {t: v["version"] for t, v in lock.tool_versions.items()} == {
        "feed.read": "1",
        "email.send": "1",
    }
    assert (lock.created_by, lock.created_at) == ("offline", AT.isoformat())


def test_a_lock_is_the_same_after_being_kept_as_json() -> None:
    lock = locked()
    assert read_lock(lock.as_json()) == lock


def test_a_plan_edited_by_hand_breaks_its_lock() -> None:
    assert codes(locked(), ir_of("mallory@example.com")) == ["PLAN_LOCK_BROKEN"]


def test_a_new_version_of_a_tool_is_named_with_both_versions() -> None:
    (issue,) = verify(locked(), ir_of(), with_tool(version="2"), KEY)
    assert issue.code == "PLAN_TOOLS_CHANGED"
    assert issue.message == "The tool email.send changed from version 1 to 2."


def test_another_contract_under_the_same_version_is_noticed() -> None:
    (issue,) = verify(locked(), ir_of(), with_tool(purity="pure"), KEY)
    assert issue.message == "The contract of the tool email.send changed within version 1."


def test_a_tool_that_is_gone_and_one_that_came_are_noticed() -> None:
    without = Catalogue({"feed.read": READ})
    (gone,) = verify(locked(), ir_of(), without, KEY)
    assert gone.message == "The tool email.send is gone."
    early = make_lock(
        ir_of(), without, KEY, created_by="x", created_at=AT, origin="hand", trust="untrusted"
    )
    (came,) = verify(early, ir_of(), TOOLS, KEY)
    assert came.message == "The tool email.send is there now."


@pytest.mark.parametrize("changes", [{"cost_usd": 9.0}, {"duration_s": 9.0}, {"examples": ("x",)}])
def test_what_only_describes_a_tool_asks_nobody_again(changes: dict[str, Any]) -> None:
    assert codes(locked(), tools=with_tool(**changes)) == []
    assert tools_hash(ir_of(), with_tool(**changes)) == tools_hash(ir_of(), TOOLS)


def test_a_tool_the_plan_does_not_use_may_change() -> None:
    other = Catalogue({**TOOLS.tools, "web.read": tool("web.read", {"url": TEXT}, {})})
    assert codes(locked(), tools=other) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"trust": "trusted", "origin": "planner", "created_by": "mallory"},
        {"created_at": "2020-01-01T00:00:00+00:00"},
        {"signature": ""},
        {"signature": "0" * 64},
        {"signature": "é\ud800"},
        {"created_by": "\ud800"},
    ],
)
def test_a_lock_somebody_changed_is_forged(changes: dict[str, Any]) -> None:
    lock = replace(locked(), **changes)
    assert not is_signed(lock, KEY)
    assert codes(lock) == ["PLAN_LOCK_FORGED"]


def test_trust_cannot_be_raised_in_a_lock() -> None:
    honest = make_lock(
        ir_of(), TOOLS, KEY, created_by="m", created_at=AT, origin="hand", trust="untrusted"
    )
    assert not is_signed(replace(honest, trust="trusted"), KEY)


def test_a_lock_of_another_instance_is_forged() -> None:
    assert codes(locked(key="some other instance's signing key")) == ["PLAN_LOCK_FORGED"]


def test_a_signature_does_not_serve_another_plan() -> None:
    other = locked(ir_of("b@example.com"))
    moved = replace(other, ir_hash=locked().ir_hash)
    assert codes(moved) == ["PLAN_LOCK_FORGED"]


def test_all_that_differs_is_said_at_once() -> None:
    lock = replace(locked(), created_by="mallory")
    found = codes(lock, ir_of("mallory@example.com"), with_tool(version="2"))
    assert found == ["PLAN_LOCK_FORGED", "PLAN_LOCK_BROKEN", "PLAN_TOOLS_CHANGED"]


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        "lock",
        {},
        {**locked().as_json(), "more": 1},
        {**locked().as_json(), "signature": None},
        {**locked().as_json(), "tool_versions": ["email.send"]},
        {**locked().as_json(), "tool_versions": {"email.send": "1"}},
        {**locked().as_json(), "tool_versions": {"email.send": {"version": 1, "contract": ""}}},
    ],
)
def test_what_is_no_lock_is_not_read_as_one(raw: Any) -> None:
    assert read_lock(raw) is None


@pytest.mark.parametrize(
    ("origin", "before", "trust"),
    [
        ("planner", None, "trusted"),
        ("planner", "trusted", "trusted"),
        ("planner", "mixed", "mixed"),
        ("planner", "untrusted", "untrusted"),
        ("edited", "trusted", "mixed"),
        ("edited", "mixed", "mixed"),
        ("edited", "untrusted", "untrusted"),
        ("edited", None, "mixed"),
        ("hand", None, "untrusted"),
        ("hand", "trusted", "untrusted"),
    ],
)
def test_trust_only_ever_falls_along_revisions(
    origin: Origin, before: Trust | None, trust: Trust
) -> None:
    assert trust_of(origin, before) == trust
