"""A request cut into its pieces of work, in order, with their conditions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agents.planner.entities import MASKED, Text
from agents.planner.lexicon import FILLER, MESSAGE

# no pattern begins with blanks: the place of a time that was taken out is a long row of them
_BOUNDARY = re.compile(
    r"[;\n]+\s*|[.!?]+(?=\s|$)\s*|\b(?:and\s{1,9}then|and\s{1,9}also|and\s{1,9}finally|then"
    r"|after\s{1,9}that|afterwards|finally|and|but)\b(?:\s*,)?\s*|,\s*|->\s*|>>\s*"
)
_LEAD = re.compile(
    r"(?:\s|,|\b(?:please|kindly|then|also|next|finally|and|first|now|just|can you|could you|would you|"
    r"i want you to|i want to|i'd like to|i'd like you to|i would like to|"
    r"i need you to|i need to|you should|have it|let's|go and|to|hey|hi|hello|"
    r"lightning|ok|okay|"
    r"every time|each time|automatically|again)\b)*"
)
_CONDITION = re.compile(
    r"\b(?P<word>only\s+if|only\s+when|but\s+only\s+if|if\s+and\s+only\s+if|if|when|"
    r"whenever|unless|as\s+long\s+as|provided(?:\s+that)?|in\s+case)\b"
)
_DONE = re.compile(
    r"\b(?:when|once|as soon as)\s+(?:you(?:'re| are)\s+|it(?:'s| is)\s+|that(?:'s|"
    r" is)\s+|this is\s+|all is\s+|everything is\s+|they(?:'re| are)\s+)?"
    r"(?:done|finished|ready|complete[d]?|over|available)\b"
)
_ASKED = re.compile(r"\bask\s+(?:me|us)\s+$")
_LOOKED_INTO = re.compile(
    r"\b(?:check|see|ask|know|find out|decide|think about|look)\s+(?:\w+\s+)?$"
)
_LOOKING = re.compile(
    r"\W*(?:(?:please|just|and)\s+)*(?:check|look|watch|see|poll|monitor)(?:\s+(?:it|again))?\W*$"
)
_THEN_WORK = re.compile(
    r"\s(?=(?:notify|tell|alert|remind|ping|message|show)\s+(?:me|us)\b|"
    r"(?:e-?mail|mail|send|save|append)\s+(?:me\b|it\b|them\b|[\ue002\ue003]))"
)
_UNKNOWN_WORK = re.compile(r"[a-z-]{3,}\s+(?:it|them)\b")
_WORK = re.compile(
    r"(?:please\s+)?(?:ask|tell|notify|remind|show|mail|e-?mail|send|save|store|append)\s+"
    r"(?:me|it|them|this|that|the\s+(?:answer|result|summary))\b"
)
APPROVAL = re.compile(
    r"\b(?:but\s+)?(?:ask me|check with me|ask for my (?:ok|okay|approval|permission|"
    r"confirmation)|get my (?:ok|okay|approval))"
    r"(?:\s+(?:first|before(?:\s+(?:you|that|it|sending|mailing|saving|posting|doing|"
    r"writing|going on)\b[^,.;]{0,40})?))|"
    r"\b(?:only\s+)?(?:after|once|when)\s+i(?:'ve|\s+have)?\s+(?:approved?|"
    r"confirm(?:ed)?|agreed?|said\s+yes|okayed)(?:\s+(?:it|them|that))?|"
    r"\b(?:wait|ask) for my (?:ok|okay|approval|go|confirmation|"
    r"permission)(?:\s+(?:first|before\s+\w+ing(?:\s+\w+)?))?|"
    r"\bwith my (?:ok|okay|approval|confirmation)|\b(?:let me|i want to) (?:approve|"
    r"confirm|check) (?:it|them|that)(?: first)?"
)


@dataclass(frozen=True, slots=True)
class Clause:
    """One piece of work. `start`, `end` are places in the text; `condition` its words, or empty.

    `after` says that it was said to come after what stands before. `approval`: only after asking.
    """

    start: int
    end: int
    after: bool = False
    approval: bool = False
    condition: tuple[int, int] | None = None


def lead_end(plain: str, start: int) -> int:
    """Where the work begins, behind "please", "can you", "then"."""
    lead = _LEAD.match(plain, start)
    return lead.end() if lead else start


def clauses(text: Text, verbs: frozenset[str]) -> tuple[tuple[Clause, ...], Text]:
    """The clauses of a text, and the text with what was taken out of it blank.

    A clause begins only where a verb does, so that "Bob and Ann" stays one thing.
    """
    plain = text.plain
    spans = [(m.start(), m.end()) for m in _DONE.finditer(plain)]
    approvals = [(m.start(), _approval_end(m)) for m in APPROVAL.finditer(plain)]
    text = text.without(tuple(spans + approvals))
    plain = text.plain
    cuts = [(0, 0, False)]
    for match in _BOUNDARY.finditer(plain):
        said = match.group().strip()
        strong = bool(re.match(r"[;.!?\n]", said)) or "\n" in match.group()
        if not said and not match.group().startswith("\n"):
            continue
        if not strong and _is_said(plain, cuts[-1][1], match):
            continue
        if strong or _begins(plain, match.end(), verbs):
            cuts.append(
                (match.start(), match.end(), "then" in said or "after" in said or bool(strong))
            )
    cuts += [(m.start(), m.end(), False) for m in _after_conditions(plain, cuts)]
    cuts.sort()
    found: list[Clause] = []
    waiting = False
    for index, (_, begin, after) in enumerate(cuts):
        end = cuts[index + 1][0] if index + 1 < len(cuts) else len(plain)
        approval = waiting or any(cuts[index][0] <= a < max(end, begin) for a, _ in approvals)
        waiting = approval
        if begin < end and plain[begin:end].strip(" ,.;:!?"):
            waiting = False
            found.append(_conditioned(Clause(begin, end, after, approval), plain))
    return _joined(found, plain), text


def _after_conditions(plain: str, cuts: list[tuple[int, int, bool]]) -> list[re.Match[str]]:
    """Where the work begins behind a condition that leads: "if it is cold notify me"."""
    found = []
    for index, (_, begin, _) in enumerate(cuts):
        end = cuts[index + 1][0] if index + 1 < len(cuts) else len(plain)
        start = lead_end(plain, begin)
        if _CONDITION.match(plain, start) and (work := _THEN_WORK.search(plain, start, end)):
            found.append(work)
    return found


def _approval_end(found: re.Match[str]) -> int:
    """ "before you mail it to <address>": what is named there is work of its own."""
    work = re.search(r"\bbefore\s+(?:you\s+)?(?=\w)", found.group())
    named = MASKED.search(found.group()) or MASKED.match(found.string, found.end())
    return found.start() + work.end() if work and named else found.end()


def _is_said(plain: str, start: int, boundary: re.Match[str]) -> bool:
    """Whether what follows "and" is still to be said: "remind me to buy milk and call mum"."""
    message = MESSAGE.search(plain, start, boundary.start())
    if message is None or "then" in boundary.group():
        return False
    end = re.compile(r"[;.\n]|$").search(plain, boundary.end())
    rest = plain[boundary.end() : end.start() if end else len(plain)]
    return MASKED.search(rest) is None and _WORK.match(rest.strip()) is None


def _begins(plain: str, position: int, verbs: frozenset[str]) -> bool:
    start = lead_end(plain, position)
    word = re.compile(r"[a-z][a-z'-]*").match(plain, start)
    if word is None:
        return False
    if _CONDITION.match(plain, start) is not None:
        return True
    if start > 0 and _UNKNOWN_WORK.match(plain, start) and word.group() not in FILLER:
        return True
    return word.group() in verbs or re.sub(r"(?:es|s|ing)$", "", word.group()) in verbs


def _conditioned(clause: Clause, plain: str) -> Clause:
    found = next(
        (
            m
            for m in _CONDITION.finditer(plain, clause.start, clause.end)
            if not _ASKED.search(plain, clause.start, m.start())
            and not _in_message(plain, clause.start, m.start())
        ),
        None,
    )
    if found is None:
        return clause
    return Clause(
        clause.start, clause.end, clause.after, clause.approval, (found.start(), clause.end)
    )


def _in_message(plain: str, start: int, end: int) -> bool:
    """ "remind me to check if the oven is off": no condition of the plan's."""
    message = MESSAGE.search(plain, start, end)
    return message is not None and _LOOKED_INTO.search(plain, start, end) is not None


def _joined(found: list[Clause], plain: str) -> tuple[Clause, ...]:
    """A clause that is only a condition belongs to its neighbour: the next when it leads ("if …,
    mail it"), else the one before ("mail it, but only if …")."""
    out: list[Clause] = []
    pending: tuple[int, int] | None = None
    for clause in found:
        condition = clause.condition
        own = plain[clause.start : condition[0]] if condition is not None else ""
        bare = condition is not None and (not own.strip(" ,.") or bool(_LOOKING.match(own)))
        if bare and condition is not None:
            trailing = plain[condition[0] : condition[1]].startswith(("only", "but", "unless"))
            if out and trailing and out[-1].condition is None:
                last = out.pop()
                out.append(Clause(last.start, last.end, last.after, last.approval, condition))
            else:
                if pending is not None:
                    out.append(Clause(*pending, condition=pending))
                pending = condition
            continue
        if pending is not None and clause.condition is None:
            clause = Clause(clause.start, clause.end, clause.after, clause.approval, pending)
            pending = None
        out.append(clause)
    if pending is not None:
        if out and out[-1].condition is None:
            last = out.pop()
            out.append(Clause(last.start, last.end, last.after, last.approval, pending))
        else:
            out.append(Clause(*pending, condition=pending))
    return tuple(out)


def working_span(clause: Clause) -> tuple[int, int]:
    """The clause without its condition, when that stands inside it."""
    if clause.condition is not None and clause.start <= clause.condition[0] < clause.end:
        return clause.start, clause.condition[0]
    return clause.start, clause.end
