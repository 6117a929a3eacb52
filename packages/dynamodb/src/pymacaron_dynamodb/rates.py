"""How fast capacity may be consumed, so that a job that reads a whole table leaves some of it to others."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Seconds whose units may be taken at once after a rest.
_BURST = 1.0


class RateLimit:
    """A token bucket of capacity units, which threads may share.

    What a request consumes is known when it is answered, so units are taken afterwards: whoever took too many waits
    until they are paid for.

    Args:
        units_per_second: capacity units; above 0.
        clock: gives seconds.
        sleep: waits for seconds.
    """

    def __init__(
        self,
        units_per_second: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not 0 < units_per_second < float("inf"):
            raise ValueError(f"the rate is {units_per_second!r} capacity units a second; write a number above 0")
        self.units_per_second = units_per_second
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._paid_at = clock() - _BURST

    def take(self, units: float) -> float:
        """Take capacity units, and wait until they are paid for; return the seconds waited."""
        with self._lock:
            now = self._clock()
            self._paid_at = max(self._paid_at, now - _BURST) + units / self.units_per_second
            wait = self._paid_at - now
        if wait <= 0:
            return 0.0
        self._sleep(wait)
        return wait

    def page(self, most: int) -> int:
        """Return how many items one request should read: of a slow job, so few that they are soon paid for."""
        return max(1, min(most, int(self.units_per_second)))
