from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.contracts.ports import Bus, Store
from tests.conformance import adapters


@pytest.fixture(params=adapters.ALL)
async def buses(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[adapters.Buses]:
    made = adapters.buses(request.param, tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def bus(buses: adapters.Buses) -> Bus:
    return await buses.open()


@pytest.fixture
def clock(buses: adapters.Buses) -> adapters.Clock:
    return buses.clock


@pytest.fixture
def store(buses: adapters.Buses, bus: Bus) -> Store:
    return buses.store()
