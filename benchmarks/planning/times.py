"""`python -m benchmarks.planning.times`: phrases to times beside a gold written by hand.

A line of times.jsonl is {"phrase", "now", "zone", "expect"}. What is expected is "refused", or a kind
with what fixes its firings: `cron` lines, `every_s` (counted from now), `at`, or the `next` ones
themselves, local times in `expect.zone` or the line's zone. An answer is right when its next five
firings are those moments (and its zone the expected one), wrong when it names any other.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from croniter import croniter

from agents.planner.times.report import FIRINGS, report

PHRASES = Path(__file__).parent / "times.jsonl"
Mark = Literal["right", "refused", "wrong", "refused rightly"]
MARKS: tuple[Mark, ...] = ("right", "refused", "wrong", "refused rightly")
_MEANING = {
    "right": "said exactly",
    "refused": "refused though it could be said",
    "wrong": "another time than was said",
    "refused rightly": "no exact time, and refused with a reason",
}


@dataclass(frozen=True, slots=True)
class Scored:
    """One phrase with what was expected, what was answered, and the mark."""

    line: dict[str, Any]
    answer: dict[str, Any]
    mark: Mark


def scored(path: Path = PHRASES) -> list[Scored]:
    """Every phrase of the file with its mark."""
    return [_scored(json.loads(line)) for line in path.read_text().splitlines()]


def _scored(line: dict[str, Any]) -> Scored:
    now = datetime.fromisoformat(line["now"])
    answer = report(line["phrase"], now, line["zone"])
    return Scored(line, answer, _mark(line, answer, now))


def _mark(line: dict[str, Any], answer: dict[str, Any], now: datetime) -> Mark:
    expect = line["expect"]
    if expect["kind"] == "refused":
        rightly = answer["kind"] == "refused" and bool(answer["reason"])
        return "refused rightly" if rightly else "wrong"
    if answer["kind"] == "refused":
        return "refused"
    zone = expect.get("zone", line["zone"])
    found = [datetime.fromisoformat(moment) for moment in answer["next"]]
    same = found == gold(expect, now, zone) and answer["zone"] == zone
    return "right" if same else "wrong"


def gold(expect: dict[str, Any], now: datetime, zone: str) -> list[datetime]:
    """The next firings that are expected, at most five."""
    if said := expect.get("next") or ([expect["at"]] if "at" in expect else []):
        return [_moment(text, zone) for text in said]
    if every := expect.get("every_s"):
        return [now + timedelta(seconds=every * (i + 1)) for i in range(FIRINGS)]
    local = now.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    lines = [_line(cron, local) for cron in expect["cron"]]
    merged = (moment.replace(tzinfo=ZoneInfo(zone)) for moment in heapq.merge(*lines))
    return [moment.astimezone(UTC) for moment in islice(merged, FIRINGS)]


def _line(cron: str, local: datetime) -> Iterator[datetime]:
    found = croniter(cron, local, ret_type=datetime)
    while True:
        yield found.get_next()


def _moment(text: str, zone: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


def main() -> None:
    found = scored()
    print(f"{len(found)} phrases")
    for mark in MARKS:
        print(f"{sum(each.mark == mark for each in found):5}  {mark:16} {_MEANING[mark]}")
    for mark in ("wrong", "refused"):
        for each in found:
            if each.mark == mark:
                print(
                    f"\n{mark}: “{each.line['phrase']}” ({each.line['now']}, {each.line['zone']})"
                )
                print(f"  expected {json.dumps(each.line['expect'])}")
                shown = {key: value for key, value in each.answer.items() if value}
                print(f"  answered {json.dumps(shown, ensure_ascii=False)}")


if __name__ == "__main__":
    main()
