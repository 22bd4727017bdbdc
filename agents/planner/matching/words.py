"""Words of requests and of tools, made comparable: stems, acts, the kinds of things that are named."""

from __future__ import annotations

import re
from functools import lru_cache

from agents.planner import schema
from agents.planner.matching.acts import ACTS, of_words

# neither a space nor part of a word
MASK = "\ue000"
STOP = of_words(
    "a an the of to for in on at by with and or my me i you your we our us it its this that these those"
    " is are was be been am will would could can please help need want like as from into using use used"
    " based specified specific particular given so if then also after before when where which who whom"
    " what how there their them he she his her him they do does did has have had not no any some all"
    " each one more most very just than too about user users tool tools api service services information"
    " info data related provide provides system let make sure via through per new"
)
_IRREGULAR = {
    "people": "person",
    "individuals": "person",
    "children": "child",
    "men": "man",
    "women": "woman",
}
_QUOTED = re.compile(r"(?<!\w)(['\"“‘])(?=\S)(.{1,400}?)(?<=\S)(['\"”’])(?!\w)", re.S)
# what is named in a request, and the words tools use for it
_KINDS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.]+"), ("email",)),
    (re.compile(r"https?://\S+|\bwww\.\S+"), ("url", "website")),
    (
        re.compile(
            r"(?<![:/\w])(?:[A-Za-z]:)?[\\/][\w ./\\-]+|\b[\w-]+\.(?:txt|docx?|xlsx?|pdf|pptx?|csv|md|"
            r"json|zip|png|jpe?g|mp[34]|wav)\b",
            re.I,
        ),
        ("file",),
    ),
    (
        re.compile(
            r"\b(?:USD|EUR|GBP|JPY|CNY|RMB|INR|CHF|AUD|CAD|KRW|HKD|BTC|ETH)\b|"
            r"\b(?:dollars?|euros?|yens?|yuan|rupees?|francs?)\b"
        ),
        ("currency",),
    ),
    (re.compile(r"\bwho(?:se)?\b", re.I), ("person",)),
    (
        re.compile(
            r"\b(?:by|of)\s+[A-Z][a-z]+\s+(?:[A-Z][a-z.]*\s*)+|\b[A-Z][a-z]+ [A-Z][a-zA-Z]+'s"
        ),
        ("person",),
    ),
    (re.compile(r"\bwhen\b(?=.*\?)", re.I), ("date", "time")),
    (re.compile(r"\bwhere\b(?=.*\?)", re.I), ("location",)),
    (re.compile(r"\bhow much\b", re.I), ("price", "amount")),
)


@lru_cache(maxsize=10_000)
def stem(word: str) -> str:
    return schema.stem(_IRREGULAR.get(word, word))


ACT_OF: dict[str, str] = {}
for _act, _words in ACTS.items():
    for _word in _words.split():
        ACT_OF.setdefault(stem(_word), _act)
ACT_NAMES = tuple(sorted(ACTS))


def tokens(text: str) -> list[str]:
    """The stems of a text's meaningful words, in order."""
    words = re.findall(r"[a-z]+", text.lower())
    return [stem(w) for w in words if w not in STOP and len(w) > 1]


def spoken(id: str) -> str:
    """A tool's id as words: "GetMovieCredit" and "get_movie_credit" alike."""
    apart = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", id)
    apart = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", apart)
    return re.sub(r"[_\W]+", " ", apart).strip()


def masked(text: str) -> str:
    """The text with `MASK` for each character of what is quoted: it is said, not meant."""
    return _QUOTED.sub(lambda m: MASK * len(m.group()), text)


def kinds_named(text: str) -> list[str]:
    """Stems of the words tools use for what is named here: an address, a file, a person."""
    return [stem(word) for pattern, words in _KINDS if pattern.search(text) for word in words]


def main_act(text: str) -> str | None:
    """What a tool of this name does: the act its name begins with, else the last in it ("alarm set",
    "ticket booking query")."""
    words = [stem(w) for w in re.findall(r"[a-z]+", text.lower())]
    acts = [(place, ACT_OF[word]) for place, word in enumerate(words) if word in ACT_OF]
    if not acts:
        return None
    return acts[0][1] if acts[0][0] == 0 else acts[-1][1]
