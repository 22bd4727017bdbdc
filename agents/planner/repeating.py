"""Work for each of many: the loop that a clause begins, and those that go on with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agents.planner import choose, loops, schema, wiring
from agents.planner.choose import Choice
from agents.planner.clauses import Clause
from agents.planner.drafts import Span
from agents.planner.loops import Lists, Loop, Marker
from agents.planner.steps import Steps


class Repeating:
    """Remembers, over the clauses of a request, what is done for each."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._lists = Lists(steps.draft, steps.insert)
        self._marked: tuple[Marker, int] | None = None
        self._waiting: list[Marker] = []  # said to be done for each, by a clause still to come

    @property
    def looping(self) -> bool:
        return self._marked is not None

    def waiting(self) -> list[Span]:
        """The places of "for each …" that no work followed."""
        return [span for marker in self._waiting for span in marker.spans]

    def loop(self, marker: Marker) -> Loop | None:
        """The list that a marker means."""
        return self._lists.of(marker.noun, self._steps.earlier())

    def apart(self) -> int:
        """How many sources were read side by side that are to be worked on one by one."""
        sources = [m for m in self._steps.draft.made if wiring.stage_of(m.spec) == "source"]
        together = wiring.kin(self._steps.draft.made, sources[-1].name) if sources else []
        return len(together) if len(together) > 1 else 0

    def going_on(self, clause: Clause, said: str) -> Loop | None:
        """The loop that a clause before began and that this one goes on with."""
        if self._marked is None:
            return None
        before, sentence = self._marked
        stage = choose.stage_said(said, self._steps.tools)
        if sentence != clause.sentence or not loops.goes_on(said, before, stage):
            if before not in self._waiting:
                self._marked = None
            return None
        loop = self._lists.of(before.noun, self._steps.earlier())
        if loop is not None and before in self._waiting:
            self._waiting.remove(before)
        return loop

    def read_first(self, loop: Loop | None, choice: Choice) -> Loop | None:
        """Files are opened before anything else is done with each of them."""
        kinds = schema.roles(choice.spec)
        if loop is None or loop.kind != "file" or choice.spec.id == "file.read":
            return loop
        if "content" not in kinds or "file.read" not in self._steps.tools:
            return loop
        made = self._steps.insert("file.read", {"path": loop.path}, [loop.made])
        assert made is not None
        self._steps.draft.steps[-1]["for_each"] = loop.reference
        self._steps.draft.made[-1] = replace(made, listed=True)
        return self._lists.of("", self._steps.draft.made[-1:])

    def within(self, more: Sequence[Choice]) -> Loop | None:
        """What the clause's next tool works on: the outcome for each, or all of them at once."""
        if not more or wiring.stage_of(more[0].spec) == "out":
            return None
        return self._lists.of("", self._steps.draft.made[-1:])

    def mark(self, marker: Marker | None, clause: Clause, *, found: bool) -> None:
        if marker is None:
            return
        self._marked = (marker, clause.sentence) if found or marker.leading else None
        if not found and marker.leading:
            self._waiting.append(marker)
        elif not found:
            self._steps.draft.left += marker.spans
