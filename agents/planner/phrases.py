"""The small words that hold a request together: boundaries, leads, conditions, approvals. Data only."""

from __future__ import annotations

import re

# no pattern begins with blanks: the place of a time that was taken out is a long row of them
BOUNDARY = re.compile(
    r"[;\n]+\s*|[.!?]+(?=\s|$)\s*|\b(?:and\s{1,9}then|and\s{1,9}also|and\s{1,9}finally|then"
    r"|after\s{1,9}that|afterwards|finally|and|but|(?=(?:or\s+)?(?:otherwise|else)\b))(?:\b|(?=or|"
    r"else))(?:\s*,)?\s*"
    r"|,\s*|->\s*|>>\s*"
)
LEAD = re.compile(
    r"(?:\s|,|\b(?:please|kindly|then|also|next|finally|and|first|now|just|can you|could you|would "
    r"you|"
    r"i want you to|i want to|i'd like to|i'd like you to|i would like to|"
    r"i need you to|i need to|you should|have it|let's|go and|to|hey|hi|hello|"
    r"lightning|ok|okay|simply|"
    r"every time|each time|automatically|again)\b)*"
)
CONDITION = re.compile(
    r"\b(?P<word>only\s+(?:on\s+days\s+)?(?:if|when|in\s+case)|but\s+only\s+(?:if|when)|if\s+and\s+only\s+if|if|"
    r"when(?:ever)?(?!\s+(?:exactly|is\s+(?:the|my|it)\s+due))|unless|except\s+(?:if|when)|"
    r"as\s+long\s+as|"
    r"provided(?:\s+that)?|in\s+case|as\s+soon\s+as|the\s+moment|whether|"
    r"once(?=\s+(?:it|the|there|they|[\ue001\ue003]|[a-z]\w*\s+(?:is|are|has|says|reaches|hits)\b)))\b(?!\s+not\b)"
)
DONE = re.compile(
    r"\b(?:when|once|as soon as)\s+(?:you(?:'re| are)\s+|it(?:'s| is)\s+|that(?:'s|"
    r" is)\s+|this is\s+|all is\s+|everything is\s+|they(?:'re| are)\s+)?"
    r"(?:done|finished|ready|complete[d]?|over)\b"
)
ASKED = re.compile(r"\bask\s+(?:me|us)\s+(?:about\s+[^,;]{0,60}\s)?$")
LOOKED_INTO = re.compile(
    r"\b(?:check|see|ask|know|find out|decide|think about|look)\s+(?:\w+\s+)?$"
)
LOOKING = re.compile(
    r"\W*(?:(?:please|just|and|to)\s+)*(?:check|look|watch|see|poll|monitor|test|find\s+out|verify)"
    r"(?:\s+(?:it|again))?\W*$"
)
CHECKING = re.compile(
    r"(?:check|look|watch|see|poll|monitor|read|fetch|get|load|open|visit|scan|keep|follow|pull|"
    r"grab|download)\b"
)
# "do it only if …": the work is what was said before
SAME_WORK = re.compile(
    r"\W*(?:but\s+|and\s+)?(?:please\s+)?(?:only\s+)?(?:do|send|run|act)?\s*(?:it|this|that|so)"
    r"?\s*(?:only\s*)?$"
)
THEN_WORK = re.compile(
    r"\s(?=(?:notify|tell|alert|remind|ping|message|show)\s+(?:me|us)\b|"
    r"(?:e-?mail|mail|send|save|append)\s+(?:me\b|it\b|them\b|[\ue002\ue003]))"
)
UNKNOWN_WORK = re.compile(r"[a-z-]{3,}\s+(?:it|them)\b")
WORK = re.compile(
    r"(?:please\s+)?(?:ask|tell|notify|remind|show|mail|e-?mail|send|save|store|append|note|log|jot|record|write|add|put|"
    r"keep|file|forward|post)\s+(?:down\s+)?"
    r"(?:me|it|them|this|that|(?:the|my|his|her|our|their)\s+(?:answer|reply|response|result|summary))\b"
)
APPROVAL = re.compile(
    r"\b(?:but\s+)?(?:ask me|check with me|ask for my (?:ok|okay|approval|permission|"
    r"confirmation)|get my (?:ok|okay|approval))"
    r"(?:\s+(?:first|before(?:\s+(?:you|that|it|sending|mailing|saving|posting|doing|"
    r"writing|going on)\b[^,.;]{0,40})?))|"
    r"\b(?:only\s+)?(?:after|once|when|if)\s+i(?:'ve|\s+have)?\s+(?:approved?|"
    r"confirm(?:ed)?|agreed?|said\s+yes|okayed)(?:\s+(?:it|them|that))?|"
    r"\b(?:but\s+)?(?:only\s+)?after\s+(?:asking|checking\s+with|you\s+(?:have\s+)?asked)\s+me(?:\s+first)?|"
    r"\b(?:wait|ask) for my (?:ok|okay|approval|go|confirmation|"
    r"permission)(?:\s+(?:first|before\s+\w+ing(?:\s+\w+)?))?|"
    r"\bwith my (?:ok|okay|approval|confirmation)|\b(?:let me|i want to) (?:approve|"
    r"confirm|check) (?:it|them|that|(?:each|every|all|the)\s+(?:of\s+(?:them|the)\s*)?\w*)"
    r"(?: first)?|\b(?:but\s+)?not\s+(?:without|before)"
    r"\s+asking(?:\s+me)?(?:\s+first)?"
    r"|\b(?:before\s+that|first)\s*,?\s+ask\s+(?:me|for\s+my\s+(?:ok|okay|approval))\b"
)
# "… to ann@x.org and a summary of it to bob@x.org"
GAPPED = re.compile(
    r"(?:the|an?|its|my|only)\s[^,;.\ue001-\ue003]{2,60}(?:[\ue001\ue003]+\s+)?\s?(?P<how>to|into|in|as)\s+[\ue001-\ue003]+"
)
TARGETS = re.compile(
    r"\b(?:to|into|as|in)\s+[\ue003]+(?:\s*(?:,|,?\s*and)\s*(?:(?:to|into|as|in)\s+)?[\ue003]+)+"
)
# a thing and where it goes
PAIR = re.compile(
    r"(?:the\s+)?(?P<what>[\ue001\ue003\ue004])(?P=what)*\s+(?P<how>to|into|in|as|at)\s+[\ue001-\ue003]+"
)
