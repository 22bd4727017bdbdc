"""A system on SQLite in a folder of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.stores.database import Database
from backend.stores.sql import SqlStore


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    database = Database(tmp_path / "lightning.db")
    await database.start()
    yield SqlStore(database)
    await database.close()
