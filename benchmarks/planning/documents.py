"""Written requests through a planner: how many of its documents are valid, and right."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agents.planner.session import plan_once
from agents.repairs import mendable
from backend.bootstrap import open_planning
from backend.contracts.errors import LightningError
from backend.contracts.plans import Catalogue, Checked
from backend.contracts.ports import PlanAnswer, Planner, PlanRequest
from backend.settings import Settings
from backend.tools.builtin import builtin
from benchmarks.planning.gold import Score, score, unanswered
from benchmarks.planning.requests import Written, written

CATALOGUE = Catalogue({tool.spec.id: tool.spec for tool in builtin()}, hash="shipped")


@dataclass(frozen=True, slots=True)
class Answered:
    row: Written
    answer: PlanAnswer
    score: Score
    took_s: float


async def main() -> None:
    options = _options()
    rows = written(options.set)[: options.limit]
    async with open_planning(Settings()) as planning:
        name = "offline" if options.planner == "offline" else "online"
        if name not in planning.planners:
            raise SystemExit("Set OPENAI_API_KEY, or OPENAI_BASE_URL and OPENAI_MODEL.")
        found = [await answered(planning.planners[name], row) for row in rows]
    numbers = figures([each.score for each in found])
    numbers["p50 ms"] = round(statistics.median(each.took_s for each in found) * 1000, 1)
    if options.json:
        print(json.dumps(numbers))
    else:
        print(f"{options.planner} on {options.set}: {len(found)} requests\n")
        for name, number in numbers.items():
            print(f"  {name:<42}{number}")
    if options.failures:
        for each in found:
            if not each.score.right:
                print(f"\n{told(each)}")


async def answered(planner: Planner, row: Written) -> Answered:
    request = PlanRequest(row.request, "ann", row.zone, row.now, CATALOGUE, previous=row.previous)
    began = time.perf_counter()
    try:
        outcome = await plan_once(planner, request)
    except LightningError as error:
        failed = PlanAnswer("refusal", f"{error.code}: {error.message}")
        return Answered(row, failed, unanswered(row), time.perf_counter() - began)
    took = time.perf_counter() - began
    at_once = not outcome.repairs and _valid(outcome.checked)
    found = score(row, outcome.answer, at_once, outcome.checked)
    return Answered(row, outcome.answer, found, took)


def _valid(checked: Checked | None) -> bool:
    """Right as far as words go: a setting of this machine may be missing."""
    return checked is not None and checked.ir is not None and not mendable(checked.issues)


# --- the table ------------------------------------------------------------------------------------


def figures(scores: Sequence[Score]) -> dict[str, str | float]:
    """Each share as "hits/of  percent"; F1 in percent."""
    plans = [s for s in scores if s.fit is not None]
    given = [s for s in plans if s.answered == "plan"]
    conditions = [s.condition for s in scores if s.condition]
    shown = conditions.count("shown") + conditions.count("enough")
    return {
        "all right": _share(s.right for s in scores),
        "plans wrong without saying so": _share(
            s.silently_wrong for s in scores if s.answered == "plan"
        ),
        "kind right": _share(s.kind for s in scores),
        "documents valid at once": _share(_told(s.valid_at_once for s in scores)),
        "documents valid after repair": _share(_told(s.valid for s in scores)),
        "graph right (of all that need a plan)": _share(s.fit.exact for s in plans if s.fit),
        "graph right (of the plans given)": _share(s.fit.exact for s in given if s.fit),
        "tool node F1": _f1([s.fit.nodes for s in plans if s.fit]),
        "edge F1": _f1([s.fit.edges for s in plans if s.fit]),
        "arguments right": _of(sum(s.args[0] for s in given), sum(s.args[1] for s in given)),
        "all arguments of a plan right": _share(s.args[0] == s.args[1] for s in given),
        "trigger right": _share(_told(s.trigger for s in scores)),
        "condition kept": _of(conditions.count("kept"), len(conditions)),
        "condition shown as not covered": _of(shown, len(conditions)),
        "condition dropped silently": _of(conditions.count("dropped"), len(conditions)),
        "loop kept": _share(_told(s.loop for s in scores)),
        "asks before it acts": _share(_told(s.gate for s in scores)),
        "asked about the right thing": _share(_told(s.about for s in scores)),
        "no answer": _share(s.answered == "error" for s in scores),
        "asked instead of planning": _share(s.answered == "question" for s in plans),
    }


def _told(values: Iterable[bool | None]) -> list[bool]:
    return [value for value in values if value is not None]


def _share(values: Iterable[bool]) -> str:
    found = list(values)
    return _of(sum(found), len(found))


def _of(hits: int, of: int) -> str:
    return f"{hits}/{of}".ljust(9) + (f"{100 * hits / of:5.1f} %" if of else "    –")


def _f1(counts: Sequence[tuple[int, int, int]]) -> float:
    hits, found, wanted = (sum(column) for column in zip(*counts, strict=True))
    f1: float = round(200 * hits / (found + wanted), 1)
    return f1


def told(each: Answered) -> str:
    found, answer = each.score, each.answer
    lines = [f"{found.id}  {each.row.request}", f"  answered {answer.kind}: {answer.text[:160]}"]
    if answer.document is not None and answer.kind == "plan":
        fit = "right" if found.fit and found.fit.exact else "wrong"
        lines.append(
            f"  graph {fit}  trigger {found.trigger}  condition {found.condition}  valid {found.valid}"
            f"  wrong args {', '.join(found.wrong_args) or '-'}  not covered {answer.not_covered}"
        )
        lines.append(f"  {json.dumps(answer.document, ensure_ascii=False)[:900]}")
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--planner", choices=("offline", "model"), default="offline")
    parser.add_argument(
        "--set", choices=("dev", "more", "everyday", "held", "unseen"), default="dev"
    )
    parser.add_argument("--limit", type=int, default=None, help="only the first so many")
    parser.add_argument("--failures", action="store_true", help="what was not right; of open sets")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.failures and options.set in ("held", "unseen"):
        parser.error("what is held out is not looked at")
    return options


if __name__ == "__main__":
    asyncio.run(main())
