"""Settlements with the JSON of what they carry, made before the writer's thread is entered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from backend.bus.codec import encode_commit, encode_event, encode_small
from backend.contracts.events import Event
from backend.contracts.ports import Blobs, Settlement


@dataclass(slots=True)
class Encoded:
    """The JSON of settlements' events and documents' bodies, by the objects' identity."""

    events: Mapping[int, bytes]
    bodies: Mapping[int, bytes]

    def commits(self, settlement: Settlement) -> list[tuple[str, int, str, bytes]]:
        events = self.events
        return [
            (
                commit.stream,
                commit.position,
                commit.cause.id,
                encode_commit(
                    commit, events[id(commit.cause)], [events[id(e)] for e in commit.outputs]
                ),
            )
            for commit in settlement.commits
        ]


async def events_json(events: Iterable[Event], blobs: Blobs) -> dict[int, bytes]:
    """The JSON of each event, by its identity: an output of a commit is sent as the same object."""
    encoded: dict[int, bytes] = {}
    for event in events:
        if id(event) not in encoded:
            # Most events are small, and need no turn of the loop.
            small = encode_small(event)
            encoded[id(event)] = await encode_event(event, blobs) if small is None else small
    return encoded


def events_of(settlements: Iterable[Settlement]) -> Iterable[Event]:
    for s in settlements:
        for commit in s.commits:
            yield commit.cause
            yield from commit.outputs
        for output in s.outputs:
            yield output.event
        for letter in s.dead:
            yield letter.delivery.event
