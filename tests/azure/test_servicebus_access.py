"""The Service Bus double, judged by the real SDK: who may do what, with TLS and without, and what nobody
may."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from azure.core.credentials import AccessToken, AzureSasCredential
from azure.servicebus import ServiceBusMessage, TransportType
from azure.servicebus._pyamqp.utils import generate_sas_token
from azure.servicebus.aio import ServiceBusClient
from azure.servicebus.exceptions import (
    MessageSizeExceededError,
    MessagingEntityDisabledError,
    MessagingEntityNotFoundError,
    ServiceBusAuthorizationError,
    ServiceBusError,
)

from tests.azure.amqp.frames import HEADER, SASL_HEADER
from tests.azure.servicebus.double import KEY, POLICY, ServiceBus
from tests.azure.servicebus.handlers import Handlers
from tests.azure.servicebus.messages import one, said
from tests.certificates import make_certificate

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMESPACE = "harbour.servicebus.windows.net"


class Azure:
    """The broker as Azure is reached: TLS, SASL, a namespace's name."""

    def __init__(self, bus: ServiceBus, chain: Path) -> None:
        self.bus = bus
        self.chain = chain

    def handlers(self, credential: object) -> Handlers:
        client = ServiceBusClient(
            NAMESPACE,
            credential,  # type: ignore[arg-type]
            custom_endpoint_address=f"sb://127.0.0.1:{self.bus.tls_port}",
            connection_verify=str(self.chain),
            transport_type=TransportType.Amqp,
            retry_total=0,
        )
        return Handlers(client)


def signed(path: str, key: str = KEY, *, expires_in: float = 60) -> AzureSasCredential:
    audience = f"sb://{NAMESPACE}/{path}"
    expires = int(time.time() + expires_in)
    token = generate_sas_token(audience, POLICY, key, expires)  # type: ignore[no-untyped-call]
    return AzureSasCredential(token)


class Identity:
    """A credential as azure-identity's: it has tokens."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def get_token(self, *scopes: str, **_: object) -> AccessToken:
        return AccessToken(self._token, int(time.time()) + 3600)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def azure(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Azure]:
    folder = tmp_path_factory.mktemp("tls")
    certificate = make_certificate(folder, "127.0.0.1")
    tls = ("--certificate", str(certificate.chain), "--key", str(folder / "key.pem"))
    with ServiceBus(*tls) as bus:
        await bus.create("orders")
        yield Azure(bus, certificate.chain)


async def refused(handlers: Handlers, queue: str = "orders") -> bool:
    """Both ways, with 401."""
    both = handlers.sender(queue), handlers.receiver(queue)
    found = await asyncio.gather(*both, return_exceptions=True)
    # with a custom endpoint the SDK raises a ServiceBusConnectionError instead
    return all(
        isinstance(each, ServiceBusError) and "Status code: 401" in str(each.inner_exception)
        for each in found
    )


async def test_a_signed_token_opens_the_queue_over_tls(azure: Azure) -> None:
    async with azure.handlers(signed("orders")) as handlers:
        sender, receiver = await handlers.both("orders")
        await sender.send_messages(ServiceBusMessage("x" * 100_000))
        got = await one(receiver)
        assert said(got) == "x" * 100_000
        await receiver.complete_message(got)


async def test_over_tls_nobody_passes_by_sasl(azure: Azure) -> None:
    trust = ssl.create_default_context(cafile=str(azure.chain))
    reader, writer = await asyncio.open_connection("127.0.0.1", azure.bus.tls_port, ssl=trust)
    writer.write(HEADER)
    assert await reader.read() == SASL_HEADER
    writer.close()
    await writer.wait_closed()


async def test_a_token_that_is_not_good_opens_nothing(azure: Azure) -> None:
    bad = {
        "another key": signed("orders", key="guessed"),
        "another queue's": signed("invoices"),
        "expired": signed("orders", expires_in=-60),
        "nobody's": Identity("who?"),
    }
    everyone = [azure.handlers(credential) for credential in bad.values()]
    found = await asyncio.gather(*(refused(handlers) for handlers in everyone))
    await asyncio.gather(*(handlers.__aexit__() for handlers in everyone))
    assert dict(zip(bad, found, strict=True)) == dict.fromkeys(bad, True)


async def test_an_identity_that_is_trusted_may_what_it_is_trusted_with(azure: Azure) -> None:
    await azure.bus.trust("robot", "Send")
    async with azure.handlers(Identity("robot")) as handlers:
        await handlers.sender("orders")
        with pytest.raises(ServiceBusAuthorizationError):
            await handlers.receiver("orders")


async def test_a_policy_may_what_its_rights_say(service_bus: ServiceBus, name: str) -> None:
    await service_bus.create(name)
    await service_bus.allow("listener", "key-of-listener", "Listen")
    reading = service_bus.connection_string_of("listener", "key-of-listener")
    wrong = service_bus.connection_string_of(POLICY, "guessed")
    async with Handlers.of(reading) as listener, Handlers.of(wrong) as guesser:
        found = await asyncio.gather(
            listener.receiver(name), listener.sender(name), refused(guesser, name),
            return_exceptions=True,
        )  # fmt: skip
    assert not isinstance(found[0], BaseException)
    assert isinstance(found[1], ServiceBusAuthorizationError)
    assert found[2] is True


async def test_a_message_that_is_too_large_is_refused_and_takes_its_link_with_it(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    sender = await handlers.sender(name)
    with pytest.raises(MessageSizeExceededError):
        await sender.send_messages(ServiceBusMessage("x" * 256 * 1024))
    with pytest.raises(ServiceBusError):
        await sender.send_messages(ServiceBusMessage("small"))
    await sender.send_messages(ServiceBusMessage("small"))
    assert (await service_bus.counts(name))["active"] == 1


async def test_an_unknown_queue_is_refused(handlers: Handlers, name: str) -> None:
    with pytest.raises(MessagingEntityNotFoundError):
        await handlers.sender(name)
    with pytest.raises(MessagingEntityNotFoundError):
        await handlers.receiver(name)


async def test_nobody_sends_to_the_dead_letters(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name)
    with pytest.raises(ServiceBusError, match="not-allowed"):
        await handlers.sender(name + "/$DeadLetterQueue")


async def test_a_disabled_queue_is_refused(
    service_bus: ServiceBus, handlers: Handlers, name: str
) -> None:
    await service_bus.create(name, disabled=True)
    with pytest.raises(MessagingEntityDisabledError):
        await handlers.sender(name)
