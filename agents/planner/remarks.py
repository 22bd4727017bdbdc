"""What a person must notice about a plan, in words beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence

_CHANGED = re.compile(r"\b(?:chang\w+|differ\w*|new|updated?|since|again)\b")
_CONDITION = re.compile(
    r"^(?:but\s+)?(?:only\s+)?(?:if|when|whenever|unless|as long as|in case)\b", re.I
)


FIRST_LOOK = "The first run only remembers; from the second on there is something to compare with."


def remarks(assumed: Sequence[str], not_covered: Sequence[str]) -> str:
    """Sentences on what was taken so, and on what no step does; empty when there is nothing."""
    told = [each for each in assumed if not each.startswith("on ")]  # the card shows the date
    lines = [f"{each[:1].upper()}{each[1:]}." for each in told]
    return " ".join([*lines, *(_uncovered(words) for words in not_covered[:5])])


def condition(not_covered: Sequence[str]) -> str:
    """The first of the words that say on what something hangs; empty when none do."""
    return next((words for words in not_covered if _CONDITION.match(words)), "")


def _uncovered(words: str) -> str:
    if _CHANGED.search(words.lower()):
        return (
            f"Not in the plan: “{words}”. No step can compare that with an earlier run, so it acts "
            "every time."
        )
    if _CONDITION.match(words):
        return f"Not in the plan: “{words}”. No step can check that, so it acts every time."
    return f"Not in the plan: “{words}”."
