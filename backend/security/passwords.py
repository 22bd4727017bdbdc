"""Password hashes: argon2id, never on the loop."""

from __future__ import annotations

import asyncio
import functools
import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from backend.contracts.errors import Invalid

MIN_PASSWORD, MAX_PASSWORD = 8, 1024

_HASHER = PasswordHasher()


async def hash_password(password: str) -> str:
    """argon2id, in a thread (about 100 ms). Raises `Invalid` for one too short or too long."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Invalid(
            f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters.",
            code="EXEC_PASSWORD_INVALID",
        )
    return await asyncio.to_thread(_HASHER.hash, _encoded(password))


async def verify_password(password: str, hashed: str) -> bool:
    """Whether `password` is the one behind `hashed`. With no hash (an unknown user, or one who has
    no password) the answer is no, after the same time."""
    if len(password) > MAX_PASSWORD:
        return False
    return await asyncio.to_thread(_verify, _encoded(password), hashed)


def _verify(password: bytes, hashed: str) -> bool:
    dummy = _dummy_hash()
    try:
        return _HASHER.verify(hashed or dummy, password) and bool(hashed)
    except (VerificationError, InvalidHashError):
        return False


def _encoded(password: str) -> bytes:
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


@functools.cache
def _dummy_hash() -> str:
    return _HASHER.hash(secrets.token_hex(16))
