"""Other words for known work, one pattern a frame: a verb of a family with what stands around it. Data
only, read by frames.py; in the patterns a mask stands for each address, file and quotation."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from agents.planner import families as f
from agents.planner.times.words import NUMBER

Groups = dict[str, str]
_URL, _EMAIL, _FILE, _QUOTED = "\ue001+", "\ue002+", "\ue003+", "\ue004+"
_WORDS = r"(?:(?!\b(?:and|then|but|if|when|unless)\b)[^,;.\n])"
_ME = r"(?:me|us)"
_LABEL = (
    r"(?:(?:(?:my|our|the|his|her|their)\s+)?(?:(?!not\b|only\b|but\b|all\b|every\b|if\b|"
    r"when\b|that\b)[a-z'-]+\s+){0,2}?)"
)
_WHO = rf"{_LABEL}\(?(?P<who>{_EMAIL}(?:(?:\s*,\s*|\s*,?\s+and\s+|\s*&\s*)(?:to\s+)?{_EMAIL})*)\)?"
_TO_FILE = (
    rf"(?:the\s+|my\s+|our\s+|an?\s+)?(?:new\s+)?(?:file\s+)?(?:called\s+|named\s+"
    rf")?(?P<file>{_FILE})"
)
_TIME = (
    r"at|every|each|on|in|tomorrow|today|tonight|daily|weekly|hourly|for|this|next|as\s+soon|"
    r"if|when(?:ever)?|once|unless|before|after"
)
_OPENS = r"if|when(?:ever)?|once|as\s+soon\s+as|in\s+case|the\s+moment|should|whether|unless"
_BE = (
    r"(?:is|are|was|were|will|has|have|can|cannot|can't|won't|must|should|'ll|needs?|i'm|we're|"
    r"it's|that's|there's)"
)
# "the 5 dates", "everything": without a noun of their own these are none
_SUMMARY = r"summary|digest|gist|recap|overview|translation"


@dataclass(frozen=True, slots=True)
class Frame:
    """`said` matches where a piece of work begins; `meant` makes the same of its groups, in words that
    are read. "" leaves it as it is."""

    said: re.Pattern[str]
    meant: Callable[[Groups], str]


def _frame(pattern: str, meant: str | Callable[[Groups], str]) -> Frame:
    say = meant if callable(meant) else (lambda groups: meant.format(**groups))
    return Frame(re.compile(pattern), say)


def _who(groups: Groups) -> str:
    given = next(value for name, value in groups.items() if name.startswith("who") and value)
    return {"i": "me", "we": "us", "my": "me", "our": "us"}.get(given.lower(), given)


def _called(groups: Groups) -> str:
    """What the person is called for: "to water it" is a reminder, "if it is down" a message."""
    verb = "remind" if re.match(r"(?:to|about|of|that)\b", groups["next"]) else "tell"
    return f"{verb} {groups['me'] or 'me'} "


def _kept(groups: Groups) -> str:
    what = re.sub(r"^(?:a|one)\s+copy(?:\s+of(?=\s+\S))?\s*", "", groups["what"].strip()) or "it"
    if re.match(r"on", groups["to"]):
        return f"add {what} to {groups['file']}"
    return f"save {what} to {groups['file']}"


def _counted(what: str) -> str:
    return what if re.match(rf"(?i)(?:an?|some|the|my|{NUMBER})\b", what) else f"a {what}"


def _asked_for(groups: Groups) -> str:
    method = groups["method"].upper()
    verb = {"GET": "call", "HEAD": "call", "OPTIONS": "call", "DELETE": "DELETE"}.get(
        method, f"{method} to"
    )
    return f"{verb} {groups['url']}"


FRAMES: tuple[Frame, ...] = (
    # --- somebody is told, or sent something ---------------------------------------------------------
    _frame(rf"let\s+{_WHO}\s+know\s+(?P<next>(?:{_OPENS})\b)", "mail {who} {next}"),
    _frame(rf"let\s+{_WHO}\s+know\s+(?:that\s+|about\s+)?(?=\S)", "mail {who} that "),
    _frame(rf"let\s+{_WHO}\s+have\s+(?P<what>{_WORDS}{{2,80}}?)(?=\s*(?:$|[,;.\n]|\s(?:and|then|"
           rf"{_TIME})\b))",
           "send {what} to {who} "),
    _frame(rf"(?:{f.SEND}|slip|do)\s+{_WHO}\s+an?\s+(?:(?:quick|short|brief|little)\s+)?(?:line|"
           rf"note|mail|e-?mail|message|word|text|heads[\s-]?up)"
           r"\s+(?:that|saying(?:\s+that)?|to\s+say(?:\s+that)?)\s+", "mail {who} that "),
    _frame(rf"{f.TELL}\s+{_WHO}\s+(?:that\s+)?(?P<next>(?!(?:that|what|which|how|who|why|about|of|"
           rf"whether|to|saying|with|from|as|at|on|in|every|each|if|when|once|unless|and|a|all|"
           rf"only|both|it|them|this|these|everything)\b|the\s+(?:{_SUMMARY}|result|answer|"
           rf"content|text|entries)){_WORDS}{{1,80}}?\b{_BE}\b)",
           "mail {who} that {next}"),
    _frame(rf"{f.TELL}\s+{_WHO}\s+that\s+", "mail {who} that "),
    _frame(rf"(?:tell|notify|alert|warn|inform|message)\s+{_WHO}(?=\s+(?:{_OPENS}|about|"
           rf"of)\b)", "mail {who}"),
    _frame(rf"{f.SEND}\s+(?P<what>(?!\ue003)[a-z]+(?:\s+(?:and|of)\s+[a-z]+){{0,2}})\s+to\s+"
           rf"{_WHO}\s*:\s*", "mail {who}: "),
    _frame(rf"{f.SEND}\s+(?:off\s+)?(?P<what>{_WORDS}{{1,90}}?)\s+(?:(?:over|across|along|off|out|"
           rf"round|on|back|straight|up)\s+)?to\s+{_WHO}",
           "send {what} to {who}"),
    _frame(rf"(?:share|shoot|fire|fling|throw|toss|sling)\s+(?:off\s+"
           rf")?(?P<what>{_WORDS}{{1,90}}?)\s+(?:(?:over|across)\s+)?(?:with|at)\s+{_WHO}",
           "send {what} to {who}"),
    _frame(rf"(?:have|get)\s+(?P<what>{_WORDS}{{1,90}}?)\s+(?:sent|mailed|e-?mailed|delivered|"
           rf"forwarded|passed\s+on)\s+(?:over\s+)?to\s+{_WHO}",
           "send {what} to {who}"),
    _frame(rf"(?:i(?:'d|\s+would)?\s+(?:like|want|need)\s+)?(?P<what>(?:the|my|our|its|an?|"
           rf"[\ue001\ue003])(?=\W){_WORDS}{{0,90}}?|{_FILE}|{_URL})\s+(?:should|must|has\s+to|"
           rf"is\s+to|needs?\s+to|to|ought\s+to)\s+"
           rf"(?:(?:go|land|arrive|end\s+up|be|show\s+up|turn\s+up|reach|drop)(?:\s+(?:out|"
           rf"over))?\s+)(?:(?:in|at|with|to|into|by)\s+)?{_WHO}(?:'s\s+(?:in|mail)box)?",
           "send {what} to {who}"),
    # --- the person is called to ---------------------------------------------------------------------
    _frame(rf"wake\s+(?P<me>{_ME})(?:\s+up)?(?:\s+with\s+an?\s+\w+)?\b", "remind {me} to wake up"),
    _frame(rf"{f.CALL}(?:\s+(?:at|to|out\s+to))?\s+(?P<me>{_ME})(?:\s+up)?\s+(?P<next>(?:to|about|"
           rf"of|{_OPENS})\b)",
           lambda g: _called(g) + g["next"]),
    _frame(rf"(?:{f.CALL}|alert|warn|notify|message|sound\s+the\s+alarm|raise\s+(?:the\s+"
           rf")?alarm)(?:\s+out)?\s+(?P<next>(?:if|when(?:ever)?|once|as\s+soon\s+as|in\s+case)\b)",
           "tell me {next}"),
    _frame(rf"(?:bug|nag|pester|prod|buzz|hound|badger|beep|poke|nudge|ping)\s+(?P<me>{_ME})\s+"
           rf"(?P<next>(?:{_TIME})\b)", "remind {me} {next}"),
    _frame(rf"(?:give|drop|send|shoot|throw|set|raise)\s+(?:(?P<me>{_ME})\s+)?(?:an?\s+|another\s+"
           rf"|the\s+)?{f.SIGNAL}\s+(?P<next>(?:to|about|of|that|{_OPENS})\b)",
           lambda g: _called(g) + g["next"]),
    _frame(rf"(?:give|drop|send|set|make|create|add|put|schedule)\s+(?:(?P<me>{_ME})\s+)?(?:up\s+"
           rf")?(?:an?\s+|another\s+)?(?:\w+\s+)?(?:reminder|alarm)\s+(?P<next>(?:for|{_TIME})\b)",
           lambda g: f"remind {g['me'] or 'me'} {g['next']}"),
    _frame(
        rf"(?:i(?:'d|'ll|\s+would)?\s+(?:like|love|want|need|appreciate)|can\s+(?:i|we)\s+(?:get|"
        rf"have))\s+"
        rf"(?:an?\s+|another\s+)?{f.SIGNAL}\s+(?P<next>(?:to|about|of|that|{_OPENS})\b)",
        lambda g: _called({**g, "me": ""}) + g["next"],
    ),
    _frame(
        rf"keep\s+(?P<me>{_ME})\s+(?:posted|updated|informed|in\s+the\s+loop)\s+(?:on|about|of|with)\s+"
        rf"(?:changes\s+(?:on|to|in|at)\s+)?(?P<what>(?:the\s+\w+\s+)?{_URL})",
        "tell {me} when {what} changes",
    ),
    _frame(
        rf"(?P<what>(?:the|my|our|an?)\s{_WORDS}{{1,90}}?|{_FILE}|{_URL})\s+(?:should|must|to)\s+"
        rf"(?:reach|come\s+to|"
        rf"appear\s+for|pop\s+up\s+for|get\s+to)\s+(?P<me>{_ME})(?:\s+(?:here|in\s+(?:the|this)\s+"
        rf"chat))?\b",
        "show {me} {what}",
    ),
    _frame(rf"{f.FORGET}\b(?=\s+(?:to|about|that|of)\b)", lambda g: f"remind {_who(g)}"),
    _frame(r"(?:remember|don't\s+forget)\s+(?=to\b)", "remind me "),
    # --- looked at, fetched --------------------------------------------------------------------------
    _frame(rf"{f.LOOK}\s+(?=\S)", "check "),
    _frame(rf"{f.REQUEST}\s+(?:the\s+|my\s+)?(?:url\s+|endpoint\s+|api\s+)?(?:at\s+"
           rf")?(?P<url>{_URL})\s+(?:(?:with|via|using|as|by)\s+)?(?:an?\s+)?(?:http\s+"
           rf")?(?P<method>{f.METHOD})\b(?:\s+request)?",
           _asked_for),
    _frame(rf"(?:do|make|send|issue|fire|run)\s+(?:off\s+)?an?\s+(?:http\s+"
           rf")?(?P<method>{f.METHOD})(?:\s+(?:request|call))?\s+(?:to|at|on|against|for)\s+"
           rf"(?P<url>{_URL})",
           _asked_for),
    _frame(rf"(?:curl|wget|hit|poll|knock\s+on|invoke|trigger)\s+(?=(?:the\s+)?{_URL})", "call "),
    _frame(rf"{f.FETCH}\s+(?=(?:the\s+)?(?:\w+\s+)?(?:{_URL}|{_FILE}))", "get "),
    # --- a part of it, a shorter one, another language -------------------------------------------------
    _frame(rf"{f.EXTRACT}\s+out\s+(?=(?:all|any|every|each|the|its|their)\b|[a-z]+s\b)", "extract "),
    _frame(rf"{f.EXTRACT}\s+(?P<what>{_WORDS}{{3,80}}?)\s+out\s+of\s+(?=(?:the\s+)?(?:{_URL}|"
           rf"{_FILE}|it\b|that\b|them\b))", "extract {what} from "),
    _frame(rf"{f.SHORTEN}\s+(?P<what>(?!(?:out|into)\b){_WORDS}{{2,80}}?)\s+down(?:\s+(?:to|"
           rf"into)\s+(?:a\s+)?(?P<n>(?:{NUMBER})\s+[a-z]+|few\s+[a-z]+|paragraph))?",
           lambda g: f"summarise {g['what']}" + (f" in {g['n']}" if g["n"] else "")),
    _frame(rf"{f.SHORTEN}\s+down\s+(?P<what>(?:the\s+)?(?:{_URL}|{_FILE}|it|that|this|"
           rf"them)\b)", "summarise {what}"),
    _frame(rf"{f.TRANSLATE}\s+(?:me\s+)?(?P<what>{_WORDS}{{0,60}}?(?:{_URL}|{_FILE}|{_QUOTED}|"
           rf"\b(?:it|this|that|them|everything|text|page|article|summary|result|entries|answer|"
           rf"letter|mail)))\s+(?:in|into|to)\s+"
           rf"(?P<tongue>{f.TONGUES})\b", "translate {what} into {tongue}"),
    _frame(rf"{f.COMPOSE}\s+(?:me\s+|us\s+)?(?P<a>an?|some|another|(?:{NUMBER})(?!\w))\s+"
           rf"(?!(?:\w+\s+)?(?:{_SUMMARY}|copy|plan|reminder\s+(?:for|to)|list\s+of\s+(?:my\s+|"
           rf"the\s+)?files|file|folder)\b)(?=[a-z])",
           "compose {a} "),
    _frame(
        rf"from\s+(?:the\s+)?(?P<at>{_URL}|{_FILE})\s*,?\s+{f.EXTRACT}\s+(?:out\s+)?"
        rf"(?P<what>(?:all|any|every|each|the|its)\s+{_WORDS}{{2,60}}?)(?=\s*(?:$|[,;.\n]|"
        rf"\s(?:and|then|to|into)\b))",
        "extract {what} from {at}",
    ),
    _frame(
        rf"(?:put\s+together|(?:write|sum)\s+up|(?:tell|give|show)\s+{_ME})\s+what\s+"
        rf"(?P<what>(?:the\s+\w+\s+)?(?:{_FILE}|{_URL}))\s+says?\s+in\s+(?:(?:an?\s+)?few\s+"
        rf"(?:words|lines|sentences)|short|brief)",
        "summarise {what}",
    ),
    _frame(
        rf"{f.KEEP}\s+(?P<what>(?:a\s+list\s+of\s+)?(?:an?|some|(?:{NUMBER})(?!\w))\s+"
        rf"(?:[a-z-]+\s+){{0,2}}{f.GENRE}\s+"
        rf"(?:about|for|on)\s+{_WORDS}{{2,80}}?)\s+(?:in|into|to|as)\s+{_TO_FILE}",
        "compose {what} and save it to {file}",
    ),
    _frame(
        rf"(?P<what>(?:[a-z-]+\s+){{0,3}}{f.GENRE}\s+(?:about|for|on)\s+(?:(?!\b(?:and|"
        rf"then)\b)[^;.\n\ue001-\ue004]){{2,80}}?)"
        rf"\s*,?\s+(?:in|into|to)\s+{_TO_FILE}\s*$",
        lambda g: f"compose {_counted(g['what'])} and save it to {g['file']}",
    ),
    _frame(r"ls\s+(?:-\w+\s+)?(?P<what>[\w-]+(?:/[\w-]+)*)/?\s*$", "list the files in {what}"),
    _frame(
        rf"(?:loop|iterate|step)\s+(?:over|through)\s+(?:(?:all|each|every)\s+)?(?:(?:the|of)\s+)*"
        rf"(?:(?:lines|entries|items|urls|links)\s+(?:in|of)\s+)?(?=(?:the\s+)?(?:{_FILE}|{_URL}))",
        "read ",
    ),
    # --- kept ----------------------------------------------------------------------------------------
    _frame(rf"{f.ADD}\s+(?P<what>{_WORDS}{{1,120}}?)\s+(?:down\s+)?(?:on|onto|to|at|in|under|"
           rf"below)\s+(?:(?:the|its)\s+)?(?:very\s+)?(?:end|bottom|foot|tail|list)\s+(?:of|in)\s+"
           rf"{_TO_FILE}",
           "add {what} to {file}"),
    _frame(rf"(?:replace|overwrite|override)\s+(?:the\s+(?:contents?|text|whole)\s+of\s+|"
           rf"everything\s+in\s+)?(?P<file>{_FILE})\s+(?:with|by)\s+(?P<what>{_QUOTED}|the\s+"
           rf"{_WORDS}{{2,80}}|it\b|that\b)",
           "write {what} to {file}"),
    _frame(rf"{f.KEEP}\s+(?P<what>(?!\ue002){_WORDS}{{0,120}}?)\s*(?:\b(?:away|down|up|off|out|"
           rf"over|safely)\s+)?\b(?P<to>in|into|inside|within|on|onto|to|as|under)\s+{_TO_FILE}",
           _kept),
)  # fmt: skip

_REPLY = (
    r"(?:auto(?:matically)?[\s-]*)?(?:reply|answer|respond|write\s+back|get\s+back)(?:\s+back)?"
)
_SENDER = (
    r"(?:the\s+(?:sender|author|mail|email|message)|its\s+(?:sender|author)|them|him|her|it|"
    r"that(?:\s+(?:mail|email|message))?|"
    r"whoever\s+(?:sent|wrote)\s+(?:it|that|me))"
)
_MAILS = (
    rf"(?P<which>(?:(?:every|each|any|all|incoming|new|my)\s+){{1,3}}(?:e-?mails?|mails?|"
    rf"messages)(?:\s+from\s+{_EMAIL})?)"
    r"(?:\s+(?:(?:that|which)\s+(?:comes?|arrives?)(?:\s+in)?|(?:that\s+)?i\s+(?:get|receive)))?"
)


def _arriving(groups: Groups) -> str:
    by = re.search(r"(?i)\sfrom\s.*", groups["which"])
    return f"when a mail{by.group() if by else ''} arrives, mail the sender"


# where mails come in
REPLIES: tuple[Frame, ...] = (
    _frame(rf"{_REPLY}\s+(?:to\s+)?{_MAILS}\s*(?:that|saying(?:\s+that)?|:|with(?=\s+\ue004))\s*(?=\S)",
           lambda g: f"{_arriving(g)} that "),
    _frame(rf"{_REPLY}(?:\s+(?:to\s+)?{_SENDER})?\s*(?:\bthat\b|\bsaying\b(?:\s+that\b)?|:|"
           rf"\bwith\b(?=\s+\ue004))\s*(?=\S)",
           "mail the sender that "),
    _frame(rf"{_REPLY}(?:\s+(?:to\s+)?{_SENDER})?\s+with\s+"
           rf"(?P<what>{_WORDS}{{2,80}})", "send {what} to the sender "),
    _frame(rf"{f.SEND}\s+(?P<what>{_WORDS}{{1,90}}?)\s+(?:back\s+)?to\s+(?:the\s+author|its\s+"
           rf"(?:sender|author)|whoever\s+(?:sent|wrote)\s+(?:it|that|me))\b",
           "send {what} to the sender"),
)  # fmt: skip

# beside an open plan
EDITS: tuple[Frame, ...] = (
    _frame(rf"(?:cc|bcc|copy(?:\s+in)?|loop\s+in|bring\s+in|include|put\s+in)\s+{_WHO}(?:\s+in)?"
           r"(?:\s+(?:on|in|to|for)\s+(?:that|it|this|the\s+(?:mail|email|message|"
           r"loop)))?", "also send it to {who}"),
    _frame(rf"(?:put|use|make|take|set|write|have)\s+(?P<what>{_QUOTED})\s+(?:as|for|in|into)\s+"
           rf"(?:the|its)\s+(?P<name>subject|title)(?:\s+line)?",
           "the {name} should be {what}"),
)  # fmt: skip

TAILED: tuple[tuple[re.Pattern[str], str], ...] = (
    # "… two sentences are enough"
    (re.compile(rf"\s*[,;.?!-]+\s*(?P<n>(?:{NUMBER})\s+(?:sentences?|lines|points|words|entries|"
                rf"items))\s+(?:is|are|will\s+be|would\s+be|will)\s+"
                r"(?:enough|plenty|fine|sufficient|ok(?:ay)?|do)\b"), " in {n}"),
    (re.compile(r",?\s+(?:from\s+now\s+on|from\s+here\s+on|henceforth|going\s+forward)\b"), ""),
)  # fmt: skip
# "water the ficus reminder, each Saturday at 9": the thing is called what it is for
REMINDER = re.compile(
    r"^\W*(?:an?\s+|the\s+)?(?P<what>(?!(?:set|give|send|make|create|add|put|schedule|change|move|"
    r"drop|remove|delete|stop|pause|show|list|my|this|that|"
    r"cancel|edit|update|no|which|what|every|each|daily|"
    r"weekly)\b)[a-z][^,;:.\n\ue001-\ue004]{2,60}?)\s+(?:reminder|alarm|nag|nudge)\b\s*[,:-]?\s*"
    r"(?=(?:at|every|each|on|in|tomorrow|today|tonight|daily|weekly|hourly|for)\b)"
)
DOES = re.compile(
    r"(?:water|feed|call|take|pay|buy|check|do|clean|empty|bring|pick|walk|wash|send|order|book|"
    r"renew|turn|put|get|fill|"
    r"charge|lock|close|open|drink|eat|write|read|learn|practi[cs]e|visit|collect|return|submit|"
    r"file|start|stop|change|give)\b"
)
