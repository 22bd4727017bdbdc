"""Fitted numbers of the composition over foreign tools, by benchmarks/planning/fit.py."""

from __future__ import annotations

import numpy as np

from agents.planner.matching.profile import Array


def _of(**values: float) -> Array:
    """In the order of the features they weigh."""
    return np.array(list(values.values()), np.float32)


FIRST = _of(
    text_near=2.233,
    name_near=1.114,
    head_near=1.457,
    bm25=1.396,
    bm25_head=0.404,
    objects=1.666,
    other_act=-1.057,
    unasked=-0.883,
    request_near=1.350,
    request_bm25=0.336,
    covered=0.782,
    act_on_objects=0.669,
    no_objects=1.048,
)
SECOND = _of(
    text_near=2.496,
    name_near=0.422,
    head_near=1.547,
    bm25=1.639,
    bm25_head=0.046,
    objects=1.676,
    other_act=-1.077,
    unasked=-1.246,
    request_near=1.773,
    request_bm25=0.534,
    covered=0.700,
    act_on_objects=0.630,
    no_objects=0.954,
    family=2.382,
    earlier=-2.264,
    later=-1.079,
)
CHOICE = _of(
    score=1.096,
    behind=-0.175,
    best=0.138,
    family=-0.211,
    looks_first=0.679,
    looks_again=1.547,
    looks_best=-0.866,
    sure=-0.107,
    single=0.740,
    pieces=-0.283,
    several=-0.078,
    bias=1.001,
)
CONFIDENCE = _of(
    expected=1.149,
    all=1.403,
    weakest=0.113,
    next=-0.379,
    instead=-0.460,
    unused=-1.692,
    tools=0.288,
    supplied=-0.093,
    bias=-1.679,
)
