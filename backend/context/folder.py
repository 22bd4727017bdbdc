"""A person's files in a folder, one subfolder per owner."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from backend.context.paths import MAX_BYTES, MAX_LISTED, matches, parts_of
from backend.contracts.errors import Forbidden, Invalid, NotFound, TooLarge, Unavailable
from backend.contracts.ports import FileInfo
from backend.stores.folder import owner_folder

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class FolderFiles:
    """`Files` under `root/<owner's hash>/`. Every part of a path is opened by itself and never through
    a symbolic link, so nothing that changes meanwhile leads outside. Contents up to `max_bytes`."""

    def __init__(self, root: Path, max_bytes: int = MAX_BYTES) -> None:
        self.root = root
        self.max_bytes = max_bytes

    async def read(self, owner: str, path: str) -> bytes:
        return await asyncio.to_thread(self._read, owner, path)

    async def write(
        self, owner: str, path: str, content: bytes, *, append: bool = False
    ) -> FileInfo:
        return await asyncio.to_thread(self._write, owner, path, content, append)

    async def list(self, owner: str, folder: str = "", pattern: str = "*") -> Sequence[FileInfo]:
        """Files below `folder`, by path; `pattern` is matched against the name, or, when it has a
        slash, against the path below `folder`. A folder that is not there holds nothing."""
        return await asyncio.to_thread(self._list, owner, folder, pattern)

    async def delete(self, owner: str, path: str) -> None:
        await asyncio.to_thread(self._delete, owner, path)

    def _delete(self, owner: str, path: str) -> None:
        *folders, name = parts_of(path)
        with _told(path), self._folder(owner, folders, make=False) as folder:
            if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                raise Invalid(f"{path} is a folder.", code="EXEC_PATH_INVALID")
            os.unlink(name, dir_fd=folder)  # of a link, the link itself
            os.fsync(folder)

    def _read(self, owner: str, path: str) -> bytes:
        *folders, name = parts_of(path)
        with _told(path), self._folder(owner, folders, make=False) as folder:
            return self._content(folder, name, path)

    def _content(self, folder: int, name: str, path: str) -> bytes:
        # Non-blocking, or opening a pipe somebody put there would wait for its writer.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(name, flags, dir_fd=folder)
        try:
            info = os.fstat(descriptor)
            if not stat.S_ISREG(info.st_mode):
                raise Invalid(f"{path} is not a file.", code="EXEC_FILE_INVALID")
            if info.st_size > self.max_bytes:
                raise TooLarge(f"{path} has more than {self.max_bytes} bytes.")
            with open(descriptor, "rb", closefd=False) as file:
                return file.read(self.max_bytes)
        finally:
            os.close(descriptor)

    def _write(self, owner: str, path: str, content: bytes, append: bool) -> FileInfo:
        *folders, name = parts_of(path)
        with _told(path), self._folder(owner, folders, make=True) as folder:
            if append:
                # Held until the folder is closed: of two who append at once, neither loses a line.
                fcntl.flock(folder, fcntl.LOCK_EX)
                with suppress(FileNotFoundError):
                    content = self._content(folder, name, path) + content
            if len(content) > self.max_bytes:
                raise TooLarge(f"{path} would have more than {self.max_bytes} bytes.")
            info = _replace(folder, name, content)
        return FileInfo("/".join([*folders, name]), info.st_size, _modified(info))

    def _list(self, owner: str, folder: str, pattern: str) -> Sequence[FileInfo]:
        parts = parts_of(folder) if folder.strip("/") else []
        found: list[FileInfo] = []
        try:
            with _told(folder), self._folder(owner, parts, make=False) as start:
                for below, _, names, at in os.fwalk(".", dir_fd=start, follow_symlinks=False):
                    for name in names:
                        inner = os.path.normpath(os.path.join(below, name))
                        info = os.stat(name, dir_fd=at, follow_symlinks=False)
                        if (
                            matches(inner, pattern)
                            and stat.S_ISREG(info.st_mode)
                            and not name.endswith(_PART)
                        ):
                            full = "/".join([*parts, inner])
                            found.append(FileInfo(full, info.st_size, _modified(info)))
                    if len(found) > MAX_LISTED:
                        break
        except NotFound:
            return ()
        return sorted(found[:MAX_LISTED], key=lambda info: info.path)

    @contextmanager
    def _folder(self, owner: str, parts: Sequence[str], *, make: bool) -> Iterator[int]:
        """The open folder at `parts` of the owner's space."""
        space = self.root / owner_folder(owner)
        if make:
            space.mkdir(parents=True, exist_ok=True, mode=0o700)
        current = os.open(space, _FOLDER)
        try:
            for part in parts:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(part, 0o700, dir_fd=current)
                inner = _enter(part, current)
                os.close(current)
                current = inner
            yield current
        finally:
            os.close(current)


_PART = ".part~"


def _enter(part: str, folder: int) -> int:
    try:
        return os.open(part, _FOLDER, dir_fd=folder)
    except NotADirectoryError:
        if stat.S_ISLNK(os.stat(part, dir_fd=folder, follow_symlinks=False).st_mode):
            raise Forbidden(f"{part} is a link.", code="EXEC_PATH_FORBIDDEN") from None
        raise


def _replace(folder: int, name: str, content: bytes) -> os.stat_result:
    """Written beside, synced, renamed: the old content or the new, never a part."""
    beside = f".{os.urandom(8).hex()}{_PART}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(beside, flags, 0o600, dir_fd=folder), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            info = os.fstat(file.fileno())
        os.replace(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside, dir_fd=folder)
        raise
    os.fsync(folder)
    return info


@contextmanager
def _told(path: str) -> Iterator[None]:
    """The system's errors in our words."""
    try:
        yield
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Forbidden(f"{path} is a link.", code="EXEC_PATH_FORBIDDEN") from None
        if error.errno in (errno.ENOTDIR, errno.EISDIR, errno.EEXIST):
            raise Invalid(
                f"{path} goes through a file, a link, or is a folder.", code="EXEC_PATH_INVALID"
            ) from None
        raise Unavailable(f"{path} cannot be used now: {error.strerror}.") from error


def _modified(info: os.stat_result) -> datetime:
    return datetime.fromtimestamp(info.st_mtime, UTC)
