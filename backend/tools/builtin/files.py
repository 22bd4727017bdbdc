"""file.read, file.write, file.append, file.list: the person's own files."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from pydantic import Field
from typing_extensions import TypedDict

from backend.contracts.errors import TooLarge, ToolError
from backend.contracts.ports import FileInfo
from backend.tools.builtin.readable import render
from backend.tools.define import ToolContext, tool

MAX_BYTES = 4_000_000
MAX_LISTED = 1_000

Path = Annotated[str, Field(min_length=1, max_length=500)]
Content = str | list[Any] | dict[str, Any]


class Read(TypedDict):
    """`json` is the parsed content of a .json file, else null."""

    path: str
    content: str
    json: Any
    size: int


class Written(TypedDict):
    path: str
    size: int


class Listed(TypedDict):
    files: list[FileEntry]
    count: int


class FileEntry(TypedDict):
    """`modified` is an ISO time in UTC, `size` in bytes."""

    path: str
    size: int
    modified: str


@tool(
    "file.read",
    name="Read a file",
    purity="pure",
    duration_s=0.1,
    timeout_s=30,
    produces=("content",),
    examples=("read my file", "open the notes", "load the file", "take what is in report.md"),
)
async def read(context: ToolContext, path: Path) -> Read:
    """Read one of the person's own text files.

    Args:
        path: the file's path, with / between folders
    """
    raw = await context.files.read(context.call.user_id, path)
    if len(raw) > MAX_BYTES:
        raise TooLarge(f"{path} is larger than {MAX_BYTES:,} bytes.")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise ToolError(f"{path} is not a text file.", code="EXEC_FILE_NOT_TEXT") from error
    return Read(path=path, content=text, json=_parsed(path, raw), size=len(raw))


@tool(
    "file.write",
    name="Write a file",
    purity="idempotent",
    effects=("writes 1 file, {path}",),
    duration_s=0.1,
    timeout_s=30,
    produces=("path",),
    examples=(
        "save it to a file",
        "write the result to report.md",
        "store it as JSON",
        "keep a copy",
    ),
)
async def write(context: ToolContext, path: Path, content: Content) -> Written:
    """Write one of the person's own files, in place of what it held before.

    Args:
        path: the file's path, with / between folders
        content: the text; a list or an object becomes JSON in a .json file, a table in a .csv
            file, and is written out readably in any other
    """
    info = await context.files.write(context.call.user_id, path, _encoded(path, content))
    return Written(path=info.path, size=info.size)


@tool(
    "file.append",
    name="Add to a file",
    purity="effect",
    effects=("adds to 1 file, {path}",),
    duration_s=0.1,
    timeout_s=30,
    produces=("path",),
    examples=("append it to the file", "add a line to my log", "add it at the end of notes.md"),
)
async def append(context: ToolContext, path: Path, content: Content) -> Written:
    """Add to the end of one of the person's own files, which is made if it is not there.

    Args:
        path: the file's path, with / between folders
        content: the text; a list or an object is written as a line of JSON in a .jsonl file and
            out readably in any other
    """
    text = _line(path, content)
    raw = (text if text.endswith("\n") else text + "\n").encode()
    info = await context.files.write(context.call.user_id, path, _bounded(path, raw), append=True)
    return Written(path=info.path, size=info.size)


@tool(
    "file.list",
    name="List files",
    purity="pure",
    duration_s=0.1,
    timeout_s=30,
    produces=("files",),
    examples=("which files do I have", "list the folder", "show my documents"),
)
async def list_files(
    context: ToolContext,
    folder: Annotated[str, Field(max_length=500)] = "",
    pattern: Annotated[str, Field(min_length=1, max_length=200)] = "*",
) -> Listed:
    """List the person's own files.

    Args:
        folder: only what is in this folder
        pattern: only names like this, with * for anything
    """
    found = await context.files.list(context.call.user_id, folder, pattern)
    return Listed(files=[_file(each) for each in found[:MAX_LISTED]], count=len(found))


def _file(info: FileInfo) -> FileEntry:
    return FileEntry(path=info.path, size=info.size, modified=info.modified.isoformat())


def _parsed(path: str, raw: bytes) -> Any:
    if not path.lower().endswith(".json"):
        return None
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ToolError(f"{path} is not valid JSON: {error}.", code="EXEC_FILE_INVALID") from error


def _encoded(path: str, content: Content) -> bytes:
    if isinstance(content, str):
        text = content
    elif path.lower().endswith(".json"):
        text = orjson.dumps(content, option=orjson.OPT_INDENT_2).decode() + "\n"
    elif path.lower().endswith(".csv"):
        text = _table(content)
    else:
        text = render(content) + "\n"
    return _bounded(path, text.encode())


def _line(path: str, content: Content) -> str:
    jsonl = path.lower().endswith((".jsonl", ".ndjson")) and not isinstance(content, str)
    return orjson.dumps(content).decode() if jsonl else render(content)


def _bounded(path: str, raw: bytes) -> bytes:
    if len(raw) > MAX_BYTES:
        raise TooLarge(f"{path} would be larger than {MAX_BYTES:,} bytes.")
    return raw


def _table(content: list[Any] | dict[str, Any]) -> str:
    rows = [content] if isinstance(content, dict) else content
    columns = list(dict.fromkeys(name for row in rows if isinstance(row, Mapping) for name in row))
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    if columns:
        writer.writerow(columns)
    for row in rows:
        if isinstance(row, Mapping):
            writer.writerow([_cell(row.get(name, "")) for name in columns])
        else:
            writer.writerow(
                [_cell(each) for each in row] if isinstance(row, list) else [_cell(row)]
            )
    return sheet.getvalue()


def _cell(value: Any) -> str:
    """A cell that a spreadsheet shows and never runs: text that starts a formula is quoted."""
    text = "" if value is None else render(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") and isinstance(value, str) else text
