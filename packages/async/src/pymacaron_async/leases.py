"""Leases of the tasks that run in this process, renewed by one thread while they run."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .exceptions import Cancelled, TaskNotQueued

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .message import Message
    from .runtime import Runtime

log = logging.getLogger("pymacaron.async")

_RENEWALS = 4
_IDLE = 1.0


@dataclass(frozen=True)
class Lease:
    """One task that this process runs."""

    message: Message
    lease: str
    runtime: Runtime

    def renew(self) -> bool:
        """Renew it; return False where the task was cancelled or is another worker's by now."""
        return self.runtime.store.renew(self.message, self.lease, self.runtime.settings.lease)

    @property
    def pause(self) -> float:
        """Seconds between two renewals."""
        return self.runtime.settings.lease / _RENEWALS


class Leases:
    """The leases of this process. A task that was cancelled is interrupted where it runs in the main thread."""

    def __init__(self) -> None:
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._held: dict[str, Lease] = {}
        self._lost = ""
        self._in_main = ""
        self._hears = False
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread that renews, where it does not run yet: none can be started once the process ends."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._renew_all, name="leases", daemon=True)
                self._thread.start()

    @contextmanager
    def held(self, lease: Lease) -> Iterator[None]:
        """Renew a lease while the block runs; Cancelled is raised in it where the task is cancelled."""
        in_main = threading.current_thread() is threading.main_thread()
        if in_main:
            self._in_main = lease.lease
            self._hear()
        self.start()
        with self._lock:
            self._held[lease.lease] = lease
        try:
            yield
        finally:
            if in_main:
                self._in_main = ""
            with self._lock:
                self._held.pop(lease.lease, None)

    def _hear(self) -> None:
        """Receive the signal from now on: one that comes late must not end the process."""
        if not self._hears:
            signal.signal(signal.SIGUSR2, self._interrupt)
            self._hears = True

    def _interrupt(self, *_: Any) -> None:
        if self._in_main and self._in_main == self._lost:
            raise Cancelled("the task was cancelled, or is another worker's by now")

    def _renew_all(self) -> None:
        while True:
            with self._lock:
                held = list(self._held.values())
            time.sleep(min((lease.pause for lease in held), default=_IDLE))
            with self._lock:
                held = list(self._held.values())
            for lease in held:
                self._renew(lease)

    def _renew(self, lease: Lease) -> None:
        try:
            kept = lease.renew()
        except TaskNotQueued as error:
            log.warning("the lease of %s was not renewed: %s", lease.message.id, error.message)
            return
        with self._lock:
            if kept or lease.lease not in self._held:
                return
            del self._held[lease.lease]
            self._lost = lease.lease
            interrupt = self._in_main == lease.lease
        log.warning("%s[%s] was cancelled, or is another worker's by now", lease.message.name, lease.message.id)
        if interrupt:  # one in another thread learns of it when it next reports its progress
            os.kill(os.getpid(), signal.SIGUSR2)


leases = Leases()
