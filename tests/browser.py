"""The browser that tests drive: an installed Chrome or Chromium, else Playwright's, else the system's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def installed() -> str | None:
    """The path of a browser that is there already."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    mac = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
    return str(mac) if mac.exists() else _playwrights_own()


def _playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> str:
    """Bring a browser along; exits with what to do when neither way works."""
    download = [sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"]
    subprocess.run(download, check=False, capture_output=True)
    if path := _playwrights_own():
        return path
    if shutil.which("apt-get"):
        sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
        for command in (["update", "-qq"], ["install", "-y", "-qq", "chromium"]):
            subprocess.run([*sudo, "apt-get", *command], check=False, stdout=subprocess.DEVNULL)
        if path := shutil.which("chromium"):
            return path
    sys.exit("No browser: install Chromium or Chrome, then run make test again.")


if __name__ == "__main__":
    print(f"browser: {installed() or install()}")
