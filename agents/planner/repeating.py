"""Work for each of many: the loop that a clause begins, and those that go on with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from agents.planner import choose, loops, schema, wiring
from agents.planner.choose import Choice
from agents.planner.clauses import Clause
from agents.planner.drafts import Span
from agents.planner.loops import PEOPLE, Lists, Loop, Marker
from agents.planner.made import Made, narrowed
from agents.planner.slots import SAID, Filling
from agents.planner.steps import Steps

_FILES = frozenset(schema.stem(w) for w in ("file", "document"))
_THE = re.compile(
    r"\b(?:the|all|my|its)\s+(?P<noun>links|urls|pages|sites|addresses|emails|subscribers|guests|recipients|files|lines|rows|entries|items|posts)\b"
)


class Repeating:
    """Remembers, over the clauses of a request, what is done for each."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._lists = Lists(steps.draft, steps.insert)
        self._marked: tuple[Marker, int] | None = None
        self._held: dict[Marker, Made | None] = {}  # what was read because it holds the things
        self._noun = ""  # what was spoken of as many, last
        self._waiting: list[Marker] = []  # said to be done for each, by a clause still to come

    @property
    def looping(self) -> bool:
        return self._marked is not None

    def waiting(self) -> list[Span]:
        """The places of "for each …" that no work followed."""
        return [span for marker in self._waiting for span in marker.spans]

    def source(self, marker: Marker, span: Span) -> list[Span]:
        """What holds the things is read first; the places of the words that say where they are."""
        steps, text = self._steps, self._steps.text
        if marker.place is not None:
            held = next(e for e in text.entities if e.start == marker.place[0])
            reader = (
                "file.read"
                if held.kind == "file"
                else choose.reader_of(held.value, text.plain[slice(*span)])
            )
            if reader in steps.tools:
                name = "path" if held.kind == "file" else "url"
                self._held[marker] = steps.insert(reader, {name: held.value}, [])
                steps.draft.sources[f"{steps.draft.made[-1].name}.{name}"] = SAID
        elif schema.stem(marker.noun) in _FILES and not any(
            m.spec.id == "file.list" for m in steps.draft.made
        ):
            return self._folder(span)
        return []

    def _folder(self, span: Span) -> list[Span]:
        """The files that are meant: of a folder, of a kind."""
        spec = self._steps.tools.get("file.list")
        if spec is None:
            return []
        filled = Filling(spec, self._steps.text, span, (), ()).fill()
        made = self._steps.insert(spec.id, filled.args, [])
        if made is not None:
            self._steps.draft.sources |= {f"{made.name}.{arg}": SAID for arg in filled.args}
        return filled.spans

    def loop(self, marker: Marker, choice: Choice) -> Loop | None:
        """The list that a marker means."""
        noun = marker.noun or self._noun
        if choice.spec.id == "email.send" and schema.stem(noun) in PEOPLE:
            noun = "emails"
        held = self._held.get(marker)
        earlier = self._steps.earlier()
        return self._lists.of(noun, [narrowed(held, earlier)] if held else earlier)

    def heard(self, clause: Clause, span: Span) -> None:
        """ "go through the links in x.md": what later "them" are."""
        if found := _THE.search(self._steps.text.plain, *span):
            self._noun = found["noun"]

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
        reader, name, value = (
            ("file.read", "path", loop.path)
            if loop and loop.kind == "file"
            else ("web.read", "url", loop.address if loop else "")
        )
        if (
            loop is None
            or loop.kind not in ("file", "url")
            or choice.spec.id in (reader, "http.get")
        ):
            return loop
        opens = loop.kind == "file" or (
            wiring.stage_of(choice.spec) == "change" and choice.spec.id != "json.query"
        )
        if (
            "content" not in schema.roles(choice.spec)
            or not opens
            or reader not in self._steps.tools
        ):
            return loop
        made = self._steps.insert(reader, {name: value}, [loop.made])
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
