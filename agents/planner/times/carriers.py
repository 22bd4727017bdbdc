"""Sentences that only carry a time: "remind me …", "… send me the report", "standup …"."""

from __future__ import annotations

import re

from agents.planner.times import words
from agents.planner.times.zones import AMBIGUOUS

Span = tuple[int, int]

_POLITE = (
    r"(?:(?:please|hey|hi|ok(?:ay)?|so|and|then|also|just|lightning|kindly)[\s,]+|"
    r"(?:can|could|would|will)\s+you\s+(?:please\s+)?|"
    r"(?:i|we)(?:'d|\s+would)?\s+(?:like|want|need|have)\s+(?:(?:you|it)\s+)?(?:to\s+)?(?:be\s+)?|"
    r"(?:i|we)\s+(?=\w)|(?:you\s+should|make\s+sure\s+(?:to|you)|(?:don't|do\s+not)\s+forget\s+to|"
    r"let\s+me|let's|help\s+me(?:\s+to)?|set\s+up|to)\s+)"
)
_VERBS = words.listed(
    "add alert analyse analyze announce answer append archive ask attend backup bill book brush build buy "
    "call cancel change charge check clean clear close collect compare compile compress convert cook copy "
    "count create crawl delete deliver deploy digest do download draft drink e-mail eat email empty execute "
    "exercise export feed fetch file fill find finish fire follow forward generate get give go grab greet "
    "have hold import index inform invoice join keep kick know launch learn leave list listen log look mail "
    "make measure meet merge message monitor move notify open order organize pay phone pick ping plan play "
    "poll post practise practice prepare print process prune publish pull purge push put read rebuild record "
    "refresh remind remove renew repeat report reset restart review rotate run save say scan schedule scrape "
    "search send set shop show sleep snapshot sort speak start stop stretch study submit subscribe summarise "
    "summarize sweep switch sync synchronise synchronize take talk tell test text tidy track train transfer "
    "translate trigger turn tweet update upload verify visit wake walk warn wash watch water work write "
    "reminded told woken"
)
_NOUNS = words.listed(
    "alarm all-hands appointment backup billing brief briefing breakfast build call check-in class "
    "coffee concert conference deadline demo dentist deployment digest dinner doctor event exam export "
    "flight game garbage gym haircut heartbeat import interview invoice job laundry lesson lunch "
    "maintenance match medication medicine meeting movie newsletter one-on-one party payday payroll physio "
    "pills planning practice rehearsal release reminder rent report retro retrospective review run session "
    "sprint stand-up standup status summary sync task training trash vitamins webinar workshop yoga"
)
_REQUEST = re.compile(rf"{_POLITE}*(?:back\s+up|{'|'.join(_VERBS)})(?![\w-])")
_WANTED = re.compile(
    r"(?:i|we)(?:'d|\s+would)?\s+(?:like|want|need|have|get)\s+(?:an?|the|my|our|some)\s+\w"
)
_NAMED = re.compile(
    rf"(?:(?:my|our|the|an?)\s+)?(?:[a-z]+\s+)?(?:{'|'.join(_NOUNS)})s?"
    r"(?:\s+(?:about|for|of|with)\s+.+)?\s*:?"
)
_LINKED = re.compile(r"(?:about|and|by|for|of|so|that|to|via|with)\s+\w")
# "the weekly report": the word belongs to a noun
_ATTRIBUTE = re.compile(
    r"(?:\b(?:the|my|our|this|me|an?)\s+|^)(?:hourly|daily|weekly|monthly|quarterly|yearly|annual)\s+(?=[a-z])"
)
# words that belong to a time: left over, they would change it
_TIMELIKE = re.compile(
    rf"\b(?:{words.DAY}s?|{words.UNIT}|(?!may\b|march\b){words.MONTH}|every|each|except|excluding|until|till|unless|if|"
    r"when|whenever|while|before|after|during|since|between|around|approximately|roughly|or|but|not|no|"
    rf"about\s+(?:{words.NUMBER}|an?\s+{words.UNIT})|asap|immediately|now|always|almost|nearly|hardly|"
    r"skip|skipping|without|alternat\w+|odd|even|leap|half|quarter|first|second|third|fourth|fifth|ago|"
    r"never|only|some\w*|any\w*|often|usually|regularly|frequently|occasionally|soon|later|earlier|"
    r"once|twice|thrice|few|couple|several|"
    r"daily|weekly|monthly|yearly|annually|hourly|nightly|quarterly|bi-?weekly|bi-?monthly|fortnight\w*|"
    r"starting|beginning|from|through|ish|holidays?|weekends?|weekdays?|workdays?|morning|"
    r"afternoon|evening|night|noon|midnight|sun(?:rise|set)|dawn|dusk|today|tomorrow|yesterday|tonight|"
    r"latest|earliest|depend\w*|maybe|perhaps|possibl\w+|optional\w*|permitting|conditional\w*|random\w*|"
    r"delay\w*|minus|plus|extra|spring|summer|autumn|winter|season\w*|eve|easter|christmas|ramadan|"
    r"breakfast|lunchtime|bedtime|break|term|school|ante|post\s+meridiem|"
    rf"{'|'.join(sorted(AMBIGUOUS))}|utc|gmt|[a-z]+/[a-z_]+|"
    r"other|by\s+then|jitter\w*|over\s+lunch|next|last|time|times|am|pm|o'?clock|past|max|maximum|minimum|least|most)\b|\d"
)


def unexplained(text: str, spans: tuple[Span, ...]) -> str:
    """What around the time in `text` neither asks for something nor names an occasion, or may say
    more of when; "" when nothing does."""
    plain = words.normal(text)
    rest: list[tuple[str, str]] = []
    position = 0
    for start, end in (*spans, (len(plain), len(plain))):
        said = re.sub(r"\s+", " ", text[position:start]).strip(" ,.;:!?()-\"'")
        position = end
        if said:
            rest.append((said, words.normal(said)))
    for said, piece in rest:
        if _TIMELIKE.search(_ATTRIBUTE.sub("", piece)):
            return said
    for said, piece in rest[:1]:
        if not (_REQUEST.match(piece) or _WANTED.match(piece) or _NAMED.fullmatch(piece)):
            return said
    for said, piece in rest[1:]:
        if not (_REQUEST.match(piece) or _LINKED.match(piece)):
            return said
    return ""
