"""What is known of tasks beside the broker: their states, leases, keys, the schedule of later ones, and the dead.

Two stores have this interface: Redis, which all processes of a service share, and the memory of one process.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .message import Message


class State(StrEnum):
    """Where a task is in its life."""

    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})


class Verdict(StrEnum):
    """What a worker is to do with a message that it was given."""

    RUN = "run"
    #: It ended before, or a later attempt of it is under way: nothing is left to do.
    DROP = "drop"
    #: Another worker runs it and is alive: ask again later.
    WAIT = "wait"
    #: It was cancelled before it started.
    CANCELLED = "cancelled"
    #: Workers died of it too often.
    EXHAUSTED = "exhausted"


class Revival(StrEnum):
    """Whether a dead task may be sent anew."""

    READY = "ready"
    #: It runs, waits for its next attempt, or has ended otherwise since it was buried.
    STALE = "stale"
    #: Another task holds its unique key.
    HELD = "held"


class Progress(msgspec.Struct, frozen=True):
    """How far a task is: ``done`` of ``total``, and a word on it."""

    done: float
    total: float
    message: str = ""


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of one task.

    Attributes:
        deliveries: how often this attempt was started; more than one where workers died.
        enqueued: when it was called; like all times in seconds since 1970, by the store's clock.
        result: what it returned, as text; its form is known to who asked for it.
        error: type, message and trace of the last failure.
        owner: user id of who called it; None where nobody was authenticated.
        lease: of the run that is under way.
    """

    id: str
    name: str
    state: State
    queue: str = ""
    attempt: int = 1
    deliveries: int = 0
    owner: str | None = None
    call_id: str = ""
    shown: str = ""
    enqueued: float = 0
    started: float = 0
    ended: float = 0
    worker: str = ""
    lease: str = ""
    progress: Progress | None = None
    result: str | None = None
    error: dict[str, Any] | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in ENDED


class DeadLetter(msgspec.Struct, frozen=True):
    """A task that failed for the last time: what it was, why it failed, and when."""

    message: Message
    error: dict[str, Any]
    died: float
    deliveries: int = 1


class Counts(msgspec.Struct, frozen=True):
    """What happened to the tasks of one name since the store was made: how many ended how, and seconds of running."""

    succeeded: int = 0
    failed: int = 0
    retried: int = 0
    cancelled: int = 0
    seconds: float = 0


class Store(Protocol):
    """The interface of both stores. Every method may be called from any thread; each is atomic.

    Raises:
        TaskNotQueued: the store cannot be reached.
    """

    def now(self) -> float:
        """Return the time by the store's clock, the one that all processes of a service have in common."""

    def enqueue(self, message: Message) -> str | None:
        """Note a task as queued, where it has a unique key or its caller asks for it afterwards.

        Returns:
            The id of the task that holds its unique key already, which then is the one that counts: its own, where a
            task of its id was started before. None where the message is to be sent.
        """

    def withdraw(self, message: Message) -> None:
        """Undo :meth:`enqueue`, as the broker did not take the message."""

    def begin(self, message: Message, lease: str, seconds: float, worker: str) -> tuple[Verdict, int]:
        """Ask to run a task, and hold it for some seconds.

        Args:
            lease: a text that no other run has.
            seconds: how long the lease lasts unless it is renewed.
            worker: who runs it, for people.

        Returns:
            What to do, and how often this attempt was started, this time included.
        """

    def renew(self, message: Message, lease: str, seconds: float) -> bool:
        """Hold a task for some more seconds; return False where it was cancelled, or the lease is another's by now."""

    def release(self, id: str, counts: bool = True) -> None:
        """Give up whatever lease a task has, as its worker is known to be dead.

        Args:
            counts: whether the run counts as one that a worker died of; not where the worker was stopped.
        """

    def finish(
        self,
        message: Message,
        lease: str,
        state: State,
        *,
        result: str | None = None,
        error: dict[str, Any] | None = None,
        seconds: float = 0,
    ) -> bool:
        """Note how a run ended: succeeded, failed, retrying or cancelled. Return False where the lease was lost.

        A task that ended gives its unique key back; one that succeeded is remembered under its idempotency key.
        """

    def report(self, id: str, progress: Progress) -> bool:
        """Note a running task's progress; return False where the task was cancelled."""

    def cancel(self, id: str) -> bool:
        """Cancel a task: one that waits never runs, one that runs learns of it. Return False where it had ended."""

    def get(self, id: str) -> Record | None:
        """Return what is known of a task."""

    def running(self) -> Sequence[Record]:
        """Return the tasks that hold a lease."""

    def put_later(self, message: Message, delay: float) -> None:
        """Keep a message until some seconds have passed. One message of a task is kept at a time."""

    def take_due(self, limit: int, hold: float) -> Sequence[Message]:
        """Return messages whose time has come. Each is held for some seconds, then due again unless settled."""

    def settle(self, message: Message) -> None:
        """Forget a message that was due, as it is sent."""

    def later(self, limit: int = 100) -> Sequence[tuple[float, Message]]:
        """Return messages that wait and when each is due, the next first."""

    def count_later(self) -> int:
        """Return how many messages wait."""

    def bury(self, letter: DeadLetter) -> None:
        """Keep a task that failed for the last time."""

    def dead(self, limit: int = 100) -> Sequence[DeadLetter]:
        """Return the dead, the last first."""

    def count_dead(self) -> int:
        """Return how many are dead."""

    def find_dead(self, id: str) -> DeadLetter | None:
        """Return one of the dead."""

    def revive(self, message: Message) -> Revival:
        """Forget that a dead task failed, so that its message can be sent again; it stays among the dead until then."""

    def exhume(self, letter: DeadLetter) -> bool:
        """Take one from the dead; return False where it is not there, or died again since."""

    def claim_tick(self, schedule: str, tick: float, holder: str, hold: float) -> bool:
        """Ask to send the tick of a schedule (its time, in seconds since 1970); True for one holder at a time.

        A claim that is not confirmed lapses after ``hold`` seconds, and an earlier or the same tick that was confirmed
        is never given again.
        """

    def confirm_tick(self, schedule: str, tick: float, holder: str) -> None:
        """Note that a tick was sent."""

    def start_schedule(self, schedule: str, tick: float) -> None:
        """Take a tick as sent, where none was yet: a schedule that is new has missed nothing."""

    def last_tick(self, schedule: str) -> float | None:
        """Return the last tick of a schedule that was sent."""

    def counts(self) -> dict[str, Counts]:
        """Return what happened so far, by the tasks' names."""
