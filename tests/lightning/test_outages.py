"""Failures of the backend are counted where they happen, and forgotten when it is well."""

from __future__ import annotations

import pytest

from backend.contracts.errors import NotFound, Unavailable
from backend.lightning.outages import LATELY, OK, SILENT, Outages
from tests.systems import Clock


class Port:
    """Fails with what it was given."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.asked = 0
        self.kind = "a port"

    async def ask(self) -> str:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return "well"


async def test_a_part_that_did_not_answer_is_remembered_for_ten_seconds() -> None:
    clock, port = Clock(), Port()
    outages = Outages(clock)
    watched = outages.watched("bus", port)
    assert await watched.ask() == "well"
    assert outages.recent() == frozenset()
    port.error = Unavailable("away")
    with pytest.raises(Unavailable):
        await watched.ask()
    port.error = None
    assert await watched.ask() == "well"
    assert outages.recent() == {"bus"}
    assert outages.failures["bus"] == 1
    clock.advance(seconds=11)
    assert outages.recent() == frozenset()
    assert watched.kind == "a port"


async def test_other_errors_are_no_outage() -> None:
    port, outages = Port(), Outages(Clock())
    port.error = NotFound("not here")
    with pytest.raises(NotFound):
        await outages.watched("store", port).ask()
    assert outages.recent() == frozenset()


async def test_however_many_ask_the_checks_are_made_every_two_seconds_at_most() -> None:
    clock, port = Clock(), Port()
    outages = Outages(clock)
    for _ in range(20):
        assert await outages.examine({"store": port.ask}) == {"store": OK}
    assert port.asked == 1
    port.error = OSError("gone")
    clock.advance(seconds=3)
    assert await outages.examine({"store": port.ask}) == {"store": SILENT}
    port.error = None
    clock.advance(seconds=3)
    assert await outages.examine({"store": port.ask}) == {"store": LATELY}
    clock.advance(seconds=11)
    assert await outages.examine({"store": port.ask}) == {"store": OK}
