"""What the doctor found: looked at for real, within a time, and told in words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from backend.contracts.errors import LightningError

State = Literal["ok", "warning", "broken", "unset"]

PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at and found. `advice` says what to do; "unset" is no fault."""

    name: str
    state: State
    words: str
    advice: str = ""


async def tried(name: str, look: Callable[[], Awaitable[Finding]], setting: str = "") -> Finding:
    """What `look` finds, or why it could not: then `setting` is the one to look at."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await look()
    except TimeoutError:
        return Finding(
            name, "broken", f"No answer within {PATIENCE_S:.0f} s.", _look_at(setting, "")
        )
    except Exception as error:  # noqa: BLE001 - whatever is wrong is what was asked for
        return broken(name, error, setting)


def broken(name: str, error: Exception, setting: str = "") -> Finding:
    if isinstance(error, LightningError):
        words = f"{error.message} ({error.code})"
        return Finding(name, "broken", words, _look_at(setting, error.hint))
    return Finding(name, "broken", f"{type(error).__name__}: {error}", _look_at(setting, ""))


def _look_at(setting: str, hint: str) -> str:
    return " ".join(filter(None, (f"Look at {setting}." if setting else "", hint)))
