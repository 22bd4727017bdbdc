"""Checkpoints in Cosmos DB behave as LangGraph demands."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.conformance import checkpointer_test, validate

from agents.checkpoints import StoreSaver
from backend.stores.azure.cosmos import CosmosStore
from backend.stores.folder import FolderBlobs
from tests.azure.doubles import cosmos_account


async def test_the_saver_conforms_in_every_capability(tmp_path: Path) -> None:
    async with cosmos_account() as account:

        @checkpointer_test(name="StoreSaver")
        async def saver() -> AsyncGenerator[BaseCheckpointSaver[int], None]:
            yield StoreSaver(CosmosStore(account, FolderBlobs(tmp_path)), "ann")

        report = await validate(saver)
        assert {name: r.failures for name, r in report.results.items() if r.failures} == {}
        assert report.conformance_level() == "FULL"
