"""V9: what a run may cost against what it will cost at most."""

from __future__ import annotations

from collections.abc import Iterator

from backend.contracts.errors import Issue
from backend.plans.forecast import forecast
from backend.plans.validation.order import Order
from backend.plans.validation.subject import Subject


def budget(subject: Subject, _: Order) -> Iterator[Issue]:
    if subject.budget_usd is None or subject.ir is None:
        return
    cost = forecast(subject.ir, subject.catalogue)
    if cost.cost_usd > subject.budget_usd:
        items = " and more for each further item" if cost.per_item else ""
        yield Issue(
            code="PLAN_OVER_BUDGET",
            message=f"One run may cost {_usd(cost.cost_usd)}{items}; "
            f"the budget is {_usd(subject.budget_usd)}.",
            suggestion="Use cheaper tools, repeat over fewer items, lower “max_iterations”, or raise "
            "the budget.",
        )


def _usd(amount: float) -> str:
    return f"${amount:,.2f}" if amount >= 0.01 or amount == 0 else f"${amount:.6f}".rstrip("0")
