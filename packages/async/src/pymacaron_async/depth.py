"""Watches the queues of a worker: messages that wait there while it has free slots and takes none tell of a fault."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Protocol

from .queues import Queues

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from celery import Celery

log = logging.getLogger("pymacaron.async")

_EVERY = 1.0
#: Seconds between two looks at the queues.
_LOOK_EVERY = 3.0


class Observed(Protocol):
    """What is watched of a worker."""

    concurrency: int

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection to the broker."""

    @property
    def consumed(self) -> int:
        """How many tasks it has started."""

    def underway(self) -> Sequence[Any]:
        """Return the tasks that run."""


class Observer:
    """A thread that looks after a worker.

    Attributes:
        connected: whether the worker is connected to the broker.
        connected_since: since when that is so, by the monotonic clock.
        starving_since: since when messages wait that it does not take; 0 where none do.
    """

    def __init__(self, worker: Observed, app: Celery, queues: Sequence[str]) -> None:
        self.connected = False
        self.connected_since = time.monotonic()
        self.starving_since = 0.0
        self._worker = worker
        self._app = app
        self._queues = queues
        self._consumed = -1
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="observer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; a look that is under way ends with the process."""
        self._stopped.set()

    def look(self) -> None:
        """See whether the worker takes what waits.

        That a message waits at one moment means nothing: only one that waits from one look to the next, while no task
        was started in between, does.
        """
        consumed, self._consumed = self._consumed, self._worker.consumed
        idle = consumed == self._consumed and len(self._worker.underway()) < self._worker.concurrency
        if not (idle and self.connected and waiting(self._app, self._queues)):
            self.starving_since = 0.0
        elif not self.starving_since:
            self.starving_since = time.monotonic()

    def _run(self) -> None:
        looked = time.monotonic()
        while not self._stopped.wait(_EVERY):
            if self._worker.is_connected != self.connected:
                self.connected = not self.connected
                self.connected_since = time.monotonic()
            if time.monotonic() - looked >= _LOOK_EVERY:
                looked = time.monotonic()
                try:
                    self.look()
                except Exception as error:  # noqa: BLE001  # whatever a broker's client raises, it is looked at again
                    log.debug("the queues were not looked at: %s", error)


def waiting(app: Celery, queues: Sequence[str]) -> int:
    """Return how many messages wait in some queues; those that a worker holds are not counted."""
    with app.connection_for_read() as connection:
        return sum(map(Queues(connection).waiting, queues))
