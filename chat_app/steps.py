"""A plan's steps as rows of its card: title, arguments, state, and what they ask."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backend.contracts.errors import Issue
from backend.contracts.plans import Catalogue, PlanDocument, Step
from backend.contracts.runs import ENDED_RUN, ENDED_STEP, ItemState, RunState, StepState
from backend.contracts.tools import ToolSpec
from backend.contracts.views import PlanView
from chat_app import words
from chat_app.arguments import ASKS, PART, arguments, asking, named, resolved, summary
from chat_app.effects import did, would
from chat_app.guards import guard_words
from chat_app.results import cut, has_words, preview, shown, without_secrets

MAX_STEPS = 60
STEP_TEXT = 1_200
DENIED = "EXEC_STEP_DENIED"
_QUOTED = re.compile(r"“([^“”]{1,80})”")
ACTION_WORDS = {"error": "if it fails", "default": ""}


def window(document: PlanDocument, run: RunState | None) -> tuple[int, int]:
    """The steps sent: all of a small plan, else those around what happens now."""
    count = len(document.steps)
    if count <= MAX_STEPS:
        return 0, count
    now = 0
    if run:
        open_steps = (
            i
            for i, s in enumerate(document.steps)
            if (run.steps.get(s.name) or StepState()).status not in ENDED_STEP
        )
        now = next(open_steps, count)
    first = max(0, min(now - MAX_STEPS // 3, count - MAX_STEPS))
    return first, first + MAX_STEPS


def step_title(step: Step, tool: ToolSpec | None) -> str:
    return cut(step.description or (tool.name if tool else words.humanised(step.name)), 90)


def step_row(
    view: PlanView, catalogue: Catalogue, run: RunState | None, step: Step, *, number: int
) -> dict[str, Any]:
    tool = catalogue.tools.get(step.action)
    prefix = f"steps/{number - 1}/"
    own = [i for i in view.issues if i.path == prefix[:-1] or i.path.startswith(prefix)]
    rows = arguments(view, catalogue, step, number - 1)
    state = run.steps.get(step.name) if run else None
    return {
        "id": step.name,
        "n": number,
        "title": step_title(step, tool),
        "tool": step.action,
        "sub": summary(rows) or (cut(tool.description, 120) if tool else "There is no such tool"),
        "effects": [cut(e, 80) for e in view.forecast.step_effects.get(step.name, ())][:3],
        "after": [s for s in upstream(step)],
        "guard": cut(condition(view, catalogue, step), 200),
        "each": cut(named(view, catalogue, step.for_each), 120) if step.for_each else "",
        "asks": step.approval == "required" or bool(tool and tool.id == ASKS),
        "calls": _calls(catalogue, tool),
        "args": rows,
        "asking": asking(view, step, number - 1, tool),
        "issues": [issue_row(i, spoken(view, catalogue)) for i in own][:10],
        "state": _state(view, catalogue, run, step, state) if run else None,
    }


def condition(view: PlanView, catalogue: Catalogue, step: Step) -> str:
    """What must be so for a step to act, in words; "" when nothing must."""
    return guard_words(step.guard, lambda path: named(view, catalogue, path))


def _calls(catalogue: Catalogue, tool: ToolSpec | None) -> str:
    """What is inside a step that calls a saved plan."""
    if tool is None or tool.type != "plan":
        return ""
    inner = PlanDocument.model_validate(tool.config["document"])
    titles = [step_title(s, catalogue.tools.get(s.action)) for s in inner.steps]
    more = [f"{len(titles) - 6} more"] if len(titles) > 6 else []
    return cut(f"{words.titled(inner.plan_name)}: {words.joined([*titles[:6], *more])}", 300)


def upstream(step: Step) -> list[str]:
    return [name[5:].split(".", 1)[0] for name in step.on if name.startswith("step.")]


def edges(view: PlanView, catalogue: Catalogue) -> list[dict[str, str]]:
    """Who starts whom, with what is said at the arrow."""
    document = view.document
    emitters = {e: s.name for s in document.steps for e in s.emits}
    found = []
    for step in document.steps:
        for name in step.on:
            source, _, action = name.removeprefix("step.").partition(".")
            if not name.startswith("step."):
                if name not in emitters:
                    continue
                source, action = emitters[name], ""
            told = condition(view, catalogue, step)
            label = f"if {cut(told, 60)}" if told else ACTION_WORDS.get(action, action)
            found.append({"from": source, "to": step.name, "label": label})
    return found


def spoken(view: PlanView, catalogue: Catalogue) -> Callable[[str], str]:
    """Turns the plan's own names in a text for a person, `${fetch.entries}` and “fetch”, into words."""
    titles = {s.name: step_title(s, catalogue.tools.get(s.action)) for s in view.document.steps}

    def say(text: str) -> str:
        text = PART.sub(lambda match: named(view, catalogue, match[0]), text)
        return _QUOTED.sub(lambda match: f"“{titles.get(match[1], match[1])}”", text)

    return say


def issue_row(issue: Issue, say: Callable[[str], str] = str) -> dict[str, Any]:
    return {
        "severity": issue.severity,
        "code": issue.code,
        "path": issue.path,
        "message": cut(say(issue.message), 400),
        "suggestion": cut(say(issue.suggestion), 300),
        "fix": {
            "path": issue.fix.path,
            "label": cut(issue.fix.label, 80),
            "value": without_secrets(issue.fix.value),
        }
        if issue.fix
        else None,
    }


# --- in a run -------------------------------------------------------------------------------------


def _state(
    view: PlanView, catalogue: Catalogue, run: RunState, step: Step, state: StepState | None
) -> dict[str, Any]:
    state = state or StepState()
    effects = view.forecast.step_effects.get(step.name, ())
    ended = state.ended_at
    items = state.items or ()
    status = state.status
    if run.status in ENDED_RUN and status == "pending":
        status = "cancelled" if run.status == "cancelled" else "skipped"
    return {
        "status": status,
        "attempt": state.attempt,
        "of": step.retry.max_attempts if step.retry else 0,
        "iteration": state.iteration,
        "started": state.started_at.isoformat() if state.started_at else "",
        "seconds": (ended - state.started_at).total_seconds()
        if ended and state.started_at
        else None,
        "items": [sum(i.status in ENDED_STEP for i in items), len(items)] if items else None,
        "note": cut(state.note, 200),
        "error": error_row(state.error),
        "denied": (state.error or {}).get("code") == DENIED,
        "why": _why(view, catalogue, run, step) if status == "skipped" else "",
        "questions": _questions(state, step, catalogue.tools.get(step.action), effects),
        "preview": _told(state, catalogue.tools.get(step.action), effects)
        if status == "done"
        else "",
        "result": shown(state.output, STEP_TEXT) if status == "done" else None,
    }


def _why(view: PlanView, catalogue: Catalogue, run: RunState, step: Step) -> str:
    """Why a step was left out."""
    for other in view.document.steps:
        state = run.steps.get(other.name)
        if state and state.status == "failed" and state.error:
            title = step_title(other, catalogue.tools.get(other.action))
            denied = state.error.get("code") == DENIED
            return f"because you said no to “{title}”" if denied else f"because “{title}” failed"
    told = condition(view, catalogue, step)
    return f"because it was not so: {cut(told, 120)}" if told else "not needed this time"


def _told(state: StepState, tool: ToolSpec | None, effects: Sequence[str]) -> str:
    """What a done step found, or else what it did."""
    output = without_secrets(state.output)
    if effects and not has_words(output):
        return did(tool, state, effects)[0]
    return preview(output)


def error_row(error: Mapping[str, Any] | None) -> dict[str, str] | None:
    if not error:
        return None
    return {
        "code": cut(str(error.get("code", "")), 60),
        "message": cut(str(error.get("message", "")), 500),
        "hint": cut(str(error.get("hint", "")), 300),
    }


def _questions(
    state: StepState, step: Step, tool: ToolSpec | None, effects: Sequence[str]
) -> list[dict[str, Any]]:
    """What the step asks, per item of a `for_each` when there are several."""
    cells: list[tuple[int | None, StepState | ItemState]] = [
        (index, item) for index, item in enumerate(state.items or ()) if item.question
    ]
    if not cells and state.status in ("waiting", "unknown"):
        cells = [(None, state)]
    return [
        _question(cell, index, state.iteration, step, tool, effects) for index, cell in cells[:5]
    ]


def _question(
    cell: StepState | ItemState,
    index: int | None,
    iteration: int,
    step: Step,
    tool: ToolSpec | None,
    effects: Sequence[str],
) -> dict[str, Any]:
    question = cell.question or {}
    kind = str(question.get("kind") or ("unknown" if cell.status == "unknown" else "ask"))
    title = step_title(step, tool)
    text = {
        "gate": _before(title, would(tool, question.get("args") or {}, effects)),
        "unknown": _uncertain(title, effects),
    }.get(kind) or cut(str(question.get("text", "")), 1_000)
    return {
        "kind": kind,
        "index": index,
        "iteration": iteration,
        "text": text,
        "choices": [cut(str(c), 300) for c in question.get("choices") or ()][:8],
        "args": resolved(question.get("args") or {}, tool)[:12],
    }


def _before(title: str, effect: str) -> str:
    return f"“{title}” asks before it acts" + (f": it {effect}." if effect else ".")


def _uncertain(title: str, effects: Sequence[str]) -> str:
    if not effects:
        return f"“{title}” was interrupted half way. It may have happened, or not."
    did = words.happened(cut(effects[0], 200))
    return f"“{title}” was interrupted half way. It may have {did[:1].lower()}{did[1:]}, or not."
