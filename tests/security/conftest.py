"""A store on disk and a clock that only moves when told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backend.stores.sql import SqlStore
from backend.stores.sqlite import Sqlite

KEY = "k" * 48


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 21, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    database = Sqlite(tmp_path / "lightning.db")
    await database.start()
    yield SqlStore(database)
    await database.close()
