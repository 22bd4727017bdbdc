"""LangGraph's checkpoints as documents: one database with everything else, each owner's apart."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
    get_checkpoint_metadata,
    writes_sort_key,
)

from backend.contracts.errors import Conflict
from backend.contracts.events import derived_id
from backend.contracts.ports import Document, Store

CHECKPOINT = "checkpoint"
WRITE = "checkpoint.write"
PAGE = 200


class StoreSaver(BaseCheckpointSaver[int]):
    """A checkpointer over `Store` for one owner. A thread of another owner's is simply not there.

    A checkpoint is a document of kind "checkpoint" (parent: thread, status: namespace, sort: its id),
    a task's pending writes one of kind "checkpoint.write" (parent: thread, status: its checkpoint's id).
    """

    def __init__(self, store: Store, owner: str) -> None:
        super().__init__()
        self._store = store
        self._owner = owner

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        thread, namespace = _place(config)
        checkpoint_id = get_checkpoint_id(config)
        if checkpoint_id:
            id = self._id(thread, namespace, checkpoint_id)
            found = await self._store.get(CHECKPOINT, id, self._owner)
        else:
            page = await self._store.list(
                CHECKPOINT, owner=self._owner, parent=thread, status=_status(namespace), limit=1
            )
            found = page.items[0] if page.items else None
        return await self._tuple(found) if found is not None else None

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        thread = config["configurable"]["thread_id"] if config else None
        namespace = config["configurable"].get("checkpoint_ns") if config else None
        wanted = get_checkpoint_id(config) if config else None
        end = get_checkpoint_id(before) if before else None
        given = 0
        async for document in self._all(CHECKPOINT, thread, namespace):
            if limit is not None and given >= limit:
                return
            if (wanted and document.sort != wanted) or (end and document.sort >= end):
                continue
            found = await self._tuple(document)
            metadata: Mapping[str, Any] = dict(found.metadata)
            if any(metadata.get(key) != value for key, value in (filter or {}).items()):
                continue
            given += 1
            yield found

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        thread, namespace = _place(config)
        kept = checkpoint["channel_versions"]
        values = {k: v for k, v in checkpoint["channel_values"].items() if k in kept}
        body = {
            "namespace": namespace,
            "parent": get_checkpoint_id(config),
            "checkpoint": self._dump({**checkpoint, "channel_values": values}),
            "metadata": self._dump(get_checkpoint_metadata(config, metadata)),
        }
        await self._put(thread, namespace, checkpoint["id"], body)
        return _config(thread, namespace, checkpoint["id"])

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        thread, namespace = _place(config)
        checkpoint_id = config["configurable"]["checkpoint_id"]
        ordinary: list[dict[str, Any]] = []
        for position, (channel, value) in enumerate(writes):
            index = WRITES_IDX_MAP.get(channel, position)
            write = {"index": index, "channel": channel, "value": self._dump(value)}
            if index >= 0:
                ordinary.append(write)
                continue
            body = {"namespace": namespace, "task": task_id, "path": task_path, "writes": [write]}
            await self._put_writes(thread, namespace, checkpoint_id, body, create=False)
        if ordinary:
            # All or none: half of what a task wrote would be taken for all of it after a crash.
            body = {"namespace": namespace, "task": task_id, "path": task_path, "writes": ordinary}
            with suppress(Conflict):  # they are made once; a repetition changes nothing
                await self._put_writes(thread, namespace, checkpoint_id, body, create=True)

    async def adelete_thread(self, thread_id: str) -> None:
        for kind in (WRITE, CHECKPOINT):
            async for document in self._all(kind, thread_id, None):
                await self._store.delete(kind, document.id, self._owner)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        runs = set(run_ids)
        async for document in self._all(CHECKPOINT, None, None):
            metadata = self._load((document.body or {})["metadata"])
            if metadata.get("run_id") in runs:
                await self._forget(document)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        async for document in self._all(CHECKPOINT, source_thread_id, None):
            body = document.body or {}
            await self._put(target_thread_id, body["namespace"], document.sort, body)
        async for write in self._all(WRITE, source_thread_id, None):
            body = write.body or {}
            await self._put_writes(
                target_thread_id, body["namespace"], write.status or "", body, create=False
            )

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Our graph has no delta channels, so a checkpoint needs none of its ancestors."""
        for thread in thread_ids:
            if strategy == "delete":
                await self.adelete_thread(thread)
                continue
            seen: set[str] = set()
            async for document in self._all(CHECKPOINT, thread, None):
                namespace = (document.body or {})["namespace"]
                if namespace in seen:
                    await self._forget(document)
                seen.add(namespace)

    # --- documents --------------------------------------------------------------------------------

    def _id(self, *parts: str | int) -> str:
        return derived_id(self._owner, *parts)

    async def _put(
        self, thread: str, namespace: str, checkpoint_id: str, body: Mapping[str, Any]
    ) -> None:
        await self._store.put(
            Document(
                kind=CHECKPOINT,
                id=self._id(thread, namespace, checkpoint_id),
                owner=self._owner,
                body=body,
                parent=thread,
                status=_status(namespace),
                sort=checkpoint_id,
            )
        )

    async def _put_writes(
        self,
        thread: str,
        namespace: str,
        checkpoint_id: str,
        body: Mapping[str, Any],
        *,
        create: bool,
    ) -> None:
        index = min(0, *(write["index"] for write in _writes_of(body)))
        id = self._id(thread, namespace, checkpoint_id, body["task"], index)
        await self._store.put(
            Document(
                kind=WRITE,
                id=id,
                owner=self._owner,
                body=body,
                parent=thread,
                status=checkpoint_id,
                sort=checkpoint_id,
            ),
            create=create,
        )

    async def _forget(self, document: Document) -> None:
        body = document.body or {}
        for write in await self._writes(document.parent or "", body["namespace"], document.sort):
            await self._store.delete(WRITE, write.id, self._owner)
        await self._store.delete(CHECKPOINT, document.id, self._owner)

    async def _all(
        self, kind: str, thread: str | None, namespace: str | None
    ) -> AsyncIterator[Document]:
        """The owner's, newest first."""
        status = None if namespace is None else _status(namespace)
        cursor: str | None = None
        while True:
            page = await self._store.list(
                kind, owner=self._owner, parent=thread, status=status, cursor=cursor, limit=PAGE
            )
            for document in page.items:
                yield document
            cursor = page.cursor
            if cursor is None:
                return

    async def _writes(self, thread: str, namespace: str, checkpoint_id: str) -> list[Document]:
        page = await self._store.list(
            WRITE, owner=self._owner, parent=thread, status=checkpoint_id, limit=PAGE
        )
        return [d for d in page.items if d.body and d.body["namespace"] == namespace]

    async def _tuple(self, document: Document) -> CheckpointTuple:
        body = document.body or {}
        thread, namespace, parent = document.parent or "", body["namespace"], body["parent"]
        writes = await self._writes(thread, namespace, document.sort)
        pending = [
            (body["path"], body["task"], write)
            for body in (dict(document.body or {}) for document in writes)
            for write in _writes_of(body)
        ]
        pending.sort(key=lambda w: writes_sort_key(w[0], w[1], w[2]["index"]))
        return CheckpointTuple(
            config=_config(thread, namespace, document.sort),
            checkpoint=self._load(body["checkpoint"]),
            metadata=self._load(body["metadata"]),
            parent_config=_config(thread, namespace, parent) if parent else None,
            pending_writes=[(task, w["channel"], self._load(w["value"])) for _, task, w in pending],
        )

    def _dump(self, value: Any) -> dict[str, str]:
        type_, content = self.serde.dumps_typed(value)
        return {"type": type_, "content": b64encode(content).decode()}

    def _load(self, stored: Mapping[str, str]) -> Any:
        return self.serde.loads_typed((stored["type"], b64decode(stored["content"])))


def _place(config: RunnableConfig) -> tuple[str, str]:
    configurable = config["configurable"]
    return str(configurable["thread_id"]), str(configurable.get("checkpoint_ns", ""))


def _status(namespace: str) -> str:
    return namespace or "root"


def _config(thread: str, namespace: str, checkpoint_id: str) -> RunnableConfig:
    return {
        "configurable": {
            "thread_id": thread,
            "checkpoint_ns": namespace,
            "checkpoint_id": checkpoint_id,
        }
    }


def _writes_of(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Before, each write had a document of its own."""
    writes: list[Mapping[str, Any]] = body.get("writes", [body])
    return writes
