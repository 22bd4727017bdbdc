"""Fitted numbers of the composition over foreign tools, by benchmarks/planning/fit.py."""

from __future__ import annotations

import numpy as np

from agents.planner.matching.profile import Array


def _of(**values: float) -> Array:
    """In the order of the features they weigh."""
    return np.array(list(values.values()), np.float32)


FIRST = _of(
    text_near=2.233,
    name_near=1.134,
    head_near=1.478,
    bm25=1.393,
    bm25_head=0.419,
    objects=1.645,
    other_act=-1.033,
    unasked=-0.882,
    request_near=1.313,
    request_bm25=0.326,
    covered=0.758,
    act_on_objects=0.683,
    no_objects=1.038,
)
SECOND = _of(
    text_near=2.494,
    name_near=0.462,
    head_near=1.553,
    bm25=1.655,
    bm25_head=0.040,
    objects=1.659,
    other_act=-1.067,
    unasked=-1.247,
    request_near=1.759,
    request_bm25=0.527,
    covered=0.660,
    act_on_objects=0.629,
    no_objects=0.946,
    family=2.389,
    earlier=-2.286,
    later=-1.106,
)
CHOICE = _of(
    score=1.075,
    behind=-0.170,
    best=0.238,
    family=-0.193,
    looks_first=0.672,
    looks_again=1.559,
    looks_best=-0.875,
    sure=-0.100,
    single=0.758,
    pieces=-0.273,
    several=-0.084,
    bias=0.905,
)
CONFIDENCE = _of(
    expected=1.362,
    all=1.292,
    weakest=0.194,
    next=-0.303,
    instead=-1.360,
    unused=-0.765,
    tools=0.689,
    supplied=0.437,
    undone=-0.719,
    near=0.469,
    covered=0.343,
    bias=-3.310,
)
