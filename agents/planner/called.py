"""The values a request gives for a saved plan's inputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.planner import schema
from agents.planner.entities import Entity, Kind, Text
from backend.contracts.tools import ToolSpec

Span = tuple[int, int]
_KINDS: dict[schema.Role, Kind] = {"url": "url", "email": "email", "path": "file"}
_ABOUT = re.compile(
    r"\b(?:about|on|for|of|regarding|concerning|titled|called|named)\s+(?:the\s+topic\s+(?:of\s+)?)?"
    r"(?P<said>[^,;.\n]{2,200})"
)
_ARTICLE = r"(?:with\s+)?(?:the\s+|an?\s+)?"
_JOINING = re.compile(r"(?:\s*,?\s*\b(?:and|then|also|with)\b)+$")
_NUMBER = re.compile(r"(?<![\w.])-?\d{1,9}(?:\.\d{1,6})?(?![\w.]*\w)")


@dataclass(slots=True)
class Inputs:
    """`values` by input; `spans` the places of their words; `taken` the values as they were said."""

    values: dict[str, Any] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)

    def put(self, name: str, value: Any, *places: tuple[Span, str]) -> None:
        self.values[name] = value
        self.spans += [span for span, _ in places]
        self.taken += [said for _, said in places]


def filled_inputs(spec: ToolSpec, text: Text, span: Span) -> Inputs:
    """What text[span] says for the inputs of `spec`: first by name ("to=…", "topic: …"), then what can
    only be meant for one of them."""
    out = labelled_inputs(spec, text, span)
    fields = schema.properties(spec)
    for name, wanted in fields.items():
        if name not in out.values and (kind := _KINDS.get(schema.role(name, wanted))):
            _by_kind(out, name, wanted, text.between(*span, kind))
    words = [n for n in fields if n not in out.values and _is_text(n, fields[n])]
    quoted = _free(out, text.between(*span, "quoted"))
    for name, entity in zip(words, quoted, strict=False):
        out.put(name, entity.value, ((entity.start, entity.end), entity.value))
    words = [name for name in words if name not in out.values]
    if len(words) == 1 and (found := _ABOUT.search(text.plain, *span)):
        _in_words(out, words[0], text, found.span(), found.span("said"))
    _answered(out, spec, text, span)
    return out


def labelled_inputs(spec: ToolSpec, text: Text, span: Span) -> Inputs:
    """What text[span] says by name: "to=…", "topic: …"."""
    out = Inputs()
    for name, wanted in schema.properties(spec).items():
        _by_name(out, name, wanted, text, span)
    return out


def _in_words(out: Inputs, name: str, text: Text, whole: Span, place: Span) -> None:
    named = [e.start for e in text.entities if place[0] <= e.start < place[1]]
    place = (place[0], min(named, default=place[1]))
    said = _said(text, place)
    if said and not any(a < place[1] and place[0] < b for a, b in out.spans):
        out.put(name, said, ((whole[0], place[1]), said))


def _answered(out: Inputs, spec: ToolSpec, text: Text, span: Span) -> None:
    """A line of its own answers what was asked: the first input that nothing gives a value."""
    line = text.said.find("\n", *span)
    open_ = [name for name in spec.inputs.get("required", ()) if name not in out.values]
    if line < 0 or not open_ or any(a > line for a, _ in out.spans):
        return
    said = _said(text, (line, span[1]))
    value = _typed(said, schema.properties(spec)[open_[0]]) if said else None
    if value is not None:
        out.put(open_[0], value, ((line, span[1]), said))


def _said(text: Text, place: Span) -> str:
    """The words there as the person wrote them, without those already read as something else."""
    kept = [
        said if plain != " " else " "
        for said, plain in zip(text.said[slice(*place)], text.plain[slice(*place)], strict=True)
    ]
    return _JOINING.sub("", " ".join("".join(kept).split())).strip(" ,;.")


def _by_name(out: Inputs, name: str, wanted: Mapping[str, Any], text: Text, span: Span) -> None:
    label = _ARTICLE + r"[\s_-]+".join(map(re.escape, re.split(r"[_-]+", name.lower())))
    pattern = re.compile(
        rf"(?<![\w-]){label}\s*(?:=|:|\bis\b|\bset\s+to\b)\s*(?P<said>[^,;\n]{{1,500}})"
    )
    found = pattern.search(text.plain, *span)
    if found is None and schema.role(name, wanted) == "number":
        found = re.compile(rf"(?<![\w-]){label}\s+(?:of\s+|to\s+)?(?P<said>\d+)").search(
            text.plain, *span
        )
    if found is None:
        return
    start, end = found.span("said")
    cut = re.search(r"\s+(?:and|with)\s+[\w -]{1,40}?\s*[=:]", text.plain[start:end])
    end = start + cut.start() if cut else end
    named = [e for e in text.entities if start <= e.start and e.end <= end]
    said = named[0].value if len(named) == 1 else _said(text, (start, end))
    value = _typed(said, wanted)
    if value is not None:
        out.put(name, value, ((found.start(), end), said))


def _by_kind(
    out: Inputs, name: str, wanted: Mapping[str, Any], entities: tuple[Entity, ...]
) -> None:
    free = _free(out, entities)
    if not free:
        return
    chosen = free if schema.takes_list(wanted) else free[:1]
    values = [entity.value for entity in chosen]
    value = values if schema.takes_list(wanted) else values[0]
    out.put(name, value, *(((e.start, e.end), e.value) for e in chosen))


def _free(out: Inputs, entities: tuple[Entity, ...]) -> list[Entity]:
    return [e for e in entities if not any(a <= e.start < b for a, b in out.spans)]


def _is_text(name: str, wanted: Mapping[str, Any]) -> bool:
    return schema.role(name, wanted) in ("words", "content")


def _typed(said: str, wanted: Mapping[str, Any]) -> Any:
    """What was said as the kind of value the input takes; None when it is none."""
    match wanted.get("type"):
        case "integer" | "number" as kind:
            found = _NUMBER.fullmatch(said.strip())
            return None if found is None else int(said) if kind == "integer" else float(said)
        case "boolean":
            return {"yes": True, "true": True, "on": True, "no": False, "false": False}.get(said)
        case "array":
            return [part.strip() for part in re.split(r",|\band\b", said) if part.strip()]
        case "object":
            return None
    options = schema.options(wanted)
    return said if not options or said in options else None
