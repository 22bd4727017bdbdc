"""Lightning as a person starts it: a process of its own, an address, a data folder."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from tests import postgres
from tests.azure.environment import on_doubles

_QUIET = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "SMTP_HOST", "JWT_SIGNING_KEY")


class App:
    """`lightning up` on a port of its own; a context manager. `link` signs in, once."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.settings = {
            "DATA_DIR": str(folder / "data"),
            "PORT": str(self.port),
            "ALLOW_PRIVATE_NETWORK": "true",
            "TIMEZONE": "Europe/Paris",
            **settings,
        }
        self.link = ""
        self.cookies: list[dict[str, Any]] = []
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and wait until it has said where it is."""
        inherited = {k: v for k, v in os.environ.items() if k not in _QUIET}
        with (self.folder / "log").open("a") as log:
            self._process = subprocess.Popen(
                [str(Path(sys.executable).with_name("lightning")), "up"],
                env={**inherited, **self.settings},
                cwd=self.folder,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            for word in line.split():
                if urlsplit(word).path.startswith("/sign-in/"):
                    self.link = word
                    return
        raise AssertionError(f"it did not start:\n{(self.folder / 'log').read_text()}")

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None


@contextlib.contextmanager
def stored(where: str) -> Iterator[dict[str, str]]:
    """What an app is started with to keep its data there: "sqlite", "postgres" or "azure"."""
    if where == "sqlite":
        yield {}
    elif where == "azure":
        with on_doubles() as settings:
            yield settings
    else:
        with postgres.database() as url:
            yield {"DATABASE_URL": url}
