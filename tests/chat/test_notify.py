"""Deliveries over real HTTP: those that are taken at /notify, and those that outlive a killed server."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.security.webhooks import notify_key, secret, signed
from tests.chat.people import Person, signed_in
from tests.drivers.test_notifications import TELL, Receiver
from tests.journeys.app import App
from tests.systems import plan


def key_of(app: App) -> str:
    return (Path(app.settings["DATA_DIR"]) / "signing.key").read_text().strip()


async def deliver(
    app: App, data: dict[str, Any], *, id: str = "", age_s: float = 0, key: bytes | None = None
) -> httpx.Response:
    """As a messenger would."""
    now = datetime.now(UTC)
    body = json.dumps({"type": "user.message", "timestamp": now.isoformat(), "data": data}).encode()
    headers = signed(
        key or notify_key(key_of(app)), id or uuid.uuid4().hex, now - timedelta(seconds=age_s), body
    )
    async with httpx.AsyncClient(base_url=app.url) as http:
        return await http.post("/notify", content=body, headers=headers)


async def messages(person: Person, thread_id: str) -> list[str]:
    async with person.page(thread_id) as page:
        thread = await page.until(lambda event, _: event == "resume_thread")
        await page.until(lambda event, _: event == "set_commands")
    return [step["output"] for step in thread["steps"]]


async def test_a_signed_delivery_is_shown_in_the_thread_it_names(alice: Person) -> None:
    async with alice.page() as page:
        await page.say("/help")
        await page.message("Lightning")
        data = {"userID": "alice", "thread_id": page.thread_id, "text": "Your parcel is here."}
        answer = await deliver(alice.app, data)
        assert answer.status_code == 202
        assert answer.json()["thread_id"] == page.thread_id
        await page.message("Your parcel is here.")


async def test_one_that_names_no_thread_goes_into_the_newest_else_into_a_new_one(
    app: App,
) -> None:
    async with signed_in(app, "carol") as carol:
        first = await deliver(app, {"userID": "carol", "text": "Welcome, Carol."})
        thread_id = first.json()["thread_id"]
        async with carol.page(thread_id) as page:
            await page.message("Welcome, Carol.")
            second = await deliver(app, {"userID": "carol", "text": "Once more."})
            assert second.json()["thread_id"] == thread_id
            await page.message("Once more.")


async def test_a_delivery_sent_again_is_taken_and_said_once(alice: Person) -> None:
    async with alice.page() as page:
        await page.say("/help")
        await page.message("Lightning")
        data = {"userID": "alice", "thread_id": page.thread_id, "text": "Only once."}
        answers = [await deliver(alice.app, data, id="the-same") for _ in range(3)]
        assert {answer.status_code for answer in answers} == {202}
        await deliver(alice.app, {**data, "text": "And then."})
        await page.message("And then.")
        said = [data["output"] for event, data in page.heard if event == "new_message"]
    assert said.count("Only once.") == 1


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"key": b"another key"}, "EXEC_SIGNATURE_INVALID"),
        ({"age_s": 301}, "EXEC_DELIVERY_EXPIRED"),
        ({"age_s": -301}, "EXEC_DELIVERY_EXPIRED"),
        ({"id": "x" * 300}, "EXEC_SIGNATURE_INVALID"),
    ],
)
async def test_what_is_not_signed_now_and_by_us_is_refused(
    app: App, wrong: dict[str, Any], code: str
) -> None:
    answer = await deliver(app, {"userID": "alice", "text": "Let me in."}, **wrong)
    assert answer.status_code == 401
    assert answer.json()["code"] == code


async def test_a_signature_holds_for_its_own_body_and_id_alone(app: App) -> None:
    body = b'{"type": "user.message", "data": {"userID": "alice", "text": "Pay 1"}}'
    headers = signed(notify_key(key_of(app)), "an-id", datetime.now(UTC), body)
    async with httpx.AsyncClient(base_url=app.url) as http:
        changed = await http.post("/notify", content=body.replace(b"1", b"9"), headers=headers)
        renamed = await http.post(
            "/notify", content=body, headers={**headers, "webhook-id": "another"}
        )
        unsigned = await http.post("/notify", content=body)
    assert {changed.status_code, renamed.status_code, unsigned.status_code} == {401}


async def test_nobody_elses_thread_is_written_into(alice: Person, bob: Person) -> None:
    async with alice.page() as page:
        await page.say("/help")
        await page.message("Lightning")
        data = {"userID": "bob", "thread_id": page.thread_id, "text": "Psst."}
        assert (await deliver(alice.app, data)).status_code == 404
    assert (await deliver(alice.app, {"userID": "nobody", "text": "Psst."})).status_code == 404
    assert (await deliver(alice.app, {"text": "To whom?"})).status_code == 422


async def test_the_secret_is_for_admins(alice: Person) -> None:
    answer = await alice.http.get("/api/notify")
    assert answer.status_code == 403


def test_the_secret_is_the_key_as_the_libraries_take_it() -> None:
    given = base64.b64decode(secret("a signing key").removeprefix("whsec_"))
    assert hmac.compare_digest(given, notify_key("a signing key"))
    assert len(given) == 32


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.mark.crash
async def test_a_delivery_that_a_kill_interrupted_is_made_again_under_the_same_id(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings = {"NOTIFY_URL": receiver.url("/slow"), "ALLOW_REGISTRATION": "true"}
    receiver.free.clear()
    with App(tmp_path, **settings) as app:
        async with signed_in(app, "alice") as alice:
            made = await alice.http.post("/api/plans", json={"document": plan(TELL)})
            view = made.json()
            await alice.http.post(
                f"/api/plans/{view['plan_id']}/approve", json={"ir_hash": view["ir_hash"]}
            )
            first = await asyncio.to_thread(receiver.delivery)
            await asyncio.to_thread(app.kill)
            receiver.free.set()
            await asyncio.to_thread(app.start)
            second = await asyncio.to_thread(receiver.delivery)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
