"""The shipped templates at work: a real web site, a real mail server, real files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.bootstrap import System
from backend.contracts.runs import RunState
from backend.contracts.security import Principal
from tests.mail import MailServer
from tests.systems import MANUAL, until, working
from tests.web import RSS, Site

ALICE = Principal("alice")


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


async def started(system: System, slug: str, **inputs: Any) -> tuple[str, RunState]:
    """A template approved to be run by hand, with these inputs, and its first run."""
    lightning = system.lightning
    template = next(t for t in lightning.templates() if t.slug == slug)
    document = template.document.model_dump(mode="json", exclude_defaults=True)
    names = {event["name"] for event in document["events"]}
    document["events"] = [MANUAL]
    for step in document["steps"]:
        step["on"] = ["go" if name in names else name for name in step["on"]]
    for name, value in inputs.items():
        document["inputs"][name]["default"] = value
    view = await lightning.propose(ALICE, document, thread_id="t1")
    approved = await lightning.approve(ALICE, view.plan_id, view.ir_hash)
    return view.plan_id, await ended(system, str(approved.run_id))


async def ended(system: System, run_id: str) -> RunState:
    return await until(system.lightning, ALICE, run_id, "completed", "failed", "waiting")


async def again(system: System, plan_id: str) -> RunState:
    return await ended(system, await system.lightning.run(ALICE, plan_id))


async def test_a_watched_page_is_told_only_when_it_has_changed(tmp_path: Path, site: Site) -> None:
    html = "<html><title>Pier</title><body><article><p>{}</p></article></body></html>"
    first = html.format("The pier is open every day from nine to five for all visitors.")
    second = html.format("The pier is closed this week for repairs of the northern deck.")
    async with working(tmp_path) as system:
        site.answer("/pier", first.encode(), content_type="text/html")
        plan_id, state = await started(system, "page-watch", url=site.url("/pier"))
        runs = [state, await again(system, plan_id)]
        site.answer("/pier", second.encode(), content_type="text/html")
        runs += [await again(system, plan_id), await again(system, plan_id)]
    assert [r.status for r in runs] == ["completed"] * 4
    assert [r.steps["tell"].status for r in runs] == ["skipped", "skipped", "done", "skipped"]


async def test_new_entries_of_a_feed_are_told_once(tmp_path: Path, site: Site) -> None:
    more = "<item><title>A new pier</title><link>https://harbour.example/pier</link></item>"
    async with working(tmp_path) as system:
        site.answer("/mine", RSS.encode(), content_type="application/rss+xml")
        plan_id, first = await started(system, "feed-watch", url=site.url("/mine"))
        newer = RSS.replace("<item>", f"{more}<item>", 1)
        site.answer("/mine", newer.encode(), content_type="application/rss+xml")
        runs = [first, await again(system, plan_id), await again(system, plan_id)]
    assert [r.steps["tell"].status for r in runs] == ["skipped", "done", "skipped"]
    assert [entry["title"] for entry in runs[1].steps["compare"].output["added"]] == ["A new pier"]


async def test_notes_become_a_report_by_mail(tmp_path: Path) -> None:
    with MailServer() as mail:
        smtp = {"smtp_host": mail.host, "smtp_port": mail.port, "smtp_tls": "none"}
        async with working(tmp_path, smtp_from="me@example.com", **smtp) as system:
            text = b"The bridge was painted. The ferry runs again. Nobody was hurt in the storm."
            await system.lightning.files.write("alice", "notes.md", text)
            _, state = await started(system, "weekly-report", to="team@example.com")
    assert state.status == "completed"
    (message,) = mail.messages
    assert "bridge" in message.text


async def test_a_folder_becomes_one_summary_and_an_empty_one_fails_nothing(tmp_path: Path) -> None:
    async with working(tmp_path) as system:
        files = system.lightning.files
        await files.write("alice", "meetings/a.md", b"The bridge was painted blue in spring.")
        await files.write("alice", "meetings/b.md", b"The ferry runs again from Monday on.")
        _, state = await started(system, "folder-summary", folder="meetings")
        _, empty = await started(system, "folder-summary", folder="nothing")
        summary = await files.read("alice", "summary.txt")
    assert (state.status, empty.status) == ("completed", "completed")
    assert b"bridge" in summary and b"ferry" in summary


async def test_pages_become_a_note_and_one_that_fails_is_left_out(
    tmp_path: Path, site: Site
) -> None:
    async with working(tmp_path) as system:
        urls = [site.url("/article"), site.url("/status/404")]
        _, state = await started(system, "research-note", topic="tall ships", urls=urls)
        note = await system.lightning.files.read("alice", "research.md")
    assert state.status == "completed", state.error
    assert note.startswith(b"# tall ships\n")
    assert len(note) > 40


async def test_what_is_down_is_said_and_what_is_up_is_not(tmp_path: Path, site: Site) -> None:
    async with working(tmp_path) as system:
        _, up = await started(system, "uptime-check", url=site.url("/data.json"))
        _, ill = await started(system, "uptime-check", url=site.url("/status/500"))
        _, down = await started(system, "uptime-check", url="http://127.0.0.1:9/")
    told = [
        {name for name in ("tell", "alarm") if run.steps[name].status == "done"}
        for run in (up, ill, down)
    ]
    assert told == [set(), {"tell"}, {"alarm"}]
