"""Validation of stored revisions: in full, or remembered where the lockfile allows it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from backend.contracts.caching import Cache
from backend.contracts.errors import Invalid, Issue
from backend.contracts.plans import IR, AtTrigger, Catalogue, CronTrigger, PlanDocument
from backend.contracts.views import PlanView
from backend.plans.firings import instant
from backend.plans.ir import compile_document, ir_hash
from backend.plans.lockfile import read_lock, tools_hash, verify
from backend.plans.validation import Validator, check

_LIMIT = 2_000
_FAR = timedelta(days=100 * 366)


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found `at` a moment; at each of the `turns` something else may be right."""

    issues: tuple[Issue, ...]
    at: datetime
    turns: tuple[datetime, ...]

    def holds(self, now: datetime) -> bool:
        return self.at <= now and not any(self.at < turn <= now for turn in self.turns)


class Checking:
    """What is wrong with a revision now. `key` is the instance's signing key.

    Only what a planner made, unchanged since this instance locked it, is looked up; everything else
    is validated in full each time.
    """

    def __init__(
        self, key: str, validators: Mapping[str, Validator], budget_usd: float | None = None
    ) -> None:
        self.cache: Cache[Hashable, _Found] = Cache(_LIMIT)
        self._key = key
        self._validators = validators
        self._budget_usd = budget_usd

    def lock(self, view: PlanView, catalogue: Catalogue) -> tuple[Issue, ...]:
        """What of a revision's lockfile does not hold any more."""
        return self._lock(view, compile_document(view.document), catalogue)

    def issues(self, view: PlanView, catalogue: Catalogue, now: datetime) -> tuple[Issue, ...]:
        """All that validation says of a revision with the tools and the clock of now."""
        ir = compile_document(view.document)
        key = None
        if view.trust == "trusted" and not self._lock(view, ir, catalogue):
            key = _key(view, ir, catalogue)
        if key is not None:
            found = self.cache.get(key, lambda found: found.holds(now))
            if found is not None:
                return found.issues
        issues = check(
            view.document,
            catalogue,
            now=now,
            timezone=view.timezone,
            not_covered=view.not_covered,
            request=view.request,
            validators=self._validators,
            budget_usd=self._budget_usd,
        ).issues
        turns = _turns(view.document, view.timezone)
        whole = all(issue.code != "PLAN_VALIDATION_TIMEOUT" for issue in issues)
        if key is not None and turns is not None and whole:
            self.cache.put(key, _Found(issues, now, turns))
        return issues

    def _lock(self, view: PlanView, ir: IR, catalogue: Catalogue) -> tuple[Issue, ...]:
        lock = read_lock(view.lock)
        if lock is not None:
            return verify(lock, ir, catalogue, self._key)
        # made before there were lockfiles
        issues = []
        if ir_hash(ir) != view.ir_hash:
            issues.append(Issue(code="PLAN_LOCK_BROKEN", message="The plan was changed."))
        if tools_hash(ir, catalogue) != view.catalogue_hash:
            issues.append(Issue(code="PLAN_TOOLS_CHANGED", message="A tool it uses has changed."))
        return tuple(issues)


def _key(view: PlanView, ir: IR, catalogue: Catalogue) -> Hashable:
    """All that the issues follow from, but for the time: contracts leave out what tools cost and
    which settings they miss, and `ir_hash` leaves out the words."""
    words = orjson.dumps(ir.metadata, option=orjson.OPT_SORT_KEYS)
    specs = (catalogue.tools.get(tool) for tool in sorted({node.tool for node in ir.nodes}))
    return (
        view.ir_hash,
        catalogue.hash,
        view.timezone,
        view.not_covered,
        view.request,
        words,
        tuple(spec and (spec.cost_usd, spec.duration_s) for spec in specs),
        tuple(sorted(catalogue.missing.items())),
        tuple(sorted(catalogue.verdicts.items(), key=lambda item: item[0])),
    )


def _turns(document: PlanDocument, timezone: str) -> tuple[datetime, ...] | None:
    """When else than now other issues may be right; None for a condition on dates, which is looked
    at anew each time."""
    turns: list[datetime] = []
    for trigger in document.events:
        if isinstance(trigger, CronTrigger) and trigger.only_if is not None:
            return None
        if isinstance(trigger, AtTrigger):
            try:
                due = instant(trigger.timestamp, trigger.timezone or timezone)
                turns += [due, due - _FAR]
            except (OverflowError, Invalid):
                return None
    return tuple(turns)
