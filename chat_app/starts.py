"""What starts a plan, as its card tells it: a person's yes, the clock, or something outside."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from backend.contracts.plans import TIMED_KINDS
from backend.contracts.views import PlanView
from backend.plans import readback
from chat_app import words

LISTENING = frozenset({"event", "webhook"})
ONCE = "Once, when you approve it"


def listens(view: PlanView) -> bool:
    """Whether something outside starts it, whenever that comes."""
    return any(t.kind in LISTENING for t in view.document.events)


def when(view: PlanView, zone: str, now: datetime) -> dict[str, Any]:
    """`words` say all that starts it; `next` are its first due times, `hooks` the paths that start it."""
    timed = any(t.kind in TIMED_KINDS for t in view.document.events)
    return {
        "timed": timed,
        "listens": listens(view),
        "words": _words(view, zone),
        "next": [
            {"at": f.isoformat(), "text": words.clock(f, zone, now)} for f in view.firings[:3]
        ],
        "elsewhere": view.timezone if timed and view.timezone != zone else "",
        "hooks": [
            {"path": view.hooks[t.name], "signed": bool(getattr(t, "secret", None))}
            for t in view.document.events
            if t.name in view.hooks
        ],
    }


def _words(view: PlanView, zone: str) -> str:
    told = [view.when] if view.when else []
    for trigger in view.document.events:
        if trigger.kind in LISTENING:
            filter = getattr(trigger, "filter", None)
            said = readback.words(trigger, zone) + (f", if {filter}" if filter else "")
            told.append(said[:1].lower() + said[1:] if told else said)
    return "; ".join(told) or ONCE
