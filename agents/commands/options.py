"""The options and arguments that several commands have."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from agents.commands.completion import plan_files, zones


def given_file(file: Path | None) -> Path | None:
    if file is not None and str(file) != "-" and not file.is_file():
        raise typer.BadParameter(f"there is no file {str(file)!r}")
    return file


def moment(said: str) -> datetime | None:
    try:
        return datetime.fromisoformat(said) if said else None
    except ValueError:
        raise typer.BadParameter(f"{said!r} is not an ISO time", param_hint="--now") from None


_A_PLAN = 'a plan: .json, .pipe or .py; "-": standard input'
plan_argument = typer.Argument(
    callback=given_file, show_default=False, help=_A_PLAN, autocompletion=plan_files
)
File = Annotated[Path, plan_argument]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output, nothing else")]
Zone = Annotated[
    str,
    typer.Option(
        "--timezone",
        "--zone",
        help="IANA zone the times are meant in; else this machine's",
        autocompletion=zones,
    ),
]
Now = Annotated[str, typer.Option(help="ISO time: as if it were now", show_default=False)]
Tools = Annotated[
    Path | None,
    typer.Option(
        callback=given_file, help="tools to plan with (JSON), instead of those that are here"
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="approve without asking")]
User = Annotated[str, typer.Option(help="for operators: act as this user")]
Inputs = Annotated[
    list[str] | None, typer.Option("--input", "-i", help="name=value, as often as needed")
]
PlanId = Annotated[str, typer.Argument(show_default=False, help="of a plan; its beginning will do")]
