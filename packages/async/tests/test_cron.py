"""Cron's rules, against Celery's own where that agrees with cron, and against the clock of a place for the rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from celery.schedules import crontab
from hypothesis import given
from hypothesis import strategies as st

from pymacaron_async import AsyncConfigError
from pymacaron_async.cron import FIELDS, NICKNAMES, Cron, parse_cron

PARIS = "Europe/Paris"


def local(cron: Cron, since: str, count: int) -> list[str]:
    """Return the next ticks after a local time, as clocks show them there, with their offset from UTC."""
    moment = datetime.fromisoformat(since).replace(tzinfo=cron.zone).timestamp()
    shown = []
    for _ in range(count):
        moment = cron.after(moment)
        shown.append(datetime.fromtimestamp(moment, cron.zone).strftime("%m-%d %H:%M%z"))
    return shown


RULES = [
    ("*/20 8-9 * * mon-fri", ["06-01 08:00", "06-01 08:20", "06-01 08:40", "06-01 09:00"]),
    ("5,50 * * * *", ["05-31 12:05", "05-31 12:50", "05-31 13:05"]),
    ("0 0 1 jan,JUL *", ["07-01 00:00", "01-01 00:00"]),
    ("0 12 * * 7", ["06-07 12:00", "06-14 12:00"]),
    ("0 6 13 * fri", ["06-05 06:00", "06-12 06:00", "06-13 06:00"]),
    ("0 6 */2 * fri", ["06-05 06:00", "06-19 06:00"]),
    ("10-40/15 3 * * *", ["06-01 03:10", "06-01 03:25", "06-01 03:40", "06-02 03:10"]),
    ("@weekly", ["06-07 00:00", "06-14 00:00"]),
    ("0 0 29 2 *", ["02-29 00:00"]),
]


@pytest.mark.parametrize(("text", "expected"), RULES)
def test_rules(text: str, expected: list[str]) -> None:
    """Names, lists, ranges, steps and nicknames mean what cron means; two restricted days are alternatives."""
    assert [shown[:-5] for shown in local(parse_cron(text), "2026-05-31T12:00", len(expected))] == expected


REFUSED = [
    ("61 * * * *", "the minute is '61'; it must be 0 to 59"),
    ("* 24 * * *", "the hour is '24'"),
    ("* * 0 * *", "the day of the month is '0'"),
    ("* * * 13 *", "the month is '13'; it must be 1 to 12, or jan to dec"),
    ("* * * * fry", "the day of the week is 'fry'; it must be 0 to 7, or sun to sat"),
    ("1-5x * * * *", "the minute is '1-5x'"),
    ("-5 * * * *", "the minute is '-5'"),
    ("1,,2 * * * *", "the minute is ''"),
    ("*/0 * * * *", "the minute '*/0' has the step '0'"),
    ("*/ * * * *", "the minute '*/' has the step ''"),
    ("5/15 * * * *", "the minute '5/15' has a step but no range; write 5-59/15"),
    ("0 17-9 * * *", "the hour '17-9' ends before it starts"),
    ("²  * * * *", "the minute is '²'"),
    ("* * * *", "has 4 fields; it must have five: minute, hour"),
    ("0 * * * * *", "has 6 fields"),
    ("@often", "is none of @hourly, @daily"),
    ("0 0 30 2 *", "no day has this date"),
    ("", "has 0 fields"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_refused(text: str, message: str) -> None:
    """A wrong rule is refused with its text, the field and the value."""
    with pytest.raises(AsyncConfigError) as caught:
        parse_cron(text)
    assert f"cron={text!r}" in caught.value.message
    assert message in caught.value.message


@pytest.mark.parametrize("timezone", ["Mars/Olympus", "", "../etc/passwd", "Europe"])
def test_unknown_timezone(timezone: str) -> None:
    """A time zone that does not exist is refused with its name."""
    with pytest.raises(AsyncConfigError, match="is no time zone"):
        parse_cron("@daily", timezone)


CLOCK_CHANGES = [
    # 02:00 becomes 03:00 on 29 March
    ("30 2 * * *", "2026-03-28T12:00", ["03-29 03:00+0200", "03-30 02:30+0200"]),
    ("0,30 2,3 * * *", "2026-03-28T12:00", ["03-29 03:00+0200", "03-29 03:30+0200", "03-30 02:00+0200"]),
    ("30 * * * *", "2026-03-29T01:00", ["03-29 01:30+0100", "03-29 03:30+0200"]),
    ("30 */2 * * *", "2026-03-29T00:00", ["03-29 00:30+0100", "03-29 04:30+0200"]),
    # 03:00 becomes 02:00 on 25 October
    ("30 2 * * *", "2026-10-24T12:00", ["10-25 02:30+0200", "10-26 02:30+0100"]),
    ("30 * * * *", "2026-10-25T01:40", ["10-25 02:30+0200", "10-25 02:30+0100", "10-25 03:30+0100"]),
    ("0 12 * * *", "2026-10-24T12:00", ["10-25 12:00+0100"]),
]


@pytest.mark.parametrize(("text", "since", "expected"), CLOCK_CHANGES)
def test_daylight_saving(text: str, since: str, expected: list[str]) -> None:
    """A time that is left out comes when clocks are set, one that comes twice counts once; each hour is an hour."""
    assert local(parse_cron(text, PARIS), since, len(expected)) == expected


def test_clocks_set_back_over_midnight() -> None:
    """Ticks of two days that clocks mix are in the order of time."""
    cron = parse_cron("*/30 * * * *", "America/Sao_Paulo")
    shown = local(cron, "2018-02-17T22:50", 5)  # 00:00 became 23:00
    assert [each[6:] for each in shown] == ["23:00-0200", "23:30-0200", "23:00-0300", "23:30-0300", "00:00-0300"]


def test_a_day_that_never_was() -> None:
    """A job of the day that Samoa left out runs when clocks were set past it."""
    assert local(parse_cron("0 12 30 12 *", "Pacific/Apia"), "2011-12-29T12:00", 1) == ["12-31 00:00+1400"]


fields = st.tuples(
    *[
        st.one_of(
            st.just("*"),
            st.integers(field.least, min(field.greatest, 28 if field.name == "day of the month" else 6)).map(str),
            st.integers(1, 9).map("*/{}".format),
        )
        for field in FIELDS
    ]
)
moments = st.integers(0, 4_000_000_000)


@given(fields, moments)
def test_as_celery(parts: tuple[str, ...], moment: int) -> None:
    """In UTC, and where one of the days is free, the next tick is the one of Celery's crontab."""
    minute, hour, day, month, weekday = parts
    if not (day.startswith("*") or weekday.startswith("*")):
        weekday = "*"
    cron = parse_cron(f"{minute} {hour} {day} {month} {weekday}")
    now = datetime.fromtimestamp(moment, UTC)
    theirs = crontab(minute, hour, weekday, day, month, nowfun=lambda: now)
    found = datetime.fromtimestamp(cron.after(moment), UTC)
    if found - now > timedelta(days=3000):
        return  # theirs gives up
    last, step, _ = theirs.remaining_delta(now, tz=UTC)
    assert found == last + step


@given(fields, moments, st.sampled_from(["UTC", PARIS, "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu"]))
def test_before_and_after_agree(parts: tuple[str, ...], moment: int, timezone: str) -> None:
    """The last tick before the next one's time is the one that is before now: both see the same ticks."""
    cron = parse_cron(" ".join(parts), timezone)
    following = cron.after(moment)
    assert following > moment
    assert cron.before(following) == following
    previous = cron.before(following - 1)
    assert previous <= moment
    assert cron.before(moment) == previous
    assert cron.after(previous) == following


@given(st.integers(0, 59), st.integers(0, 23), st.integers(0, 800_000))
def test_once_a_day(minute: int, hour: int, hours: int) -> None:
    """A daily job runs on each day once, whatever is done to clocks."""
    cron = parse_cron(f"{minute} {hour} * * *", PARIS)
    moment = hours * 3600.0
    days = []
    for _ in range(5):
        moment = cron.after(moment)
        days.append(datetime.fromtimestamp(moment, ZoneInfo(PARIS)).date())
    assert days == [days[0] + timedelta(days=index) for index in range(5)]


def test_nicknames() -> None:
    """Each nickname stands for five fields, and is shown as it was written."""
    for name in NICKNAMES:
        assert str(parse_cron(name)) == name
    assert str(parse_cron("@daily", PARIS)) == "@daily (Europe/Paris)"
