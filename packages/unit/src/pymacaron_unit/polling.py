"""Wait for what happens by itself, such as the effect of an asynchronous task."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def eventually(check: Callable[[], T], within: float = 5.0, every: float = 0.05) -> T:
    """Call a function until what it returns is true, and return that.

    A false value and an ``AssertionError`` mean "not yet"; any other exception passes through at once. The function is
    called at least once, and once more after the last pause. Pauses double from ``every`` up to half a second.

    Args:
        check: takes no argument; often a lambda.
        within: seconds until it is given up.
        every: seconds of the first pause.

    Raises:
        AssertionError: it did not come true; the cause is the last AssertionError of ``check``.
    """
    started = time.monotonic()
    tries, pause = 0, every
    while True:
        tries += 1
        last: AssertionError | None = None
        value: T | None = None
        try:
            value = check()
        except AssertionError as error:
            last = error
        if value:
            return value
        left = started + within - time.monotonic()
        if left <= 0:
            seen = f"the last time it failed with: {last}" if last is not None else f"the last value was {value!r}"
            raise AssertionError(f"not true within {within:g} s ({tries} tries); {seen}") from last
        time.sleep(min(pause, left))
        pause = min(pause * 2, 0.5)
