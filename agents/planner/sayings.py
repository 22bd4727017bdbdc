"""What is said for an argument in words, and which words name which kind of data: data only."""

from __future__ import annotations

import re

# what is said for an argument in words, by its name; the group is the value
SAID: dict[str, re.Pattern[str]] = {
    "subject": re.compile(
        r"\b(?:with\s+)?(?:the\s+|a\s+)?subject(?:\s+line)?\s*(?:is|=|:|"
        r"of)?\s+(?P<said>(?:(?!\b(?:saying|that says|and|with the (?:text|message|words)|to)\b)"
        r"[^,;\n]){1,200})"
    ),
    "title": re.compile(
        r"\b(?:with\s+)?(?:the\s+|a\s+)?(?:title|heading)\s*(?:is|=|:|"
        r"of)?\s+(?P<said>[^,;\n]{1,200})"
    ),
    "focus": re.compile(
        r"\b(?:focus(?:s?ing|s?ed)?\s+on|with\s+(?:a\s+)?focus\s+on|about|especially|"
        r"regarding|concerning)\s+(?P<said>(?!it\b|them\b|that\b)[^,;.\n]{2,300})|"
        r"\b(?P<said2>what\s+(?:matters|is\s+important|is\s+relevant)[^,;.\n]{0,200})"
    ),
    "folder": re.compile(
        r"\bfolder\s+(?P<said>(?!and\b|then\b|to\b)[\w/-]{1,100})|"
        r"\b(?:in|from|under|of)\s+(?:my\s+|the\s+)?(?P<said2>[\w-]{1,60}(?:/[\w-]{1,60}){0,8})(?=/|\s+folder\b)|"
        r"\b(?:files|documents)\s+(?:in|from|under)\s+(?!the\b|my\b|it\b|there\b|this\b|here\b)(?P<said3>[\w-]{1,60})"
    ),
}
MESSAGE = re.compile(
    r"\b(?:saying|that says|which says|with the (?:text|message|words)(?! of\b| from\b| in\b)|"
    r"the (?:text|message|words)"
    r"(?=\s*:|\s+\ue004)"
    r"|(?:remind|nudge|poke|prod|buzz)\s+(?:me|us)\s+(?:to|that|about|of)|"
    r"(?:tell|notify|ping|alert|warn|text|message)\s+me\s+(?:in\s+(?:the|this)\s+chat\s+)?(?:that|to)|"
    r"(?:tell|remind)\s+me(?=\s+(?:the|my|our|it|i)\s[^.;,]*\b(?:is|are|am)\b)|"
    r"(?:e-?mail|mail|tell|write(?:\s+to)?|inform|message|notify|send)\s+(?:to\s+)?[\ue001\ue002]+"
    r"(?:\s*(?:,|and)\s*[\ue002]+)*(?:\s+that|\s*:)|"
    r"mail\s+the\s+sender\s+that\b|"
    r"(?:tell|remind|notify|message)\s+(?:me|us)\s*:|"
    r"(?:in|into|to)\s+[\ue003]+\s*(?:that\b|:)|"
    r"let\s+me\s+know\s+that)\s*:?\s+(?P<said>[^;\n]{1,1000})"
)
QUESTION = re.compile(
    r"\bask me\s+(?:(?P<yes>whether|if)\s+)?(?:for\s+|about\s+|to\s+)?(?P<said>[^;\n]{2,1000})"
)
SYNONYMS = {
    "emails": ("email", "emails", "e-mail", "e-mails", "mail addresses", "email addresses"),
    "urls": ("urls", "url", "links", "link", "web addresses"),
    "dates": ("dates", "date"),
    "amounts": ("amounts", "amount", "prices", "price", "costs", "sums", "totals"),
    "phones": (
        "phone numbers",
        "phone number",
        "telephone numbers",
        "phone",
        "phones",
        "telephone",
    ),
}
