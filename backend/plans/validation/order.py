"""What must have happened before a step starts: the graph read as D3 says, once for all validators.

Sets of steps are integers with one bit a step: a thousand steps stay cheap.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import cached_property

from backend.contracts.errors import Invalid
from backend.contracts.plans import RESERVED_ACTION, Edge, Step
from backend.expressions import parse
from backend.plans.validation.subject import DEFAULT_ACTION, ITEM_ROOTS, Subject


class Order:
    """`loops` are the groups of steps that lie on a cycle together, in document order."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._names = list(subject.steps)
        self._components = list(components(self._names, self._sources))
        # Upstream first, so that the members of a set come in that order.
        self._ranked = [name for group in self._components for name in group]
        self._bit = {name: 1 << index for index, name in enumerate(self._ranked)}
        self.loops = [
            sorted(group, key=subject.index.__getitem__)
            for group in self._components
            if len(group) > 1 or group[0] in self._sources(group[0])
        ]

    def before(self, step: str, other: str) -> bool:
        """Whether `other` is upstream of `step`, by some path."""
        return bool(self._upstream[step] & self._bit[other])

    def sure(self, step: str, other: str) -> bool:
        """Whether `other` is done whenever `step` starts."""
        return bool(self._surely[step] & self._bit[other])

    def circular(self, step: str) -> bool:
        """Whether a step lies on a cycle or behind one."""
        return any(self.before(step, loop[0]) for loop in self.loops)

    @cached_property
    def reachable(self) -> frozenset[str]:
        """The steps that some trigger can lead to."""
        found = [name for name in self._names if self._from_trigger(name)]
        seen = set(found)
        while found:
            for edge in self._subject.outgoing[found.pop()]:
                if edge.to not in seen:
                    seen.add(edge.to)
                    found.append(edge.to)
        return frozenset(seen)

    @cached_property
    def startable(self) -> frozenset[str]:
        """The steps that do not wait for themselves: under `all` everything upstream must settle."""
        ready: set[str] = set()
        todo = deque(name for name in self._names if name in self.reachable)
        while todo:
            name = todo.popleft()
            if name not in ready and self._ready(name, ready):
                ready.add(name)
                todo.extend(edge.to for edge in self._subject.outgoing[name])
        return frozenset(ready)

    @cached_property
    def murky(self) -> frozenset[str]:
        """Steps behind a name that means nothing: what is upstream of them is not known."""
        found = [
            name
            for name, step in self._subject.steps.items()
            if not all(map(self._subject.listening.known, step.on))
        ]
        seen = set(found)
        while found:
            for edge in self._subject.outgoing[found.pop()]:
                if edge.to not in seen:
                    seen.add(edge.to)
                    found.append(edge.to)
        return frozenset(seen)

    def _ready(self, name: str, ready: set[str]) -> bool:
        sources = [s for s in self._sources(name) if s in self.reachable]
        if self._subject.joins_all(self._subject.steps[name]):
            return all(source in ready for source in sources)
        return self._from_trigger(name) or any(source in ready for source in sources)

    def _from_trigger(self, name: str) -> bool:
        return any(not self._subject.from_step(edge) for edge in self._subject.incoming[name])

    def _sources(self, name: str) -> list[str]:
        edges = self._subject.incoming[name]
        return [edge.source for edge in edges if self._subject.from_step(edge)]

    @cached_property
    def _upstream(self) -> dict[str, int]:
        upstream: dict[str, int] = {}
        for group in self._components:
            found = 0
            for name in group:
                for source in self._sources(name):
                    found |= self._bit[source] | upstream.get(source, 0)
            upstream.update(dict.fromkeys(group, found))
        return upstream

    @cached_property
    def _surely(self) -> dict[str, int]:
        return self._in_loops() if self.loops else self._in_sequence()

    def _in_sequence(self) -> dict[str, int]:
        """Done for sure: on every way in; or settled, and started by something done for sure."""
        surely: dict[str, int] = {}
        settled: dict[str, int] = {}
        candidates = [
            name for (name,) in self._components if self._solid(self._subject.steps[name])
        ]
        solid = sum(self._bit[name] for name in candidates)
        certain = {name: self._certain(name) for name in candidates}
        for (name,) in self._components:
            edges = self._subject.incoming[name]
            surely[name] = self._on_every_way(edges, surely)
            ways = [
                settled[edge.source] | self._bit[edge.source]
                if self._subject.from_step(edge)
                else 0
                for edge in edges
            ]
            join_all = self._subject.joins_all(self._subject.steps[name])
            settled[name] = _union(ways) if join_all else _intersection(ways)
            open_ = settled[name] & solid & ~surely[name]
            for other in self._members(open_):
                always, sources = certain[other]
                if always or sources & surely[name]:
                    surely[name] |= self._bit[other]
        return surely

    def _in_loops(self) -> dict[str, int]:
        """As a compiler finds dominators: assume everything, take away until nothing changes."""
        everything = (1 << len(self._names)) - 1
        surely = dict.fromkeys(self._names, everything)
        order = self._downstream()
        changed = True
        while changed:
            changed = False
            for name in order:
                found = self._on_every_way(self._subject.incoming[name], surely)
                changed = changed or found != surely[name]
                surely[name] = found
        return surely

    def _downstream(self) -> list[str]:
        """The steps in reverse postorder from the triggers: most sources before their followers."""
        order: list[str] = []
        seen: set[str] = set()
        starts = sorted(self._names, key=self._from_trigger)
        work = [(name, False) for name in starts]
        while work:
            name, left = work.pop()
            if left:
                order.append(name)
            elif name not in seen:
                seen.add(name)
                work.append((name, True))
                work.extend((edge.to, False) for edge in self._subject.outgoing[name])
        return order[::-1]

    def _on_every_way(self, edges: tuple[Edge, ...], surely: dict[str, int]) -> int:
        return _intersection(
            [
                surely[edge.source]
                | (self._bit[edge.source] if edge.action != RESERVED_ACTION else 0)
                if self._subject.from_step(edge)
                else 0
                for edge in edges
            ]
        )

    def _solid(self, step: Step) -> bool:
        """Whether a step, once started, is done before anything behind it goes on."""
        return step.on_error in (None, "fail") and (step.guard is None or _per_item(step))

    def _certain(self, name: str) -> tuple[bool, int]:
        """Whether every run starts this step, and the steps that start it whenever they are done."""
        sources, triggers = 0, set[str]()
        for edge in self._subject.incoming[name]:
            if not self._subject.from_step(edge):
                triggers.add(edge.source)
            elif self._always(edge):
                sources |= self._bit[edge.source]
        return bool(triggers) and triggers >= self._subject.triggers, sources

    def _always(self, edge: Edge) -> bool:
        if edge.event is not None:
            return True
        spec = self._subject.spec(self._subject.steps[edge.source])
        named = set(spec.actions) - {DEFAULT_ACTION} if spec else set()
        return edge.action in (None, DEFAULT_ACTION) and not named

    def _members(self, bits: int) -> Iterator[str]:
        while bits:
            lowest = bits & -bits
            yield self._ranked[lowest.bit_length() - 1]
            bits ^= lowest


def _per_item(step: Step) -> bool:
    """Whether a step's guard skips single items, never the step."""
    try:
        return step.for_each is not None and bool(parse(step.guard or "").names & ITEM_ROOTS)
    except Invalid:
        return False


def _union(sets: list[int]) -> int:
    total = 0
    for bits in sets:
        total |= bits
    return total


def _intersection(sets: list[int]) -> int:
    if not sets:
        return 0
    total = sets[0]
    for bits in sets:
        total &= bits
    return total


def components(names: list[str], sources: Callable[[str], list[str]]) -> Iterator[list[str]]:
    """Strongly connected components, upstream first (Tarjan, without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    for root in names:
        if root in index:
            continue
        work = [(root, iter(sources(root)))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            name, rest = work[-1]
            for source in rest:
                if source not in index:
                    index[source] = low[source] = len(index)
                    stack.append(source)
                    on_stack.add(source)
                    work.append((source, iter(sources(source))))
                    break
                if source in on_stack:
                    low[name] = min(low[name], index[source])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    yield _pop_until(stack, on_stack, name)


def _pop_until(stack: list[str], on_stack: set[str], name: str) -> list[str]:
    group: list[str] = []
    while not group or group[-1] != name:
        group.append(stack.pop())
        on_stack.discard(group[-1])
    return group
