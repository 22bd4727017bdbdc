"""What expressions and references of a running step can see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from backend.contracts.runs import StepState


class Scope(Mapping[str, Any]):
    """`inputs`, `event`, `run`, in a `for_each` also `item` and `index`, and the output of every
    step that has one, by its name. Outputs are looked up when asked for, never copied.

    Expressions cannot spell a step's name with a hyphen; `aliases` has the same with underscores.
    """

    __slots__ = ("_aliases", "_columns", "_names", "_steps")

    def __init__(
        self,
        names: Mapping[str, Any],
        steps: Mapping[str, StepState],
        aliases: Mapping[str, str],
    ) -> None:
        self._names = names
        self._steps = steps
        self._aliases = aliases
        self._columns: dict[str, Columns] = {}

    def item(self, value: Any, index: int) -> Scope:
        """The same, seen from one item."""
        scope = Scope({**self._names, "item": value, "index": index}, self._steps, self._aliases)
        scope._columns = self._columns
        return scope

    def __getitem__(self, name: str) -> Any:
        if name in self._names:
            return self._names[name]
        step = self._steps.get(name) or self._steps.get(self._aliases.get(name, ""))
        if step is None or step.output is None:
            raise KeyError(name)
        if step.items is None:
            return step.output
        if name not in self._columns:
            self._columns[name] = Columns(step)
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._names
        yield from (name for name, step in self._steps.items() if step.output is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Columns(dict[str, Any]):
    """The outputs of a `for_each` step, and its `errors`. Where no item came out well, nobody knows
    the names of the outputs: every name is then there, with a null for each item."""

    def __init__(self, step: StepState) -> None:
        super().__init__(step.output)
        self["errors"] = list(step.errors)
        self._count = len(step.items or ())
        self._open = not step.output

    def __missing__(self, name: str) -> list[None]:
        if self._open:
            return [None] * self._count
        raise KeyError(name)
