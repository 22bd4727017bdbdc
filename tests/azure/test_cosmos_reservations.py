"""Two partitions cannot change together: every order of steps, and every crash, leaves one owner.

The store runs on the double's own containers without the wire between, one step at a time, so that all
interleavings can be played.
"""

from __future__ import annotations

import json
import random
from collections.abc import Coroutine, Generator
from pathlib import Path
from typing import Any

import pytest

from backend.contracts.errors import Conflict, Unavailable
from backend.contracts.ports import Document
from backend.stores.azure import cosmos
from backend.stores.azure.containers import ENVELOPE, LISTS
from backend.stores.azure.containers import Container as Declared
from backend.stores.azure.cosmos import CosmosStore
from backend.stores.azure.places import Layout
from backend.stores.folder import FolderBlobs
from tests.azure.cosmos.container import Container, Refused

SEEDS = 1000


class Switch:
    """Where another process may come in between."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class Interleaved:
    """`Items` and their account in one, without the wire."""

    def __init__(self) -> None:
        declared = Declared("documents", "/pk", ENVELOPE, LISTS)
        properties = {
            "partitionKey": {"paths": ["/pk"]},
            "indexingPolicy": declared.indexing(),
            "defaultTtl": -1,
        }
        self.container = Container(properties, lambda: 0.0)

    def items(self, _: str) -> Interleaved:
        return self

    async def read(self, id: str, partition: str) -> Any:
        await Switch()
        return self.container.partitions.get(json.dumps([partition]), {}).get(id)

    async def create(self, item: Any) -> Any:
        return await self._change(lambda: self.container.create(None, item)[0])

    async def replace(self, item: Any, etag: str) -> Any:
        return await self._change(lambda: self.container.replace(None, item["id"], item, etag))

    async def delete(self, id: str, partition: str, etag: str) -> None:
        await self._change(lambda: self.container.delete(json.dumps([partition]), id, etag))

    async def _change(self, change: Any) -> Any:
        await Switch()
        try:
            return change()
        except Refused as refused:
            raise Conflict(str(refused)) from None

    def living(self) -> list[Any]:
        return [i for i in self.container.items(None) if "kind" in i]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cosmos, "PAUSE_S", 0.0)


def document(owner: str, **more: Any) -> Document:
    return Document("plan", "1", owner, more.pop("body", {}), parent=f"of {owner}", **more)


def play(
    played: Interleaved, tasks: list[Coroutine[Any, Any, Any]], luck: random.Random
) -> list[Any]:
    """Run the tasks a step at a time in some order; some die on the way. What each came to."""
    outcomes: list[Any] = ["died"] * len(tasks)
    deaths = {n: luck.randrange(12) for n in range(len(tasks)) if luck.random() < 0.3}
    alive = dict(enumerate(tasks))
    while alive:
        number = luck.choice(list(alive))
        task = alive[number]
        if number in deaths and (deaths.update({number: deaths[number] - 1}) or deaths[number] < 0):
            task.close()
            del alive[number]
            continue
        try:
            task.send(None)
        except StopIteration as end:
            outcomes[number] = end.value
            del alive[number]
        except (Conflict, Unavailable) as error:
            outcomes[number] = error
            del alive[number]
        assert len(played.living()) <= 1
    return outcomes


def play_alone(task: Coroutine[Any, Any, Any]) -> Any:
    while True:
        try:
            task.send(None)
        except StopIteration as end:
            return end.value


def anything(store: CosmosStore, luck: random.Random) -> Coroutine[Any, Any, Any]:
    owner = luck.choice(["ann", "bob"])
    match luck.randrange(5):
        case 0:
            return store.put(document(owner))
        case 1:
            return store.put(document(owner), create=True)
        case 2:
            return store.apply(document(owner, position=luck.randrange(3)))
        case 3:
            return store.apply(document(owner, body=None))
        case _:
            return store.delete("plan", "1", luck.choice([owner, None]))


@pytest.mark.parametrize("by", ["owner", "parent", "id"])
def test_an_id_has_one_owner_whatever_comes_in_between(by: Any, tmp_path: Path) -> None:
    for seed in range(SEEDS):
        luck = random.Random(seed)
        played = Interleaved()
        store = CosmosStore(played, FolderBlobs(tmp_path), {"plan": Layout(by=by)})  # type: ignore[arg-type]
        for _ in range(3):
            tasks = [anything(store, luck) for _ in range(luck.randint(2, 4))]
            play(played, tasks, luck)
            found = play_alone(store.get("plan", "1", None))
            living = played.living()
            assert (found is not None) == bool(living), f"seed {seed}"
            if found is not None:
                other = "bob" if found.owner == "ann" else "ann"
                with pytest.raises(Conflict):
                    play_alone(store.put(document(other)))
                play_alone(store.put(document(found.owner)))
            else:
                # Nothing that a crash left behind keeps anybody out.
                owner = luck.choice(["ann", "bob"])
                assert play_alone(store.put(document(owner))).owner == owner
                if luck.random() < 0.5:
                    assert play_alone(store.delete("plan", "1", owner))
