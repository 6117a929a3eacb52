"""The errors of this package::

PyMacaronException
├── TaskNotQueued        TASK_NOT_QUEUED    503   the broker did not take a task
├── NoSuchTask           NO_SUCH_TASK       404
├── TaskTimedOut         TASK_TIMED_OUT     504   (also a TimeoutError) a task ran longer than it may
├── TaskEnded            TASK_ENDED         409   it cannot be cancelled any more
├── TaskCancelled        TASK_CANCELLED     410   it has no result
├── AsyncConfigError     (ends a start)           a setting that could lose tasks, or run them twice
└── ArgumentError        (also a TypeError)       an argument that no message can carry, or a wrong call
"""

from __future__ import annotations

from typing import Any

from pymacaron.exceptions import ConfigError, PyMacaronException


class TaskNotQueued(PyMacaronException):
    """The broker, or the store behind it, did not take a task in time. Nothing was queued, as far as is known."""

    code = "TASK_NOT_QUEUED"
    status = 503


class NoSuchTask(PyMacaronException):
    """There is no task of that id, or it is another user's."""

    code = "NO_SUCH_TASK"
    status = 404


class TaskTimedOut(PyMacaronException, TimeoutError):
    """A task ran longer than its time limit and was stopped."""

    code = "TASK_TIMED_OUT"
    status = 504


class TaskEnded(PyMacaronException):
    """A task that has ended cannot be cancelled."""

    code = "TASK_ENDED"
    status = 409


class TaskCancelled(PyMacaronException):
    """A task that was cancelled has no result."""

    code = "TASK_CANCELLED"
    status = 410


class AsyncConfigError(ConfigError):
    """The settings would lose tasks or run them twice; the message has the numbers."""


class ArgumentError(PyMacaronException, TypeError):
    """A task was called with arguments that it does not take, or that no message can carry."""

    code = "INTERNAL_VALIDATION_ERROR"


class Cancelled(BaseException):
    """Raised inside a task that was cancelled, where it next reports its progress."""


class Answered(Exception):
    """An operation's task ended with an error answer that nobody is to run it again for, or to bury it.

    Attributes:
        error: as the task's record keeps it.
    """

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.error = error
