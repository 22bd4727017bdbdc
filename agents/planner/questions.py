"""What is asked back when a plan would be a guess."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agents.planner import schema, talk
from agents.planner.drafts import Draft, Gap
from agents.planner.entities import Text
from agents.planner.times import Refused
from backend.contracts.errors import Issue
from backend.contracts.ports import PlanAnswer
from backend.contracts.tools import ToolSpec

_ASK = {
    ("email.send", "to"): "To which address should I mail it?",
    ("feed.read", "url"): "Which feed should I read? Paste its address.",
    ("web.read", "url"): "Which page should I read? Paste its address.",
    ("http.get", "url"): "Which address should I call?",
    ("http.request", "url"): "To which address should I send it?",
    ("file.write", "path"): "Under which file name should I save it?",
    ("file.append", "path"): "To which file should I add it?",
    ("file.read", "path"): "Which file should I read?",
    (
        "text.summarize",
        "text",
    ): "What should I summarise? Give the address of a page or feed, or a file.",
    (
        "text.extract",
        "text",
    ): "What should I extract from? Give the address of a page or feed, or a file.",
    (
        "llm.complete",
        "material",
    ): "Which text do you mean? Give the address of a page or feed, or a file.",
    ("email.send", "body"): "What should the mail say?",
    ("notify.user", "text"): "What should I tell you?",
    ("file.write", "content"): "What should be written into the file?",
    ("file.append", "content"): "What should be added to the file?",
    ("human.ask", "text"): "What should I ask you?",
    ("json.query", "query"): "Which part of the data do you want?",
}
REMIND_WHEN = "When should I remind you?"
WAIT_HOW_LONG = "How long should I wait? Say it in minutes or hours."
REST_CLEAR = "The rest is clear, but I know no tool for"
UNCHECKED = "The rest is clear, but no step can check"
# asked for in words of the person's own
FREE = frozenset(
    _ASK[key]
    for key in (
        ("email.send", "body"),
        ("notify.user", "text"),
        ("file.write", "content"),
        ("file.append", "content"),
        ("human.ask", "text"),
    )
)
CHOICES = {
    ("file.write", "path"): ("notes.md", "result.txt"),
}


def gap_question(gap: Gap) -> PlanAnswer:
    """Ask for the first argument that nobody gave."""
    key = (gap.spec.id, gap.name)
    asked = _ASK.get(key)
    if asked is None:
        about = schema.properties(gap.spec).get(gap.name, {}).get("description", "")
        label = gap.name.replace("_", " ")
        asked = f"“{gap.spec.name}” needs its {label}{f' ({about})' if about else ''}. What is it?"
    return PlanAnswer("question", asked, confidence=0.5, choices=CHOICES.get(key, ()))


def time_question(refused: Refused) -> PlanAnswer:
    """Say why the time cannot be kept exactly, and what could be said."""
    reason = refused.reason[:1].upper() + refused.reason[1:]
    reason += "" if reason.endswith("?") else "."
    said = f" (“{refused.words}”)" if refused.words else ""
    return PlanAnswer(
        "question", f"When exactly{said}? {reason}", confidence=0.4, choices=refused.choices
    )


def unknown_question(text: Text, draft: Draft, tools: Mapping[str, ToolSpec]) -> PlanAnswer:
    """Name the words no tool is known for, with the nearest tools."""
    if not draft.unknown:
        return PlanAnswer(
            "question", f"What should be done? {talk.abilities(tools)}", confidence=0.2
        )
    (start, end), nearest = draft.unknown[0]
    words = re.sub(r"\s+", " ", text.said[start:end]).strip(" ,.;:!?")[:120]
    names = tuple(tools[tool].name for tool in nearest if tool in tools)
    if not draft.steps:
        return PlanAnswer(
            "question",
            f"I know no tool for “{words}”. {talk.abilities(tools)} What should happen, in other words?",
            confidence=0.2,
            choices=names,
        )
    return PlanAnswer(
        "question",
        f"{REST_CLEAR} “{words}”. Say it in other words, or leave it out?",
        confidence=0.3,
        choices=(*names, "Leave it out"),
    )


def unchecked_question(words: str, document: Mapping[str, Any]) -> PlanAnswer:
    """What hangs on a condition and cannot be taken back is not done every time unasked."""
    return PlanAnswer(
        "question",
        f"{UNCHECKED} “{words}”. Say it in other words, or leave it out, and it acts every time?",
        document=document,
        confidence=0.4,
        choices=("Leave it out",),
    )


def unsound_question(issue: Issue) -> PlanAnswer:
    """What these words make is no plan that could run: say why, and ask for it in other words."""
    return PlanAnswer(
        "question",
        f"I cannot make a plan of that: {issue.message} Say it in other words, in smaller parts?",
        confidence=0.3,
    )


def unsure_question(draft: Draft) -> PlanAnswer:
    """Two ways to understand it: let the person choose."""
    made = [m.spec for m in draft.made]
    if any(spec.id == "email.send" for spec in made):
        return PlanAnswer(
            "question",
            "Should it go out by mail, or come here in the chat?",
            confidence=draft.confidence,
            choices=("By mail", "Here in the chat"),
        )
    names = ", then ".join(spec.name.lower() for spec in made)
    return PlanAnswer(
        "question",
        f"I understand: {names}. Is that meant?",
        confidence=draft.confidence,
        choices=("Yes", "No"),
    )
