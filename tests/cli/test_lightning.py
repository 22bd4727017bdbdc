"""lightning: doctor, worker, up, and what they say when they cannot start."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests import postgres
from tests.cli.conftest import Terminal
from tests.cli.test_planner import KEEP
from tests.drivers.test_notifications import Receiver
from tests.mail import MailServer


@contextmanager
def started(*args: str) -> Iterator[subprocess.Popen[str]]:
    """`lightning` in a process of its own, ended with the block."""
    command = [sys.executable, "-c", "from chat_app.cli import main; main()", *args]
    pipe = subprocess.PIPE
    root = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    environment = os.environ | {"PYTHONPATH": root, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=pipe, stderr=pipe, stdin=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def findings(terminal: Terminal) -> dict[str, dict[str, str]]:
    return {one["name"]: one for one in terminal.lightning("doctor", "--json").data["findings"]}


# --- doctor ----------------------------------------------------------------------------------------


def test_on_a_fresh_machine_the_doctor_is_content(terminal: Terminal) -> None:
    said = terminal.lightning("doctor")
    assert said.code == 0, said.out
    found = findings(terminal)
    assert {name for name, one in found.items() if one["state"] == "ok"} >= {
        "data folder",
        "database",
        "bus",
        "blobs",
        "files",
        "time zone",
        "signing key",
    }
    assert {found[name]["state"] for name in ("model", "mail", "notify")} == {"unset"}
    assert "SMTP_HOST" in found["mail"]["advice"]


@pytest.mark.parametrize(
    ("name", "value", "finding"),
    [
        ("TIMEZONE", "Mars/Olympus", "time zone"),
        ("TIMEZONE", "../../etc/passwd", "time zone"),
        ("JWT_SIGNING_KEY", "secret", "signing key"),
    ],
)
def test_a_wrong_setting_is_found_with_advice(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, value: str, finding: str
) -> None:
    monkeypatch.setenv(name, value)
    assert terminal.lightning("doctor").code == 1
    found = findings(terminal)[finding]
    assert found["state"] == "broken" and found["advice"]


def test_the_doctor_tries_a_postgresql_and_leaves_nothing_behind(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres.database() as url:
        monkeypatch.setenv("DATABASE_URL", url)
        found = findings(terminal)
        assert found["database"]["state"] == found["blobs"]["state"] == "ok"
        assert "PostgreSQL" in found["database"]["words"]
        for table in ("log", "messages", "owners", "documents"):
            assert postgres.count(url, table) == 0
        monkeypatch.setenv("DATABASE_URL", url.replace("postgres@", "locked:hush@"))
        said = terminal.lightning("doctor")
        assert said.code == 1
        assert "DATABASE_URL" in said.out and "hush" not in said.out + said.err


def test_without_its_driver_a_postgresql_is_refused_with_what_to_install(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("backend.stores.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann:hush@127.0.0.1/lightning")
    found = findings(terminal)["database"]
    assert "DATABASE_URL" in found["words"] and "lightning[postgres]" in found["advice"]
    assert "hush" not in found["words"]


def test_a_data_folder_open_to_others_is_pointed_out(terminal: Terminal) -> None:
    terminal.lightning("doctor")
    (terminal.folder / "data").chmod(0o755)
    found = findings(terminal)["data folder"]
    assert found["state"] == "warning" and "chmod 700" in found["advice"]


def test_the_mail_server_is_really_asked(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MailServer() as server:
        monkeypatch.setenv("SMTP_HOST", server.host)
        monkeypatch.setenv("SMTP_PORT", str(server.port))
        assert findings(terminal)["mail"]["state"] == "ok"
        assert server.messages == []
    assert findings(terminal)["mail"]["state"] == "broken"


def test_a_model_that_does_not_answer_is_found(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens: refused at once
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
        assert findings(terminal)["model"]["state"] == "broken"


def test_the_doctor_leaves_nothing_behind(terminal: Terminal) -> None:
    terminal.lightning("doctor")
    with sqlite3.connect(terminal.folder / "data/lightning.db") as database:
        left = [
            database.execute(f"SELECT count(*) FROM {table}").fetchone()
            for table in ("documents", "messages", "log", "dead")
        ]
    database.close()
    assert left == [(0,)] * 4


def test_a_signed_test_is_delivered_only_when_asked_for(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Receiver() as receiver:
        monkeypatch.setenv("NOTIFY_URL", receiver.url("/hook"))
        monkeypatch.setenv("ALLOW_PRIVATE_NETWORK", "true")
        assert findings(terminal)["notify"]["state"] == "ok"
        assert receiver.deliveries.empty()
        assert terminal.lightning("doctor", "--notify").code == 0
        assert receiver.delivery().headers["webhook-signature"].startswith("v1,")
        receiver.statuses.put(404)
        said = terminal.lightning("doctor", "--notify")
        assert said.code == 1
        assert "NOTIFY_URL" in said.out and "404" in said.out


# --- what cannot start -----------------------------------------------------------------------------


def test_a_database_of_a_newer_lightning_is_left_alone(terminal: Terminal) -> None:
    terminal.lightning("doctor")
    database = sqlite3.connect(terminal.folder / "data/lightning.db")
    with database:
        database.execute("UPDATE alembic_version SET version_num = '0999'")
    database.close()
    said = terminal.planner("list-tools")
    assert said.code == 4 and "EXEC_DATABASE_NEWER" in said.err
    assert findings(terminal)["database"]["state"] == "broken"


def test_a_data_folder_that_cannot_be_is_named(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    (terminal.folder / "file").write_text("")
    monkeypatch.setenv("DATA_DIR", str(terminal.folder / "file" / "data"))
    said = terminal.lightning("doctor")
    assert said.code == 4 and "DATA_DIR" in said.err


def test_a_setting_that_is_no_value_is_named(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "eighty")
    said = terminal.planner("list-tools")
    assert said.code == 4 and "PORT" in said.err and "eighty" in said.err


# --- processes -------------------------------------------------------------------------------------

HYGIENE = """
import sys
import chat_app.cli, agents.cli
for app, args in ((agents.cli.app, ["list-tools"]), (agents.cli.app, ["execute", sys.argv[1], "-y",
                  "-i", "n=1"]), (agents.cli.app, ["generate", "save hello to a.txt"]),
                  (chat_app.cli.app, ["doctor"])):
    try:
        app(args)
    except SystemExit:
        pass
print({name.partition(".")[0] for name in sys.modules} & {"chainlit", "langgraph", "langchain_core"})
"""


def test_no_command_but_up_imports_the_chat_or_the_agents_graph(terminal: Terminal) -> None:
    run = subprocess.run(
        [sys.executable, "-c", HYGIENE, terminal.file(KEEP)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.getcwd() + ":" + ":".join(sys.path)},
        check=True,
    )
    assert run.stdout.splitlines()[-1] == "set()", run.stdout
    assert "keep done" in run.stderr


def test_a_worker_serves_beside_the_command_line_and_stops_cleanly(terminal: Terminal) -> None:
    with started("worker") as process:
        assert process.stderr is not None
        assert "Working on" in process.stderr.readline()
        said = terminal.planner("execute", terminal.file(KEEP), "-y", "-i", "n=4")
        assert said.code == 0, said.err
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=30)
        assert process.returncode == 0 and "Traceback" not in rest


def test_a_taken_port_is_said_in_words(terminal: Terminal) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = terminal.lightning("up", "--port", str(port))
    assert said.code == 4
    assert f"127.0.0.1:{port}" in said.err and f"--port {port + 1}" in said.err


def test_up_prints_one_address_that_signs_the_local_user_in_once(terminal: Terminal) -> None:
    with started("up", "--port", "0") as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        link = re.search(r"http://127\.0\.0\.1:\d+/sign-in/\S+", line)
        assert link, line + process.communicate(timeout=30)[1]
        with httpx.Client(follow_redirects=False, timeout=30) as browser:
            assert browser.get(link[0]).headers["location"] == "/"
            base = link[0].partition("/sign-in")[0]
            assert browser.get(f"{base}/api/plans").json() == {"items": [], "cursor": None}
        with httpx.Client(follow_redirects=False, timeout=30) as stranger:
            assert stranger.get(link[0]).headers["location"] != "/"
            assert stranger.get(f"{base}/api/plans").status_code == 401
            health = stranger.get(f"{base}/api/health")
            assert health.json()["status"] == "ok"
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=30)
        assert process.returncode == 0 and "Traceback" not in rest, rest


def test_chat_and_workers_may_be_processes_of_their_own(terminal: Terminal) -> None:
    with started("chat", "--port", "0") as chat:
        assert chat.stdout is not None
        link = re.search(r"http://127\.0\.0\.1:\d+/sign-in/\S+", chat.stdout.readline())
        assert link, chat.communicate(timeout=30)[1]
        base = link[0].partition("/sign-in")[0]
        with httpx.Client(base_url=base, timeout=60) as browser:
            browser.get(link[0])
            alone = browser.post("/api/plans", json={"document": KEEP})
            assert alone.json()["code"] == "EXEC_NO_WORKER"
            with started("worker"):
                helped = browser.post("/api/plans", json={"document": KEEP})
                assert helped.status_code == 201, helped.text
        chat.send_signal(signal.SIGTERM)
        _, rest = chat.communicate(timeout=30)
        assert chat.returncode == 0 and "Traceback" not in rest, rest


def test_the_api_is_served_alone_without_a_chat(terminal: Terminal) -> None:
    with started("api", "--port", "0") as process:
        assert process.stdout is not None
        said = re.search(r"(http://127\.0\.0\.1:\d+)/api/docs", process.stdout.readline())
        assert said, process.communicate(timeout=30)[1]
        with httpx.Client(base_url=said[1], timeout=30) as client:
            assert client.get("/api/health").json()["status"] == "ok"
            assert client.get("/api/docs").status_code == 200
            assert (
                client.get("/").status_code == client.get("/public/theme.json").status_code == 404
            )
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=30)
        assert process.returncode == 0 and "Traceback" not in rest, rest
