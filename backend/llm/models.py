"""The models we know, as data: price, context, what they can do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Capability = Literal["schema", "json", "reasoning", "planning"]
Task = Literal["select", "plan"]
Vendor = Literal["openai", "anthropic"]
# What each task asks of a model. Planning holds many tools and conditions in mind at once: the smallest
# models drop some, so they are not chosen for it by price alone. Judged by their makers' words.
TASKS: dict[Task, frozenset[Capability]] = {
    "select": frozenset({"schema", "reasoning", "planning"}),
    "plan": frozenset({"schema", "planning"}),
}
CHEAPEST = "auto"


@dataclass(frozen=True, slots=True)
class Model:
    """A model's price in USD per million tokens, its context in tokens, and what it can do."""

    id: str
    vendor: Vendor
    input_usd: float
    output_usd: float
    cached_usd: float
    context: int
    capabilities: frozenset[Capability]

    def cost(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> float:
        fresh = max(0, input_tokens - cached_tokens)
        return (
            fresh * self.input_usd
            + cached_tokens * self.cached_usd
            + output_tokens * self.output_usd
        ) / 1_000_000


_SMALL: frozenset[Capability] = frozenset({"schema", "json"})
_PLAIN: frozenset[Capability] = _SMALL | {"planning"}
_REASONING: frozenset[Capability] = _PLAIN | {"reasoning"}

MODELS: tuple[Model, ...] = (
    Model("gpt-5.6-sol", "openai", 5.00, 30.00, 0.50, 1_050_000, _REASONING),
    Model("gpt-5.6-terra", "openai", 2.50, 15.00, 0.25, 1_050_000, _REASONING),
    Model("gpt-5.6-luna", "openai", 1.00, 6.00, 0.10, 1_050_000, _REASONING),
    Model("gpt-5.5", "openai", 5.00, 30.00, 0.50, 1_000_000, _REASONING),
    Model("gpt-5.4", "openai", 2.50, 15.00, 0.25, 1_000_000, _REASONING),
    Model("gpt-5.4-mini", "openai", 0.75, 4.50, 0.075, 400_000, _REASONING),
    Model("gpt-5.4-nano", "openai", 0.20, 1.25, 0.02, 400_000, _SMALL | {"reasoning"}),
    Model("gpt-5", "openai", 1.25, 10.00, 0.125, 400_000, _REASONING),
    Model("gpt-5-mini", "openai", 0.25, 2.00, 0.025, 400_000, _REASONING),
    Model("gpt-5-nano", "openai", 0.05, 0.40, 0.005, 400_000, _SMALL | {"reasoning"}),
    Model("gpt-4.1", "openai", 2.00, 8.00, 0.50, 1_047_576, _PLAIN),
    Model("gpt-4.1-mini", "openai", 0.40, 1.60, 0.10, 1_047_576, _PLAIN),
    Model("gpt-4.1-nano", "openai", 0.10, 0.40, 0.025, 1_047_576, _SMALL),
    Model("gpt-4o", "openai", 2.50, 10.00, 1.25, 128_000, _PLAIN),
    Model("gpt-4o-mini", "openai", 0.15, 0.60, 0.075, 128_000, _SMALL),
    Model("o4-mini", "openai", 1.10, 4.40, 0.275, 200_000, _REASONING),
    Model("claude-opus-4-8", "anthropic", 5.00, 25.00, 0.50, 200_000, _REASONING),
    Model("claude-sonnet-4-6", "anthropic", 3.00, 15.00, 0.30, 200_000, _REASONING),
    Model("claude-haiku-4-5", "anthropic", 1.00, 5.00, 0.10, 200_000, _REASONING),
)


def known(model: str) -> Model | None:
    """The row of `model`, also by a dated name ("gpt-5-mini-2025-08-07"). None when unknown."""
    name = model.rsplit("/", 1)[-1]
    undated = re.sub(r"-(\d{4}-\d\d-\d\d|\d{8}|latest)$", "", name)
    return next((m for m in MODELS if m.id in (name, undated)), None)


def cheapest(
    needs: Iterable[Capability] = (),
    *,
    context: int = 0,
    vendor: str = "openai",
    models: Sequence[Model] = MODELS,
) -> Model | None:
    """The cheapest model that can do what is needed in a context of so many tokens; output is
    weighed threefold, as plans are mostly read and little written. None when none can."""
    able = [
        m
        for m in models
        if m.vendor == vendor and m.context >= context and m.capabilities.issuperset(needs)
    ]
    return min(able, key=lambda m: (m.input_usd * 3 + m.output_usd, m.id), default=None)


def vendor_of(model: str) -> Vendor:
    """Whose API a model is asked for by; names with a path in them are a gateway's."""
    return "anthropic" if model.startswith("claude") else "openai"


def named(setting: str, task: Task, vendor: Vendor = "openai") -> str:
    """The model a setting means: itself, or for "auto" the vendor's cheapest that can do the task."""
    if setting != CHEAPEST:
        return setting
    model = cheapest(TASKS[task], vendor=vendor)
    assert model is not None, "no model of the table can do this task"
    return model.id
