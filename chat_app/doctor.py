"""lightning doctor: does what Lightning depends on really work, and what to do where it does not."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from backend.bootstrap import System, open_system
from backend.settings import Settings, machine_timezone
from chat_app.backends import look_at, notifying, opening_settings, remarks
from chat_app.findings import PATIENCE_S, Finding, broken, tried

_MIN_FREE_BYTES = 500_000_000
_MIN_KEY = 32
_IMPLICIT_TLS_PORT = 465


async def examine(settings: Settings, *, notify: bool = False) -> AsyncIterator[Finding]:
    """Look at everything, one finding after the other. What is broken does not stop the rest. `notify`:
    a signed test is delivered to NOTIFY_URL."""
    yield _folder(settings)
    yield _space(settings)
    yield _signing_key(settings)
    yield _timezone(settings)
    try:
        async with open_system(settings) as system:
            async for finding in look_at(system.lightning):
                yield finding
            for finding in await remarks(system.examine, opening_settings(settings)):
                yield finding
            yield await tried("model", lambda: _model(system))
    except Exception as error:  # noqa: BLE001 - whatever is wrong is what was asked for
        yield broken("database", error, opening_settings(settings))
    yield await tried("mail", lambda: _mail(settings))
    yield await tried("notify", lambda: notifying(settings, send=notify), "NOTIFY_URL")


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
        timeout=PATIENCE_S,
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
