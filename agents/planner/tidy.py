"""A message made ready to be read: common slips of the keyboard mended, lists one thing a line."""

from __future__ import annotations

import re

_SLIPS = {
    "every": "evry evey eveyr evrey",
    "every day": "evryday everyday eveyday",
    "every weekday": "everyweekday",
    "weekday": "weekdy wekday",
    "tomorrow": "tommorow tomorow tommorrow tomorroww tmrw tmr tomrrow",
    "summarise": "sumarise summerise sumarize summerize summarsie summarice sumarrise",
    "summary": "sumary summery sumarry",
    "remind": "remimd remid reminde rember",
    "email": "emial emali e-mial",
    "address": "adress addres",
    "monday": "munday mondy",
    "tuesday": "teusday tuseday tusday",
    "wednesday": "wensday wendesday wednsday wedensday",
    "thursday": "thrusday thirsday thurday",
    "friday": "firday fryday",
    "saturday": "saterday satuday",
    "morning": "mornig moring",
    "translate": "tranlsate transalte traslate",
    "message": "mesage messsage",
    "chat": "caht",
    "append": "apend",
    "extract": "extrat exract",
    "notify": "notifiy notfy",
    "page": "pgae",
    "file": "flie",
    "feed": "fead",
    "please": "pls plz plse",
    "minutes": "mintues minuets",
}
_MENDED = {slip: right for right, slips in _SLIPS.items() for slip in slips.split()}
_SLIP = re.compile(
    rf"(?<![\w@./:-])(?:{'|'.join(map(re.escape, sorted(_MENDED, key=len, reverse=True)))})"
    r"(?![\w@/:-]|\.\w)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"(\"[^\"\n]*\"|“[^”\n]*”|„[^“”\n]*[“”]|«[^»\n]*»)")
_NUMBERED = re.compile(r"(?:^|(?<=\s))1[.)]\s+\S[\s\S]*?\s2[.)]\s+\S")
_NUMBER = re.compile(r"(?:^|[ \t]*(?<=\s))\d{1,2}[.)][ \t]+")
_DO = re.compile(
    r"\b(?:please\s+)?(?:(?:don't|don’t|dont|do not)\s+forget\s+to|remember\s+to|"
    r"(?:make|be)\s+sure\s+(?:to|you|that\s+you))\s+",
    re.IGNORECASE,
)
_DAYS_WHEN = re.compile(
    r"\bonly\s+on\s+(?:those\s+|the\s+)?days\s+(?:when|where|that)\b", re.IGNORECASE
)
# "ask me whether to send it and do it if I say yes" is to ask before it
_ASK_WHETHER = re.compile(
    r"\bask\s+me\s+(?:whether|if)\s+(?:to|(?:you|i|we)\s+should)\s+(?P<work>[^,;\n]{3,200}?),?\s+and\s+"
    r"(?:then\s+)?(?:only\s+)?[a-z]+\s+(?:it|that|so|them)\s+(?:only\s+)?(?:if|when)\s+i\s+"
    r"(?:say\s+(?:yes|so)|agree|answer\s+yes|confirm|want(?:\s+(?:it|that|to))?|approve)\b",
    re.IGNORECASE,
)
# at the start of a request it is when the whole should begin
_WAIT_UNTIL = re.compile(
    r"^\W*(?:please\s+)?wait\s+(?:until|till)\s+(?P<clock>(?=\d))?", re.IGNORECASE
)
# "look whether it says so, and if so tell me"
_IF_SO = re.compile(
    r"(?<!ask me )(?<!ask us )\b(?:(?:look|check|see|find\s+out|test|watch)\s+)?(?:whether|if)\s+"
    r"(?P<what>[^,;\n]{3,200}?)\s*(?:,|;|\.|\band\b)+\s*(?:and\s+)?"
    r"(?:if|when)\s+(?:so|it\s+(?:is|does)|yes|that(?:'s|\s+is)\s+the\s+case)\b,?",
    re.IGNORECASE,
)
# ways of saying a condition, as the one we read
_CONDITIONED = (
    (
        re.compile(r"\bshould\s+(?P<what>(?:an?|any)\s+(?:new\s+)?(?:e-?mail|mail)\b)", re.I),
        "when {what}",
    ),
    (
        re.compile(r"\b(?:every|each)\s+(?P<what>noon|midday|midnight)\b", re.I),
        "every day at {what}",
    ),
    (
        re.compile(r"\bshould\s+(?P<what>(?:the\s+)?[\w.]+(?:\s+\w+)?)\s+be\b(?!\s+\w+ed\b)", re.I),
        "if {what} is",
    ),
    (
        re.compile(r"\b(?:on|upon|in\s+case\s+of)\s+(?:an?\s+|any\s+)?(?:failure|errors?)\b", re.I),
        "if that fails",
    ),
    (
        re.compile(
            r"\b(?:but\s+)?(?:skip|leave|don't\s+[a-z-]+|do\s+not\s+[a-z-]+)\s+(?:it|that|this|them|me)"
            r"(?:\s+out)?\s+(?:if|when|whenever)\b",
            re.I,
        ),
        "unless",
    ),
    (re.compile(r"\b(?:but|and)\s+not\s+(?:if|when)\b", re.I), "unless"),
    (re.compile(r"\bthere\s+(?:are|is)\s+none\b", re.I), "it is empty"),
)
# "it should be sent to Bob": what is to be done, said of what it is done to
_PASSIVE = re.compile(
    r"(?P<what>\b(?:the|an?|each|every|all|its|my|this|that)\s(?:(?!\b(?:and|then|if|when|unless|but)\b)[^,;.\n]){2,80}?)\s+"
    r"(?:should|must|shall|ought\s+to|needs?\s+to|has\s+to|have\s+to|is\s+to|are\s+to)\s+be\s+"
    r"(?P<done>sent|shown|mailed|e-?mailed|saved|stored|written|added|appended|posted|forwarded|summari[sz]ed|"
    r"translated|read|told)\b",
    re.IGNORECASE,
)
_ACTIVE = {"sent": "send", "shown": "show", "written": "write", "told": "tell", "read": "read"}
# "I want to be told …": what is wished done to the person, as what is to be done
_WISHED = re.compile(
    r"\b(?:i(?:'d|’d|\s+would)?\s+(?:want|like|need|love|wish|prefer)\s+to\s+(?:be|get))\s+"
    r"(?P<done>told|reminded|notified|alerted|warned|informed|asked|mailed|e-?mailed|messaged)\b",
    re.IGNORECASE,
)
_DONE_TO = {
    "told": "tell",
    "notified": "notify",
    "mailed": "mail",
    "emailed": "email",
    "e-mailed": "email",
}
_BULLET = re.compile(r"^[ \t]*[-*•][ \t]+", re.MULTILINE)


def tidied(said: str) -> str:
    """The message as it was meant; what is quoted stays as it is."""
    parts = _QUOTED.split(said)
    parts[::2] = [_SLIP.sub(lambda m: _MENDED[m.group().lower()], part) for part in parts[::2]]
    text = "".join(parts)
    if _NUMBERED.search(text):
        text = _NUMBER.sub("\n", text)
    text = _DO.sub("", text)
    text = _ASK_WHETHER.sub(lambda m: f"{m['work']}, but ask me first", text)
    for pattern, said_so in _CONDITIONED:
        text = pattern.sub(lambda m, so=said_so: so.format(**m.groupdict()), text)  # type: ignore[misc]
    text = _IF_SO.sub(lambda m: f"if {m['what']} ", text)
    text = _PASSIVE.sub(_active, text)
    text = _WISHED.sub(_wished, text)
    text = _DAYS_WHEN.sub("every day only when", text)
    text = _WAIT_UNTIL.sub(lambda m: "at " if m["clock"] else "", text)
    return _BULLET.sub("", text).strip()


def _wished(found: re.Match[str]) -> str:
    done = found["done"].lower()
    return f"{_DONE_TO.get(done) or done.removesuffix('ed').replace('messag', 'message')} me"


def _active(found: re.Match[str]) -> str:
    done = found["done"].lower()
    verb = _ACTIVE.get(done) or re.sub(r"(?<=[a-z]{3})ed$", "", done)
    verb = f"{verb}e" if verb in ("sav", "stor", "summaris", "summariz", "translat") else verb
    return f"{verb} {found['what']}"
