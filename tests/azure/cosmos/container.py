"""A container: its items by partition, and what may not be done to them."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.azure.cosmos import patches
from tests.azure.cosmos.indexing import complaint
from tests.azure.cosmos.sql import UNDEFINED, Malformed, look_up, parse, rank

MAX_ITEM = 2 * 1024 * 1024
MAX_PARTITION_KEY = 2048
SHORT_PARTITION_KEY = 101  # of containers whose key has no version 2
MAX_ID = 1023
MAX_BATCH = 100
MAX_PAGE = 4 * 1024 * 1024
DEFAULT_PAGE = 100
FORBIDDEN = set("/\\?#")

Item = dict[str, Any]


class Refused(Exception):
    def __init__(self, status: int, message: str, reason: int = 0, wait_ms: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.wait_ms = wait_ms


def size(item: Any) -> int:
    return len(json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode())


class Container:
    """Items are never changed in place, so that a batch can be undone. A partition key is a JSON text."""

    def __init__(self, properties: Item, clock: Callable[[], float]) -> None:
        self.properties = properties
        self.clock = clock
        self.partitions: dict[str, dict[str, Item]] = {}
        self.lsn = 0
        self.path = tuple(properties["partitionKey"]["paths"][0].strip("/").split("/"))

    # --- reading ----------------------------------------------------------------------------------

    def read(self, key: str, id: str) -> Item:
        item = self._partition(key).get(id)
        if item is None:
            raise Refused(404, "Entity with the specified id does not exist in the system.")
        return item

    def items(self, key: str | None) -> list[Item]:
        keys = list(self.partitions) if key is None else [key]
        return [item for one in keys for item in self._partition(one).values()]

    def query(
        self, body: Mapping[str, Any], key: str | None, token: str, limit: int, *, scan: bool
    ) -> tuple[list[Any], str]:
        """A page, and the token of the next one."""
        parameters = {p["name"]: p["value"] for p in body.get("parameters") or ()}
        try:
            query = parse(body["query"], parameters)
        except Malformed as error:
            raise Refused(400, f"Syntax error: {error}") from None
        if refusal := complaint(self.properties["indexingPolicy"], query, scan=scan):
            raise Refused(400, refusal)
        found = [item for item in self.items(key) if query.where(item) is True]
        found.sort(key=lambda item: item["_lsn"])
        for path, descending in reversed(query.order):
            found.sort(key=lambda item: rank(look_up(item, path)), reverse=descending)
        if query.count:
            return [len(found)], ""
        found = found[query.offset :][: query.top]
        after = _opened(token, body["query"])
        if after is not None:
            places = [item["_rid"] for item in found]
            found = found[places.index(after) + 1 :] if after in places else []
        page: list[Item] = []
        room = MAX_PAGE
        for item in found[: limit if limit > 0 else DEFAULT_PAGE]:
            room -= size(item)
            if page and room < 0:
                break
            page.append(item)
        more = _sealed(page[-1]["_rid"], body["query"]) if len(page) < len(found) else ""
        values = [query.select(item) for item in page]
        return [value for value in values if value is not UNDEFINED], more

    def changes(self, after: int, limit: int) -> list[Item]:
        found = [item for item in self.items(None) if item["_lsn"] > after]
        return sorted(found, key=lambda item: int(item["_lsn"]))[: limit if limit > 0 else None]

    # --- writing ----------------------------------------------------------------------------------

    def create(self, key: str | None, item: Item, *, upsert: bool = False) -> tuple[Item, bool]:
        """What is stored then, and whether it is new."""
        key = self._checked(key, item)
        there = self._partition(key).get(item["id"])
        if there is not None and not upsert:
            raise Refused(409, "Entity with the specified id already exists in the system.")
        return self._store(key, item), there is None

    def replace(self, key: str | None, id: str, item: Item, match: str) -> Item:
        key = self._checked(key, item)
        if item["id"] != id:
            raise Refused(400, "The id of an item cannot be replaced.")
        self._match(self.read(key, id), match)
        return self._store(key, item)

    def patch(self, key: str, id: str, body: Mapping[str, Any], match: str) -> Item:
        there = self.read(key, id)
        self._match(there, match)
        condition = body.get("condition")
        try:
            if condition and parse(f"SELECT * {condition}", {}).where(there) is not True:
                raise Refused(412, "The condition of the patch is not met.")
            changed = patches.apply(there, body["operations"])
        except (Malformed, patches.Impossible) as error:
            raise Refused(400, str(error)) from None
        self._checked(key, changed)
        return self._store(key, changed)

    def delete(self, key: str, id: str, match: str) -> None:
        self._match(self.read(key, id), match)
        self.lsn += 1
        del self.partitions[key][id]

    def batch(self, key: str, operations: Sequence[Mapping[str, Any]]) -> tuple[int, list[Item]]:
        """All of it or nothing: 200 with the results, or 207 with the one that failed."""
        if not 0 < len(operations) <= MAX_BATCH:
            raise Refused(400, f"Batch request has more operations than {MAX_BATCH}, or none.")
        before = dict(self._partition(key))
        results: list[Item] = []
        for at, operation in enumerate(operations):
            try:
                results.append(self._operate(key, operation))
            except Refused as refused:
                self.partitions[key] = before
                results = [_result(424)] * len(operations)
                results[at] = _result(refused.status, {"message": str(refused)})
                return 207, results
        return 200, results

    def _operate(self, key: str, operation: Mapping[str, Any]) -> Item:
        kind, match = operation["operationType"], operation.get("ifMatch", "")
        body, id = operation.get("resourceBody", {}), operation.get("id", "")
        if kind in ("Create", "Upsert"):
            item, new = self.create(key, body, upsert=kind == "Upsert")
            return _result(201 if new else 200, item)
        if kind == "Replace":
            return _result(200, self.replace(key, id, body, match))
        if kind == "Patch":
            return _result(200, self.patch(key, id, body, match))
        if kind == "Read":
            return _result(200, self.read(key, id))
        self.delete(key, id, match)
        return _result(204)

    def _store(self, key: str, item: Item) -> Item:
        self.lsn += 1
        there = self.partitions.setdefault(key, {}).get(item["id"])
        stored = {name: value for name, value in item.items() if not name.startswith("_")}
        rid = there["_rid"] if there else base64.b64encode(self.lsn.to_bytes(12, "big")).decode()
        etag = f'"{uuid.uuid4()}"'
        stored |= {"_rid": rid, "_self": f"dbs/d/colls/c/docs/{rid}/", "_etag": etag}
        stored |= {"_attachments": "attachments/", "_ts": int(self.clock()), "_lsn": self.lsn}
        self.partitions[key][item["id"]] = stored
        return stored

    def _partition(self, key: str) -> dict[str, Item]:
        """What is alive in a partition."""
        items = self.partitions.get(key)
        if not items:
            return {}
        default = self.properties.get("defaultTtl")
        if default is not None:
            now = self.clock()
            for id, item in list(items.items()):
                ttl = item.get("ttl", default)
                if ttl >= 0 and item["_ts"] + ttl <= now:
                    del items[id]
        return items

    def _checked(self, key: str | None, item: Item) -> str:
        """The key of the item's partition."""
        id = item.get("id")
        if not isinstance(id, str) or not id or FORBIDDEN & set(id) or id.endswith(" "):
            raise Refused(400, "The id is missing or has illegal characters.")
        if len(id.encode()) > MAX_ID:
            raise Refused(400, "The id is too long.")
        value = look_up(item, self.path)
        own = json.dumps([{} if value is UNDEFINED else value])
        if key is not None and key != own:
            raise Refused(
                400, "PartitionKey extracted from document doesn't match the header.", 1001
            )
        version = self.properties["partitionKey"].get("version", 1)
        if len(own.encode()) - 4 > (MAX_PARTITION_KEY if version == 2 else SHORT_PARTITION_KEY):
            raise Refused(400, "The partition key is too long.")
        if size(item) > MAX_ITEM:
            raise Refused(413, "Request size is too large.")
        if "ttl" in item and (not isinstance(item["ttl"], int) or item["ttl"] in (0, True)):
            raise Refused(400, "The ttl has to be a positive number of seconds, or -1.")
        return own

    def _match(self, there: Item, etag: str) -> None:
        if etag and etag not in (there["_etag"], "*"):
            raise Refused(412, "One of the specified pre-condition is not met.")


def _result(status: int, body: Item | None = None) -> Item:
    result: Item = {"statusCode": status, "requestCharge": 6.0}
    if body is not None:
        result |= {"resourceBody": body, "eTag": body.get("_etag", "")}
    return result


def _sealed(rid: str, query: str) -> str:
    return base64.b64encode(json.dumps([rid, query]).encode()).decode()


def _opened(token: str, query: str) -> str | None:
    if not token:
        return None
    try:
        rid, asked = json.loads(base64.b64decode(token))
    except ValueError:
        asked = None
    if asked != query:
        raise Refused(400, "Invalid continuation token.")
    return str(rid)
