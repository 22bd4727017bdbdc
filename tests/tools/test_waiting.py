from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from backend.contracts.errors import Invalid, Retry, ToolError
from backend.contracts.tools import ToolResult
from tests.tools.conftest import NOW, Bench


async def wait(bench: Bench, asked: float = 0, **args: Any) -> ToolResult:
    """Called `asked` seconds after the step was asked for."""
    call = bench.call("wait.until", args, asked_at=NOW - timedelta(seconds=asked))
    return await bench.registry().call(call)


async def delay(bench: Bench, asked: float = 0, **args: Any) -> float:
    with pytest.raises(Retry) as caught:
        await wait(bench, asked, **args)
    return caught.value.delay_s


async def test_a_wait_comes_back_when_the_time_has_come(bench: Bench) -> None:
    assert await delay(bench, timestamp="2026-03-03T09:00:00+00:00") == 3600
    assert await delay(bench, timestamp="2026-03-03T10:00:00+01:00") == 3600
    assert await delay(bench, timestamp="2026-03-03T09:00:00Z") == 3600


async def test_a_time_that_has_passed_waits_no_more(bench: Bench) -> None:
    for timestamp in ("2026-03-03T08:00:00Z", "2020-01-01T00:00:00Z"):
        result = await wait(bench, timestamp=timestamp)
        assert result.output["until"].startswith(timestamp[:10])


async def test_seconds_count_from_when_the_step_was_asked_for(bench: Bench) -> None:
    assert await delay(bench, for_s=90) == 90
    assert await delay(bench, asked=60, for_s=90) == 30
    assert (await wait(bench, asked=90, for_s=90)).output == {"until": NOW.isoformat()}


async def test_a_wait_whose_start_nobody_knows_fails_rather_than_never_ends(bench: Bench) -> None:
    with pytest.raises(ToolError) as caught:
        await bench.use("wait.until", for_s=90)
    assert caught.value.code == "EXEC_WAIT_UNBOUNDED"


@pytest.mark.parametrize(
    "args",
    [{}, {"for_s": 1, "timestamp": "2026-03-03T09:00:00Z"}, {"for_s": 0}, {"for_s": -1}, {"for_s": 1e9},
     {"timestamp": "tomorrow"}, {"timestamp": "2026-03-03T09:00:00"}, {"timestamp": "2026-13-03T09:00:00Z"}],
)  # fmt: skip
async def test_what_is_no_time_is_refused(bench: Bench, args: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        await wait(bench, **args)
