"""What is in the broker's queues: how much waits, for how long, and what workers hold already.

How much waits is asked of any broker. Only Redis lets anybody look at messages without taking them, so that their age,
and what workers hold until its time comes, is known there alone.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from kombu.exceptions import OperationalError

from .celery_app import CeleryTransport
from .exceptions import AsyncConfigError, TaskNotQueued
from .message import HEADER, Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .runtime import Runtime

_AT_ONCE = 500
#: How many messages of a queue are searched for a task.
MOST_SEARCHED = 20_000


@dataclass(frozen=True)
class Depth:
    """What waits in a queue.

    Attributes:
        waiting: how many messages; those that workers hold are not counted.
        oldest: when the next message was called, in seconds since 1970; None where nothing waits, or nobody may look.
    """

    queue: str
    waiting: int
    oldest: float | None = None


class Held(NamedTuple):
    """A message that a worker has taken: it runs, waits for a free slot, or for its time."""

    due: float | None
    message: Message


class Queues:
    """The queues of a broker, seen through one connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.can_look = connection.transport.driver_type == "redis"

    def depth(self, queue: str) -> Depth:
        """Return what waits in a queue."""
        waiting = self.waiting(queue)
        return Depth(queue, waiting, self._oldest(queue) if waiting else None)

    def waiting(self, queue: str) -> int:
        """Return how many messages wait in a queue, those that workers hold left out; none in one that is not used."""
        # A channel of its own, as RabbitMQ closes one that asked for a queue that does not exist.
        channel = self._connection.channel()
        try:
            return int(channel.queue_declare(queue, passive=True).message_count)
        except self._connection.channel_errors:
            return 0
        finally:
            channel.close()

    def _oldest(self, queue: str) -> float | None:
        called = (message.enqueued for message in self.next(queue, 1))
        return next(called, None)

    def next(self, queue: str, limit: int) -> Iterator[Message]:
        """Yield what waits in a queue, the next first, where the broker lets anybody look; others' messages are not
        ours to show.
        """
        if not self.can_look:
            return
        channel = self._connection.default_channel
        with channel.conn_or_acquire() as client:
            for priority in channel.priority_steps:
                key = channel._q_for_pri(queue, priority)
                for start in range(0, limit, _AT_ONCE):
                    # Messages are pushed on the left and taken from the right.
                    found = client.lrange(key, -min(start + _AT_ONCE, limit), -1 - start)
                    yield from (made.message for text in reversed(found) if (made := _read(json.loads(text))))
                    if len(found) < _AT_ONCE:
                        break

    def held(self) -> Iterator[Held]:
        """Yield what workers hold, of all queues, where the broker lets anybody look."""
        if not self.can_look:
            return
        channel = self._connection.default_channel
        with channel.conn_or_acquire() as client:
            for _, text in client.hscan_iter(channel.unacked_key, count=_AT_ONCE):
                if made := _read(json.loads(text)[0]):
                    yield made

    def find(self, id: str, queues: Iterable[str]) -> Held | None:
        """Return a message that waits, or that a worker holds; of long queues only the next ones are searched."""
        for held in self.held():
            if held.message.id == id:
                return held
        for queue in queues:
            for message in self.next(queue, MOST_SEARCHED):
                if message.id == id:
                    return Held(None, message)
        return None


def _read(raw: dict[str, Any]) -> Held | None:
    headers = raw.get("headers") or {}
    if HEADER not in headers:
        return None
    due = headers.get("eta")
    return Held(datetime.fromisoformat(due).timestamp() if due else None, Message.from_header(headers[HEADER], ""))


@contextmanager
def open_queues(runtime: Runtime) -> Iterator[Queues]:
    """Connect to the broker of a service.

    Raises:
        AsyncConfigError: it has none.
        TaskNotQueued: it does not answer.
    """
    if not isinstance(runtime.transport, CeleryTransport):
        raise AsyncConfigError(NO_BROKER)
    with runtime.transport.app.connection_for_read() as connection:
        away = (*connection.connection_errors, OperationalError, OSError)
        try:
            connection.ensure_connection(max_retries=1, interval_start=0.1, timeout=runtime.settings.publish_within)
            yield Queues(connection)
        except away as error:
            raise TaskNotQueued(f"the broker of tasks does not answer: {error}") from error


NO_BROKER = (
    "this service has no broker: its tasks run in a thread of the server, and nobody else sees them; set"
    " celery_broker_url, or with_async: true and `pym run`"
)
