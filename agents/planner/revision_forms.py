"""How people say that an open plan should be another: data only. Read by revise.py."""

from __future__ import annotations

import re

from agents.planner import families

LEAD = re.compile(
    r"^(?:(?:that's\s+the\s+|the\s+)?wrong\s+[a-z]+\s*[,.:;]\s*(?:it's|it\s+is|it\s+should\s+be|use|should\s+be|i\s+(?:meant?|wanted?|need(?:ed)?|said))?\s+|"
    r"(?:no+|nope|nah|na|wait|sorry|oops|hey|well|oh|ah|right|yes|yeah|yep)\s*,\s*|(?:please|ok|okay|actually|hm+|and|but|so|"
    r"rather|instead|only|just|can you|could you|let's|i want to|i'd like to|(?:can|could|shall|should) we"
    r"(?: (?:do|make it|have|say))?|how about|what about|maybe|perhaps|better)[,\s]+)+"
)
TAIL = re.compile(
    r"\s+(?:is|are|would\s+be|'d\s+be|works|will\s+do)\s+(?:better|enough|fine|ok|okay|great|nicer|best|good)[\s.!?]*$|"
    r"\s*[,.;:]\s*(?:it's|it\s+is|that's|that\s+is|they're|because)\s+(?:way\s+|much\s+|far\s+)?(?:too|not|so)\b"
    r"[^,;\ue001-\ue004]*$|"
    r"(?:[\s,]+(?:instead|please|rather|only|then|thanks|thank you))+[\s.!?]*$|[\s.!?]+$"
)
RENAME = re.compile(
    r"^(?:call|name|rename|title)\s+(?:it|this|that|the plan)\s+(?:to\s+|as\s+)?(?P<name>.+)$"
)
UNSCHEDULE = re.compile(
    r"^(?:(?:only |just )?(?:run|do|start) (?:it|this|that) (?:only |just )?(?:once|"
    r"manually|by hand|now|when i say so|on demand)(?: only| now| right away)?"
    r"|(?:remove|drop|delete|cancel|forget) the (?:schedule|time|trigger|timer)|(?:no|"
    r"without (?:a|any)) (?:schedule|trigger)|only by hand|manually|don't schedule it|"
    r"do not schedule it)$"
)
DROP = re.compile(
    r"^(?:drop|remove|delete|skip|omit|forget|leave out|take out|cut|without|no|"
    r"no more|stop|don't|do not|never|"
    + families.DROP
    + r")\s+(?:the\s+|any\s+|doing\s+)?(?P<what>[^,;]+)$"
    r"|^leave\s+(?:the\s+)?(?P<what2>.+?)\s+out$"
)
MORE = re.compile(
    r"^(?:and\s+)?(?:also|additionally|in addition|plus|then|finally|besides|"
    r"furthermore|once\s+more|again)[,\s]+|[\s,]+(?:too|as well|also)$"
)
MAKE = re.compile(
    r"^(?:make|do|run|set|change|move|switch|shift|schedule|reschedule|start|have|put|"
    r"send|mail|turn|let)\b\s*(?:it|this|that|the (?:time|schedule|plan|trigger|"
    r"start(?: time)?))?\s*(?:(?:to|for|run|be|into)\b)?\s*"
)
NOT_ON = re.compile(
    r"^(?:but\s+)?(?:(?:skip|omit|leave\s+out|drop)(?:\s+(?:it|this|that))?|(?:not|no|never|without|except)|"
    r"(?:don't|do\s+not)(?:\s+(?:run|do|send|mail|start))?(?:\s+(?:it|this|that))?)\s+(?:on\s+)?"
    r"(?P<days>(?:mon|tues?|wednes|thurs?|fri|satur|sun|week|the\s+week)[a-z]*(?:\s*(?:,|and|or)\s*[a-z]+days?)*)$"
)
SAYS_NOTHING = re.compile(
    r"\b(?:a\s+(?:bit|little)|slightly|somewhat|later|earlier|sooner|rather|will\s+do|(?:is|are|would\s+be|'d\s+be)\s+(?:fine|better|ok|"
    r"okay|good|great|enough|nicer|best)|works?(?:\s+better)?|for\s+me|it|i(?:'d|\s+would)?\s+(?:prefer|like|want)|prefer|make|please|"
    r"say|let's|have|run|just|only|the\s+time(?:\s+(?:should\s+be|is))?)\b"
)
UNCONDITIONED = re.compile(
    r"^(?:(?:without|drop|remove|delete|forget|no|skip)\s+(?:the\s+|any\s+|that\s+)?(?:conditions?|check|filter|limits?|threshold)|"
    r"(?:do|send|run|mail|tell|save)\s+(?:it|them|me)?\s*(?:always|every\s+time|in\s+any\s+case|regardless|unconditionally)|always)$"
)
SPLIT = re.compile(r"\s*(?:[,;]\s*(?:and\s+)?|\band\b)\s*")
