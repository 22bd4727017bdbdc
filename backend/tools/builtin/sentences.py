"""Summaries without a model: sentences are picked by the words they share with the whole text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

MAX_CHARS = 400_000
MAX_SENTENCES = 2_000
MIN_WORDS = 4
# A word said once weighs little; a sentence of fewer words than a full one gains nothing by it.
ONCE = 0.3
FULL_WORDS = 6
_MARKS = tuple(".!?…؟।。！？")
_END = re.compile(r"(?<=[.!?…؟।])[\"'”’»)\]]*\s+|(?<=[。！？])|\n+")
_CJK = re.compile(r"[぀-ヿ㐀-鿿가-힯]")
_WORD = re.compile(r"\w+")
_MARKUP = re.compile(r"^(?:#{1,6}\s+|[-*•]\s+|>\s+|\d+\.\s+)")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:[A-Z]|mr|mrs|ms|dr|prof|st|no|vs|etc|e\.g|i\.e|approx|fig|jr|sr|inc|ltd|co|"
    r"z\.\s?b|bzw|ca|d\.\s?h|nr|usw|str|abs|sog|u\.\s?a|p\.\s?ex|cf|env|av|mme|mlle|sra|srta|"
    r"jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec)\.$",
    re.IGNORECASE,
)
_COMMON_WORDS = """
a about after all also an and any are as at be been but by can could did do for from had has
have he her his how i if in into is it its just like more most my new no not now of on one or
our out over said she should so some such than that the their them then there these they this
to up us was we were what when which who will with would you your
aber alle als am auch auf aus bei bis das dass dem den der des die durch ein eine einem einen
einer er es für hat ich ihr im ist kann man mit nach nicht noch nur oder sein sich sie sind so
über um und uns vom von vor war was wenn wie wir wird zu zum zur
au aux avec ce ces cette comme dans de des du elle en est et être il ils je la le les leur lui
mais même ne nous on ou par pas plus pour qu que qui sa sans se ses son sont sur tout un une
vous al algo como con cuando del donde el ella entre era es esta este esto fue ha hay las lo
los más muy para pero por se si sin sobre su sus también un una uno unos y ya
che chi con da dei del della di gli ha il in io lei lui nel nella non per più quando questo se
sono una uno e o os as do da dos das em no na nos nas ao à um uma não mais foi ser são
aan bij dan dat deze dit door een en er haar heeft het hij hoe ik je maar meer met naar niet
nog of om onder ook op te tot uit van veel voor wat werd wij zal ze zich zijn"""
_COMMON = frozenset(_COMMON_WORDS.split())


def split(text: str) -> list[str]:
    """The sentences of a text in any of the languages that end them with a mark or a line."""
    found: list[str] = []
    start = 0
    text = text[:MAX_CHARS]
    for end in _END.finditer(text):
        before = text[start : end.start()]
        if "\n" not in end.group() and _continues(before, text[end.end() : end.end() + 1]):
            continue
        found.append(text[start : end.end()])
        start = end.end()
    found.append(text[start:])
    clean = (_MARKUP.sub("", " ".join(each.split())) for each in found)
    return [each for each in clean if each][:MAX_SENTENCES]


def _continues(before: str, following: str) -> bool:
    """Whether a mark ends no sentence: after an abbreviation, or before a small letter."""
    return following.islower() or bool(_ABBREVIATION.search(before[-12:]))


def is_telling(sentence: str) -> bool:
    """Whether it is a whole sentence, not a heading, a caption or an exclamation."""
    return sentence.rstrip("\"'”’»)]")[-1:] in _MARKS and len(words(sentence)) >= MIN_WORDS


def words(text: str) -> list[str]:
    """The words that carry meaning, in lower case; pairs of characters where words are not spaced."""
    found: list[str] = []
    for word in _WORD.findall(text.lower()):
        if _CJK.search(word):
            found += [word[i : i + 2] for i in range(max(1, len(word) - 1))]
        elif word not in _COMMON and (len(word) > 2 or word.isdigit()):
            found.append(word)
    return found


def pick(sentences: Sequence[str], count: int, focus: Collection[str] = ()) -> list[int]:
    """The `count` sentences that say most of the whole, as indexes in reading order.

    A sentence is worth the average weight of its words; words already said weigh less, and a
    sentence that adds none is left out; early sentences and those about the `focus` words weigh more.
    """
    tokens = [words(each) for each in sentences]
    frequency = Counter(word for each in tokens for word in each)
    weight = {word: times**0.8 if times > 1 else ONCE for word, times in frequency.items()}
    wanted = set(focus)
    left = {index for index, each in enumerate(tokens) if each}
    picked: list[int] = []
    said: set[str] = set()

    def worth(index: int) -> tuple[float, int]:
        each = set(tokens[index])
        mean = sum(weight[word] for word in each) / max(len(each), FULL_WORDS) ** 0.75
        early = 1 + 1 / (1 + index)
        return mean * early * (1 + 3 * len(each & wanted)), -index

    while left and len(picked) < count:
        best = max(left, key=worth)
        picked.append(best)
        said |= set(tokens[best])
        left = {index for index in left if not said.issuperset(tokens[index])}
        for word in set(tokens[best]):
            weight[word] *= 0.5
    return sorted(picked)
