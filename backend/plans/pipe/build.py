"""From the parts of pipe text to a plan document: every step named, every arrow a name in `on`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from backend.contracts.plans import MAX_STEPS
from backend.plans.ir import STEP_PREFIX
from backend.plans.pipe.errors import Misread
from backend.plans.pipe.syntax import (
    TRIGGER_NAMES,
    Chain,
    Definition,
    Group,
    Heard,
    Link,
    Reading,
    Started,
    step_name,
    unique,
)

MAX_SOURCES = 200
MAX_PLAN_NAME = 120


def build(text: str, reading: Reading) -> tuple[dict[str, Any], list[Definition]]:
    """The document, and what its steps were read from, in the same order. Raises `Misread`."""
    return _Builder(text, reading).build()


def title(tools: Sequence[str]) -> str:
    """What a plan of these tools is called when nobody says."""
    words = [tool.rpartition(".")[2].replace("_", " ") or tool for tool in tools[:3]]
    more = f" and {len(tools) - 3} more" if len(tools) > 3 else ""
    said = ", ".join(words) + more
    return (said[:1].upper() + said[1:])[:MAX_PLAN_NAME]


class _Builder:
    def __init__(self, text: str, reading: Reading) -> None:
        self._text = text
        self._reading = reading
        self._events = _named_triggers(reading.triggers)
        self._definitions: list[Definition] = []
        self._names: dict[int, str] = {}
        self._on: dict[str, list[str | None]] = {}
        self._numbers: dict[str, int] = {}

    def build(self) -> tuple[dict[str, Any], list[Definition]]:
        self._name_steps()
        if not self._definitions:
            raise Misread(
                self._text, len(self._text), "there is no step yet.",
                hint="For example feed.read --url=https://example.com/rss.",
            )  # fmt: skip
        for chain in self._reading.chains:
            self._wire(chain, None)
        if not self._events and any(None in on for on in self._on.values()):
            self._events.append({"name": TRIGGER_NAMES["manual"], "kind": "manual"})
        triggers = [str(trigger["name"]) for trigger in self._events]
        steps = [self._step(definition, triggers) for definition in self._definitions]
        head = {"plan_name": title([step["action"] for step in steps])} | self._reading.head
        document = head | {"inputs": self._reading.inputs, "events": self._events, "steps": steps}
        return document, self._definitions

    def _step(self, definition: Definition, triggers: list[str]) -> dict[str, Any]:
        name = self._names[id(definition)]
        on = [each for heard in self._on[name] for each in (triggers if heard is None else [heard])]
        return {"name": name, "on": on, "action": definition.tool, **definition.fields}

    # --- names ------------------------------------------------------------------------------------

    def _name_steps(self) -> None:
        """A plain word is another step where one has that name, and else a tool."""
        parts = [part for chain in self._reading.chains for part in _parts(chain)]
        steps = [part for part in parts if isinstance(part, Definition)]
        known: set[str] = set()
        for step in steps:
            if step.name is not None:
                if step.name in known:
                    raise Misread(self._text, step.at, f"two steps are called “{step.name}”.")
                known.add(step.name)
                self._names[id(step)] = step.name
        for step in steps:
            if step.name is None and not step.plain:
                self._derive(step, known)
        told = set(known)
        for step in steps:
            if step.plain and step.tool not in told:
                self._derive(step, known)
        self._definitions = [step for step in steps if id(step) in self._names]
        if len(self._definitions) > MAX_STEPS:
            raise Misread(
                self._text, steps[MAX_STEPS].at, f"there are more than {MAX_STEPS:,} steps."
            )
        self._on = {self._names[id(step)]: [] for step in self._definitions}

    def _derive(self, step: Definition, known: set[str]) -> None:
        base = step_name(step.tool)
        name, self._numbers[base] = unique(base, known, self._numbers.get(base, 2))
        known.add(name)
        self._names[id(step)] = name

    # --- arrows -----------------------------------------------------------------------------------

    def _wire(self, chain: Chain, sources: list[str] | None) -> list[str]:
        """Let the chain listen to `sources`, or to every trigger; the names its end announces."""
        for link in chain:
            sources = self._link(link, sources)
        return sources or []

    def _link(self, link: Link, sources: list[str] | None) -> list[str]:
        match link.part:
            case Group(chains=chains):
                ends = [self._wire(chain, sources) for chain in chains]
                return [name for end in ends for name in end]
            case Heard(at=at, name=name):
                self._only_first(at, sources)
                return [name]
            case Started(at=at, place=place):
                self._only_first(at, sources)
                return [str(self._events[place]["name"])]
            case Definition() as step:
                name = self._names.get(id(step), step.tool)
                defined = id(step) in self._names
                self._listen(step, name, sources, begins=defined)
                return [
                    STEP_PREFIX + name + (f".{link.outcome}" if link.outcome is not None else "")
                ]

    def _listen(
        self, step: Definition, name: str, sources: list[str] | None, *, begins: bool
    ) -> None:
        on = self._on[name]
        if sources is None:
            if begins:
                on.append(None)
            return
        if len(on) + len(sources) > MAX_SOURCES:
            raise Misread(
                self._text, step.at, f"“{name}” waits for more than {MAX_SOURCES} others."
            )
        on.extend(sources)

    def _only_first(self, at: int, sources: list[str] | None) -> None:
        if sources is not None:
            raise Misread(self._text, at, "an event can only begin a chain, nothing leads to it.")


def _parts(chain: Chain) -> Iterator[Definition | Heard | Started]:
    for link in chain:
        if isinstance(link.part, Group):
            for inner in link.part.chains:
                yield from _parts(inner)
        else:
            yield link.part


def _named_triggers(triggers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    taken = {str(trigger["name"]) for trigger in triggers if "name" in trigger}
    named = []
    for trigger in triggers:
        name = str(trigger.get("name") or unique(TRIGGER_NAMES[trigger["kind"]], taken)[0])
        taken.add(name)
        named.append(trigger | {"name": name})
    return named
