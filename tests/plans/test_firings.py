"""When a trigger fires, across daylight saving, and how that reads."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from backend.contracts.errors import Invalid
from backend.contracts.plans import Trigger
from backend.plans.cron import cron
from backend.plans.firings import due_scope, firings, next_firing, words
from tests.plans.documents import unhurried

NOW = datetime(2026, 11, 21, 10, 12, tzinfo=UTC)
PARIS = "Europe/Paris"
TRIGGER: TypeAdapter[Any] = TypeAdapter(Trigger)


def trigger(kind: str = "cron", **fields: Any) -> Any:
    return TRIGGER.validate_python({"name": "event.x", "kind": kind, **fields})


def at(text: str, zone: str = PARIS) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def local(times: tuple[datetime, ...], zone: str = PARIS) -> list[str]:
    return [time.astimezone(ZoneInfo(zone)).strftime("%m-%d %H:%M%z") for time in times]


def fired(schedule: str, after: str, count: int, zone: str = PARIS) -> list[str]:
    found = firings(trigger(schedule=schedule, timezone=zone), at(after, zone), "UTC", count)
    return local(found, zone)


# --- daylight saving ------------------------------------------------------------------------------------


def test_an_hour_that_comes_twice_fires_once() -> None:
    assert fired("30 2 * * *", "2026-10-24T12:00", 3) == [
        "10-25 02:30+0200",
        "10-26 02:30+0100",
        "10-27 02:30+0100",
    ]


def test_asking_again_within_the_hour_that_comes_twice_does_not_fire_again() -> None:
    twice = trigger(schedule="30 2 * * *", timezone=PARIS)
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    for minutes in range(0, 180, 10):
        following = next_firing(twice, first + timedelta(minutes=minutes), "UTC")
        assert following == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_an_hour_that_does_not_come_moves_forward() -> None:
    assert fired("30 2 * * *", "2026-03-28T12:00", 2) == ["03-29 03:30+0200", "03-30 02:30+0200"]


def test_what_moves_forward_keeps_its_order_and_meets_what_is_there() -> None:
    assert fired("0,30 2,3 * * *", "2026-03-28T12:00", 3) == [
        "03-29 03:00+0200",
        "03-29 03:30+0200",
        "03-30 02:00+0200",
    ]


def test_every_hour_means_every_real_hour() -> None:
    assert fired("0 * * * *", "2026-10-25T01:30", 3) == [
        "10-25 02:00+0200",
        "10-25 02:00+0100",
        "10-25 03:00+0100",
    ]
    assert fired("0 * * * *", "2026-03-29T00:30", 3) == [
        "03-29 01:00+0100",
        "03-29 03:00+0200",
        "03-29 04:00+0200",
    ]


def test_half_an_hour_of_saving_is_kept_too() -> None:
    assert fired("15 2 * * *", "2026-10-03T12:00", 2, "Australia/Lord_Howe") == [
        "10-04 02:45+1100",
        "10-05 02:15+1100",
    ]


@unhurried
@given(
    st.sampled_from(["30 2 * * *", "0 */2 * * *", "*/20 * * * *", "15 1,2,3 * * 0", "0 2 29 3 *"]),
    st.sampled_from([PARIS, "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kolkata"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001
)
def test_firings_go_forward_and_asking_step_by_step_gives_the_same(
    schedule: str, zone: str, moment: datetime
) -> None:
    each = trigger(schedule=schedule, timezone=zone)
    after = moment.replace(tzinfo=UTC)
    found = firings(each, after, "UTC", 6)
    assert len(found) == 6
    assert all(a < b for a, b in pairwise([after, *found]))
    for before, due in pairwise([after, *found]):
        assert next_firing(each, before, "UTC") == due
        assert next_firing(each, due - timedelta(seconds=1), "UTC") == due


@unhurried
@given(st.integers(0, 23), st.integers(0, 59), st.integers(2020, 2035))
def test_a_daily_time_fires_once_on_every_day_of_the_year(
    hour: int, minute: int, year: int
) -> None:
    daily = trigger(schedule=f"{minute} {hour} * * *", timezone=PARIS)
    for month in (3, 10):
        found = firings(daily, at(f"{year}-{month:02}-20T00:00") - timedelta(seconds=1), "UTC", 14)
        assert [time.astimezone(ZoneInfo(PARIS)).day for time in found[:12]] == list(range(20, 32))


# --- kinds ----------------------------------------------------------------------------------------------


def test_a_cron_without_zone_is_read_in_the_persons() -> None:
    each = trigger(schedule="0 9 * * 1-5")
    assert next_firing(each, NOW, "America/New_York") == datetime(2026, 11, 23, 14, tzinfo=UTC)
    assert next_firing(each, NOW, "UTC") == datetime(2026, 11, 23, 9, tzinfo=UTC)


def test_several_schedules_fire_in_order_and_once_where_they_meet() -> None:
    each = trigger(schedule="0 9 * * *", schedules=["0 9 * * 1", "0 8 * * 1"], timezone=PARIS)
    found = firings(each, at("2026-11-22T12:00"), "UTC", 3)
    assert local(found) == ["11-23 08:00+0100", "11-23 09:00+0100", "11-24 09:00+0100"]


@pytest.mark.parametrize(
    ("schedule", "due"),
    [
        ("0 9 * * 1#1", "12-07 09:00+0100"),
        ("0 9 * * L5", "11-27 09:00+0100"),
        ("0 9 L * *", "11-30 09:00+0100"),
        ("0 9 * * mon", "11-23 09:00+0100"),
        ("0 9 29 2 *", "02-29 09:00+0100"),
    ],
)
def test_what_cron_can_say_is_understood(schedule: str, due: str) -> None:
    assert fired(schedule, "2026-11-21T12:00", 1) == [due]


def test_a_condition_picks_days() -> None:
    each = trigger(schedule="0 18 * * *", timezone=PARIS, only_if="due.day == due.last_workday")
    assert local(firings(each, NOW, "UTC", 4)) == [
        "11-30 18:00+0100",
        "12-31 18:00+0100",
        "01-29 18:00+0100",
        "02-26 18:00+0100",
    ]


def test_a_condition_that_never_holds_ends_the_search() -> None:
    assert firings(trigger(schedule="* * * * *", only_if="due.day > 31"), NOW, "UTC", 3) == ()


def test_the_due_date_knows_its_month() -> None:
    scope = due_scope(datetime(2026, 5, 17, tzinfo=UTC).date())["due"]
    assert scope == {
        "day": 17,
        "month": 5,
        "weekday": 6,
        "days_in_month": 31,
        "last_workday": 29,
        "workday": 0,
        "workdays": 21,
        "year": 2026,
        "date": "2026-05-17",
        "day_count": date(2026, 5, 17).toordinal(),
        "week_count": scope["week_count"],
    }
    monday = due_scope(date(2026, 5, 18))["due"]
    assert (monday["workday"], monday["week_count"]) == (12, scope["week_count"] + 1)


def test_an_interval_counts_from_its_anchor() -> None:
    each = trigger("interval", every_s=5400, anchor="2026-11-21T10:00:00Z")
    assert [f"{time:%H:%M}" for time in firings(each, NOW, "UTC", 3)] == ["11:30", "13:00", "14:30"]
    later = trigger("interval", every_s=60, anchor="2026-12-01T00:00:00Z")
    assert next_firing(later, NOW, "UTC") == datetime(2026, 12, 1, tzinfo=UTC)


def test_an_interval_without_anchor_names_the_same_times_whenever_asked() -> None:
    each = trigger("interval", every_s=5400)
    first = next_firing(each, NOW, PARIS)
    assert first is not None
    assert next_firing(each, first - timedelta(microseconds=1), PARIS) == first
    assert next_firing(each, first, PARIS) == first + timedelta(seconds=5400)
    assert next_firing(each, first + timedelta(milliseconds=3), PARIS) == first + timedelta(
        seconds=5400
    )


def test_a_moment_fires_once() -> None:
    each = trigger("at", timestamp="2026-11-23T09:00:00", timezone=PARIS)
    assert firings(each, NOW, "UTC", 5) == (datetime(2026, 11, 23, 8, tzinfo=UTC),)
    assert next_firing(each, datetime(2026, 11, 23, 8, tzinfo=UTC), "UTC") is None
    zoned = trigger("at", timestamp="2026-11-23T09:00:00+05:30", timezone=PARIS)
    assert next_firing(zoned, NOW, "UTC") == datetime(2026, 11, 23, 3, 30, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["manual", "webhook", "event"])
def test_what_has_no_time_has_no_firings(kind: str) -> None:
    fields = {"type": "email.*"} if kind == "event" else {}
    assert firings(trigger(kind, **fields), NOW, "UTC", 3) == ()


def test_an_unknown_zone_or_cron_is_refused_with_its_code() -> None:
    with pytest.raises(Invalid) as caught:
        next_firing(trigger(schedule="0 9 * * *", timezone="Mars"), NOW, "UTC")
    assert caught.value.code == "PLAN_ZONE_UNKNOWN"
    with pytest.raises(Invalid) as caught:
        next_firing(trigger(schedule="0 9 * *"), NOW, "UTC")
    assert caught.value.code == "PLAN_CRON_INVALID"


@unhurried
@given(st.text("0123456789*,-/#LlRH?@ monfebw", max_size=24) | st.text(max_size=24))
def test_any_text_is_a_cron_or_refused(text: str) -> None:
    try:
        cron(text)
    except Invalid as refusal:
        assert refusal.code == "PLAN_CRON_INVALID"
    else:
        each = trigger(schedule=text, timezone=PARIS)
        assert all(due > NOW for due in firings(each, NOW, "UTC", 2))
        assert words(each, PARIS)


# --- words ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("0 9 * * 1-5", "Weekdays at 09:00"),
        ("30 7 * * *", "Every day at 07:30"),
        ("0 9,17 * * *", "Every day at 09:00 and 17:00"),
        ("0 9 * * 1", "Every Monday at 09:00"),
        ("0 9 * * 0", "Every Sunday at 09:00"),
        ("0 9 * * 1,4", "Mondays and Thursdays at 09:00"),
        ("0 9 * * 0,3,6", "Wednesdays, Saturdays and Sundays at 09:00"),
        ("0 10 * * 6,0", "Weekends at 10:00"),
        ("0 9 1 * *", "1st of every month at 09:00"),
        ("0 9 2,22 * *", "2nd and 22nd of every month at 09:00"),
        ("0 18 L * *", "Last day of every month at 18:00"),
        ("0 9 * * 1#1", "First Monday of every month at 09:00"),
        ("0 9 * * L5", "Last Friday of every month at 09:00"),
        ("0 9 24 12 *", "24th of December every year at 09:00"),
        ("0 9 * 9 2#1,2#3", "First and third Tuesday of September every year at 09:00"),
        ("*/20 8 * * 1-5", "Weekdays at 08:00, 08:20 and 08:40"),
        ("0 9-17 * * *", "Every hour from 09:00 to 17:00"),
        ("0 22,23,0-2 * * *", "Every hour from 22:00 to 02:00"),
        ("5 */2 * * *", "Every 2 hours at 5 minutes past"),
        ("0 9 * 6,7 1-5", "Weekdays in June and July at 09:00"),
        ("* * * * *", "Every minute"),
        ("*/15 * * * *", "Every 15 minutes"),
        ("0 * * * *", "Every hour"),
        ("30 * * * *", "Every hour at 30 minutes past"),
        ("0 */2 * * *", "Every 2 hours"),
        ("*/15 * * * 1-5", "Weekdays, every 15 minutes"),
        ("0 9 13 * 5", "At 09:00, on day 13 of the month, or on Friday"),
    ],
)
def test_a_cron_reads_as_a_person_would_say_it(schedule: str, said: str) -> None:
    assert words(trigger(schedule=schedule, timezone=PARIS), PARIS) == said


@pytest.mark.parametrize(
    ("given_trigger", "said"),
    [
        (trigger("interval", every_s=5400), "Every 90 minutes"),
        (trigger("interval", every_s=3600), "Every hour"),
        (trigger("interval", every_s=172_800), "Every 2 days"),
        (trigger("interval", every_s=604_800), "Every week"),
        (trigger("interval", every_s=45), "Every 45 seconds"),
        (trigger("at", timestamp="2026-11-23T09:00:00"), "Once, Mon 23 Nov 2026 at 09:00"),
        (trigger("at", timestamp="2026-11-23T08:00:00Z"), "Once, Mon 23 Nov 2026 at 09:00"),
        (trigger("manual"), "When you start it"),
        (trigger("webhook"), "When its web address is called"),
        (trigger("event", type="email.received"), "When “email.received” happens"),
        (
            trigger(schedules=["0 9 * * 1-5", "0 11 * * 6"]),
            "Weekdays at 09:00 and every Saturday at 11:00",
        ),
        (
            trigger(schedules=["0 9,12 * * 1-5", "30 10,13 * * 1-5", "0 15 * * 1-5"]),
            "Weekdays, every 90 minutes from 09:00 to 15:00",
        ),
        (
            trigger(schedules=["15 7 * * *", "45 19 * * *"], timezone="Etc/GMT-2"),
            "Every day at 07:15 and 19:45 (UTC+2)",
        ),
        (
            trigger(schedule="0 9 * * 2", only_if="due.week_count % 2 == 1"),
            "Every other Tuesday at 09:00",
        ),
        (
            trigger(schedule="0 9 * * 1,4", only_if="due.week_count % 3 == 1"),
            "Every 3 weeks on Mondays and Thursdays at 09:00",
        ),
        (
            trigger(schedule="0 9 * * *", only_if="due.day_count % 3 == 1"),
            "Every 3 days at 09:00",
        ),
        (
            trigger(schedule="0 9 * * 1-5", only_if="due.workday in [1, due.workdays]"),
            "First and last working day of every month at 09:00",
        ),
        (
            trigger(
                schedule="0 9 * * *",
                only_if='due.date >= "2026-12-01" and due.date <= "2026-12-24" and due.day > 3',
            ),
            "Every day at 09:00, from 1 December 2026, until 24 December 2026, if due.day > 3",
        ),
        (
            trigger(schedule="0 9 * * *", only_if="due.day_count % 3 == 1 or due.day == 2"),
            "Every day at 09:00, if due.day_count % 3 == 1 or due.day == 2",
        ),
        (
            trigger(schedule="0 18 * * *", only_if="due.day == due.last_workday"),
            "Last working day of every month at 18:00",
        ),
        (
            trigger(schedule="0 9 * * *", only_if="due.day > 20"),
            "Every day at 09:00, if due.day > 20",
        ),
        (
            trigger(schedule="0 9 * * *", timezone="America/New_York"),
            "Every day at 09:00 (America/New_York)",
        ),
        (trigger(schedule="nonsense"), "“nonsense”"),
    ],
)
def test_a_trigger_reads_as_a_person_would_say_it(given_trigger: Any, said: str) -> None:
    assert words(given_trigger, PARIS) == said


def test_a_day_on_which_the_condition_cannot_be_decided_is_not_due() -> None:
    each = trigger(schedule="0 9 * * *", only_if="1 / (due.day - 23) < 2")
    days = [due.astimezone(ZoneInfo(PARIS)).day for due in firings(each, NOW, PARIS, 3)]
    assert days == [22, 24, 25]
