"""The task that runs now, as its own code sees it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .exceptions import Cancelled
from .store import Progress

if TYPE_CHECKING:
    from .message import Message
    from .store import Store


@dataclass
class CurrentTask:
    """The task that runs now.

    Attributes:
        message: what it was called with.
        token_state: ``valid``, ``none``, ``expired`` or ``invalid``: what became of the caller's token since the call.
        deliveries: how often this attempt was started: more than one where workers died of it.
    """

    message: Message
    store: Store
    deliveries: int = 1
    token_state: str = "none"

    @property
    def id(self) -> str:
        """The id, which stays the same however often it runs."""
        return self.message.id

    @property
    def name(self) -> str:
        """The name."""
        return self.message.name

    @property
    def attempt(self) -> int:
        """1 for the first run, one more after each failure."""
        return self.message.attempt

    @property
    def idempotency_key(self) -> str:
        """A key that stays the same however often the task runs, for whatever has its effect."""
        return self.message.idempotency_key or self.message.id

    def progress(self, done: float, total: float, message: str = "") -> None:
        """Tell how far the task is.

        Raises:
            Cancelled: somebody cancelled it; let it pass.
        """
        if not self.store.report(self.id, Progress(done, total, message)):
            raise Cancelled(self.id)


_current: ContextVar[CurrentTask | None] = ContextVar("pymacaron_task", default=None)


def current_task() -> CurrentTask | None:
    """Return the task that runs now; None where none does."""
    return _current.get()


def set_current_task(task: CurrentTask | None) -> None:
    """Make a task the one that runs now, in this context."""
    _current.set(task)


class TaskProxy:
    """Stands for the task that runs now: ``task.progress(3, 10)``. Where none runs, progress is not told to anybody."""

    @property
    def id(self) -> str | None:
        """The id; None where no task runs."""
        found = current_task()
        return found.id if found else None

    @property
    def attempt(self) -> int:
        """1 for the first run, one more after each failure."""
        found = current_task()
        return found.attempt if found else 1

    @property
    def deliveries(self) -> int:
        """How often this attempt was started."""
        found = current_task()
        return found.deliveries if found else 1

    @property
    def token_state(self) -> str:
        """What became of the caller's token; see :class:`CurrentTask`."""
        found = current_task()
        return found.token_state if found else "none"

    @property
    def idempotency_key(self) -> str | None:
        """A key that stays the same however often the task runs; None where no task runs."""
        found = current_task()
        return found.idempotency_key if found else None

    def progress(self, done: float, total: float, message: str = "") -> None:
        """Tell how far the task is; see :meth:`CurrentTask.progress`."""
        found = current_task()
        if found is not None:
            found.progress(done, total, message)


task = TaskProxy()
