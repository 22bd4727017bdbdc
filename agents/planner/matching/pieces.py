"""A request cut into pieces of work, each from its verb to the next."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agents.planner.matching.acts import THINGS_TOO, VERBS, of_words
from agents.planner.matching.words import ACT_OF, STOP, masked, stem

MAX_PIECES = 24
_CUT = re.compile(
    r"(?<=[.;!?])\s+(?=\S)|\s*[;\n]\s*|,\s+|\s+(?:and then|and|then|but|while|followed by|before|after|"
    r"once|as well as|by)\s+(?=[A-Za-z])",
    re.I,
)
_LEAD = re.compile(
    r"[\s,]*(?:(?:and|then|also|but|so|or|first|firstly|second|secondly|thirdly|next|finally|lastly|"
    r"afterwards?|after that|additionally|moreover|furthermore|besides|in addition|at the same time|"
    r"meanwhile|please|kindly|can you|could you|would you|will you|help me to|help me|help|"
    r"i(?:'d| would) like you to|i(?:'d| would) (?:also )?like to|i would also like you to|"
    r"i(?:'d| would) like|i (?:also )?(?:want|need|wish|hope|plan|have) (?:you )?to|"
    r"i (?:also )?(?:want|need|hope|wish)|i will|i'll|i am|i'm|i|we|want to|need to|like to|would like to|"
    r"want|need|would also like to|would like|to|looking to|going to|planning to|hoping to|for me|let me|"
    r"let's|be able to|immediately|directly|just|now|once again|again|proceed to|make sure to|make sure|"
    r"ensure that|ensure|that|if possible|ask you to|ask|request(?: you)? to|do you|you|must|should)"
    r"(?![A-Za-z'-])[\s,]*)*",
    re.I,
)
# "call after sending the message": what was said before, not work of its own
_AGAIN = re.compile(r"\b(?:after|before|once)\b", re.I)
_ASKS = re.compile(r"\s*(?:please|i (?:want|need|would|also))", re.I)
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")
_DETERMINERS = of_words(
    "a an the my our your his her their its this these that those it them me us all some another any one"
    " two three each every"
)
_NO_VERBS = of_words(
    "which whose including regarding during under over between about because since due both either only"
    " until where while without within along according such like per whether except plus given"
)
_BEHIND_THINGS = of_words("is are number address id of was to with from for at in")
_POINTS = re.compile(r"\b(?:it|this|them|that)\b")


@dataclass(frozen=True, slots=True)
class Piece:
    """Places in the request: from `start` to `end`, the work itself from `work` on."""

    start: int
    end: int
    work: int


def pieces(text: str, verbs: frozenset[str]) -> tuple[Piece, ...]:
    """At least one for a text with words. `verbs` are stems that begin tools' names."""
    plain = masked(text)
    cuts = [(0, 0)]
    acts = {_act(plain, _work(plain, 0))}
    for cut in _CUT.finditer(plain):
        if len(cuts) == MAX_PIECES:
            break
        work = _work(plain, cut.end())
        said_anew = (
            plain[cut.start() - 1 : cut.start()] in (".", ";", "!", "?")
            and work - cut.end() > 3
            and _ASKS.match(plain, cut.end())
        )
        act = _act(plain, work)
        again = act is not None and act in acts and _AGAIN.search(cut.group())
        if (_is_verb(plain, work, verbs) and not again) or said_anew:
            cuts.append((cut.start(), cut.end()))
            acts.add(act)
    spans: list[tuple[int, int]] = []
    unfinished = False
    for index, (_, begin) in enumerate(cuts):
        end = cuts[index + 1][0] if index + 1 < len(cuts) else len(plain)
        if end <= begin:
            continue
        if unfinished:
            begin = spans.pop()[0]
        spans.append((begin, end))
        unfinished = _lacks_object(plain[_work(plain, begin) : end])
    return tuple(Piece(start, end, min(_work(plain, start), end)) for start, end in spans)


def _work(plain: str, start: int) -> int:
    lead = _LEAD.match(plain, start)
    return lead.end() if lead else start


def _act(plain: str, work: int) -> str | None:
    word = _WORD.match(plain, work)
    return ACT_OF.get(stem(word.group().lower())) if word else None


def _lacks_object(work: str) -> bool:
    """ "find and analyze the reviews": what is to be found comes with the next verb."""
    words = [w for w in re.findall(r"[a-z]+", work.lower()) if w not in STOP]
    return len(words) < 2 and _POINTS.search(work) is None


def _is_verb(plain: str, place: int, verbs: frozenset[str]) -> bool:
    found = _WORD.match(plain, place)
    if found is None:
        return False
    word = found.group().lower()
    behind = plain[found.end() : found.end() + 40].lstrip()
    following = _WORD.match(behind)
    following_word = following.group().lower() if following else ""
    if word not in THINGS_TOO or (following and following_word not in _BEHIND_THINGS):
        base = word[:-3] if word.endswith("ing") else word
        stemmed = stem(word)
        if stemmed in ACT_OF or stemmed in verbs or {word, base, f"{base}e"} & VERBS:
            return True
    if found.group()[0].isupper() or word in STOP | _DETERMINERS | _NO_VERBS:
        return False
    if len(word) < 3 or word.endswith("ly"):
        return False
    # any word before "the" or "my" that begins a piece is its verb
    return following_word in _DETERMINERS and plain[found.end() : found.end() + 1] == " "
