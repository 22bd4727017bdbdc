"""Nothing phones home: whatever comes along with our libraries, no other host is ever asked."""

from __future__ import annotations

import urllib.request
from pathlib import Path

from tests.journeys.app import App

# Python runs this before anything else. Without uvloop every connection passes the audit.
WATCH = """
import os, sys

sys.modules["uvloop"] = None
HERE = ("127.", "::1", "localhost", "0.0.0.0")

def watch(event, arguments):
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else "localhost"
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host and not str(host).startswith(HERE):
        with open(os.environ["WATCHED"], "a") as file:
            file.write(f"{event} {host}\\n")

sys.addaudithook(watch)
with open(os.environ["WATCHED"], "a") as file:
    file.write("watching\\n")
"""


def test_starting_and_serving_asks_no_other_host(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    watched = tmp_path / "watched"
    with App(tmp_path, PYTHONPATH=str(tmp_path), WATCHED=str(watched)) as app:
        for path in ("/", "/login", "/api/health", "/project/settings", "/api/docs"):
            request = urllib.request.Request(app.url + path)
            try:
                urllib.request.urlopen(request).read()
            except urllib.error.HTTPError as error:
                assert error.code == 401
    assert set(watched.read_text().splitlines()) == {"watching"}
