"""The store in the memory of one process, for tasks that run in a thread of it: as the one in Redis, and gone with
the process."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from functools import wraps
from threading import RLock
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import msgspec

from .store import ENDED, Counts, DeadLetter, Progress, Record, Revival, State, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .message import Message

# Seconds between two looks for what is to be forgotten.
_LOOK_EVERY = 1.0

P = ParamSpec("P")
R = TypeVar("R")


def _atomic(
    method: Callable[Concatenate[MemoryStore, P], R],
) -> Callable[Concatenate[MemoryStore, P], R]:
    @wraps(method)
    def call(self: MemoryStore, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self._lock:
            return method(self, *args, **kwargs)

    return call


@dataclass
class _Task:
    """A record, and what only the store knows of it."""

    record: Record
    forgotten: float
    is_cancelled: bool = False


@dataclass
class _Schedule:
    last: float | None = None
    tick: float | None = None
    holder: str = ""
    until: float = 0


@dataclass
class _Count:
    ends: Counter[State] = field(default_factory=Counter)
    seconds: float = 0


class MemoryStore:
    """The store in memory; see :class:`~pymacaron_async.store.Store`.

    Args:
        keep: seconds that a task is remembered after its last change.
        most_deliveries: how often one attempt of a task may be started.
    """

    def __init__(self, keep: float, most_deliveries: int) -> None:
        self.keep = keep
        self.most_deliveries = most_deliveries
        self._lock = RLock()
        self._tasks: dict[str, _Task] = {}
        self._leases: dict[str, float] = {}
        # Both hold an id, and until when.
        self._unique: dict[str, tuple[str, float]] = {}
        self._done: dict[str, tuple[str, float]] = {}
        self._later: dict[str, tuple[float, Message]] = {}
        self._dead: dict[str, DeadLetter] = {}
        self._schedules: dict[str, _Schedule] = {}
        self._counts: dict[str, _Count] = {}
        self._looked = 0.0

    def now(self) -> float:
        """Return the time by the clock of this machine."""
        return time.time()

    @_atomic
    def enqueue(self, message: Message) -> str | None:
        """Note a task as queued."""
        self._forget()
        found = self._tasks.get(message.id)
        if found is not None and found.record.state != State.QUEUED:
            return message.id
        holder = self._hold_unique(message)
        if holder is not None:
            return holder
        self._change(message, state=State.QUEUED)
        return None

    @_atomic
    def withdraw(self, message: Message) -> None:
        """Undo enqueue."""
        found = self._tasks.get(message.id)
        if found is not None and found.record.state == State.QUEUED:
            del self._tasks[message.id]
        self._free_unique(message)

    @_atomic
    def begin(self, message: Message, lease: str, seconds: float, worker: str) -> tuple[Verdict, int]:
        """Ask to run a task."""
        self._forget()
        found = self._tasks.get(message.id)
        refused = self._refusal(message, found)
        if refused is not None:
            return refused
        again = found is not None and found.record.attempt == message.attempt
        deliveries = found.record.deliveries + 1 if found is not None and again else 1
        now = self.now()
        change = {"attempt": message.attempt, "deliveries": deliveries, "started": now, "lease": lease}
        self._change(message, **change, worker=worker)
        if deliveries > self.most_deliveries:
            return Verdict.EXHAUSTED, deliveries
        self._change(message, state=State.RUNNING)
        self._leases[message.id] = now + seconds
        return Verdict.RUN, deliveries

    def _refusal(self, message: Message, found: _Task | None) -> tuple[Verdict, int] | None:
        """Return why a message is not to be run; None where it is, and its unique key then is held."""
        if found is not None:
            record = found.record
            if record.has_ended and not found.is_cancelled:
                return Verdict.DROP, 0
            left = self._leases.get(message.id, 0) - self.now()
            if found.is_cancelled and left <= 0:
                found.record = msgspec.structs.replace(record, lease="")
                return Verdict.CANCELLED, 0
            known, waits = record.attempt, record.state == State.RETRYING
            if known > message.attempt or (known == message.attempt and waits):
                return Verdict.DROP, 0
            if known == message.attempt and left > 0:
                return Verdict.WAIT, int(left * 1000) + 1
        if message.idempotency_key and self._done.get(message.idempotency_key, ("", 0))[1] > self.now():
            return Verdict.DROP, 0
        return (Verdict.DROP, 0) if self._hold_unique(message) is not None else None

    @_atomic
    def renew(self, message: Message, lease: str, seconds: float) -> bool:
        """Hold a task for some more seconds."""
        found = self._tasks.get(message.id)
        if found is None or found.record.lease != lease or found.record.state != State.RUNNING:
            return False
        now = self.now()
        if message.id in self._leases:
            self._leases[message.id] = now + seconds
        found.forgotten = now + self.keep
        if self._unique.get(message.unique, ("", 0))[0] == message.id:
            self._unique[message.unique] = message.id, now + message.unique_for
        return not found.is_cancelled

    @_atomic
    def release(self, id: str, counts: bool = True) -> None:
        """Give up a lease."""
        held, found = self._leases.pop(id, None), self._tasks.get(id)
        if held is not None and found is not None and not counts:
            deliveries = max(0, found.record.deliveries - 1)
            found.record = msgspec.structs.replace(found.record, deliveries=deliveries)

    @_atomic
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
        """Note how a run ended."""
        found = self._tasks.get(message.id)
        if found is not None and found.record.lease and found.record.lease != lease:
            return False
        if found is not None and not found.record.lease and found.record.has_ended and not found.is_cancelled:
            return False
        told = {name: value for name, value in (("result", result), ("error", error)) if value is not None}
        now = self.now()
        self._change(message, state=state, ended=now, lease="", **told)
        self._leases.pop(message.id, None)
        if state != State.RETRYING:
            self._tasks[message.id].is_cancelled = False
            self._free_unique(message)
        if state == State.SUCCEEDED and message.idempotency_key:
            self._done[message.idempotency_key] = message.id, now + self.keep
        count = self._counts.setdefault(message.name, _Count())
        count.ends[state] += 1
        count.seconds += seconds
        return True

    @_atomic
    def report(self, id: str, progress: Progress) -> bool:
        """Note a running task's progress."""
        found = self._tasks.get(id)
        if found is None:
            return True
        found.record = msgspec.structs.replace(found.record, progress=progress)
        return not found.is_cancelled

    @_atomic
    def cancel(self, id: str) -> bool:
        """Cancel a task."""
        found = self._tasks.get(id)
        if found is not None and found.record.has_ended:
            return False
        if found is None:
            found = self._tasks[id] = _Task(Record(id, "", State.CANCELLED, attempt=0), 0)
        elif found.record.state != State.RUNNING:
            found.record = msgspec.structs.replace(found.record, state=State.CANCELLED)
        found.is_cancelled, found.forgotten = True, self.now() + self.keep
        return True

    @_atomic
    def get(self, id: str) -> Record | None:
        """Return what is known of a task."""
        self._forget()
        found = self._tasks.get(id)
        return found.record if found is not None else None

    @_atomic
    def running(self) -> Sequence[Record]:
        """Return the tasks that hold a lease."""
        records = (self.get(id) for id in list(self._leases))
        return [record for record in records if record is not None and record.state == State.RUNNING]

    @_atomic
    def put_later(self, message: Message, delay: float) -> None:
        """Keep a message until some seconds have passed."""
        self._later[message.id] = self.now() + delay, message

    @_atomic
    def take_due(self, limit: int, hold: float) -> Sequence[Message]:
        """Return messages whose time has come."""
        now = self.now()
        due = [message for moment, message in self.later(limit) if moment <= now]
        for message in due:
            self._later[message.id] = now + hold, message
        return due

    @_atomic
    def settle(self, message: Message) -> None:
        """Forget a message that was due."""
        if self._later.get(message.id, (0, None))[1] == message:
            del self._later[message.id]

    @_atomic
    def later(self, limit: int = 100) -> Sequence[tuple[float, Message]]:
        """Return messages that wait."""
        return sorted(self._later.values(), key=lambda pair: pair[0])[:limit]

    @_atomic
    def count_later(self) -> int:
        """Return how many messages wait."""
        return len(self._later)

    @_atomic
    def bury(self, letter: DeadLetter) -> None:
        """Keep a task that failed for the last time."""
        self._dead[letter.message.id] = letter

    @_atomic
    def dead(self, limit: int = 100) -> Sequence[DeadLetter]:
        """Return the dead, the last first."""
        return sorted(self._dead.values(), key=lambda letter: letter.died, reverse=True)[:limit]

    @_atomic
    def count_dead(self) -> int:
        """Return how many are dead."""
        return len(self._dead)

    @_atomic
    def find_dead(self, id: str) -> DeadLetter | None:
        """Return one of the dead."""
        return self._dead.get(id)

    @_atomic
    def revive(self, message: Message) -> Revival:
        """Forget that a dead task failed."""
        found = self._tasks.get(message.id)
        if found is not None and found.record.state not in (State.FAILED, State.QUEUED):
            return Revival.STALE
        if self._hold_unique(message) is not None:
            return Revival.HELD
        self._tasks.pop(message.id, None)
        self._change(message, state=State.QUEUED)
        return Revival.READY

    @_atomic
    def exhume(self, letter: DeadLetter) -> bool:
        """Take one from the dead."""
        found = self._dead.get(letter.message.id)
        if found is None or found.died != letter.died:
            return False
        del self._dead[letter.message.id]
        return True

    @_atomic
    def claim_tick(self, schedule: str, tick: float, holder: str, hold: float) -> bool:
        """Ask to send the tick of a schedule."""
        known, now = self._schedules.setdefault(schedule, _Schedule()), self.now()
        if known.last is not None and known.last >= tick:
            return False
        if known.tick == tick and known.holder != holder and known.until > now:
            return False
        known.tick, known.holder, known.until = tick, holder, now + hold
        return True

    @_atomic
    def confirm_tick(self, schedule: str, tick: float, holder: str) -> None:
        """Note that a tick was sent."""
        known = self._schedules.setdefault(schedule, _Schedule())
        known.last = tick if known.last is None else max(known.last, tick)

    @_atomic
    def start_schedule(self, schedule: str, tick: float) -> None:
        """Take a tick as sent, where none was yet."""
        known = self._schedules.setdefault(schedule, _Schedule())
        known.last = tick if known.last is None else known.last

    @_atomic
    def last_tick(self, schedule: str) -> float | None:
        """Return the last tick of a schedule that was sent."""
        known = self._schedules.get(schedule)
        return known.last if known is not None else None

    @_atomic
    def counts(self) -> dict[str, Counts]:
        """Return what happened so far."""
        return {
            name: Counts(
                succeeded=count.ends[State.SUCCEEDED],
                failed=count.ends[State.FAILED],
                retried=count.ends[State.RETRYING],
                cancelled=count.ends[State.CANCELLED],
                seconds=count.seconds,
            )
            for name, count in self._counts.items()
        }

    @_atomic
    def count_open(self) -> int:
        """Return how many tasks are known that have not ended."""
        return sum(task.record.state not in ENDED for task in self._tasks.values())

    def _change(self, message: Message, **change: Any) -> None:
        """Change a task's record, make one where there is none, and remember it for a while from now."""
        found = self._tasks.get(message.id)
        if found is None:
            blank = Record(message.id, message.name, State.QUEUED, attempt=0)
            found = self._tasks[message.id] = _Task(blank, 0)
        caller = message.caller
        found.record = msgspec.structs.replace(
            found.record,
            name=message.name,
            queue=message.queue,
            call_id=caller.call_id,
            owner=caller.user_id,
            shown=message.shown,
            enqueued=message.enqueued,
            **change,
        )
        found.forgotten = self.now() + self.keep

    def _hold_unique(self, message: Message) -> str | None:
        """Hold a task's unique key; return the id of another one that does."""
        if not message.unique:
            return None
        now = self.now()
        holder, until = self._unique.get(message.unique, (message.id, now))
        if holder != message.id and until > now:
            return holder
        self._unique[message.unique] = message.id, now + message.unique_for
        return None

    def _free_unique(self, message: Message) -> None:
        if self._unique.get(message.unique, ("", 0))[0] == message.id:
            del self._unique[message.unique]

    def _forget(self) -> None:
        """Forget what was kept long enough."""
        now = self.now()
        if now < self._looked + _LOOK_EVERY:
            return
        self._looked = now
        self._tasks = {id: task for id, task in self._tasks.items() if task.forgotten > now}
        self._unique = {key: held for key, held in self._unique.items() if held[1] > now}
        self._done = {key: held for key, held in self._done.items() if held[1] > now}
