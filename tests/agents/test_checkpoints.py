"""The checkpoint saver behaves as LangGraph demands, and keeps owners apart."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.test_utils import (
    generate_checkpoint,
    generate_config,
    generate_metadata,
)

from agents.checkpoints import StoreSaver
from backend.stores.sql import SqlStore


async def test_the_saver_conforms_in_every_capability(store: SqlStore) -> None:
    @checkpointer_test(name="StoreSaver")
    async def saver() -> AsyncGenerator[BaseCheckpointSaver[int], None]:
        yield StoreSaver(store, "ann")

    report = await validate(saver)
    assert {name: r.failures for name, r in report.results.items() if r.failures} == {}
    assert all(result.passed is True for result in report.results.values())
    assert report.conformance_level() == "FULL"


async def test_a_thread_of_another_owner_is_not_there(store: SqlStore) -> None:
    ann, bob = StoreSaver(store, "ann"), StoreSaver(store, "bob")
    config = generate_config("thread")
    checkpoint = generate_checkpoint(channel_values={"x": 1}, channel_versions={"x": 1})
    stored = await ann.aput(config, checkpoint, generate_metadata(), {"x": 1})
    await ann.aput_writes(stored, [("x", 2)], "task")

    assert await bob.aget_tuple(config) is None
    assert await bob.aget_tuple(stored) is None
    assert [t async for t in bob.alist(config)] == []
    await bob.adelete_thread("thread")
    kept = await ann.aget_tuple(config)
    assert kept is not None
    assert kept.checkpoint["channel_values"] == {"x": 1}
    assert kept.pending_writes == [("task", "x", 2)]


async def test_two_owners_may_use_the_same_thread_id(store: SqlStore) -> None:
    ann, bob = StoreSaver(store, "ann"), StoreSaver(store, "bob")
    config = generate_config("thread")
    checkpoint = generate_checkpoint(channel_values={"x": "ann"}, channel_versions={"x": 1})
    await ann.aput(config, checkpoint, generate_metadata(), {"x": 1})
    await bob.aput(
        config,
        {**checkpoint, "channel_values": {"x": "bob"}},
        generate_metadata(),
        {"x": 1},
    )
    kept = await ann.aget_tuple(config)
    assert kept is not None
    assert kept.checkpoint["channel_values"] == {"x": "ann"}


async def test_pruning_leaves_the_latest_and_its_writes_alone(store: SqlStore) -> None:
    saver = StoreSaver(store, "ann")
    config = generate_config("thread")
    for step in range(3):
        config = await saver.aput(config, generate_checkpoint(), generate_metadata(step=step), {})
        await saver.aput_writes(config, [("x", step)], f"task-{step}")
    await saver.aprune(["thread"])
    kept = [t async for t in saver.alist(generate_config("thread"))]
    assert [t.pending_writes for t in kept] == [[("task-2", "x", 2)]]
    writes = await store.list("checkpoint.write", owner="ann")
    assert len(writes.items) == 1


async def test_what_a_task_wrote_is_kept_whole_or_not_at_all(store: SqlStore) -> None:
    saver = StoreSaver(store, "ann")
    config = generate_config("t1")
    placed = await saver.aput(config, generate_checkpoint(), generate_metadata(), {})
    written = [("request", "read it"), ("planner", "offline"), ("waiting", False)]
    await saver.aput_writes(placed, written, "a task")
    page = await store.list("checkpoint.write", owner="ann", parent="t1")
    assert len(page.items) == 1  # one document, so one commit: nothing falls in between
    found = await saver.aget_tuple(config)
    assert found is not None and found.pending_writes is not None
    assert [(channel, value) for _, channel, value in found.pending_writes] == written
