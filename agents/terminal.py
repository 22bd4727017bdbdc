"""What both command lines share: exit codes, errors in words, whatever others wrote made harmless."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import orjson
import typer
from rich.console import Console
from rich.text import Text

from backend.contracts.errors import Issue, LightningError, Unavailable

if TYPE_CHECKING:  # so that what asks for no setting starts without reading them
    from backend.settings import Settings

DONE, FAILED, USAGE, ASKS, CANNOT_START, INTERRUPTED = 0, 1, 2, 3, 4, 130
EXIT_CODES = (
    "Exit codes: 0 done · 1 it did not work (errors in the plan, a failed run or check) · "
    "2 wrong usage · 3 a person is asked, or said no; a request or a time is refused · "
    "4 something it needs is not here: Lightning cannot start, or no model answers · "
    "130 interrupted."
)

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

_SIGNS = {"error": ("✗", "red"), "warning": ("!", "yellow"), "info": ("·", "dim")}
_CANNOT_START = frozenset({"EXEC_DATABASE_NEWER"})


def run(work: Coroutine[Any, Any, int], as_json: bool = False) -> NoReturn:
    """Run a command to its exit code; errors are said in words, on standard error, and `as_json` as data
    on standard output too."""
    import asyncio

    try:
        code = asyncio.run(_alone(work))
    except LightningError as error:
        show_error(error)
        if as_json:
            typer.echo(orjson.dumps(error_as_json(error), option=orjson.OPT_INDENT_2).decode())
        missing = isinstance(error, Unavailable) or error.code in _CANNOT_START
        code = CANNOT_START if missing else FAILED
    except BrokenPipeError:
        # whoever read has seen enough; what is still buffered goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = DONE
    except OSError as error:
        err.print(Text(plain(f"✗ {error.filename or ''}: {error.strerror or error}")))
        code = CANNOT_START
    except KeyboardInterrupt:
        err.print("Stopped. What was begun goes on as soon as Lightning runs again.")
        code = INTERRUPTED
    raise typer.Exit(code)


async def _alone(work: Coroutine[Any, Any, int]) -> int:
    """The error itself, where it comes out of a group of tasks as the only one."""
    try:
        return await work
    except ExceptionGroup as group:
        if len(group.exceptions) == 1 and isinstance(group.exceptions[0], LightningError):
            raise group.exceptions[0] from None
        raise


def settings(**given: Any) -> Settings:
    """The settings of the environment, with what is `given` over them. Ends the program with
    `CANNOT_START` where they are wrong or the data folder cannot be made."""
    from backend.settings import load_settings

    return _read(load_settings).model_copy(update=given)


def settings_alone() -> Settings:
    """The settings for what leaves the data folder as it is, and needs none."""
    from backend.settings import Settings

    return _read(Settings)


def _read(load: Callable[[], Settings]) -> Settings:
    from pydantic import ValidationError

    try:
        return load()
    except ValidationError as error:
        for one in error.errors():
            name = "_".join(map(str, one["loc"])).upper()
            err.print(Text(plain(f"✗ {name}: {one['msg']} (it is {one['input']!r})")))
    except OSError as error:
        err.print(
            Text(plain(f"✗ The data folder cannot be used: {error.strerror} {error.filename}"))
        )
        err.print("  → Set DATA_DIR to a folder of yours.")
    raise typer.Exit(CANNOT_START)


def plain(text: object, limit: int = 2000) -> str:
    """Text without control characters: what a plan or a web page says must not drive a terminal."""
    words = str(text)
    cut = words if len(words) <= limit else words[: limit - 1] + "…"
    return "".join(
        c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs") else "�" for c in cut
    )


def error_as_json(error: LightningError) -> dict[str, Any]:
    """What went wrong, as data: {"kind": "error", "code", "message", "excerpt", "hint", "issues"}."""
    said: dict[str, Any] = {"kind": "error", "code": error.code, "message": error.message}
    said |= {"excerpt": error.excerpt, "hint": error.hint}
    return said | {"issues": [issue.model_dump(mode="json") for issue in error.issues]}


def show_error(error: LightningError) -> None:
    said = Text.assemble(("✗ ", "bold red"), plain(error.message), (f"  {error.code}", "dim"))
    err.print(said, soft_wrap=True)
    for line in error.excerpt.splitlines():
        err.print(Text(f"    {plain(line)}"), soft_wrap=True)
    others = [issue for issue in error.issues if issue.message != error.message]
    show_issues(others)
    if error.hint:
        err.print(Text("  → " + plain(error.hint)), soft_wrap=True)


def show_issues(issues: Sequence[Issue]) -> None:
    for issue in issues:
        sign, style = _SIGNS[issue.severity]
        where = f"{issue.path}: " if issue.path else ""
        line = Text.assemble(
            (f"{sign} ", style), plain(where + issue.message), (f"  {issue.code}", "dim")
        )
        err.print(line, soft_wrap=True)
        if issue.suggestion:
            err.print(Text("  → " + plain(issue.suggestion)), soft_wrap=True)
        if issue.available:
            err.print(Text("    there are: " + plain(", ".join(issue.available[:12])), style="dim"))


def confirmed(question: str) -> bool:
    """Whether the person at the terminal says yes; nobody there is a no."""
    try:
        return typer.confirm(question, default=False, err=True)
    except typer.Abort:
        return False
