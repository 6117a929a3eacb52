"""The errors of this package::

PyMacaronException
├── TaskNotQueued        TASK_NOT_QUEUED    503   the broker did not take a task
├── NoSuchTask           NO_SUCH_TASK       404
├── AsyncConfigError     (ends a start)           a setting that could lose tasks, or run them twice
└── ArgumentError        (also a TypeError)       an argument that no message can carry, or a wrong call
"""

from __future__ import annotations

from pymacaron.exceptions import ConfigError, PyMacaronException


class TaskNotQueued(PyMacaronException):
    """The broker, or the store behind it, did not take a task in time. Nothing was queued, as far as is known."""

    code = "TASK_NOT_QUEUED"
    status = 503


class NoSuchTask(PyMacaronException):
    """There is no task of that id, or it is another user's."""

    code = "NO_SUCH_TASK"
    status = 404


class AsyncConfigError(ConfigError):
    """The settings would lose tasks or run them twice; the message has the numbers."""


class ArgumentError(PyMacaronException, TypeError):
    """A task was called with arguments that it does not take, or that no message can carry."""

    code = "INTERNAL_VALIDATION_ERROR"


class Cancelled(BaseException):
    """Raised inside a task that was cancelled, where it next reports its progress."""
