"""Read, change and write again, until nobody else was faster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from . import storing
from .exceptions import PreconditionFailed, StaleWrite, TableConfigError
from .pauses import full_jitter

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymacaron.model import PymacaronBaseModel

    from .binding import Binding

Result = TypeVar("Result")

#: How often something is tried in all.
TRIES = 30

# Seconds: the longest pause after the first try, which doubles with each, and the longest of all.
_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 1.0


def retry_stale(function: Callable[[], Result], tries: int = TRIES) -> Result:
    """Call a function, and again where it ends in :class:`StaleWrite`; it must read anew what it writes.

    Between two tries is a pause of random length, up to twice as long after each ("full jitter").

    Args:
        function: reads, changes and writes.
        tries: how often it is called at most.

    Returns:
        What the function returns.

    Raises:
        StaleWrite: the last try ended so too, or a request asked for another version than there is.
    """
    for attempt in range(1, tries):
        try:
            return function()
        except PreconditionFailed:
            raise
        except StaleWrite:
            full_jitter(_FIRST_PAUSE, attempt, _LONGEST_PAUSE)
    return function()


def change(
    binding: Binding, function: Callable[[Any], object], key: Any, sort: Any = None, tries: int = TRIES
) -> PymacaronBaseModel:
    """Load, change and save the object of a key; see ``PersistentSwaggerObject.change_in_db``."""
    if binding.definition.version is None:
        raise TableConfigError(
            f"the table {binding.table!r} has no version, so a change that somebody else makes meanwhile would be"
            f" lost; name an integer property of {binding.definition.model} by version"
        )

    def once() -> PymacaronBaseModel:
        obj = storing.load(binding, binding.codec.key(key, sort))
        function(obj)
        storing.save(binding, obj)
        return obj

    return retry_stale(once, tries)
