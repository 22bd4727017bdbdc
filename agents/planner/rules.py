"""How people ask for the work of the shipped tools, as patterns: data only. In them <url>, <email>,
<file> and <quoted> stand for what a request names outright."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agents.planner.entities import MASKS
from agents.planner.families import GENRE

_GET = (
    r"(?:read|fetch|get|check|load|watch|follow|pull|grab|take|open|visit|scrape|download|retrieve"
    r"|look at|look up|go through|scan|monitor|collect|crawl|see|gather)(?:s|es|ing)?"
)
_PRONOUN = r"(?:it|them|this|that|these|those|everything|all|me|us|him|her|you)"


@dataclass(frozen=True, slots=True)
class Rule:
    """`pattern` in a clause speaks for `tool`, so surely as `weight` says."""

    tool: str
    weight: float
    pattern: re.Pattern[str]


def _rule(tool: str, weight: float, pattern: str) -> Rule:
    for kind, mask in MASKS.items():
        pattern = pattern.replace(f"<{kind}>", f"{mask}+")
    return Rule(tool, weight, re.compile(pattern))


RULES: tuple[Rule, ...] = (
    _rule("feed.read", 0.97, rf"\b{_GET}\b.*\b(?:feeds?|rss|atom)\b"),
    _rule("feed.read", 0.9, r"\b(?:feeds?|rss)\b[^.]*<url>|<url>[^.]*\b(?:feeds?|rss)\b"),
    _rule("feed.read", 0.75, rf"\b{_GET}\b.*\b(?:headlines|news|posts|entries)\b"),
    _rule(
        "web.read",
        0.95,
        rf"\b{_GET}\b.*\b(?:page|web ?page|site|website|article|blog|post|story)\b",
    ),
    _rule("web.read", 0.9, rf"\b{_GET}\b\s+(?:\w+\s+){{0,4}}<url>"),
    _rule("web.read", 0.6, rf"\b{_GET}\b.*\b(?:url|link|address)\b"),
    _rule(
        "http.get",
        0.96,
        rf"\b(?:{_GET}|call|query|ping|request)\b.*\b(?:api|endpoint|json)\b(?!.*\bfile\b)",
    ),
    _rule("http.get", 0.9, r"\b(?:call|ping|request|curl)\b.*<url>"),
    _rule(
        "http.request",
        0.96,
        r"\b(?:post|put|patch|push|send)\b.*\b(?:to|at)\b.*(?:<url>|\bwebhook\b|\bapi\b)",
    ),
    _rule("http.request", 0.96, r"\b(?:delete|patch)\s+(?:the\s+)?<url>"),
    _rule(
        "http.request",
        0.96,
        r"\b(?:tell|notify|inform|message)\s+<url>(?:\s+that\b|\s*:|\s+<quoted>)",
    ),
    _rule("file.read", 0.97, rf"\b{_GET}\b[^.]*<file>"),
    _rule("file.read", 0.8, rf"\b{_GET}\b.*\b(?:my|the) (?:file|notes)\b"),
    _rule("file.read", 0.9, r"\bwhat(?:'s|s| is| does)?\b.*<file>"),
    _rule("file.list", 0.9, r"\b(?:list|show|see|which|what)\b.*\b(?:files|documents|folder)\b"),
    _rule(
        "text.summarize",
        0.97,
        r"\bsummar(?:i[sz]e[sd]?|i[sz]ing|y|ies)\b|\bsum (?:\w+ )?up\b|\bsum up\b",
    ),
    _rule(
        "text.summarize",
        0.9,
        r"\bwhat (?:it(?:'s|s| is)|this is|that is|they are|the \w+ is) (?:all )?about\b",
    ),
    _rule(
        "text.summarize",
        0.9,
        r"\b(?:digest|condense|shorten|boil|gist|tl;?dr|recap|abridge|outline)\b|\b(?:(?:key|"
        r"main)\s+(?:points|"
        r"ideas|takeaways|facts)|highlights|takeaways|bullet(?:\s+points?|s)\b|in\s+a\s+nutshell|"
        r"(?:short|brief|quick)\s+(?:notes|version|overview|form)|run-?down|the\s+essence)\b",
    ),
    _rule("text.extract", 0.96, r"\b(?:extract|pull out|pick out)\b"),
    _rule(
        "text.extract",
        0.85,
        r"\b(?:find|collect|list|get|pull|grab|fetch|gather|need|want|like)\b.*\b(?:"
        r"e-?mail addresses|addresses|"
        r"links|urls|"
        r"dates|amounts|prices|phone numbers)\b",
    ),
    _rule(
        "text.extract",
        0.84,
        r"\b(?:what|which|show|give|send|mail|e-?mail|tell|save|store)\b.*\b(?:e-?mail addresses|"
        r"phone numbers|dates|amounts|"
        r"links|urls)\b.*\b(?:in|on|of|from)\b",
    ),
    _rule(
        "llm.complete",
        0.9,
        r"^\W*(?:compare|contrast|check\s+which|decide|judge|answer|describe|review)"
        r"\b(?!.*\blast\s+time\b)",
    ),
    _rule(
        "llm.complete",
        0.93,
        r"\b(?:translat\w+|rewrit\w+|rephras\w+|paraphras\w+|proofread|classif\w+|"
        r"categori[sz]\w+|brainstorm\w*)\b",
    ),
    _rule("llm.complete", 0.93, r"\b(?:ask|let|have)\b.*\b(?:ai|model|llm|gpt|chatgpt)\b"),
    _rule(
        "llm.complete",
        0.9,
        r"^\W*(?:write|draft|compose|generate|invent|make up|come up with|think up)\s+(?:me\s+|us\s+)?"
        r"(?:an?|some|two|three|four|five|\d+)\s+(?!.{0,20}\b(?:file|mail|e-?mail|message|note|"
        r"summary|copy|list|line|log|"
        r"digest|reminder|request)\b)[a-z]",
    ),
    _rule(
        "llm.complete",
        0.9,
        r"^\W*(?:correct|fix|improve|polish|simplify|proofread|edit|rework|reword|reformat|"
        r"anonymi[sz]e|redact|expand|"
        r"lengthen|clean up|tidy up|check)\s+(?:(?:the|its|their|all|any)\s+)*(?:it|them|text|"
        r"spelling|grammar|typos?|tone|"
        r"wording|style|language|sentences|words|names|mistakes|errors)\b",
    ),
    _rule(
        "llm.complete",
        0.9,
        r"\b(?:tell|show|mail|send)\s+(?:me|us|<email>)\s+(?:which|who|whom|why|how)\b"
        r"(?!\s+(?:many|much|it(?:'s| is)\s+going))",
    ),
    _rule(
        "llm.complete",
        0.9,
        r"^\W*(?:what|which)\s+(?:do|does|did|are|was|were|would|can|should|has|have|"
        r"of)\b.*(?:<file>|<url>)"
        r"(?!\s*(?:say|says|contain|contains|look\s+like|mean)?\W*$)",
    ),
    _rule(
        "llm.complete",
        0.9,
        r"^\W*what (?:does|do|did)\b.*(?:<url>|<file>).*\b(?:say|write|tell|report|mention|think)s? "
        r"(?:about|on|of)\b",
    ),
    _rule(
        "llm.complete",
        0.85,
        r"\b(?:write|draft|compose|generate)\b(?!\s+(?:the|that|this|it|my)\b)(?:\s+\w+)"
        r"{0,3}\s+(?:poem|story|haiku|reply|"
        r"answer|tweet|essay|letter|text|paragraph|joke|post|comment|introduction|outline|"
        r"speech)\b",
    ),
    _rule(
        "llm.complete",
        0.9,
        r"\b(?:turn|make|convert|transform)\b.*(?:<file>|<url>|\b(?:it|them|"
        r"that)\b).*\b(?:in)?to\s+an?\b(?!.*\b(?:summary|digest|gist|recap)\b)",
    ),
    _rule(
        "llm.complete",
        0.91,
        r"^\W*(?:compose|draft|prepare|pen|formulate|phrase|devise|brainstorm)\s+(?:me\s+|us\s+"
        r")?(?:an?|some|another|"
        r"two|three|four|five|six|ten|\d+)\s+(?!(?:\w+\s+)?(?:summary|digest|gist|recap|overview|"
        r"copy|list\s+of\s+(?:my\s+|"
        r"the\s+)?files|file|folder)\b)(?!.*(?:<email>|\bmail\s+to\b))[a-z]",
    ),
    _rule(
        "llm.complete",
        0.91,
        rf"\b(?:make|write|compose|draft|create|generate|give|get|produce|prepare|find)\s+(?:me\s+"
        rf"|us\s+)?(?:up\s+)?(?:an?|some|"
        rf"a\s+few|two|three|four|five|six|ten|\d+)\s+(?:[a-z-]+\s+){{0,2}}{GENRE}\s+(?:from|"
        rf"about|for|on|out\s+of|based\s+on|to)\b",
    ),
    _rule("llm.complete", 0.9, r"\b(?:work|figure)\s+out\b|\b(?:calculate|compute)\b"),
    _rule(
        "llm.complete",
        0.92,
        r"^\W*(?:is|are|does|has|who|when|where|why|how)\s(?!many\b|.*\b(?:up|down|online|offline|"
        r"reachable|available)\b).*(?:<file>|<url>)",
    ),
    _rule(
        "llm.complete",
        0.9,
        r"\bmake\s+(?:it|them|this|that|the\s+text)\s+(?:sound|read|look|more|less|rhyme|[a-z]+er)\b",
    ),
    _rule(
        "llm.complete",
        0.8,
        r"\b(?:explain|rank|rate|judge|decide|pick what|pick the most|choose the)\b",
    ),
    _rule(
        "json.query",
        0.9,
        r"\b(?:jmespath|json query)\b|\b(?:pick|keep|take|list)\b (?:only )?(?:the|"
        r"all the|their) (?:titles|links|names|urls)\b",
    ),
    _rule("file.append", 0.98, r"\bat (?:the |its )?(?:very )?(?:end|bottom) of\b[^,;]*<file>"),
    _rule("file.append", 0.98, r"\b(?:log|note|jot)\b(?: down)?\b.*<file>"),
    _rule(
        "file.append",
        0.98,
        r"^\W*(?:log|note|jot|write)\b(?: down)?\s.*\b(?:log|diary|journal)\b|^\W*log\b.*<file>",
    ),
    _rule("json.query", 0.9, r"\b(?:get|save|mail|send|show|keep|tell me)\b.*\btitles\b"),
    _rule(
        "file.write",
        0.96,
        r"\b(?:collect|gather|note)\b.*\bin(?:to)? (?:the |my |a )?(?:file )?<file>",
    ),
    _rule("file.append", 0.98, r"\bappend\b|\badd\b.*\bto\b.*(?:<file>|\bfile\b|\blog\b)"),
    _rule(
        "file.write",
        0.96,
        r"\b(?:save|store|write|put|keep|export|record|archive|dump|log)\b.*(?:<file>|"
        r"\bfiles?\b|\bdisk\b|\bmy notes\b)",
    ),
    _rule(
        "file.write",
        0.97,
        r"(?<!reply )(?<!answer )(?<!response )(?<!respond )(?<!compared )(?<!according )(?<!next )"
        r"\b(?:to|into|as) (?:an? |the |my )?(?:\w+ )?(?:file )?(?:named |"
        r"called )?<file>|<url>.*\bin(?:to)? (?:the |my )?(?:file )?<file>",
    ),
    _rule("file.write", 0.8, rf"\b(?:save|store|archive)\b\s+(?:(?:{_PRONOUN}|the|a)\b|<url>)"),
    _rule(
        "email.send",
        0.97,
        rf"(?:^|\b(?:and|then|to|please|also)\s+)\s*(?:e-?mails?|mail)\b(?!\s+(?:address|"
        rf"arriv|com))|\b(?:e-?mail|mail)s?\s+(?:(?:{_PRONOUN}|the|a|an|to)\b|<email>)",
    ),
    _rule(
        "email.send",
        0.97,
        r"\b(?:send|forward|deliver|write|drop|shoot)\b.*(?:<email>|\be-?mails?\b|" r"\bmail\b)",
    ),
    _rule("email.send", 0.9, r"\b(?:mail|send|forward|reply|respond|answer)\b.*\bthe sender\b"),
    _rule(
        "email.send",
        0.6,
        r"\b(?:reply|respond|answer|write back)\b.*\b(?:mails?|e-?mails?|them|him|her)\b",
    ),
    _rule(
        "email.send", 0.9, r"\b(?:tell|inform|notify|alert|warn|message|update|remind)\s+<email>"
    ),
    _rule(
        "email.send",
        0.9,
        r"\b(?:by|via|per|as an?|in an|through) (?:e-?mail|mail)\b|^\W*(?:to )?<email>",
    ),
    _rule("email.send", 0.9, r"\bin(?:to)? my (?:in|mail)box\b|\b(?:to|at|for)\s+<email>"),
    _rule(
        "email.send", 0.9, r"\b(?:e-?mail|mail)\b[^;.]*<email>|<email>[^;.]*\bby (?:e-?mail|mail)\b"
    ),
    _rule(
        "email.send",
        0.9,
        r"\b(?:send|mail|e-?mail|write)\b[^;.]*\b(?:each|every|all)(?:\s+(?:of|the|my))*\s+"
        r"(?:them|these|those|addresses|address|people|person|"
        r"recipients?|guests?|subscribers?|members?|contacts?|customers?)\b",
    ),
    _rule(
        "email.send",
        0.85,
        r"\bsend\b[^.;]*\bto\s+(?:the\s+|my\s+|our\s+)?(?!me\b|us\b|it\b|that\b|this\b|the\b|chat\b|"
        r"file|log\b|web|api\b|disk\b|thread\b|here\b)[a-z]+\W*$",
    ),
    _rule("email.send", 0.6, rf"\bsend\b\s+(?:{_PRONOUN}|the|a)\b"),
    _rule(
        "notify.user",
        0.9,
        r"\b(?:notify|alert|warn|ping|nudge|poke|text|inform|message|remind)\s+(?:me|us)\b|"
        r"\blet me know\b|"
        r"\b(?:in|to|into) (?:the|this) chat\b|\bnotification\b",
    ),
    _rule(
        "notify.user",
        0.9,
        r"\bme\b.*\b(?:message|note|reminder)\s+(?:saying|that says)\b(?!.*(?:<email>|<url>))",
    ),
    _rule(
        "notify.user",
        0.8,
        r"\b(?:tell|show|give|read)\s+(?:me|us)\b|\b(?:post|show|print|display)\s+(?:it|"
        r"them|the)\b",
    ),
    _rule("notify.user", 0.75, r"\b(?:get|bring|fetch|find) (?:me|us)\b|\bwhat(?:'s|s| is) in\b"),
    _rule(
        "human.ask", 0.96, r"\bask me\b(?!.*\b(?:before|first)\b)|\blet me (?:choose|decide|pick)\b"
    ),
    _rule("wait.until", 0.95, r"^\W*(?:then )?(?:wait|pause|sleep|hold)\b"),
)
