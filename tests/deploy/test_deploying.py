"""The image, the package, the workflow and the one command: what can be known of them without an Azure."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from backend.deploy.pulumi.stacks import STACKS

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()

PULUMI = """#!/bin/sh
# Keeps configuration and outputs as files; `up` makes what the program would tell.
shift 3
echo "pulumi $*" >> "$STATE/calls"
case "$1 $2" in
    "stack output") cat "$STATE/told.$3" ;;
    "config get") test -f "$STATE/config.$3" ;;
    "config set") if [ "$3" = --secret ]; then cat > "$STATE/config.$4"
                  else echo "$4" > "$STATE/config.$3"; fi ;;
    "up "*) echo reg > "$STATE/told.registry"; echo reg.example > "$STATE/told.login_server"
            echo https://lightning.example > "$STATE/told.url" ;;
esac
"""
AZ = """#!/bin/sh
echo "az $*" >> "$STATE/calls"
"""


def test_the_image_is_built_from_what_the_context_lets_through() -> None:
    lines = (ROOT / ".dockerignore").read_text().split()
    assert lines[0] == "*"
    let_through = {line[1:] for line in lines if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert sources == let_through
    assert all((ROOT / source).exists() for source in sources)


def test_the_image_has_the_locked_tools_and_no_rights() -> None:
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    (uv,) = [package["version"] for package in locked if package["name"] == "uv"]
    assert f"uv=={uv}" in DOCKERFILE
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(set(bases)) == 1 and re.fullmatch(r"python:3\.11\.\d+-slim-\w+", bases[0])
    after = DOCKERFILE.rpartition("FROM ")[2]
    assert re.search(r"^USER \d+$", after, re.MULTILINE) and "USER 0" not in after


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, script in (("pulumi", PULUMI), ("az", AZ)):
        tool = tmp_path / name
        tool.write_text(script)
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("STATE", str(tmp_path))
    return tmp_path


def deploy(stack: str = "dev") -> subprocess.CompletedProcess[str]:
    script = ROOT / "backend/deploy/deploy.sh"
    return subprocess.run([str(script), stack], capture_output=True, text=True)


def calls(state: Path) -> list[str]:
    found = (state / "calls").read_text().splitlines()
    return [call for call in found if " get " not in call and " output " not in call]


def test_a_first_deployment_makes_the_registry_then_the_image_then_the_app(state: Path) -> None:
    done = deploy()
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("Lightning is at https://lightning.example\n")
    steps = [" ".join(call.split()[:3]) for call in calls(state)]
    assert steps == [
        "pulumi stack select",
        "pulumi config set",
        "pulumi up --yes",
        "az acr build",
        "pulumi config set",
        "pulumi up --yes",
    ]
    key = (state / "config.lightning:JWT_SIGNING_KEY").read_text()
    assert len(key) >= 64 and key not in (state / "calls").read_text()
    image = (state / "config.lightning:image").read_text().strip()
    assert re.fullmatch(r"reg\.example/lightning:[0-9a-f]{12}", image)


def test_a_later_deployment_keeps_the_key_and_changes_the_image_in_one_go(state: Path) -> None:
    deploy()
    key = (state / "config.lightning:JWT_SIGNING_KEY").read_text()
    (state / "calls").unlink()
    assert deploy().returncode == 0
    assert sum(call.startswith("pulumi up") for call in calls(state)) == 1
    assert (state / "config.lightning:JWT_SIGNING_KEY").read_text() == key


def test_a_stack_whose_key_is_not_here_is_left_alone(state: Path) -> None:
    deploy()
    (state / "config.lightning:JWT_SIGNING_KEY").unlink()
    (state / "calls").unlink()
    refused = deploy()
    assert refused.returncode != 0 and "JWT_SIGNING_KEY" in refused.stderr
    assert [call for call in calls(state) if "up" in call or "acr" in call] == []


def test_the_workflow_offers_every_stack() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/deploy.yml").read_text())
    on = workflow[True]  # YAML reads `on` as a truth
    assert on["workflow_dispatch"]["inputs"]["stack"]["options"] == list(STACKS)
    check = yaml.safe_load((ROOT / ".github/workflows/check.yml").read_text())
    runs = [step.get("run") for step in check["jobs"]["check"]["steps"]]
    assert ".ci/run" in runs
