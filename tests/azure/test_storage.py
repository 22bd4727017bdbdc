"""Blob Storage: the double against the SDK, and contents through what can go wrong."""

from __future__ import annotations

import os
import secrets
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from backend.contracts.errors import LightningError, NotFound, Unavailable
from backend.stores.azure.blobs import PIECE, AzureBlobs
from tests.azure import doubles
from tests.azure.doubles import Double, azure_blobs
from tests.certificates import make_certificate


@pytest.fixture
async def container() -> AsyncIterator[ContainerClient]:
    async with BlobServiceClient.from_connection_string(
        doubles.storage_connection(), retry_total=0
    ) as service:
        yield await service.create_container(secrets.token_hex(8))


async def said_by(**given: Any) -> LightningError:
    blobs = AzureBlobs(**({"container": secrets.token_hex(8)} | given))
    with pytest.raises(LightningError) as caught:
        await blobs.start()
    return caught.value


# --- the double -----------------------------------------------------------------------------------


async def test_a_blob_is_put_read_listed_and_deleted(container: ContainerClient) -> None:
    await container.upload_blob("a/1", b"one")
    await container.upload_blob("a/2", b"")
    with pytest.raises(ResourceExistsError):
        await container.upload_blob("a/1", b"other")
    await container.upload_blob("b", b"x", overwrite=True)
    assert [blob.name async for blob in container.list_blobs("a/")] == ["a/1", "a/2"]
    blob = container.get_blob_client("a/1")
    assert (await blob.get_blob_properties()).size == 3
    assert await (await blob.download_blob(1, 1)).readall() == b"n"
    assert await (await container.download_blob("a/2")).readall() == b""
    await container.delete_blob("a/1")
    assert not await blob.exists()
    with pytest.raises(ResourceNotFoundError):
        await container.delete_blob("a/1")


async def test_a_container_is_made_once_and_needs_a_lawful_name(
    container: ContainerClient,
) -> None:
    assert await container.exists()
    with pytest.raises(ResourceExistsError):
        await container.create_container()
    service = container._get_blob_service_client()  # type: ignore[attr-defined]
    for name in ("A", "x", "two--dashes"):
        with pytest.raises(HttpResponseError) as caught:
            await service.create_container(name)
        assert caught.value.status_code == 400
    await container.delete_container()
    with pytest.raises(ResourceNotFoundError):
        await container.upload_blob("a", b"x")


async def test_blocks_that_were_not_sent_are_refused(container: ContainerClient) -> None:
    blob = container.get_blob_client("a")
    await blob.stage_block("MQ==", b"x")
    with pytest.raises(HttpResponseError):
        await blob.commit_block_list(["MQ==", "Mg=="])


# --- at start -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "connection",
    [
        "nonsense",
        "BlobEndpoint={url}/double;AccountName=double;AccountKey=not*base64",
        "BlobEndpoint={url}/double;AccountName=double;AccountKey=d3Jvbmcga2V5",
    ],
)
async def test_a_wrong_connection_string_is_named_and_never_shown(connection: str) -> None:
    given = connection.format(url=doubles.storage().url)
    said = await said_by(connection=given)
    assert "STORAGE_CONNECTION" in said.message
    assert "d3Jvbmcga2V5" not in f"{said.message}{said.__cause__}"
    assert "not*base64" not in f"{said.message}{said.__cause__}"


async def test_a_container_that_cannot_be_is_named() -> None:
    said = await said_by(connection=doubles.storage_connection(), container="No_Such")
    assert "STORAGE_CONTAINER" in said.message


async def test_an_account_that_does_not_answer_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("backend.stores.azure.blobs.RETRIES", 0)
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    connection = f"BlobEndpoint=http://127.0.0.1:{port}/a;AccountName=a;AccountKey=a2V5"
    said = await said_by(connection=connection)
    assert isinstance(said, Unavailable)
    assert "STORAGE_CONNECTION" in said.message


async def test_an_identity_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = make_certificate(tmp_path, "127.0.0.1")
    trusting = ssl.create_default_context(cafile=str(certificate.chain))
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusting)
    monkeypatch.setenv("IDENTITY_ENDPOINT", doubles.storage().url + "/_double/identity")
    monkeypatch.setenv("IDENTITY_HEADER", "here")
    with Double("tests.azure.storage", "--tls", str(tmp_path)) as double:
        blobs = AzureBlobs(account_url=f"{double.url}/double", container="lightning")
        await blobs.start()
        assert await blobs.get("ann", await blobs.put("ann", b"x")) == b"x"
        await blobs.close()
    assert "STORAGE_ACCOUNT_URL" in (await said_by(account_url="nonsense")).message


# --- at run time ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [PIECE, PIECE + 1, 5 * PIECE + 7])
async def test_a_content_of_any_size_comes_back(size: int) -> None:
    content = os.urandom(size)
    async with azure_blobs() as blobs:
        assert await blobs.get("ann", await blobs.put("ann", content)) == content


async def test_a_content_whose_reply_was_lost_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.Random.uniform", lambda *_: 0.0)
    async with azure_blobs() as blobs:
        for kind in ("lose", "drop"):
            fault = {"kind": kind, "next": 1, "method": "PUT"}
            with doubles.storage().faults(fault):
                sha256 = await blobs.put("ann", kind.encode())
            with doubles.storage().faults({**fault, "method": "GET"}):
                assert await blobs.get("ann", sha256) == kind.encode()


async def test_a_busy_service_is_waited_for_and_then_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("random.Random.uniform", lambda *_: 0.0)
    async with azure_blobs() as blobs:
        with doubles.storage().faults({"kind": "status", "status": 503, "next": 2}):
            sha256 = await blobs.put("ann", b"x")
        with doubles.storage().faults({"kind": "status", "status": 503, "every": 1}):
            with pytest.raises(Unavailable):
                await blobs.put("ann", b"y")
            with pytest.raises(Unavailable):
                await blobs.get("ann", sha256)


async def test_a_container_that_went_is_not_a_missing_content() -> None:
    name = secrets.token_hex(8)
    async with azure_blobs(name) as blobs:
        sha256 = await blobs.put("ann", b"x")
        with pytest.raises(NotFound):
            await blobs.get("bob", sha256)
        connection = doubles.storage_connection()
        async with BlobServiceClient.from_connection_string(connection) as service:
            await service.delete_container(name)
        with pytest.raises(Unavailable):
            await blobs.get("ann", sha256)
