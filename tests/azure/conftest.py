from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.azure.servicebus.double import ServiceBus
from tests.azure.servicebus.handlers import Handlers
from tests.azure.servicebus.haste import hasten


@pytest.fixture(scope="session")
def service_bus() -> Iterator[ServiceBus]:
    """One broker for all: its clock may be advanced, its connections may not be broken."""
    with ServiceBus() as bus:
        yield bus


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def all_handlers(service_bus: ServiceBus) -> AsyncIterator[Handlers]:
    async with Handlers.of(service_bus.connection_string) as handlers:
        yield handlers


@pytest_asyncio.fixture(loop_scope="module")
async def handlers(all_handlers: Handlers) -> AsyncIterator[Handlers]:
    yield all_handlers
    all_handlers.let_go()


@pytest.fixture
def name() -> str:
    """Of a queue of the test's own."""
    return f"queue-{uuid.uuid4().hex}"


@pytest.fixture(scope="session", autouse=True)
def hasty_sdk() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        hasten(patch)
        yield
