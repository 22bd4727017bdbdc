"""Words that are nearly ones we know: read as those, where nothing else can be made of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from agents.planner import lexicon
from agents.planner.times.words import listed

SHORTEST = 4
_WORD = re.compile(r"(?<![\w@./:'-])[a-z]{3,}(?![\w@/:'-]|\.\w)")
_TIMES = listed(
    "every each daily weekly monthly hourly today tomorrow tonight morning afternoon evening night noon "
    "midnight monday tuesday wednesday thursday friday saturday sunday weekday weekdays weekend weekends "
    "january february march april june july august september october november december hour hours minute "
    "minutes week weeks month months year once twice first second third last next"
)


@lru_cache(1)
def _known() -> frozenset[str]:
    """Every word that we read anything into."""
    words = {*lexicon.FILLER, *lexicon.VERBS, *_TIMES}
    for word in lexicon.WORDS.values():
        words |= {*word.nouns, *word.verbs.split(), *word.said.split()}
    return frozenset(word for word in words if word.isalpha() and len(word) > 2)


def respelled(said: str, doubtful: Iterable[str]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The text with the words of `doubtful` that are one slip away from exactly one known word put
    right, and the pairs of what was written and what it was taken for."""
    wanted = {word for words in doubtful for word in re.findall(r"[a-z]+", words.lower())}
    read: list[tuple[str, str]] = []

    def put_right(found: re.Match[str]) -> str:
        word = found.group()
        right = _nearest(word) if word in wanted else ""
        if not right:
            return word
        read.append((word, right))
        return right

    return _WORD.sub(put_right, said), tuple(dict.fromkeys(read))


@lru_cache(4_000)
def _nearest(word: str) -> str:
    if word in _known():
        return ""
    swapped = {word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1)}
    found = sorted(swapped & _known())
    if not found and len(word) >= SHORTEST:
        found = [known for known in _known() if known[0] == word[0] and _one_apart(word, known)]
    if len(found) != 1:
        return ""
    # a word read as one that says nothing would be dropped: only where its letters are all there
    says_nothing = found[0] in lexicon.FILLER and found[0] not in lexicon.VERBS
    return "" if says_nothing and (len(word) > 3 or found[0] not in swapped) else found[0]


def _one_apart(one: str, other: str) -> bool:
    """Whether a letter more, less or other makes one of the other."""
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1:
        return False
    same = next(
        (i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short)
    )
    return short[same + (len(short) == len(long)) :] == long[same + 1 :]
