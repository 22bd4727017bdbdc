"""Parts of a list: the entries about something, without some, sorted, the new ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agents.planner import picks, schema
from agents.planner.drafts import Draft, Span
from agents.planner.entities import Text
from agents.planner.made import Made

Insert = Callable[[str, Mapping[str, Any], Sequence[str], str], Made | None]
_NEWS = re.compile(
    r"\bwhat(?:'s|s| is| has| was)? (?:new|changed|different)\b(?:\s+(?:since|from)\s+"
    r"(?:(?:the\s+)?last\s+(?:time|run|look)|yesterday|then|before))?|"
    r"\b(?:any|the|all|only|just)?\s*(?:new|unseen|unread|fresh)\s+(?:entries|entry|items?|posts?|"
    r"articles?|stories|"
    r"headlines?|ones|files|results|listings?|offers?|jobs?|lines?)\b(?:\s+(?:since|from)"
    r"\s+(?:(?:the\s+)?last\s+(?:time|run|look)|yesterday|then|before))?|"
    r"\b(?:anything|everything|only what is|just what is|what is)\s+new\b|\bthe\s+(?:changes|"
    r"differences)\b"
)


class Narrowing:
    """Adds the steps that narrow what earlier steps of `draft` give."""

    def __init__(self, draft: Draft, text: Text, insert: Insert) -> None:
        self._draft = draft
        self.text = text
        self._insert = insert

    def concerns(self, span: Span) -> bool:
        """Whether a clause says nothing else."""
        if self._list() is None:
            return False
        about = picks.ABOUT.search(self.text.plain, *span)
        return (about is not None and about["only"] is not None) or any(
            pattern.search(self.text.plain, *span) for pattern in (picks.EXCEPT, picks.SORTED)
        )

    def says(self, span: Span) -> bool:
        """Whether a clause says how to narrow what it reads."""
        return any(p.search(self.text.plain, *span) for p in (picks.EXCEPT, picks.SORTED))

    def select(self, span: Span) -> list[Span]:
        """The places of the words that the new steps express."""
        spans: list[Span] = []
        for pattern, out in ((picks.EXCEPT, True), (picks.ABOUT, False)):
            for found in list(pattern.finditer(self.text.plain, *span)):
                if any(a < found.end() and found.start() < b for a, b in spans):
                    continue
                if query := self._filter(found, out=out):
                    spans += self._queried(query, found.span())
        if order := picks.SORTED.search(self.text.plain, *span):
            query = picks.sort_query(order["field"], down=bool(order["down"]))
            spans += self._queried(query, order.span())
        if counted := picks.COUNTED.search(self.text.plain, *span):
            spans += self._queried("length(@)", counted.span())
        return spans

    def fields(self, span: Span) -> list[Span]:
        """ "save the price field", "mail me the names": a part of the data that was read."""
        made = self._source()
        if (
            made is None
            or made.spec.id not in ("http.get", "feed.read", "file.read")
            or made.listed
        ):
            return []
        if made.spec.id == "file.read" and not self._json_file(made):
            return []
        part = picks.parts(self.text, span, (made,))
        if part is None:
            return []
        output = "entries" if made.spec.id == "feed.read" else "json"
        args = {"data": f"${{{made.name}.{output}}}", "query": part[0]}
        picked = self._insert("json.query", args, [made.name], made.name)
        return part[1] if picked else []

    def _json_file(self, made: Made) -> bool:
        step = next(s for s in self._draft.steps if s["name"] == made.name)
        return str(step["args"].get("path", "")).lower().endswith(".json")

    def says_news(self, span: Span) -> Span | None:
        found = _NEWS.search(self.text.plain, *span)
        return found.span() if found else None

    def news(self, span: Span) -> list[Span]:
        """ "the new entries": those that were not there last time."""
        found = _NEWS.search(self.text.plain, *span)
        source = self._source()
        if found is None or source is None:
            return []
        if any(m.spec.id == "watch.changed" for m in self._draft.made):
            return [found.span()]
        output = schema.output_for(source.spec, "text", {})
        if output is None or source.listed:
            return []
        args = {"value": f"${{{source.name}.{output[0]}}}", "memory": "${run.plan_id}"}
        made = self._insert("watch.changed", args, [source.name], source.name)
        return [found.span()] if made else []

    def _filter(self, found: re.Match[str], *, out: bool) -> str:
        start, end = found.span("what")
        what = re.sub(r"\s+", " ", self.text.said[start:end]).strip(" \"'“”‘’.,;:!?")
        what = re.sub(r"^(?:the|an?)\s+", "", what)
        field = "" if out else str(found["field"] or "").replace("text", "summary")
        return picks.filtered(what, field, out=out) if what else ""

    def _queried(self, query: str, place: Span) -> list[Span]:
        made = self._list()
        if made is None:
            return []
        path = self._path(made)
        args = {"data": f"${{{path}}}", "query": query}
        picked = self._insert("json.query", args, [made.name], made.name)
        return [place] if picked else []

    def _list(self) -> Made | None:
        """The nearest list of things."""
        for made in reversed(self._draft.made):
            if made.goes_out or made.quiet:
                continue
            if self._path(made):
                return made
        return None

    def _path(self, made: Made) -> str:
        output = {"feed.read": "entries", "json.query": "result", "watch.changed": "added",
                  "file.list": "files", "http.get": "json"}.get(made.spec.id)  # fmt: skip
        if made.spec.id == "file.read" and self._json_file(made):
            output = "json"
        return f"{made.name}.{output}" if output and not made.listed else ""

    def _source(self) -> Made | None:
        """What is looked at again and again: the nearest that was read, or picked from it."""
        for made in reversed(self._draft.made):
            if not made.goes_out and not made.quiet and made.spec.id != "human.ask":
                return made
        return None
