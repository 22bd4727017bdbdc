"""Contents in Azure Blob Storage, by hash."""

from __future__ import annotations

import binascii
import hashlib
import re
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from backend.contracts.errors import LightningError, NotFound, Unavailable
from backend.stores.folder import owner_folder

try:
    from azure.core.exceptions import (
        AzureError,
        ClientAuthenticationError,
        HttpResponseError,
        ResourceExistsError,
        ResourceNotFoundError,
    )
    from azure.identity.aio import DefaultAzureCredential
    from azure.storage.blob.aio import BlobServiceClient, ContainerClient, LinearRetry
except ImportError as error:
    raise LightningError(
        f"Blob Storage needs a package that is not installed ({error.name}).",
        code="EXEC_EXTRA_MISSING",
        hint="pip install 'lightning[azure]'",
    ) from error

CONNECT_S = 5
READ_S = 30
RETRIES = 3
PIECE = 1024 * 1024  # larger ones would keep the event loop busy while they are sent
_SHA256 = re.compile(r"[0-9a-f]{64}")


class AzureBlobs:
    """`Blobs` in one container, as `<owner's hash>/<sha256>`. `connection` is a connection string;
    without one, `account_url` is used with the machine's or the person's own Azure identity.

    Errors: at start one `LightningError` that names the setting; later `Unavailable`.
    """

    def __init__(self, *, connection: str = "", account_url: str = "", container: str) -> None:
        self.setting = "STORAGE_CONNECTION" if connection else "STORAGE_ACCOUNT_URL"
        self._connection = connection
        self._url = account_url
        self._name = container
        self._identity: DefaultAzureCredential | None = None
        self._service: BlobServiceClient | None = None

    async def start(self) -> None:
        """Makes the container where it is missing."""
        try:
            self._service = self._open()
            with suppress(ResourceExistsError):
                await self._container.create_container()
        except (AzureError, ValueError, AttributeError, binascii.Error) as error:
            await self.close()
            raise self._explained(error) from None

    async def close(self) -> None:
        """Closing twice is harmless."""
        service, self._service = self._service, None
        identity, self._identity = self._identity, None
        if service is not None:
            await service.close()
        if identity is not None:
            await identity.close()

    async def put(self, owner: str, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        try:
            await self._container.upload_blob(_name(owner, sha256), content, overwrite=False)
        except ResourceExistsError:
            return sha256  # the same content: stored by somebody before, or just now by a lost try
        except AzureError as error:
            raise _unavailable(error) from error
        return sha256

    async def get(self, owner: str, sha256: str) -> bytes:
        if not _SHA256.fullmatch(sha256):
            raise NotFound("There is no such content.")
        try:
            stream = await self._container.download_blob(_name(owner, sha256))
            return await stream.readall()
        except ResourceNotFoundError as error:
            if getattr(error, "error_code", None) == "ContainerNotFound":
                raise _unavailable(error) from error
            raise NotFound("There is no such content.") from None
        except AzureError as error:
            raise _unavailable(error) from error

    @property
    def _container(self) -> ContainerClient:
        if self._service is None:
            raise Unavailable("Blob Storage is closed.")
        return self._service.get_container_client(self._name)

    def _open(self) -> BlobServiceClient:
        options: dict[str, Any] = {
            "retry_policy": LinearRetry(backoff=1, retry_total=RETRIES, random_jitter_range=1),
            "connection_timeout": CONNECT_S,
            "read_timeout": READ_S,
            "max_single_put_size": PIECE,
            "max_block_size": PIECE,
        }
        if self._connection:
            service = BlobServiceClient.from_connection_string(self._connection, **options)
            self._url = service.url
            return service
        if not urlsplit(self._url).hostname:
            raise ValueError("not an address")
        self._identity = DefaultAzureCredential()
        return BlobServiceClient(self._url, self._identity, **options)

    def _explained(self, error: Exception) -> LightningError:
        """One message for whoever set it up. The error's own words may hold the key; they are left."""
        status = error.status_code if isinstance(error, HttpResponseError) else None
        where = f"Blob Storage at {self._url}"
        if status in (401, 403):
            said = f"{self.setting}: {where} does not accept the key, or the identity has no right."
        elif isinstance(error, ClientAuthenticationError):
            said = f"{self.setting}: no Azure identity was found to sign in to {self._url} with."
        elif status is not None and status < 500:
            said = f"{where} does not take STORAGE_CONTAINER {self._name!r}."
        elif isinstance(error, AzureError):
            return Unavailable(f"{self.setting}: {where} does not answer.")
        else:
            said = f"{self.setting} is not the address or connection string of a storage account."
        return LightningError(said, code="EXEC_SETTING_INVALID")


def _name(owner: str, sha256: str) -> str:
    return f"{owner_folder(owner)}/{sha256}"


def _unavailable(error: AzureError) -> Unavailable:
    return Unavailable(
        f"Blob Storage does not answer: {type(error).__name__}.", code="EXEC_STORAGE_UNAVAILABLE"
    )
