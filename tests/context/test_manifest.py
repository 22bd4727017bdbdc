"""Files over a store, as several machines have them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from backend.context.manifest import ManifestFiles
from backend.contracts.errors import Invalid, TooLarge
from backend.stores.folder import FolderBlobs
from backend.stores.memory import MemoryStore


@pytest.fixture
def machines(tmp_path: Path) -> list[ManifestFiles]:
    store, blobs = MemoryStore(), FolderBlobs(tmp_path)
    return [ManifestFiles(store, blobs) for _ in range(3)]


async def test_lines_appended_on_several_machines_are_all_kept(
    machines: list[ManifestFiles],
) -> None:
    lines = [f"line {n}\n".encode() for n in range(30)]
    await asyncio.gather(
        *(machines[n % 3].write("ann", "a.txt", line, append=True) for n, line in enumerate(lines))
    )
    kept = await machines[0].read("ann", "a.txt")
    assert sorted(kept.splitlines(keepends=True)) == sorted(lines)


async def test_a_path_is_a_file_or_a_folder_whoever_comes_first(
    machines: list[ManifestFiles],
) -> None:
    for n in range(20):
        results = await asyncio.gather(
            machines[0].write("ann", f"{n}/a", b"x"),
            machines[1].write("ann", f"{n}/a/b", b"x"),
            machines[2].write("ann", f"{n}/a/b/c", b"x"),
            return_exceptions=True,
        )
        assert [type(r) for r in results if isinstance(r, Exception)] == [Invalid, Invalid]
        (info,) = await machines[0].list("ann", str(n))
        assert await machines[1].read("ann", info.path) == b"x"


async def test_a_file_that_grew_beyond_the_limit_elsewhere_is_not_read(tmp_path: Path) -> None:
    store, blobs = MemoryStore(), FolderBlobs(tmp_path)
    await ManifestFiles(store, blobs).write("ann", "a.txt", b"x" * 100)
    with pytest.raises(TooLarge):
        await ManifestFiles(store, blobs, max_bytes=50).read("ann", "a.txt")


async def test_a_list_of_what_is_no_folder_is_refused(machines: list[ManifestFiles]) -> None:
    await machines[0].write("ann", "a.txt", b"x")
    with pytest.raises(Invalid):
        await machines[1].list("ann", "a.txt")
