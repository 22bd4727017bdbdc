"""What is wrong with the settings is said at start, in one message, without the key."""

from __future__ import annotations

import secrets
import socket
from typing import Any

import pytest

from backend.bus.azure.namespace import Namespace
from backend.bus.azure.verifying import verify
from backend.contracts.errors import LightningError, Unavailable
from tests.azure.buses import QUICK, ask, service_bus
from tests.azure.servicebus.double import POLICY
from tests.azure.servicebus.handlers import LEAKS

pytestmark = [pytest.mark.filterwarnings(each) for each in LEAKS]


@pytest.fixture
def queue() -> str:
    name = f"q{secrets.token_hex(6)}"
    create(name, requires_session=True)
    create(f"{name}-work")
    return name


def create(name: str, **properties: Any) -> None:
    ask("POST", "/queues", {"name": name, **properties})


async def said(**settings: str) -> LightningError:
    namespace = Namespace(
        **{"connection": service_bus().connection_string} | settings, handler_options=QUICK
    )
    with pytest.raises(LightningError) as caught:
        namespace.open()
        await verify(namespace)
    await namespace.close()
    for text in (str(caught.value), caught.value.hint):
        assert "SAS_KEY_VALUE" not in text
        assert "secret" not in text
    return caught.value


def elsewhere(**changed: str) -> str:
    parts = {
        "Endpoint": f"sb://127.0.0.1:{service_bus().port}/",
        "SharedAccessKeyName": POLICY,
        "SharedAccessKey": "SAS_KEY_VALUE",
        "UseDevelopmentEmulator": "true",
    } | changed
    return "".join(f"{name}={value};" for name, value in parts.items())


async def test_two_queues_as_they_should_be_are_taken(queue: str) -> None:
    namespace = Namespace(
        connection=service_bus().connection_string, queue=queue, handler_options=QUICK
    )
    namespace.open()
    await verify(namespace)
    await namespace.close()


async def test_a_missing_queue_is_named() -> None:
    error = await said(queue="nowhere")
    assert "no queue nowhere (SERVICEBUS_QUEUE)" in error.message


async def test_a_missing_work_queue_is_named() -> None:
    name = f"q{secrets.token_hex(6)}"
    create(name, requires_session=True)
    assert f"no queue {name}-work" in (await said(queue=name)).message


async def test_a_queue_without_sessions_is_refused() -> None:
    name = f"q{secrets.token_hex(6)}"
    create(name)
    create(f"{name}-work")
    assert "has no sessions" in (await said(queue=name)).message


async def test_a_work_queue_with_sessions_is_refused() -> None:
    name = f"q{secrets.token_hex(6)}"
    create(name, requires_session=True)
    create(f"{name}-work", requires_session=True)
    assert f"{name}-work (SERVICEBUS_QUEUE) has sessions" in (await said(queue=name)).message


async def test_a_wrong_key_is_told_without_the_key(queue: str) -> None:
    error = await said(connection=elsewhere(SharedAccessKey="secret"), queue=queue)
    assert error.message.startswith("SERVICEBUS_CONNECTION: Service Bus does not accept the key")
    assert error.code == "EXEC_SETTING_INVALID"


@pytest.mark.parametrize("right", ["Listen", "Send"])
async def test_half_the_rights_are_not_enough(queue: str, right: str) -> None:
    ask("POST", "/policies", {"name": right, "key": "secret", "rights": [right]})
    connection = elsewhere(SharedAccessKeyName=right, SharedAccessKey="secret")
    error = await said(connection=connection, queue=queue)
    assert "SERVICEBUS_CONNECTION may not both send to and receive from" in error.message


async def test_nobody_at_the_address_is_a_service_that_does_not_answer(queue: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        error = await said(connection=elsewhere(Endpoint=f"sb://127.0.0.1:{port}/"), queue=queue)
    assert isinstance(error, Unavailable)
    assert "SERVICEBUS_CONNECTION" in error.message


@pytest.mark.parametrize("connection", ["nonsense", "Endpoint=sb://x/;SharedAccessKey=secret"])
async def test_a_malformed_connection_string_is_named(connection: str) -> None:
    error = await said(connection=connection, queue="events")
    assert error.message.startswith("SERVICEBUS_CONNECTION is not")


async def test_without_any_address_the_namespace_is_asked_for() -> None:
    assert "SERVICEBUS_NAMESPACE" in (await said(connection="", queue="events")).message


async def test_a_connection_string_of_another_queue_is_told(queue: str) -> None:
    error = await said(connection=elsewhere(EntityPath="another"), queue=queue)
    assert "is for another queue" in error.message
