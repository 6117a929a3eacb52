"""What is done with tasks that failed for the last time: sent anew, or forgotten.

A letter is taken from the dead after its task is sent, never before: whatever dies in between, the task is in the
queue, or among the dead, or in both. Asked to send it again, the store tells whether it has run since.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from .store import Revival

if TYPE_CHECKING:
    from .runtime import Runtime
    from .store import DeadLetter


class Outcome(StrEnum):
    """What became of a wish to run a dead task again."""

    SENT = "sent"
    #: It ended without an error after it was buried; it is taken from the dead, and not sent.
    ENDED = "ended"
    #: It runs, or waits for its next attempt.
    UNDERWAY = "underway"
    #: Another task holds its unique key.
    HELD = "held"
    DROPPED = "dropped"
    UNKNOWN = "unknown"


MEANINGS = {
    Outcome.SENT: "sent anew",
    Outcome.ENDED: "not sent: it has run since, and is no longer among the dead",
    Outcome.UNDERWAY: "not sent: it runs, or waits for its next attempt",
    Outcome.HELD: "not sent: another task has its unique key; try again when that one has ended",
    Outcome.DROPPED: "forgotten",
    Outcome.UNKNOWN: "not among the dead",
}
DONE = frozenset({Outcome.SENT, Outcome.ENDED, Outcome.DROPPED})


def retry(runtime: Runtime, letter: DeadLetter) -> Outcome:
    """Send a dead task anew, under its own id and as its first attempt.

    Raises:
        TaskNotQueued: the broker did not take it; it is among the dead as before.
    """
    store = runtime.store
    message = msgspec.structs.replace(letter.message, attempt=1, enqueued=store.now())
    revival = store.revive(message)
    if revival == Revival.HELD:
        return Outcome.HELD
    if revival == Revival.STALE:
        return _forget_ended(runtime, letter)
    try:
        runtime.transport.send(message)
    except BaseException:
        store.withdraw(message)
        raise
    store.exhume(letter)
    return Outcome.SENT


def _forget_ended(runtime: Runtime, letter: DeadLetter) -> Outcome:
    record = runtime.store.get(letter.message.id)
    if record is None or not record.has_ended:
        return Outcome.UNDERWAY
    runtime.store.exhume(letter)
    return Outcome.ENDED


def drop(runtime: Runtime, letter: DeadLetter) -> Outcome:
    """Forget a dead task; its state is still known for as long as that of others is."""
    return Outcome.DROPPED if runtime.store.exhume(letter) else Outcome.UNKNOWN
