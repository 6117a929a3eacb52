"""The beat: sends the tasks of schedules when they are due. Every worker has one, and each tick is sent once.

Beats agree through the store alone: on its clock, and on the last tick that was sent. The ticks of a schedule are
claimed in their order; a claim of a beat that died lapses, and another beat sends the tick. Where the dead one had sent
it already, the task has the same id, and what was run does not run again.
"""

from __future__ import annotations

import logging
import socket
import threading
from contextvars import Context
from typing import TYPE_CHECKING
from uuid import uuid4

from .exceptions import TaskNotQueued
from .schedules import GRACE, MOST_MISSED, SCHEDULES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .runtime import Runtime
    from .schedules import Schedule

log = logging.getLogger("pymacaron.async")

_LONGEST_PAUSE = 30.0
_PAUSE_AFTER_FAILURE = 1.0


class Beat(threading.Thread):
    """The beat of this process.

    Args:
        runtime: what it sends through.
        schedules: what it sends; all of this process where it is None.
    """

    def __init__(self, runtime: Runtime, schedules: Iterable[Schedule] | None = None) -> None:
        super().__init__(name="beat", daemon=True)
        self.runtime = runtime
        self.schedules = list(SCHEDULES.values() if schedules is None else schedules)
        self.holder = f"{socket.gethostname()}-{uuid4()}"
        # Twice as long as a send may take.
        self.hold = 2 * runtime.settings.publish_within
        # A tick whose beat died is not missed before another one could send it.
        self.grace = max(GRACE, 2 * self.hold)
        self._stopped = threading.Event()

    def run(self) -> None:
        """Send what is due, until it is stopped. There is nothing to do without schedules."""
        while self.schedules and not self._stopped.is_set():
            try:
                pause = self.tick_all()
            except TaskNotQueued as error:
                log.warning("the beat waits: %s", error.message)
                pause = _PAUSE_AFTER_FAILURE
            self._stopped.wait(pause)

    def stop(self, within: float = 5.0) -> None:
        """End it; what it is sending is sent."""
        self._stopped.set()
        if self.is_alive():
            self.join(within)

    def tick_all(self) -> float:
        """Send what is due; return the seconds until it is worth while to look again."""
        now = self.runtime.store.now()
        pauses = [_LONGEST_PAUSE]
        for schedule in self.schedules:
            if not self._tick_safely(schedule, now):
                pauses.append(self.hold)
            pauses.append(schedule.rule.after(now) - now)
        return min(pauses)

    def _tick_safely(self, schedule: Schedule, now: float) -> bool:
        try:
            return self._tick(schedule, now)
        except TaskNotQueued:
            raise
        except Exception:
            log.exception("%s was not sent; it is tried again within %g s", schedule.name, self.hold)
            return False

    def _tick(self, schedule: Schedule, now: float) -> bool:
        """Send the ticks of one schedule; return False where another beat is at it."""
        store = self.runtime.store
        last = store.last_tick(schedule.name)
        if last is None:
            store.start_schedule(schedule.name, schedule.rule.before(now))
            return True
        due = schedule.due(last, now, self.grace)
        if len(due) == MOST_MISSED:
            log.warning("%s missed %d ticks or more; those before are given up", schedule.name, MOST_MISSED)
        for tick in due:
            if self._stopped.is_set() or not store.claim_tick(schedule.name, tick, self.holder, self.hold):
                return False
            Context().run(self._send, schedule, tick)
            store.confirm_tick(schedule.name, tick, self.holder)
        return True

    def _send(self, schedule: Schedule, tick: int) -> None:
        """Send a tick as a call of its own: it has an id of its own, and no user."""
        task, runtime = schedule.task, self.runtime
        id = schedule.task_id(runtime.settings.service, tick)
        message = task.message(schedule.args, dict(schedule.kwargs), task_id=id)
        queued = runtime.submit(message, task.options.delay, track=task.is_tracked)
        if queued.id != id:
            log.info("%s is not sent again: %s is not done with the last one", schedule.name, queued.id)


def start(runtime: Runtime) -> Beat:
    """Start the beat of this process, with all schedules that it knows."""
    beat = Beat(runtime)
    beat.start()
    return beat
