"""What could be asked instead, where a plan stays wrong: it without its faulty parts, or each part alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backend.contracts.errors import Issue
from backend.contracts.plans import PlanDocument

STILL_WRONG = (
    "Something in this plan is still wrong; the card shows what. Mend it there, or say it again "
    "more simply, one part at a time."
)
MAX_NAMED = 5


@dataclass(frozen=True, slots=True)
class Simpler:
    """Words for a person, with what they may say back."""

    text: str
    choices: tuple[str, ...] = ()


def simpler(document: PlanDocument, issues: Sequence[Issue], wrong: str = STILL_WRONG) -> Simpler:
    """Ways on from `issues`, the errors that nothing mended; `wrong` says where they are shown."""
    faulty = {name for issue in issues if (name := _step(document, issue.path))}
    lost = _with_followers(document, faulty)
    sound = [step.name for step in document.steps if step.name not in lost]
    if not faulty or not sound:
        return Simpler(wrong)
    names = _listed([step.name for step in document.steps if step.name in faulty])
    parts = "; ".join(
        f"{number}. {step.description or step.name}"
        for number, step in enumerate(document.steps[:MAX_NAMED], 1)
    )
    text = (
        f"{wrong} A simpler plan would do only {_listed(sound)}, and leave out {names}. "
        f"Or ask for the parts one by one: {parts}."
    )
    return Simpler(text, (f"Leave out {names}",))


def _step(document: PlanDocument, path: str) -> str:
    parts = path.split("/")
    if len(parts) < 2 or parts[0] != "steps" or not parts[1].isdigit():
        return ""
    index = int(parts[1])
    return document.steps[index].name if index < len(document.steps) else ""


def _with_followers(document: PlanDocument, faulty: set[str]) -> set[str]:
    lost = set(faulty)
    while True:
        more = {
            step.name
            for step in document.steps
            if step.name not in lost and any(f"step.{name}" in step.on for name in lost)
        }
        if not more:
            return lost
        lost |= more


def _listed(names: Sequence[str]) -> str:
    quoted = [f"“{name}”" for name in names[:MAX_NAMED]]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
