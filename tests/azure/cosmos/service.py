"""The account over REST: signatures, routes, headers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from tests.azure.cosmos.container import MAX_ITEM, Container, Item, Refused
from tests.azure.web import TOKEN, Clock, Fault

EXACT = 2**53  # integers beyond are kept as the nearest double
DEFAULT_POLICY = {
    "indexingMode": "consistent",
    "automatic": True,
    "includedPaths": [{"path": "/*"}],
    "excludedPaths": [{"path": '/"_etag"/?'}],
}


class CosmosService:
    """One account in one region. Whatever its `consistency`, all that was written is seen. `identity` may
    not make containers."""

    def __init__(self, url: str, key: str, consistency: str) -> None:
        self.url = url
        self.consistency = consistency
        self.key = base64.b64decode(key)
        self.clock = Clock()
        self.databases: dict[str, dict[str, Container]] = {}
        self.charge = 0.0

    def state(self) -> Mapping[str, Any]:
        items = {
            f"{database}/{name}": len(container.items(None))
            for database, containers in self.databases.items()
            for name, container in containers.items()
        }
        return {"items": items, "request_units": round(self.charge, 2)}

    def refusal(self, fault: Fault) -> web.Response:
        return _error(Refused(fault.status, "A fault was asked for.", wait_ms=fault.retry_after_ms))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        parts = [unquote(part) for part in request.rel_url.raw_path.strip("/").split("/") if part]
        body = await request.read()
        try:
            identity = self._authorize(request, parts)
            if len(body) > MAX_ITEM + 100_000:
                raise Refused(413, "Request size is too large.")
            given = json.loads(body, parse_int=_double) if body else {}
            return self._route(request, parts, given, identity)
        except Refused as refused:
            return _error(refused)

    def _authorize(self, request: web.Request, parts: list[str]) -> bool:
        """Whether it is an identity rather than the key that asks."""
        given = unquote(request.headers.get("authorization", ""))
        if given.startswith("type=aad"):
            if given != f"type=aad&ver=1.0&sig={TOKEN}":
                raise Refused(401, "The token is not accepted.")
            return True
        if len(parts) % 2:
            kind, link = parts[-1], "/".join(parts[:-1])
        else:
            kind, link = parts[-2] if parts else "", "/".join(parts)
        date = request.headers.get("x-ms-date", "").lower()
        text = f"{request.method.lower()}\n{kind.lower()}\n{link}\n{date}\n\n"
        digest = hmac.new(self.key, text.encode(), hashlib.sha256).digest()
        wanted = f"type=master&ver=1.0&sig={base64.b64encode(digest).decode()}"
        if not date or not hmac.compare_digest(given.encode(), wanted.encode()):
            raise Refused(401, "The input authorization token can't serve the request.")
        return False

    def _route(
        self, request: web.Request, parts: list[str], given: Any, identity: bool
    ) -> web.Response:
        managing = request.method != "GET" and (len(parts) < 4 or parts[2:] == parts[2:4])
        if identity and managing:
            raise Refused(403, "This identity has no right to change databases and containers.")
        match request.method, parts:
            case "GET", []:
                return self._reply(self._account())
            case "POST", ["dbs"]:
                if given["id"] in self.databases:
                    raise Refused(409, "The database exists already.")
                self.databases[given["id"]] = {}
                return self._reply(_resource(given), 201)
            case "GET", ["dbs", name]:
                self._containers(name)
                return self._reply(_resource({"id": name}))
            case "DELETE", ["dbs", name]:
                self._containers(name)
                del self.databases[name]
                return self._reply({}, 204)
            case "POST", ["dbs", name, "colls"]:
                return self._make(self._containers(name), given)
            case "GET", ["dbs", name, "colls", container]:
                return self._reply(self._container(name, container).properties)
            case "PUT", ["dbs", name, "colls", container]:
                there = self._container(name, container)
                there.properties = {**there.properties, **_container(given)}
                return self._reply(there.properties)
            case "GET", ["dbs", name, "colls", container, "pkranges"]:
                return self._ranges(request, self._container(name, container))
            case method, ["dbs", name, "colls", container, "docs", *rest]:
                found = self._container(name, container)
                path = f"dbs/{name}/colls/{container}"
                return self._documents(request, method, found, rest, given, path)
        raise Refused(400, f"{request.method} {request.path} is not known here.")

    def _documents(
        self,
        request: web.Request,
        method: str,
        container: Container,
        rest: list[str],
        given: Any,
        path: str,
    ) -> web.Response:
        headers = request.headers
        key = headers.get("x-ms-documentdb-partitionkey")
        key = None if key is None else json.dumps(json.loads(key))
        match = headers.get("If-Match", "")
        status, answer, more = 200, {}, ""
        if method == "GET" and not rest:
            return self._changes(request, container)
        if method == "POST" and headers.get("x-ms-documentdb-isquery", "").lower() == "true":
            if key is None and not _true(headers, "x-ms-documentdb-query-enablecrosspartition"):
                raise Refused(400, "Cross partition query is required but disabled.")
            token, limit = headers.get("x-ms-continuation", ""), headers.get("x-ms-max-item-count")
            scan = _true(headers, "x-ms-documentdb-query-enable-scan")
            found, more = container.query(given, key, token, int(limit or -1), scan=scan)
            answer, method = {"_rid": "c", "Documents": found, "_count": len(found)}, "GET"
        elif method == "POST" and _true(headers, "x-ms-cosmos-is-batch-request"):
            status, answer = container.batch(_needed(key), given)
        elif method == "POST":
            upsert = _true(headers, "x-ms-documentdb-is-upsert")
            answer, new = container.create(_needed(key), given, upsert=upsert)
            status = 201 if new else 200
        elif method == "GET":
            answer = container.read(_needed(key), rest[0])
            if headers.get("If-None-Match") == answer["_etag"]:
                return self._reply(None, 304)
        elif method == "PUT":
            answer = container.replace(_needed(key), rest[0], given, match)
        elif method == "PATCH":
            answer = container.patch(_needed(key), rest[0], given, match)
        else:
            container.delete(_needed(key), rest[0], match)
            return self._reply(None, 204, path=path, session=container.lsn, charge=6.0)
        reply = self._reply(answer, status, path=path, session=container.lsn, method=method)
        if more:
            reply.headers["x-ms-continuation"] = more
        return reply

    def _changes(self, request: web.Request, container: Container) -> web.Response:
        if "A-IM" not in request.headers or "x-ms-start-epk" in request.headers:
            raise Refused(400, "Only the change feed of a whole container is known here.")
        asked = request.headers.get("If-None-Match", '"0"').strip('"')
        after = container.lsn if asked == "*" else int(asked)
        found = container.changes(after, int(request.headers.get("x-ms-max-item-count", -1)))
        last = found[-1]["_lsn"] if found else after
        answer = {"_rid": "c", "Documents": found, "_count": len(found)}
        reply = self._reply(answer if found else None, 200 if found else 304)
        reply.headers["etag"] = f'"{last}"'
        return reply

    def _ranges(self, request: web.Request, container: Container) -> web.Response:
        # Without a 304 the SDK asks for ever.
        if request.headers.get("If-None-Match") == '"1"':
            reply = self._reply(None, 304)
        else:
            whole = {"id": "0", "minInclusive": "", "maxExclusive": "FF", "parents": []}
            rid = container.properties["_rid"]
            reply = self._reply({"_rid": rid, "PartitionKeyRanges": [whole], "_count": 1})
        reply.headers["etag"] = '"1"'
        return reply

    def _make(self, containers: dict[str, Container], given: Item) -> web.Response:
        if given["id"] in containers:
            raise Refused(409, "The container exists already.")
        made = Container(_resource(_container(given)), self.clock)
        containers[given["id"]] = made
        return self._reply(made.properties, 201)

    def _containers(self, name: str) -> dict[str, Container]:
        if name not in self.databases:
            raise Refused(404, "Owner resource does not exist", 1003)
        return self.databases[name]

    def _container(self, name: str, container: str) -> Container:
        found = self._containers(name).get(container)
        if found is None:
            raise Refused(404, "Owner resource does not exist", 1003)
        return found

    def _account(self) -> Item:
        place = [{"name": "Here", "databaseAccountEndpoint": self.url + "/"}]
        return _resource({"id": "double"}) | {
            "writableLocations": place,
            "readableLocations": place,
            "enableMultipleWriteLocations": False,
            "userConsistencyPolicy": {"defaultConsistencyLevel": self.consistency},
            "queryEngineConfiguration": "{}",
        }

    def _reply(
        self,
        body: Any,
        status: int = 200,
        *,
        path: str = "",
        session: int = 0,
        method: str = "GET",
        charge: float = 0.0,
    ) -> web.Response:
        text = "" if body is None else json.dumps(body, ensure_ascii=False)
        # Roughly what Azure asks: 1 for a kB read, 5 and a half for one written. Not to be relied on.
        charge = charge or max(1.0, len(text) / 1024) * (1.0 if method == "GET" else 5.5)
        self.charge += charge
        headers = {"x-ms-request-charge": f"{charge:.2f}", "x-ms-activity-id": str(uuid.uuid4())}
        if path:
            headers |= {"x-ms-alt-content-path": path, "x-ms-session-token": f"0:-1#{session}"}
        if isinstance(body, dict) and "_etag" in body:
            headers["etag"] = body["_etag"]
        return web.Response(
            text=text, status=status, headers=headers, content_type="application/json"
        )


def _container(given: Item) -> Item:
    policy = given.get("indexingPolicy") or DEFAULT_POLICY
    paths = [*policy.get("includedPaths", ()), *policy.get("excludedPaths", ())]
    if "/*" not in [path["path"] for path in paths]:
        raise Refused(400, "The root path /* has to be included or excluded.")
    if not re.fullmatch(r"[^/\\?#]{1,255}", given["id"]):
        raise Refused(400, "The id of the container has illegal characters.")
    return {**given, "indexingPolicy": policy}


def _resource(given: Item) -> Item:
    rid = base64.b64encode(uuid.uuid4().bytes[:8]).decode()
    return {**given, "_rid": rid, "_self": f"{rid}/", "_etag": f'"{uuid.uuid4()}"', "_ts": 0}


def _needed(key: str | None) -> str:
    if key is None:
        raise Refused(400, "PartitionKey value must be supplied for this operation.")
    return key


def _true(headers: Mapping[str, str], name: str) -> bool:
    return headers.get(name, "").lower() == "true"


def _double(digits: str) -> int | float:
    return int(digits) if abs(int(digits)) <= EXACT else float(digits)


def _error(refused: Refused) -> web.Response:
    headers = {"x-ms-request-charge": "1.0", "x-ms-activity-id": str(uuid.uuid4())}
    if refused.reason:
        headers["x-ms-substatus"] = str(refused.reason)
    if refused.status == 429:
        headers |= {"x-ms-substatus": "3200", "x-ms-retry-after-ms": str(refused.wait_ms)}
    body = {"code": str(refused.status), "message": str(refused)}
    return web.json_response(body, status=refused.status, headers=headers)
