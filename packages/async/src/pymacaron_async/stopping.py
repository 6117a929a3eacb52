"""How a worker stops: it takes no more tasks, finishes what it runs, and hands back what takes too long."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from celery.exceptions import WorkerTerminate
from celery.worker import state

from .exceptions import TaskNotQueued

if TYPE_CHECKING:
    from collections.abc import Callable

    from .execution import Executor
    from .worker import Worker

log = logging.getLogger("pymacaron.async")

_TICK = 0.05
#: Seconds for what comes after the tasks: the main loop sees them end, connections are closed.
_TO_HAND_BACK = 3.0
_TO_CLOSE = 10.0


class Stop:
    """The stop of a worker, on SIGTERM, SIGINT or SIGQUIT.

    The first signal lets the tasks that run end within some seconds; SIGQUIT, or a second signal, does not wait. What
    runs then is ended and handed back: its message returns to the queue and its lease is given up, so that another
    worker runs it at once.

    Args:
        worker: to stop.
        executor: of its tasks.
        within: seconds.
    """

    def __init__(self, worker: Worker, executor: Executor, within: float) -> None:
        self.ended = threading.Event()
        self._worker = worker
        self._executor = executor
        self._within = within
        self._hurry = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stop", daemon=True)
        self._main = os.getpid()

    def install(self) -> None:
        """Receive the signals. Children that inherit the handlers end where one reaches them."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGALRM, self._end_main)

    def _on_signal(self, number: int, _: Any) -> None:
        if os.getpid() != self._main:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        if number == signal.SIGQUIT or self._worker.is_stopping:
            self._hurry.set()
        if not self._worker.is_stopping:
            self._worker.is_stopping = True
            self._executor.is_stopping = True
            self._thread.start()

    def _run(self) -> None:
        log.info("stopping; %d tasks may take %g s to end", len(self._worker.underway()), self._within)
        self._take_no_more()
        until = time.monotonic() + self._within
        self._wait(lambda: not self._worker.underway() or self._hurry.is_set(), until)
        rest = self._worker.underway()
        if rest:
            self._hand_back()
            log.warning("%d tasks did not end in time and were handed back", len(rest))
        state.should_stop = os.EX_OK
        if not self.ended.wait(_TO_CLOSE):
            log.warning("the connections did not close in time; what was held comes back by itself")
            logging.shutdown()
            os._exit(os.EX_OK)

    def _take_no_more(self) -> None:
        """Cancel the consumer, in the thread that owns it."""
        consumer = getattr(self._worker, "consumer", None)
        if consumer is not None and self._worker.is_connected:
            consumer.call_soon(consumer.task_consumer.cancel)

    def _hand_back(self) -> None:
        if self._worker.pool_name == "prefork":
            # The main loop sees that they are gone, gives up their leases and puts their messages back.
            self._wait(self._kill_all, time.monotonic() + _TO_HAND_BACK)
        for request in self._worker.underway():
            with suppress(TaskNotQueued):  # where the store is away the lease ends by itself
                self._executor.runtime.store.release(request.id, counts=False)
        if self._worker.pool_name != "prefork":
            state.should_terminate = os.EX_OK
            if self._worker.pool_name == "solo":
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)

    def _kill_all(self) -> bool:
        """End the processes that run tasks; return whether all are known to be gone."""
        rest = self._worker.underway()
        for request in rest:
            if request.worker_pid:
                with suppress(ProcessLookupError):
                    os.kill(request.worker_pid, signal.SIGKILL)
        return not rest

    def _end_main(self, *_: Any) -> None:
        """End the task that runs in the main thread."""
        raise WorkerTerminate(os.EX_OK)

    @staticmethod
    def _wait(done: Callable[[], bool], until: float) -> None:
        while not done() and time.monotonic() < until:
            time.sleep(_TICK)
