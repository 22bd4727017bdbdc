"""Somebody at a browser, without the browser: a cookie, requests, a socket."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import socketio

from tests.journeys.app import App

PASSWORD = "correct horse battery"
PATIENCE_S = 30


@dataclass
class Page:
    """One open page: everything it was sent, in order."""

    socket: socketio.AsyncClient
    session_id: str
    thread_id: str = ""
    heard: list[tuple[str, Any]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, event: str, data: Any) -> None:
        self.heard.append((event, data))
        if event == "first_interaction":
            self.thread_id = data["thread_id"]
        self.news.set()

    async def until(self, wanted: Callable[[str, Any], bool]) -> Any:
        """The first of what was or will be heard that is wanted."""
        at = 0
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    while at < len(self.heard):
                        event, data = self.heard[at]
                        at += 1
                        if wanted(event, data):
                            return data
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            heard = "\n".join(f"{event}: {str(data)[:600]}" for event, data in self.heard[-30:])
            raise AssertionError(f"this page only heard:\n{heard}") from None

    async def card(self, status: str) -> dict[str, Any]:
        """The props of a card that stands under this word."""
        found = await self.until(
            lambda event, data: (
                event == "element"
                and data["name"] == "PlanCard"
                and data["props"]["status"] == status
            )
        )
        return dict(found["props"])

    async def message(self, part: str) -> dict[str, Any]:
        return dict(
            await self.until(
                lambda event, data: event == "new_message" and part in str(data["output"])
            )
        )

    async def say(self, text: str) -> None:
        message = {
            "id": str(uuid.uuid4()),
            "type": "user_message",
            "output": text,
            "name": "me",
            "createdAt": datetime.now(UTC).isoformat(),
        }
        await self.socket.emit("client_message", {"message": message, "fileReferences": []})


@dataclass
class Person:
    name: str
    app: App
    http: httpx.AsyncClient

    @property
    def cookie(self) -> str:
        return f"access_token={self.http.cookies['access_token']}"

    @contextlib.asynccontextmanager
    async def page(
        self,
        thread_id: str = "",
        *,
        session_id: str = "",
        origin: str = "",
        cookie: str = "",
        breaks: bool = False,
    ) -> AsyncIterator[Page]:
        """A page; raises socketio's `ConnectionError` when it is not let in. One that `breaks` loses
        its socket before anything was loaded."""
        socket = socketio.AsyncClient(reconnection=False)
        page = Page(socket, session_id or str(uuid.uuid4()), thread_id)
        socket.on("*", page.take)
        headers = {"Cookie": cookie or self.cookie, "Origin": origin or self.app.url}
        try:
            await socket.connect(
                self.app.url,
                headers=headers,
                socketio_path="/ws/socket.io",
                transports=["websocket"],
                auth={
                    "sessionId": page.session_id,
                    "clientType": "webapp",
                    "threadId": thread_id,
                    "userEnv": "{}",
                    "chatProfile": "",
                },
            )
            if not breaks:
                await socket.emit("connection_successful")
                await page.until(lambda event, _: event in ("set_commands", "resume_thread"))
            yield page
        finally:
            await socket.disconnect()
            if socket.eio.http is not None:
                await socket.eio.http.close()

    async def press(self, page: Page, verb: str, props: dict[str, Any], **more: Any) -> Any:
        """A button of a card; what it answers."""
        payload = {
            "verb": verb,
            "plan": props["plan"],
            "hash": props["hash"],
            "catalogue": props["catalogue"],
            "run": (props.get("run") or {}).get("id"),
            **more,
        }
        body = {"sessionId": page.session_id, "action": {"name": "plan", "payload": payload}}
        answer = await self.http.post("/project/action", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["response"]


@contextlib.asynccontextmanager
async def signed_in(app: App, name: str) -> AsyncIterator[Person]:
    """Registered when need be, and signed in by the form."""
    async with httpx.AsyncClient(base_url=app.url, headers={"Origin": app.url}) as http:
        await http.post("/api/register", json={"name": name, "password": PASSWORD})
        answer = await http.post("/login", data={"username": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        yield Person(name, app, http)
