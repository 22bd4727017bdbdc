"""`python -m benchmarks.planning.fit --data DIR`: the offline composition's weights, fitted and checked.

Without `--write` it only checks: by halves, and each set by what was fitted on the others."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.planner.compose.answer import CONFIDENT
from agents.planner.compose.choice import (
    CANDIDATE,
    CONFIDENCE,
    Choice,
    candidates,
    chosen,
    sigmoid,
)
from agents.planner.matching.evidence import (
    CONTEXT,
    FEATURES,
    Reading,
    in_context,
    measured,
    softmax,
)
from agents.planner.matching.pieces import Piece, pieces
from agents.planner.matching.profile import Profile
from benchmarks.planning.score import f1
from benchmarks.planning.sets import NAMES, Task, load

Weights = dict[str, Any]
# node F1, whether the tools are exactly right, the confidence
Outcome = tuple[float, float, float]
THRESHOLDS = (CONFIDENT, 0.25, 0.4)
HEADER = '''"""Fitted numbers of the composition over foreign tools, by benchmarks/planning/fit.py."""

from __future__ import annotations

import numpy as np

from agents.planner.matching.profile import Array


def _of(**values: float) -> Array:
    """In the order of the features they weigh."""
    return np.array(list(values.values()), np.float32)

'''
STEPS, RATE, DECAY, RIDGE = 150, 0.3, 0.985, 0.002
# a set of 400 requests weighs twice one of 100, not four times
BALANCE = 0.5


# catalogues that have nothing for the other's requests
APART = {
    ("tmdb", "ultratool"),
    ("tmdb", "dailylife"),
    ("nestful-executable", "dailylife"),
    ("nestful-glaive", "tmdb"),
    ("dailylife", "tmdb"),
    ("dailylife", "nestful-executable"),
}
STRANGE = 0.5
SMALL_TALK = (
    "hello",
    "Good morning, how are you today?",
    "thanks a lot",
    "What can you do for me?",
    "I feel a bit sad.",
    "Why is the sky blue?",
    "Compose a poem about the autumn wind",
    "My grandmother had three cats and a garden full of roses.",
    "Explain quantum entanglement to a child",
    "asdf qwer zxcv",
    "Knit a pullover and paint the fence",
    "Who won the battle of Waterloo?",
)


@dataclass(slots=True)
class Sample:
    name: str
    task: Task
    profile: Profile
    pieces: tuple[Piece, ...]
    features: Any
    wanted: list[int]
    weight: float = 1.0


def samples(folder: Path) -> dict[str, list[Sample]]:
    found = {}
    for name in NAMES:
        tasks = load(folder, name)
        tools = tasks.catalogue.tools
        profile = Profile([tools[id] for id in sorted(tools)])
        places = {spec.id: place for place, spec in enumerate(profile.specs)}
        rows = []
        for task in tasks.tasks:
            cut = pieces(task.request, profile.verbs)
            features = measured(profile, task.request, cut)
            wanted = sorted({places[tool] for tool in task.tools})
            rows.append(Sample(name, task, profile, cut, features, wanted))
        found[name] = rows
    return found


def fit(rows: list[Sample]) -> Weights:
    first = _ranked([(s.features, s) for s in rows], None)
    inner = [(in_context(s.profile, s.features, softmax(s.features @ first)), s) for s in rows]
    second = _ranked(inner, np.append(first, [0.0, 0.0, 0.0]))
    features, labels, shares = [], [], []
    for context, sample in inner:
        reading = Reading(sample.pieces, context, softmax(context @ second))
        found = candidates(sample.profile, reading)
        features.append(found.features)
        labels += [tool in sample.wanted for tool in found.tools]
        shares += [sample.weight] * len(found.tools)
    choice = _logistic(np.vstack(features), np.array(labels, float), np.array(shares))
    weights = {"first": first, "second": second, "choice": choice}
    unsure = np.zeros(len(CONFIDENCE) + 1)
    rows = [*rows, *strangers(rows)]
    made = [choose(sample, {**weights, "confidence": unsure}) for sample in rows]
    right = [set((*m.tools, *m.supplied)) == set(s.wanted) for m, s in zip(made, rows, strict=True)]
    weights["confidence"] = _logistic(
        np.array([m.measures for m in made]),
        np.array(right, float),
        np.array([s.weight for s in rows]),
    )
    return weights


def strangers(rows: list[Sample]) -> list[Sample]:
    """Requests for nothing in a catalogue: small talk, and those made for quite another one."""
    found = []
    profiles = {sample.name: sample.profile for sample in rows}
    for name, profile in profiles.items():
        others = [s.task for s in rows if (name, s.name) in APART][::5]
        said = [Task(text, text, (), frozenset()) for text in SMALL_TALK]
        for task in (*others, *said):
            cut = pieces(task.request, profile.verbs)
            features = measured(profile, task.request, cut)
            found.append(Sample(name, task, profile, cut, features, [], STRANGE))
    return found


def choose(sample: Sample, weights: Weights) -> Choice:
    context = in_context(
        sample.profile, sample.features, softmax(sample.features @ weights["first"])
    )
    reading = Reading(sample.pieces, context, softmax(context @ weights["second"]))
    return chosen(
        sample.profile, reading, sample.task.request, weights["choice"], weights["confidence"]
    )


def balanced(groups: dict[str, list[Sample]]) -> list[Sample]:
    for rows in groups.values():
        for sample in rows:
            sample.weight = (len(rows) / 100) ** -BALANCE
    return [sample for rows in groups.values() for sample in rows]


def _ranked(data: list[tuple[Any, Sample]], start: Any) -> Any:
    """Weights under which the chance that some piece is for each wanted tool is highest (Adam)."""
    weights = np.zeros(data[0][0].shape[-1]) if start is None else start.copy()
    mean, square, rate = np.zeros_like(weights), np.zeros_like(weights), RATE
    total = sum(sample.weight * len(sample.wanted) for _, sample in data)
    for step in range(1, STEPS + 1):
        slope = np.zeros_like(weights)
        for features, sample in data:
            chances = softmax(features @ weights)
            missed = 1 - chances
            none = np.prod(missed, axis=0)
            by_chance = np.zeros_like(chances)
            for tool in sample.wanted:
                others = none[tool] / np.maximum(missed[:, tool], 1e-9)
                by_chance[:, tool] = sample.weight * others / (1 - none[tool] + 1e-9)
            by_score = chances * (by_chance - (chances * by_chance).sum(1, keepdims=True))
            slope += np.einsum("pt,ptf->f", by_score, features)
        slope = slope / total - RIDGE * weights
        mean = 0.9 * mean + 0.1 * slope
        square = 0.99 * square + 0.01 * slope * slope
        unbiased = mean / (1 - 0.9**step)
        weights = weights + rate * unbiased / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
        rate *= DECAY
    return weights


def _logistic(features: Any, labels: Any, shares: Any, ridge: float = 1.0) -> Any:
    rows = np.hstack([features, np.ones((len(features), 1))])
    weights = np.zeros(rows.shape[1])
    penalty = np.eye(rows.shape[1]) * ridge
    penalty[-1, -1] = 1e-6
    for _ in range(30):
        chances = sigmoid(rows @ weights)
        slope = rows.T @ (shares * (chances - labels)) + penalty @ weights
        curve = (rows * (shares * chances * (1 - chances))[:, None]).T @ rows + penalty
        step = np.linalg.solve(curve, slope)
        weights -= step
        if abs(step).max() < 1e-6:
            break
    return weights


def halves(groups: dict[str, list[Sample]], seed: int) -> list[dict[str, list[Sample]]]:
    shuffle = np.random.RandomState(seed)
    orders = {name: shuffle.permutation(len(rows)) for name, rows in groups.items()}
    return [
        {name: [groups[name][i] for i in order[half::2]] for name, order in orders.items()}
        for half in (0, 1)
    ]


def check(groups: dict[str, list[Sample]], seeds: int) -> None:
    """What is held out is measured: one half of each set, and each set whole."""
    by_halves: dict[str, list[Outcome]] = {name: [] for name in groups}
    for seed in range(seeds):
        parts = halves(groups, seed)
        for half in (0, 1):
            weights = fit(balanced(parts[half]))
            for name, part in parts[1 - half].items():
                by_halves[name] += [_outcome(sample, weights) for sample in part]
    print("fitted on one half of each set, measured on the other")
    for name, outcomes in by_halves.items():
        print(_line(name, outcomes))
    print("fitted on the other sets alone")
    for name, rows in groups.items():
        maker = name.partition("-")[0]
        others = {n: r for n, r in groups.items() if n.partition("-")[0] != maker}
        weights = fit(balanced(others))
        print(_line(name, [_outcome(sample, weights) for sample in rows]))


def _outcome(sample: Sample, weights: Weights) -> Outcome:
    made = choose(sample, weights)
    near = f1((*made.tools, *made.supplied), sample.wanted)
    return near, float(near > 0.999), made.confidence


def _line(name: str, outcomes: list[Outcome]) -> str:
    near, right = (100 * float(np.mean([o[k] for o in outcomes])) for k in (0, 1))
    line = f"{name:<20} node F1 {near:5.1f}  tools right {right:5.1f}"
    for threshold in THRESHOLDS:
        sure = [o for o in outcomes if o[2] >= threshold]
        if sure:
            near, right = (100 * float(np.mean([o[k] for o in sure])) for k in (0, 1))
            asked = 100 * (1 - len(sure) / len(outcomes))
            line += f" | ≥{threshold}: asked {asked:3.0f} F1 {near:3.0f} right {right:3.0f}"
    return line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--write", help="where the weights, fitted on all of it, go (.py)")
    arguments = parser.parse_args()
    groups = samples(Path(arguments.data))
    check(groups, arguments.seeds)
    if arguments.write:
        Path(arguments.write).write_text(module(fit(balanced(groups))))


def module(weights: Weights) -> str:
    """The weights as the Python module the planner reads."""
    parts = [
        ("FIRST", weights["first"], FEATURES),
        ("SECOND", weights["second"], (*FEATURES, *CONTEXT)),
        ("CHOICE", weights["choice"], (*CANDIDATE, "bias")),
        ("CONFIDENCE", weights["confidence"], (*CONFIDENCE, "bias")),
    ]
    lines = [HEADER]
    for name, values, features in parts:
        lines.append(f"{name} = _of(")
        lines += [f"    {f}={v:.3f}," for f, v in zip(features, values, strict=True)]
        lines.append(")")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
