"""Tasks without a broker: a thread of the process that queues them runs them. For development alone.

They run one at a time, with retries, delays, unique keys and dead letters as anywhere, and are gone with their process.
No time limit ends them.
"""

from __future__ import annotations

import atexit
import heapq
import itertools
import logging
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from .embedded import VARIABLE
from .exceptions import TaskNotQueued
from .execution import Executor, Retried
from .leases import leases
from .memory_store import MemoryStore
from .runtime import Runtime

if TYPE_CHECKING:
    from flask import Flask

    from .message import Message
    from .settings import Settings

log = logging.getLogger("pymacaron.async")

#: Seconds that a process waits, when it ends, for the tasks that it runs and those that are due.
WAIT_AT_EXIT = 5.0
_PAUSE = 1.0

_app: list[Flask] = []


def set_app(app: Flask) -> None:
    """Run the tasks of this process as a service.

    In the server of `pym run`, SIGTERM then ends the process as an exit does, so that it waits for its tasks.
    """
    _app[:] = [app]
    in_main = threading.current_thread() is threading.main_thread()
    if os.environ.get(VARIABLE) == "" and in_main and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _exit)


def make_in_process_runtime(settings: Settings) -> Runtime:
    """Return a runtime whose tasks a thread of this process runs."""
    transport = InProcessTransport(min(settings.stop_within, WAIT_AT_EXIT))
    runtime = Runtime(settings, MemoryStore(settings.keep, settings.most_deliveries), transport)
    transport.runtime = runtime
    return runtime


class InProcessTransport:
    """The way to the thread of this process; see :class:`~pymacaron_async.runtime.Transport`.

    Args:
        wait_at_exit: seconds.
    """

    runtime: Runtime

    def __init__(self, wait_at_exit: float) -> None:
        self._wait_at_exit = wait_at_exit
        self._order = itertools.count()
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        """Begin with nothing; a forked process has none of the threads of the one that it is forked from."""
        self._due: list[tuple[float, int, Message]] = []
        self._running = 0
        self._closed = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def send(self, message: Message, delay: float = 0) -> None:
        """Run a message after some seconds.

        Raises:
            TaskNotQueued: no service is loaded in this process.
        """
        if not _app:
            raise TaskNotQueued(
                f"{message.name} was not queued: there is no broker, and no service is loaded in this process that"
                " could run it; start `pym run`, or call the task with .call()"
            )
        with self._changed:
            if self._closed:
                raise TaskNotQueued(f"{message.name} was not queued: this process ends")
            heapq.heappush(self._due, (time.monotonic() + delay, next(self._order), message))
            if self._thread is None:
                self._start()
            self._changed.notify_all()

    def _start(self) -> None:
        leases.start()
        self._thread = threading.Thread(target=self._run, name="tasks", daemon=True)
        self._thread.start()
        atexit.register(self._end)

    def close(self) -> None:
        """Take no more tasks; those that wait are forgotten."""
        with self._changed:
            self._closed = True
            self._due.clear()
            self._changed.notify_all()
        atexit.unregister(self._end)

    def _run(self) -> None:
        while True:
            message = self._next()
            if message is None:
                return
            try:
                Executor(_app[0], self.runtime, f"process {os.getpid()}").run(message)
            except Retried as error:
                log.info("%s[%s] runs again in %.1f s: %s", message.name, message.id, error.delay, error)
            except Exception as error:  # noqa: BLE001  # it was reported and buried
                log.debug("%s[%s] failed for the last time: %s", message.name, message.id, error)
            finally:
                with self._changed:
                    self._running = 0
                    self._changed.notify_all()

    def _next(self) -> Message | None:
        """Wait for a message that is due; None where there will be none."""
        with self._changed:
            while not self._closed:
                left = self._due[0][0] - time.monotonic() if self._due else None
                if left is not None and left <= 0:
                    self._running = 1
                    return heapq.heappop(self._due)[2]
                self._changed.wait(left)
            return None

    def _end(self) -> None:
        """Let what is due end within some seconds, and say what is lost."""
        until = time.monotonic() + self._wait_at_exit
        with self._changed:
            while (self._running or self._is_due()) and time.monotonic() < until:
                self._changed.wait(until - time.monotonic())
            lost = len(self._due) + self._running
            self._closed = True
            self._changed.notify_all()
        if lost:
            log.warning("%d tasks are lost with this process; with a broker they would not be", lost)

    def _is_due(self) -> bool:
        return bool(self._due) and self._due[0][0] <= time.monotonic()


def _exit(*_: Any) -> None:
    sys.exit(128 + signal.SIGTERM)
