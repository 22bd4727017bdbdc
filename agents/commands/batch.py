"""Many requests, a line each, in one process: each is answered by a line, as soon as it is known."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import orjson
from pydantic import BaseModel, ValidationError

from agents.commands.answers import as_json
from agents.commands.documents import MAX_BYTES, bad_file
from agents.commands.planning import Desk, given_catalogue, open_desk
from agents.terminal import DONE, FAILED, err, error_as_json
from backend.contracts.errors import Invalid, LightningError
from backend.contracts.plans import Catalogue


class Line(BaseModel):
    """`previous` is the plan that the request is said about; `zone` an IANA zone."""

    id: str | int | None = None
    request: str
    previous: Any = None
    now: datetime | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What the command line said."""

    file: Path
    output: Path | None = None
    catalogue: Path | None = None
    offline: bool = False
    timezone: str = ""
    now: datetime | None = None


async def answer_all(batch: Batch) -> int:
    """Answers every line; `FAILED` when one of them could not be."""
    tools: Catalogue | None = given_catalogue(batch.catalogue)
    began, answered, failed = time.perf_counter(), 0, 0
    with ExitStack() as stack:
        source = _opened(stack, batch.file)
        sink = _sink(stack, batch.output)
        async with open_desk(
            offline=batch.offline, catalogue=tools, timezone=batch.timezone
        ) as desk:
            for number, raw in _lines(source):
                said = {"line": number, **await _answered(desk, raw, batch.now)}
                sink.write(orjson.dumps(said, default=str) + b"\n")
                sink.flush()
                answered += 1
                failed += said["kind"] == "error"
    took = time.perf_counter() - began
    errors = f", {failed:,} of them with an error" if failed else ""
    err.print(f"{answered:,} lines answered{errors}, in {took:.1f} s", style="dim")
    return FAILED if failed else DONE


async def _answered(desk: Desk, raw: bytes, now: datetime | None) -> dict[str, Any]:
    id = None
    try:
        data = _data(raw)
        id = data.get("id")
        line = _line(data)
        outcome = await desk.plan(
            line.request, previous=line.previous, now=line.now or now, timezone=line.zone
        )
        return {"id": id, **as_json(outcome, model=desk.model)}
    except LightningError as error:
        return {"id": id, **error_as_json(error)}
    except Exception as error:  # noqa: BLE001 - the other lines are answered all the same
        broken = LightningError(f"This could not be planned ({type(error).__name__}: {error}).")
        return {"id": id, **error_as_json(broken)}


def _data(raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_BYTES:
        raise _bad(f"it is longer than {MAX_BYTES:,} bytes")
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _bad(f"it is not JSON, {error}") from error
    if not isinstance(data, dict):
        raise _bad("it is not a JSON object")
    return data


def _line(data: dict[str, Any]) -> Line:
    try:
        return Line.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise _bad(f"{'/'.join(map(str, first['loc']))}: {first['msg']}") from error


def _bad(reason: str) -> Invalid:
    return Invalid(
        f"This line cannot be taken: {reason}.",
        code="PLAN_BATCH_LINE_INVALID",
        hint='A line is {"id", "request", "previous"?, "now"?, "zone"?}.',
    )


def _lines(source: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    for number, raw in enumerate(iter(lambda: source.readline(MAX_BYTES + 2), b""), 1):
        if raw.strip():
            yield number, raw


def _opened(stack: ExitStack, file: Path) -> IO[bytes]:
    if str(file) == "-":
        return sys.stdin.buffer
    try:
        return stack.enter_context(file.open("rb"))
    except OSError as error:
        raise bad_file(f"{file} cannot be read: {error.strerror}.") from error


def _sink(stack: ExitStack, file: Path | None) -> IO[bytes]:
    if file is None:
        return sys.stdout.buffer
    try:
        return stack.enter_context(file.open("wb"))
    except OSError as error:
        raise bad_file(f"{file} cannot be written: {error.strerror}.") from error
