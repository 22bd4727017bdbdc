"""`python -m benchmarks.planning --data DIR`: from requests to plans over other people's tools."""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from agents.planner.agreement import same_work
from agents.planner.offline import OfflinePlanner
from agents.planner.retrieve import Index
from agents.planner.session import plan_once
from agents.repairs import mendable
from backend.contracts.errors import LightningError
from backend.contracts.ports import PlanAnswer, Planner, PlanRequest
from backend.plans.validation import check
from benchmarks.planning.kept import Answers, Kept, failure
from benchmarks.planning.score import Figures, Planned, figures, graph
from benchmarks.planning.sets import NAMES, Task, TaskSet, load

SEED = 7
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
COLUMNS = (
    "set                    n   node F1  edge F1  (micro)        exact   R@10   asked"
    " | not asked: node F1  edge F1  tools right  exact  valid |   ms (CPU)"
)


async def main() -> None:
    arguments = _arguments()
    folder = Path(arguments.data)
    planner = _planner(arguments.planner)
    print(COLUMNS)
    for name in [n for n in NAMES if not arguments.set or n.startswith(arguments.set)]:
        tasks = _sampled(load(folder, name, arguments.limit), arguments.sample)
        answers = Answers(Path(f"{arguments.out}-{name}.jsonl") if arguments.out else None)
        results = await run(planner, tasks, answers)
        print(_line(name, figures(results), tasks.published), flush=True)
        if arguments.planner == "model":
            print(await _beside(tasks, answers, results), flush=True)
        if arguments.curve:
            _curve(results)


def _sampled(tasks: TaskSet, count: int | None) -> TaskSet:
    """As many of the tasks, always the same ones."""
    if count is None or count >= len(tasks.tasks):
        return tasks
    return replace(tasks, tasks=tuple(random.Random(SEED).sample(tasks.tasks, count)))


async def run(planner: Planner, tasks: TaskSet, answers: Answers) -> list[Planned]:
    """Each request planned, one after the other, on a warm planner."""
    await planner.warm(tasks.catalogue)
    index = Index([tasks.catalogue.tools[id] for id in sorted(tasks.catalogue.tools)])
    results = []
    for task in tasks.tasks:
        busy = time.process_time()
        kept = await answers.of(task.id, lambda task=task: _asked(planner, task, tasks))  # type: ignore[misc]
        cpu_ms = (time.process_time() - busy) * 1000
        results.append(_planned(task, kept.answer, tasks, index, kept.took_s * 1000, cpu_ms))
    return results


async def _asked(planner: Planner, task: Task, tasks: TaskSet) -> Kept:
    """A model that fails has no plan."""
    began = time.perf_counter()
    try:
        outcome = await plan_once(planner, _request(task, tasks))
    except LightningError as error:
        return failure(task.id, error, time.perf_counter() - began)
    took = time.perf_counter() - began
    at_once = None
    if outcome.checked is not None:
        at_once = not outcome.repairs and not mendable(outcome.checked.issues)
    return Kept(task.id, outcome.answer, took, at_once=at_once)


async def _beside(tasks: TaskSet, answers: Answers, alone: list[Planned]) -> str:
    """How a model's drafts fared, and how right they are where the planner without a model agrees."""
    rules = OfflinePlanner()
    await rules.warm(tasks.catalogue)
    same: list[Planned] = []
    other: list[Planned] = []
    kept = [await answers.of(task.id, _never) for task in tasks.tasks]
    for one, found in zip(kept, alone, strict=True):
        ruled = await rules.plan(_request(found.task, tasks))
        (same if same_work(one.answer.document, ruled.document) else other).append(found)
    drafts = [one.at_once for one in kept if one.at_once is not None]
    tokens_in, tokens_out = (
        sum(one.answer.usage.get(f"{way}_tokens", 0) for one in kept) // len(kept)
        for way in ("input", "output")
    )
    right = [sum(set(f.tools) == set(f.task.tools) for f in part) for part in (same, other)]
    return (
        f"    tools right where the rules agree {right[0]}/{len(same)}, else {right[1]}/{len(other)}; "
        f"drafts valid at once {sum(drafts)}/{len(drafts)}; no answer {sum(o.failed for o in kept)}; "
        f"tokens a request {tokens_in} in, {tokens_out} out"
    )


async def _never() -> Kept:
    raise AssertionError("every task has been answered")


def _request(task: Task, tasks: TaskSet) -> PlanRequest:
    return PlanRequest(task.request, "bench", "UTC", NOW, catalogue=tasks.catalogue)


def _planned(
    task: Task, answer: PlanAnswer, tasks: TaskSet, index: Index, ms: float, cpu_ms: float
) -> Planned:
    tools, edges = graph(answer.document)
    checked = answer.document and check(answer.document, tasks.catalogue, now=NOW)
    return Planned(
        task,
        asked=answer.kind != "plan",
        tools=tools,
        edges=edges,
        found=tuple(hit.tool for hit in index.search(task.request, 10)),
        confidence=answer.confidence,
        ms=ms,
        cpu_ms=cpu_ms,
        valid=bool(checked and checked.ok),
    )


def _line(name: str, f: Figures, published: str) -> str:
    return (
        f"{name:<20}{f.n:4}     {_p(f.node)}    {_p(f.edge)}  ({_p(f.micro_node)} {_p(f.micro_edge)})"
        f"   {_p(f.exact)}  {_p(f.recall)}   {_p(f.asked)}"
        f" |             {_p(f.node_answered)}    {_p(f.edge_answered)}        "
        f"{_p(f.same_tools_answered)}  {_p(f.exact_answered)}  {_p(f.valid)} | {f.ms:4.0f} ({f.cpu_ms:.1f})"
        + (f"   [{published}]" if published else "")
    )


def _p(share: float) -> str:
    return f"{share * 100:5.1f}" if share == share else "    -"


def _curve(results: list[Planned]) -> None:
    """What asking more would buy: the least confident are asked about first."""
    print("    asked  node F1  exact   (when not asked)")
    for threshold in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
        f = figures([replace(r, asked=r.confidence < threshold) for r in results])
        print(
            f"    {_p(f.asked)}    {_p(f.node_answered)}  {_p(f.exact_answered)}"
            f"   confidence ≥ {threshold}"
        )


def _planner(which: str) -> Planner:
    if which == "offline":
        return OfflinePlanner()
    from agents.planner.model import ModelPlanner
    from backend.llm import connect
    from backend.settings import Settings

    llm = connect(Settings())
    if llm is None:
        raise SystemExit(
            "--planner model needs OPENAI_BASE_URL or OPENAI_API_KEY, and OPENAI_MODEL."
        )
    return ModelPlanner(llm)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planning", description=__doc__)
    parser.add_argument("--data", default=os.environ.get("PLANNING_DATA"), help="the data's folder")
    parser.add_argument("--set", default="", help="ultratool, tmdb, dailylife or nestful")
    parser.add_argument("--planner", choices=("offline", "model"), default="offline")
    parser.add_argument("--limit", type=int, help="only the first of each set")
    parser.add_argument("--sample", type=int, help="so many of each set, drawn by a fixed seed")
    parser.add_argument(
        "--out", help="keep answers in OUT-<set>.jsonl, and go on from what is there"
    )
    parser.add_argument(
        "--curve", action="store_true", help="asked share against how right the rest is"
    )
    arguments = parser.parse_args()
    if not arguments.data:
        parser.error("--data DIR (or PLANNING_DATA) names the folder with the public data")
    return arguments


if __name__ == "__main__":
    asyncio.run(main())
