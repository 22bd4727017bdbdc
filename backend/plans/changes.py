"""What differs between two plan documents, in words, made from the documents themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from backend.contracts.plans import Input, PlanDocument, Step, Trigger
from backend.contracts.views import Change
from backend.plans import pointer
from backend.plans.firings import words

T = TypeVar("T")

_PLAN_FIELDS = {
    "plan_name": "Name",
    "description": "Description",
    "graph_type": "Kind of plan",
    "max_iterations": "Most rounds of a loop",
}
_STEP_FIELDS = {
    "action": "tool",
    "description": "description",
    "on": "starts after",
    "join": "waits for",
    "guard": "only if",
    "emits": "announces",
    "for_each": "repeats for each of",
    "max_parallel": "at most at once",
    "retry": "tries again",
    "timeout_s": "time limit in seconds",
    "on_error": "when it fails",
    "approval": "asks before it acts",
}
_TRIGGER_FIELDS = {
    "timezone": "Time zone",
    "filter": "Only if",
    "secret": "Secret of the web address",
}
_TIMING = ("kind", "schedule", "schedules", "only_if", "every_s", "anchor", "timestamp", "type")


def changes(old: PlanDocument, new: PlanDocument) -> tuple[Change, ...]:
    """Every difference, once. Steps, triggers and inputs are the same when their names are, or
    when only their name changed; `path` is of the new document, for what was removed of the old."""
    return tuple(_changes(old, new))


def _changes(old: PlanDocument, new: PlanDocument) -> Iterator[Change]:
    yield from _fields(old, new, _PLAN_FIELDS, "", "")
    yield from _inputs(old.inputs, new.inputs)
    pairs = _pairs(old.events, new.events, _unnamed)
    for before, after in pairs:
        yield from _trigger(old.events, new.events, before, after)
    pairs = _pairs(old.steps, new.steps, _unnamed)
    for before, after in pairs:
        yield from _step(old.steps, new.steps, before, after)
    order = [b for b, _ in sorted(_both(pairs), key=lambda pair: pair[1])]
    if order != sorted(order):
        yield Change(
            "changed",
            "steps",
            "Order of the steps",
            [step.name for step in old.steps],
            [step.name for step in new.steps],
        )


def _pairs(
    old: Sequence[T], new: Sequence[T], unnamed: Callable[[T], object]
) -> list[tuple[int | None, int | None]]:
    """Which element became which: by name, then by all but the name; None for no counterpart."""
    left = dict(enumerate(old))
    pairs: list[tuple[int | None, int | None]] = []
    for same in (lambda item: getattr(item, "name"), unnamed):  # noqa: B009
        taken = {after for _, after in pairs}
        for after, item in enumerate(new):
            if after in taken:
                continue
            found = next((before for before in left if same(left[before]) == same(item)), None)
            if found is not None:
                del left[found]
                pairs.append((found, after))
    taken = {after for _, after in pairs}
    if len(left) == 1 == len(new) - len(taken) and len(old) == len(new) == 1:
        return [(0, 0)]
    pairs += [(None, after) for after in range(len(new)) if after not in taken]
    return sorted(pairs, key=lambda pair: pair[1] or 0) + [(before, None) for before in left]


def _both(pairs: Sequence[tuple[int | None, int | None]]) -> list[tuple[int, int]]:
    return [(b, a) for b, a in pairs if b is not None and a is not None]


def _unnamed(item: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(item).items() if name != "name"}


def _inputs(old: Mapping[str, Input], new: Mapping[str, Input]) -> Iterator[Change]:
    for name in [*new, *(name for name in old if name not in new)]:
        path = pointer.join("inputs", name)
        before, after = old.get(name), new.get(name)
        if before is None or after is None:
            yield Change(
                "removed" if after is None else "added",
                path,
                f"Input “{name}”",
                _shown(before),
                _shown(after),
            )
        else:
            labels = {field: f"Input “{name}”: {field}" for field in Input.model_fields}
            yield from _fields(before, after, labels, path, "")


def _trigger(
    old: Sequence[Trigger], new: Sequence[Trigger], before: int | None, after: int | None
) -> Iterator[Change]:
    if before is None or after is None:
        yield Change(
            "added" if before is None else "removed",
            f"events/{after if before is None else before}",
            "When",
            None if before is None else _when(old[before]),
            None if after is None else _when(new[after]),
        )
        return
    was, now, path = old[before], new[after], f"events/{after}"
    if was.name != now.name:
        yield Change("changed", f"{path}/name", "Name of the trigger", was.name, now.name)
    timing = [field for field in _TIMING if _get(was, field) != _get(now, field)]
    if timing:
        where = f"{path}/{timing[0]}" if len(timing) == 1 else path
        yield Change("changed", where, "When", _when(was), _when(now))
    yield from _fields(was, now, _TRIGGER_FIELDS, path, "")


def _step(
    old: Sequence[Step], new: Sequence[Step], before: int | None, after: int | None
) -> Iterator[Change]:
    if before is None or after is None:
        step = new[after] if after is not None else old[before or 0]
        yield Change(
            "added" if before is None else "removed",
            f"steps/{after if before is None else before}",
            f"Step “{step.name}”",
            None if before is None else step.action,
            None if after is None else step.action,
        )
        return
    was, now, path = old[before], new[after], f"steps/{after}"
    if was.name != now.name:
        yield Change("changed", f"{path}/name", "Name of the step", was.name, now.name)
    yield from _fields(was, now, _STEP_FIELDS, path, f"{now.name}: ")
    for name in dict.fromkeys([*now.args, *was.args]):
        where = pointer.join("steps", after, "args", name)
        label = f"{now.name}: {name}"
        if name not in was.args:
            yield Change("added", where, label, None, now.args[name])
        elif name not in now.args:
            yield Change("removed", where, label, was.args[name], None)
        elif not _same(was.args[name], now.args[name]):
            yield Change("changed", where, label, was.args[name], now.args[name])


def _fields(
    old: Any, new: Any, labels: Mapping[str, str], path: str, prefix: str
) -> Iterator[Change]:
    for field, label in labels.items():
        before, after = _get(old, field), _get(new, field)
        if not _same(before, after):
            where = f"{path}/{field}" if path else field
            label = f"{prefix}{label}"
            yield Change("changed", where, label, _shown(before), _shown(after))


def _same(old: Any, new: Any) -> bool:
    """Python holds 1 and true for equal; a person does not."""
    return bool(old == new) and repr(old) == repr(new)


def _get(item: Any, field: str) -> Any:
    return getattr(item, field, None)


def _shown(value: Any) -> Any:
    return value.model_dump(exclude_none=True) if hasattr(value, "model_dump") else value


def _when(trigger: Trigger) -> str:
    return words(trigger, _get(trigger, "timezone") or "UTC")
