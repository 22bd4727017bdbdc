"""The written requests, each with what must come of it: see documents.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

Half = Literal["dev", "more", "everyday", "held", "unseen"]
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Written:
    """One row. `now` is aware; `previous` an open plan the request is said about."""

    id: str
    request: str
    zone: str
    now: datetime
    expect: Mapping[str, Any] = field(default_factory=dict)
    previous: Mapping[str, Any] | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(self.expect.get("kind_any", (self.expect["kind"],)))

    @property
    def graphs(self) -> list[Mapping[str, Any]]:
        """The right graphs, the plainest first; none where no plan is expected."""
        plain = [self.expect] if "tools" in self.expect else []
        return [*plain, *self.expect.get("graphs_any", ())]


def written(half: Half) -> list[Written]:
    lines = (HERE / f"requests-{half}.jsonl").read_text(encoding="utf-8").splitlines()
    return [_row(json.loads(line)) for line in lines]


def _row(data: Mapping[str, Any]) -> Written:
    return Written(
        id=data["id"],
        request=data["request"],
        zone=data["zone"],
        now=datetime.fromisoformat(data["now"]),
        expect=data["expect"],
        previous=data.get("previous"),
    )
