"""Outputs to the queue they belong in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from backend.bus.azure.handlers import Background
from backend.bus.azure.namespace import Namespace
from backend.bus.azure.outbox import Outbox
from backend.bus.azure.parcels import Parcel, Via, packed
from backend.contracts.ports import Blobs, Output


class Sending:
    def __init__(
        self,
        namespace: Namespace,
        blobs: Blobs,
        background: Background,
        clock: Callable[[], datetime],
        senders: int,
    ) -> None:
        self._blobs = blobs
        self._clock = clock
        self._streams = Outbox(namespace, namespace.queue, background, senders)
        self._work = Outbox(namespace, namespace.work_queue, background, senders)

    async def send(self, outputs: Sequence[tuple[Output, bytes]], via: Via) -> None:
        """Outputs with their events' JSON. Durable on return; `Unavailable` when some may be missing."""
        now = self._clock()
        parcels = [
            await packed(output, event_json, self._blobs, now, via)
            for output, event_json in outputs
            if output.lane != "log"
        ]
        streams = [parcel for parcel in parcels if parcel.session is not None]
        work = [parcel for parcel in parcels if parcel.session is None]
        await asyncio.gather(self._streams.send(streams), self._work.send(work))

    async def send_one(self, parcel: Parcel) -> None:
        await (self._work if parcel.session is None else self._streams).send([parcel])

    async def close(self) -> None:
        await asyncio.gather(self._streams.close(), self._work.close())
