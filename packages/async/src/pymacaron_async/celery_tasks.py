"""Tasks as Celery's workers run them: each message is handed to the executor, each end to Celery in its own terms."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from billiard.exceptions import Terminated, WorkerLostError
from celery import Task
from celery.exceptions import Reject, Retry, TimeLimitExceeded
from celery.worker.request import Request

from .exceptions import TaskNotQueued
from .execution import Retried
from .message import HEADER, Message
from .settings import check_timeouts
from .tasks import REGISTRY

if TYPE_CHECKING:
    from celery import Celery

    from .execution import Executor

_PAUSE = 1.0


class LastingRequest(Request):  # type: ignore[misc]  # Celery has no types
    """What the worker's main process does with a task whose own process can't: it was killed, or ran too long."""

    executor: Executor

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """Send a task again that ran longer than it may, or bury it; its process has been killed."""
        if not soft:
            self._end(TimeLimitExceeded(timeout), timeout)
        super().on_timeout(soft, timeout)

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        """Let a task whose process died be run again at once: its lease is of no use any more."""
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        if isinstance(error, (WorkerLostError, Terminated, SystemExit, KeyboardInterrupt)):
            self._release()
        return super().on_failure(exc_info, send_failed_event, return_ok)

    def _message(self) -> Message | None:
        header = (self._request_dict.get("headers") or {}).get(HEADER) or self._request_dict.get(HEADER)
        return Message.from_header(header, self.args[0]) if header else None

    def _end(self, error: BaseException, seconds: float) -> None:
        message = self._message()
        if message is None:
            return
        record = self.executor.runtime.store.get(message.id)
        if record is None or record.has_ended or record.attempt != message.attempt:
            return
        self.executor.runtime.store.release(message.id)
        try:
            self.executor.fail(message, record.lease, error, seconds, record.deliveries)
        except Retried:
            return

    def _release(self) -> None:
        message = self._message()
        if message is not None:
            try:
                self.executor.runtime.store.release(message.id)
            except TaskNotQueued:
                return  # the lease ends by itself


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
        header = (self.request.headers or {}).get(HEADER)
        if header is None:
            raise Reject("this message was not sent by pymacaron-async: it has no header of ours", requeue=False)
        try:
            state = executor.run(Message.from_header(header, call))
        except Retried as error:
            raise Retry(str(error), exc=error.__cause__, when=error.delay) from None
        except TaskNotQueued as error:
            time.sleep(_PAUSE)  # or it would come back at once, and again
            raise Reject(error.message, requeue=True) from None
        return str(state) if state is not None else None

    return run
