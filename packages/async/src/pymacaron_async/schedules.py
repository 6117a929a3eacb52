"""``@schedule``: a task that runs by the clock, by cron's rules or every so many seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, overload
from uuid import UUID, uuid5

from .arguments import encode_call
from .cron import parse_cron
from .exceptions import ArgumentError, AsyncConfigError
from .tasks import AsyncTask, asynctask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

P = ParamSpec("P")
R = TypeVar("R")

#: Seconds for which a tick that nobody sent is late, and not yet missed.
GRACE = 30.0
#: How many ticks that were missed are sent at most.
MOST_MISSED = 1000

_TICKS = UUID("5b7c8a3e-0d0f-5d0c-9a57-6d1f0c4f1f6e")


class Rule(Protocol):
    """When a schedule ticks: a function of nothing but the time, so that all beats see the same ticks."""

    def after(self, moment: float) -> int:
        """Return the first tick after a moment, in seconds since 1970."""

    def before(self, moment: float) -> int:
        """Return the last tick that is not after a moment."""


@dataclass(frozen=True)
class Every:
    """A rule of so many seconds, counted from 1970: not from the start of any process."""

    seconds: int

    def after(self, moment: float) -> int:
        """Return the first tick after a moment."""
        return self.before(moment) + self.seconds

    def before(self, moment: float) -> int:
        """Return the last tick that is not after a moment."""
        return math.floor(moment) // self.seconds * self.seconds

    def __str__(self) -> str:
        return f"every {timedelta(seconds=self.seconds)}" if self.seconds >= 60 else f"every {self.seconds} s"


class Missed(StrEnum):
    """What becomes of ticks that came while no beat was alive."""

    SKIP = "skip"
    LATEST = "latest"
    ALL = "all"


@dataclass(frozen=True)
class Schedule:
    """A task, and when it runs."""

    name: str
    task: AsyncTask[Any, Any]
    rule: Rule
    missed: Missed = Missed.SKIP
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def due(self, last: float, now: float, grace: float = GRACE) -> list[int]:
        """Return the ticks that are to be sent, in their order.

        Args:
            last: the last tick that was sent.
            now: the time.
            grace: seconds for which a tick is late, and not yet missed.
        """
        if self.missed == Missed.ALL:
            return self._ticks(last, now)
        late = self._ticks(max(last, now - grace), now)
        if not late and self.missed == Missed.LATEST:
            return [tick] if (tick := self.rule.before(now)) > last else []
        return late

    def _ticks(self, since: float, now: float) -> list[int]:
        found: list[int] = []
        for tick in self._backwards(now):
            if tick <= since or len(found) == MOST_MISSED:
                break
            found.append(tick)
        return found[::-1]

    def _backwards(self, now: float) -> Iterator[int]:
        tick = self.rule.before(now)
        while True:
            yield tick
            tick = self.rule.before(tick - 1)

    def task_id(self, service: str, tick: int) -> str:
        """Return the id of a tick's task: whoever sends it, and however often, it is one task, and runs once."""
        return str(uuid5(_TICKS, f"{service}\n{self.name}\n{tick}"))


#: All schedules of this process, by name.
SCHEDULES: dict[str, Schedule] = {}


class Decorator:
    """Schedules a task, or a function that it makes one."""

    def __init__(self, rule: Rule, missed: Missed, name: str | None, args: tuple[Any, ...], kwargs: Mapping[str, Any]):
        self.rule, self.missed, self.name, self.args, self.kwargs = rule, missed, name, args, kwargs

    @overload
    def __call__(self, function: AsyncTask[P, R]) -> AsyncTask[P, R]: ...

    @overload
    def __call__(self, function: Callable[P, R]) -> AsyncTask[P, R]: ...

    def __call__(self, function: Any) -> Any:
        """Register the schedule; return the task.

        Raises:
            AsyncConfigError: another schedule has the name, or the task takes no such arguments.
        """
        task = function if isinstance(function, AsyncTask) else asynctask(function)
        made = Schedule(self.name or task.name, task, self.rule, self.missed, self.args, self.kwargs)
        _check_arguments(made)
        register(made)
        return task


def schedule(
    *,
    cron: str | None = None,
    every: float | timedelta | None = None,
    timezone: str = "UTC",
    missed: str = "skip",
    name: str | None = None,
    args: tuple[Any, ...] = (),
    kwargs: Mapping[str, Any] | None = None,
) -> Decorator:
    """Run a task by the clock; stands above ``@asynctask``, or above a plain function.

    Each tick is one task, whichever worker's beat sends it and however many beats are alive.

    Args:
        cron: minute, hour, day of the month, month and day of the week; or ``@hourly``, ``@daily``, ``@weekly`` ….
        every: whole seconds, or a timedelta, counted from 1970.
        timezone: of ``cron``, such as ``Europe/Paris``.
        missed: what becomes of ticks that came while no beat was alive for half a minute or more: ``skip`` none of them
            runs, ``latest`` the last one does, ``all`` each does, up to a thousand.
        name: of the schedule, if not the task's own; a task with two schedules needs it.
        args: what the task is called with.
        kwargs: likewise.

    Raises:
        AsyncConfigError: the rule is wrong; the message names the field and its value.
    """
    if missed not in tuple(Missed):
        raise AsyncConfigError(f"missed={missed!r} is none of {', '.join(map(repr, map(str, Missed)))}")
    return Decorator(_rule(cron, every, timezone), Missed(missed), name, tuple(args), dict(kwargs or {}))


def _rule(cron: str | None, every: float | timedelta | None, timezone: str) -> Rule:
    if (cron is None) == (every is None):
        raise AsyncConfigError("@schedule takes either cron=... or every=...")
    if cron is not None:
        return parse_cron(cron, timezone)
    seconds = every.total_seconds() if isinstance(every, timedelta) else every
    if seconds is None or seconds < 1 or seconds != int(seconds):
        raise AsyncConfigError(f"every={every!r} is no whole number of seconds, 1 or more")
    if timezone != "UTC":
        raise AsyncConfigError(
            f"every={every!r} knows no timezone ({timezone!r}); use cron='0 0 * * *' for a local time"
        )
    return Every(int(seconds))


def _check_arguments(made: Schedule) -> None:
    try:
        made.task.signature.bind(*made.args, **made.kwargs)
        encode_call(made.args, dict(made.kwargs))
    except ArgumentError as error:
        raise AsyncConfigError(f"the schedule {made.name!r}: {error.message}") from None
    except TypeError as error:
        raise AsyncConfigError(
            f"the schedule {made.name!r} calls {made.task.name}{made.task.signature} wrongly: {error}; give args= or"
            " kwargs="
        ) from None


def register(made: Schedule) -> None:
    """Keep a schedule under its name.

    Raises:
        AsyncConfigError: another one has the name.
    """
    other = SCHEDULES.get(made.name)
    if other is not None and (other.task.name != made.task.name or other.rule != made.rule):
        raise AsyncConfigError(f"two schedules are named {made.name!r}; give one @schedule(name=...)")
    SCHEDULES[made.name] = made
