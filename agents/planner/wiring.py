"""Which steps wait for which: names, order, sources that are taken together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from agents.planner import schema
from agents.planner.filled import Filled
from agents.planner.lexicon import WORDS
from agents.planner.made import EVENT, Made
from backend.contracts.plans import RESERVED_STEP_NAMES
from backend.contracts.tools import ToolSpec

Step = dict[str, Any]
PREFIX = "step."


def name_for(spec: ToolSpec, taken: set[str]) -> str:
    """A short name for a step of this tool."""
    word = WORDS.get(spec.id)
    base = word.step if word else re.sub(r"\W+", "_", spec.id.rsplit(".", 1)[-1]).lower()
    if base in RESERVED_STEP_NAMES or not re.match(r"[a-z]", base):
        base = f"do_{base}"
    name, n = base[:60], 2
    while name in taken:
        name, n = f"{base[:56]}_{n}", n + 1
    return name


def stage_of(spec: ToolSpec) -> str:
    word = WORDS.get(spec.id)
    return word.stage if word else ""


def waits_for(step: Step) -> list[str]:
    """The names of the steps that it waits for, whatever comes of them."""
    return [on.split(".")[1] for on in step["on"] if on.startswith(PREFIX)]


def reduced(steps: Iterable[Step], names: Iterable[str]) -> list[str]:
    """The names without those that another of them waits for anyway."""
    names = list(dict.fromkeys(names))
    waits = {step["name"]: set(waits_for(step)) for step in steps}
    changed = True
    while changed:
        changed = False
        for upstream in waits.values():
            more = {u for name in upstream for u in waits.get(name, ())} - upstream
            if more:
                upstream |= more
                changed = True
    return [n for n in names if not any(n in waits.get(other, ()) for other in names)]


def listen(step: Step, steps: Iterable[Step], names: Iterable[str], event: str) -> None:
    """Let a step wait for these steps too."""
    wanted = reduced(steps, [*waits_for(step), *(n for n in names if n != EVENT)])
    step["on"] = [f"{PREFIX}{name}" for name in wanted] or [event]


def upstream_of(
    steps: list[Step], made: list[Made], refers: list[str], spec: ToolSpec, *, after: bool
) -> list[str]:
    """The steps that the next one waits for: what it refers to, and what was said to come before."""
    names = [name for name in dict.fromkeys(refers) if name != EVENT]
    previous = made[-1] if made else None
    if previous is not None:
        asks = stage_of(previous.spec) == "ask"
        beside = stage_of(spec) == "source"
        alone = not refers
        held = previous.spec.id == "wait.until"
        if (held or not beside) and (asks or after or alone) and previous.name not in names:
            names.append(previous.name)
    return reduced(steps, names)


def kin(made: Iterable[Made], name: str, *, many: bool = False) -> list[Made]:
    """Steps of one tool that were made side by side, `name` among them; with `many` those of other
    clauses too."""
    base = name.rstrip("_0123456789")
    found = [m for m in made if m.name.rstrip("_0123456789") == base and not m.listed]
    own = next((m for m in found if m.name == name), None)
    if own is None or stage_of(own.spec) not in ("source", "change"):
        return []
    same = [m for m in found if m.spec.id == own.spec.id and (many or m.batch == own.batch)]
    if stage_of(own.spec) != "source":
        return same
    beside = [m for m in made if stage_of(m.spec) == "source" and not m.listed and not m.quiet]
    return [m for m in beside if m in same or m.batch == own.batch]


def together(filled: Filled, spec: ToolSpec, made: list[Made], *, many: bool = False) -> None:
    """What follows steps made side by side takes them all."""
    if len(filled.refers) != 1:
        return
    name = filled.refers[0]
    sources = kin(made, name, many=many)
    if many and len(sources) < 2:
        sources = _untaken(made, name)
    if len(sources) < 2:
        return
    spec_of = {m.name: m.spec for m in sources}
    for argument, value in filled.args.items():
        takes = schema.takes_list(schema.properties(spec)[argument])
        if filled.sources[argument].startswith("step ") and takes:
            filled.args[argument] = [
                str(value).replace(f"${{{name}.", f"${{{m.name}.")
                if m.spec.id == spec_of[name].id
                else _reference(m, argument, spec)
                for m in sources
            ]
            filled.sources[argument] = f"step {', '.join(m.name for m in sources)}"
            filled.refers = [m.name for m in sources]


def _untaken(made: Iterable[Made], name: str) -> list[Made]:
    """ "tell me both": all that was read, when the last of it is meant and nothing else was made of it."""
    made = [m for m in made if not m.quiet]
    reads = all(stage_of(m.spec) == "source" and not m.listed for m in made)
    return list(made) if reads and any(m.name == name for m in made) else []


def _reference(made: Made, argument: str, spec: ToolSpec) -> str:
    found = schema.output_for(made.spec, argument, schema.properties(spec)[argument])
    return f"${{{made.name}.{found[0]}}}" if found else f"${{{made.name}}}"
