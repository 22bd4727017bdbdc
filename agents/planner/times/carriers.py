"""Sentences that only carry a time: "remind me …", "… send me the report", "standup …"."""

from __future__ import annotations

import re

from agents.planner.times import words

Span = tuple[int, int]

_POLITE = (
    r"(?:(?:please|hey|hi|ok(?:ay)?|so|and|then|also|just|now|lightning|kindly)[\s,]+|"
    r"(?:can|could|would|will)\s+you\s+(?:please\s+)?|"
    r"(?:i|we)(?:'d|\s+would)?\s+(?:like|want|need|have)\s+(?:(?:you|it)\s+)?(?:to\s+)?|"
    r"(?:i|we)\s+(?=\w)|(?:you\s+should|make\s+sure\s+(?:to|you)|don't\s+forget\s+to|"
    r"do\s+not\s+forget\s+to|let\s+me|let's|help\s+me(?:\s+to)?|set\s+up|to)\s+)"
)
_VERBS = words.listed(
    "add alert analyse analyze announce answer append archive ask attend backup bill book brush build buy "
    "call cancel change charge check clean clear close collect compare compile compress convert cook copy "
    "count create crawl delete deliver deploy digest do download draft drink e-mail eat email empty execute "
    "exercise export feed fetch file fill find finish fire follow forward generate get give go grab greet "
    "have hold import index inform invoice join keep kick launch learn leave list listen log look mail make "
    "measure meet merge message monitor move notify open order organize pay phone pick ping plan play "
    "poll post practise practice prepare print process prune publish pull purge push put read rebuild record "
    "refresh remind remove renew repeat report reset restart review rotate run save say scan schedule scrape "
    "search send set shop show sleep snapshot sort speak start stop stretch study submit subscribe summarise "
    "summarize sweep switch sync synchronise synchronize take talk tell test text tidy track train transfer "
    "translate trigger turn tweet update upload verify visit wake walk warn wash watch water work write"
)
_NOUNS = words.listed(
    "alarm all-hands appointment backup brief briefing breakfast call check-in class coffee demo digest "
    "dinner event gym job lesson lunch meeting newsletter one-on-one payday pills planning practice "
    "reminder report retro retrospective review rent run standup stand-up sprint status summary sync task "
    "training yoga"
)
_REQUEST = re.compile(rf"{_POLITE}*(?:back\s+up|{'|'.join(_VERBS)})(?![\w-])")
_NAMED = re.compile(
    rf"(?:(?:my|our|the|a|an|team)\s+)*(?:[a-z-]+\s+)?(?:{'|'.join(_NOUNS)})s?\s*:?$"
)
_LINKED = re.compile(r"(?:about|and|by|for|of|so|that|to|via|with)\s+\w")
# words that belong to a time: left over, they would change it
_TIMELIKE = re.compile(
    rf"\b(?:{words.DAY}s?|{words.UNIT}|{words.MONTH}|every|each|except|excluding|until|till|unless|if|when|"
    r"whenever|while|before|after|during|since|between|about|around|approximately|roughly|or|but|not|"
    r"never|only|sometimes|often|usually|regularly|occasionally|soon|later|earlier|once|twice|thrice|"
    r"daily|weekly|monthly|yearly|annually|hourly|nightly|quarterly|bi-?weekly|bi-?monthly|fortnight\w*|"
    r"starting|beginning|from|through|ish|holidays?|weekends?|weekdays?|workdays?|morning|"
    r"afternoon|evening|night|noon|midnight|sun(?:rise|set)|dawn|dusk|today|tomorrow|yesterday|tonight|"
    r"next|last|time|times|am|pm|o'?clock|past|max|maximum|minimum|least|most)\b|\d"
)


def carries(text: str, spans: tuple[Span, ...]) -> bool:
    """Whether what stands around the time in `text` asks for something and says no more of when."""
    plain = words.normal(text)
    rest, position = [], 0
    for start, end in (*spans, (len(plain), len(plain))):
        piece = re.sub(r"\s+", " ", plain[position:start]).strip(" ,.;:!?()-\"'")
        position = end
        if piece:
            rest.append(piece)
    if not rest:
        return True
    if any(_TIMELIKE.search(piece) for piece in rest):
        return False
    first, *others = rest
    begins = bool(_REQUEST.match(first) or _NAMED.fullmatch(first))
    return begins and all(_REQUEST.match(piece) or _LINKED.match(piece) for piece in others)
