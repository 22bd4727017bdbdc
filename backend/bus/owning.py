"""Whose leases: a process's name, held by a file lock, its boot's epoch, and its sign of life."""

from __future__ import annotations

import fcntl
import itertools
import os
import re
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from backend.contracts.errors import LightningError
from backend.stores.database import Database
from backend.stores.documents import micros


class Owner:
    """This process as the holder of leases.

    Its name is free again as soon as the process is gone, however it went; the next process of the
    name takes over its leases at once, all others only when there was no sign of life for `lease_s`
    seconds. `epoch` tells one boot from the next.
    """

    def __init__(
        self,
        database: Database,
        wanted: str | None,
        clock: Callable[[], datetime],
        lease_s: float,
    ) -> None:
        self._database = database
        self._wanted = wanted
        self._clock = clock
        self._lease = timedelta(seconds=lease_s)
        self._lock: int | None = None
        self._alive_until = 0
        self.name = ""
        self.epoch = 0

    async def begin(self) -> None:
        """Take a name, and what its earlier boots had leased. Raises `LightningError` when the
        wanted name is held by another process."""
        self._take_name()
        now, until = micros(self._clock()), micros(self._clock() + self._lease)
        try:
            self.epoch = await self._database.write(
                lambda connection: _begin(connection, self.name, now, until)
            )
        except BaseException:
            self.leave()
            raise
        self._alive_until = until

    async def end(self) -> None:
        """Give back what is leased, for others to take at once."""
        await self._database.write(lambda connection: _free(connection, self.epoch))

    def leave(self) -> None:
        """Let the name go."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def beat(self) -> bool:
        """Give a sign of life; free the leases of those who gave none in time, and say if there were
        any."""
        now, until = micros(self._clock()), micros(self._clock() + self._lease)

        def job(connection: sqlite3.Connection) -> bool:
            _stay(connection, self.name, self.epoch, until)
            return _free_expired(connection, now)

        freed = await self._database.write(job)
        self._alive_until = until
        return freed

    def revive(self, connection: sqlite3.Connection) -> None:
        """Before leasing: after a long pause others may have given this process up, and leases
        without its row would never be freed."""
        now = self._clock()
        if micros(now) >= self._alive_until:
            _stay(connection, self.name, self.epoch, micros(now + self._lease))

    def _take_name(self) -> None:
        if self._wanted is None:
            self.name = next(n for n in map("process-{}".format, itertools.count()) if self._try(n))
            return
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", self._wanted):
            raise LightningError(f"{self._wanted!r} cannot be a process's name.")
        if not self._try(self._wanted):
            raise LightningError(f"Another process runs as {self._wanted}.")
        self.name = self._wanted

    def _try(self, name: str) -> bool:
        path: Path = self._database.locks / f"owner-{name}"
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._lock = lock
        return True


def _begin(connection: sqlite3.Connection, name: str, now: int, alive_until: int) -> int:
    for (epoch,) in connection.execute("SELECT epoch FROM owners WHERE name = ?", (name,)):
        _free(connection, epoch)
    _free_expired(connection, now)
    inserted = connection.execute(
        "INSERT INTO owners (name, alive_until) VALUES (?, ?)", (name, alive_until)
    )
    return int(inserted.lastrowid or 0)


def _stay(connection: sqlite3.Connection, name: str, epoch: int, alive_until: int) -> None:
    connection.execute(
        "INSERT INTO owners (epoch, name, alive_until) VALUES (?, ?, ?) "
        "ON CONFLICT (epoch) DO UPDATE SET alive_until = excluded.alive_until",
        (epoch, name, alive_until),
    )


def _free_expired(connection: sqlite3.Connection, now: int) -> bool:
    expired = connection.execute("SELECT epoch FROM owners WHERE alive_until < ?", (now,))
    epochs = [epoch for (epoch,) in expired.fetchall()]
    for epoch in epochs:
        _free(connection, epoch)
    return bool(epochs)


def _free(connection: sqlite3.Connection, epoch: int) -> None:
    connection.execute("UPDATE messages SET epoch = NULL WHERE epoch = ?", (epoch,))
    connection.execute("DELETE FROM owners WHERE epoch = ?", (epoch,))
