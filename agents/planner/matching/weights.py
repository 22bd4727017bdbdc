"""Fitted numbers of the composition over foreign tools, by benchmarks/planning/fit.py."""

from __future__ import annotations

import numpy as np

from agents.planner.matching.profile import Array


def _of(**values: float) -> Array:
    """In the order of the features they weigh."""
    return np.array(list(values.values()), np.float32)


FIRST = _of(
    text_near=2.233,
    name_near=1.144,
    head_near=1.478,
    bm25=1.392,
    bm25_head=0.418,
    objects=1.645,
    other_act=-1.032,
    unasked=-0.882,
    request_near=1.310,
    request_bm25=0.328,
    covered=0.748,
    act_on_objects=0.683,
    no_objects=1.038,
)
SECOND = _of(
    text_near=2.495,
    name_near=0.474,
    head_near=1.552,
    bm25=1.651,
    bm25_head=0.038,
    objects=1.660,
    other_act=-1.066,
    unasked=-1.248,
    request_near=1.756,
    request_bm25=0.533,
    covered=0.647,
    act_on_objects=0.629,
    no_objects=0.946,
    family=2.387,
    earlier=-2.298,
    later=-1.108,
)
CHOICE = _of(
    score=1.074,
    behind=-0.171,
    best=0.246,
    family=-0.191,
    looks_first=0.671,
    looks_again=1.560,
    looks_best=-0.877,
    sure=-0.102,
    single=0.758,
    pieces=-0.273,
    several=-0.091,
    bias=0.901,
)
CONFIDENCE = _of(
    expected=1.284,
    all=1.253,
    weakest=0.227,
    next=-0.360,
    instead=-1.411,
    unused=-1.467,
    tools=0.660,
    supplied=0.352,
    bias=-2.980,
)
