"""What stands for a task between its call and its end: in the broker, in the schedule of later tasks, among the
dead."""

from __future__ import annotations

from typing import Any

import msgspec

from .caller import Caller  # noqa: TC001  # msgspec reads it

#: The header of Celery's message that holds a :class:`Message` without its arguments.
HEADER = "pym"


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call of a task.

    Attributes:
        id: of the task; it stays the same through retries and redeliveries.
        name: of the task.
        call: its arguments, as :func:`~pymacaron_async.arguments.encode_call` writes them.
        queue: where it is queued.
        caller: who called.
        attempt: 1 for the first run, one more after each failure.
        enqueued: when it was called, in seconds since 1970.
        unique: key that only one queued or running task may have; empty for none.
        unique_for: seconds that the key is held at most without a sign of life.
        idempotency_key: stays the same however often the task runs; the task's id unless the call names one.
        shown: its arguments, for people.
    """

    id: str
    name: str
    call: str
    queue: str
    caller: Caller
    enqueued: float
    attempt: int = 1
    unique: str = ""
    unique_for: float = 0
    idempotency_key: str = ""
    shown: str = ""

    def next_attempt(self) -> Message:
        """Return the message of the next attempt."""
        return msgspec.structs.replace(self, attempt=self.attempt + 1)

    def to_json(self) -> bytes:
        """Write the message."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, data: bytes | str) -> Message:
        """Read a message."""
        return msgspec.json.decode(data, type=cls)

    def header(self) -> dict[str, Any]:
        """Return the message as a header of Celery's: without the arguments, which are the body."""
        made: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(self, call=""))
        return made

    @classmethod
    def from_header(cls, header: dict[str, Any], call: str) -> Message:
        """Read a message from its header and its body."""
        return msgspec.structs.replace(msgspec.convert(header, cls), call=call)
