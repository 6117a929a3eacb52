"""Sends the messages of the store whose time has come. Each worker does so; each message is given to one of them."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from .exceptions import TaskNotQueued

if TYPE_CHECKING:
    from .runtime import Runtime

log = logging.getLogger("pymacaron.async")

_BATCH = 100
#: Seconds that a message is another worker's to send after it was taken. A worker that dies meanwhile loses nothing:
#: it is due again.
HOLD = 60.0
_FIRST_PAUSE = 2.0
_LONGEST_PAUSE = 5.0


class Mover:
    """A thread that looks for messages that are due, and sends them.

    Args:
        runtime: of the service.
        every: seconds between two looks.
    """

    def __init__(self, runtime: Runtime, every: float = 1.0) -> None:
        self.runtime = runtime
        self.every = every
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mover", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, within: float = 5.0) -> None:
        """End; what is due is left to other workers."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(within)

    def move(self) -> int:
        """Send what is due; return how many messages that were.

        A message is forgotten after it was sent. Where this process dies between the two it is sent again, and the
        second one finds that its attempt has been run, or is under way.

        Raises:
            TaskNotQueued: store or broker cannot be reached; what was not sent is due again after the hold.
        """
        due = self.runtime.store.take_due(_BATCH, HOLD)
        for message in due:
            self.runtime.transport.send(message)
            self.runtime.store.settle(message)
        return len(due)

    def _run(self) -> None:
        pause = self.every
        while not self._stopped.wait(pause):
            try:
                moved = self.move()
            except TaskNotQueued as error:
                pause = min(max(pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)
                log.warning("delayed tasks wait, looked after again in %.0f s: %s", pause, error.message)
            except Exception:  # a thread that ends in silence would keep all of them waiting
                pause = _LONGEST_PAUSE
                log.exception("delayed tasks wait, looked after again in %.0f s", pause)
            else:
                pause = 0 if moved == _BATCH else self.every
