"""Paths in a person's files, and how much they may hold: the same wherever the files are."""

from __future__ import annotations

import fnmatch

from backend.contracts.errors import Forbidden, Invalid

MAX_BYTES = 50_000_000
MAX_LISTED = 10_000


def parts_of(path: str) -> list[str]:
    """The names in a relative path. Whatever could lead outside is refused before it is tried."""
    if "\0" in path or any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in path):
        raise Forbidden("A path has no control characters.", code="EXEC_PATH_FORBIDDEN")
    if path.startswith(("/", "~")) or "\\" in path or path[1:2] == ":":
        raise Forbidden(f"{path} is not a relative path.", code="EXEC_PATH_FORBIDDEN")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Forbidden(f"{path} leaves your own files.", code="EXEC_PATH_FORBIDDEN")
    if not parts or len(parts) > 32 or any(len(part.encode()) > 200 for part in parts):
        raise Invalid("A path has 1 to 32 names of up to 200 bytes.", code="EXEC_PATH_INVALID")
    return parts


def matches(path: str, pattern: str) -> bool:
    """A pattern with a slash is about the whole path, one without about the name."""
    name = path.rpartition("/")[2]
    return fnmatch.fnmatchcase(path if "/" in pattern else name, pattern)
