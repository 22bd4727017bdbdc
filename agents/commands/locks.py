"""The lockfile beside a plan: written when it is made, verified whenever it is used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import orjson
from rich.text import Text

from agents.commands.documents import MAX_BYTES, indented, write_file
from agents.terminal import err, plain
from backend.contracts.errors import Issue
from backend.contracts.plans import IR, Catalogue
from backend.plans.lockfile import Lock, Origin, is_signed, make_lock, read_lock, verify
from backend.settings import Settings

Standing = Literal["locked", "changed", "none"]


@dataclass(frozen=True, slots=True)
class Held:
    """What a plan's lockfile says of it. `origin` is that of the plan as it is now: what a planner made
    is so only as long as the lock holds."""

    standing: Standing
    origin: Origin = "hand"
    issues: tuple[Issue, ...] = ()
    lock: Lock | None = None

    @property
    def planner(self) -> str:
        """Who made the plan, as long as it is a planner's."""
        return self.lock.created_by if self.lock and self.origin == "planner" else ""


def lock_path(plan: Path) -> Path:
    return plan.with_suffix(".lock.json")


def write_lock(
    plan: Path,
    ir: IR,
    catalogue: Catalogue,
    chosen: Settings,
    *,
    planner: str,
    planning_id: str,
    now: datetime,
) -> Path:
    """Lock a plan that a planner has just made, in a session that is recorded. Raises `Invalid`
    (PLAN_FILE_INVALID)."""
    lock = make_lock(
        ir,
        catalogue,
        chosen.jwt_signing_key,
        created_by=planner,
        created_at=now,
        origin="planner",
        trust="trusted",
        planning_id=planning_id,
    )
    path = lock_path(plan)
    write_file(path, indented(lock.as_json()) + b"\n")
    return path


def look_at_lock(plan: Path, ir: IR, catalogue: Catalogue, key: str) -> Held:
    """Whether the lockfile beside `plan` still holds; "none" where there is none."""
    path = lock_path(plan)
    if str(plan) == "-" or not path.is_file():
        return Held("none")
    lock = _read(path)
    if lock is None:
        said = "The lockfile cannot be read."
        return Held("changed", issues=(Issue(code="PLAN_LOCK_FORGED", message=said),))
    changes = verify(lock, ir, catalogue, key)
    if all(issue.code == "PLAN_TOOLS_CHANGED" for issue in changes):
        return Held("changed" if changes else "locked", lock.origin, changes, lock)
    edited = is_signed(lock, key) and lock.origin != "hand"
    return Held("changed", "edited" if edited else "hand", changes, lock)


def say_lock(held: Held) -> None:
    """On standard error; nothing of a plan that was never locked."""
    if held.standing == "locked" and held.lock is not None:
        day = held.lock.created_at[:10]
        err.print(Text(plain(f"As locked {day} by {held.lock.created_by}."), style="dim"))
    for issue in held.issues:
        said = f"{issue.message.rstrip('.')}; checked anew."
        err.print(Text.assemble(("! ", "yellow"), plain(said), (f"  {issue.code}", "dim")))


def _read(path: Path) -> Lock | None:
    try:
        with path.open("rb") as source:
            return read_lock(orjson.loads(source.read(MAX_BYTES)))
    except (OSError, orjson.JSONDecodeError):
        return None
