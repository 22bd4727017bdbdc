"""Layered layout of a graph, top down: ranks, order within each, and where everything lies."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass

Point = tuple[float, float]
Arrow = tuple[int, int]

GAP = 36.0
_LANE = 18.0
_SWEEPS = 6
_MAX_BENDS = 600


@dataclass(frozen=True, slots=True)
class Layout:
    """`places` are the upper middles of the boxes in their order. `routes` has, for each arrow, the
    points between its ends, two for each rank it passes; None for one that leads back up."""

    places: tuple[Point, ...]
    routes: tuple[tuple[Point, ...] | None, ...]
    ranks: tuple[int, ...]
    width: float
    height: float


def layers(sizes: Sequence[Point], arrows: Sequence[Arrow], between: float) -> Layout:
    """Lay out boxes of these widths and heights; `between` is the room from rank to rank.

    Ranks are longest paths, after arrows that close a cycle are set aside; the order in a rank is
    by barycentres; places are the nearest to those of their neighbours that leave a gap.
    """
    if not sizes:
        return Layout((), (), (), 0.0, 0.0)
    return _Layers(sizes, arrows).layout(between)


def ranks(count: int, arrows: Sequence[Arrow]) -> list[int]:
    """How far down each of `count` boxes lies, from 0."""
    back = _back(count, arrows)
    return _ranks(count, [arrow for place, arrow in enumerate(arrows) if place not in back])


class _Layers:
    """Boxes and, after them, bends: places where a long arrow passes a rank."""

    def __init__(self, sizes: Sequence[Point], arrows: Sequence[Arrow]) -> None:
        self._sizes = sizes
        self._arrows = arrows
        self._back = _back(len(sizes), arrows)
        self._ranks = _ranks(
            len(sizes), [arrow for place, arrow in enumerate(arrows) if place not in self._back]
        )
        self._rank = list(self._ranks)
        self._bends: dict[int, list[int]] = {}
        self._up: list[list[int]] = [[] for _ in sizes]
        self._down: list[list[int]] = [[] for _ in sizes]
        for place in range(len(arrows)):
            if place not in self._back:
                self._lead(place)
        self._rows: list[list[int]] = [[] for _ in range(max(self._rank) + 1)]
        for node, rank in enumerate(self._rank):
            self._rows[rank].append(node)

    def layout(self, between: float) -> Layout:
        self._order()
        x = self._columns()
        heights = [max((self._size(n)[1] for n in row), default=0.0) for row in self._rows]
        tops = [0.0]
        for height in heights:
            tops.append(tops[-1] + height + between)
        left = min(x[n] - self._size(n)[0] / 2 for n in range(len(x)))
        x = [each - left for each in x]
        width = max(x[n] + self._size(n)[0] / 2 for n in range(len(x)))
        routes: list[tuple[Point, ...] | None] = []
        for place in range(len(self._arrows)):
            if place in self._back:
                routes.append(None)
                continue
            route = [
                (x[bend], tops[self._rank[bend]] + down)
                for bend in self._bends.get(place, ())
                for down in (0.0, heights[self._rank[bend]])
            ]
            routes.append(tuple(route))
        places = tuple((x[n], tops[rank]) for n, rank in enumerate(self._ranks))
        return Layout(places, tuple(routes), tuple(self._ranks), width, tops[-1] - between)

    def _size(self, node: int) -> Point:
        return (_LANE, 0.0) if self._bent(node) else self._sizes[node]

    def _lead(self, place: int) -> None:
        """An arrow, with a bend in each rank it passes; none when there are very many already."""
        source, target = self._arrows[place]
        passed = range(self._ranks[source] + 1, self._ranks[target])
        before = source
        if len(self._rank) + len(passed) - len(self._sizes) <= _MAX_BENDS:
            for rank in passed:
                bend = len(self._rank)
                self._rank.append(rank)
                self._up.append([])
                self._down.append([])
                self._bends.setdefault(place, []).append(bend)
                self._join(before, bend)
                before = bend
        elif passed:
            return
        self._join(before, target)

    def _join(self, source: int, target: int) -> None:
        self._down[source].append(target)
        self._up[target].append(source)

    # --- order ------------------------------------------------------------------------------------

    def _order(self) -> None:
        best, fewest = [list(row) for row in self._rows], self._crossings()
        for sweep in range(_SWEEPS):
            if not fewest:
                break
            rows = self._rows[1:] if sweep % 2 == 0 else self._rows[-2::-1]
            neighbours = self._up if sweep % 2 == 0 else self._down
            places = self._places()
            for row in rows:
                weights = {
                    n: sum(places[m] for m in neighbours[n]) / len(neighbours[n])
                    if neighbours[n]
                    else float(places[n])
                    for n in row
                }
                row.sort(key=weights.__getitem__)
                places.update((n, place) for place, n in enumerate(row))
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(row) for row in self._rows], crossings
        self._rows = best

    def _places(self) -> dict[int, int]:
        return {n: place for row in self._rows for place, n in enumerate(row)}

    def _crossings(self) -> int:
        places = self._places()
        count = 0
        for row in self._rows:
            seen: list[int] = []
            for node in row:
                targets = sorted(places[m] for m in self._down[node])
                count += sum(len(seen) - bisect_left(seen, target + 1) for target in targets)
                for target in targets:
                    insort(seen, target)
        return count

    # --- places -----------------------------------------------------------------------------------

    def _columns(self) -> list[float]:
        x = [0.0] * len(self._rank)
        for row in self._rows:
            self._settle(row, x, [0.0] * len(row))
        for sweep in range(4 * _SWEEPS):
            down = sweep % 2 == 0
            for row in self._rows if down else reversed(self._rows):
                wanted = [self._wanted(n, x, down) for n in row]
                self._settle(row, x, wanted)
        return x

    def _wanted(self, node: int, x: list[float], down: bool) -> float:
        near = self._up[node] if down else self._down[node]
        if not near:
            return x[node]
        # Boxes in a line matter more than straight long arrows.
        weights = [1.0 if self._bent(m) and not self._bent(node) else 6.0 for m in near]
        return sum(x[m] * w for m, w in zip(near, weights, strict=True)) / sum(weights)

    def _bent(self, node: int) -> bool:
        return node >= len(self._sizes)

    def _settle(self, row: list[int], x: list[float], wanted: list[float]) -> None:
        """The places nearest to those wanted, by least squares, that keep the order and the gaps
        (pool adjacent violators)."""
        offsets, at = [], 0.0
        for place, node in enumerate(row):
            half = self._size(node)[0] / 2
            at += half if place == 0 else half + GAP
            offsets.append(at)
            at += half
        pools: list[list[float]] = []  # sum of weights, weighted mean, count
        for place, node in enumerate(row):
            weight = 1.0 if self._bent(node) else 3.0
            pools.append([weight, wanted[place] - offsets[place], 1])
            while len(pools) > 1 and pools[-2][1] > pools[-1][1]:
                weight, mean, count = pools.pop()
                above = pools[-1]
                above[1] = (above[0] * above[1] + weight * mean) / (above[0] + weight)
                above[0] += weight
                above[2] += count
        means = [mean for _, mean, count in pools for _ in range(int(count))]
        for place, node in enumerate(row):
            x[node] = means[place] + offsets[place]


def _back(count: int, arrows: Sequence[Arrow]) -> set[int]:
    """The arrows, by place, that close a cycle when one walks from the first boxes on."""
    out: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for place, (source, target) in enumerate(arrows):
        out[source].append((place, target))
    back: set[int] = set()
    state = [0] * count  # 0 not met, 1 on the way, 2 done
    for start in range(count):
        if state[start]:
            continue
        state[start] = 1
        walk = [(start, iter(out[start]))]
        while walk:
            node, rest = walk[-1]
            step = next(rest, None)
            if step is None:
                state[node] = 2
                walk.pop()
            elif state[step[1]] == 1:
                back.add(step[0])
            elif not state[step[1]]:
                state[step[1]] = 1
                walk.append((step[1], iter(out[step[1]])))
    return back


def _ranks(count: int, arrows: Sequence[Arrow]) -> list[int]:
    """Longest path to each box; one that nothing leads to lies just above what it leads to."""
    out: list[list[int]] = [[] for _ in range(count)]
    waits = [0] * count
    for source, target in arrows:
        out[source].append(target)
        waits[target] += 1
    first = [n for n in range(count) if not waits[n]]
    ranks = [0] * count
    ready = list(first)
    while ready:
        node = ready.pop()
        for target in out[node]:
            ranks[target] = max(ranks[target], ranks[node] + 1)
            waits[target] -= 1
            if not waits[target]:
                ready.append(target)
    for node in first:
        if out[node]:
            ranks[node] = min(ranks[target] for target in out[node]) - 1
    return ranks
