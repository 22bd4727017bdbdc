"""Steps and their `on` lists, arranged as chains and groups of chains."""

from __future__ import annotations

from backend.contracts.plans import PlanDocument
from backend.plans.ir import STEP_PREFIX
from backend.plans.pipe.syntax import Chain, Definition, Group, Heard, Link

_DEEPEST = 4
_ATTEMPTS = 20_000


def arrange(document: PlanDocument) -> tuple[list[Chain], bool]:
    """Chains that define every step in its order, and whether one begins with whatever triggers
    there are. Steps of their own have a `name`, mentions of them only a `tool`."""
    return _Arranging(document).chains()


class _Arranging:
    def __init__(self, document: PlanDocument) -> None:
        self._names = [step.name for step in document.steps]
        self._known = set(self._names)
        self._on = [tuple(step.on) for step in document.steps]
        self._triggers = tuple(trigger.name for trigger in document.events)
        self._alike = _next_alike(self._on)
        self._attempts = _ATTEMPTS

    def chains(self) -> tuple[list[Chain], bool]:
        chains: list[Chain] = []
        started, place = False, 0
        while place < len(self._on):
            on = self._on[place]
            chain, _, place = self._series(place, len(self._on), 0)
            if on != self._triggers:
                chains.append([self._sources(on), *chain])
                continue
            started = True
            first = chain[0].part
            # Branches that never meet again are clearer as chains of their own.
            chains += first.chains if len(chain) == 1 and isinstance(first, Group) else [chain]
        return chains, started

    def _series(self, place: int, end: int, depth: int) -> tuple[Chain, list[Link], int]:
        """The chain that begins at this step, its open ends, and the first step that is not in it."""
        chain: Chain = []
        ends: list[Link] = []
        while place < end and (not chain or self._follows(place, ends)):
            group = self._group(place, end, depth)
            if group is None:
                ends = [Link(Definition(0, "", self._names[place]))]
                chain.append(ends[0])
                place += 1
            else:
                chains, ends, place = group
                chain.append(Link(Group(0, chains)))
        return chain, ends, place

    def _group(
        self, place: int, end: int, depth: int
    ) -> tuple[list[Chain], list[Link], int] | None:
        """Branches from here that all listen to the same, if there are several side by side."""
        if depth >= _DEEPEST or self._alike[place] >= end or self._attempts <= 0:
            return None
        chains: list[Chain] = []
        ends: list[Link] = []
        while True:
            stop = min(self._alike[place], end)
            chain, last, place_after = self._series(place, stop, depth + 1)
            self._attempts -= place_after - place
            chains.append(chain)
            ends += last
            place = place_after
            if place != stop or stop == end:
                break
        return (chains, ends, place) if len(chains) > 1 else None

    def _follows(self, place: int, ends: list[Link]) -> bool:
        """Whether the step listens to exactly these ends; if so they learn by which outcome."""
        on = self._on[place]
        if len(on) != len(ends):
            return False
        outcomes = []
        for name, link in zip(on, ends, strict=True):
            assert isinstance(link.part, Definition)
            heard = self._step(name)
            if heard is None or heard[0] != link.part.name:
                return False
            outcomes.append(heard[1])
        for link, outcome in zip(ends, outcomes, strict=True):
            link.outcome = outcome
        return True

    def _sources(self, on: tuple[str, ...]) -> Link:
        links = [self._source(name) for name in on]
        return links[0] if len(links) == 1 else Link(Group(0, [[link] for link in links]))

    def _source(self, name: str) -> Link:
        heard = self._step(name)
        if heard is None:
            return Link(Heard(0, name))
        return Link(Definition(0, heard[0]), heard[1])

    def _step(self, name: str) -> tuple[str, str | None] | None:
        """The step and outcome that a name says, whoever else may be called so."""
        if not name.startswith(STEP_PREFIX):
            return None
        step, dot, action = name.removeprefix(STEP_PREFIX).partition(".")
        if step not in self._known or bool(dot) != bool(action):
            return None
        return step, action or None


def _next_alike(on: list[tuple[str, ...]]) -> list[int]:
    """Per step, the next one that listens to the same."""
    alike = [len(on)] * len(on)
    last: dict[tuple[str, ...], int] = {}
    for place, names in enumerate(on):
        if names in last:
            alike[last[names]] = place
        last[names] = place
    return alike
