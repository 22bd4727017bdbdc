"""Fitted numbers of the composition over foreign tools, by benchmarks/planning/fit.py."""

from __future__ import annotations

import numpy as np

from agents.planner.matching.profile import Array


def _of(**values: float) -> Array:
    """In the order of the features they weigh."""
    return np.array(list(values.values()), np.float32)


FIRST = _of(
    text_near=2.236,
    name_near=1.144,
    head_near=1.470,
    bm25=1.392,
    bm25_head=0.416,
    objects=1.647,
    other_act=-1.035,
    unasked=-0.883,
    request_near=1.314,
    request_bm25=0.331,
    covered=0.747,
    act_on_objects=0.679,
    no_objects=1.040,
)
SECOND = _of(
    text_near=2.486,
    name_near=0.465,
    head_near=1.562,
    bm25=1.635,
    bm25_head=0.048,
    objects=1.660,
    other_act=-1.067,
    unasked=-1.249,
    request_near=1.753,
    request_bm25=0.540,
    covered=0.638,
    act_on_objects=0.629,
    no_objects=0.948,
    family=2.403,
    earlier=-2.302,
    later=-1.079,
)
CHOICE = _of(
    score=1.083,
    behind=-0.169,
    best=0.204,
    family=-0.220,
    looks_first=0.619,
    looks_again=1.583,
    looks_best=-0.861,
    sure=-0.081,
    single=0.755,
    pieces=-0.274,
    several=-0.111,
    bias=0.932,
)
CONFIDENCE = _of(
    expected=1.216,
    all=1.222,
    weakest=0.233,
    next=-0.373,
    instead=-1.705,
    unused=-1.619,
    tools=0.622,
    supplied=0.551,
    bias=-2.909,
)
