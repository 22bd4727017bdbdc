"""Whether a plan is right, with the tools that are here."""

from __future__ import annotations

from pathlib import Path

import typer

from agents.commands.documents import indented, read_document
from agents.commands.planning import given_catalogue
from agents.terminal import DONE, FAILED, err, settings, show_issues
from backend.bootstrap import open_system
from backend.contracts.plans import Checked
from backend.plans.validation import check


async def validate(file: Path, catalogue: Path | None, as_json: bool, timezone: str) -> int:
    raw = read_document(file)
    async with open_system(settings()) as system:
        lightning = system.lightning
        tools = given_catalogue(catalogue)
        if tools is None:
            who = await lightning.users.local_user()
            checked: Checked = await lightning.validate(who, raw, timezone or None)
        else:
            here = timezone or lightning.timezone
            checked = check(raw, tools, now=lightning.now(), timezone=here)
    if as_json:
        issues = [issue.model_dump(mode="json") for issue in checked.issues]
        said = {"ok": checked.ok, "ir_hash": checked.ir_hash, "issues": issues}
        typer.echo(indented(said).decode())
    else:
        show_issues(checked.issues)
        err.print("The plan is valid." if checked.ok else "The plan has errors.")
    return DONE if checked.ok else FAILED
