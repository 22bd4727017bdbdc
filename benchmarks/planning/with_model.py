"""`python -m benchmarks.planning.with_model`: the written requests through a model, resumable.

The model is the one that OPENAI_BASE_URL, OPENAI_MODEL and the keys name. Answers are kept in `--out` as they
come; started again, the run goes on from there.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import structlog

from agents.planner.agreement import same_work, sure
from agents.planner.model import ModelPlanner
from agents.planner.offline import OfflinePlanner
from agents.planner.session import plan_once
from agents.repairs import mendable
from backend.contracts.errors import LightningError
from backend.contracts.ports import Planner, PlanRequest
from backend.llm import connected
from backend.plans.validation import check
from backend.settings import Settings
from benchmarks.planning.documents import CATALOGUE, Answered, figures, told
from benchmarks.planning.gold import score, unanswered
from benchmarks.planning.kept import Answers, Kept, failure
from benchmarks.planning.requests import Written, written

SEED = 7


async def main() -> None:
    options = _options()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    rows = written(options.set)
    if options.sample is not None:
        rows = random.Random(SEED).sample(rows, options.sample)
    answers, rules = Answers(options.out), OfflinePlanner()
    async with connected(Settings()) as models:
        if "plan" not in models:
            raise SystemExit("Set a key, or OPENAI_BASE_URL and OPENAI_MODEL.")
        planner = ModelPlanner(models["plan"], models.get("select"))
        kept = [await answers.of(row.id, lambda row=row: _planned(planner, row)) for row in rows]  # type: ignore[misc]
    found = [_scored(row, one) for row, one in zip(rows, kept, strict=True)]
    print(f"{models['plan'].model} on {options.set}: {len(found)} requests\n")
    numbers = figures([each.score for each in found])
    numbers |= {"p50 s": round(statistics.median(one.took_s for one in kept), 1)}
    for way in ("input", "output"):
        used = [one.answer.usage.get(f"{way}_tokens", 0) for one in kept]
        numbers |= {f"tokens {way}, mean": round(statistics.mean(used))}
    for name, number in (numbers | await _beside(rules, found)).items():
        print(f"  {name:<60}{number}")
    for each in found if options.failures else ():
        if not each.score.right:
            print(f"\n{told(each)}")


def asked(row: Written) -> PlanRequest:
    return PlanRequest(row.request, "ann", row.zone, row.now, CATALOGUE, previous=row.previous)


async def _planned(planner: Planner, row: Written) -> Kept:
    began = time.perf_counter()
    try:
        outcome = await plan_once(planner, asked(row))
    except LightningError as error:
        return failure(row.id, error, time.perf_counter() - began)
    took, at_once = time.perf_counter() - began, None
    if outcome.checked is not None:
        at_once = not outcome.repairs and not mendable(outcome.checked.issues)
    return Kept(row.id, outcome.answer, took, at_once=at_once)


def _scored(row: Written, kept: Kept) -> Answered:
    answer, checked = kept.answer, None
    if kept.failed:
        return Answered(row, answer, unanswered(row), kept.took_s)
    if answer.kind == "plan":
        checked = check(
            answer.document,
            CATALOGUE,
            now=row.now,
            timezone=row.zone,
            not_covered=answer.not_covered,
            request=row.request,
        )
    return Answered(row, answer, score(row, answer, kept.at_once, checked), kept.took_s)


async def _beside(rules: Planner, found: Sequence[Answered]) -> dict[str, str | float]:
    """How right a model's plans are where the planner without a model agrees, and where it does not."""
    parts: dict[str, list[bool]] = {"agrees": [], "differs": [], "has no plan it is sure of": []}
    for each in found:
        if each.answer.kind != "plan":
            continue
        ruled = await rules.plan(asked(each.row))
        agrees = same_work(each.answer.document, ruled.document)
        differs = "differs" if sure(ruled, asked(each.row)) else "has no plan it is sure of"
        parts["agrees" if agrees else differs].append(each.score.right)
    return {
        f"right where the offline planner {how}": f"{sum(part)}/{len(part)}"
        for how, part in parts.items()
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", choices=("dev", "held"), default="dev")
    parser.add_argument("--sample", type=int, help="so many, drawn by a fixed seed")
    parser.add_argument("--out", type=Path, help="keep answers there, and go on from what is there")
    parser.add_argument("--failures", action="store_true", help="what was not right; not for held")
    options = parser.parse_args()
    if options.failures and options.set == "held":
        parser.error("the held half is not looked at")
    return options


if __name__ == "__main__":
    asyncio.run(main())
