"""The README is true: its examples run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from backend.settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
_FILE = re.compile(r"<!-- file: (\S+) -->\n```json\n(.*?)```", re.S)
_RUN = re.compile(r"<!-- run -->\n```sh\n(.*?)```", re.S)


def test_every_command_of_the_readme_works_on_a_fresh_machine(tmp_path: Path) -> None:
    for name, content in _FILE.findall(README):
        (tmp_path / name).write_text(content)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(tmp_path), "DATA_DIR": str(tmp_path / "data")}
    (commands,) = _RUN.findall(README)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "buy milk" in done.stdout
    assert "flowchart" in done.stdout
    assert (tmp_path / "news.json").exists()


def test_every_file_the_documents_point_to_is_there() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} points to {target}"


def test_every_setting_is_described() -> None:
    described = (ROOT / "docs/reference/settings.md").read_text()
    missing = [n for n in Settings.model_fields if f"`{n.upper()}`" not in described]
    assert missing == []


def test_the_make_targets_of_the_readme_exist() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M)
    for target in re.findall(r"(?:^|`)make ([a-z]+)", README, re.M):
        assert target in targets
