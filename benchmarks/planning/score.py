"""How near the planned graphs are to the wanted ones."""

from __future__ import annotations

import re
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.planning.sets import Edges, Task


@dataclass(frozen=True, slots=True)
class Planned:
    """What a planner made of a task. `asked`: it asked; `tools` and `edges` are then its draft's."""

    task: Task
    asked: bool
    tools: tuple[str, ...]
    edges: Edges
    found: tuple[str, ...]
    confidence: float
    ms: float
    cpu_ms: float
    valid: bool = True

    @property
    def exact(self) -> bool:
        return sorted(self.tools) == sorted(self.task.tools) and self.edges == self.task.edges


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares and F1 from 0 to 1. F1 `node`, `edge`: the mean over the requests (as GNN4TaskPlan
    reports them; edges over requests that want any); `micro_*`: over all tools, all links together
    (as TaskBench reports them). `exact`: same tools as often, same links. `*_answered`: of the
    requests that were not asked about. `recall`: of the tools wanted, among the first ten found.
    `ms`, `cpu_ms`: medians per request, on the clock and of this process."""

    n: int
    node: float
    edge: float
    micro_node: float
    micro_edge: float
    exact: float
    recall: float
    asked: float
    node_answered: float
    edge_answered: float
    exact_answered: float
    same_tools_answered: float
    valid: float
    ms: float
    cpu_ms: float


def graph(document: Mapping[str, Any] | None) -> tuple[tuple[str, ...], Edges]:
    """The tools of a plan, in order, and the links `on` makes between them."""
    steps = (document or {}).get("steps") or ()
    actions = {step["name"]: step["action"] for step in steps}
    edges = set()
    for step in steps:
        for source in step.get("on") or ():
            name = re.match(r"step\.([^.]+)", source)
            if name and name[1] in actions:
                edges.add((actions[name[1]], step["action"]))
    return tuple(step["action"] for step in steps), frozenset(edges)


def f1(planned: Collection[Any], wanted: Collection[Any]) -> float:
    """Of sets; 1 where nothing is wanted and nothing planned."""
    if not planned and not wanted:
        return 1.0
    return 2 * len(set(planned) & set(wanted)) / (len(set(planned)) + len(set(wanted)))


def figures(results: Sequence[Planned]) -> Figures:
    answered = [r for r in results if not r.asked]
    return Figures(
        n=len(results),
        node=_mean(f1(r.tools, r.task.tools) for r in results),
        edge=_mean(f1(r.edges, r.task.edges) for r in results if r.task.edges),
        micro_node=_micro([(set(r.tools), set(r.task.tools)) for r in results]),
        micro_edge=_micro([(r.edges, r.task.edges) for r in results]),
        exact=_mean(r.exact for r in results),
        recall=_mean(
            len(set(r.found[:10]) & set(r.task.tools)) / len(set(r.task.tools)) for r in results
        ),
        asked=_mean(r.asked for r in results),
        node_answered=_mean(f1(r.tools, r.task.tools) for r in answered),
        edge_answered=_mean(f1(r.edges, r.task.edges) for r in answered if r.task.edges),
        exact_answered=_mean(r.exact for r in answered),
        same_tools_answered=_mean(set(r.tools) == set(r.task.tools) for r in answered),
        valid=_mean(r.valid for r in answered),
        ms=statistics.median(r.ms for r in results) if results else 0.0,
        cpu_ms=statistics.median(r.cpu_ms for r in results) if results else 0.0,
    )


def _mean(values: Any) -> float:
    found = [float(v) for v in values]
    return sum(found) / len(found) if found else float("nan")


def _micro(pairs: list[tuple[Collection[Any], Collection[Any]]]) -> float:
    both = sum(len(set(a) & set(b)) for a, b in pairs)
    total = sum(len(a) + len(b) for a, b in pairs)
    return 2 * both / total if total else 1.0
