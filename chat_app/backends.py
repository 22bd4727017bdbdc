"""The doctor's look at the backend, whichever it is: sent, received, written, read, and cleaned up.

Others may be at work on it: nothing of theirs is taken, and what is left behind hurts nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import orjson

from backend.backends import Examine
from backend.contracts.errors import Conflict
from backend.contracts.events import EVENT_TYPES, Event, new_id, utc_now
from backend.contracts.ports import Commit, Document, Output, Settlement
from backend.contracts.security import SYSTEM
from backend.drivers.notifications import NotificationDriver
from backend.lightning import Lightning
from backend.settings import Settings
from backend.tools.addresses import check_url
from backend.tools.outgoing import Outgoing
from chat_app.findings import PATIENCE_S, Finding, broken, tried

WORKER_S = 10.0


async def look_at(lightning: Lightning) -> AsyncIterator[Finding]:
    """One finding for each port."""
    settings = lightning.settings
    yield await tried("database", lambda: _store(lightning), _store_setting(settings))
    yield await tried("bus", lambda: _bus(lightning), _bus_setting(settings))
    yield await tried("blobs", lambda: _blobs(lightning), _blobs_setting(settings))
    yield await tried("files", lambda: _files(lightning), _blobs_setting(settings))


async def remarks(examine: Examine, settings: str) -> Sequence[Finding]:
    """What else there is to know of how it is set up."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            found = await examine()
    except Exception as error:  # noqa: BLE001 - whatever is wrong is what was asked for
        return [broken("set-up", error, settings)]
    return [Finding(remark.part, "warning", remark.words, remark.advice) for remark in found]


async def notifying(settings: Settings, *, send: bool) -> Finding:
    """NOTIFY_URL; only when asked to, a signed test is delivered there."""
    url = settings.notify_url
    if not url:
        return Finding("notify", "unset", "NOTIFY_URL is not set: people are told in the chat")
    host = check_url(url).host
    if not send:
        return Finding("notify", "ok", f"{host}, not tried", "--notify delivers a signed test.")
    http = Outgoing(settings)
    try:
        body = {"type": "lightning.test", "timestamp": utc_now().isoformat(), "data": {}}
        driver = NotificationDriver(http, settings, utc_now)
        await driver.deliver(new_id(), orjson.dumps(body))
    finally:
        await http.aclose()
    return Finding("notify", "ok", f"{host} took a signed test")


async def _store(lightning: Lightning) -> Finding:
    store, id, owner = lightning.store, new_id(), SYSTEM.user_id
    document = Document("doctor", id, owner, {"id": id}, parent=id)
    try:
        written = await store.put(document, create=True)
        found = await store.get("doctor", id, owner)
        listed = await store.list("doctor", owner=owner, parent=id)
        try:
            await store.put(document, create=True)
            guarded = False
        except Conflict:
            guarded = True
    finally:
        await store.delete("doctor", id, owner)
    if found != written or listed.items != (written,):
        return Finding("database", "broken", "What was written did not come back.")
    if not guarded or await store.get("doctor", id, owner) is not None:
        return Finding("database", "broken", "It does not keep one write from another.")
    return Finding(
        "database", "ok", f"{_technology(lightning.settings)}: written, read, listed and removed"
    )


async def _bus(lightning: Lightning) -> Finding:
    """A message into a stream of its own. Where the bus can, it is leased to this process in the act that
    sends it, so that no other's is; else a worker has it, for which it is news of a thread without any."""
    bus, id = lightning.bus, f"doctor-{new_id()}"
    data = {"thread_id": id}
    kind = EVENT_TYPES["thread.updated"]
    event = Event(new_id(), kind.name, SYSTEM.user_id, lightning.now(), data)
    stream = kind.stream(data)
    assert stream is not None
    try:
        (sent,) = await bus.settle(
            [Settlement(outputs=(Output(event, kind.lane, stream),))], keep=1
        )
        for delivery in sent.kept:
            commit = Commit(stream, 0, delivery.event)
            await bus.settle([Settlement(acks=(delivery,), commits=(commit,))])
        decided = await _decided(lightning, stream, event.id)
    finally:
        await bus.prune([stream])
    if not decided:
        return Finding(
            "bus",
            "warning",
            f"Sent, but no worker took it within {WORKER_S:.0f} s.",
            "Start one (lightning up, or lightning worker), and look again.",
        )
    by = "received here" if sent.kept else "received by a worker"
    return Finding("bus", "ok", f"sent, {by}, and in the log")


async def _decided(lightning: Lightning, stream: str, event_id: str) -> bool:
    try:
        async with (
            asyncio.timeout(WORKER_S),
            aclosing(lightning.bus.follow({stream: None})) as feed,
        ):
            async for news in feed:
                if any(c.cause.id == event_id for c in news[stream].commits):
                    return True
    except TimeoutError:
        return False
    return False


async def _blobs(lightning: Lightning) -> Finding:
    content = b"lightning doctor"  # always the same, so it is kept once
    address = await lightning.blobs.put(SYSTEM.user_id, content)
    if await lightning.blobs.get(SYSTEM.user_id, address) != content:
        return Finding("blobs", "broken", "What was written did not come back.")
    return Finding("blobs", "ok", "written and read")


async def _files(lightning: Lightning) -> Finding:
    files, id, owner = lightning.files, new_id(), SYSTEM.user_id
    path = f"doctor-{id}.txt"
    await files.write(owner, path, id.encode())
    try:
        found = await files.read(owner, path)
        listed = [info.path for info in await files.list(owner)]
    finally:
        await files.delete(owner, path)
    if found != id.encode() or path not in listed:
        return Finding("files", "broken", "What was written did not come back.")
    return Finding("files", "ok", "written, read, listed and removed")


# --- which setting says where it is ---------------------------------------------------------------


def _store_setting(settings: Settings) -> str:
    if settings.cosmos_connection or settings.cosmos_endpoint:
        return "COSMOS_CONNECTION" if settings.cosmos_connection else "COSMOS_ENDPOINT"
    return _database_setting(settings)


def _technology(settings: Settings) -> str:
    if settings.cosmos_connection or settings.cosmos_endpoint:
        return "Cosmos DB"
    return "PostgreSQL" if settings.database_url else "SQLite"


def _bus_setting(settings: Settings) -> str:
    if settings.servicebus_connection or settings.servicebus_namespace:
        by_string = settings.servicebus_connection
        return "SERVICEBUS_CONNECTION" if by_string else "SERVICEBUS_NAMESPACE"
    return _database_setting(settings)


def _blobs_setting(settings: Settings) -> str:
    if settings.storage_connection or settings.storage_account_url:
        return "STORAGE_CONNECTION" if settings.storage_connection else "STORAGE_ACCOUNT_URL"
    return "DATA_DIR"


def _database_setting(settings: Settings) -> str:
    return "DATABASE_URL" if settings.database_url else "DATA_DIR"


def opening_settings(settings: Settings) -> str:
    """Those that say where the backend is, for when it cannot even be opened."""
    named = (_store_setting(settings), _bus_setting(settings), _blobs_setting(settings))
    return ", ".join(dict.fromkeys(named))
