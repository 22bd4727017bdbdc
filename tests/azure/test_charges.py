"""What the calls to Cosmos DB cost is among the counters that operators look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.settings import Settings
from tests.api.conftest import Served, served
from tests.azure.servicebus.handlers import LEAKS
from tests.azure.systems import azure_settings

__all__ = ["served"]

pytestmark = [pytest.mark.filterwarnings(each) for each in LEAKS]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return azure_settings(tmp_path)


async def test_request_units_are_counted_by_container_and_operation(served: Served) -> None:
    olga = await served.as_user("olga", "user", "operator")
    before = (await olga.get("/api/counters")).json()
    await served.system.lightning.store.get("plan", "none", "olga")
    after = (await olga.get("/api/counters")).json()
    reads = "charges.documents.read"
    calls = [counted.get(reads, {}).get("calls", 0) for counted in (before, after)]
    assert calls[1] > calls[0]
    assert after[reads]["request_units"] >= calls[1]
    assert after["metadata"].keys() == {"hits", "misses"}
