"""``/tasks/<id>``: what becomes of an operation with ``x-pym-async``.

``GET /tasks/<id>`` tells of the task, with its result or its error once it has ended; ``?wait=20`` waits for that.
``GET /tasks/<id>/result`` is the operation's own response, as if the endpoint answered now, and 202 until there is one.
``DELETE /tasks/<id>`` cancels the task.
"""

from __future__ import annotations

import re
import time
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from flask import current_app, request

from pymacaron.exceptions import BindError, ValidationError, fault

from .exceptions import NoSuchTask, TaskCancelled, TaskEnded
from .operations import RETRY_AFTER, AsyncOperation
from .ownership import Ownership, may_see
from .results import error_response, kept_result, task_document
from .runtime import get_runtime
from .store import State
from .tasks import REGISTRY

if TYPE_CHECKING:
    from flask import Flask, Response

    from pymacaron.plugins import AppCreatedContext

    from .store import Record

#: Seconds that ``?wait=`` waits at most.
LONGEST_WAIT = 20.0
#: Requests of one process that may wait at once; others are answered at once, so that threads are left to serve.
MOST_WAITING = 8

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 0.5
_VARIABLE = re.compile(r"<[^<>]*>")


def extend(context: AppCreatedContext) -> None:
    """Serve the tasks of an app's asynchronous operations (hook ``app_created``).

    Raises:
        BindError: the app has such a route already.
    """
    operations = [task for task in REGISTRY.values() if isinstance(task, AsyncOperation)]
    if operations:
        endpoints = TaskEndpoints(Ownership(operations))
        for path in sorted({operation.tasks_path for operation in operations}):
            endpoints.add_to(context.app, path)


class TaskEndpoints:
    """The endpoints that tell of tasks.

    Args:
        ownership: knows who asks.
    """

    def __init__(self, ownership: Ownership) -> None:
        self.ownership = ownership
        self._waiting = BoundedSemaphore(MOST_WAITING)

    def add_to(self, app: Flask, path: str) -> None:
        """Add the routes below a path.

        Raises:
            BindError: the app has one of them.
        """
        taken = {_VARIABLE.sub("<>", rule.rule) for rule in app.url_map.iter_rules()}
        if f"{path}/<>" in taken or f"{path}/<>/result" in taken:
            raise BindError(
                f"the service has a route {path}/{{id}} of its own, where its asynchronous operations would tell of"
                " their tasks; set async_tasks_path in pym-config to another path, such as /jobs"
            )
        views = ((f"{path}/<id>", "GET", self.show), (f"{path}/<id>/result", "GET", self.result))
        for rule, method, view in (*views, (f"{path}/<id>", "DELETE", self.cancel)):
            app.add_url_rule(rule, f"pymacaron_async:{method} {rule}", view, methods=[method])

    def show(self, id: str) -> Response:
        """Tell of a task."""
        return self._document(self._wait(self._find(id)), 200)

    def result(self, id: str) -> Response:
        """Answer what the operation answers; until it does, as it did when the task was started.

        Raises:
            TaskCancelled: it never will.
        """
        record = self._wait(self._find(id))
        if record.state == State.CANCELLED:
            raise TaskCancelled(f"the task {id} was cancelled, and has no result")
        if not record.has_ended:
            made = self._document(record, 202)
            made.headers["Location"] = _location(record)
            return made
        kept = error_response(record, current_app) if record.state == State.FAILED else kept_result(record)
        made = kept.to_response() if kept is not None else current_app.response_class(status=204)
        made.headers["Cache-Control"] = "no-store"
        return made

    def cancel(self, id: str) -> Response:
        """Cancel a task: 204 where it will never run, 202 where it runs and is being interrupted.

        Raises:
            TaskEnded: there is nothing left to cancel.
        """
        record = self._find(id)
        if record.state != State.CANCELLED and not get_runtime().store.cancel(id):
            raise TaskEnded(f"the task {id} has ended: it {record.state}; it cannot be cancelled any more")
        record = self._find(id)
        if record.has_ended:
            return current_app.response_class(status=204)
        return self._document(record, 202)

    def _find(self, id: str) -> Record:
        """Return what is known of a task.

        Raises:
            NoSuchTask: there is none, or it is another user's, which looks the same.
        """
        user = self.ownership.user()
        record = get_runtime().store.get(id) if _is_id(id) else None
        if record is None or not may_see(record, user):
            raise NoSuchTask("there is no such task; it was never started, or is no longer kept")
        return record

    def _wait(self, record: Record) -> Record:
        """Wait for the end of a task, as long as the request asks for, and return what is known then."""
        seconds = _seconds(request.args.get("wait"))
        if record.has_ended or not seconds or not self._waiting.acquire(blocking=False):
            return record
        try:
            return _ended(record, seconds)
        finally:
            self._waiting.release()

    def _document(self, record: Record, status: int) -> Response:
        error = error_response(record, current_app) if record.state == State.FAILED else None
        document = task_document(record, _location(record), error)
        made = current_app.response_class(msgspec.json.encode(document), status, content_type="application/json")
        made.headers["Cache-Control"] = "no-store"
        if not record.has_ended:
            made.headers["Retry-After"] = str(RETRY_AFTER)
        return made


def _ended(record: Record, seconds: float) -> Record:
    until, pause = time.monotonic() + seconds, _FIRST_PAUSE
    while not record.has_ended and (left := until - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_PAUSE)
        record = get_runtime().store.get(record.id) or record
    return record


def _location(record: Record) -> str:
    """Return where a task is asked for: below the path that the current request asks below."""
    before, _, _ = request.path.rpartition(f"/{record.id}")
    return f"{request.script_root}{before}/{record.id}"


def _is_id(text: str) -> bool:
    """Tell whether a text is the id of a task, in the one form in which we write it."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _seconds(text: str | None) -> float:
    """Read ``?wait=``.

    Raises:
        ValidationError: it is no number of seconds.
    """
    if text is None:
        return 0
    try:
        seconds: Any = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= LONGEST_WAIT:
        raise ValidationError(
            errors=[
                fault("query", "/wait", "maximum", f"{text[:40]!r} is no number of seconds from 0 to {LONGEST_WAIT:g}")
            ]
        )
    return float(seconds)
