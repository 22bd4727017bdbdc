"""The REST doubles as processes: one of each for a test session, started when first asked for."""

from __future__ import annotations

import atexit
import functools
import json
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from backend.stores.azure.account import CosmosAccount
from backend.stores.azure.blobs import AzureBlobs
from backend.stores.azure.containers import containers


class Double:
    """A running double; `tests.azure.web` says what the faults are."""

    def __init__(self, module: str, *options: str) -> None:
        command = [sys.executable, "-m", module, "--port", "0", *options]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        said = json.loads(self._process.stdout.readline())
        self.url: str = said["url"]
        self.key: str = said["key"]

    def close(self) -> None:
        self._process.communicate(timeout=10)

    def __enter__(self) -> Double:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def faults(self, *faults: Mapping[str, Any]) -> Iterator[None]:
        """These faults until the end of the block."""
        self._ask("faults", faults)
        try:
            yield
        finally:
            self._ask("faults", [])

    def advance(self, seconds: float) -> None:
        self._ask("advance", {"seconds": seconds})

    def state(self) -> dict[str, Any]:
        return self._ask("state")

    def _ask(self, what: str, body: Any = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.url}/_double/{what}", data, timeout=30) as reply:
            answer: dict[str, Any] = json.load(reply)
            return answer


@functools.cache
def cosmos() -> Double:
    return _started("tests.azure.cosmos")


@functools.cache
def storage() -> Double:
    return _started("tests.azure.storage")


def _started(module: str) -> Double:
    double = Double(module)
    atexit.register(double.close)
    return double


def cosmos_connection() -> str:
    return f"AccountEndpoint={cosmos().url}/;AccountKey={cosmos().key};"


def storage_connection() -> str:
    return (
        "DefaultEndpointsProtocol=http;AccountName=double;"
        f"AccountKey={storage().key};BlobEndpoint={storage().url}/double;"
    )


@asynccontextmanager
async def azure_blobs(container: str = "") -> AsyncIterator[AzureBlobs]:
    """Blobs on the double; in a container of their own unless one is named."""
    blobs = AzureBlobs(connection=storage_connection(), container=container or secrets.token_hex(8))
    await blobs.start()
    try:
        yield blobs
    finally:
        await blobs.close()


@asynccontextmanager
async def cosmos_account(database: str = "") -> AsyncIterator[CosmosAccount]:
    """An account on the double; a database of its own unless one is named."""
    account = CosmosAccount(
        connection=cosmos_connection(),
        database=database or f"test-{secrets.token_hex(8)}",
        containers=containers(),
    )
    await account.start()
    try:
        yield account
    finally:
        await account.close()
