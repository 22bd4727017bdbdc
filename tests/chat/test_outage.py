"""The database locked away under the running server: a calm line, and no word lost."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tests.chat.people import Person
from tests.journeys.app import App


@contextlib.contextmanager
def locked(app: App) -> Iterator[None]:
    """Nobody else can write while this lasts: SQLite gives up after five seconds."""
    path = Path(app.settings["DATA_DIR"]) / "lightning.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


async def test_words_said_while_nothing_can_be_stored_are_kept_and_answered_once(
    alice: Person,
) -> None:
    async with alice.page() as page:
        await page.say("/help")
        await page.message("Lightning")
        with locked(alice.app):
            down = await alice.http.get("/api/health", timeout=20)
            assert down.status_code == 503
            assert down.json()["status"] == "down"
            assert down.json()["checks"]["store"] == "does not answer"
            line = await page.message("Nothing is lost")
            await page.say("/plan notify.user --text=Hello")
        card = await page.card("proposed")
        assert (await alice.press(page, "approve", card))["ok"]
        await page.message("Hello")
        # it recovers by itself
        await page.until(lambda event, data: event == "delete_message" and data["id"] == line["id"])
        up = await alice.http.get("/api/health")
        assert (up.status_code, up.json()["status"]) == (200, "ok")
    async with alice.page(page.thread_id) as page:
        thread = await page.until(lambda event, _: event == "resume_thread")
    said = [step["output"] for step in thread["steps"] if step["type"] == "user_message"]
    assert said == ["/help", "/plan notify.user --text=Hello"]
    assert [element["props"]["status"] for element in thread["elements"]] == ["done"]
    assert not any("Nothing is lost" in step["output"] for step in thread["steps"])
