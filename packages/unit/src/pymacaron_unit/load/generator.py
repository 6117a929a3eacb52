"""The open loop: sends each call when it is due, whatever became of those before."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .outcome import NOT_SENT, TIMEOUT, Answer, Outcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    from .calls import Call

# Between the start and the first call, so that starting does not make it late.
_LEAD = 0.05
# How much before a call is due the loop stops sleeping and only looks at its sockets, in seconds: it sleeps in whole
# milliseconds (epoll), rounded up, which would become part of every response time.
_PRECISION = 0.001
# After an interrupt, seconds in which calls that are under way may still come back.
_LAST_WORDS = 1.0


class Generator:
    """Sends calls on a schedule.

    Args:
        moments: when calls are due, in seconds, ascending.
        calls: what is sent; one is taken for each moment.
        send: sends one call and returns what came back; it never raises.
        record: is told of each call that came to an end.
        limit: how many calls may be under way at once; further ones wait, and are late.
        grace: seconds after the last moment until calls that are still under way are given up.
        precision: seconds before a call is due in which the loop does not sleep.

    Attributes:
        interrupted: whether :meth:`stop` ended it.
        unfinished: calls that an interrupt gave up; they are recorded nowhere.
    """

    def __init__(
        self,
        moments: Iterable[float],
        calls: Iterator[Call],
        send: Callable[[Call], Awaitable[Answer]],
        record: Callable[[Outcome], None],
        limit: int,
        grace: float,
        precision: float = _PRECISION,
    ) -> None:
        self._moments = moments
        self._calls = calls
        self._send = send
        self._record = record
        self._slots = asyncio.Semaphore(limit)
        self._grace = grace
        self._precision = precision
        self._started = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: asyncio.Task[None] | None = None
        self.interrupted = False
        self.unfinished = 0

    def stop(self) -> None:
        """Send nothing more and end soon; a second time, at once."""
        if self.interrupted:
            self._cancel()
        self.interrupted = True
        if self._running is not None:
            self._running.cancel()

    async def run(self) -> None:
        """Send all calls, and return when the last has come to an end."""
        self._running = asyncio.create_task(self._follow_schedule())
        await asyncio.wait([self._running])
        if not self._running.cancelled() and (error := self._running.exception()) is not None:
            self._cancel()
            raise error
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_LAST_WORDS if self.interrupted else self._grace)
        self._cancel()
        left = await asyncio.gather(*self._tasks, return_exceptions=True)
        # A call that was given up before its first step was never at work.
        self.unfinished += sum(isinstance(each, asyncio.CancelledError) for each in left)

    async def _follow_schedule(self) -> None:
        loop = asyncio.get_running_loop()
        first = True
        for moment in self._moments:
            if first:
                self._started = loop.time() + _LEAD - moment
                first = False
            await self._wait_until(self._started + moment)
            if self.interrupted:
                return
            task = loop.create_task(self._one(next(self._calls), moment))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _wait_until(self, moment: float) -> None:
        now = asyncio.get_running_loop().time
        # Also where it is overdue: answers must be read between two calls.
        await asyncio.sleep(max(moment - now() - self._precision, 0))
        while now() < moment - 1e-9:
            await asyncio.sleep(0 if self._precision else moment - now())

    async def _one(self, call: Call, due: float) -> None:
        sent, reached = None, self._now()
        try:
            async with self._slots:
                sent = self._now()
                answer = await self._send(call)
        except asyncio.CancelledError:
            if self.interrupted:
                self.unfinished += 1
                return
            answer = Answer(failure=NOT_SENT if sent is None else TIMEOUT)
        self._record(Outcome(call, due, sent, self._now(), answer, reached))

    def _now(self) -> float:
        return asyncio.get_running_loop().time() - self._started

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()
