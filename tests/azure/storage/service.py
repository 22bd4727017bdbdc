"""Signatures, routes and refusals of Blob Storage, for block blobs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import uuid
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from aiohttp import web

from tests.azure.web import TOKEN, Clock, Fault

ACCOUNT = "double"
SIGNED = (
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
)
CONTAINER = re.compile(r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


class Refused(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class StorageService:
    """One account, addressed by path as the emulators are."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = base64.b64decode(key)
        self.clock = Clock()
        self.containers: dict[str, dict[str, bytes]] = {}
        self.etags: dict[tuple[str, str], str] = {}
        self.blocks: dict[tuple[str, str], dict[str, bytes]] = {}

    def state(self) -> Mapping[str, Any]:
        return {"blobs": {name: len(blobs) for name, blobs in self.containers.items()}}

    def refusal(self, fault: Fault) -> web.Response:
        return _error(Refused(fault.status, "ServerBusy"))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        try:
            self._authorize(request)
            content = await request.read()
            account, _, path = unquote(request.rel_url.raw_path).strip("/").partition("/")
            container, _, name = path.partition("/")
            if account != ACCOUNT or not container:
                raise Refused(400, "InvalidUri")
            if name:
                return self._blob(request, container, name, content)
            return self._container(request, container)
        except Refused as refused:
            return _error(refused)

    def _authorize(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "")
        if given == f"Bearer {TOKEN}" and request.secure:
            return
        headers = {name.lower(): value for name, value in request.headers.items()}
        if headers.get("content-length") == "0":
            del headers["content-length"]
        own = sorted((k, v) for k, v in headers.items() if k.startswith("x-ms-"))
        lines = [request.method, *(headers.get(name, "") for name in SIGNED)]
        lines += [f"{name}:{value}" for name, value in own]
        lines.append(f"/{ACCOUNT}{request.rel_url.raw_path}")
        lines += [f"{k.lower()}:{v}" for k, v in sorted(request.rel_url.query.items())]
        digest = hmac.new(self.key, "\n".join(lines).encode(), hashlib.sha256).digest()
        wanted = f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            raise Refused(403, "AuthenticationFailed")

    def _container(self, request: web.Request, name: str) -> web.Response:
        if request.query.get("restype") != "container":
            raise Refused(400, "InvalidQueryParameterValue")
        if request.method == "PUT":
            if not CONTAINER.fullmatch(name):
                raise Refused(400, "InvalidResourceName")
            if name in self.containers:
                raise Refused(409, "ContainerAlreadyExists")
            self.containers[name] = {}
            return _reply(201)
        blobs = self._blobs(name)
        if request.query.get("comp") == "list":
            return self._listed(name, blobs, request.query.get("prefix", ""))
        if request.method == "DELETE":
            del self.containers[name]
            return _reply(202)
        return _reply(200)

    def _blob(
        self, request: web.Request, container: str, name: str, content: bytes
    ) -> web.Response:
        blobs, there = self._blobs(container), (container, name)
        if request.method == "PUT":
            if request.query.get("comp") == "block":
                self.blocks.setdefault(there, {})[request.query["blockid"]] = content
                return _reply(201)
            self._check_put(request, name, name in blobs)
            if request.query.get("comp") == "blocklist":
                content = self._joined(there, content.decode())
            blobs[name] = content
            self.etags[there] = f'"{uuid.uuid4()}"'
            return _reply(201, ETag=self.etags[there])
        if name not in blobs:
            raise Refused(404, "BlobNotFound")
        if request.method == "DELETE":
            del blobs[name]
            return _reply(202)
        return _content(request, blobs[name], self.etags[there])

    def _joined(self, there: tuple[str, str], listed: str) -> bytes:
        blocks = self.blocks.pop(there, {})
        wanted = re.findall(r"<(?:Latest|Uncommitted)>([^<]+)<", listed)
        if not set(wanted) <= set(blocks):
            raise Refused(400, "InvalidBlockList")
        return b"".join(blocks[block] for block in wanted)

    def _check_put(self, request: web.Request, name: str, there: bool) -> None:
        if not request.query and request.headers.get("x-ms-blob-type") != "BlockBlob":
            raise Refused(400, "InvalidHeaderValue")
        if len(name) > 1024 or name.endswith((".", "/")):
            raise Refused(400, "InvalidResourceName")
        if there and request.headers.get("If-None-Match") == "*":
            raise Refused(409, "BlobAlreadyExists")

    def _blobs(self, name: str) -> dict[str, bytes]:
        if name not in self.containers:
            raise Refused(404, "ContainerNotFound")
        return self.containers[name]

    def _listed(self, name: str, blobs: Mapping[str, bytes], prefix: str) -> web.Response:
        rows = "".join(
            f"<Blob><Name>{escape(blob)}</Name><Properties>"
            f"<Content-Length>{len(content)}</Content-Length><Etag>{self.etags[name, blob]}</Etag>"
            "<BlobType>BlockBlob</BlobType></Properties></Blob>"
            for blob, content in sorted(blobs.items())
            if blob.startswith(prefix)
        )
        listed = (
            f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="{name}">'
            f"<Blobs>{rows}</Blobs><NextMarker/></EnumerationResults>"
        )
        return _reply(200, listed.encode(), content_type="application/xml")


def _content(request: web.Request, content: bytes, etag: str) -> web.Response:
    headers = {"ETag": etag, "x-ms-blob-type": "BlockBlob", "Accept-Ranges": "bytes"}
    if request.method == "HEAD":
        return _reply(200, headers=headers | {"Content-Length": str(len(content))})
    asked = request.headers.get("x-ms-range") or request.headers.get("Range")
    if asked is None:
        return _reply(200, content, headers)
    first, _, last = asked.removeprefix("bytes=").partition("-")
    start, end = int(first), min(int(last or len(content)), len(content) - 1)
    if start >= len(content):
        raise Refused(416, "InvalidRange")
    headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
    return _reply(206, content[start : end + 1], headers)


def _reply(
    status: int,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    content_type: str = "application/octet-stream",
    **more: str,
) -> web.Response:
    known = {
        "x-ms-request-id": str(uuid.uuid4()),
        "x-ms-version": "2024-11-04",
        "Last-Modified": formatdate(usegmt=True),
        **(headers or {}),
        **more,
    }
    return web.Response(status=status, body=body, headers=known, content_type=content_type)


def _error(refused: Refused) -> web.Response:
    text = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{refused.code}</Code>'
    text += f"<Message>{refused.code}</Message></Error>"
    headers = {"x-ms-error-code": refused.code}
    return _reply(refused.status, text.encode(), headers, content_type="application/xml")
