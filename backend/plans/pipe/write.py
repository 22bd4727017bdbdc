"""A plan document as pipe text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from backend.contracts.errors import Invalid, Issue
from backend.contracts.plans import PlanDocument, Step
from backend.plans.pipe.arrange import arrange
from backend.plans.pipe.build import title
from backend.plans.pipe.declarations import WORDS
from backend.plans.pipe.literals import bare, condition, exact, period, quoted, unwritable, written
from backend.plans.pipe.scan import MAX_CHARACTERS
from backend.plans.pipe.syntax import (
    NAME,
    OPTION_NAME,
    WORD,
    Chain,
    Definition,
    Group,
    Heard,
    Link,
    step_name,
)
from backend.plans.pipe.triggers import declarations

WIDTH = 96


def to_pipe(document: PlanDocument) -> str:
    """The document as text that `parse_pipe` reads back as the same document.

    Raises `Invalid` (COMPILE_PIPE_UNSAYABLE) for what has no exact text, naming it.
    """
    _check(document)
    chains, whole_start = arrange(document)
    parts = [*_head(document), *declarations(document, started=whole_start)]
    body = [_chain(chain, 0, {step.name: step for step in document.steps}) for chain in chains]
    blank = [""] if parts and (len(body) > 1 or "\n" in body[0]) else []
    text = "\n".join([*parts, *blank, *body]) + "\n"
    if len(text) > MAX_CHARACTERS:
        raise _unsayable(f"a text of more than {MAX_CHARACTERS:,} characters")
    return text


def _check(document: PlanDocument) -> None:
    names: set[str] = set()
    for index, step in enumerate(document.steps):
        if step.name in names:
            raise _unsayable(f"two steps called “{step.name}”", f"steps/{index}/name")
        names.add(step.name)
        for arg, value in step.args.items():
            if reason := unwritable({arg: value}):
                raise _unsayable(
                    f"{reason} (argument “{arg[:60]}” of “{step.name}”)", f"steps/{index}/args"
                )
    for name, declared in document.inputs.items():
        if reason := unwritable([declared.default, declared.enum]):
            raise _unsayable(f"{reason} (input “{name}”)", f"inputs/{name}")


def _unsayable(what: str, path: str = "") -> Invalid:
    code = "COMPILE_PIPE_UNSAYABLE"
    message = f"Pipe syntax cannot say {what}."
    hint = "The plan is shown as JSON."
    issue = Issue(code=code, message=message, path=path, suggestion=hint)
    return Invalid(message, code=code, hint=hint, issues=(issue,))


def _head(document: PlanDocument) -> Iterator[str]:
    said = []
    derived = title([step.action for step in document.steps])
    if document.plan_name != derived or document.description:
        said.append(quoted(document.plan_name))
    if document.description:
        said.append(quoted(document.description))
    if document.graph_type != "acyclic":
        said.append(f"graph={document.graph_type}")
    if document.max_iterations is not None:
        said.append(f"max_iterations={document.max_iterations}")
    if said:
        yield f"@plan({', '.join(said)})"


# --- chains -----------------------------------------------------------------------------------------


def _chain(chain: Chain, indent: int, steps: dict[str, Step]) -> str:
    parts = [_link(link, indent + 3 * bool(place), steps) for place, link in enumerate(chain)]
    return _laid(parts, " >> ", f"\n{' ' * (indent + 2)}>> ", indent)


def _link(link: Link, indent: int, steps: dict[str, Step]) -> str:
    outcome = "" if link.outcome is None else f" - {quoted(link.outcome)}"
    match link.part:
        case Group(chains=chains):
            inner = [_chain(chain, indent + 4, steps) for chain in chains]
            return f"({_laid(inner, ' | ', chr(10) + ' ' * (indent + 2) + '| ', indent)})"
        case Definition(name=str(name)):
            return _step(steps[name], indent) + outcome
        case Definition(tool=mentioned):
            return mentioned + outcome
        case Heard(name=name):
            return _heard(name)
    raise TypeError(link)


def _heard(name: str) -> str:
    return f"@{quoted(name)}" if name in WORDS else f"@{name}"


def _laid(parts: list[str], along: str, down: str, indent: int) -> str:
    line = along.join(parts)
    return line if len(line) + indent <= WIDTH and "\n" not in line else down.join(parts)


def _step(step: Step, indent: int) -> str:
    lines = [" ".join([*_prefixes(step), _tool(step)])]
    for part in (*_arguments(step), *_settings(step)):
        if len(lines[-1]) + len(part) + indent < WIDTH:
            lines[-1] += f" {part}"
        else:
            lines.append(f"{' ' * (indent + 4)}{part}")
            indent = 0
    return "\n".join(lines)


def _prefixes(step: Step) -> Iterator[str]:
    if step.guard is not None:
        yield condition(step.guard)
    if step.for_each is not None:
        yield f"* {bare(step.for_each) or quoted(step.for_each)}"
    if step.approval is not None:
        yield "!"
    derived = step_name(step.action) == step.name and not NAME.fullmatch(step.action)
    if not derived:
        yield f"{step.name}:"


def _tool(step: Step) -> str:
    return step.action if WORD.fullmatch(step.action) else quoted(step.action)


def _arguments(step: Step) -> Iterator[str]:
    for name, value in step.args.items():
        spelled = name if OPTION_NAME.fullmatch(name) else quoted(name)
        yield f"--{spelled}={written(value)}"


def _settings(step: Step) -> Iterator[str]:
    said = []
    if step.join is not None:
        said.append(f"join={step.join}")
    if step.max_parallel is not None:
        said.append(f"max_parallel={step.max_parallel}")
    if step.retry is not None:
        fields = step.retry.model_dump(exclude_defaults=True)
        attempts = {"max_attempts": step.retry.max_attempts}
        alone = not fields.keys() - attempts.keys()
        said.append(f"retry={step.retry.max_attempts if alone else exact(attempts | fields)}")
    if step.timeout_s is not None:
        said.append(f"timeout={period(step.timeout_s)}")
    if step.on_error is not None:
        said.append(f"on_error={step.on_error}")
    if step.emits:
        said.append(f"emits={_listed(step.emits)}")
    if step.description:
        said.append(f"description={quoted(step.description)}")
    if said:
        yield f"[{', '.join(said)}]"


def _listed(names: Iterable[str]) -> str:
    first, *more = names
    return first if not more else exact([first, *more])
