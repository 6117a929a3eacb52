"""What a run found, for people and for programs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .outcome import LATE
from .sampling import EACH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .goals import Verdict
    from .histogram import Histogram
    from .sampling import Samples
    from .schedule import Schedule
    from .tally import Tally, Timeline

PERCENTS = (50.0, 90.0, 95.0, 99.0, 99.9)
_SHOWN = 10


@dataclass(frozen=True)
class Report:
    """One run.

    Attributes:
        target: what was called.
        schedule: when calls were due.
        elapsed: seconds that were measured, until the last call came to its end.
        limit: of calls under way.
        timeout: seconds after which a call was given up.
        total: all calls.
        operations: the same, by operation.
        timeline: the same, over time.
        samples: whether answers were what the contract says.
        interrupted: whether somebody ended it early.
        unfinished: calls that were under way then; they are in no other figure.
    """

    target: str
    schedule: Schedule
    elapsed: float
    limit: int
    timeout: float
    total: Tally
    operations: Mapping[str, Tally]
    timeline: Timeline
    samples: Samples
    interrupted: bool = False
    unfinished: int = 0

    @property
    def achieved(self) -> float:
        """Answers a second, of any status."""
        return self.total.answers.total() / self.elapsed if self.elapsed else 0.0

    def as_json(self, verdicts: Sequence[Verdict] = ()) -> str:
        """Return everything as JSON; the names say the units."""
        return json.dumps(self._document(verdicts), indent=2) + "\n"

    def _document(self, verdicts: Sequence[Verdict]) -> dict[str, Any]:
        schedule = self.schedule
        return {
            "target": self.target,
            "rate_asked_per_s": schedule.rate,
            "rate_achieved_per_s": round(self.achieved, 3),
            "arrivals": "poisson" if schedule.poisson else "constant",
            "seed": schedule.seed,
            "duration_s": schedule.duration,
            "warmup_s": schedule.warmup,
            "elapsed_s": round(self.elapsed, 6),
            "timeout_s": self.timeout,
            "concurrency_limit": self.limit,
            "ended_by_max_requests": schedule.is_cut,
            "interrupted": self.interrupted,
            "unfinished": self.unfinished,
            **_tally(self.total),
            "operations": {name: _tally(tally) for name, tally in self.operations.items()},
            "samples": {
                "answers": self.samples.answers,
                "checked": self.samples.checked,
                "at_most_per_operation_and_status": EACH,
                "invalid": self.samples.invalid,
                "faults": self.samples.faults,
            },
            "response_time_distribution": [
                {"percent": round(100 * count / self.total.response.count, 6), "ms": _ms(seconds)}
                for count, seconds in self.total.response.steps()
            ],
            "timeline": [
                {
                    "start_s": round(number * self.timeline.width, 3),
                    "seconds": self.timeline.width,
                    "answers": slot.answers,
                    "response_time_ms": _latencies(slot.response, (50.0, 90.0, 99.0)),
                }
                for number, slot in sorted(self.timeline.slots.items())
            ],
            "goals": [
                {"goal": str(each.goal), "met": each.met, "value": each.value} for each in verdicts
            ],
        }  # fmt: skip

    def as_text(self, verdicts: Sequence[Verdict] = ()) -> str:
        """Return what a terminal shows."""
        return "\n".join([*self._head(), *self._latencies(), *self._faults(), *map(str, verdicts)])

    def _head(self) -> Iterator[str]:
        calls, schedule = self.total.calls, self.schedule
        yield (
            f"{self.target}: {calls} calls in {self.elapsed:.1f} s, {schedule.rate:g}/s asked,"
            f" {self.achieved:.1f}/s answered"
        )
        if self.interrupted:
            yield f"ended early by an interrupt; {self.unfinished} calls were still under way and are left out"
        elif schedule.is_cut:
            yield f"ended after {schedule.maximum} calls (--max-requests), before its duration"

    def _latencies(self) -> Iterator[str]:
        columns = [*(f"p{percent:g}" for percent in PERCENTS), "max"]
        yield ""
        yield _row("milliseconds", ["calls", "errors", *columns])
        yield _row("response time", self._cells(self.total, self.total.response))
        yield _row("service time", ["", "", *_cells(self.total.service)])
        if len(self.operations) > 1:
            yield "response time by operation"
            for name, tally in self.operations.items():
                yield _row(f"  {name}", self._cells(tally, tally.response))
        yield ""
        yield (
            "response time counts from when a call was due, service time from when it was sent; both have what was"
            f" answered, and timeouts ({self.timeout:g} s)"
        )

    def _cells(self, tally: Tally, latencies: Histogram) -> list[str]:
        return [str(tally.calls), str(tally.errors.total()), *_cells(latencies)]

    def _faults(self) -> Iterator[str]:
        all_calls, samples = self.total, self.samples
        if all_calls.late:
            yield (
                f"late: {_share(all_calls.late, all_calls.calls)} were sent more than {LATE * 1000:g} ms after they"
                f" were due, at most {all_calls.latest * 1000:.0f} ms; response time has that wait, service time not"
            )
        if all_calls.late > all_calls.behind:
            yield f"  {all_calls.late - all_calls.behind} because {self.limit} were under way (--concurrency-limit)"
        if all_calls.behind:
            yield f"  {all_calls.behind} because this machine was busy: they say less of the service; lower --rate"
        if all_calls.errors:
            kinds = ", ".join(f"{count} x {kind}" for kind, count in all_calls.errors.most_common())
            yield f"errors: {_share(all_calls.errors.total(), all_calls.calls)}: {kinds}"
        if all_calls.answers[404]:
            yield "404 is what made-up ids lead to; give some that exist with --values FILE.yaml"
        if samples.answers:
            yield (
                f"contract: {samples.invalid} of {samples.checked} sampled answers broke it (of {samples.answers}; at"
                f" most {EACH} of each operation and status, by chance)"
            )
        for fault, times in list(samples.faults.items())[:_SHOWN]:
            yield f"  {times} x {fault}"
        if len(samples.faults) > _SHOWN:
            yield f"  and {len(samples.faults) - _SHOWN} more kinds, see --json"


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        "calls": tally.calls,
        "answers": {str(status): count for status, count in sorted(tally.answers.items())},
        "errors": dict(tally.errors.most_common()),
        "late": tally.late,
        "late_because_this_machine_was_busy": tally.behind,
        "latest_ms": _ms(tally.latest),
        "response_time_ms": _latencies(tally.response, PERCENTS),
        "service_time_ms": _latencies(tally.service, PERCENTS),
    }


def _latencies(histogram: Histogram, percents: Sequence[float]) -> dict[str, float]:
    values = zip(percents, histogram.percentiles(percents), strict=True)
    return {
        "count": histogram.count,
        **{f"p{percent:g}": _ms(seconds) for percent, seconds in values},
        "max": _ms(histogram.maximum),
        "mean": _ms(histogram.mean),
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _cells(histogram: Histogram) -> list[str]:
    if not histogram.count:
        return ["-"] * (len(PERCENTS) + 1)
    return [f"{1000 * seconds:.4g}" for seconds in [*histogram.percentiles(PERCENTS), histogram.maximum]]


def _row(name: str, cells: Sequence[str]) -> str:
    return f"{name:<24}" + "".join(f"{cell:>9}" for cell in cells)


def _share(count: int, of: int) -> str:
    return f"{count} of {of} calls ({100 * count / of:.3g} %)"
