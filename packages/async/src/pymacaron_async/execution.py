"""One run of a task in a worker: asked for, held by a lease, run as its caller, and its end written down.

Nothing is lost: the message is acknowledged after its end was written, a retry is sent before its failure is written,
and one that failed for the last time is buried before that. Nothing is run twice by us: a message that comes again
finds that its task has ended, or that a worker which is alive runs it.
"""

from __future__ import annotations

import logging
import random
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from pymacaron.crash import report_error, report_warning
from pymacaron.monitor import monitor

from .arguments import decode_call
from .caller import become
from .current import CurrentTask, set_current_task
from .exceptions import Answered, Cancelled, TaskNotQueued
from .leases import Lease, leases
from .store import ENDED, DeadLetter, State, Verdict
from .tasks import REGISTRY, inside_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask

    from .message import Message
    from .runtime import Runtime
    from .tasks import AsyncTask

log = logging.getLogger("pymacaron.async")

_LAST_FRAMES = 30


class Retried(Exception):
    """The task failed and will run again after ``delay`` seconds."""

    def __init__(self, error: BaseException, delay: float) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.delay = delay


@dataclass
class Executor:
    """Runs messages in this process.

    Attributes:
        app: the service; its context is entered for each run.
        runtime: store and transport.
        worker: name of this worker, for people.
        patience: seconds for which the end of a task is written again and again where store or broker are away; half
            the visibility timeout where it is None.
        is_stopping: whether the worker was asked to stop: a run that is ended by that does not count.
    """

    app: Flask
    runtime: Runtime
    worker: str
    patience: float | None = None
    is_stopping: bool = False

    def run(self, message: Message) -> State | None:
        """Run a message.

        Returns:
            How the run ended; None where it was not to run: it ended before, waits for another worker, or was
            cancelled.

        Raises:
            Retried: it failed and will run again.
            TaskNotQueued: the store or the broker cannot be reached; the message must be kept.
            Exception: what the task raised, the last time.
        """
        lease = token_hex(16)
        verdict, count = self.runtime.store.begin(message, lease, self.runtime.settings.lease, self.worker)
        if verdict == Verdict.WAIT:
            self.runtime.transport.send(message, count / 1000 + random.uniform(0, 1))
            return None
        if verdict == Verdict.CANCELLED:
            self.finish(message, lease, State.CANCELLED)
            return State.CANCELLED
        if verdict == Verdict.EXHAUSTED:
            self._bury(message, lease, _exhausted(count), count)
            return State.FAILED
        if verdict == Verdict.DROP:
            log.info("%s[%s] attempt %d is not run: it has been", message.name, message.id, message.attempt)
            return None
        return self._run(message, lease, count)

    def _run(self, message: Message, lease: str, deliveries: int) -> State:
        started = time.perf_counter()
        task = REGISTRY.get(message.name)
        try:
            if task is None:
                raise LookupError(f"this worker has no task {message.name!r}; is its code older than the caller's?")
            with leases.held(Lease(message, lease, self.runtime)), self._as_caller(message, deliveries):
                args, kwargs = decode_call(message.call)
                result = task.run(args, kwargs)
        except Cancelled:
            self.finish(message, lease, State.CANCELLED, seconds=time.perf_counter() - started)
            return State.CANCELLED
        except Answered as answer:
            self.finish(message, lease, State.FAILED, error=answer.error, seconds=time.perf_counter() - started)
            return State.FAILED
        except Exception as error:
            self.fail(message, lease, error, time.perf_counter() - started, deliveries)
            raise
        self.finish(message, lease, State.SUCCEEDED, result=result, seconds=time.perf_counter() - started)
        return State.SUCCEEDED

    @contextmanager
    def _as_caller(self, message: Message, deliveries: int) -> Iterator[None]:
        with self.app.app_context(), monitor("TASK", message.name):
            current = CurrentTask(message, self.runtime.store, deliveries)
            current.token_state = become(message.caller, message.name)
            set_current_task(current)
            inside = inside_task.set(True)
            try:
                yield
            except Answered:
                raise
            except Exception as error:
                _report(message, error)
                raise
            finally:
                inside_task.reset(inside)
                set_current_task(None)

    def fail(self, message: Message, lease: str, error: BaseException, seconds: float, deliveries: int = 1) -> None:
        """Send a failed task again, or bury it.

        Raises:
            Retried: it will run again.
        """
        task: AsyncTask[Any, Any] | None = REGISTRY.get(message.name)
        delay = task.retry_delay(message.attempt, error) if task is not None else None
        if delay is None:
            self._bury(message, lease, describe(error), deliveries, seconds)
            return
        self._persist(lambda: self.runtime.transport.send(message.next_attempt(), delay))
        self.finish(message, lease, State.RETRYING, error=describe(error), seconds=seconds)
        raise Retried(error, delay) from error

    def _bury(self, message: Message, lease: str, error: dict[str, Any], deliveries: int, seconds: float = 0) -> None:
        letter = DeadLetter(message, error, time.time(), deliveries)
        self._persist(lambda: self.runtime.store.bury(letter))
        self.finish(message, lease, State.FAILED, error=error, seconds=seconds)

    def finish(self, message: Message, lease: str, state: State, **what: Any) -> None:
        """Write how a run ended; what follows a task that ended is sent before that."""
        if state in ENDED:
            self._persist(lambda: self._send_followers(message, lease))
        self._persist(lambda: self.runtime.store.finish(message, lease, state, **what))

    def _send_followers(self, message: Message, lease: str) -> None:
        """Send what follows a task, unless the task is another worker's by now."""
        task: AsyncTask[Any, Any] | None = REGISTRY.get(message.name)
        followers = list(task.followers(message)) if task is not None else []
        if not followers:
            return
        record = self.runtime.store.get(message.id)
        if record is None or record.lease in ("", lease):
            for follower in followers:
                self.runtime.transport.send(follower)

    def _persist(self, write: Callable[[], Any]) -> None:
        """Write what must not be lost, however long store or broker are away, within this worker's patience."""
        patience = self.runtime.settings.visibility_timeout / 2 if self.patience is None else self.patience
        until = time.monotonic() + patience
        pause = 0.1
        while True:
            try:
                write()
            except TaskNotQueued as error:
                if time.monotonic() > until:
                    raise
                log.warning("tried again in %.1f s: %s", pause, error.message)
                time.sleep(pause)
                pause = min(pause * 2, 5.0)
            else:
                return


def _report(message: Message, error: Exception) -> None:
    """Report a failed run: as an error the last time, as a warning where there is another attempt."""
    task: AsyncTask[Any, Any] | None = REGISTRY.get(message.name)
    what = f"{type(error).__name__}: {str(error)[:200]}"
    if task is not None and task.runs_again(message.attempt, error):
        told = {**_told(message, error), "error": describe(error)}
        report_warning(f"the task {message.name} failed and runs again: {what}", told)
    else:
        report_error(f"the task {message.name} failed: {what}", _told(message, error), error)


def _told(message: Message, error: BaseException) -> dict[str, Any]:
    """Return what a report has beside the error: the task, and the id that its caller may quote."""
    made: dict[str, Any] = {"task": {"id": message.id, "name": message.name, "attempt": message.attempt}}
    error_id = getattr(error, "pym_error_id", None)
    return made if error_id is None else {**made, "error_id": error_id}


def describe(error: BaseException) -> dict[str, Any]:
    """Return an error as its task's record keeps it: type, message, the end of the trace, and its code and status."""
    trace = "".join(traceback.format_exception(error)[-_LAST_FRAMES:])
    made: dict[str, Any] = {"type": type(error).__name__, "message": str(error), "trace": trace}
    if isinstance(answer := getattr(error, "pym_answer", None), str):
        made["answer"] = answer
    for name in ("code", "status", "user_message"):
        if isinstance(value := getattr(error, name, None), (str, int)):
            made[name] = value
    return made


def _exhausted(count: int) -> dict[str, Any]:
    message = f"{count - 1} workers died of it, or were killed while it ran"
    return {"type": "WorkersLost", "message": message, "trace": ""}
