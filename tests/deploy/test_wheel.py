"""An installed package has all that a checkout has."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's contents, in a folder far from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    uv = Path(sys.executable).with_name("uv")
    build = [
        str(uv),
        "build",
        "--system-certs",
        "--wheel",
        "--quiet",
        "--out-dir",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(build, check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "site")
    return folder / "site"


def test_lightning_from_a_wheel_serves_the_chat_with_its_looks(
    installed: Path, tmp_path: Path
) -> None:
    script = "import chat_app, sys; print(chat_app.__file__); from chat_app.cli import main; main()"
    environment = os.environ | {"PYTHONPATH": str(installed), "DATA_DIR": str(tmp_path / "data")}
    command = [sys.executable, "-u", "-c", script, "up", "--port", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, env=environment, cwd=tmp_path
    ) as process:
        try:
            assert process.stdout is not None and process.stderr is not None
            assert process.stdout.readline().startswith(str(installed))
            link = re.search(r"(http://\S+)/sign-in/\S+", process.stdout.readline())
            assert link, process.stderr.read()
            with httpx.Client(base_url=link[1], timeout=30) as browser:
                for path in ("lightning.css", "elements/PlanCard.jsx", "theme.json", "favicon.svg"):
                    served = browser.get(f"/public/{path}")
                    assert served.content == (ROOT / "public" / path).read_bytes(), path
                browser.get(link[0])
                words = browser.get("/project/translations", params={"language": "en-US"})
                assert words.status_code == 200 and words.json()["translation"]
        finally:
            process.terminate()


def test_the_wheel_has_every_file_of_the_packages(installed: Path) -> None:
    ours = [
        path.relative_to(ROOT)
        for package in ("agents", "backend", "chat_app")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    ]
    assert ours
    assert [path for path in ours if not (installed / path).is_file()] == []
