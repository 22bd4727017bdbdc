"""How a command's answer is found in its stream."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from backend.contracts.security import Principal
from tests.systems import plan, working

ALICE = Principal("alice")
TELL = {"name": "tell", "action": "notify.user", "args": {"text": "Hello"}}


async def test_an_answer_is_looked_for_behind_what_the_stream_already_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with working(tmp_path) as system:
        lightning = system.lightning
        view = await lightning.propose(ALICE, plan(TELL))
        stream = f"plan:{view.plan_id}"
        head = await lightning.bus.head(stream)
        followed: list[str | None] = []
        follow = lightning.bus.follow

        def watched(streams: Mapping[str, str | None]) -> Any:
            followed.extend([streams[stream]] if stream in streams else [])
            return follow(streams)

        monkeypatch.setattr(lightning._commands._bus, "follow", watched)
        assert (await lightning.approve(ALICE, view.plan_id, view.ir_hash)).status == "approved"
        assert head != "0"
        assert followed[0] == head
