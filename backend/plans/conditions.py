"""What a schedule's `only_if` says, in a person's words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

_ORDINALS = {
    1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth", 7: "seventh",
    8: "eighth", 9: "ninth", 10: "tenth",
}  # fmt: skip
_LAST = "Last but one"
_Reading = Callable[[str, re.Match[str]], str | None]


def conditioned(said: str, only_if: str) -> str:
    """`said`, a schedule in words, with its condition; one that words cannot say is shown as it is."""
    rest: list[str] = []
    for clause in re.split(r"\s+and\s+(?=due\.)", _TWO_WEEKS.sub("due.last_but_one", only_if)):
        read = next(filter(None, (_read(said, clause, *each) for each in _CLAUSES)), None)
        if read is None:
            rest.append(_TWO_WEEKS_TEXT if clause == "due.last_but_one" else clause)
        else:
            said = read
    return f"{said}, if {' and '.join(rest)}" if rest else said


def _read(said: str, clause: str, pattern: str, reading: _Reading) -> str | None:
    found = re.fullmatch(pattern, clause.strip())
    return reading(said, found) if found else None


_TWO_WEEKS_TEXT = "due.day > due.days_in_month - 14 and due.day <= due.days_in_month - 7"
_TWO_WEEKS = re.compile(re.escape(_TWO_WEEKS_TEXT))


def _weeks(said: str, found: re.Match[str]) -> str | None:
    n = int(found["n"])
    often = "Every other" if n == 2 else f"Every {n} weeks on"
    if n == 2 and re.match(r"Every [A-Z]", said):
        return said.replace("Every ", "Every other ", 1)
    if said.startswith(("Every other", "Every day")):
        return None
    days = said.removeprefix("Every ")
    week = f"{often} week on" if n == 2 else often
    return f"{week} {days if days[0] in 'MTWFS' and days != 'Weekdays' else days.lower()}"


def _days(said: str, found: re.Match[str]) -> str | None:
    if not said.startswith("Every day"):
        return None
    n = int(found["n"])
    return f"Every {'other day' if n == 2 else f'{n} days'}{said.removeprefix('Every day')}"


def _years(said: str, found: re.Match[str]) -> str:
    n = int(found["n"])
    often = "every other year" if n == 2 else f"every {n} years"
    return said.replace("every year", often, 1) if "every year" in said else f"{said}, {often}"


def _bound(said: str, found: re.Match[str]) -> str | None:
    try:
        day = date.fromisoformat(found["date"])
    except ValueError:
        return None
    word = "from" if found["way"] == ">=" else "until"
    return f"{said}, {word} {day.day} {day:%B %Y}"


def _workday(said: str, found: re.Match[str]) -> str | None:
    numbers = re.findall(r"\d+|due\.workdays", found["which"])
    if any(number.isdigit() and int(number) not in _ORDINALS for number in numbers):
        return None
    named = [_ORDINALS[int(n)] if n.isdigit() else "last" for n in numbers]
    listed = " and ".join((", ".join(named[:-1]), named[-1]) if len(named) > 1 else named)
    return _of_month(said, f"{listed.capitalize()} working day")


def _last_workday(said: str, found: re.Match[str]) -> str | None:
    return _of_month(said, "Last working day")


def _last_workday_but_one(said: str, found: re.Match[str]) -> str | None:
    return _of_month(said, f"{_LAST} working day")


def _of_month(said: str, day: str) -> str | None:
    for general in ("Weekdays", "Every day"):
        if said.startswith(general):
            rest = said.removeprefix(general)
            months = rest.startswith(" in ")
            return f"{day} of{_yearly(rest[3:])}" if months else f"{day} of every month{rest}"
    return None


def _yearly(months: str) -> str:
    """ " March at 09:00" as " March every year at 09:00"."""
    named = re.match(r"(?: [A-Z]\w+,?| and)+", months)
    return f"{named.group()} every year{months[named.end() :]}" if named else months


def _last_day_but_one(said: str, found: re.Match[str]) -> str | None:
    return _of_month(said, f"{_LAST} day") if said.startswith("Every day") else None


def _last_but_one(said: str, found: re.Match[str]) -> str | None:
    day = re.match(r"Every (?P<day>[A-Z]\w+)(?P<rest>.*)", said)
    if day is None:
        return None
    months = day["rest"].startswith(" in ")
    rest = f" of{_yearly(day['rest'][3:])}" if months else f" of every month{day['rest']}"
    return f"{_LAST} {day['day']}{rest}"


def _weekday_the(said: str, found: re.Match[str]) -> str | None:
    day = re.match(r"Every (?:[A-Z]\w+)", said)
    n = int(found["day"])
    ending = "th" if n in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{day.group()} the {n}{ending}{said[day.end() :]}" if day else None


_CLAUSES: tuple[tuple[str, _Reading], ...] = (
    (r"due\.week_count % (?P<n>\d+) == \d+", _weeks),
    (r"due\.day_count % (?P<n>\d+) == \d+", _days),
    (r"due\.year % (?P<n>\d+) == \d+", _years),
    (r'due\.date (?P<way>>=|<=) "(?P<date>[\d-]+)"', _bound),
    (r"due\.workday == (?P<which>\d+|due\.workdays)", _workday),
    (r"due\.workday in \[(?P<which>(?:\d+|due\.workdays)(?:, (?:\d+|due\.workdays))*)\]", _workday),
    (r"due\.workday == due\.workdays - 1", _last_workday_but_one),
    (r"due\.day ?== ?due\.last_workday|due\.last_workday ?== ?due\.day", _last_workday),
    (r"due\.day == due\.days_in_month - 1", _last_day_but_one),
    (r"due\.last_but_one", _last_but_one),
    (r"due\.day == (?P<day>\d+)", _weekday_the),
)
