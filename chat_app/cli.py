"""lightning: start it, add a worker, look whether all is well. A role is imported when it starts."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import Annotated, Literal

import orjson
import typer
from rich.text import Text

from agents.terminal import DONE, EXIT_CODES, FAILED, err, out, plain, run, settings
from backend.settings import Settings

app = typer.Typer(
    name="lightning",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A chat that turns words into approved, durable work. Settings come from the environment.",
    epilog=EXIT_CODES,
)

Role = Literal["up", "chat", "api"]
Host = Annotated[str, typer.Option(help="address to listen on; else HOST, else loopback")]
Port = Annotated[int | None, typer.Option(help="else PORT, else 8000; 0 takes any")]

_SIGNS = {
    "ok": ("✓", "green"),
    "unset": ("·", "dim"),
    "warning": ("!", "yellow"),
    "broken": ("✗", "red"),
}


@app.command(epilog=EXIT_CODES)
def up(host: Host = "", port: Port = None) -> None:
    """Start Lightning: chat, API and a worker in one process.

    Prints one address that signs you in, once. Only this machine can reach it unless --host says
    otherwise.
    """
    _serve("up", host, port)


@app.command(epilog=EXIT_CODES)
def chat(host: Host = "", port: Port = None) -> None:
    """Start chat and API without a worker: workers are processes of their own, or functions."""
    _serve("chat", host, port)


@app.command(epilog=EXIT_CODES)
def api(host: Host = "", port: Port = None) -> None:
    """Start the API alone, without a chat and without a worker."""
    _serve("api", host, port)


@app.command(epilog=EXIT_CODES)
def worker() -> None:
    """Start a further worker on the same data folder. Stop it with Ctrl-C; nothing is lost."""
    run(_work(settings()))


@app.command(epilog=EXIT_CODES)
def doctor(
    json: Annotated[bool, typer.Option("--json", help="JSON on standard output")] = False,
    notify: Annotated[bool, typer.Option(help="deliver a signed test to NOTIFY_URL")] = False,
) -> None:
    """Look whether everything works, and say what to do where it does not. Sends no mail."""
    run(_examine(settings(), json, notify))


def main() -> None:
    app()


def _serve(role: Role, host: str, port: int | None) -> None:
    from chat_app.serving import serve

    given = {"host": host or None, "port": port}
    chosen = settings(**{name: value for name, value in given.items() if value is not None})
    run(serve(chosen, role))


async def _work(chosen: Settings) -> int:
    from backend.bootstrap import open_system

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with open_system(chosen) as system, system.working():
        err.print(Text(f"Working on {chosen.data_dir.resolve()}. Ctrl-C stops it."))
        with contextlib.suppress(asyncio.CancelledError):
            await stop.wait()
    err.print("Stopped.")
    return DONE


async def _examine(chosen: Settings, as_json: bool, notify: bool) -> int:
    from chat_app.doctor import examine

    findings = []
    async for finding in examine(chosen, notify=notify):
        findings.append(finding)
        if as_json:
            continue
        sign, style = _SIGNS[finding.state]
        out.print(
            Text.assemble((f"{sign} ", style), f"{finding.name:<12}", plain(finding.words)),
            soft_wrap=True,
        )
        if finding.advice:
            out.print(Text(f"{'':<14}→ {plain(finding.advice)}"), soft_wrap=True)
    broken = any(finding.state == "broken" for finding in findings)
    if as_json:
        typer.echo(orjson.dumps({"ok": not broken, "findings": findings}).decode())
    return FAILED if broken else DONE
