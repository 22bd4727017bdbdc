"""lightning doctor: does what Lightning depends on really work, and what to do where it does not."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from backend.bootstrap import System, open_system
from backend.contracts.errors import LightningError
from backend.contracts.events import Event, new_id
from backend.contracts.ports import Commit, Document, Settlement
from backend.contracts.security import SYSTEM
from backend.settings import Settings, machine_timezone

State = Literal["ok", "warning", "broken", "unset"]

_PATIENCE_S = 20.0
_MIN_FREE_BYTES = 500_000_000
_MIN_KEY = 32
_IMPLICIT_TLS_PORT = 465


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at and found. `advice` says what to do; "unset" is no fault."""

    name: str
    state: State
    words: str
    advice: str = ""


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Look at everything, one finding after the other. What is broken does not stop the rest."""
    yield _folder(settings)
    yield _space(settings)
    yield _signing_key(settings)
    yield _timezone(settings)
    try:
        async with open_system(settings) as system:
            yield await _tried("database", lambda: _database(system, settings))
            yield await _tried("blobs", lambda: _blobs(system))
            yield await _tried("model", lambda: _model(system))
    except LightningError as error:
        yield _broken("database", error)
    yield await _tried("mail", lambda: _mail(settings))


def _folder(settings: Settings) -> Finding:
    folder = settings.data_dir.resolve()
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Finding(
            "data folder",
            "broken",
            f"{folder} cannot be written.",
            f"Give it to this user, or set DATA_DIR: chown -R $USER {folder}",
        )
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        return Finding(
            "data folder",
            "warning",
            f"{folder} is open to other users of this machine.",
            f"chmod 700 {folder}",
        )
    return Finding("data folder", "ok", str(folder))


def _space(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.data_dir).free
    words = f"{free / 1e9:.1f} GB free"
    if free < _MIN_FREE_BYTES:
        return Finding("disk", "warning", words, "Make room: a full disk stops all work.")
    return Finding("disk", "ok", words)


def _signing_key(settings: Settings) -> Finding:
    if len(settings.jwt_signing_key.encode()) < _MIN_KEY:
        return Finding(
            "signing key",
            "broken",
            "JWT_SIGNING_KEY is too short to be safe.",
            f"Set one of at least {_MIN_KEY} random characters, or none: then one is made.",
        )
    return Finding("signing key", "ok", f"{len(settings.jwt_signing_key)} characters")


def _timezone(settings: Settings) -> Finding:
    zone = settings.timezone or machine_timezone()
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return Finding(
            "time zone",
            "broken",
            f"There is no time zone {zone!r}.",
            "Set TIMEZONE to an IANA name, like Europe/Paris.",
        )
    if not settings.timezone and zone == "UTC":
        return Finding(
            "time zone", "ok", "UTC, as this machine says", "Set TIMEZONE to have your own."
        )
    return Finding("time zone", "ok", zone)


async def _tried(name: str, look: Callable[[], Awaitable[Finding]]) -> Finding:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await look()
    except TimeoutError:
        return Finding(name, "broken", f"No answer within {_PATIENCE_S:.0f} s.")
    except Exception as error:  # noqa: BLE001 - whatever is wrong is what was asked for
        return _broken(name, error)


def _broken(name: str, error: Exception) -> Finding:
    if isinstance(error, LightningError):
        return Finding(name, "broken", f"{error.message} ({error.code})", error.hint)
    return Finding(name, "broken", f"{type(error).__name__}: {error}")


async def _database(system: System, settings: Settings) -> Finding:
    """Write, read, settle a commit, read it back, and leave nothing behind."""
    lightning, id = system.lightning, new_id()
    stream = f"doctor:{id}"
    written = await lightning.store.put(
        Document("doctor", id, SYSTEM.user_id, {"id": id}), create=True
    )
    found = await lightning.store.get("doctor", id, SYSTEM.user_id)
    cause = Event(id, "event.ignored", SYSTEM.user_id, lightning.now(), {"type": "doctor"})
    settled = await lightning.bus.settle([Settlement(commits=(Commit(stream, 0, cause),))])
    history = await lightning.bus.history(stream)
    await lightning.bus.prune([stream])
    await lightning.store.delete("doctor", id, SYSTEM.user_id)
    if found != written or settled[0].outcome != "ok" or len(history.commits) != 1:
        return Finding("database", "broken", "What was written did not come back.")
    which = "PostgreSQL" if settings.database_url else "SQLite"
    return Finding("database", "ok", f"{which}: written, read and settled")


async def _blobs(system: System) -> Finding:
    content = b"lightning doctor"
    address = await system.lightning.blobs.put(SYSTEM.user_id, content)
    if await system.lightning.blobs.get(SYSTEM.user_id, address) != content:
        return Finding("blobs", "broken", "What was written did not come back.")
    return Finding("blobs", "ok", "written and read")


async def _model(system: System) -> Finding:
    if system.llm is None:
        return Finding(
            "model", "unset", "none: plans are made offline", "Set OPENAI_API_KEY to use one."
        )
    said = await system.llm.complete(
        [{"role": "user", "content": "Answer with the word ok."}], max_tokens=500
    )
    return Finding("model", "ok", f"{said.model} answers")


async def _mail(settings: Settings) -> Finding:
    """Connect, encrypt and log in, without sending anything."""
    if not settings.smtp_host:
        return Finding(
            "mail", "unset", "no server", "Set SMTP_HOST and SMTP_FROM, so that plans can mail."
        )
    import aiosmtplib

    mode = settings.smtp_tls
    implicit = mode == "tls" or (mode == "auto" and settings.smtp_port == _IMPLICIT_TLS_PORT)
    client = aiosmtplib.SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        use_tls=implicit,
        start_tls=False if implicit else {"starttls": True, "auto": None}.get(mode, False),
        timeout=_PATIENCE_S,
    )
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    async with client:
        if not settings.smtp_user:
            await client.noop()
        elif mode == "none" or client.get_transport_info("sslcontext") is not None:
            await client.login(settings.smtp_user, settings.smtp_password)
        else:
            return Finding(
                "mail",
                "warning",
                f"{where} offers no encryption, so the password was not tried.",
                "Set SMTP_TLS=tls for port 465, or SMTP_TLS=none if this network is your own.",
            )
    return Finding("mail", "ok", f"{where} answers")
