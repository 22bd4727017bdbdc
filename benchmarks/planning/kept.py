"""Answers kept in a file as they come, so that a slow model's run can be stopped and gone on with."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from backend.contracts.errors import LightningError
from backend.contracts.ports import PlanAnswer


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer. `failed`: the model gave none, and the answer says why. `at_once`: valid before any
    repair; None for no plan."""

    id: str
    answer: PlanAnswer
    took_s: float
    failed: bool = False
    at_once: bool | None = None


class Answers:
    """`path` is a file with a JSON object a line; None keeps nothing beyond this process."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path and path.exists() else []
        found = [json.loads(line) for line in lines]
        self._kept = {row["id"]: Kept(**{**row, "answer": _answer(row["answer"])}) for row in found}

    async def of(self, id: str, ask: Callable[[], Awaitable[Kept]]) -> Kept:
        """The answer kept under `id`, or the one `ask` gives, which is then kept."""
        if id not in self._kept:
            kept = self._kept[id] = await ask()
            if self._path is not None:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(kept), ensure_ascii=False, default=str) + "\n")
        return self._kept[id]


def failure(id: str, error: LightningError, took_s: float) -> Kept:
    answer = PlanAnswer("question", f"{error.code}: {error.message}", confidence=0.0)
    return Kept(id, answer, took_s, failed=True)


def _answer(data: dict[str, Any]) -> PlanAnswer:
    listed = {key: tuple(data[key]) for key in ("not_covered", "choices", "stages")}
    return PlanAnswer(**{**data, **listed})
