"""A plan's graph by its tools, beside the graphs that are right."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Edges = set[tuple[str, str]]

_READS = frozenset({"feed.read", "file.list", "file.read", "http.get", "web.read"})
_HOLE = re.compile(r"\$\{([^}]*)\}")
_TEXT = re.compile(r'"[^"]*"|\'[^\']*\'')
_NAME = re.compile(r"(?<![.\w-])[A-Za-z_][\w-]*")


@dataclass(frozen=True, slots=True)
class Fit:
    """How near a plan comes to the right graph it is nearest to: hits, found and wanted, as counts."""

    exact: bool
    nodes: tuple[int, int, int]
    edges: tuple[int, int, int]
    tools: frozenset[str]


def best_fit(
    document: Mapping[str, Any], graphs: Sequence[Mapping[str, Any]], extra: Sequence[str]
) -> Fit:
    return max(
        (_fit(document, graph, extra) for graph in graphs),
        key=lambda fit: (fit.exact, _f1(fit.nodes), _f1(fit.edges)),
    )


def missed(graph: Mapping[str, Any]) -> Fit:
    """Nothing of `graph` was found."""
    tools, edges = graph["tools"], graph["edges"]
    return Fit(False, (0, 0, len(tools)), (0, 0, len(edges)), frozenset(tools))


def references(step: Mapping[str, Any], value: Any) -> set[str]:
    """The names a value of a step refers to; the item of a loop refers to what it runs over."""
    names = {name for hole in _HOLE.findall(_text(value)) for name in expression_names(hole)}
    if names & {"item", "index"} and step.get("for_each"):
        names |= references({}, step["for_each"])
    return names


def expression_names(expression: str) -> set[str]:
    return set(_NAME.findall(_TEXT.sub("", expression)))


def _fit(document: Mapping[str, Any], graph: Mapping[str, Any], extra: Sequence[str]) -> Fit:
    steps = document["steps"]
    same = _read_again(steps)
    tools = {step["name"]: step["action"] for step in steps if step["name"] not in same}
    harmless = {n for n, tool in tools.items() if tool in extra and tool not in graph["tools"]}
    needed = {(same.get(a, a), same.get(b, b)) for a, b in _dependencies(steps)}
    edges = _reduced(_contracted({(a, b) for a, b in needed if a != b}, harmless))
    nodes = Counter(tool for name, tool in tools.items() if name not in harmless)
    pairs = Counter((tools[a], tools[b]) for a, b in edges)
    want_nodes = Counter(graph["tools"])
    want_pairs = Counter((a, b) for a, b in graph["edges"])
    return Fit(
        nodes == want_nodes and pairs == want_pairs,
        ((nodes & want_nodes).total(), nodes.total(), want_nodes.total()),
        ((pairs & want_pairs).total(), pairs.total(), want_pairs.total()),
        frozenset(graph["tools"]),
    )


def _read_again(steps: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Steps that read what an earlier one has read in the same way: as good as that one."""
    first: dict[str, str] = {}
    again: dict[str, str] = {}
    for step in steps:
        if step["action"] in _READS and not step.get("guard") and not step.get("for_each"):
            what = json.dumps([step["action"], step.get("args", {})], sort_keys=True)
            if first.setdefault(what, step["name"]) != step["name"]:
                again[step["name"]] = first[what]
    return again


def _dependencies(steps: Sequence[Mapping[str, Any]]) -> Edges:
    names = {step["name"] for step in steps}
    emitters = {event: step["name"] for step in steps for event in step.get("emits", ())}
    return {
        (source, step["name"])
        for step in steps
        for source in (*_listened(step, names, emitters), *_read(step, names))
        if source != step["name"]
    }


def _listened(
    step: Mapping[str, Any], names: set[str], emitters: Mapping[str, str]
) -> Iterator[str]:
    for event in step["on"]:
        if event in emitters:
            yield emitters[event]
        elif event.startswith("step.") and (name := event.split(".")[1]) in names:
            yield name


def _read(step: Mapping[str, Any], names: set[str]) -> set[str]:
    found = references(step, [step.get("args", {}), step.get("for_each", "")])
    return (found | expression_names(step.get("guard") or "")) & names


def _contracted(edges: Edges, away: set[str]) -> Edges:
    for name in away:
        before = {a for a, b in edges if b == name}
        behind = {b for a, b in edges if a == name}
        edges = {e for e in edges if name not in e} | {
            (a, b) for a in before for b in behind if a != b
        }
    return edges


def _reduced(edges: Edges) -> Edges:
    """Without the edges that a longer way makes needless."""
    return {(a, b) for a, b in edges if not _reaches(edges - {(a, b)}, a, b)}


def _reaches(edges: Edges, start: str, end: str) -> bool:
    seen, front = {start}, {start}
    while front:
        front = {b for a, b in edges if a in front} - seen
        if end in front:
            return True
        seen |= front
    return False


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(_text(v) for v in value.values())
    if isinstance(value, (list, tuple)):
        return " ".join(map(_text, value))
    return str(value)


def _f1(counts: tuple[int, int, int]) -> float:
    hits, found, wanted = counts
    return 2 * hits / (found + wanted) if found + wanted else 1.0
