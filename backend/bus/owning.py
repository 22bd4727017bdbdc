"""Whose leases: a process's name, held by a file lock, its boot's epoch, and its sign of life."""

from __future__ import annotations

import fcntl
import itertools
import os
import re
import sqlite3
from pathlib import Path

from backend.contracts.errors import LightningError

MICROS = 1_000_000


class Name:
    """A process's name. It is free again as soon as the process is gone, however it went, so that
    the next one takes it over together with the work."""

    def __init__(self, folder: Path, wanted: str | None) -> None:
        self._folder = folder
        self._wanted = wanted
        self._file: int | None = None

    def take(self) -> str:
        """The wanted name or the first free one. Raises `LightningError` when the wanted is held."""
        if self._wanted is not None:
            if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", self._wanted):
                raise LightningError(f"{self._wanted!r} cannot be a process's name.")
            if not self._lock(self._wanted):
                raise LightningError(f"Another process runs as {self._wanted}.")
            return self._wanted
        for number in itertools.count():
            if self._lock(f"process-{number}"):
                return f"process-{number}"
        raise AssertionError

    def give_back(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _lock(self, name: str) -> bool:
        file = os.open(self._folder / f"owner-{name}", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True


def begin(connection: sqlite3.Connection, name: str, now: int, alive_until: int) -> int:
    """A new epoch for `name`; whatever its earlier boots had leased is free again."""
    for (epoch,) in connection.execute("SELECT epoch FROM owners WHERE name = ?", (name,)):
        free(connection, epoch)
    free_expired(connection, now)
    inserted = connection.execute(
        "INSERT INTO owners (name, alive_until) VALUES (?, ?)", (name, alive_until)
    )
    return int(inserted.lastrowid or 0)


def stay(connection: sqlite3.Connection, name: str, epoch: int, alive_until: int) -> None:
    """The sign of life. The row is made again if others had given this process up."""
    connection.execute(
        "INSERT INTO owners (epoch, name, alive_until) VALUES (?, ?, ?) "
        "ON CONFLICT (epoch) DO UPDATE SET alive_until = excluded.alive_until",
        (epoch, name, alive_until),
    )


def free_expired(connection: sqlite3.Connection, now: int) -> bool:
    """Free the leases of processes that gave no sign of life in time."""
    expired = connection.execute("SELECT epoch FROM owners WHERE alive_until < ?", (now,))
    epochs = [epoch for (epoch,) in expired.fetchall()]
    for epoch in epochs:
        free(connection, epoch)
    return bool(epochs)


def free(connection: sqlite3.Connection, epoch: int) -> None:
    connection.execute("UPDATE messages SET epoch = NULL WHERE epoch = ?", (epoch,))
    connection.execute("DELETE FROM owners WHERE epoch = ?", (epoch,))
