"""Whose leases: a process's name, its boot's epoch, and its sign of life."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Callable
from datetime import datetime, timedelta

from backend.bus.settling import READY
from backend.contracts.errors import LightningError, Unavailable
from backend.stores.database import Connection, Database, Name
from backend.stores.documents import micros

_PATIENCE = 40
_PAUSE_S = 0.05


class Owner:
    """This process as the holder of leases.

    Its name is free again as soon as the process is gone, however it went; the next process of the
    name takes over its leases at once, all others only when there was no sign of life for `lease_s`
    seconds. `epoch` tells one boot from the next. Should another process get the name although this
    one lives (its connection was gone for long), what it had leased is lost to it, and it begins anew.
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
        self._held: Name | None = None
        self._alive_until = 0
        self.name = ""
        self.epoch = 0

    @property
    def key(self) -> str:
        """Under it, nobody gives or takes leases of this process."""
        return _key(self.epoch)

    async def begin(self) -> None:
        """Take a name, and what its earlier boots had leased. Raises `LightningError` when the
        wanted name is held by another process."""
        await self._take_name()
        try:
            await self._enter()
        except BaseException:
            await self.leave()
            raise

    async def end(self) -> None:
        """Give back what is leased, for others to take at once."""
        epoch = self.epoch
        await self._database.write(lambda connection: _free(connection, epoch), [_key(epoch)])

    async def leave(self) -> None:
        """Let the name go."""
        if self._held is not None:
            held, self._held = self._held, None
            await held.leave()

    async def beat(self) -> bool:
        """Give a sign of life; free the leases of those who gave none in time, and say if there were
        any."""
        if self._held is None or self._held.lost:
            await self._begin_anew()
            return True
        now, until = micros(self._clock()), micros(self._clock() + self._lease)
        epochs = await self._database.read(lambda c: _given_up(c, "", now))

        def job(connection: Connection) -> bool:
            _stay(connection, self.name, self.epoch, until)
            return _free_given_up(connection, "", now, epochs)

        freed = await self._database.write(job, [self.key, *map(_key, epochs)])
        self._alive_until = until
        return freed

    async def _begin_anew(self) -> None:
        await self.leave()
        try:
            await self.begin()
        except LightningError as error:
            raise Unavailable(error.message) from error

    def revive(self, connection: Connection) -> None:
        """Before leasing: after a long pause others may have given this process up, and leases
        without its row would never be freed."""
        now = self._clock()
        if micros(now) >= self._alive_until:
            _stay(connection, self.name, self.epoch, micros(now + self._lease))

    async def _enter(self) -> None:
        now, until = micros(self._clock()), micros(self._clock() + self._lease)
        name = self.name
        epochs = await self._database.read(lambda c: _given_up(c, name, now))

        def job(connection: Connection) -> int:
            _free_given_up(connection, name, now, epochs)
            connection.execute(
                "INSERT INTO owners (name, alive_until) VALUES (?, ?)", (name, until)
            )
            epoch = connection.execute("SELECT epoch FROM owners WHERE name = ?", (name,))
            return int(epoch.fetchone()[0])

        self.epoch = await self._database.write(job, list(map(_key, epochs)))
        self._alive_until = until

    async def _take_name(self) -> None:
        if self._wanted is None:
            for name in map("process-{}".format, itertools.count()):
                if await self._try(name):
                    return
        if self._wanted is None or not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", self._wanted):
            raise LightningError(f"{self._wanted!r} cannot be a process's name.")
        for _ in range(_PATIENCE):
            if await self._try(self._wanted):
                return
            # A process that has just died may still have it for a moment.
            await asyncio.sleep(_PAUSE_S)
        raise LightningError(f"Another process runs as {self._wanted}.")

    async def _try(self, name: str) -> bool:
        self._held = await self._database.take_name(name)
        self.name = name
        return self._held is not None


def _key(epoch: int) -> str:
    return f"owner {epoch}"


def _given_up(connection: Connection, name: str, now: int) -> list[int]:
    """The epochs of a name's earlier boots, and of those who gave no sign of life."""
    found = connection.execute(
        "SELECT epoch FROM owners WHERE name = ? OR alive_until < ?", (name, now)
    )
    return [epoch for (epoch,) in found]


def _stay(connection: Connection, name: str, epoch: int, alive_until: int) -> None:
    values = (alive_until, epoch)
    if connection.execute("UPDATE owners SET alive_until = ? WHERE epoch = ?", values).rowcount:
        return
    row = (epoch, name, alive_until)
    added = connection.execute(
        "INSERT INTO owners (epoch, name, alive_until) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row
    )
    if added.rowcount == 0:
        raise Unavailable(f"Another process runs as {name}.")


def _free_given_up(connection: Connection, name: str, now: int, epochs: list[int]) -> bool:
    """Of these, those that are still given up."""
    given_up = set(_given_up(connection, name, now)) & set(epochs)
    for epoch in given_up:
        _free(connection, epoch)
    if connection.dialect.alone:
        return bool(given_up)
    # Leased by one who did not know yet that it was given up.
    lost = connection.execute(
        "UPDATE messages SET epoch = NULL "
        "WHERE epoch IS NOT NULL AND epoch NOT IN (SELECT epoch FROM owners)"
    )
    if lost.rowcount > 0:
        connection.tell([READY])
    return bool(given_up) or lost.rowcount > 0


def _free(connection: Connection, epoch: int) -> None:
    freed = connection.execute("UPDATE messages SET epoch = NULL WHERE epoch = ?", (epoch,))
    if freed.rowcount > 0:
        connection.tell([READY])
    connection.execute("DELETE FROM owners WHERE epoch = ?", (epoch,))
