"""A run in the terminal: its steps, live."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from typing import Any

import orjson
from rich.live import Live
from rich.table import Table
from rich.text import Text

from agents.terminal import ASKS, DONE, FAILED, err, out, plain
from backend.contracts.errors import Conflict
from backend.contracts.plans import PlanDocument
from backend.contracts.runs import ENDED_RUN, RunState, StepState
from backend.contracts.security import Principal
from backend.lightning import Lightning

_SIGNS = {
    "pending": ("○", "dim"),
    "running": ("●", "cyan"),
    "retrying": ("↻", "yellow"),
    "waiting": ("?", "yellow"),
    "unknown": ("?", "yellow"),
    "done": ("✓", "green"),
    "skipped": ("–", "dim"),
    "failed": ("✗", "red"),
    "cancelled": ("–", "dim"),
}
_ASKING = ("waiting", "unknown")
_CHOICES = {"gate": ("allow", "deny"), "unknown": ("again", "happened", "stop")}


async def watch(lightning: Lightning, who: Principal, run_id: str, document: PlanDocument) -> int:
    """Show a run until it ends; ask the person here what its steps ask. Returns the exit code.

    Where nobody can be asked it stops watching: the run waits, and can be answered in the chat.
    """
    asked: set[tuple[str, str, int | None, int]] = set()
    state = await lightning.run_state(who, run_id)
    shown: dict[str, str] = {}
    live = _live()
    try:
        async with aclosing(lightning.follow_calls(who, run_id)) as feed:
            async for states in feed:
                state = states[0]
                if err.is_terminal:
                    live.update(steps_table(state, document), refresh=True)
                else:
                    _lines(state, document, shown)
                for run, (name, index, step) in ((r, q) for r in states for q in _questions(r)):
                    key = (run.run_id, name, index, step.iteration)
                    if key in asked:
                        continue
                    if not sys.stdin.isatty():
                        err.print(Text(plain(f"{name} asks: {_words(step.question)}")))
                        err.print("The run waits. Answer in the chat: lightning up")
                        return ASKS
                    asked.add(key)
                    live.stop()
                    await _answer(lightning, who, run.run_id, name, index, step.question or {})
                    live = _live()
    finally:
        live.stop()
    return _ended(state)


def _live() -> Live:
    live = Live(console=err, auto_refresh=False)
    live.start()
    return live


def outcome(state: RunState, document: PlanDocument) -> None:
    """What the run brought: the outputs of the steps nobody else listens to."""
    heard = {name for step in document.steps for name in step.on}
    for step in document.steps:
        found = state.steps.get(step.name)
        if found is None or found.status != "done" or _heard(step.name, heard):
            continue
        out.print(Text(f"{step.name}", style="bold"))
        out.print(Text(plain(_output(found.output), 20_000)))


def _heard(name: str, heard: set[str]) -> bool:
    return any(event == f"step.{name}" or event.startswith(f"step.{name}.") for event in heard)


def _output(value: Any) -> str:
    if isinstance(value, Mapping):
        texts = [v for k, v in value.items() if k in ("summary", "text", "answer") and v]
        if texts and isinstance(texts[0], str):
            return texts[0]
    return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()


def _ended(state: RunState) -> int:
    if state.status == "completed":
        return DONE
    if state.status in ENDED_RUN or state.status == "stalled":
        message = (state.error or {}).get("message", "")
        err.print(Text(plain(f"The run {state.status}. {message}"), style="red"))
        return FAILED
    return ASKS


def steps_table(state: RunState, document: PlanDocument) -> Table:
    """How far each step has got."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for step in document.steps:
        found = state.steps.get(step.name, StepState())
        sign, style = _SIGNS[found.status]
        table.add_row(
            Text(sign, style=style),
            Text(step.name, style="bold"),
            Text(step.action, style="dim"),
            Text(_took(found), style="dim"),
            Text(plain(_note(found), 200)),
        )
    return table


def _lines(state: RunState, document: PlanDocument, shown: dict[str, str]) -> None:
    for step in document.steps:
        found = state.steps.get(step.name, StepState())
        if found.status != shown.get(step.name, "pending"):
            shown[step.name] = found.status
            sign, _ = _SIGNS[found.status]
            words = " ".join(w for w in (found.status, _took(found), _note(found)) if w)
            err.print(Text(plain(f"{sign} {step.name} {words}", 400)), soft_wrap=True)


def _took(step: StepState) -> str:
    if step.started_at is None or step.ended_at is None:
        return f"attempt {step.attempt}" if step.attempt > 1 else ""
    return f"{(step.ended_at - step.started_at).total_seconds():.1f} s"


def _note(step: StepState) -> str:
    if step.error is not None:
        return f"{step.error.get('message', '')} ({step.error.get('code', '')})"
    return step.note


def _questions(state: RunState) -> Iterator[tuple[str, int | None, StepState]]:
    for name, step in state.steps.items():
        if step.items is not None:
            for index, item in enumerate(step.items):
                if item.status in _ASKING:
                    asking = StepState(iteration=step.iteration, question=item.question)
                    yield name, index, asking
        elif step.status in _ASKING:
            yield name, None, step


def _words(question: Mapping[str, Any] | None) -> str:
    asked = question or {}
    kind = asked.get("kind")
    if kind == "gate":
        return f"may {asked.get('tool')} run with {_output(asked.get('args', {}))}"
    if kind == "unknown":
        return "it was interrupted half way; run it again, did it happen, or stop"
    return str(asked.get("text", "an answer"))


async def _answer(
    lightning: Lightning,
    who: Principal,
    run_id: str,
    step: str,
    index: int | None,
    question: Mapping[str, Any],
) -> None:
    """Ask here and send the answer; somebody may have answered elsewhere meanwhile."""
    choices = tuple(question.get("choices") or _CHOICES.get(str(question.get("kind")), ()))
    words = plain(f"{step}: {_words(question).rstrip('?')}?")
    while True:
        said = await _ask(words, choices)
        if not choices or said in choices:
            break
    try:
        await lightning.answer(who, run_id, step, said, index)
    except Conflict as error:
        err.print(Text(plain(error.message)))


async def _ask(words: str, choices: tuple[str, ...]) -> str:
    """A line from the terminal. In a daemon thread, so that Ctrl-C is not held up by it."""
    err.print(Text(words + (f" [{'/'.join(map(str, choices))}]" if choices else "")))
    loop = asyncio.get_running_loop()
    said: asyncio.Future[str] = loop.create_future()

    def answered(line: str) -> None:
        if not said.done():
            said.set_result(line)

    def read() -> None:
        line = sys.stdin.readline().strip()
        loop.call_soon_threadsafe(answered, line)

    threading.Thread(target=read, daemon=True).start()
    return await said
