"""lightning-planner: from words to a plan, and from a plan to a run, in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table
from rich.text import Text

from agents.documents import read_document, write_document
from agents.terminal import (
    ASKS,
    DONE,
    EXIT_CODES,
    FAILED,
    err,
    out,
    plain,
    run,
    settings,
    show_issues,
    show_plan,
)
from backend.contracts.errors import Invalid, Unavailable
from backend.contracts.plans import Checked

app = typer.Typer(
    name="lightning-planner",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Turn words into plans, check them, run them. Works beside a running Lightning, or alone.",
    epilog=EXIT_CODES,
)


def _there(file: Path) -> Path:
    if str(file) != "-" and not file.is_file():
        raise typer.BadParameter(f"there is no file {str(file)!r}")
    return file


File = Annotated[
    Path, typer.Argument(callback=_there, show_default=False, help='a plan; "-": standard input')
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output, nothing else")]
Zone = Annotated[str, typer.Option(help="IANA zone the times are meant in; else this machine's")]


@app.command(epilog=EXIT_CODES)
def generate(
    prompt: Annotated[str, typer.Argument(help="what should happen, in your words")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="write the plan")] = None,
    json: AsJson = False,
    timezone: Zone = "",
) -> None:
    """Make a plan from words. Nothing is stored and nothing runs.

    The plan goes to standard output (or to the file of -o), all else to standard error. Exit code 3
    when the planner asks back or will not.
    """
    run(_generate(prompt, output, json, timezone))


@app.command(epilog=EXIT_CODES)
def validate(file: File, json: AsJson = False, timezone: Zone = "") -> None:
    """Check a plan against the tools that are here. Exit code 1 when it has errors."""
    run(_validate(file, json, timezone))


@app.command(epilog=EXIT_CODES)
def execute(
    file: File,
    input: Annotated[
        list[str] | None, typer.Option("--input", "-i", help="name=value, as often as needed")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="approve without asking")] = False,
    user_id: Annotated[str, typer.Option(help="for operators: act as this user")] = "",
    json: AsJson = False,
    timezone: Zone = "",
) -> None:
    """Run a plan once, now, after you approve it; its schedule, if it has one, is not set.

    Shows each step live. The run is durable: after Ctrl-C it goes on as soon as Lightning runs
    again. Exit code 0 when it completed, 1 when it did not, 3 when you said no or a step asks and
    nobody is at the terminal.
    """
    from agents.execution import Order, carry_out

    run(carry_out(Order(file, tuple(input or ()), yes, user_id, json, timezone)))


@app.command(epilog=EXIT_CODES)
def mermaid(file: File) -> None:
    """Draw a plan as a Mermaid flowchart."""
    run(_mermaid(file))


@app.command(epilog=EXIT_CODES)
def list_tools(json: AsJson = False) -> None:
    """Show what a step can call."""
    run(_list_tools(json))


def main() -> None:
    app()


# --- what the commands do; heavy parts are imported when a command needs them -----------------------


async def _generate(prompt: str, output: Path | None, as_json: bool, timezone: str) -> int:
    from backend.bootstrap import open_system
    from backend.contracts.ports import PlanRequest

    async with open_system(settings()) as system:
        lightning = system.lightning
        who = await lightning.users.local_user()
        planner = next(iter(system.planners.values()), None)
        if planner is None:
            raise Unavailable("No planner is installed.", code="PLAN_NO_PLANNER")
        zone = timezone or lightning.timezone
        with err.status("Planning…"):
            answer = await planner.plan(
                PlanRequest(
                    prompt, who.user_id, zone, lightning.now(), await lightning.catalogue(who)
                )
            )
        if answer.kind != "plan" or answer.document is None:
            if as_json:
                _say_json({"kind": answer.kind, "text": answer.text, "choices": answer.choices})
            else:
                err.print(Text(plain(answer.text)))
                for choice in answer.choices:
                    err.print(Text(plain(f"  · {choice}")))
            return ASKS
        checked = await lightning.validate(who, answer.document, zone, answer.not_covered)
    if output is not None:
        write_document(output, _json(answer.document))
    if as_json:
        _say_json(
            {
                "kind": "plan",
                "document": answer.document,
                "issues": [i.model_dump(mode="json") for i in checked.issues],
                "ir_hash": checked.ir_hash,
                "planner": answer.planner,
                "confidence": answer.confidence,
                "not_covered": answer.not_covered,
            }
        )
    else:
        show_plan(checked)
        show_issues(checked.issues)
        if output is None:
            _say_json(answer.document)
        else:
            err.print(Text(f"Written to {output}. Run it: lightning-planner execute {output}"))
    return DONE if checked.ok else FAILED


async def _validate(file: Path, as_json: bool, timezone: str) -> int:
    checked = await _check(read_document(file), timezone)
    if as_json:
        issues = [i.model_dump(mode="json") for i in checked.issues]
        _say_json({"ok": checked.ok, "ir_hash": checked.ir_hash, "issues": issues})
    else:
        show_issues(checked.issues)
        err.print("The plan is valid." if checked.ok else "The plan has errors.")
    return DONE if checked.ok else FAILED


async def _mermaid(file: Path) -> int:
    from backend.plans.render import mermaid as draw

    checked = await _check(read_document(file), "")
    if checked.ir is None:
        raise Invalid("This is not a plan.", issues=checked.issues)
    out.print(Text(draw(checked.ir)), soft_wrap=True)
    return DONE


async def _list_tools(as_json: bool) -> int:
    from backend.bootstrap import open_system

    async with open_system(settings()) as system:
        catalogue = await system.lightning.catalogue(await system.lightning.users.local_user())
    if as_json:
        tools = [catalogue.tools[id].model_dump(mode="json") for id in sorted(catalogue.tools)]
        _say_json({"hash": catalogue.hash, "tools": tools, "missing": catalogue.missing})
        return DONE
    table = Table.grid(padding=(0, 2))
    for id in sorted(catalogue.tools):
        words = Text(plain(catalogue.tools[id].description))
        if missing := catalogue.missing.get(id):
            words.append(f" needs {', '.join(missing)}", style="yellow")
        table.add_row(Text(id, style="bold"), words)
    out.print(table)
    return DONE


async def _check(raw: Any, timezone: str) -> Checked:
    from backend.bootstrap import open_system

    async with open_system(settings()) as system:
        who = await system.lightning.users.local_user()
        return await system.lightning.validate(who, raw, timezone or None)


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=_plain_data)


def _plain_data(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return dict(value)


def _say_json(value: Any) -> None:
    typer.echo(_json(value).decode())
