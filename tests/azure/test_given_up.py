"""What Service Bus itself gives up does not lie in its dead letters unseen: it becomes one of ours."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from backend.bus.azure.bus import AzureBus
from backend.bus.azure.namespace import Namespace
from backend.bus.azure.reception import DEAD_AHEAD
from backend.contracts.errors import Unavailable
from backend.contracts.ports import DeadLetter
from backend.stores.azure.account import CosmosAccount
from backend.stores.azure.containers import LOG
from backend.stores.azure.cosmos import CosmosStore
from backend.stores.folder import FolderBlobs
from tests.azure.buses import QUICK, ask, fault, service_bus
from tests.azure.doubles import cosmos_account
from tests.azure.servicebus.handlers import LEAKS, Handlers
from tests.workers.engine import Deeds, Engine, step

pytestmark = [pytest.mark.filterwarnings(each) for each in LEAKS]

MOST = 2
LOCK_S = 60.0
LOOK_S = 0.1


class Place:
    """Queues that give up soon, a database, and engines on them as processes would have them."""

    def __init__(self, account: CosmosAccount, folder: Path, ttl_s: float | None) -> None:
        self.queue = f"q{secrets.token_hex(6)}"
        self.deeds = Deeds()
        self._account = account
        self._folder = folder
        for name, sessions in ((self.queue, True), (f"{self.queue}-work", False)):
            properties = {
                "name": name,
                "requires_session": sessions,
                "lock_duration": LOCK_S,
                "duplicate_window": 7200,
                "max_delivery_count": MOST,
                "default_ttl": ttl_s,
                "dead_letter_expired": True,
            }
            ask("POST", "/queues", properties)

    @contextlib.asynccontextmanager
    async def engine(self, hands: int = 256, look_s: float = LOOK_S) -> AsyncIterator[Engine]:
        blobs = FolderBlobs(self._folder / "blobs")
        store = CosmosStore(self._account, blobs)
        namespace = Namespace(
            connection=service_bus().connection_string, queue=self.queue, handler_options=QUICK
        )
        log = self._account.items(LOG)
        bus = AzureBus(namespace, log, store, blobs=blobs, look_s=look_s)
        await bus.start()
        try:
            yield Engine(bus, store, self._folder, self.deeds, hands)
        finally:
            await bus.close()

    async def abandon(self, queue: str, **options: Any) -> None:
        """As a process does that breaks over the message, each time."""
        async with Handlers.of(service_bus().connection_string) as handlers:
            receiver = await handlers.receiver(queue, **options)
            for _ in range(MOST):
                (message,) = await receiver.receive_messages(1, max_wait_time=10)
                await receiver.abandon_message(message)
        assert self.dead(queue) == 1

    def dead(self, queue: str) -> int:
        """How many Service Bus has among its own dead letters."""
        found: int = ask("GET", "/queues")[queue]["dead"]
        return found

    async def until_dead(self, queue: str, *, any: bool) -> None:
        """Until there is any, or none."""
        while True:
            if bool(await asyncio.to_thread(self.dead, queue)) == any:
                return
            await asyncio.sleep(0.02)

    async def until_taken(self, queue: str) -> None:
        await self.until_dead(queue, any=False)


@pytest.fixture
def ttl_s() -> float | None:
    """How long a message may wait."""
    return None


@pytest.fixture
async def place(tmp_path: Path, ttl_s: float | None) -> AsyncIterator[Place]:
    async with cosmos_account() as account:
        yield Place(account, tmp_path, ttl_s)


async def the_letter(engine: Engine) -> DeadLetter:
    """There is exactly one."""
    while True:
        for letter in (letters := await engine.bus.dead_letters()):
            assert len(letters) == 1
            return letter
        await asyncio.sleep(0.02)


async def test_a_run_stalls_over_what_was_delivered_too_often_and_goes_on_when_it_is_replayed(
    place: Place,
) -> None:
    async with place.engine() as engine:
        await engine.start([step("one")])
        await place.abandon(place.queue, session_id="run:r1")
        async with engine.working():
            stalled = await engine.until("r1", "stalled")
            await place.until_taken(place.queue)
            letter = await the_letter(engine)
            assert await engine.bus.replay(letter.delivery.event.id)
            state = await engine.until("r1", "completed")
        assert await engine.bus.dead_letters() == []
    assert letter.error["code"] == "EXEC_DELIVERY_GIVEN_UP"
    assert "MaxDeliveryCountExceeded" in letter.error["message"]
    assert (letter.delivery.event.type, letter.delivery.stream) == ("plan.execute", "run:r1")
    assert stalled.error == letter.error
    assert state.status == "completed"


async def test_a_step_that_was_delivered_too_often_fails_and_its_run_says_so(
    place: Place,
) -> None:
    async with place.engine(hands=0) as engine, engine.working():
        await engine.start([step("one")])
        await place.abandon(f"{place.queue}-work")
    async with place.engine() as engine:
        async with engine.working():
            state = await engine.until("r1", "failed")
            await place.until_taken(f"{place.queue}-work")
        letter = await the_letter(engine)
    assert letter.delivery.event.type == "plan.step.execute"
    assert state.error is not None and "MaxDeliveryCountExceeded" in state.error["message"]
    assert not place.deeds.done


async def test_cut_off_between_recording_and_completing_it_is_one_dead_letter(
    place: Place,
) -> None:
    async with place.engine() as engine:
        await engine.start([step("one")])
        await place.abandon(place.queue, session_id="run:r1")
        with fault("refuse-settle", f"{place.queue}/$DeadLetterQueue"):
            async with engine.working():
                await the_letter(engine)
    assert place.dead(place.queue) == 1
    ask("POST", "/clock", {"advance": LOCK_S + 1})
    async with place.engine() as engine:
        async with engine.working():
            await place.until_taken(place.queue)
        await the_letter(engine)
        assert [c.cause.type for c in await engine.commits("r1")] == ["run.stalled"]


async def test_cut_off_before_it_is_recorded_it_is_one_dead_letter(place: Place) -> None:
    async with place.engine() as engine:
        await engine.start([step("one")])
        await place.abandon(place.queue, session_id="run:r1")
        reached = asyncio.Event()

        async def away(*_: Any) -> None:
            reached.set()
            raise Unavailable("The log does not answer.")

        engine.bus._letters.bury = away  # type: ignore[attr-defined]
        async with engine.working():
            await reached.wait()
        assert await engine.bus.dead_letters() == []
    async with place.engine() as engine:
        async with engine.working():
            await place.until_taken(place.queue)
        letter = await the_letter(engine)
        assert (await engine.until("r1", "stalled")).error == letter.error


async def test_a_failure_that_nobody_could_be_told_is_told_by_the_next_process(
    place: Place,
) -> None:
    async with place.engine(hands=0) as engine, engine.working():
        await engine.start([step("one")])
        await place.abandon(f"{place.queue}-work")
    async with place.engine() as engine:
        refused, settle = asyncio.Event(), engine.bus.settle

        async def watched(*args: Any) -> Any:
            try:
                return await settle(*args)
            except Unavailable:
                refused.set()
                raise

        engine.bus.settle = watched  # type: ignore[method-assign]
        with fault("quota", place.queue):
            async with engine.working():
                await refused.wait()
        assert await engine.bus.dead_letters() == []
    async with place.engine() as engine:
        async with engine.working():
            await engine.until("r1", "failed")
            await place.until_taken(f"{place.queue}-work")
        letter = await the_letter(engine)
    assert letter.delivery.event.type == "plan.step.execute"


async def test_what_was_decided_before_it_was_given_up_is_no_dead_letter(place: Place) -> None:
    held = place.deeds.held["one"] = asyncio.Event()
    async with place.engine(look_s=3600) as engine, engine.working():
        with fault("redeliver", place.queue, count=MOST):
            await engine.start([step("one")])
            await place.until_dead(place.queue, any=True)
        await place.deeds.begun.wait()
        for tap in engine.bus._reception._dead:  # type: ignore[attr-defined]
            tap._next_look = 0.0
        await place.until_taken(place.queue)
        held.set()
        assert (await engine.until("r1", "completed", "stalled")).status == "completed"
        assert await engine.bus.dead_letters() == []


@pytest.mark.parametrize("ttl_s", [600.0])
async def test_what_nobody_took_in_its_time_is_a_dead_letter_that_says_so(place: Place) -> None:
    async with place.engine() as engine:
        await engine.start([step("one")])
        ask("POST", "/clock", {"advance": 601})
        async with engine.working():
            stalled = await engine.until("r1", "stalled")
    assert stalled.error is not None and "TTLExpiredException" in stalled.error["message"]


@pytest.mark.parametrize("ttl_s", [600.0])
async def test_however_many_were_given_up_one_look_finds_them_all(place: Place) -> None:
    many = 2 * DEAD_AHEAD + 1
    async with place.engine() as engine:
        for number in range(many):
            await engine.start([step("one")], f"r{number}")
        ask("POST", "/clock", {"advance": 601})
        assert place.dead(place.queue) == many
    async with place.engine(look_s=5.0) as engine, engine.working():
        for tap in engine.bus._reception._dead:  # type: ignore[attr-defined]
            tap._next_look = 0.0
        await place.until_taken(place.queue)
        assert len(await engine.bus.dead_letters()) == many
