"""The bus by its namespace: over TLS, with an identity whose tokens Service Bus judges."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.bus.azure.bus import AzureBus
from backend.bus.azure.namespace import Namespace
from backend.contracts.errors import LightningError, Unavailable
from backend.contracts.ports import Settlement
from backend.stores.azure.account import CosmosAccount
from backend.stores.azure.containers import LOG
from backend.stores.azure.cosmos import CosmosStore
from backend.stores.folder import FolderBlobs
from tests.azure import doubles
from tests.azure.buses import PROPERTIES, QUICK
from tests.azure.doubles import cosmos_account
from tests.azure.servicebus.double import ServiceBus
from tests.azure.servicebus.handlers import LEAKS
from tests.azure.web import TOKEN
from tests.certificates import make_certificate
from tests.conformance.adapters import work

pytestmark = [pytest.mark.filterwarnings(each) for each in LEAKS]

HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServiceBus, Path]]:
    folder = tmp_path_factory.mktemp("tls")
    chain = make_certificate(folder, HOST).chain
    with ServiceBus("--certificate", str(chain), "--key", str(folder / "key.pem")) as double:
        yield double, chain


class Azure:
    """A namespace as `SERVICEBUS_NAMESPACE` names one, and the machine's identity."""

    def __init__(
        self, double: ServiceBus, chain: Path, account: CosmosAccount, folder: Path
    ) -> None:
        self.double = double
        self.queue = f"q{secrets.token_hex(6)}"
        self._chain = chain
        self._account = account
        self._folder = folder
        for name, sessions in ((self.queue, True), (f"{self.queue}-work", False)):
            double.ask(
                "POST", "/queues", {"name": name, "requires_session": sessions, **PROPERTIES}
            )

    def trust(self, *rights: str) -> None:
        """In the identity's token; without rights it is good for nothing, as when it has expired."""
        self.double.ask("POST", "/tokens", {"token": TOKEN, "rights": rights})

    def bus(self, **options: Any) -> AzureBus:
        blobs = FolderBlobs(self._folder)
        trusted = {"connection_verify": str(self._chain), **options}
        namespace = Namespace(host=HOST, queue=self.queue, handler_options=QUICK, **trusted)
        store = CosmosStore(self._account, blobs)
        return AzureBus(namespace, self._account.items(LOG), store, blobs=blobs)

    async def refusal(self, **options: Any) -> LightningError:
        bus = self.bus(**options)
        with pytest.raises(LightningError) as caught:
            await bus.start()
        await bus.close()
        assert "SERVICEBUS_NAMESPACE" in caught.value.message
        assert TOKEN not in f"{caught.value} {caught.value.hint}"
        return caught.value


@pytest.fixture
async def azure(
    certified: tuple[ServiceBus, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Azure]:
    double, chain = certified
    monkeypatch.setenv("IDENTITY_ENDPOINT", doubles.cosmos().url + "/_double/identity")
    monkeypatch.setenv("IDENTITY_HEADER", "here")
    # the one port of Azure's, which the double cannot have
    monkeypatch.setattr(
        "azure.servicebus._pyamqp.aio._connection_async.SECURE_PORT", double.tls_port
    )
    async with cosmos_account() as account:
        yield Azure(double, chain, account, tmp_path)


async def test_with_a_namespace_and_an_identity_messages_come_and_go_over_tls(azure: Azure) -> None:
    azure.trust("Send", "Listen")
    bus = azure.bus()
    await bus.start()
    output = work()
    await bus.publish([output])
    (delivery,) = await bus.receive(1)
    (settled,) = await bus.settle([Settlement((delivery,))])
    await bus.close()
    assert (delivery.event.id, settled.outcome) == (output.event.id, "ok")
    assert (await azure.double.counts(f"{azure.queue}-work"))["locked"] == 0


async def test_a_token_that_is_refused_is_told_with_the_setting(azure: Azure) -> None:
    azure.trust()
    said = await azure.refusal()
    assert said.code == "EXEC_SETTING_INVALID"
    assert "does not accept" in said.message and "identity" in said.message


@pytest.mark.parametrize("right", ["Send", "Listen"])
async def test_an_identity_with_half_the_roles_is_told_with_the_setting(
    azure: Azure, right: str
) -> None:
    azure.trust(right)
    said = await azure.refusal()
    assert said.code == "EXEC_SETTING_INVALID"
    assert "may not both send to and receive from" in said.message


async def test_where_there_is_no_identity_that_is_told_with_the_setting(
    azure: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", doubles.cosmos().url + "/nobody")
    said = await azure.refusal()
    assert said.code == "EXEC_SETTING_INVALID" and "identity" in said.message


async def test_whoever_is_not_vouched_for_gets_no_token(azure: Azure, tmp_path: Path) -> None:
    azure.trust("Send", "Listen")
    stranger = make_certificate(tmp_path, HOST).chain
    said = await azure.refusal(connection_verify=str(stranger))
    assert isinstance(said, Unavailable)


async def test_a_token_that_is_refused_later_is_an_outage_that_says_why(
    azure: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.bus.azure.outbox.PATIENCE_S", ())
    azure.trust("Send", "Listen")
    bus = azure.bus()
    await bus.start()
    azure.trust()
    with pytest.raises(Unavailable) as caught:
        await bus.publish([work()])
    azure.trust("Send", "Listen")
    await bus.publish([work()])
    await bus.close()
    assert caught.value.code == "EXEC_SERVICEBUS_REFUSED"
    assert "identity" in caught.value.message and "SERVICEBUS_CONNECTION" in caught.value.hint
