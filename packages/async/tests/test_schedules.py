"""Schedules: what they refuse at import, and which ticks are due."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pymacaron_async import AsyncConfigError, AsyncTask, asynctask, schedule
from pymacaron_async.schedules import GRACE, MOST_MISSED, SCHEDULES, Every, Schedule

NOW = 1_800_000_000.0


def made(missed: str = "skip", every: int = 600) -> Schedule:
    """Return a schedule."""

    @schedule(every=every, missed=missed, name=f"{missed}-{every}")
    def job() -> None: ...

    return SCHEDULES[f"{missed}-{every}"]


def test_a_function_becomes_a_task() -> None:
    """A plain function is made a task, which is called as before."""

    @schedule(cron="@daily")
    def double(number: int = 2) -> int:
        return number * 2

    assert isinstance(double, AsyncTask)
    assert double.call(4) == 8
    assert SCHEDULES[double.name].task is double


def test_a_task_stays_what_it_is() -> None:
    """A task keeps its options, and may have several schedules that are named."""

    @schedule(cron="0 3 * * *", name="nightly", args=("full",))
    @schedule(every=timedelta(minutes=5), name="often", kwargs={"depth": "quick"})
    @asynctask(max_retries=3)
    def sync(depth: str) -> None: ...

    assert (SCHEDULES["nightly"].task, SCHEDULES["often"].task) == (sync, sync)
    assert sync.options.max_retries == 3
    assert str(SCHEDULES["often"].rule) == "every 0:05:00"


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "takes either cron=... or every=..."),
    ({"cron": "@daily", "every": 5}, "takes either cron=... or every=..."),
    ({"cron": "99 * * * *"}, "the minute is '99'"),
    ({"every": 0}, "every=0 is no whole number of seconds"),
    ({"every": 1.5}, "every=1.5 is no whole number"),
    ({"every": timedelta(milliseconds=10)}, "is no whole number"),
    ({"every": 5, "timezone": "Europe/Paris"}, "knows no timezone ('Europe/Paris')"),
    ({"every": 5, "missed": "none"}, "missed='none' is none of 'skip', 'latest', 'all'"),
    ({"every": 5, "args": (1, 2)}, "too many positional arguments"),
    ({"every": 5, "args": (object(),)}, "the argument 1 is a builtins.object"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_refused(options: dict[str, Any], message: str) -> None:
    """What is wrong about a schedule is refused at import, with what was seen."""

    def job(number: int = 0) -> None: ...

    with pytest.raises(AsyncConfigError) as caught:
        schedule(**options)(job)
    assert message in caught.value.message


def test_order_of_decorators() -> None:
    """The schedule stands above the task; the other way round is refused, with the mend."""
    with pytest.raises(AsyncConfigError, match="@schedule stands above @asynctask"):

        @asynctask
        @schedule(every=5)
        def job() -> None: ...


def test_names_are_unique() -> None:
    """Two schedules of one name are refused; the same one may be imported twice."""

    def job() -> None: ...

    for _ in range(2):
        schedule(every=5, name="the job")(job)
    with pytest.raises(AsyncConfigError, match="two schedules are named 'the job'"):
        schedule(every=6, name="the job")(job)


def test_every_counts_from_1970() -> None:
    """Ticks of an interval are the same for all processes."""
    rule = Every(7)
    assert (rule.before(20.9), rule.before(21), rule.after(20.9), rule.after(21)) == (14, 21, 21, 28)


def test_missed_ticks_are_skipped() -> None:
    """By default a tick runs that is a little late, and none that is older."""
    skip = made("skip")
    assert skip.due(NOW - 6000, NOW + GRACE / 2) == [NOW]
    assert skip.due(NOW - 6000, NOW + GRACE + 1) == []
    assert skip.due(NOW, NOW + 1) == []


def test_latest_missed_tick() -> None:
    """Of ticks that were missed the last one runs, once."""
    latest = made("latest")
    assert latest.due(NOW - 6000, NOW + 599) == [NOW]
    assert latest.due(NOW, NOW + 599) == []
    assert latest.due(NOW - 6000, NOW + 1) == [NOW]


def test_all_missed_ticks() -> None:
    """All ticks that were missed run, up to a bound, in their order, the newest of them."""
    everything = made("all", 60)
    assert everything.due(NOW - 180, NOW + 1) == [NOW - 120, NOW - 60, NOW]
    many = everything.due(NOW - 60 * 5000, NOW)
    assert (len(many), many[-1]) == (MOST_MISSED, NOW)
    assert many == sorted(many)


def test_ids() -> None:
    """A tick's task has one id, whoever makes it; other ticks, schedules and services have others."""
    one, other = made("skip"), made("latest")
    assert one.task_id("shop", 600) == one.task_id("shop", 600)
    assert len({one.task_id("shop", 600), one.task_id("shop", 1200), one.task_id("bank", 600)}) == 3
    assert one.task_id("shop", 600) != other.task_id("shop", 600)
