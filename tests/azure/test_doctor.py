"""What the doctor says of queues and an account that work, and could be set up better."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chat_app import backends
from chat_app.doctor import examine
from chat_app.findings import Finding
from tests.azure.buses import PROPERTIES, service_bus
from tests.azure.doubles import Double
from tests.azure.servicebus.handlers import LEAKS
from tests.azure.systems import azure_settings

pytestmark = [pytest.mark.filterwarnings(each) for each in LEAKS]


async def warnings(folder: Path, **values: Any) -> list[Finding]:
    found = [finding async for finding in examine(azure_settings(folder, **values))]
    assert not [finding for finding in found if finding.state == "broken"]
    return [finding for finding in found if finding.state == "warning"]


@pytest.fixture(autouse=True)
def nobody_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is waited for."""
    monkeypatch.setattr(backends, "WORKER_S", 0.0)


async def test_queues_and_an_account_as_they_should_be_are_left_without_a_word(
    tmp_path: Path,
) -> None:
    assert [w.words for w in await warnings(tmp_path) if "worker" not in w.words] == []


async def test_a_weaker_consistency_and_queues_that_take_duplicates_are_pointed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONSISTENCY", "Session")
    with Double("tests.azure.cosmos") as cosmos:
        found = await warnings(
            tmp_path,
            queues={**PROPERTIES, "duplicate_window": None},
            cosmos_connection=f"AccountEndpoint={cosmos.url}/;AccountKey={cosmos.key};",
        )
    said = [f"{w.name}: {w.words} {w.advice}" for w in found if "worker" not in w.words]
    assert [line.split(":")[0] for line in said] == ["database", "bus", "bus"]
    assert "Session" in said[0] and "Strong" in said[0]
    assert all("SERVICEBUS_QUEUE" in line and "duplicate" in line for line in said[1:])


async def test_nothing_of_it_is_left_in_the_queues(tmp_path: Path) -> None:
    settings = azure_settings(tmp_path, queues={**PROPERTIES, "duplicate_window": None})
    _ = [finding async for finding in examine(settings)]
    for queue in (settings.servicebus_queue, f"{settings.servicebus_queue}-work"):
        counts = await service_bus().counts(queue)
        assert (counts["scheduled"], counts["dead"], counts["sessions"]) == (0, 0, [])
