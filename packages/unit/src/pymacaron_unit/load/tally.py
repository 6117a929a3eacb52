"""What came of the calls: counts and latencies, by operation and over time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .histogram import Histogram

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .outcome import Outcome

_WIDTHS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60)
_SLOTS = 40


@dataclass
class Tally:
    """The calls of one operation, or of all.

    Attributes:
        calls: how many there were.
        answers: by status.
        errors: by status (``status 503``) or kind (``timeout``).
        late: how many were sent later than they were due.
        behind: how many of them because the generator was, and not because of calls that had not come back.
        latest: by how many seconds at most.
        response: latencies from when a call was due.
        service: latencies from when it was sent.
    """

    calls: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    late: int = 0
    behind: int = 0
    latest: float = 0.0
    response: Histogram = field(default_factory=Histogram)
    service: Histogram = field(default_factory=Histogram)

    def record(self, outcome: Outcome) -> None:
        """Count a call."""
        self.calls += 1
        answer = outcome.answer
        if answer.status is not None:
            self.answers[answer.status] += 1
        if outcome.is_error:
            self.errors[answer.failure or f"status {answer.status}"] += 1
        self.behind += outcome.is_behind
        if outcome.is_late:
            self.late += 1
            self.latest = max(self.latest, (outcome.done if outcome.sent is None else outcome.sent) - outcome.due)
        if outcome.response_time is not None:
            self.response.record(outcome.response_time)
        if outcome.service_time is not None:
            self.service.record(outcome.service_time)

    def add(self, other: Tally) -> None:
        """Count all calls of another tally."""
        self.calls += other.calls
        self.answers += other.answers
        self.errors += other.errors
        self.late += other.late
        self.behind += other.behind
        self.latest = max(self.latest, other.latest)
        self.response.add(other.response)
        self.service.add(other.service)


def total(tallies: Iterable[Tally]) -> Tally:
    """Add tallies up."""
    made = Tally()
    for tally in tallies:
        made.add(tally)
    return made


@dataclass
class Slot:
    """A stretch of time.

    Attributes:
        answers: that arrived in it.
        response: latencies of the calls that were due in it.
    """

    answers: int = 0
    response: Histogram = field(default_factory=lambda: Histogram(2))


class Timeline:
    """What happened when.

    Args:
        duration: seconds that are expected.

    Attributes:
        width: of a slot, in seconds.
        slots: by their number.
    """

    def __init__(self, duration: float) -> None:
        self.width: float = next((width for width in _WIDTHS if duration / width <= _SLOTS), _WIDTHS[-1])
        self.slots: dict[int, Slot] = {}

    def record(self, outcome: Outcome) -> None:
        """Count a call where it was due, and its answer where that arrived."""
        if outcome.response_time is not None:
            self._slot(outcome.due).response.record(outcome.response_time)
        if outcome.answer.status is not None:
            self._slot(outcome.done).answers += 1

    def _slot(self, moment: float) -> Slot:
        return self.slots.setdefault(int(moment // self.width), Slot())


class Recorder:
    """Counts all calls that were due after the warm-up.

    Args:
        duration: seconds that are measured.

    Attributes:
        operations: tallies by operation, in the order of their first calls.
        elapsed: seconds until the last call came to its end.
    """

    def __init__(self, duration: float) -> None:
        self.operations: dict[str, Tally] = {}
        self.timeline = Timeline(duration)
        self.elapsed = 0.0

    def record(self, outcome: Outcome) -> None:
        """Count a call."""
        self.operations.setdefault(outcome.call.operation, Tally()).record(outcome)
        self.timeline.record(outcome)
        self.elapsed = max(self.elapsed, outcome.done)
