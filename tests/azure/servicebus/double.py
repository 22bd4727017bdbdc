"""The broker as tests use it: a process of its own, and what it can be told.

    with ServiceBus() as bus:
        await bus.create("orders", requires_session=True, lock_duration=30)
        ServiceBusClient.from_connection_string(bus.connection_string)
        await bus.advance(31)                              # locks end, what is scheduled falls due
        await bus.fault("lose-settle-reply", queue="orders", count=1)      # see faults.py
        await bus.counts("orders")                         # {"active": 1, "locked": 0, …}

One process serves a whole test session: give each test queues of its own, and name them to faults.

After `advance` the broker's clock is ahead of the client's: what a client schedules is due so much
earlier, and the SDK, which compares the end of a lock with its own clock, believes in a lock for so
much longer; the broker refuses what comes too late.

The SDK's handlers are slow by themselves. To open, a handler reads the nine frames of the handshake one a
turn and sleeps 0.05 s after each (`_open`): half a second, however fast the broker is. To close, it waits
for its keep-alive task, which sleeps 1 s at a time (`close_async`), and a plain receiver with credit
left first drains its link and listens twice 0.2 s for more. In tests `haste.py` takes the naps out of the
SDK (a sixth of the wall time is left); a product keeps its handlers, opens several at once (`asyncio.gather`)
and closes them in the background.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any, Self
from urllib.parse import urlencode

POLICY, KEY = "RootManageSharedAccessKey", "SAS_KEY_VALUE"


class ServiceBus:
    """A context manager. `port` is plain TCP; `tls_port` is there when it was given a certificate."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.azure.servicebus", *self._arguments]
        # what it inherits as standard input closes with us, and it ends then
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout
        listening = json.loads(self._process.stdout.readline())
        self.port: int = listening["port"]
        self.tls_port: int | None = listening.get("tls_port")
        self.control: str = listening["control"]
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    @property
    def connection_string(self) -> str:
        """As the development emulator's: no TLS, no SASL, yet a key."""
        return self.connection_string_of(POLICY, KEY)

    def connection_string_of(self, policy: str, key: str) -> str:
        return (
            f"Endpoint=sb://127.0.0.1:{self.port}/;SharedAccessKeyName={policy};"
            f"SharedAccessKey={key};UseDevelopmentEmulator=true;"
        )

    async def create(self, queue: str, **properties: Any) -> None:
        """`properties` as in entries.py. ValueError if it is there already."""
        await self._ask("POST", "/queues", {"name": queue, **properties})

    async def delete(self, queue: str) -> None:
        await self._ask("DELETE", f"/queues/{queue}")

    async def counts(self, queue: str) -> dict[str, Any]:
        """{active, locked, deferred, scheduled, dead: how many messages, sessions: those held,
        waiting: how many receivers for any session}"""
        counts: dict[str, Any] = (await self._ask("GET", "/queues"))[queue]
        return counts

    async def advance(self, seconds: float) -> None:
        await self._ask("POST", "/clock", {"advance": seconds})

    async def ahead(self) -> float:
        """By how many seconds its clock is ahead of the machine's."""
        ahead: float = (await self._ask("POST", "/clock", {"advance": 0}))["ahead"]
        return ahead

    async def fault(self, kind: str, **fields: Any) -> None:
        await self._ask("POST", "/faults", {"kind": kind, **fields})

    async def clear_faults(self) -> None:
        await self._ask("DELETE", "/faults")

    async def drop(self, queue: str | None = None, *, silent: bool = False) -> None:
        """Break the connections with links to a queue, or all. `silent`: as if nobody noticed, so
        that sessions stay locked until their time."""
        said = {"queue": queue} if queue else {}
        query = urlencode({**said, "silent": 1} if silent else said)
        await self._ask("DELETE", f"/connections?{query}")

    async def detach(self, queue: str) -> None:
        """Detach its links by force, as Azure does after ten idle minutes; connections stay."""
        await self._ask("DELETE", f"/links?{urlencode({'queue': queue})}")

    async def allow(self, policy: str, key: str, *rights: str) -> None:
        """A shared access policy; its rights are among Send, Listen, Manage."""
        await self._ask("POST", "/policies", {"name": policy, "key": key, "rights": rights})

    async def trust(self, token: str, *rights: str) -> None:
        """A bearer token, as a managed identity gets."""
        await self._ask("POST", "/tokens", {"token": token, "rights": rights})

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Of its control (`control.py`), at once. ValueError with what it says against it."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.control + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(json.load(error)["error"]) from error

    async def _ask(self, method: str, path: str, body: object = None) -> Any:
        return await asyncio.to_thread(self.ask, method, path, body)
