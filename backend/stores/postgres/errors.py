"""What PostgreSQL's and its driver's errors mean to us."""

from __future__ import annotations

import asyncpg
from sqlalchemy.exc import DBAPIError

from backend.contracts.errors import Invalid, LightningError, Unavailable
from backend.stores.database import Raced

_RACED = {
    "23503",  # foreign key: what it refers to was deleted meanwhile
    "23505",  # unique: somebody else was first
    "40001",  # serialization
    "40P01",  # deadlock
}
_UNAVAILABLE = ("08", "25006", "53", "55P03", "57", "58")
_GONE = ("08", "57P01", "57P02", "57P03", "57P05", "25P03")
_LOCK_TABLE_FULL = "53200"
_NOT_STORABLE = {
    "22021",  # zero bytes in a text
    "22P05",  # characters that the database's encoding has not
    "54000",  # too long for an index
}
_DAMAGED = "XX"

START = "EXEC_DATABASE_UNAVAILABLE"


def sqlstate(error: BaseException) -> str:
    return getattr(_driver_error(error), "sqlstate", None) or ""


def is_race(error: BaseException) -> bool:
    """Whether doing it again, on what is there now, can help."""
    return isinstance(error, Raced) or sqlstate(error) in _RACED


def is_lock_table_full(error: BaseException) -> bool:
    return sqlstate(error) == _LOCK_TABLE_FULL


def is_gone(error: BaseException) -> bool:
    """Whether the connection is of no use any more."""
    cause = _driver_error(error)
    if isinstance(cause, asyncpg.InterfaceError):
        return not isinstance(cause, asyncpg.DataError)
    return isinstance(cause, OSError | TimeoutError) or sqlstate(cause).startswith(_GONE)


def explained(error: BaseException) -> BaseException:
    """The error as callers are to see it; unchanged when it is none of the database's."""
    state = sqlstate(error)
    if is_gone(error) or is_race(error) or state.startswith(_UNAVAILABLE):
        return Unavailable(
            f"The database cannot be used now: {words(error)}.",
            code="EXEC_DATABASE_UNAVAILABLE",
            hint="Check that the PostgreSQL server runs and has disk space and connections left.",
        )
    if state in _NOT_STORABLE or isinstance(_driver_error(error), asyncpg.DataError):
        return Invalid("A value cannot be stored as it is.", code="EXEC_VALUE_NOT_STORABLE")
    if state.startswith(_DAMAGED):
        return LightningError(
            f"The database is damaged: {words(error)}.",
            code="EXEC_DATABASE_DAMAGED",
            hint="Look into the PostgreSQL server's log; restore the database from a copy.",
        )
    return error


def refused(error: BaseException, where: str) -> LightningError:
    """Why the database at `where` (without a password) could not be opened at the start."""
    state = sqlstate(error)
    for known, advice in _ADVICE.items():
        if state.startswith(known):
            return LightningError(
                f"DATABASE_URL: {where} refuses: {words(error)}.", code=START, hint=advice
            )
    if isinstance(error, OSError | TimeoutError):
        return LightningError(
            f"DATABASE_URL: there is no answer from {where}: {words(error)}.",
            code=START,
            hint="Check host and port in DATABASE_URL, and that the PostgreSQL server runs there.",
        )
    return LightningError(
        f"DATABASE_URL: {where} cannot be used: {words(error)}.", code=START, hint=_SEE
    )


_SEE = "See docs/how-to/postgres.md."
_ADVICE = {
    "28": "Check user and password in DATABASE_URL, and the server's pg_hba.conf.",
    "3D": "Make the database that DATABASE_URL names: createdb, or CREATE DATABASE … ENCODING 'UTF8'.",
    "42501": "Give the user of DATABASE_URL the right to make tables: GRANT CREATE ON SCHEMA public.",
    "53300": "Raise max_connections of the server that DATABASE_URL names, or run fewer processes.",
    "57P03": "The server that DATABASE_URL names is starting or stopping: try again in a moment.",
}


def words(error: BaseException) -> str:
    """One line, without the driver's prefix."""
    cause = _driver_error(error)
    text = str(cause).strip() or type(cause).__name__
    return text.splitlines()[0].rstrip(".")


def _driver_error(error: BaseException) -> BaseException:
    """What SQLAlchemy and its adapter have wrapped."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    cause = error.__cause__
    return cause if isinstance(cause, asyncpg.PostgresError | asyncpg.InterfaceError) else error
