"""What became of one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .calls import Call

TIMEOUT = "timeout"
#: The run ended while the call still waited for a connection.
NOT_SENT = "not sent"
#: A call that is sent this many seconds after it was due is late: the generator, or its limit, held it back.
LATE = 0.01


@dataclass(frozen=True)
class Answer:
    """What a call came back with: a status, or the kind of its failure."""

    status: int | None = None
    failure: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True)
class Outcome:
    """One call, in seconds since the measurement began.

    Attributes:
        call: what was sent.
        due: when it should have been sent.
        sent: when it was; None where it was not.
        done: when its answer was read, or when it was given up.
        reached: when the generator came to it; from there to ``sent`` it waited for others to come back.
    """

    call: Call
    due: float
    sent: float | None
    done: float
    answer: Answer
    reached: float | None = None

    @property
    def is_error(self) -> bool:
        """Tell whether nothing came back, or a status of 400 and above."""
        return self.answer.status is None or self.answer.status >= 400

    @property
    def is_late(self) -> bool:
        """Tell whether it was held back before it was sent."""
        return self.sent is None or self.sent - self.due > LATE

    @property
    def is_behind(self) -> bool:
        """Tell whether the generator itself was late, for lack of processor time."""
        return self.reached is not None and self.reached - self.due > LATE

    @property
    def response_time(self) -> float | None:
        """Seconds from when it was due to its end; None where it failed at once, which says nothing of latency.

        A call that was given up counts with the time until then: left out, it would make the service look faster.
        """
        waited = self.answer.status is not None or self.answer.failure in (TIMEOUT, NOT_SENT)
        return max(self.done - self.due, 0.0) if waited else None

    @property
    def service_time(self) -> float | None:
        """Seconds from when it was sent to its end; None where it was not sent, or failed at once."""
        return None if self.sent is None or self.response_time is None else self.done - self.sent
