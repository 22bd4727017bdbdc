"""What people are told is delivered to NOTIFY_URL too: signed, until it is taken, once by its id."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.bootstrap import System
from backend.contracts.errors import ToolError
from backend.contracts.events import utc_now
from backend.contracts.security import Principal
from backend.drivers.notifications import ATTEMPTS, NotificationDriver
from backend.security.webhooks import secret
from backend.tools.outgoing import Outgoing
from tests.systems import KEY, Clock, completed, plan, settings_for, working
from tests.web import Asked, Page, Site

ANN = Principal("ann")
TELL = {"name": "tell", "action": "notify.user", "args": {"text": "The tide is high."}}
LONG_S = 1e8  # a clock that a test advances is no reason to think a process dead
THREAD = "4e1c3c6e-6d4e-4d7e-9a53-0d8a6f5f1a11"


class Receiver(Site):
    """Takes deliveries, and answers with the statuses it was given, then with 204. None hangs up; until it
    is `free` it says nothing at all."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self.deliveries: queue.SimpleQueue[Asked] = queue.SimpleQueue()
        self.free = threading.Event()
        self.free.set()

    def respond(self, asked: Asked) -> Page | None:
        self.deliveries.put(asked)
        self.free.wait(60)
        status = 204 if self.statuses.empty() else self.statuses.get()
        return None if status is None else Page(b"", status=status)

    def delivery(self) -> Asked:
        return self.deliveries.get(timeout=60)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


async def told(system: System, thread_id: str | None = THREAD) -> None:
    lightning = system.lightning
    view = await lightning.propose(ANN, plan(TELL), thread_id=thread_id)
    await lightning.approve(ANN, view.plan_id, view.ir_hash)


async def taken(receiver: Receiver, clock: Clock | None = None) -> Asked:
    """The next delivery; with a `clock` it is not waited for in real time."""
    if clock is None:
        return await asyncio.to_thread(receiver.delivery)
    while True:
        try:
            return await asyncio.to_thread(receiver.deliveries.get, timeout=0.1)
        except queue.Empty:
            clock.advance(hours=1)


def signature(asked: Asked) -> str:
    """As any receiver would make it, from the secret alone."""
    key = base64.b64decode(secret(KEY).removeprefix("whsec_"))
    signed = f"{asked.headers['webhook-id']}.{asked.headers['webhook-timestamp']}.".encode()
    digest = hmac.digest(key, signed + asked.body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"


async def test_a_word_to_the_person_is_delivered_signed(tmp_path: Path, receiver: Receiver) -> None:
    async with working(tmp_path, notify_url=receiver.url("/hook")) as system:
        await told(system)
        asked = await taken(receiver)
    assert asked.headers["webhook-signature"] == signature(asked)
    body = json.loads(asked.body)
    assert body["type"] == "user.message"
    assert body["data"]["userID"] == "ann"
    assert body["data"]["thread_id"] == THREAD
    assert body["data"]["text"] == "The tide is high."


async def test_a_run_of_no_thread_is_heard_there_too(tmp_path: Path, receiver: Receiver) -> None:
    async with working(tmp_path, notify_url=receiver.url("/hook")) as system:
        state = await completed(system.lightning, ANN, plan(TELL))
        asked = await taken(receiver)
    assert "thread_id" not in json.loads(asked.body)["data"]
    assert state.steps["tell"].output == {"delivered": True}


async def test_what_is_not_taken_comes_again_under_the_same_id_signed_anew(
    tmp_path: Path, receiver: Receiver
) -> None:
    clock = Clock()
    for status in (503, None, 302):
        receiver.statuses.put(status)
    async with working(
        tmp_path, now=clock, lease_s=LONG_S, notify_url=receiver.url("/hook")
    ) as system:
        await told(system)
        attempts = [await taken(receiver, clock) for _ in range(4)]
    assert len({asked.headers["webhook-id"] for asked in attempts}) == 1
    assert len({asked.headers["webhook-timestamp"] for asked in attempts}) == 4
    assert all(asked.headers["webhook-signature"] == signature(asked) for asked in attempts)


@pytest.mark.parametrize(("status", "attempts"), [(500, ATTEMPTS), (410, 5)])
async def test_what_nobody_takes_is_a_dead_letter_in_the_end_and_can_be_replayed(
    tmp_path: Path, receiver: Receiver, status: int, attempts: int
) -> None:
    clock = Clock()
    for _ in range(attempts):
        receiver.statuses.put(status)
    async with working(
        tmp_path, now=clock, lease_s=LONG_S, notify_url=receiver.url("/hook")
    ) as system:
        await told(system)
        for _ in range(attempts):
            lost = await taken(receiver, clock)
        bus = system.lightning.bus
        letters: Any = ()
        while not letters:
            letters = await bus.dead_letters()
        assert [letter.delivery.event.id for letter in letters] == [lost.headers["webhook-id"]]
        assert letters[0].error["code"] == "EXEC_NOTIFY_REFUSED"
        await bus.replay(letters[0].delivery.event.id)
        assert (await taken(receiver, clock)).headers["webhook-id"] == lost.headers["webhook-id"]


async def test_a_private_address_is_reached_only_where_that_is_allowed(
    tmp_path: Path, receiver: Receiver
) -> None:
    address = receiver.url("/hook")
    settings = settings_for(tmp_path, notify_url=address, allow_private_network=False)
    driver = NotificationDriver(Outgoing(settings), settings, utc_now)
    with pytest.raises(ToolError) as caught:
        await driver.deliver("an-id", b"{}")
    assert caught.value.code == "EXEC_ADDRESS_REFUSED"
    assert not caught.value.transient
    assert receiver.deliveries.empty()
