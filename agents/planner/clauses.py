"""A request cut into its pieces of work, in order, with their conditions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from agents.planner import conditions
from agents.planner.entities import Text
from agents.planner.lexicon import FILLER
from agents.planner.phrases import (
    APPROVAL,
    ASKED,
    CHECKING,
    CONDITION,
    DONE,
    LOOKED_INTO,
    LOOKING,
    SAME_WORK,
    THEN_WORK,
)
from agents.planner.pieces import Piece, approval_end, lead_end, pieces
from agents.planner.sayings import MESSAGE

Span = tuple[int, int]
_WORD = re.compile(r"[a-z][a-z'-]*")
_TRAILS = re.compile(r"\s*(?:but|only|unless|except|as\s+long|provided)\b")
MAX_TRIED = 12


@dataclass(frozen=True, slots=True)
class Clause:
    """One piece of work. `start`, `end` are places in the text; `condition` its words, or empty.

    `after` says that it was said to come after what stands before. `approval`: the words that say to
    ask about it first.
    `shared`: the condition is that of the clause before, which leads both ("if …, save it and mail
    it"). `otherwise`: the work for when the condition does not hold. `sentence` counts from 0.
    """

    start: int
    end: int
    after: bool = False
    approval: Span | None = None
    condition: Span | None = None
    shared: bool = False
    otherwise: bool = False
    sentence: int = 0


def clauses(text: Text, verbs: frozenset[str]) -> tuple[tuple[Clause, ...], Text]:
    """The clauses of a text, and the text with what was taken out of it blank.

    A clause begins only where a verb does, so that "Bob and Ann" stays one thing.
    """
    plain = text.plain
    spans = [(m.start(), m.end()) for m in DONE.finditer(plain)]
    approvals = [(m.start(), approval_end(m)) for m in APPROVAL.finditer(plain)]
    text = text.without(tuple(spans + approvals))
    found: list[Clause] = []
    for piece in pieces(text, verbs, approvals):
        found += _of_piece(piece, text, verbs)
    return _joined(found, text), text


def _of_piece(piece: Piece, text: Text, verbs: frozenset[str]) -> Iterable[Clause]:
    """The clause of a piece, or the condition and the clause that it leads."""
    plain = text.plain
    after = bool(re.search(r"then|after|\.", piece.joined))
    whole = Clause(piece.start, piece.end, after, piece.approval, sentence=piece.sentence)
    start = lead_end(plain, piece.start)
    if otherwise := conditions.OTHERWISE.match(plain, start):
        yield replace(whole, start=otherwise.end(), otherwise=True)
        return
    if CONDITION.match(plain, start) and not LOOKING.match(plain[piece.start : start]):
        work = _work_after(text, start, piece.end, verbs)
        if work is None:
            yield replace(whole, condition=(start, piece.end))
            return
        yield replace(whole, start=work, condition=(start, work))
        return
    found = _condition_inside(plain, piece)
    if found is None:
        yield whole
        return
    work = _work_after(text, found, piece.end, verbs) if _looks(plain, piece.start, found) else None
    if work is not None:
        yield replace(whole, end=work, condition=(found, work))
        yield replace(whole, start=work, approval=None)
        return
    looks = CHECKING.match(plain, start) and not _looks(plain, piece.start, found)
    if looks and not _TRAILS.match(plain, found):
        # "check <url> if it says open and mail me": what follows is conditional, not the look
        yield replace(whole, end=found)
        yield replace(whole, start=found, condition=(found, piece.end), approval=None)
        return
    yield replace(whole, condition=(found, piece.end))


def _looks(plain: str, start: int, end: int) -> bool:
    return LOOKING.match(plain[start:end]) is not None


def _work_after(text: Text, start: int, end: int, verbs: frozenset[str]) -> int | None:
    """Where the work begins behind a condition that leads: "if it is cold notify me"."""
    plain = text.plain
    tried = 0
    for place in re.compile(r"\s(?=[a-z])").finditer(plain, start, end):
        word = _WORD.match(plain, lead_end(plain, place.end()))
        if word is None or word.group() not in verbs:
            continue
        tried += 1
        if conditions.read(plain[start : place.start()], text.said[start : place.start()]):
            return place.end()
        if tried >= MAX_TRIED:
            break
    work = THEN_WORK.search(plain, start, end)
    return work.end() if work else _work_named(text, start, end)


def _work_named(text: Text, start: int, end: int) -> int | None:
    """Where a verb that we do not know begins: behind the longest part that is a condition, with
    something named that the work is about."""
    plain = text.plain
    if conditions.read(plain[start:end], text.said[start:end]):
        return None
    named = re.compile(r"\s(?=(?P<verb>[a-z]+)\s[^,]*[\ue001-\ue003])")
    for place in reversed(list(named.finditer(plain, start, end))):
        words = slice(start, place.start())
        if place["verb"] not in FILLER and conditions.read(plain[words], text.said[words]):
            return place.end()
    return None


def _condition_inside(plain: str, piece: Piece) -> int | None:
    """Where a condition begins behind the work: "mail it if it changed"."""
    for found in CONDITION.finditer(plain, piece.start, piece.end):
        asked = ASKED.search(plain, piece.start, found.start())
        if not asked and not _in_message(plain, piece.start, found.start()):
            return found.start()
    return None


def _joined(found: list[Clause], text: Text) -> tuple[Clause, ...]:
    """A clause that is only a condition belongs to its neighbours: those behind it when it leads
    ("if …, mail it and save it"), else the one before ("mail it, but only if …")."""
    plain = text.plain
    out: list[Clause] = []
    pending: Clause | None = None
    leading: Clause | None = None
    for index, clause in enumerate(found):
        if _bare(clause, plain):
            more = [c for c in found[index + 1 :] if c.sentence == clause.sentence]
            last = not more or more[0].otherwise
            if _trails(clause, out, plain, last=last) and out[-1].condition is None:
                out[-1] = _with(out[-1], clause)
            else:
                out += _alone(pending)
                pending = clause
            continue
        if clause.condition is not None:
            out += _alone(pending)
            pending = None
            leads = clause.condition[1] <= clause.start
            leading = clause if leads else None
        elif pending is not None:
            clause = _with(clause, pending)
            pending, leading = None, clause
        elif clause.otherwise:
            before = leading or next((c for c in reversed(out) if c.condition), None)
            condition = before.condition if before else None
            clause = replace(clause, condition=condition, shared=True)
            leading = clause
        elif leading is not None and leading.sentence == clause.sentence:
            clause = replace(
                clause, condition=leading.condition, shared=True, otherwise=leading.otherwise
            )
        else:
            leading = None
        out.append(clause)
    if pending is not None and out and out[-1].condition is None:
        out[-1] = _with(out[-1], pending)
        pending = None
    return (*out, *_alone(pending))


def _with(clause: Clause, bare: Clause) -> Clause:
    """The clause under the condition, and behind the question, of one that has no work."""
    asked = clause.approval or bare.approval
    return replace(clause, condition=bare.condition, approval=asked)


def _bare(clause: Clause, plain: str) -> bool:
    """Whether there is nothing but a condition."""
    if clause.condition is None or clause.condition[1] <= clause.start:
        return False
    own = plain[clause.start : clause.condition[0]]
    return not own.strip(" ,.") or bool(LOOKING.match(own)) or bool(SAME_WORK.match(own))


def _trails(clause: Clause, out: list[Clause], plain: str, *, last: bool) -> bool:
    if not out or clause.condition is None:
        return False
    words = plain[clause.condition[0] : clause.condition[1]]
    led = re.search(r"\b(?:and|then)\s*,?\s*$", plain[: clause.start]) is not None
    own = plain[clause.start : clause.condition[0]].strip(" ,.")
    same = bool(own) and SAME_WORK.match(own) is not None
    reads = CHECKING.match(plain, lead_end(plain, out[-1].start)) is not None
    return same or last or (not led and not reads and _TRAILS.match(words) is not None)


def _alone(pending: Clause | None) -> list[Clause]:
    """A condition that leads nothing: what it looks at is still read."""
    if pending is None or pending.condition is None:
        return []
    return [replace(pending, start=pending.condition[0], end=pending.condition[1])]


def _in_message(plain: str, start: int, end: int) -> bool:
    """ "remind me to check if the oven is off": no condition of the plan's."""
    message = MESSAGE.search(plain, start, end)
    return message is not None and LOOKED_INTO.search(plain, start, end) is not None


def working_span(clause: Clause) -> Span:
    """The clause without its condition, when that stands inside it."""
    if clause.condition is not None and clause.start <= clause.condition[0] < clause.end:
        return clause.start, clause.condition[0]
    return clause.start, clause.end
