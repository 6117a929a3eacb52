"""The log of a worker: one line an entry, with the ids of the task and of the call while a task runs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from billiard.util import get_logger
from celery.signals import setup_logging

from .current import current_task

if TYPE_CHECKING:
    from typing import Any

FORMAT = "%(levelname)s %(name)s: %(ids)s%(message)s"

#: Loggers of Celery's, and from where on they are heard. What becomes of tasks is told by :mod:`.execution` and
#: :mod:`.celery_tasks`, once, and not by Celery again.
LEVELS = {
    "amqp": logging.WARNING,
    "billiard": logging.WARNING,
    "celery": logging.WARNING,
    "celery.app.trace": logging.CRITICAL,
    "celery.worker.request": logging.CRITICAL,
    "kombu": logging.WARNING,
    "multiprocessing": logging.WARNING,
}


class TaskIds(logging.Filter):
    """Gives each entry ``task`` and ``call``, the ids, and ``ids``, both as a text; empty where no task runs."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add them; nothing is left out."""
        running = current_task()
        task, call = (running.id, running.message.caller.call_id) if running else ("", "")
        vars(record).update(task=task, call=call, ids=f"[task {task} call {call}] " if running else "")
        return True


def configure_worker_logging() -> None:
    """Log quietly, to where this process logs already, and keep Celery from configuring logs itself."""
    setup_logging.connect(_keep)
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.StreamHandler())
    for handler in root.handlers:
        handler.setFormatter(logging.Formatter(FORMAT))
        handler.addFilter(TaskIds())
    get_logger().propagate = True  # billiard's, which has no handler
    for name, level in LEVELS.items():
        logging.getLogger(name).setLevel(level)


def _keep(**_: Any) -> None:
    """Receive the signal: that somebody does keeps Celery from adding handlers of its own."""
