"""The words of a request that no step expresses: nothing is dropped in silence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from agents.planner import lexicon, schema
from agents.planner.entities import MASKED, Text
from agents.planner.lexicon import WORDS
from agents.planner.made import Made
from backend.contracts.tools import ToolSpec

Span = tuple[int, int]
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
# words that turn what follows round, or bound it: without them the rest would say something else
_TURNING = re.compile(
    r"\b(?:not|no|never|without|except(?:\s+for)?|excluding|apart\s+from|other\s+than|instead\s+of|"
    r"rather\s+than|"
    r"until|unless|neither|nor|either|but\s+not|twice|only\s+the|(?:more|less|fewer)\s+than|"
    r"at\s+(?:most|least)|"
    r"up\s+to|(?:first|last|top)(?=\s+\d)|don't|doesn't|isn't)\b"
)
# "what it sends": whatever there is
_WHATEVER = re.compile(
    r"\bwhat(?:ever)?\s+(?:it|they|that|you|the\s+\w+)\s+(?:sends?|says?|brings?|contains?|has|"
    r"have|returns?|gives?|posts?|sees?|"
    r"finds?|found|gets?|got)\b"
)
# "the hacker news feed <url>": the name of what is given
_LABEL = re.compile(
    r"\b(?:the|my|our|this)\s+(?P<label>(?:(?!(?:to|into|as|for|by|with|and)\b)[a-z][a-z'-]*\s+){1,4})(?:at\s+|from\s+|on\s+|in\s+|"
    r":\s*)?(?=[\ue001\ue003])"
)
_RANKED = re.compile(
    r"\b(?:\w+est|most|least|first|last|second|third|next|only|top|best|worst|not|no|new|newer|"
    r"newest|half|other|same|shortest|whole)\b"
)
# one of many, or a part: never only a way of speaking
_SOME = re.compile(
    r"\b(?:the\s+)?(?:first|last|second|third|latest|newest|oldest|most\s+recent|top|bottom|next|"
    r"previous)\s+(?:entry|item|"
    r"article|post|story|headline|line|paragraph|row|page|sentence|word|one|link|title|part|half|"
    r"section|chapter|result)\b|"
    r"\b(?:(?:a\s+)?(?:few|couple\s+of)|several|some\s+of|most\s+of|half\s+of|part\s+of|parts\s+of|"
    r"half\s+the)\s+(?:of\s+)?(?:the\s+)?\w+"
)
_LINK = re.compile(r"(?:\s|\b(?:the|a|an|any|of|in|with|about|for|by|to|from|on|be)\b)*")


# outputs whose names are also said of something else
_NO_NOUNS = {"count", "first", "changed", "added", "truncated", "ok", "status"}


def content_words(plain: str) -> list[str]:
    """The words that carry work."""
    return [w for w in re.findall(r"[^\W\d_]+(?:['-][^\W\d_]+)*", plain) if w not in lexicon.FILLER]


def left_over(
    text: Text, span: Span, used: Sequence[Span], specs: Iterable[ToolSpec], made: Iterable[Made]
) -> list[Span]:
    """The places, in runs, of the words in `span` that these tools with what is `used` do not express;
    `made` are the steps whose results the words may name."""
    start, end = span
    specs = list(specs)
    known = _known(specs, made)
    # "the weather from api.example.com/weather"
    places = " ".join(e.value.lower() for e in text.between(start, end, "url"))
    known |= {schema.stem(w) for w in re.findall(r"[a-z]{4,}", places)}
    used = [*used, *(m.span() for m in _WHATEVER.finditer(text.plain, start, end))]
    used += [
        m.span("label")
        for m in _LABEL.finditer(text.plain, start, end)
        if not _RANKED.search(m["label"]) and not _verbs_in(m["label"])
    ]
    for spec in specs:  # tools asked for by their ids
        named = re.compile(re.escape(spec.id))
        used += [m.span() for m in named.finditer(text.plain, start, end)]
    runs: list[Span] = []
    for match in _WORD.finditer(text.plain, start, end):
        place = match.span()
        said = match.group()
        if any(a < place[1] and place[0] < b for a, b in used):
            continue
        if said in lexicon.FILLER or schema.stem(said) in known or MASKED.match(said):
            continue
        _add(runs, place, text.plain)
    for match in _SOME.finditer(text.plain, start, end):
        if not any(a < match.end() and match.start() < b for a, b in used):
            runs = [r for r in runs if not (match.start() <= r[0] and r[1] <= match.end())]
            runs.append(match.span())
    runs = _turned(text.plain, span, sorted(runs), used)
    runs += [
        (e.start, e.end)
        for e in text.entities
        if start <= e.start < end and not any(a < e.end and e.start < b for a, b in [*used, *runs])
    ]
    return sorted(runs)


def _verbs_in(words: str) -> bool:
    return any(word in lexicon.VERBS for word in words.split()[:-1])


def not_covered(text: Text, places: Iterable[Span]) -> tuple[str, ...]:
    """These places as the person wrote them; what lies inside another is not said twice."""
    whole: list[Span] = []
    for start, end in sorted(set(places), key=lambda s: (s[0], -s[1])):
        shown = text.plain[start:end].strip()  # what was taken out, the other does not show
        if shown and whole and end <= max(stop for _, stop in whole):
            continue
        whole.append((start, end))
    found = [_spoken(text, a, b) for a, b in whole]
    return tuple(dict.fromkeys(words[:200] for words in found if words))


def _spoken(text: Text, start: int, end: int) -> str:
    """As written, without what stands blank: a time that was understood."""
    pairs = zip(text.plain[start:end], text.said[start:end], strict=True)
    said = "".join(" " if plain == " " else written for plain, written in pairs)
    said = said if said.strip() else text.said[start:end]
    return re.sub(r"\s+([,.;])", r"\1", re.sub(r"\s+", " ", said)).strip(" ,.;:!?\n")


def _known(specs: Iterable[ToolSpec], made: Iterable[Made]) -> set[str]:
    known: set[str] = set()
    for spec in specs:
        word = WORDS.get(spec.id)
        if word is None:
            known |= schema.vocabulary(spec)
            continue
        known |= {schema.stem(w) for w in (*word.nouns, *word.verbs.split(), *word.said.split())}
    for before in made:
        if word := WORDS.get(before.spec.id):
            known |= {schema.stem(w) for w in word.nouns}
        outputs = set(before.spec.outputs.get("properties") or {}) - _NO_NOUNS
        known |= {schema.stem(o) for o in outputs}
    return known


def _add(runs: list[Span], place: Span, plain: str) -> None:
    if runs and runs[-1][1] <= place[0] and not _content_between(plain[runs[-1][1] : place[0]]):
        runs[-1] = (runs[-1][0], place[1])
    else:
        runs.append(place)


def _turned(plain: str, span: Span, runs: list[Span], used: Sequence[Span]) -> list[Span]:
    """The runs with the words before them that turn their meaning; such words alone, with the next."""
    out = list(runs)
    for found in _TURNING.finditer(plain, *span):
        if any(a < found.end() and found.start() < b for a, b in (*used, *out)):
            continue
        behind = _LINK.match(plain, found.end(), span[1])
        edge = behind.end() if behind else found.end()
        follows = next((r for r in out if r[0] == edge), None)
        if follows is not None:
            out[out.index(follows)] = (found.start(), follows[1])
            continue
        word = re.compile(r"\S+").match(plain, edge, span[1])
        if word and any(a < word.end() and word.start() < b for a, b in used):
            continue  # what it turns is expressed, and so is how
        out.append((found.start(), word.end() if word else found.end()))
    return sorted(out)


def _content_between(plain: str) -> bool:
    """Whether more than small words stand between."""
    return len(plain.split()) > 2 or bool(re.search(r"[,.;:\ue001-\ue004]", plain))
