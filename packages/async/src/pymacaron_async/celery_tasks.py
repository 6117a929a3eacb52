"""Tasks as Celery's workers run them: each message is handed to the executor, each end to Celery in its own terms."""

from __future__ import annotations

import logging
import os
import signal
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
from billiard.einfo import ExceptionInfo
from billiard.exceptions import Terminated, TimeLimitExceeded, WorkerLostError
from celery import Task
from celery.exceptions import Reject, Retry
from celery.worker.request import Request

from .exceptions import TaskNotQueued, TaskTimedOut
from .execution import Retried
from .message import HEADER, Message
from .settings import check_timeouts
from .store import State
from .tasks import REGISTRY

if TYPE_CHECKING:
    from celery import Celery

    from .execution import Executor
    from .store import Record

log = logging.getLogger("pymacaron.async")

_PAUSE = 1.0
#: Seconds that the worker's main process waits for a store that is away: it has other tasks to see to.
_PATIENCE = 5.0


class NotBegun(Exception):
    """The run that is said to have ended never began here."""


class LastingRequest(Request):  # type: ignore[misc]  # Celery has no types
    """What the worker's main process does with a task whose own process can't: it was killed, or ran too long."""

    executor: Executor

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        """See to a task that could not see to itself, before Celery acknowledges its message or puts it back.

        One that ran too long is sent again or buried; one whose process died can be run again at once; one that was
        terminated by an operator counts as cancelled. Where the store is away, or the run never began, the message is
        put back, and whatever is left to do is done by who gets it next.
        """
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        try:
            if isinstance(error, TimeLimitExceeded):
                self._end_process()
                self._fail(error)
            elif isinstance(error, Terminated):
                self._cancel()
            elif isinstance(error, (WorkerLostError, SystemExit, KeyboardInterrupt)):
                self._release(error)
        except (TaskNotQueued, NotBegun) as reason:
            log.warning("%s is put back into its queue: %s", self._name, reason)
            return super().on_failure(_as_lost(error), send_failed_event, return_ok)
        return super().on_failure(exc_info, send_failed_event, return_ok)

    @property
    def _name(self) -> str:
        return f"{self.name}[{self.id}]"

    def _ours(self) -> Message | None:
        header = (self._request_dict.get("headers") or {}).get(HEADER) or self._request_dict.get(HEADER)
        return Message.from_header(header, self.args[0]) if header else None

    def _end_process(self) -> None:
        """Kill the process of a task that ran too long: Celery will, but only after the next attempt was sent."""
        if self.worker_pid and self.worker_pid != os.getpid():
            with suppress(ProcessLookupError):
                os.kill(self.worker_pid, signal.SIGKILL)

    def _fail(self, error: TimeLimitExceeded) -> None:
        """See to a run that took too long.

        It may be over, or never have begun, as the store was away: where the broker is away too, this process waits for
        it, and may notice that the time is up before it reads that the message is rejected.
        """
        message = self._ours()
        record = self._running(message)
        if message is None:
            return
        if record is None or record.worker != self.executor.worker:
            self._check_is_over(message)
            return
        seconds = time.time() - self.time_start if self.time_start else 0.0
        log.error("%s was ended: it ran longer than %g s", self._name, seconds)
        late = TaskTimedOut(f"it ran longer than its time limit, {error.args[0]} s")
        with suppress(Retried):
            replace(self.executor, patience=_PATIENCE).fail(message, record.lease, late, seconds, record.deliveries)

    def _check_is_over(self, message: Message) -> None:
        """Raise NotBegun unless this attempt has come to its end, or a later one has been sent."""
        record = self.executor.runtime.store.get(message.id)
        attempt = record.attempt + (record.state == State.RETRYING) if record is not None else 0
        if record is None or not (record.has_ended or attempt > message.attempt):
            raise NotBegun("it did not begin to run here within its time limit")

    def _cancel(self) -> None:
        message = self._ours()
        record = self._running(message)
        if message is not None and record is not None:
            replace(self.executor, patience=_PATIENCE).finish(message, record.lease, State.CANCELLED)

    def _release(self, error: BaseException) -> None:
        message = self._ours()
        if message is None:
            return
        stopping = self.executor.is_stopping
        if not stopping:
            log.error("%s is run again, as its process died: %s", self._name, error)
        with suppress(TaskNotQueued):  # the lease ends by itself
            self.executor.runtime.store.release(message.id, counts=not stopping)

    def _running(self, message: Message | None) -> Record | None:
        """Return what is known of this run; None where it ended, or is no longer the last attempt."""
        if message is None:
            return None
        record = self.executor.runtime.store.get(message.id)
        return record if record and record.state == State.RUNNING and record.attempt == message.attempt else None


def _as_lost(error: BaseException) -> ExceptionInfo:
    """Return what Celery puts a message back for."""
    try:
        raise WorkerLostError(str(error))
    except WorkerLostError:
        return ExceptionInfo()


def register_tasks(celery: Celery, executor: Executor) -> None:
    """Make a task of Celery's of each of ours.

    Raises:
        AsyncConfigError: the time limit of one is not shorter than the visibility timeout.
    """
    request = type("Request", (LastingRequest,), {"executor": executor})
    base = type("LastingTask", (Task,), {"Request": request, "abstract": True})
    for name, task in REGISTRY.items():
        check_timeouts(executor.runtime.settings, task.time_limit, f"the time limit of {name}")
        celery.task(_runner(executor), name=name, bind=True, base=base, time_limit=task.time_limit, shared=False)


def _runner(executor: Executor) -> Any:
    def run(self: Any, call: str) -> str | None:
        message = _read(self.request, call)
        try:
            state = executor.run(message)
        except Retried as error:
            raise Retry(str(error), exc=error.__cause__, when=error.delay) from None
        except TaskNotQueued as error:
            time.sleep(_PAUSE)  # or it would come back at once, and again
            raise Reject(error.message, requeue=True) from None
        return str(state) if state is not None else None

    return run


def _read(request: Any, call: str) -> Message:
    """Return the message that a request of Celery's carries.

    Raises:
        Reject: it was not sent by us, or by a later version that says things this one does not know.
    """
    try:
        return Message.from_header((request.headers or {})[HEADER], call)
    except (KeyError, msgspec.ValidationError) as error:
        log.error("%s[%s] is thrown away: pymacaron-async did not send it (%s)", request.task, request.id, error)
        raise Reject("not a message of ours", requeue=False) from None
