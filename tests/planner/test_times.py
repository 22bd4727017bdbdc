"""The time grammar: right, or refused with a reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from agents.planner.times import Refused, When, adjust_when, find_when, parse_when
from backend.contracts.plans import Trigger
from backend.plans.firings import firings

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)  # a Saturday, 11:30 in Berlin
ZONE = "Europe/Berlin"
TRIGGER: TypeAdapter[Trigger] = TypeAdapter(Trigger)

HABITS = [
    ("every weekday at 9 in the morning", "0 9 * * 1-5"),
    ("every day at 7:30", "30 7 * * *"),
    ("daily at noon", "0 12 * * *"),
    ("daily at midnight", "0 0 * * *"),
    ("every Monday and Thursday at 18:00", "0 18 * * 1,4"),
    ("at 8 am every weekday", "0 8 * * 1-5"),
    ("every hour", "0 * * * *"),
    ("hourly", "0 * * * *"),
    ("every minute", "* * * * *"),
    ("every 15 minutes", "*/15 * * * *"),
    ("every half hour", "*/30 * * * *"),
    ("every twenty minutes", "*/20 * * * *"),
    ("every 2 hours", "0 */2 * * *"),
    ("every 120 minutes", "0 */2 * * *"),
    ("on the first Monday of every month at 10", "0 10 * * 1#1"),
    ("the first and third Tuesday of every month at 8", "0 8 * * 2#1,2#3"),
    ("last Friday of every month at 17:00", "0 17 * * L5"),
    ("on the 1st of each month", "0 9 1 * *"),
    ("every month on the 15th at 10", "0 10 15 * *"),
    ("the 1st and 15th of every month at 6 am", "0 6 1,15 * *"),
    ("last day of the month", "0 9 L * *"),
    ("on the last day of every month at 23:30", "30 23 L * *"),
    ("weekdays except Friday at 9", "0 9 * * 1-4"),
    ("every day except Sunday at 9", "0 9 * * 1-6"),
    ("every day except weekends at 9", "0 9 * * 1-5"),
    ("Mon-Fri at 9", "0 9 * * 1-5"),
    ("Monday to Friday at 8:15", "15 8 * * 1-5"),
    ("Mondays at 9", "0 9 * * 1"),
    ("on Mondays and Wednesdays at 9", "0 9 * * 1,3"),
    ("every Mon, Wed and Fri at 7pm", "0 19 * * 1,3,5"),
    ("weekends at 10", "0 10 * * 0,6"),
    ("every Sunday at 10", "0 10 * * 0"),
    ("every evening at 8", "0 20 * * *"),
    ("every morning", "0 9 * * *"),
    ("every Friday afternoon", "0 15 * * 5"),
    ("nightly at 2", "0 2 * * *"),
    ("every day at quarter to ten", "45 9 * * *"),
    ("every day at half past six in the evening", "30 18 * * *"),
    ("every day at ten past nine", "10 9 * * *"),
    ("every day at nine thirty", "30 9 * * *"),
    ("every day at 9 o'clock", "0 9 * * *"),
    ("at 9 and 17 every day", "0 9,17 * * *"),
    ("every year on 24 December at 10", "0 10 24 12 *"),
    ("every December on the 1st at 9", "0 9 1 12 *"),
    ("every 3 months on the 1st at 9", "0 9 1 1,4,7,10 *"),
    ("every Monday in July and August at 9", "0 9 * 7,8 1"),
    ("every minute on weekdays", "* * * * 1-5"),
    ("every 2 hours between 8:00 and 18:00 on weekdays", "0 8,10,12,14,16,18 * * 1-5"),
    ("every hour between 9 and 5", "0 9-17 * * *"),
    ("once a week on Tuesday at 14:00", "0 14 * * 2"),
    ("Every day at 9 a.m.", "0 9 * * *"),
    ("every day at 12 am", "0 0 * * *"),
    ("every day at 12 pm", "0 12 * * *"),
    ("every working day at 9h30", "30 9 * * 1-5"),
]

REFUSED = [
    "in 12 hours Friday",
    "every 24 December at 9 except Sundays",
    "quarterly every two weeks",
    "every week every 3 months at 9",
    "every Friday the 13th on the last working day of the month",
    "on the 1st of next month on the last working day of next month",
    "in two hours at midnight",
    "on Monday starting from noon",
    "weekdays next month at 9",
    "on the 15th every hour",
    "every 2 hours on weekdays starting tomorrow at 8",
    "every 90 minutes in July starting tomorrow at 8",
    "on last Monday at 9",
    "at quarter past",
    "every Monday on the hour",
    "every 3 days between 9 and 17",
    "in two weeks every day at 9",
    "every hour between 9 and 17 starting at 8",
    "every second Monday at 9",
    "every third Tuesday at 9",
    "next Sunday at 9",
    "tomorrow at midnight",
    "on Friday night at 1",
    "Mondays at 24:00",
    "every day at 9 and 5",
    "at 8, 12 and 3 pm and",
    "every weekday at 9 until yesterday",
    "every week at 9 until Friday",
    "every day at 9 for a while",
    "every Monday at 9 and every Friday",
    "Mondays at 9 New York time and Fridays at 10",
    "weekdays except Saturday at 9",
    "once a week on Monday and Friday at 9",
    "twice a day at 8",
    "every year on 29 February at 9",
    "in two and a half days",
    "every second Tuesday",
    "every weekday at 9 except holidays",
    "every 31st at 9",
    "on the 30th of every month",
    "the fifth Monday of every month",
    "every week at 9",
    "every month",
    "every month at 9",
    "every year",
    "every 5 months on the 1st",
    "twice a day",
    "three times a week",
    "every 90 minutes on weekdays",
    "every day at 25:00",
    "every day at 9:75",
    "every day at 13 pm",
    "every day at 9 in the evening of",
    "every day at 15 in the morning",
    "at 8 and 10 pm",
    "every day at 9 EST",
    "every day at 9 Europe/Atlantis",
    "every day tomorrow at 9",
    "every now and then",
    "sometime tomorrow",
    "around 9 tomorrow",
    "next week",
    "today",
    "yesterday at 9",
    "on 3 January 2020 at 10:00",
    "on 30 February at 9",
    "on 31 June 2027",
    "03/04/2027 at 9",
    "at 5 today",
    "Friday, 3 December 2026 at 9",
    "half nine every day",
    "every 0 minutes",
    "every day at dawn",
    "",
    "9",
    "whenever",
    "every 10 minutes during office hours",
]

MOMENTS = [
    ("tomorrow at 9", "2026-11-22 09:00"),
    ("tomorrow morning", "2026-11-22 09:00"),
    ("the day after tomorrow at 14:30", "2026-11-23 14:30"),
    ("in two hours", "2026-11-21 13:30"),
    ("in 90 minutes", "2026-11-21 13:00"),
    ("in an hour and a half", "2026-11-21 13:00"),
    ("in half an hour", "2026-11-21 12:00"),
    ("in 3 days at 8", "2026-11-24 08:00"),
    ("in a week", "2026-11-28 11:30"),
    ("2 days from now", "2026-11-23 11:30"),
    ("next Friday at 5pm", "2026-11-27 17:00"),
    ("on Monday at 9", "2026-11-23 09:00"),
    ("on 3 December 2026 at 14:00", "2026-12-03 14:00"),
    ("December 3rd, 2026 at 2 pm", "2026-12-03 14:00"),
    ("on 3 December at 14:00", "2026-12-03 14:00"),
    ("3 Nov at 14:00", "2027-11-03 14:00"),
    ("Thursday, 3 December 2026 at 14:00", "2026-12-03 14:00"),
    ("on 29 February at 9", "2028-02-29 09:00"),
    ("2026-12-03 14:00", "2026-12-03 14:00"),
    ("2026-12-03T13:00:00Z", "2026-12-03 14:00"),
    ("3.12.2026 at 14:00", "2026-12-03 14:00"),
    ("tonight", "2026-11-21 21:00"),
    ("tonight at 8", "2026-11-21 20:00"),
    ("this evening", "2026-11-21 18:00"),
    ("at 15:00", "2026-11-21 15:00"),
    ("at 9", "2026-11-22 09:00"),
    ("noon tomorrow", "2026-11-22 12:00"),
    ("tomorrow at 9 New York time", "2026-11-22 15:00"),
]


@pytest.mark.parametrize(("said", "cron"), HABITS)
def test_a_habit_becomes_exactly_its_cron(said: str, cron: str) -> None:
    when = parse_when(said, NOW, ZONE)
    assert isinstance(when, When), when
    assert (when.kind, when.cron, when.timezone, when.only_if) == ("cron", (cron,), ZONE, None)


@pytest.mark.parametrize("said", REFUSED)
def test_what_is_not_exact_is_refused_with_a_reason(said: str) -> None:
    refused = parse_when(said, NOW, ZONE)
    assert isinstance(refused, Refused), refused
    assert refused.reason


@pytest.mark.parametrize(("said", "local"), MOMENTS)
def test_a_moment_is_that_wall_clock_time(said: str, local: str) -> None:
    when = parse_when(said, NOW, ZONE)
    assert isinstance(when, When), when
    assert when.at is not None and when.at.tzinfo is UTC
    assert when.at.astimezone(ZoneInfo(ZONE)).strftime("%Y-%m-%d %H:%M") == local


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("every 90 minutes", 5400),
        ("every 7 minutes", 420),
        ("every 10 seconds", 10),
        ("every 5 hours", 18_000),
        ("every three days", 259_200),
        ("every other day", 172_800),
        ("every 2 weeks", 1_209_600),
        ("every week", 604_800),
    ],
)
def test_what_cron_cannot_say_becomes_an_interval(said: str, seconds: int) -> None:
    when = parse_when(said, NOW, ZONE)
    assert isinstance(when, When), when
    assert (when.kind, when.every_s) == ("interval", seconds)


@pytest.mark.parametrize(
    ("said", "zone"),
    [
        ("every weekday at 9am New York time", "America/New_York"),
        ("every day at 14:00 UTC", "UTC"),
        ("every day at 9 Europe/Paris", "Europe/Paris"),
        ("every day at 9 (Asia/Tokyo)", "Asia/Tokyo"),
        ("every day at 9 in Tokyo time", "Asia/Tokyo"),
        ("every day at 9 UTC+2", "Etc/GMT-2"),
        ("every day at 9 my time", ZONE),
        ("every day at 9 Pacific time", "America/Los_Angeles"),
    ],
)
def test_a_zone_that_was_said_wins(said: str, zone: str) -> None:
    when = parse_when(said, NOW, ZONE)
    assert isinstance(when, When), when
    assert when.timezone == zone


def test_steps_within_a_window_need_two_lines() -> None:
    when = parse_when("every 90 minutes between 9 and 5", NOW, ZONE)
    assert isinstance(when, When)
    assert when.cron == ("0 9,12,15 * * *", "30 10,13,16 * * *")
    assert when.trigger("event.x")["schedules"] == list(when.cron)


@pytest.mark.parametrize(("which", "index"), [("first", 0), ("third", 2), ("last", -1)])
def test_working_days_of_the_month_are_right_for_ten_years(which: str, index: int) -> None:
    when = parse_when(f"{which} working day of the month at 9", NOW, ZONE)
    assert isinstance(when, When)
    start = datetime(2026, 1, 1)  # noqa: DTZ001 - wall clocks
    months: dict[tuple[int, int], list[datetime]] = {}
    for day in (start + timedelta(days=i, hours=9) for i in range(3652)):
        if day.weekday() < 5:
            months.setdefault((day.year, day.month), []).append(day)
    trigger = TRIGGER.validate_python(when.trigger("event.x"))
    due = firings(trigger, start.replace(tzinfo=ZoneInfo(ZONE)), ZONE, len(months))
    local = [moment.astimezone(ZoneInfo(ZONE)).replace(tzinfo=None) for moment in due]
    assert local == [days[index] for days in months.values()]


def test_a_moment_in_the_gap_of_spring_moves_forward() -> None:
    when = parse_when("on 28 March 2027 at 2:30", NOW, ZONE)
    assert isinstance(when, When)
    assert when.at == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)  # 03:30 summer time


def test_a_moment_in_the_repeated_hour_of_autumn_is_the_first() -> None:
    when = parse_when("on 31 October 2027 at 2:30", NOW, ZONE)
    assert isinstance(when, When)
    assert when.at == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)


def test_what_was_not_said_is_told_as_assumed() -> None:
    when = parse_when("every Friday afternoon", NOW, ZONE)
    assert isinstance(when, When)
    assert when.assumed == ("at 15:00, as no time of day was said",)
    early = parse_when("every day at 5", NOW, ZONE)
    assert isinstance(early, When) and "I took 5 as 05:00" in early.assumed[0]


def test_a_passed_hour_offers_the_afternoon() -> None:
    refused = parse_when("at 5 today", NOW, ZONE)
    assert isinstance(refused, Refused)
    assert "passed" in refused.reason and refused.choices == ("at 17:00",)


# --- inside a request -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_text", "cron", "rest"),
    [
        ("Every weekday at 9 in the morning read the feed", "0 9 * * 1-5", " read the feed"),
        ("read the feed every day at 9", "0 9 * * *", "read the feed "),
        ("every Monday read it at 8 and mail it", "0 8 * * 1", " read it  and mail it"),
        ("at 9 every day read the first 5 entries", "0 9 * * *", " read the first 5 entries"),
        ("mail me the weekly report every Monday", "0 9 * * 1", "mail me the weekly report "),
    ],
)
def test_a_time_is_found_wherever_it_stands(request_text: str, cron: str, rest: str) -> None:
    found = find_when(request_text, NOW, ZONE)
    assert isinstance(found.when, When)
    assert found.when.cron == (cron,)
    left = request_text
    for start, end in reversed(found.spans):
        left = left[:start] + left[end:]
    assert left == rest


@pytest.mark.parametrize(
    "said",
    [
        "read feed and look at 3 pages",
        "what is today's news",
        "read the daily news",
        "every entry of the feed",
        "summarise the Monday report",
        "it may march on",
        "every time it changes, mail me",
        "take the first second and third entry",
    ],
)
def test_words_that_are_no_time_are_left_alone(said: str) -> None:
    assert find_when(said, NOW, ZONE).when is None


@pytest.mark.parametrize(
    "said",
    [
        "every weekday at 9 for a while read it",
        "every day at 9 except holidays read it",
        "by tomorrow at 9 do it",
        "alternating Mondays at 9 read it",
        "not on Mondays at 9 read it",
        "do it almost every day at 9",
        "read it at 9 every day and mail it at 10",
        "read the daily news and mail it at 9",
        "every day at 9 until I say stop read it",
        "every day at 9 starting next week read it",
    ],
)
def test_a_time_with_words_that_change_it_is_refused(said: str) -> None:
    assert isinstance(find_when(said, NOW, ZONE).when, Refused)


# --- changes of a time ----------------------------------------------------------------------------

WEEKDAYS = {
    "name": "event.x",
    "kind": "cron",
    "schedule": "0 9 * * 1-5",
    "timezone": "Europe/Paris",
}


@pytest.mark.parametrize(
    ("said", "cron", "zone"),
    [
        ("8", "0 8 * * 1-5", "Europe/Paris"),
        ("8 am", "0 8 * * 1-5", "Europe/Paris"),
        ("at 6 pm", "0 18 * * 1-5", "Europe/Paris"),
        ("on Mondays", "0 9 * * 1", "Europe/Paris"),
        ("Monday", "0 9 * * 1", "Europe/Paris"),
        ("every day", "0 9 * * *", "Europe/Paris"),
        ("every hour", "0 * * * *", "Europe/Paris"),
        ("every Tuesday at 7", "0 7 * * 2", "Europe/Paris"),
        ("New York time", "0 9 * * 1-5", "America/New_York"),
        ("weekends", "0 9 * * 0,6", "Europe/Paris"),
    ],
)
def test_a_change_keeps_what_it_does_not_name(said: str, cron: str, zone: str) -> None:
    when = adjust_when(said, WEEKDAYS, NOW, ZONE)
    assert isinstance(when, When), when
    assert (when.cron, when.timezone) == ((cron,), zone)


@pytest.mark.parametrize(
    ("said", "cron", "only_if"),
    [
        ("every other Tuesday", "0 9 * * 2", "due.week_count % 2 == 0"),
        ("the last working day of the month", "0 9 * * 1-5", "due.workday == due.workdays"),
        ("until 24 December", "0 9 * * 1-5", 'due.date <= "2026-12-24"'),
        ("starting next Monday", "0 9 * * 1-5", 'due.date >= "2026-11-23"'),
        ("for two weeks", "0 9 * * 1-5", 'due.date <= "2026-12-06"'),
    ],
)
def test_a_change_of_days_or_bounds_keeps_the_hour(said: str, cron: str, only_if: str) -> None:
    when = adjust_when(said, WEEKDAYS, NOW, ZONE)
    assert isinstance(when, When), when
    assert (when.cron, when.only_if) == ((cron,), only_if)


def test_another_end_replaces_the_old_one() -> None:
    bounded = WEEKDAYS | {"only_if": 'due.date >= "2026-11-23" and due.date <= "2026-12-24"'}
    when = adjust_when("until 31 December", bounded, NOW, ZONE)
    assert isinstance(when, When)
    assert when.only_if == 'due.date >= "2026-11-23" and due.date <= "2026-12-31"'


def test_an_hour_that_could_be_morning_or_evening_is_asked() -> None:
    evening = WEEKDAYS | {"schedule": "0 18 * * 1-5"}
    refused = adjust_when("8", evening, NOW, ZONE)
    assert isinstance(refused, Refused)
    assert refused.choices == ("8:00 am", "8:00 pm")


def test_an_hour_alone_for_a_plan_without_time_is_asked() -> None:
    assert isinstance(adjust_when("8", {"name": "e", "kind": "manual"}, NOW, ZONE), Refused)


def test_words_that_are_no_time_change_no_time() -> None:
    assert adjust_when("three sentences", WEEKDAYS, NOW, ZONE) is None


# --- properties -----------------------------------------------------------------------------------

DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


@given(st.integers(0, 23), st.integers(0, 59), st.sets(st.integers(0, 6), min_size=1, max_size=6))
def test_a_rendered_week_parses_back(hour: int, minute: int, days: set[int]) -> None:
    names = [DAYS[d] for d in sorted(days)]
    said = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    when = parse_when(f"every {said} at {hour}:{minute:02}", NOW, ZONE)
    assert isinstance(when, When), when
    fields = when.cron[0].split()
    assert fields[:4] == [str(minute), str(hour), "*", "*"]
    assert {int(d) % 7 for d in croniter.expand(when.cron[0])[0][4] if d != "*"} == days


@given(st.integers(1, 12), st.booleans(), st.integers(0, 59))
def test_twelve_hour_times_parse_back(hour: int, afternoon: bool, minute: int) -> None:
    said = f"every day at {hour}:{minute:02} {'pm' if afternoon else 'am'}"
    when = parse_when(said, NOW, ZONE)
    assert isinstance(when, When), when
    assert when.cron == (f"{minute} {hour % 12 + 12 * afternoon} * * *",)


@given(st.datetimes(datetime(2026, 11, 22), datetime(2040, 1, 1)))  # noqa: DTZ001 - wall clocks
def test_a_rendered_date_parses_back(moment: datetime) -> None:
    when = parse_when(moment.strftime("on %d %B %Y at %H:%M"), NOW, ZONE)
    assert isinstance(when, When), when
    local = moment.replace(second=0, microsecond=0, fold=0, tzinfo=ZoneInfo(ZONE))
    assert when.at == local.astimezone(UTC)


@given(st.integers(1, 2000), st.sampled_from(["minute", "hour", "day"]))
def test_every_n_fires_every_n(n: int, unit: str) -> None:
    when = parse_when(f"every {n} {unit}s", NOW, ZONE)
    seconds = n * {"minute": 60, "hour": 3600, "day": 86_400}[unit]
    if seconds > 366 * 86_400:
        assert isinstance(when, Refused)
    elif isinstance(when, When) and when.kind == "cron":
        steps = croniter(when.cron[0], datetime(2026, 1, 1))  # noqa: DTZ001 - a wall clock
        due = [steps.get_next(datetime) for _ in range(40)]
        gaps = {(b - a).total_seconds() for a, b in pairwise(due)}
        assert gaps == {seconds}
    else:
        assert isinstance(when, When) and when.every_s == seconds


VOCABULARY = (
    "every day week monday friday at 9 12 am pm on the first 31st of month in two hours and , tomorrow "
    "except between to until for next last working noon half past utc new york time 2027 december"
)


@given(st.lists(st.sampled_from(VOCABULARY.split()), max_size=12).map(" ".join))
def test_any_words_are_a_valid_time_or_refused(said: str) -> None:
    when = parse_when(said, NOW, ZONE)
    find_when(said, NOW, ZONE)
    if isinstance(when, When):
        assert all(croniter.is_valid(line) for line in when.cron)
        assert when.at is None or when.at > NOW


@given(st.text(max_size=400))
def test_no_text_breaks_the_grammar(said: str) -> None:
    assert isinstance(parse_when(said, NOW, ZONE), When | Refused)
    find_when(said, NOW, ZONE)


@pytest.mark.parametrize("day", ["monday", "tuesday", "thursday", "friday"])
def test_the_coming_day_is_that_day(day: str) -> None:
    for said in (f"next {day} at 9", f"this {day} at 9"):
        found = find_when(f"mail it {said}", NOW, ZONE).when
        assert isinstance(found, When) and found.at is not None
        assert found.at.astimezone(ZoneInfo(ZONE)).strftime("%A").lower() == day


@pytest.mark.parametrize("said", ["every 2 days", "every 90 minutes", "every 7 minutes"])
def test_intervals_count_from_the_minute_they_were_asked_for(said: str) -> None:
    when = parse_when(said, NOW.replace(second=17), ZONE)
    assert isinstance(when, When)
    anchor = NOW.replace(second=0, microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert when.trigger("t")["anchor"] == anchor
