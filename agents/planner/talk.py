"""What is answered without a plan: greetings, questions about Lightning, what cannot be done."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

from agents.planner.entities import MASKED, Text
from agents.planner.lexicon import WORDS
from backend.contracts.ports import PlanAnswer
from backend.contracts.tools import ToolSpec

_HELLO = re.compile(
    r"^\W*(?:hi|hello|hey|hiya|howdy|(?:good )?(?:morning|afternoon|evening)|good day|greetings|"
    r"moin|hallo|yo|sup|what's up|how are you)\b[^a-z]*(?:there|lightning|all|"
    r"everyone|how are you|today|doing)?\W*(?:how\s+are\s+you(?:\s+(?:doing|today))?|"
    r"how's\s+it\s+going|nice\s+to\s+meet\s+you)?\W*$"
)
_THANKS = re.compile(
    r"^\W*(?:(?:lol|haha+|hm+|ah|oh|wow)[\s,]+)?(?:thanks?|thank you|lol|haha+|"
    r"hm+|thx|cheers|great|nice|cool|perfect|ok(?:ay)?|bye|"
    r"goodbye|see you|good job|well done|looks good|sounds good)\b[\w\s,'’]{0,30}\W*$"
)
_ABOUT = re.compile(
    r"\b(?:what|how) (?:can|do|could|does) (?:you|lightning|this)\b(?: (?:do|help|"
    r"work|offer|know))?|^\W*(?:help|\?+)\W*$|\bwho are you\b|\bwhat are you\b|"
    r"\bwhat is (?:lightning|this)\b"
    r"|\bhow does (?:this|it) work\b|"
    r"\bwho (?:made|built|wrote|created|programmed) (?:you|this|lightning)\b|\bwhat (?:tools|else)\b"
)
_CHAT = re.compile(
    r"^\W*(?:please |can you |could you )?(?:tell (?:me|us) (?:a|another|"
    r"some) (?:joke|story|riddle|fun fact|poem|secret)|sing|make me laugh|"
    r"do you (?:like|love|think|know|feel|have)|are you (?:a|an|real|human|alive|"
    r"sentient|there)"
    r"|i (?:love|hate|like) you|why (?:is|are|do|does|did|was)|who (?:is|was|are|were|"
    r"invented|wrote)|what(?:'s| is| are| was| were) (?:the |a |an |your |"
    r"my )?(?!running|scheduled|planned)\w+|how (?:old|far|many|much|big|tall|long)|"
    r"when (?:was|did|is|will)|where (?:is|are|was))\b"
)
_DROPPED = re.compile(
    r"^\W*(?:(?:ok|okay|oh|no|sorry|actually|please|well)[\s,]+)*(?:never\s?mind|forget (?:it|that|"
    r"about it)|"
    r"scrap (?:it|that)|don't bother|no thanks?|no thank you|nothing)(?:[\s,]+(?:please|thanks|"
    r"then))?\W*$"
)
_STOP = re.compile(
    r"^\W*(?:please )?(?:cancel|stop|quit|abort|leave it|drop it)(?: (?:it|that))?\W*$"
)
_MANAGE_STATE = re.compile(
    r"^\W*(?:(?:did|has|have|is|was|were|why\s+did|when\s+(?:does|did|is|will|was)|how\s+did)"
    r"\s+(?:\w+\s+){0,4}?(?:last|latest|my|the|that|this|"
    r"next|previous|yesterday's|today's|any)\s+(?:\w+\s+){0,3}?(?P<what>runs?|plans?|schedules?|"
    r"digest|report|reminder|routine|job|"
    r"workflow|backup|automation)\b[^.\n]{0,40}"
    r"|(?P<now>what\s+(?:ran|has\s+run|was\s+done|happened|is\s+(?:running|waiting|pending|open))\b[^.\n]{0,40}"
    r"|(?:is|are)\s+(?:there\s+)?(?:anything|something|any\s+\w+)\s+(?:still\s+)?(?:waiting|pending|running|open|"
    r"stuck)\b[^.\n]{0,40})"
    r"|(?:pause|resume|stop|cancel|halt|suspend|unpause|restart)\s+(?:everything|"
    r"all(?:\s+of\s+(?:it|them))?|all\s+(?:my\s+)?(?P<all>runs?|plans?|"
    r"schedules?))\W*)$"
)
_MANAGE_ASKED = re.compile(
    r"^\W*(?:(?:what|which|how many)(?: of)?(?: my| the)?|"
    r"(?:do i have|are there|have i(?: got)?)(?: any)?)"
    r"\s+(?:\w+\s){0,2}?(?P<what>runs?|schedules?|plans?|tools?)\b[^.\n]{0,40}$"
)
_MANAGE = re.compile(
    r"^\W*(?:please |can you |could you )?(?:show|list|see|what are|which are|display|"
    r"give me|view|open|pause|resume|stop|cancel|delete|remove|how are|"
    r"what happened (?:to|with|in)|status of|what is|what's)\b"
    r"[^.\n]{0,60}?\b(?P<what>runs?|schedules?|plans?|running|scheduled|tools?|"
    r"history)\b[^.\n]{0,40}$|^\W*/?(?P<bare>runs|schedules|plans|tools|history|"
    r"status)\W*$"
)
_TOOL = re.compile(
    r"\b(?:use|using|with|via|call|through)\s+(?:the\s+)?(?:tool\s+)"
    r"?(?P<id>[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_-]*)+)(?![\w/@])"
)
_HARM = re.compile(
    r"\b(?:hack(?:ing)?|break\s+into|ddos|phish(?:ing)?|spy\s+on|steal|blackmail|harass|stalk)"
    r"\b(?!\s*(?:er\s*)?news\b)|"
    r"\b(?:send|mail|e-?mail|write|post|distribute|spread)\s+(?:(?!if|unless|contain|about|mention|says)[\w,.]+\s+){0,3}?(?:spam|viruses|virus|malware|"
    r"ransomware|scam|phishing)\b|"
    r"\b(?:write|make|create|build)\s+(?:me\s+)?(?:an?\s+)?(?:virus|malware|ransomware|keylogger|"
    r"exploit|trojan|worm)\b|"
    r"\b(?:mail|e-?mail|send|message|spam)\b[^.;]*\b(?:\d{3,}|\d{1,3}(?:[.,]\d{3})+|"
    r"thousands?(?:\s+of)?|millions?(?:\s+of)?|"
    r"(?:ten|hundred)s?\s+thousand)\s+(?:people|addresses|strangers|users|recipients|customers|"
    r"contacts|mails|e-?mails|times)\b|"
    r"\b(?:log|get|sneak)\s+(?:in|into|onto)\s+(?:my\s+|the\s+|their\s+)?(?:neighbou?rs?|boss|ex|"
    r"wife|husband|girlfriend|boyfriend|"
    r"colleague|someone)\b|\brm\s+-rf\b|\bfork\s+bomb\b|\bcrack\s+(?:the\s+|a\s+|their\s+|his\s+|"
    r"her\s+)?(?:password|account|wifi)"
)
_IMPOSSIBLE: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"^\W*(?:\w+ ){0,4}?(?:book|reserve|order|buy|purchase|rent|"
            r"hire)\b(?! the (?:page|feed))"
        ),
        "There is no tool to book, order or buy things.",
    ),
    (
        re.compile(r"^\W*(?:\w+ ){0,4}?(?:pay|transfer|wire|invest|trade|bet|donate)\b(?!-)"),
        "There is no tool that moves money.",
    ),
    (
        re.compile(
            r"^\W*(?:\w+ ){0,4}?(?:delete|erase|wipe|format|destroy|remove|uninstall|shred|"
            r"clear)\b.*\b(?:files?|disks?|drives?|computer|system|folders?|data|everything|"
            r"database|laptop|server|account|photos)\b"
        ),
        "There is no tool that deletes anything, and none that reaches your computer: "
        "only your own files here can be read, written and listed.",
    ),
    (
        re.compile(r"^\W*(?:\w+ ){0,4}?(?:hack|break into|ddos|phish|crack|spy on|steal)\b"),
        "I do not do that.",
    ),
    (
        re.compile(
            r"^\W*(?:\w+ ){0,4}?(?:cook|bake|clean|drive|walk|wash|iron|paint|fly|travel|"
            r"teleport|marry|feed) (?:me|my|the|a|us|to)\b(?!.*\burl\b)"
        ),
        "Nothing here can act in the physical world.",
    ),
    (
        re.compile(
            r"^\W*(?:(?:please|can|could|you|i|want|to|would|like|me|just|and|then|tweet)\s+)"
            r"{0,5}(?:call|phone|ring|text|sms|whatsapp|"
            r"tweet|fax)\b (?!the (?:api|endpoint)|https?|an? api|numbers?)"
        ),
        "There is no tool for calls or for that messenger.",
    ),
    (
        re.compile(
            r"^\W*(?:\w+ ){0,4}?(?:install|deploy|reboot|restart|shut ?down|compile)\b"
            r"|^\W*(?:please )?(?:run|execute|start)\s+(?:the\s+|my\s+)?(?:script|program|command|"
            r"code)\b"
        ),
        "There is no tool that runs programs on a computer.",
    ),
    (
        re.compile(
            r"^\W*(?:\w+ ){0,4}?(?:play|turn (?:on|off)|switch (?:on|off)|dim|unlock|"
            r"lock)\b.*\b(?:music|song|video|light|lights|door|tv|heating|lamp|radio)\b"
        ),
        "No device is connected here.",
    ),
)


def abilities(tools: Mapping[str, ToolSpec]) -> str:
    """What can be done, in one sentence, from the tools there are."""
    known = (
        ("feed.read", "read feeds"),
        ("web.read", "read pages"),
        ("http.get", "call web addresses"),
        ("text.summarize", "summarise"),
        ("text.extract", "extract data from text"),
        ("file.write", "read and write your files here"),
        ("email.send", "send mail"),
        ("notify.user", "post in this chat"),
        ("human.ask", "ask you"),
    )
    words = [what for tool, what in known if tool in tools]
    words += [spec.name.lower() for tool, spec in tools.items() if tool not in WORDS][:3]
    if not words:
        return "No tools are set up yet."
    last = f" and {words[-1]}" if len(words) > 1 else words[-1]
    return f"I can {', '.join(words[:-1])}{last}, now or on a schedule."


EXAMPLE = (
    "Say it in one sentence, for example: “Every weekday at 9 read the feed "
    "https://news.ycombinator.com/rss, summarise it and mail it to me@example.com”."
)


DROPPED = "All right, that is dropped. Say what should happen next, whenever you like."

KEPT = (
    "All right, nothing is changed. The open plan is as it was; if you do not want it, turn it "
    "down on "
    "its card."
)


def greets(plain: str) -> bool:
    """Whether these words of a request are only courtesy."""
    text = plain.strip()
    return bool(_HELLO.match(text) or _THANKS.match(text))


def dropped(plain: str) -> bool:
    """Whether what was asked about is not wanted any more."""
    return bool(_DROPPED.match(plain) or _STOP.match(plain))


def small_talk(plain: str, tools: Mapping[str, ToolSpec]) -> PlanAnswer | None:
    """The answer to what asks for no work, or None."""
    text = plain.strip()
    if not re.search(r"[^\W_]|[\ue001-\ue004]", text):
        return PlanAnswer("talk", f"What should happen? {EXAMPLE}")
    if _HELLO.match(text):
        return PlanAnswer("talk", f"Hello. {abilities(tools)} {EXAMPLE}")
    if _THANKS.match(text):
        return PlanAnswer("talk", "Good. Say what should happen next, whenever you like.")
    if _DROPPED.match(text):
        return PlanAnswer("talk", DROPPED)
    if (state := _MANAGE_STATE.match(text)) and not MASKED.search(text):
        word = (
            str(state["what"] or state["all"] or ("runs" if state["now"] else "schedules")).rstrip(
                "s"
            )
            + "s"
        )
        known = word if word in ("plans", "schedules") else "runs"
        known = "schedules" if re.match(r"\W*when\s+(?:does|is|will)", text) else known
        return PlanAnswer("manage", f"Your {known}.", choices=(known,))
    found = _MANAGE.match(text) or _MANAGE_ASKED.match(text)
    if found:
        what = {
            "running": "runs",
            "run": "runs",
            "history": "runs",
            "status": "runs",
            "scheduled": "schedules",
            "schedule": "schedules",
            "plan": "plans",
            "tool": "tools",
        }
        word = str(found["what"] or found.groupdict().get("bare"))
        word = what.get(word, word)
        return PlanAnswer("manage", f"Your {word}.", choices=(word,))
    if _ABOUT.search(text) and len(text) < 120:
        return PlanAnswer(
            "talk",
            f"{abilities(tools)} I plan offline, without a language model; every plan is shown for "
            f"your "
            f"approval before anything runs. {EXAMPLE}",
        )
    if _CHAT.match(text) and not MASKED.search(text):
        return PlanAnswer(
            "talk",
            "I plan offline, without a language model, so I cannot chat or answer questions of "
            "general "
            f"knowledge. {abilities(tools)}",
        )
    return None


def refusal(
    plain: str, tools: Mapping[str, ToolSpec], text: Text | None = None
) -> PlanAnswer | None:
    """Why what is asked will not, or cannot, be done, when that is sure. What names an address outright
    may mean something else by the same words."""
    if _HARM.search(plain):
        return PlanAnswer("refusal", "I do not do that: it would harm others.")
    names = text is not None and any(e.kind in ("url", "email", "file") for e in text.entities)
    for pattern, why in () if names else _IMPOSSIBLE:
        if pattern.match(plain):
            return PlanAnswer("refusal", f"{why} {abilities(tools)}")
    return None


def tool_named(plain: str, tools: Mapping[str, ToolSpec]) -> str | None:
    """An id that is asked for as a tool and is none."""
    found = _TOOL.search(plain)
    return found["id"] if found and found["id"] not in tools else None


def nearest_tools(
    named: str, tools: Mapping[str, ToolSpec], alike: Sequence[str]
) -> tuple[str, ...]:
    """Up to three ids: those spelled nearly so, then those that mean something like it."""
    spelled = difflib.get_close_matches(named, list(tools), n=2, cutoff=0.6)
    verb = named.rsplit(".", 1)[-1]
    same = [tool for tool in tools if tool.rsplit(".", 1)[-1] == verb]
    return tuple(dict.fromkeys([*spelled, *same[:1], *alike]))[:3]
