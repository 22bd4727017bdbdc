"""lightning-planner: from words to a plan, and from a plan to a run, in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agents.commands.completion import plan_files
from agents.commands.options import (
    AsJson,
    File,
    Inputs,
    Now,
    PlanId,
    Tools,
    User,
    Yes,
    Zone,
    given_file,
    moment,
    plan_argument,
)
from agents.commands.quiet import run
from agents.terminal import EXIT_CODES

app = typer.Typer(
    name="lightning-planner",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Turn words into plans, check them, run them. Works beside a running Lightning, or alone.",
    epilog=EXIT_CODES,
)
_UNKNOWN_ARE_INPUTS = {"allow_extra_args": True, "ignore_unknown_options": True}


_WORDS, _PLANS, _LOOK = "From words", "Plans", "Looking"


@app.command(epilog=EXIT_CODES, rich_help_panel=_WORDS)
def generate(
    prompt: Annotated[
        str, typer.Argument(help='what should happen, in your words; "-": standard input')
    ] = "",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="write the plan")] = None,
    after: Annotated[
        Path | None,
        typer.Option(
            callback=given_file, help="the plan that is to be changed", autocompletion=plan_files
        ),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="without a model")] = False,
    catalogue: Tools = None,
    batch: Annotated[
        Path | None,
        typer.Option(callback=given_file, help='a request a line: {"id", "request", "previous"?}'),
    ] = None,
    json: AsJson = False,
    timezone: Zone = "",
    now: Now = "",
) -> None:
    """Make a plan from words. Nothing runs; nothing is stored but, with -o, how it was planned.

    The plan goes to standard output (or to the file of -o), all else to standard error. Exit code 3
    when the planner asks back or will not. With --batch every line is answered by a line of JSON.
    """
    if bool(prompt) == (batch is not None):
        raise typer.BadParameter("say what should happen, or give --batch")
    if batch is not None:
        if after is not None:
            raise typer.BadParameter('a line of --batch has its own "previous"')
        from agents.commands.batch import Batch, answer_all

        run(answer_all(Batch(batch, output, catalogue, offline, timezone, moment(now))))
    from agents.commands.generate import Order
    from agents.commands.generate import generate as make

    run(make(Order(prompt, output, after, catalogue, offline, json, timezone, moment(now))), json)


@app.command(epilog=EXIT_CODES, rich_help_panel=_WORDS)
def when(
    phrase: Annotated[str, typer.Argument(help='"every weekday at 9", "tomorrow at noon"')],
    json: AsJson = False,
    timezone: Zone = "",
    now: Now = "",
) -> None:
    """Say what a phrase means as a time, with the next firings. Exit code 3 when it is refused."""
    from agents.commands.when import when as understand

    raise typer.Exit(understand(phrase, moment(now), timezone, json))


@app.command(epilog=EXIT_CODES, rich_help_panel=_PLANS)
def validate(
    file: File, catalogue: Tools = None, json: AsJson = False, timezone: Zone = ""
) -> None:
    """Check a plan against the tools that are here. Exit code 1 when it has errors."""
    from agents.commands.validate import validate as check

    run(check(file, catalogue, json, timezone), json)


@app.command(epilog=EXIT_CODES, rich_help_panel=_PLANS, context_settings=_UNKNOWN_ARE_INPUTS)
def execute(
    context: typer.Context,
    file: File,
    input: Inputs = None,
    yes: Yes = False,
    user_id: User = "",
    json: AsJson = False,
    timezone: Zone = "",
) -> None:
    """Run a plan once, now, after you approve it; its schedule, if it has one, is not set.

    Its inputs are given as --name=value. Shows each step live. The run is durable: after Ctrl-C it
    goes on as soon as Lightning runs again. Exit code 0 when it completed, 1 when it did not, 3 when
    you said no or a step asks and nobody is at the terminal.
    """
    from agents.commands.execute import Given, Order
    from agents.commands.execute import execute as carry_out

    given = Given(tuple(input or ()), tuple(context.args))
    run(carry_out(Order(file, given, yes, user_id, json, timezone)), json)


@app.command(epilog=EXIT_CODES, rich_help_panel=_PLANS, context_settings=_UNKNOWN_ARE_INPUTS)
def setup(
    context: typer.Context,
    file: File,
    input: Inputs = None,
    yes: Yes = False,
    user_id: User = "",
    json: AsJson = False,
    timezone: Zone = "",
) -> None:
    """Approve a plan with its schedule: it runs whenever that is due, or an event it waits for comes.

    Its inputs are given as --name=value, for all of its runs.
    """
    from agents.commands.decide import Order, set_up
    from agents.commands.execute import Given

    given = Given(tuple(input or ()), tuple(context.args))
    run(set_up(file, Order(given, yes, user_id, json, timezone)), json)


@app.command(epilog=EXIT_CODES, rich_help_panel=_PLANS, context_settings=_UNKNOWN_ARE_INPUTS)
def approve(
    context: typer.Context,
    plan_id: PlanId,
    input: Inputs = None,
    yes: Yes = False,
    user_id: User = "",
    json: AsJson = False,
) -> None:
    """Approve a proposal: it is set up if it has a time or waits for events, else it runs now."""
    from agents.commands.decide import Order
    from agents.commands.decide import approve as decide
    from agents.commands.execute import Given

    given = Given(tuple(input or ()), tuple(context.args))
    run(decide(plan_id, Order(given, yes, user_id, json)), json)


@app.command(epilog=EXIT_CODES, rich_help_panel=_PLANS)
def reject(
    plan_id: PlanId,
    reason: Annotated[str, typer.Option(help="why; it is kept")] = "",
    user_id: User = "",
    json: AsJson = False,
) -> None:
    """Turn a proposal down."""
    from agents.commands.decide import reject as decide

    run(decide(plan_id, reason, user_id, json), json)


@app.command(epilog=EXIT_CODES, rich_help_panel=_LOOK)
def status(
    id: Annotated[
        str, typer.Argument(help="of a plan or a run; its beginning will do", show_default=False)
    ] = "",
    user_id: User = "",
    json: AsJson = False,
) -> None:
    """Show your schedules, plans and runs, or one of them."""
    from agents.commands.status import status as show

    run(show(id, user_id, json), json)


@app.command(epilog=EXIT_CODES, rich_help_panel=_LOOK)
def list_tools(catalogue: Tools = None, user_id: User = "", json: AsJson = False) -> None:
    """Show what a step can call."""
    from agents.commands.tools import list_tools as show

    run(show(catalogue, user_id, json), json)


@app.command(epilog=EXIT_CODES, rich_help_panel=_LOOK)
def list_events(
    mine: Annotated[bool, typer.Option("--mine", help="what your plans wait for")] = False,
    user_id: User = "",
    json: AsJson = False,
) -> None:
    """Show which events there are, with who may send them."""
    from agents.commands import events

    if mine:
        run(events.list_mine(user_id, json), json)
    raise typer.Exit(events.list_events(json))


@app.command(epilog=EXIT_CODES, rich_help_panel=_LOOK)
def explain(
    id: Annotated[
        str,
        typer.Argument(
            show_default=False,
            help="of a run, run:step, plan, schedule, event, planning session or effect",
        ),
    ],
    user_id: User = "",
    json: AsJson = False,
) -> None:
    """Say why it happened: from an effect back to the sentence that caused it."""
    from agents.commands.explain import explain as trace

    run(trace(id, user_id, json), json)


@app.command(epilog=EXIT_CODES, rich_help_panel=_PLANS)
def visualize(
    file: File,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="ends in .svg, .png, .mmd, .py, .pipe or .json")
    ],
    timezone: Zone = "",
    dark: Annotated[bool, typer.Option("--dark", help="on a dark ground")] = False,
    json: AsJson = False,
) -> None:
    """Draw a plan as a picture, or write it in another form."""
    from agents.commands import draw

    run(draw.visualize(file, output, timezone, dark, json), json)


@app.command(epilog=EXIT_CODES, rich_help_panel=_PLANS)
def mermaid(file: File, json: AsJson = False) -> None:
    """Draw a plan as a Mermaid flowchart."""
    from agents.commands import draw

    run(draw.mermaid(file, json), json)


@app.command(epilog=EXIT_CODES, rich_help_panel=_PLANS)
def pipe(
    file: Annotated[
        Path | None,
        plan_argument,
    ] = None,
    parse: Annotated[
        str, typer.Option(help='pipe syntax: "feed.read --url=… >> text.summarize"')
    ] = "",
    json: AsJson = False,
) -> None:
    """Write a plan as one line of steps, or with --parse such a line as a plan."""
    from agents.commands import draw

    if bool(parse) == (file is not None):
        raise typer.BadParameter("give a plan, or --parse")
    run(draw.parse(parse) if file is None else draw.pipe(file, json), json)


def main() -> None:
    app()
