"""What a person takes back while they write: "to ann@x.org, no wait, to bob@x.org" is to Bob alone."""

from __future__ import annotations

import re

_BACK = (
    r"\s*[,.;-]*\s*\b(?:no\W+wait|wait\W+no|i\s+mean[t]?|sorry|scratch\s+that|or\s+rather|make\s+that|"
    r"correction|no)\b\s*[,:]?\s*(?:make\s+(?:it|that)\s+)?"
)
_HOW = r"(?:(?:to|at|on|in|as|from|into|with)\s+)?"
_KINDS = (
    r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+",
    r"https?://[^\s,;]+",
    r"[\w/-]+\.(?:md|txt|csv|json|log|html?|xml|ya?ml|pdf)",
    r"\d{1,2}(?:[:.]\d\d)?(?:\s*[ap]\.?m\b\.?)?(?!\d)",
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?",
)
_TAKEN_BACK = tuple(
    re.compile(
        rf"(?<![\w@./-]){_HOW}(?:{kind}){_BACK}(?P<now>{_HOW}(?P<what>{kind}))", re.IGNORECASE
    )
    for kind in _KINDS
)
_HOW_SAID = re.compile(r"(?i)^(?:to|at|on|in|as|from|into|with)\s+")


def corrected(said: str) -> str:
    """The words without what they take back."""
    for pattern in _TAKEN_BACK:
        said = pattern.sub(_now, said)
    return said


def _now(found: re.Match[str]) -> str:
    """What is meant now, said as what it replaces was."""
    how = _HOW_SAID.match(found.group())
    own = _HOW_SAID.match(found["now"])
    return found["now"] if own or not how else f"{how.group()}{found['now']}"
