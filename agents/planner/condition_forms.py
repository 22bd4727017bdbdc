"""How people say conditions: one pattern a form, data only. Read by conditions.py."""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal[
    "any", "count", "status", "up", "changed", "new", "failed", "worked", "length", "answer",
    "number", "mentions", "equals",
]  # fmt: skip

_BE = r"(?:'s|\s+(?:is|are|was|were|gets?|becomes?|turns?|has\s+been|have\s+been))"
_NOT = r"(?P<not>n't|\s+not|\s+no\s+longer)?"
_THE = (
    r"(?:(?:the|any|some|an?|my|its|their|this|that|these|those|all|one)\s+)?(?:of\s+(?:the\s+)?)?"
)
_SUBJECT = rf"{_THE}(?P<subject>[\ue001\ue003]+|[a-z][\w-]*(?:\s+[a-z][\w-]*){{0,2}}?)"
_IN = r"(?:\s+(?:in|on|at|from|of)\s+(?:the\s+|its\s+|my\s+)?(?P<place>[\ue001\ue003]+|[a-z]\w*))?"
_FOLDER = (
    r"(?:\s+(?:in|from|under|of)\s+(?:the\s+|my\s+)?"
    r"(?:[\w/-]+\s+folder|folder\s+[\w/-]+|[\w-]+/[\w/-]*))?"
)
_SINCE = (
    r"(?:\s+(?:since|compared\s+(?:to|with)|from|than)\s+(?:the\s+)?(?:last|previous)\s+"
    r"(?:time|run|look|check|visit)|\s+(?:since|than|from)\s+(?:yesterday|before|then)|\s+again)?"
)
MORE = {
    "more than": ">", "over": ">", "above": ">", "at least": ">=", "fewer than": "<",
    "less than": "<", "under": "<", "below": "<", "at most": "<=", "no more than": "<=",
    "exactly": "==", "not more than": "<=", "no less than": ">=", "no fewer than": ">=",
}  # fmt: skip
_OPERATOR = "|".join(sorted((w.replace(" ", r"\s+") for w in MORE), key=len, reverse=True))
_SEES = (
    r"(?:there(?:'s|\s+(?:is|are|was|were|has\s+been|have\s+been))|(?:it|they|i|we|you|one)\s+"
    rf"(?:has|have|gets?|finds?|found|sees?|contains?|shows?|brings?|got)|{_SUBJECT}\s+(?:has|have|"
    rf"contains?|"
    r"shows?|brings?|holds?|gives?))"
)
_REPLIES = r"(?:answers?|responds?|returns?|replies|reply|gives?|says?|sends?|shows?)"
_STATUS_NOT = (
    rf"(?:'s|is|isn't|are|aren't|{_REPLIES})?\s*(?:not|n't|anything\s+(?:but|other\s+than|else\s+than)|"
    rf"something\s+(?:other|else)\s+than|other\s+than)(?:\s+{_REPLIES})?|(?:is|was|do|does)n't(?:\s+{_REPLIES})?"
)
_STATUS_IS = rf"'s|is|get|gets|got|{_REPLIES}"
_VALUE = r"(?:\ue004+|[^,;]+?)"


def _form(kind: Kind, pattern: str) -> tuple[Kind, re.Pattern[str]]:
    return kind, re.compile(rf"^{pattern}$")


_CHANGE = rf"(?:chang(?:ed|es|e|ing)|updat(?:ed|es|e)|differ(?:ent|s)|modified|edited){_SINCE}{_IN}"
FORMS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    _form(
        "new",
        rf"{_SEES}\s+(?P<no>no(?:thing)?\s+)?(?:(?:anything|something|any|some|an?|one)\s+)"
        rf"?new(?!s)"
        rf"(?:\s+(?P<noun>[a-z]+))??{_IN}{_SINCE}",
    ),
    _form(
        "new",
        rf"(?:an?|any|some|one)\s+new\s+(?P<noun>[a-z]+)\s+(?:appears?|comes?(?:\s+(?:in|out|"
        rf"up))?|"
        rf"arrives?|shows?\s+up|(?:is|are|was)\s+(?:posted|added|published|listed|there))"
        rf"{_IN}{_SINCE}",
    ),
    _form(
        "new",
        r"(?:anything|something)(?:'s|\s+is)?\s+new\s*(?:(?:on\s+)?(?:there|here)|appears?|comes?(?:\s+(?:in|out|up))?|(?:shows?|turns?|pops?)\s+up|"
        rf"(?:is|was)\s+(?:posted|added|published|there)){{0,1}}{_IN}{_SINCE}",
    ),
    _form(
        "changed",
        r"(?:there(?:'s|\s+(?:is|are|was|were|has\s+been))\s+(?P<no>no\s+)?(?:(?:an?|any|some)"
        r"\s+)?"
        rf"(?:changes?|differences?|updates?)){_IN}{_SINCE}",
    ),
    _form(
        "changed",
        rf"{_SUBJECT}(?:{_BE}|'s|\s+(?:has|have|had|did|does|do))?{_NOT}\s+(?:been\s+)"
        rf"?{_CHANGE}",
    ),
    _form(
        "changed",
        rf"{_SUBJECT}(?:{_BE}|\s+stays?|\s+remains?){_NOT}\s+(?P<same>(?:still\s+)"
        rf"?(?:the\s+same|"
        rf"unchanged)){_SINCE}(?:\s+as\s+(?:before|last\s+time))?",
    ),
    _form(
        "count",
        rf"(?:(?:{_SEES})\s+)?(?P<op>{_OPERATOR})\s+(?P<n>\d{{1,6}})\s+(?:new\s+)"
        rf"?(?P<noun>[a-z]+){_FOLDER}"
        rf"{_IN}",
    ),
    _form(
        "count",
        rf"(?:(?:{_SEES})\s+)?(?P<n>\d{{1,6}})\s+(?P<or>or\s+more|or\s+fewer|or\s+less)\s+"
        rf"(?P<noun>[a-z]+){_FOLDER}{_IN}",
    ),
    _form(
        "count",
        rf"(?P<op>{_OPERATOR})\s+(?P<n>\d{{1,6}})\s+(?:new\s+)?(?P<noun>[a-z]+)\s+(?:are|is|"
        rf"come|were|appear)"
        rf"(?:\s+(?:there|found|up))?{_IN}",
    ),
    _form(
        "count",
        rf"(?:the\s+)?number\s+of\s+(?P<noun>[a-z]+)(?:{_BE})\s+(?P<op>{_OPERATOR})\s+"
        rf"(?P<n>\d{{1,6}})",
    ),
    _form(
        "any",
        rf"{_SUBJECT}(?:{_BE}){_NOT}\s+(?P<empty>empty|blank|without\s+(?:content|text|entries)"
        rf")",
    ),
    _form(
        "any",
        r"(?:there(?:'s|\s+is)|(?:it|they)\s+(?:has|have|contains?))\s+(?P<empty>nothing)"
        rf"(?:\s+in\s+(?:it|there))?{_IN}",
    ),
    _form(
        "any", rf"{_SEES}\s+(?:anything|something|content|text)(?:\s+in\s+(?:it|there|them))?{_IN}"
    ),
    _form(
        "any",
        rf"{_SEES}\s+(?:(?P<no>no)|any|some|at\s+least\s+one|one\s+or\s+more|an?)"
        rf"\s+(?P<noun>[a-z]+){_FOLDER}"
        rf"(?:\s+(?:at\s+all|there|found|left))?{_IN}",
    ),
    _form("any", r"there(?:'s|\s+(?:is|are))(?P<no>n't|\s+not)?\s+(?:any|some|one)"),
    _form(
        "any",
        rf"{_SEES}\s+(?P<noun>entries|items|posts|news|results|articles|stories|files|links|"
        rf"matches|rows|"
        rf"lines){_IN}",
    ),
    _form(
        "any",
        r"(?:any|some)\s+(?P<noun>[a-z]+)\s+(?:exists?|are\s+there|come\s+up|(?:are|were|is)"
        r"\s+found)",
    ),
    _form(
        "any", rf"(?:anything|something)\s+(?:is|was|comes?|are)\s+(?:in\s+it|there|found|up){_IN}"
    ),
    _form(
        "status",
        r"(?:the\s+|its\s+)?(?:http\s+|response\s+)?status(?:\s+code)?(?:\s+(?:of|in)"
        r"\s+(?P<place>\S+))?"
        r"\s*(?P<op>isn't|is\s+not|is\s+anything\s+but|is\s+other\s+than|"
        r"differs\s+from|!=|is|equals|==?|"
        r">=|<=|>|<)\s*(?P<n>\d{3})",
    ),
    _form(
        "status",
        rf"(?:it|that|there|you|i|we|{_SUBJECT})(?:\s+(?:was|does|did))?\s*(?P<op>(?:{_STATUS_NOT})|(?:{_STATUS_IS}))"
        r"\s+(?:with\s+)?(?:an?\s+|the\s+)?(?:http\s+)?(?:status\s+|code\s+)*(?P<n>[1-5]\d\d)(?:\s+(?:ok|back|error|status|code))*",
    ),
    _form(
        "up",
        rf"{_SUBJECT}(?:{_BE}|\s+goes){_NOT}\s+(?P<state>up|online|reachable|available|ok|okay|"
        rf"fine|alive|"
        r"down|offline|unreachable|unavailable|broken|dead)(?:\s+again)?",
    ),
    _form(
        "up",
        rf"{_SUBJECT}\s+(?P<not>doesn't|does\s+not|can't\s+be|cannot\s+be|won't|isn't)\s+"
        r"(?P<state>answer(?:ing)?|respond(?:ing)?|reached|load(?:ing)?|opened|reachable|"
        r"work(?:ing)?)",
    ),
    _form(
        "up",
        rf"{_SUBJECT}\s+(?P<not>fails\s+to|refuses\s+to|no\s+longer)\s+"
        r"(?P<state>answers?|responds?|loads?|opens?|works?|come\s+up)",
    ),
    _form(
        "up", rf"{_SUBJECT}\s+(?P<state>answers|responds|stops\s+(?:answering|responding|working))"
    ),
    _form(
        "failed",
        rf"{_SUBJECT}(?:\s+(?:has|have))?\s+(?:fails?|failed|breaks?|broke|errors?|"
        rf"goes\s+wrong|went\s+wrong|"
        r"does(?:n't|\s+not)\s+work|did(?:n't|\s+not)\s+work|is\s+not\s+possible)",
    ),
    _form("failed", r"(?:there(?:'s|\s+is|\s+was)\s+(?:an?|any)\s+(?:error|problem|failure))"),
    _form("answer", r"(?P<what>yes|no)|(?P<yes>so)"),
    _form(
        "worked",
        rf"{_SUBJECT}(?:\s+(?:has|have))?\s+(?:works?|worked|succeeds?|succeeded|goes\s+well|"
        rf"went\s+well)",
    ),
    _form(
        "length",
        rf"{_SUBJECT}(?:{_BE})\s+(?P<op>longer|shorter|more|less|bigger|smaller)\s+than\s+(?P<n>\d{{1,7}})\s+"
        r"(?:characters?|chars|letters)(?:\s+long)?",
    ),
    _form("answer", rf"(?:the|my|their|his|her)\s+answer(?:{_BE}){_NOT}\s+(?P<what>{_VALUE})"),
    _form(
        "answer",
        rf"(?:i|we)\s+(?P<not>don't\s+|do\s+not\s+)?(?:say|answer|said|answered|choose|chose|"
        rf"reply|replied|"
        rf"pick|picked)\s+(?P<what>{_VALUE})",
    ),
    _form(
        "answer",
        r"(?:i|we)\s+(?P<not>don't\s+|do\s+not\s+|didn't\s+)?(?P<yes>agree|agreed|approve|"
        r"want\s+(?:it|to|that)|confirm|"
        r"like\s+(?:it|them))",
    ),
    _form(
        "number",
        r"(?:(?:it|there|they)\s+(?:has|have|is|shows?|gives?)\s+)?"
        r"(?:(?:the|its|their|a|any)\s+)?(?:(?:current|value\s+of\s+(?:the\s+)?)\s*)?"
        r"(?P<field>[a-z_]\w*(?:\.[a-z_]\w*){0,4})(?:\s+(?:field|value))?(?:\s+(?:in|"
        r"of)\s+(?P<place>[\ue001\ue003]+|it))?"
        r"(?:'s|\s+(?:is|are|was|gets?|goes|go|rises?|falls?|drops?|becomes?|stays?|"
        r"climbs?|sinks?|"
        r"hits?|reaches|exceeds))?\s*(?P<op>"
        r"not\s+(?:over|above|under|below)|over|above|under|below|beyond|"
        r"(?:more|greater|higher|bigger|larger|less|fewer|lower|smaller|cheaper)"
        r"\s+than|at\s+least|at\s+most|"
        r"(?:not\s+)?(?:exactly|equal\s+to)|equals|not|n't|>=|<=|==|!=|=|>|<|to|)\s*"
        r"(?P<n>[-+]?[€$£]?\d{1,12}(?:\.\d{1,9})?)"
        r"(?:\s*(?:%|percent|euros?|dollars?|pounds?|€|\$|£|°?[cf]?|degrees?|points?|"
        r"kg|km|ms|"
        r"seconds?))?(?:\s+or\s+(?P<or>more|less|higher|lower))?",
    ),
    _form(
        "mentions",
        rf"there(?:'s|\s+(?:is|are|was|were))\s+(?P<no>nothing|no\s+\w+)?\s*(?:(?:something|"
        rf"anything|any|some|an?|"
        rf"one|entries|posts?|articles?|news|stories|story|entry)\s+)*(?:about|on|"
        rf"mentioning|regarding|with|"
        rf"mentions?\s+of|mention\s+of)\s+(?P<what>{_VALUE}){_IN}",
    ),
    _form(
        "mentions",
        rf"{_SUBJECT}\s+(?P<not>doesn't\s+|does\s+not\s+|don't\s+|do\s+not\s+|never\s+)?"
        r"(?:mentions?|contains?|includes?|ha(?:s|ve)\s+the\s+(?:words?|text|phrase)"
        r"|says?|reads?|shows?|"
        r"talks?\s+about|(?:is|are)\s+about|names?|starts?\s+to\s+(?:say|show))\s+"
        r"(?:(?:the|an?)\s+(?:words?|phrase|text|term|name)\s+)?"
        rf"(?P<what>{_VALUE})(?:\s+(?:anywhere|somewhere|again))?(?:\s+in\s+(?:it|"
        rf"there|(?:the|its)\s+"
        r"(?:text|content|body)))?",
    ),
    _form(
        "mentions",
        rf"(?:one\s+of\s+|any\s+of\s+)?{_SUBJECT}\s+(?:has|have|with)(?P<not>n't|\s+not|\s+no)?\s+(?:the\s+(?:words?|name)\s+)?"
        rf"(?P<what>{_VALUE})\s+in\s+(?:it|them|there|(?:its|their|the)\s+(?:text|title|name|subject))",
    ),
    _form(
        "mentions",
        rf"(?:the\s+(?:words?|phrase|text|term|name)\s+)?(?P<what>{_VALUE})(?:\s+(?:is|are|was|"
        rf"were)){_NOT}\s+"
        r"(?:mentioned|contained|included|listed|named|found|there|in\s+(?:it|there|"
        r"them)|on\s+(?:it|there)|"
        rf"part\s+of\s+it|(?:in|on)\s+the\s+(?P<place2>page|text|feed|file|list|"
        rf"title|article|site|summary)){_IN}",
    ),
    _form(
        "mentions",
        rf"(?:the\s+(?:words?|phrase|text|term|name)\s+)?(?P<what>{_VALUE})"
        rf"\s+(?P<not>does(?:n't|\s+not)\s+)?"
        rf"(?:appears?|shows?\s+up|occurs?|comes?\s+up|turns?\s+up)(?:\s+(?:there|"
        rf"again))?{_IN}",
    ),
    _form(
        "equals",
        r"(?:(?:it|that|they)\s+(?:has|have|shows?|says?|gives?)\s+)?(?:(?:the|its|their)\s+)?(?P<field>[a-z_]\w*(?:\.[a-z_]\w*){0,4})"
        r"\s*(?:set\s+to\s+|as\s+|at\s+|=+\s*)?\s(?P<what>true|false|null)",
    ),
    _form(
        "equals",
        r"(?:(?:the|its|their)\s+)?(?P<field>[a-z_]\w*(?:\.[a-z_]\w*){0,4})(?:\s+(?:field|"
        r"value))?"
        r"(?:\s+(?:in|of)\s+(?P<place>[\ue001\ue003]+|it))?"
        r"(?:'s|\s+(?:is|are|was|equals|becomes|says|turns|==?|!=))(?P<not>n't|\s+not|"
        r"\s+no\s+longer)?\s*"
        r"(?P<what>\ue004+|[\w-]+)",
    ),
)
