"""Plan documents of every kind, for property tests."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from backend.contracts.plans import PlanDocument

# A busy machine is slow, which says nothing about the code.
unhurried = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

NAMES = st.sampled_from(["a", "b", "c", "fetch", "send-it", "_x"])
EVENTS = st.one_of(
    st.sampled_from(["go", "event.x", "done", "fetch", "step", "step.", "step.fetch.", "step.a"]),
    st.builds("step.{}".format, NAMES),
    st.builds("step.{}.{}".format, NAMES, st.sampled_from(["error", "default", "changed", "a.b"])),
)
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["${a.x}", "${fetch.text}", "hi ${b.c ?? 1}", "$${a}", "${inputs.to}", "${"]),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), TEXTS)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
TRIGGERS = st.one_of(
    st.fixed_dictionaries({"name": EVENTS, "kind": st.just("manual")}),
    st.fixed_dictionaries(
        {"name": EVENTS, "kind": st.just("cron")},
        optional={
            "schedule": st.sampled_from(["0 9 * * *", "0 9 30 2 *", "x", "*/5 * * * *"]),
            "timezone": st.sampled_from(["Europe/Paris", "Mars", ""]),
            "only_if": st.sampled_from(["due.day == 1", "due.", "nope", "1"]),
        },
    ),
    st.fixed_dictionaries(
        {"name": EVENTS, "kind": st.just("interval"), "every_s": st.integers(1, 10**6)}
    ),
    st.fixed_dictionaries(
        {
            "name": EVENTS,
            "kind": st.just("at"),
            "timestamp": st.sampled_from(["2026-01-01T00:00:00Z", "2030-01-01T09:00:00"]),
        }
    ),
    st.fixed_dictionaries(
        {"name": EVENTS, "kind": st.just("event"), "type": st.text(max_size=9)},
        optional={"filter": st.sampled_from(["event.x == 1", "fetch", "("])},
    ),
)


def step_dicts(name: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "name": st.just(name),
            "on": st.lists(EVENTS, min_size=1, max_size=4),
            "action": st.sampled_from(
                ["email.send", "feed.read", "page.watch", "nope", "free.tool"]
            ),
        },
        optional={
            "args": st.dictionaries(
                st.sampled_from(["to", "url", "text", "x/y"]), VALUES, max_size=3
            ),
            "description": st.text(max_size=9),
            "join": st.sampled_from(["all", "any", None]),
            "guard": st.sampled_from(["a.x == 1", "nope", "(", "inputs.to", "default(a.x, 1)"]),
            "emits": st.lists(EVENTS, max_size=2),
            "for_each": st.sampled_from(["${a.x}", "${fetch.entries}", "no", "${item}"]),
            "max_parallel": st.integers(1, 9),
            "retry": st.fixed_dictionaries({"max_attempts": st.integers(1, 20)}),
            "timeout_s": st.floats(0.5, 100),
            "on_error": st.sampled_from(["fail", "continue", "route"]),
            "approval": st.sampled_from(["required", None]),
        },
    )


@st.composite
def raw_documents(draw: st.DrawFn) -> dict[str, Any]:
    """Of the right shape, and mostly wrong in every other way; no two steps share a name."""
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    inputs = st.fixed_dictionaries({}, optional={"default": VALUES, "type": st.just("integer")})
    return {
        "plan_name": draw(st.text(min_size=1, max_size=9)),
        "description": draw(st.text(max_size=9)),
        "graph_type": draw(st.sampled_from(["acyclic", "reactive"])),
        "max_iterations": draw(st.none() | st.integers(1, 9)),
        "inputs": draw(st.dictionaries(NAMES, inputs, max_size=2)),
        "events": draw(st.lists(TRIGGERS, max_size=3)),
        "steps": [draw(step_dicts(name)) for name in names],
    }


def documents() -> st.SearchStrategy[PlanDocument]:
    return raw_documents().map(PlanDocument.model_validate)
