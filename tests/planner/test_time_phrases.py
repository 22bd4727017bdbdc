"""Phrases to times, measured: nothing wrong over the gold, nor over families of wordings."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import islice, permutations
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from agents.planner.times import When, find_when, parse_when
from agents.planner.times.report import report
from backend.contracts.plans import Trigger
from backend.plans.firings import firings, words
from benchmarks.planning.times import PHRASES, Scored, gold, scored
from tests.planner.time_families import CLOCKS, HABITS, MOMENTS, Clock, wordings
from tests.plans.documents import unhurried

ZONE = "Europe/Berlin"
NOW = datetime(2026, 11, 18, 10, tzinfo=ZoneInfo(ZONE))  # a Wednesday
RIGHT = 495  # what stands; it only grows
EVERY_NTH = 19  # of a family, so that each clock, day and frame has its turn
TRIGGER: TypeAdapter[Trigger] = TypeAdapter(Trigger)


@pytest.fixture(scope="module")
def marked() -> list[Scored]:
    return scored(Path(PHRASES))


def test_no_phrase_becomes_another_time_than_was_said(marked: list[Scored]) -> None:
    assert [each.line["phrase"] for each in marked if each.mark == "wrong"] == []


def test_what_could_be_said_stays_said(marked: list[Scored]) -> None:
    assert sum(each.mark == "right" for each in marked) >= RIGHT


def test_an_answer_has_all_its_keys_and_only_what_belongs_to_its_kind(marked: list[Scored]) -> None:
    for each in marked:
        answer = each.answer
        assert list(answer) == ["kind", "cron", "every_s", "at", "zone", "next", "reason"]
        assert bool(answer["cron"]) == (answer["kind"] == "cron")
        assert bool(answer["every_s"]) == (answer["kind"] == "interval")
        assert bool(answer["at"]) == (answer["kind"] == "at")
        assert bool(answer["reason"]) == (answer["kind"] == "refused") != bool(answer["next"])


def test_a_schedule_read_back_is_the_same_schedule(marked: list[Scored]) -> None:
    """What the card says in words, our grammar understands, and as the same firings."""
    for each in marked:
        now, zone = datetime.fromisoformat(each.line["now"]), each.line["zone"]
        when = parse_when(each.line["phrase"], now, zone)
        if isinstance(when, When) and when.kind == "cron":
            trigger = TRIGGER.validate_python(when.trigger("event.x"))
            back = parse_when(words(trigger, zone), now, zone)
            assert isinstance(back, When), (each.line["phrase"], words(trigger, zone), back)
            again = TRIGGER.validate_python(back.trigger("event.x"))
            assert firings(again, now, zone, 5) == firings(trigger, now, zone, 5)


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("fields", HABITS)
def test_every_wording_of_a_habit_fires_alike(fields: str, clock: Clock) -> None:
    hour, minute = clock
    due = gold({"kind": "cron", "cron": [f"{minute} {hour} {fields}"]}, NOW, ZONE)
    found = _answers(HABITS[fields], clock)
    assert [said for said, next_ones in found.items() if next_ones not in ([], due)] == []
    assert [said for said, next_ones in found.items() if not next_ones] == []


@pytest.mark.parametrize("clock", [clock for clock in CLOCKS if clock != (0, 0)])
@pytest.mark.parametrize("ahead", MOMENTS)
def test_every_wording_of_a_moment_is_that_moment(ahead: int, clock: Clock) -> None:
    due = (NOW + timedelta(days=ahead)).replace(hour=clock[0], minute=clock[1])
    found = _answers(MOMENTS[ahead], clock)
    assert [said for said, next_ones in found.items() if next_ones not in ([], [due])] == []
    refused = [said for said, next_ones in found.items() if not next_ones]
    assert [said for said in refused if "12/1/2026" not in said] == []


def _answers(days: tuple[str, ...], clock: Clock) -> dict[str, list[datetime]]:
    said = list(islice(wordings(days, clock), 0, None, EVERY_NTH))
    return {
        each: [datetime.fromisoformat(d) for d in report(each, NOW, ZONE)["next"]] for each in said
    }


DAYS = (
    *(
        "every day",
        "every weekday",
        "Mondays",
        "on Monday",
        "every Monday and Thursday",
        "tomorrow",
    ),
    *("every other Tuesday", "every 3 days", "the 1st and 15th", "first Monday of the month"),
    *(
        "every 2 hours",
        "every 90 minutes",
        "in two weeks",
        "on 3 December",
        "twice a day",
        "quarterly",
    ),
)
TIMES = (
    *("at 9", "at 18:30", "at noon", "at 8 and 17", "at 9, 12 and 6 pm", "in the morning"),
    *("between 9 and 17", "at midnight", "at half past seven", "at quarter past"),
)
MORE = (
    *(
        "in July",
        "except Friday",
        "starting next Monday",
        "until 24 December",
        "New York time",
        "UTC",
    ),
    *("for two weeks", "on Saturdays", "of every month", "every year", "once"),
)


@unhurried
@given(
    st.sampled_from(DAYS),
    st.sampled_from(TIMES),
    st.lists(st.sampled_from(MORE), max_size=2, unique=True),
)
def test_the_order_of_the_words_makes_no_other_time(day: str, time: str, more: list[str]) -> None:
    found = {}
    for order in permutations((day, time, *more)):
        answer = report(" ".join(order), NOW, ZONE)
        if answer["kind"] != "refused":
            found[answer["kind"], tuple(answer["next"]), answer["zone"]] = order
    assert len(found) <= 1, found


MODIFIERS = (
    *(
        "unless it rains",
        "or so",
        "roughly",
        "sometimes",
        "for a while",
        "at the latest",
        "or later",
    ),
    *("maybe", "weather permitting", "if possible", "on odd days", "in even weeks", "on holidays"),
    *("in winter", "from now on", "not", "at most", "randomly", "minus 10 minutes", "alternating"),
    *("except Easter", "before that", "EST", "half", "or tomorrow", "in leap years"),
)


@pytest.mark.parametrize("modifier", MODIFIERS)
@pytest.mark.parametrize(
    "said", ["every day at 9", "tomorrow at 9", "every 2 hours", "Mondays at 9"]
)
def test_a_word_that_would_change_the_time_is_not_overheard(said: str, modifier: str) -> None:
    for sentence in (
        f"{said} {modifier}",
        f"{modifier} {said}",
        f"{said}, {modifier}",
        f"remind me {said} {modifier}",
        f"send me the report {modifier} {said}",
        f"{said} remind me {modifier}",
    ):
        assert report(sentence, NOW, ZONE)["kind"] == "refused", sentence


@pytest.mark.parametrize(
    "said",
    [
        "every day at 9 banana",
        "banana every day at 9",
        "remind me sometime every day at 9",
        "remind me every day at 9 unless it rains",
        "run it every day at 9 from time to time",
        "alternating Mondays at 9",
        "hardly every day at 9",
        "check the site every day at 9 in London",
    ],
)
def test_a_word_left_over_is_named(said: str) -> None:
    answer = report(said, NOW, ZONE)
    assert answer["kind"] == "refused"
    assert "“" in answer["reason"]


def test_a_zone_that_does_not_exist_is_refused() -> None:
    assert report("every day at 9", NOW, "Europe/Atlantis")["kind"] == "refused"


def test_tomorrow_in_a_zone_where_it_is_another_day_is_asked() -> None:
    late = NOW.replace(hour=22)  # the next day in Tokyo
    assert report("tomorrow at noon Tokyo time", late, ZONE)["kind"] == "refused"
    assert report("tomorrow at noon Tokyo time", NOW, ZONE)["at"] == "2026-11-19T12:00:00+09:00"


@pytest.mark.parametrize(
    ("said", "spans"),
    [
        (
            "every Monday at 9 and every Friday at 16 read the feed",
            ["every Monday at 9 and every Friday at 16"],
        ),
        ("read the feed every other Tuesday at 9, then mail it", ["every other Tuesday at 9"]),
        (
            "starting tomorrow, read the feed every day at 9",
            ["starting tomorrow", "every day at 9"],
        ),
        ("read it every day at 9 until Friday and mail it", ["every day at 9 until Friday"]),
        ("ask me which one to take every day at 9 sharp", ["every day at 9 sharp"]),
        (
            "read the feed on the last working day of the month",
            ["on the last working day of the month"],
        ),
    ],
)
def test_the_words_of_a_time_are_found_exactly(said: str, spans: list[str]) -> None:
    found = find_when(said, NOW, ZONE)
    assert isinstance(found.when, When), found
    assert [said[start:end] for start, end in found.spans] == spans


@pytest.mark.parametrize(
    "said",
    [
        "ask me which one to take",
        "take two to three entries",
        "read page ten to twelve",
        "send nine to the printer",
        "the second Monday report",
        "translate it into half a page",
        "now and then is a phrase",
    ],
)
def test_numbers_that_are_no_time_are_left_alone(said: str) -> None:
    assert find_when(said, NOW, ZONE).when is None


def test_reasons_differ_where_the_cause_does() -> None:
    said = [
        "every day at sunrise",
        "biweekly",
        "every day except holidays",
        "today at 8",
        "25:00",
        "soon",
    ]
    reasons = Counter(report(each, NOW, ZONE)["reason"] for each in said)
    assert len(reasons) == len(said)
