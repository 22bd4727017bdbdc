"""What a person said, as the value a tool takes: a question, or data."""

from __future__ import annotations

import json
import re
from typing import Any

_AUXILIARY = frozenset({"am", "have", "can", "should", "was", "could", "would", "will", "did"})


def question(words: str, *, yes_or_no: bool) -> str:
    """A question from the words after "ask me": "if I want it" is "Do I want it?"."""
    words = re.sub(r"\bi\b", "I", words)
    turned = re.match(
        r"((?:it|this|that|they|these|he|she|(?:the|my|your|our)\s+\w+)\b)(?:'s|\s+(is|are|was|"
        r"were|can|should|will|has|looks))\b",
        words,
        re.IGNORECASE,
    )
    if yes_or_no and turned and turned[2] not in ("looks",):
        rest = words[turned.end() :]
        return f"{(turned[2] or 'is').capitalize()} {turned[1].lower()}{rest}?"
    first = words.split()[1].lower() if words.startswith("I ") and len(words.split()) > 1 else ""
    if yes_or_no and first in _AUXILIARY:
        words = f"{first} I{words[2 + len(first) :]}"
    elif yes_or_no and first:
        words = f"do {words}"
    elif did := re.match(r"(what|where|how|why) I did\b", words, re.IGNORECASE):
        words = f"{did[1]} did I do{words[did.end() :]}"
    return f"{words[0].upper()}{words[1:]}?"


def data(text: str) -> Any:
    """A JSON object as the object it is, else the text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, dict) else text
