"""The chat as it is served: a process of its own, people who signed in, their sockets."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

# Chainlit makes files where it is told to, on import.
os.environ.setdefault("CHAINLIT_APP_ROOT", tempfile.mkdtemp(prefix="lightning-chat-"))
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import chainlit  # noqa: F401

from tests.chat.people import Person, signed_in
from tests.journeys.app import App


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with App(tmp_path_factory.mktemp("chat"), ALLOW_REGISTRATION="true") as app:
        yield app


@pytest.fixture
async def alice(app: App) -> AsyncIterator[Person]:
    async with signed_in(app, "alice") as person:
        yield person


@pytest.fixture
async def bob(app: App) -> AsyncIterator[Person]:
    async with signed_in(app, "bob") as person:
        yield person


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
