"""A person's files: read, write, list, and no way out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.context.folder import FolderFiles
from backend.context.manifest import ManifestFiles
from backend.contracts.errors import Forbidden, Invalid, LightningError, NotFound, TooLarge
from backend.contracts.ports import Files
from backend.stores.azure.cosmos import CosmosStore
from backend.stores.folder import FolderBlobs
from backend.stores.memory import MemoryStore
from tests.azure.doubles import azure_blobs, cosmos_account

LIMIT = 10_000


@pytest.fixture(params=["folder", "manifest", "azure"])
async def files(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Files]:
    if request.param == "folder":
        yield FolderFiles(tmp_path / "files", max_bytes=LIMIT)
    elif request.param == "manifest":
        blobs = FolderBlobs(tmp_path / "blobs")
        yield ManifestFiles(MemoryStore(), blobs, max_bytes=LIMIT)
    else:
        async with azure_blobs() as blobs, cosmos_account() as account:
            yield ManifestFiles(CosmosStore(account, blobs), blobs, max_bytes=LIMIT)


async def paths(files: Files, folder: str = "", pattern: str = "*") -> list[str]:
    return [info.path for info in await files.list("ann", folder, pattern)]


async def test_what_was_written_is_read(files: Files) -> None:
    info = await files.write("ann", "notes/příklad.txt", b"text")
    assert (info.path, info.size) == ("notes/příklad.txt", 4)
    assert info.modified.tzinfo is not None
    assert await files.read("ann", "notes/příklad.txt") == b"text"


async def test_lines_appended_at_once_are_all_kept(files: Files) -> None:
    lines = [f"line {i}\n".encode() for i in range(40)]
    await asyncio.gather(*(files.write("ann", "log/a.txt", line, append=True) for line in lines))
    kept = await files.read("ann", "log/a.txt")
    assert sorted(kept.splitlines(keepends=True)) == sorted(lines)


async def test_writing_replaces_and_appending_adds(files: Files) -> None:
    await files.write("ann", "a.txt", b"one")
    await files.write("ann", "a.txt", b"two")
    info = await files.write("ann", "a.txt", b" three", append=True)
    assert info.size == 9
    assert await files.read("ann", "a.txt") == b"two three"
    await files.write("ann", "new.txt", b"start", append=True)
    assert await files.read("ann", "new.txt") == b"start"


async def test_a_path_is_one_however_it_is_spelled(files: Files) -> None:
    info = await files.write("ann", "./a//b/./c.txt", b"x")
    assert info.path == "a/b/c.txt"
    assert await files.read("ann", "a/b/c.txt") == b"x"


async def test_what_is_not_there_is_not_found(files: Files) -> None:
    with pytest.raises(NotFound):
        await files.read("ann", "none.txt")
    await files.write("ann", "a.txt", b"x")
    with pytest.raises(NotFound):
        await files.read("ann", "no/such/folder.txt")


async def test_each_owner_has_files_of_their_own(files: Files) -> None:
    await files.write("ann", "a.txt", b"ann's")
    with pytest.raises(NotFound):
        await files.read("bob", "a.txt")
    assert await files.list("bob") == ()
    await files.write("bob", "a.txt", b"bob's")
    assert await files.read("ann", "a.txt") == b"ann's"


async def test_files_are_listed_by_folder_and_pattern(files: Files) -> None:
    for path in ("a.txt", "b.md", "notes/c.txt", "notes/deep/d.txt"):
        await files.write("ann", path, b"x")
    assert await paths(files) == ["a.txt", "b.md", "notes/c.txt", "notes/deep/d.txt"]
    assert await paths(files, "notes") == ["notes/c.txt", "notes/deep/d.txt"]
    assert await paths(files, "notes/") == ["notes/c.txt", "notes/deep/d.txt"]
    assert await paths(files, pattern="*.txt") == ["a.txt", "notes/c.txt", "notes/deep/d.txt"]
    assert await paths(files, "notes", "deep/*") == ["notes/deep/d.txt"]
    assert await paths(files, "none") == []


@pytest.mark.parametrize(
    "path",
    [
        "../a",
        "a/../../b",
        "/etc/passwd",
        "~/a",
        "a\0b",
        "..",
        "a/..",
        "..\\a",
        "C:\\a",
        "c:a",
        "a\nb",
        "a\ud800",
        "//a",
    ],
)
async def test_a_path_that_could_lead_outside_is_forbidden(files: Files, path: str) -> None:
    with pytest.raises(Forbidden):
        await files.read("ann", path)
    with pytest.raises(Forbidden):
        await files.write("ann", path, b"x")
    with pytest.raises(Forbidden):
        await files.list("ann", path)


@pytest.mark.parametrize("path", ["", ".", "a/" * 40 + "b", "x" * 300])
async def test_a_path_that_names_no_file_is_invalid(files: Files, path: str) -> None:
    with pytest.raises(Invalid):
        await files.read("ann", path)
    with pytest.raises(Invalid):
        await files.write("ann", path, b"x")


async def test_a_file_is_no_folder_and_a_folder_no_file(files: Files) -> None:
    await files.write("ann", "a/b.txt", b"x")
    with pytest.raises(Invalid):
        await files.write("ann", "a", b"x")
    with pytest.raises(Invalid):
        await files.read("ann", "a")
    with pytest.raises(Invalid):
        await files.write("ann", "a/b.txt/c", b"x")


async def test_what_is_too_large_is_refused_and_nothing_changes(files: Files) -> None:
    await files.write("ann", "a.txt", b"x" * LIMIT)
    with pytest.raises(TooLarge):
        await files.write("ann", "a.txt", b"y", append=True)
    with pytest.raises(TooLarge):
        await files.write("ann", "b.txt", b"y" * (LIMIT + 1))
    assert await files.read("ann", "a.txt") == b"x" * LIMIT
    assert await paths(files) == ["a.txt"]


async def test_readers_never_see_half_a_write(files: Files) -> None:
    versions = [bytes([65 + n]) * LIMIT for n in range(10)]
    await files.write("ann", "a.txt", versions[0])
    writing = asyncio.gather(*(files.write("ann", "a.txt", version) for version in versions))
    while not writing.done():
        assert await files.read("ann", "a.txt") in versions
    await writing


@pytest.mark.parametrize("owner", ["../bob", "/", "", "a\0b", "x" * 5000, "ANN", "\ud800"])
async def test_any_owner_has_a_place_of_their_own(files: Files, owner: str) -> None:
    await files.write("ann", "a.txt", b"ann's")
    await files.write(owner, "a.txt", b"mine")
    assert await files.read(owner, "a.txt") == b"mine"
    assert await files.read("ann", "a.txt") == b"ann's"


async def test_a_deleted_file_is_gone_and_its_neighbours_are_not(files: Files) -> None:
    for path in ("a/b.txt", "a/c.txt"):
        await files.write("ann", path, b"x")
    await files.write("bob", "a/b.txt", b"bob's")
    await files.delete("ann", "a/b.txt")
    assert await paths(files) == ["a/c.txt"]
    with pytest.raises(NotFound):
        await files.delete("ann", "a/b.txt")
    assert await files.read("bob", "a/b.txt") == b"bob's"
    await files.write("ann", "a/b.txt", b"again")
    assert await files.read("ann", "a/b.txt") == b"again"


async def test_a_folder_is_not_deleted_as_a_file(files: Files) -> None:
    await files.write("ann", "a/b.txt", b"x")
    with pytest.raises(Invalid):
        await files.delete("ann", "a")
    assert await paths(files) == ["a/b.txt"]


# --- links, in folders only -----------------------------------------------------------------------


@pytest.fixture
async def linked(tmp_path: Path) -> FolderFiles:
    """Ann's space with links out of it, as some other program may have put them there."""
    files = FolderFiles(tmp_path / "files")
    await files.write("ann", "a.txt", b"x")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_bytes(b"secret")
    (space,) = (tmp_path / "files").iterdir()
    (space / "link.txt").symlink_to(tmp_path / "outside" / "secret.txt")
    (space / "folder").symlink_to(tmp_path / "outside")
    return files


async def test_a_link_is_not_read(linked: FolderFiles) -> None:
    for path in ("link.txt", "folder/secret.txt"):
        with pytest.raises(Forbidden):
            await linked.read("ann", path)


async def test_nothing_is_written_through_a_link(linked: FolderFiles, tmp_path: Path) -> None:
    with pytest.raises(Forbidden):
        await linked.write("ann", "folder/new.txt", b"x")
    with pytest.raises(Forbidden):
        await linked.write("ann", "link.txt", b"x", append=True)
    await linked.write("ann", "link.txt", b"mine")
    assert await linked.read("ann", "link.txt") == b"mine"
    assert [p.name for p in (tmp_path / "outside").iterdir()] == ["secret.txt"]
    assert (tmp_path / "outside" / "secret.txt").read_bytes() == b"secret"


async def test_deleting_a_link_leaves_what_it_leads_to(linked: FolderFiles, tmp_path: Path) -> None:
    await linked.delete("ann", "link.txt")
    with pytest.raises(Forbidden):
        await linked.delete("ann", "folder/secret.txt")
    assert (tmp_path / "outside" / "secret.txt").read_bytes() == b"secret"


async def test_links_are_not_listed(linked: FolderFiles) -> None:
    assert [info.path for info in await linked.list("ann")] == ["a.txt"]
    with pytest.raises(LightningError):
        await linked.list("ann", "folder")
