"""Pauses between tries."""

from __future__ import annotations

import random
import time
from math import inf


def full_jitter(first: float, attempt: int, longest: float = inf) -> None:
    """Pause for a random time, whose bound doubles with each attempt ("full jitter"), so that rivals come apart.

    Args:
        first: bound of attempt 0, in seconds.
        attempt: how often was tried.
        longest: bound of all attempts, in seconds.
    """
    time.sleep(random.uniform(0, min(longest, first * 2**attempt)))
