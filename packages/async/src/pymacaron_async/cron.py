"""Cron: five fields, the names of days and months, and what daylight saving does to them.

Celery's own crontab joins the two day fields with "and", reads ``1-5x`` as ``1-5`` and runs jobs twice when clocks are
set back; a schedule that many processes must agree on needs one set of ticks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from .exceptions import AsyncConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DAY = timedelta(days=1)
# 29 February falls on each day of the week within 28 years, or 40 where a century is no leap year.
_SEARCHED_DAYS = 50 * 366


@dataclass(frozen=True)
class Field:
    """One of the five: its name for messages, its least and greatest value, and names of values."""

    name: str
    least: int
    greatest: int
    names: tuple[str, ...] = ()

    def parse(self, text: str) -> frozenset[int]:
        """Return the values that a field stands for.

        Raises:
            ValueError: it stands for none; the message names the field and what was seen.
        """
        return frozenset(value for part in text.split(",") for value in self._part(part))

    def _part(self, part: str) -> range:
        spread, slash, step = part.partition("/")
        first, dash, last = spread.partition("-")
        if spread == "*":
            start, end = self.least, self.greatest
        else:
            start = self._value(first, part)
            end = self._value(last, part) if dash else start
        if end < start:
            raise ValueError(f"the {self.name} {part!r} ends before it starts")
        if not slash:
            return range(start, end + 1)
        if spread != "*" and not dash:
            raise ValueError(f"the {self.name} {part!r} has a step but no range; write {start}-{self.greatest}/{step}")
        if not (step.isascii() and step.isdigit() and int(step) > 0):
            raise ValueError(f"the {self.name} {part!r} has the step {step!r}; it must be 1 or more")
        return range(start, end + 1, int(step))

    def _value(self, text: str, part: str) -> int:
        if text.lower() in self.names:
            return self.names.index(text.lower()) + self.least
        if text.isascii() and text.isdigit() and self.least <= int(text) <= self.greatest:
            return int(text)
        names = f", or {self.names[0]} to {self.names[-1]}" if self.names else ""
        raise ValueError(f"the {self.name} is {part!r}; it must be {self.least} to {self.greatest}{names}")


FIELDS = (
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day of the month", 1, 31),
    Field("month", 1, 12, _MONTHS),
    Field("day of the week", 0, 7, _WEEKDAYS),
)


@dataclass(frozen=True)
class Cron:
    """A rule of five fields in a time zone.

    Where both day fields are restricted, either may match, as in cron; a field that begins with ``*`` is not.

    When clocks are set forward, a job at a time that is left out runs at the moment when they are set. When they are
    set back, a job at a time that comes twice runs the first time. A job of every hour (its hour begins with ``*``)
    goes by what the clock shows instead: it misses what is left out, and runs again in what comes twice.
    """

    text: str
    zone: ZoneInfo
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    every_hour: bool
    either_day: bool

    def after(self, moment: float) -> int:
        """Return the first tick after a moment, in seconds since 1970."""
        day = datetime.fromtimestamp(moment, self.zone).date() - _DAY
        for _ in range(_SEARCHED_DAYS):
            # The second day, as clocks that are set back across midnight mix the times of two.
            found = [tick for each in (day, day + _DAY) for tick in _ticks(self, each) if tick > moment]
            if found:
                return min(found)
            day += _DAY
        raise ValueError("no day has this date")

    def before(self, moment: float) -> int:
        """Return the last tick that is not after a moment."""
        day = datetime.fromtimestamp(moment, self.zone).date() + _DAY
        for _ in range(_SEARCHED_DAYS):
            found = [tick for each in (day, day - _DAY) for tick in _ticks(self, each) if tick <= moment]
            if found:
                return max(found)
            day -= _DAY
        raise ValueError("no day has this date")

    def matches(self, day: date) -> bool:
        """Tell whether any tick is on a day."""
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (of_month or of_week) if self.either_day else (of_month and of_week)

    def __str__(self) -> str:
        return self.text if self.zone.key == "UTC" else f"{self.text} ({self.zone.key})"


@lru_cache(maxsize=256)
def _ticks(cron: Cron, day: date) -> tuple[int, ...]:
    if not cron.matches(day):
        return ()
    times = (time(hour, minute) for hour in cron.hours for minute in cron.minutes)
    return tuple(sorted({tick for each in times for tick in _moments(cron, datetime.combine(day, each))}))


def _moments(cron: Cron, local: datetime) -> Iterator[int]:
    """Yield the moments when clocks show a time: one, or two when they are set back, or a substitute for none."""
    first = _moment(cron.zone, local)
    second = _moment(cron.zone, local.replace(fold=1))
    if first <= second:
        yield first
        if cron.every_hour and second != first:
            yield second
    elif not cron.every_hour:
        yield _when_set_forward(cron.zone, local)


def _when_set_forward(zone: ZoneInfo, local: datetime) -> int:
    while _moment(zone, local) != _moment(zone, local.replace(fold=1)):
        local += timedelta(minutes=1)
    return _moment(zone, local)


def _moment(zone: ZoneInfo, local: datetime) -> int:
    return int(local.replace(tzinfo=zone).timestamp())


def parse_cron(text: str, timezone: str = "UTC") -> Cron:
    """Read a cron rule: five fields, or a nickname such as ``@daily``.

    Raises:
        AsyncConfigError: it is none, or the time zone is unknown; the message names the field and its value.
    """
    fields = NICKNAMES.get(text.strip().lower(), text).split()
    if text.startswith("@") and len(fields) == 1:
        raise AsyncConfigError(f"cron={text!r} is none of {', '.join(NICKNAMES)}")
    if len(fields) != len(FIELDS):
        names = ", ".join(field.name for field in FIELDS)
        raise AsyncConfigError(f"cron={text!r} has {len(fields)} fields; it must have five: {names}")
    try:
        minutes, hours, days, months, weekdays = (field.parse(part) for field, part in zip(FIELDS, fields, strict=True))
        weekdays = frozenset(day % 7 for day in weekdays)
        either_day = not fields[2].startswith("*") and not fields[4].startswith("*")
        every_hour = fields[1].startswith("*")
        made = Cron(text, _zone(timezone), minutes, hours, days, months, weekdays, every_hour, either_day)
        made.after(0)
    except ValueError as error:
        raise AsyncConfigError(f"cron={text!r}: {error}") from None
    return made


def _zone(timezone: str) -> ZoneInfo:
    try:
        return ZoneInfo(timezone)
    except (OSError, LookupError, ValueError):  # what it raises depends on how wrong the name is
        raise AsyncConfigError(
            f"timezone={timezone!r} is no time zone; use a name such as 'UTC' or 'Europe/Paris'"
        ) from None
