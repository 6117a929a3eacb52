"""What goes on: queues, running tasks with their progress, those that wait for their time, and the dead."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from pymacaron.cli.showing import table

from .brokers import without_password
from .queues import open_queues
from .store import Progress  # noqa: TC001  # msgspec reads it
from .text import bar, span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .message import Message
    from .queues import Queues
    from .runtime import Runtime

#: How many later and dead tasks are counted by queue; all of them are in the totals.
MOST_COUNTED = 1000
_LISTED = 10


class QueueRow(msgspec.Struct):
    """One queue.

    Attributes:
        waiting: messages that no worker has taken.
        oldest_seconds: for how long the next one has waited; None where none does, or the broker does not tell.
        later: tasks that wait for their time, in the store or in a worker.
    """

    queue: str
    waiting: int
    oldest_seconds: float | None
    running: int
    later: int
    dead: int


class RunningRow(msgspec.Struct):
    """One task that runs."""

    id: str
    name: str
    queue: str
    attempt: int
    seconds: float
    progress: Progress | None
    worker: str
    args: str


class LaterRow(msgspec.Struct):
    """One task that waits for its time: the first attempt of one that was delayed, or a further one."""

    id: str
    name: str
    queue: str
    attempt: int
    due: float
    due_in: float
    args: str


class Overview(msgspec.Struct):
    """What goes on at one moment, by the store's clock; times are in seconds since 1970."""

    service: str
    broker: str
    time: float
    queues: list[QueueRow]
    running: list[RunningRow]
    later: list[LaterRow]
    later_total: int
    dead_total: int


def overview(runtime: Runtime, names: Iterable[str], only: str | None = None) -> Overview:
    """Return what goes on.

    Args:
        names: of queues that are known; those of tasks that are seen are added.
        only: the one queue to look at.

    Raises:
        TaskNotQueued: store or broker do not answer.
    """
    store = runtime.store
    with open_queues(runtime) as queues:
        now = store.now()
        running = [row for row in _running(runtime, now) if only in (None, row.queue)]
        later = [row for row in list_later(runtime, queues, now) if only in (None, row.queue)]
        dead = Counter(letter.message.queue for letter in store.dead(MOST_COUNTED))
        seen = {only} if only else {*names, *(row.queue for row in running), *(row.queue for row in later), *dead}
        rows = [_queue_row(queues, name, now, running, later, dead[name]) for name in sorted(seen)]
    unlisted = max(0, store.count_later() - MOST_COUNTED)
    return Overview(
        service=runtime.settings.service,
        broker=without_password(str(runtime.settings.broker_url)),
        time=now,
        queues=rows,
        running=running,
        later=later,
        later_total=len(later) if only else len(later) + unlisted,
        dead_total=dead[only] if only else store.count_dead(),
    )


def _queue_row(
    queues: Queues, name: str, now: float, running: list[RunningRow], later: list[LaterRow], dead: int
) -> QueueRow:
    depth = queues.depth(name)
    return QueueRow(
        queue=name,
        waiting=depth.waiting,
        oldest_seconds=None if depth.oldest is None else max(0.0, now - depth.oldest),
        running=sum(row.queue == name for row in running),
        later=sum(row.queue == name for row in later),
        dead=dead,
    )


def _running(runtime: Runtime, now: float) -> list[RunningRow]:
    return [
        RunningRow(
            id=record.id,
            name=record.name,
            queue=record.queue,
            attempt=record.attempt,
            seconds=max(0.0, now - record.started),
            progress=record.progress,
            worker=record.worker,
            args=record.shown,
        )
        for record in sorted(runtime.store.running(), key=lambda record: record.started)
    ]


def list_later(runtime: Runtime, queues: Queues, now: float) -> list[LaterRow]:
    """Return the tasks that wait for their time, the next first: in the store, and in workers where that is known."""
    stored = [_later_row(message, due, now) for due, message in runtime.store.later(MOST_COUNTED)]
    held = [_later_row(held.message, held.due, now) for held in queues.held() if held.due and held.due > now]
    return sorted([*stored, *held], key=lambda row: row.due)


def _later_row(message: Message, due: float, now: float) -> LaterRow:
    return LaterRow(
        id=message.id,
        name=message.name,
        queue=message.queue,
        attempt=message.attempt,
        due=due,
        due_in=max(0.0, due - now),
        args=message.shown,
    )


def as_text(found: Overview) -> str:
    """Lay out an overview for people."""
    parts = [f"{found.service} on {found.broker}", _queues_text(found)]
    if found.running:
        parts.append(f"RUNNING\n{_running_text(found.running)}")
    if found.later:
        parts.append(f"LATER\n{later_text(found.later[:_LISTED])}")
        if found.later_total > _LISTED:
            parts[-1] += f"\n… and {found.later_total - _LISTED} more: pym tasks later"
    if found.dead_total:
        parts.append(f"{found.dead_total} dead: pym tasks dead list")
    return "\n\n".join(parts)


def _queues_text(found: Overview) -> str:
    rows = [
        (row.queue, str(row.waiting), span(row.oldest_seconds), str(row.running), str(row.later), str(row.dead))
        for row in found.queues
    ]
    return table(rows, ("QUEUE", "WAITING", "OLDEST", "RUNNING", "LATER", "DEAD"))


def _running_text(rows: list[RunningRow]) -> str:
    cells = [(row.id, row.name, str(row.attempt), span(row.seconds), row.worker, bar(row.progress)) for row in rows]
    return table(cells, ("ID", "TASK", "ATTEMPT", "FOR", "WORKER", "PROGRESS"))


def later_text(rows: list[LaterRow]) -> str:
    """Lay out tasks that wait for their time."""
    cells = [(row.id, row.name, row.queue, str(row.attempt), span(row.due_in), row.args) for row in rows]
    return table(cells, ("ID", "TASK", "QUEUE", "ATTEMPT", "DUE IN", "ARGUMENTS"))
