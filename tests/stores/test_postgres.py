"""A PostgreSQL database: group commit, keys, several processes, lost answers, refusals at the start."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from backend.contracts.errors import Conflict, Invalid, LightningError, Unavailable
from backend.contracts.ports import Document
from backend.stores.database import Connection, Insert
from backend.stores.postgres import Postgres
from backend.stores.sql import SqlStore
from tests import postgres
from tests.relay import Fault, Relay

Job = Callable[[Connection], Any]


@pytest.fixture
def url() -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture
async def database(url: str) -> AsyncIterator[Postgres]:
    async with opened(url) as made:
        yield made


@pytest.fixture
async def other(url: str) -> AsyncIterator[Postgres]:
    """The same database, as another process has it."""
    async with opened(url) as made:
        yield made


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[Postgres]:
    made = Postgres(url)
    await made.start()
    try:
        yield made
    finally:
        await made.close()


def insert(key: str) -> Job:
    return lambda c: c.execute("INSERT INTO claims (key) VALUES (?)", (key,)) and None


def keys(connection: Connection) -> list[str]:
    return [key for (key,) in connection.execute("SELECT key FROM claims ORDER BY key")]


def transaction(connection: Connection) -> str:
    return str(connection.execute("SELECT pg_current_xact_id()::text").fetchone()[0])


async def test_what_waits_is_committed_together(database: Postgres) -> None:
    found = await asyncio.gather(*(database.write(transaction) for _ in range(100)))
    assert len(set(found)) <= 2


async def test_a_failing_job_changes_nothing_and_fails_alone(database: Postgres) -> None:
    def half(connection: Connection) -> None:
        insert("half")(connection)
        raise RuntimeError("half way")

    def refused(connection: Connection) -> None:
        insert("refused")(connection)
        raise Conflict("no")

    def nonsense(connection: Connection) -> None:
        connection.execute("SELECT nothing")

    jobs = [insert("1"), half, insert("2"), refused, nonsense, insert("3")]
    results = await asyncio.gather(*map(database.write, jobs), return_exceptions=True)
    assert [isinstance(r, BaseException) for r in results] == [
        False,
        True,
        False,
        True,
        True,
        False,
    ]
    assert await database.read(keys) == ["1", "2", "3"]


async def test_a_refusal_before_any_change_costs_its_neighbours_nothing(database: Postgres) -> None:
    def refused(_: Connection) -> None:
        raise Conflict("no")

    jobs = [transaction, refused, transaction]
    first, error, last = await asyncio.gather(*map(database.write, jobs), return_exceptions=True)
    assert isinstance(error, Conflict)
    assert first == last


async def test_a_reader_sees_one_moment_and_cannot_write(
    database: Postgres, other: Postgres
) -> None:
    def twice(connection: Connection) -> tuple[list[str], list[str]]:
        before = keys(connection)
        postgres.execute(url_of(other), "INSERT INTO claims (key) VALUES ('meanwhile')")
        return before, keys(connection)

    assert await database.read(twice) == ([], [])
    with pytest.raises(Unavailable):
        await database.read(insert("1"))
    assert await database.read(keys) == ["meanwhile"]


def url_of(database: Postgres) -> str:
    return database._server.url


async def test_a_cancelled_write_hurts_nobody(database: Postgres) -> None:
    cancelled = asyncio.create_task(database.write(insert("1")))
    await asyncio.sleep(0)
    cancelled.cancel()
    await database.write(insert("2"))
    assert await database.read(keys) == ["1", "2"]


async def test_closing_finishes_what_waits_and_then_it_is_unavailable(url: str) -> None:
    database = Postgres(url)
    await database.start()
    writing = [asyncio.create_task(database.write(insert(f"{n}"))) for n in range(9)]
    await asyncio.sleep(0)
    await database.close()
    await database.close()
    await asyncio.gather(*writing)
    with pytest.raises(Unavailable):
        await database.write(insert("late"))
    with pytest.raises(Unavailable):
        await database.read(keys)


async def test_text_that_it_cannot_hold_is_refused(database: Postgres) -> None:
    for text in ("a\0b", "a\ud800b", "".join(map(chr, range(0x4E00, 0x9000)))):
        with pytest.raises(Invalid):
            await database.write(insert(text))
    with pytest.raises(Invalid):
        await SqlStore(database).get("plan", "a\0b", None)


# --- several processes ----------------------------------------------------------------------------


def add_one(connection: Connection) -> None:
    """As a decider does it: look, think, write."""
    (count,) = connection.execute("SELECT count(*) FROM claims").fetchone()
    row = (uuid4().hex, f"{count:04}")
    connection.execute("INSERT INTO claims (key, stream) VALUES (?, ?)", row)


def counted(connection: Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT stream FROM claims ORDER BY stream")]


@pytest.mark.parametrize("more", [0, 600])
async def test_under_the_same_key_one_job_sees_what_the_other_has_done(
    database: Postgres, other: Postgres, more: int
) -> None:
    """Also when one of them has more keys than the server's table of locks could hold for all."""
    many = [f"run:{n}" for n in range(more)]

    async def work(on: Postgres, keys: list[str]) -> None:
        for _ in range(30):
            await on.write(add_one, keys)

    await asyncio.gather(work(database, ["run:0", *many]), work(other, ["run:0"]))
    assert await database.read(counted) == [f"{n:04}" for n in range(60)]


def telling(*topics: str, then: type[Exception] | None = None) -> Job:
    def job(connection: Connection) -> None:
        connection.tell(topics)
        if then is not None:
            raise then("no")

    return job


async def test_what_another_process_tells_of_is_heard_once_it_is_committed(
    database: Postgres, other: Postgres
) -> None:
    heard: asyncio.Queue[Any] = asyncio.Queue()
    other.on_elsewhere(heard.put_nowait)
    database.on_elsewhere(lambda _: pytest.fail("its own"))
    with pytest.raises(RuntimeError):
        await database.write(telling("run:0", then=RuntimeError))
    await database.write(insert("1"), ["run:0"])  # has nothing to tell
    await database.write(telling("run:1", "run:2"))
    assert await heard.get() == ["run:1", "run:2"]
    many = [f"run:{n:0100}" for n in range(200)]  # more than one message holds
    await database.write(telling(*many))
    found: list[str] = []
    while len(found) < len(many):
        found += await heard.get()
    assert found == many
    await database.write(telling("x" * 9000))
    assert await heard.get() is None  # it may be anything


async def test_what_is_asked_and_written_together_is_one_way_there_and_back(url: str) -> None:
    def job(connection: Connection) -> None:
        written = connection.write(
            [
                (Insert("claims (key, stream)", ("text", "text")), [("a", "x"), ("b", None)]),
                ("UPDATE owners SET alive_until = ? WHERE name = ?", (5, "nobody")),
                ("INSERT INTO claims (key, stream) VALUES (?, ?)", ("c", "y")),
            ]
        )
        found = connection.ask(
            [
                ("SELECT key, stream FROM claims WHERE key > ? ORDER BY key", ("a",)),
                ("SELECT 1 FROM owners", ()),
                ("SELECT ?2::text, ?1::text", ("one", "two")),
            ]
        )
        assert list(written) == [2, 0, 1]
        assert [[tuple(row) for row in rows] for rows in found] == [
            [("b", None), ("c", "y")],
            [],
            [("two", "one")],
        ]
        connection.execute("DELETE FROM claims")

    async with relayed(url) as (relay, database):
        for _ in range(2):  # the first time, statements are prepared
            (asked,) = (each for each in relay.asked if each[-1].endswith(b"COMMIT;\0"))
            before = len(asked)
            await database.write(job)
        # begin, keys, write, ask, delete, commit
        assert len(asked) - before == 6


async def test_of_two_processes_that_replace_the_same_document_one_wins(
    database: Postgres, other: Postgres
) -> None:
    stores = [SqlStore(database), SqlStore(other)]
    for n in range(20):
        created = await asyncio.gather(
            *(s.put(Document("plan", f"{n}", "ann", {}), create=True) for s in stores),
            return_exceptions=True,
        )
        assert sum(isinstance(result, Conflict) for result in created) == 1
        (there,) = [result for result in created if isinstance(result, Document)]
        replaced = await asyncio.gather(
            *(s.put(Document("plan", f"{n}", "ann", {"n": n}, etag=there.etag)) for s in stores),
            return_exceptions=True,
        )
        assert sum(isinstance(result, Conflict) for result in replaced) == 1


async def test_a_race_for_one_document_costs_those_beside_it_nothing(
    database: Postgres, other: Postgres
) -> None:
    async def put_all(on: Postgres, name: str) -> list[Any]:
        documents = [Document("plan", f"{name} {n}", "ann", {}) for n in range(5)]
        documents.insert(2, Document("plan", "both", "ann", {"by": name}))
        puts = (SqlStore(on).put(document) for document in documents)
        return await asyncio.gather(*puts, return_exceptions=True)

    for _ in range(20):
        for results in await asyncio.gather(put_all(database, "one"), put_all(other, "two")):
            assert [type(result) for result in results] == [Document] * 6


async def test_a_name_is_one_processs_until_it_lets_go_or_is_gone(
    database: Postgres, other: Postgres
) -> None:
    name = await database.take_name("one")
    assert name is not None
    assert await other.take_name("one") is None
    await name.leave()
    taken = await other.take_name("one")
    assert taken is not None
    heard: asyncio.Queue[Any] = asyncio.Queue()
    other.on_elsewhere(heard.put_nowait)
    other._session._connection.terminate()
    found = None
    while found is None:  # until the server has noticed
        found = await database.take_name("one")
    assert await heard.get() is None
    assert taken.lost
    assert not found.lost


async def test_after_a_broken_session_its_names_are_held_and_others_are_heard_again(
    database: Postgres, other: Postgres
) -> None:
    name = await database.take_name("one")
    assert name is not None
    heard: asyncio.Queue[Any] = asyncio.Queue()
    database.on_elsewhere(heard.put_nowait)
    database._session._connection.terminate()
    assert await heard.get() is None  # something may have been missed
    await other.write(telling("run:1"))
    assert await heard.get() == ["run:1"]
    assert await other.take_name("one") is None
    assert not name.lost


@contextlib.asynccontextmanager
async def relayed(url: str) -> AsyncIterator[tuple[Relay, Postgres]]:
    """The database over a wire that breaks, and works until then."""
    port = urlsplit(url).port
    assert port is not None
    there = url.replace(f":{port}/", ":{}/")
    async with Relay(port) as relay, opened(there.format(relay.port)) as database:
        await database.write(insert("0"))
        yield relay, database


# --- the answer is lost ---------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["before", "after"])
async def test_when_the_answer_to_a_commit_is_lost_it_is_done_once(url: str, fault: Fault) -> None:
    runs: list[str] = []

    def job(connection: Connection) -> str:
        runs.append(transaction(connection))
        connection.execute("INSERT INTO dead VALUES (?, NULL, 1, 1, '', '')", (runs[-1],))
        return runs[-1]

    async with relayed(url) as (relay, database):
        relay.cut(fault, b"COMMIT;")
        result = await database.write(job)
        assert relay.cuts == 1
        assert len(runs) == (1 if fault == "after" else 2)
        found = await database.read(lambda c: c.execute("SELECT event_id FROM dead").fetchall())
        assert [tuple(row) for row in found] == [(result,)]


async def test_a_connection_that_breaks_in_the_middle_is_made_anew(url: str) -> None:
    async with relayed(url) as (relay, database):
        relay.cut("after", b"INSERT")
        await database.write(lambda c: c.execute("INSERT INTO claims VALUES ('1', NULL)") and None)
        await database.read(keys)
        relay.cut("before", b"SELECT 1")
        await database.read(lambda c: c.execute("SELECT 1").fetchone())
        assert await database.read(keys) == ["0", "1"]
        assert relay.cuts == 2


async def test_while_there_is_no_server_everybody_hears_so_and_then_it_goes_on(url: str) -> None:
    async with relayed(url) as (relay, database):
        relay.open = False
        relay.cut("before", b"COMMIT;")
        lost = asyncio.create_task(database.write(insert("1")))
        await relay.was_cut.wait()
        with pytest.raises(Unavailable) as heard:
            await database.write(insert("2"))
        assert heard.value.code == "EXEC_DATABASE_UNAVAILABLE"
        relay.open = True
        await lost
        await database.write(insert("3"))
        assert await database.read(keys) == ["0", "1", "3"]


# --- at the start ---------------------------------------------------------------------------------


def address(url: str, **parts: str) -> str:
    found = urlsplit(url)
    named = {"who": "postgres", "port": str(found.port), "name": found.path[1:]} | parts
    return "postgresql://{who}@127.0.0.1:{port}/{name}".format(**named)


async def refusal(url: str) -> LightningError:
    with pytest.raises(LightningError) as refused:
        await Postgres(url).start()
    error = refused.value
    assert "DATABASE_URL" in error.message + error.hint
    assert "hush" not in f"{error.message} {error.hint} {error!r} {error.__cause__!r}"
    return error


async def test_a_server_that_is_just_starting_up_is_waited_for(url: str) -> None:
    port = urlsplit(url).port
    assert port is not None
    refused = 0
    writers: list[asyncio.StreamWriter] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal refused
        writers.append(writer)
        with contextlib.suppress(OSError, EOFError), contextlib.closing(writer):
            asked = await startup(reader)
            if int.from_bytes(asked[:4], "big") == 80877103:  # whether it speaks TLS
                writer.write(b"N")
                await startup(reader)
            refused += 1
            said = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"
            writer.write(b"E" + (len(said) + 4).to_bytes(4, "big") + said)
            await writer.drain()

    async def startup(reader: asyncio.StreamReader) -> bytes:
        return await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big") - 4)

    starting = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with Relay(port) as relay:
        early = Postgres(url.replace(f":{port}", f":{starting.sockets[0].getsockname()[1]}"))
        connect = early._server.open

        async def open_(*args: Any, **more: Any) -> Any:
            if refused >= 2:  # up by now
                early._server.url = url.replace(f":{port}", f":{relay.port}")
            return await connect(*args, **more)

        early._server.open = open_  # type: ignore[method-assign]
        await early.start()
        await early.close()
    starting.close()
    await starting.wait_closed()
    await asyncio.gather(*(w.wait_closed() for w in writers), return_exceptions=True)
    assert refused == 2


async def test_a_wrong_password_is_said_so_and_not_shown(url: str) -> None:
    error = await refusal(address(url, who="locked:hush"))
    assert "password" in error.message and "locked" in error.message


async def test_a_missing_database_is_named(url: str) -> None:
    error = await refusal(address(url, name="nowhere"))
    assert "nowhere" in error.message and "createdb" in error.hint


async def test_a_server_that_is_not_there_is_named(url: str) -> None:
    error = await refusal(address(url, who="ann:hush", port="1"))
    assert "127.0.0.1:1" in error.message


async def test_a_user_without_rights_is_told_what_to_grant() -> None:
    with postgres.no_tables() as url:
        error = await refusal(address(url, who="locked:right"))
    assert "GRANT" in error.hint


async def test_too_many_connections_are_said_so(url: str) -> None:
    postgres.execute(url, "CREATE ROLE crowded LOGIN CONNECTION LIMIT 0")
    error = await refusal(address(url, who="crowded"))
    postgres.execute(url, "DROP ROLE crowded")
    assert "too many connections" in error.message and "max_connections" in error.hint


async def test_a_database_of_another_encoding_is_refused(url: str) -> None:
    name = f"ascii_{urlsplit(url).path[1:]}"
    how = "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    postgres.execute(url, f"CREATE DATABASE {name} {how}")
    error = await refusal(address(url, name=name))
    postgres.execute(url, f"DROP DATABASE {name}")
    assert "SQL_ASCII" in error.message


@pytest.mark.parametrize("url", ["mysql://u:hush@h/d", "nonsense", "postgresql://u:hush@h:port/d"])
async def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(LightningError) as refused:
        await Postgres(url).start()
    assert "DATABASE_URL" in refused.value.message
    assert "hush" not in f"{refused.value.message} {refused.value.__cause__!r}"
