"""What models typically get wrong in a draft, put into a right one."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable, Mapping
from typing import Any

Draft = dict[str, Any]
# the faulty draft, or None where this one cannot have the fault
Fault = Callable[[Draft, random.Random], Draft | None]


def invented_reference(draft: Draft, chance: random.Random) -> Draft | None:
    return _argument(draft, chance, lambda name, value: f"{name}=${{event.date}} {value}")


def reference_to_nobody(draft: Draft, chance: random.Random) -> Draft | None:
    return _argument(draft, chance, lambda name, value: f"{name}=${{nobody.result}}")


def output_there_is_not(draft: Draft, chance: random.Random) -> Draft | None:
    def wrong(name: str, value: str) -> str | None:
        root, _, rest = value.partition(".")
        return f"{name}={root}.stuff}}" if value.startswith("${") and rest else None

    return _argument(draft, chance, wrong)


def tool_nearly_real(draft: Draft, chance: random.Random) -> Draft | None:
    step = chance.choice(draft["steps"])
    step["tool"] = step["tool"].replace(".", ".do_")
    return draft


def argument_missing(draft: Draft, chance: random.Random) -> Draft | None:
    steps = [step for step in draft["steps"] if step["args"]]
    if not steps:
        return None
    args = chance.choice(steps)["args"]
    args.pop(chance.randrange(len(args)))
    return draft


def argument_of_another_tool(draft: Draft, chance: random.Random) -> Draft | None:
    chance.choice(draft["steps"])["args"].append("channel=#general")
    return draft


def wrong_type(draft: Draft, chance: random.Random) -> Draft | None:
    return _argument(draft, chance, lambda name, value: f"{name}={json.dumps({'value': value})}")


def condition_dropped(draft: Draft, chance: random.Random) -> Draft | None:
    if not any(step["if"] for step in draft["steps"]):
        return None
    for step in draft["steps"]:
        step["if"] = ""
    return draft


def cron_against_the_words(draft: Draft, chance: random.Random) -> Draft | None:
    draft["when"] = "13 3 * * 2"
    return draft


def recipient_invented(draft: Draft, chance: random.Random) -> Draft | None:
    def other(name: str, value: str) -> str | None:
        return "to=someone@made-up.example" if name == "to" else None

    return _argument(draft, chance, other)


def event_there_is_not(draft: Draft, chance: random.Random) -> Draft | None:
    chance.choice(draft["steps"])["after"] = ["event.morning"]
    return draft


def cycle(draft: Draft, chance: random.Random) -> Draft | None:
    first, *behind = draft["steps"] or [None]
    follow = {first["name"]} if first else set()
    for step in behind:
        used = f"{step['args']} {step['each']} {step['if']} {step['after']}"
        if any(re.search(rf"\b{name}\b", used) for name in follow):
            follow.add(step["name"])
    if len(follow) < 2 or draft["steps"][-1]["name"] not in follow:
        return None
    draft["steps"][0]["after"] = [draft["steps"][-1]["name"]]
    return draft


def order_turned(draft: Draft, chance: random.Random) -> Draft | None:
    if len(draft["steps"]) < 2:
        return None
    draft["steps"].reverse()
    return draft


def step_nobody_asked_for(draft: Draft, chance: random.Random) -> Draft | None:
    last = draft["steps"][-1]
    draft["steps"].append(
        {**last, "name": "log", "tool": "http.request", "if": "", "each": "", "after": [last["name"]],
         "args": ["url=https://made-up.example/log", "method=POST"], "options": []}
    )  # fmt: skip
    return draft


FAULTS: Mapping[str, Fault] = {
    "invented reference": invented_reference,
    "reference to no step": reference_to_nobody,
    "output there is not": output_there_is_not,
    "tool nearly a real one": tool_nearly_real,
    "argument missing": argument_missing,
    "argument of another tool": argument_of_another_tool,
    "wrong type": wrong_type,
    "condition dropped": condition_dropped,
    "cron against the words": cron_against_the_words,
    "recipient invented": recipient_invented,
    "event there is not": event_there_is_not,
    "cycle": cycle,
    "order turned round": order_turned,
    "step nobody asked for": step_nobody_asked_for,
}
# faults of the answer, not of the draft in it
SPOILT = ("JSON truncated", "prose around the JSON", "429 once", "500 once", "slow once")


def faulty(name: str, draft: Draft, seed: str) -> Draft | None:
    """`draft` with the fault; the same one for the same seed. None where it cannot have it."""
    if not draft["steps"]:
        return None
    spoilt = FAULTS[name](copy.deepcopy(draft), random.Random(seed))
    return None if spoilt == draft else spoilt


def _argument(
    draft: Draft, chance: random.Random, change: Callable[[str, str], str | None]
) -> Draft | None:
    places = []
    for step in draft["steps"]:
        for place, text in enumerate(step["args"]):
            name, _, value = text.partition("=")
            if (new := change(name, value)) is not None and new != text:
                places.append((step, place, new))
    if not places:
        return None
    step, place, new = chance.choice(places)
    step["args"][place] = new
    return draft
