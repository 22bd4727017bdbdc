"""Whether a plan is right, with the tools that are here, and as it was locked."""

from __future__ import annotations

from pathlib import Path

import typer

from agents.commands.documents import indented, parse_document, read_text
from agents.commands.locks import Held, look_at_lock, say_lock
from agents.commands.planning import given_catalogue
from agents.terminal import DONE, FAILED, err, settings, show_issues
from backend.bootstrap import open_system
from backend.plans.validation import check


async def validate(file: Path, catalogue: Path | None, as_json: bool, timezone: str) -> int:
    text = read_text(file)
    foreign = given_catalogue(catalogue)
    chosen = settings()
    async with open_system(chosen) as system:
        lightning = system.lightning
        who = await lightning.users.local_user()
        tools = foreign or await lightning.catalogue(who)
        raw = parse_document(text, file, tools)
        here = timezone or lightning.timezone
        if foreign is None:
            checked = await lightning.validate(who, raw, here)
        else:
            checked = check(raw, tools, now=lightning.now(), timezone=here)
    held = Held("none")
    if checked.ir is not None:
        held = look_at_lock(file, checked.ir, tools, chosen.jwt_signing_key)
    if as_json:
        said = {
            "ok": checked.ok,
            "ir_hash": checked.ir_hash,
            "issues": [issue.model_dump(mode="json") for issue in checked.issues],
            "lock": held.standing,
            "changes": [issue.model_dump(mode="json") for issue in held.issues],
        }
        typer.echo(indented(said).decode())
    else:
        say_lock(held)
        show_issues(checked.issues)
        err.print("The plan is valid." if checked.ok else "The plan has errors.")
    return DONE if checked.ok else FAILED
