"""Asynchronous tasks: a decorated function runs later, elsewhere, as if it ran here, and is never lost.

::

    from pymacaron_async import asynctask

    @asynctask(max_retries=5)
    def send_receipt(order): ...

Called inside a request, ``send_receipt(order)`` is queued; a worker (``pym worker``) runs it with the caller's user,
token, call id and configuration.
"""

from __future__ import annotations

from .current import current_task, task
from .exceptions import ArgumentError, AsyncConfigError, Cancelled, NoSuchTask, TaskNotQueued
from .schedules import schedule
from .tasks import AsyncTask, Queued, asynctask

__all__ = [
    "ArgumentError",
    "AsyncConfigError",
    "AsyncTask",
    "Cancelled",
    "NoSuchTask",
    "Queued",
    "TaskNotQueued",
    "asynctask",
    "current_task",
    "schedule",
    "task",
]
