"""What a thread says about saved plans, done and told: keep this one, which are there, forget it."""

from __future__ import annotations

import difflib

from agents.overview import plain, section
from agents.planner.routines import RoutineRequest, routine_request
from backend.contracts.errors import LightningError
from backend.contracts.plans import PlanDocument, SavedPlan
from backend.contracts.security import Principal
from backend.contracts.views import PlanRevision
from backend.lightning import Lightning

_SHOWN = 20
NO_PLAN = "There is no plan in this thread yet. Say what should happen; then it can be saved."


async def routine(
    lightning: Lightning, who: Principal, plan_id: str | None, text: str
) -> str | None:
    """The answer to a message about saved plans, in markdown, with what it asks for done; None when it
    is about something else. `plan_id` is the thread's plan: what "this" means."""
    asked = routine_request(text)
    if asked is None:
        return None
    try:
        return await _answer(lightning, who, plan_id, asked)
    except LightningError as error:
        told = [f"- {plain(issue.message)}" for issue in error.issues[:5]]
        return "\n".join([plain(error.message), *told])


async def _answer(
    lightning: Lightning, who: Principal, plan_id: str | None, asked: RoutineRequest
) -> str:
    match asked.act:
        case "save":
            return await _save(lightning, who, plan_id, asked.name) if plan_id else NO_PLAN
        case "list":
            return _listed(await lightning.saved(who))
        case "templates":
            return _templates(lightning)
    found = await _find(lightning, who, asked.name)
    if isinstance(found, str):
        return found
    match asked.act:
        case "history":
            return _history(found, await lightning.history(who, found.plan_id))
        case "rename":
            view = await lightning.save(who, found.plan_id, asked.to, found.revision)
            return f"**{plain(found.name)}** is now **{plain(asked.to)}** (`{view.saved}`)."
        case _:
            await lightning.unsave(who, found.plan_id)
            return (
                f"**{plain(found.name)}** is forgotten as a routine. Its plan is still among your plans, "
                "and what was approved to call it goes on."
            )


async def _save(lightning: Lightning, who: Principal, plan_id: str, name: str) -> str:
    view = await lightning.save_template(who, plan_id, name or None)
    kept = next(s for s in await lightning.saved(who) if s.plan_id == view.plan_id)
    lines = [f"Saved as **{plain(kept.name)}** (`{view.saved}`)."]
    if inputs := _inputs(kept.document):
        lines.append(f"Each time you can say another {inputs}.")
    lines.append(
        f"Say “run {plain(kept.name)}”, with a time if you like, or make it a part of a plan."
    )
    return " ".join(lines)


async def _find(lightning: Lightning, who: Principal, name: str) -> SavedPlan | str:
    """The saved plan of that name, or what to say when there is none."""
    saved = await lightning.saved(who)
    names = {each.name.lower(): each for each in saved} | {each.tool: each for each in saved}
    names |= {each.slug: each for each in saved}
    found = names.get(name.lower())
    if found is not None:
        return found
    near = difflib.get_close_matches(name.lower(), names, 1, 0.7)
    hint = f" Do you mean “{plain(names[near[0]].name)}”?" if near else ""
    return f"You have no routine “{plain(name)}”.{hint}"


def _listed(saved: list[SavedPlan]) -> str:
    lines = []
    for each in saved[:_SHOWN]:
        inputs = _inputs(each.document)
        about = plain(each.document.description).rstrip(".")
        parts = [f"**{plain(each.name)}**", about, f"takes {inputs}" if inputs else ""]
        lines.append(" · ".join(part for part in parts if part))
    more = len(saved) - _SHOWN
    listed = section(
        "Routines",
        lines,
        "You have no routines yet. Under any plan, say “save this as a routine”.",
    )
    return f"{listed}\n- and {more} more" if more > 0 else listed


def _templates(lightning: Lightning) -> str:
    return section(
        "Templates",
        [
            f"**{plain(each.name)}** · {plain(each.description)} “{plain(each.example)}”"
            for each in lightning.templates()
        ],
        "There are no templates.",
    )


def _history(saved: SavedPlan, revisions: list[PlanRevision]) -> str:
    lines = []
    for each in revisions[:_SHOWN]:
        state = [word for word in (each.decided, "saved" if each.saved else "") if word]
        changed = "; ".join(plain(change.label) for change in each.changes[:4])
        made = "first written" if each.number == 1 else changed or "the same again"
        day = each.created_at.strftime("%d %b %Y")
        lines.append(" · ".join([f"**{each.number}**", day, *state, made]))
    return section(f"History of {plain(saved.name)}", lines, "It has no history.")


def _inputs(document: PlanDocument) -> str:
    """ "to (me@example.com) and url"."""
    words = []
    for name, given in list(document.inputs.items())[:6]:
        default = (
            "" if given.default in (None, "", [], {}) else f" ({plain(str(given.default)[:60])})"
        )
        words.append(f"{plain(name.replace('_', ' '))}{default}")
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
