"""A process that works through chains of steps until it is killed: `python -m tests.bus FOLDER N`.

Each step of a run is a piece of work; its end is committed to the run's stream together with the next
step. A line of standard output per settled step. `AGAIN` would be a step run after it was durable.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from backend.bus.sql import SqlBus
from backend.contracts.events import Event, derived_id, utc_now
from backend.contracts.ports import Commit, Delivery, Output, Settlement
from backend.stores.folder import FolderBlobs
from backend.stores.sqlite import Sqlite

CROWD = 8


def step(run: str, number: int) -> Event:
    data = {"run": run, "step": number, "page": "x" * 40_000 if number % 10 == 9 else ""}
    return Event(derived_id(run, "step", number), "step.execute", "ann", utc_now(), data)


def completed(asked: Event) -> Event:
    return Event(derived_id(asked.id, "done"), "step.completed", "ann", utc_now(), asked.data)


def settlement(delivery: Delivery, steps: int) -> Settlement:
    """Half the runs take the fused way; the others send the end of a step to their stream."""
    run, number = delivery.event.data["run"], delivery.event.data["step"]
    stream = f"run:{run}"
    fused = delivery.lane == "work" and run.startswith("f")
    if delivery.lane == "work" and not fused:
        done = completed(delivery.event)
        return Settlement((delivery,), outputs=(Output(done, "stream", stream),))
    cause = completed(delivery.event) if fused else delivery.event
    outputs = (Output(step(run, number + 1), "work"),) if number + 1 < steps else ()
    commit = Commit(stream, number, cause, tuple(output.event for output in outputs))
    return Settlement((delivery,), (commit,), outputs, undisturbed=(stream,) if fused else ())


async def main(folder: Path, steps: int) -> None:
    database = Sqlite(folder / "lightning.db")
    await database.start()
    bus = SqlBus(database, blobs=FolderBlobs(folder / "blobs"), lease_s=1.0)
    await bus.start()
    held: list[Delivery] = []
    while True:
        if not held:
            held += await bus.receive(CROWD)
        batch, held = held[:CROWD], held[CROWD:]
        for delivery in batch:
            run, number = delivery.event.data["run"], delivery.event.data["step"]
            done = derived_id(derived_id(run, "step", number), "done")
            if await bus.decided(f"run:{run}", done):
                sys.stdout.write(f"AGAIN {run} {number}\n")
        settled = await bus.settle([settlement(d, steps) for d in batch], keep=CROWD)
        for delivery, result in zip(batch, settled, strict=True):
            held += result.kept
            sys.stdout.write(f"{result.outcome} {delivery.event.data['run']}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
