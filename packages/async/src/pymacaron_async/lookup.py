"""All that is known of one task: its record in the store, its message in the broker, its letter among the dead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from .exceptions import NoSuchTask
from .queues import MOST_SEARCHED, open_queues
from .store import Record, State
from .text import bar, moment, printable, span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .message import Message
    from .runtime import Runtime
    from .store import DeadLetter


@dataclass(frozen=True)
class Known:
    """What is known of a task.

    Attributes:
        record: of the store, or made from the message or the letter where the store has none.
        letter: where it is among the dead.
        message: where it waits; without its arguments.
        due: when its time comes, where it waits for that, in seconds since 1970.
    """

    record: Record
    letter: DeadLetter | None = None
    message: Message | None = None
    due: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it for scripts; its result is its caller's alone."""
        record = self.record
        return {
            "id": record.id,
            "name": record.name,
            "state": record.state,
            "dead": self.letter is not None,
            "queue": record.queue,
            "args": record.shown,
            "attempt": record.attempt,
            "deliveries": record.deliveries,
            "owner": record.owner,
            "call_id": record.call_id,
            "enqueued": record.enqueued or None,
            "due": self.due,
            "started": record.started or None,
            "ended": record.ended or None,
            "worker": record.worker or None,
            "progress": record.progress,
            "error": record.error,
        }


def look_up(runtime: Runtime, id: str, queues: Iterable[str]) -> Known:
    """Return what is known of a task.

    Raises:
        NoSuchTask: nothing is.
        TaskNotQueued: store or broker do not answer.
    """
    record, letter = runtime.store.get(id), runtime.store.find_dead(id)
    if letter is not None:
        return Known(record or _buried(letter), letter)
    if record is not None and (record.has_ended or record.state == State.RUNNING):
        return Known(record)
    found = _waiting(runtime, id, queues)
    if found is not None:
        due, message = found
        return Known(record or _queued(message), None, message, due)
    if record is not None:
        return Known(record)
    broker = runtime.settings.broker
    hint = f"; what waits in {broker.name} cannot be looked at" if broker and not broker.is_store else ""
    raise NoSuchTask(f"there is no task {id!r}: it never was, or it ended too long ago to be remembered{hint}")


def _waiting(runtime: Runtime, id: str, queues: Iterable[str]) -> tuple[float | None, Message] | None:
    for due, message in runtime.store.later(MOST_SEARCHED):
        if message.id == id:
            return due, message
    with open_queues(runtime) as opened:
        return opened.find(id, queues)


def _queued(message: Message) -> Record:
    return Record(
        id=message.id,
        name=message.name,
        state=State.QUEUED,
        queue=message.queue,
        attempt=message.attempt,
        owner=message.caller.user_id,
        call_id=message.caller.call_id,
        shown=message.shown,
        enqueued=message.enqueued,
    )


def _buried(letter: DeadLetter) -> Record:
    queued = _queued(letter.message)
    ended = {"state": State.FAILED, "error": letter.error, "ended": letter.died, "deliveries": letter.deliveries}
    return msgspec.structs.replace(queued, **ended)


def as_text(known: Known, now: float) -> str:
    """Lay out what is known for people."""
    record = known.record
    times = f", started {record.deliveries} times" if record.deliveries > 1 else ""
    lines = {
        "id": record.id,
        "task": record.name,
        "state": f"{record.state}, among the dead" if known.letter else str(record.state),
        "queue": record.queue,
        "arguments": record.shown,
        "attempt": f"{record.attempt}{times}",
        "user": record.owner,
        "call": record.call_id,
        "called": _when(record.enqueued, now),
        "due": _when(known.due, now),
        "started": _when(record.started, now),
        "ended": _when(record.ended, now),
        "worker": record.worker,
        "progress": bar(record.progress) if record.progress else None,
    }
    shown = [f"{name + ':':11}{printable(value)}" for name, value in lines.items() if value]
    return "\n".join([*shown, *_error_lines(record.error)])


def _when(seconds: float | None, now: float) -> str | None:
    if not seconds:
        return None
    distance = f"{span(now - seconds)} ago" if seconds <= now else f"in {span(seconds - now)}"
    return f"{moment(seconds)} ({distance})"


def _error_lines(error: dict[str, Any] | None) -> list[str]:
    if error is None:
        return []
    lines = [f"{'error:':11}{error.get('type')}: {printable(str(error.get('message', '')))}"]
    if error.get("trace"):
        lines += ["", printable(str(error["trace"]).rstrip(), lines=True)]
    return lines
