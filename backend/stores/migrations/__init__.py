"""The tables' versions, and the steps from each to the next: one file each in `versions`, the same for both
databases. A new one is written by hand, with `database.HEAD` raised and `tables` changed along with it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError

from backend.contracts.errors import LightningError
from backend.stores.database import HEAD

FIRST = "0001"


def newer(found: str, known: str = HEAD) -> LightningError:
    return LightningError(
        f"The database has version {found}; this Lightning knows versions up to {known}.",
        code="EXEC_DATABASE_NEWER",
        hint="Start the Lightning that wrote it, or a newer one.",
    )


def upgrade(connection: Connection, *, adopt: bool = False, target: str = "head") -> None:
    """Bring the tables to `target`, inside the connection's transaction. `adopt`: they are of the first
    version, from before versions were written down. Raises `LightningError` for newer tables."""
    scripts = ScriptDirectory(str(Path(__file__).parent))
    known = {script.revision for script in scripts.walk_revisions()}

    def steps(found: Any, context: Any) -> Any:
        for revision in found:
            if revision not in known:
                raise newer(revision)
        if adopt:
            context.stamp(scripts, FIRST)
        return scripts._upgrade_revs(target, FIRST if adopt else found)

    with EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(connection=connection, transactional_ddl=False)
        environment.run_migrations()


def upgrade_sqlite(path: Path, *, adopt: bool = False, target: str = "head") -> None:
    """As `upgrade`, on a file, in one transaction. Raises `sqlite3.Error` when it cannot be written."""
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _explicit(connection: sqlite3.Connection, _: object) -> None:
        # Otherwise Python commits by itself before changes of tables.
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    try:
        with engine.begin() as connection:
            upgrade(connection, adopt=adopt, target=target)
    except DBAPIError as error:
        raise (error.orig or error) from error
