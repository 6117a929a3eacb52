"""Latencies, counted in an HDR histogram: three significant digits from a microsecond to an hour."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hdrh.histogram import HdrHistogram

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MICROSECONDS = 1_000_000
_LONGEST = 3_600 * _MICROSECONDS


class Histogram:
    """Latencies in seconds.

    Args:
        digits: how many significant digits are kept.

    Attributes:
        count: of latencies.
        maximum: the longest, exactly; 0 where there is none.
    """

    def __init__(self, digits: int = 3) -> None:
        self.count = 0
        self.maximum = 0.0
        self._sum = 0.0
        self._counts = HdrHistogram(1, _LONGEST, digits)

    def record(self, seconds: float) -> None:
        """Count a latency."""
        self._counts.record_value(min(max(round(seconds * _MICROSECONDS), 0), _LONGEST))
        self.count += 1
        self._sum += seconds
        self.maximum = max(self.maximum, seconds)

    def add(self, other: Histogram) -> None:
        """Count all latencies of another histogram of the same digits."""
        self._counts.add(other._counts)
        self.count += other.count
        self._sum += other._sum
        self.maximum = max(self.maximum, other.maximum)

    @property
    def mean(self) -> float:
        """The mean, in seconds; 0 where there is no latency."""
        return self._sum / self.count if self.count else 0.0

    def percentile(self, percent: float) -> float:
        """Return the shortest latency, in seconds, that at least ``percent`` of all do not exceed (nearest rank)."""
        return self.percentiles([percent])[0]

    def percentiles(self, percents: Sequence[float]) -> list[float]:
        """Return several percentiles, in seconds; 0 where there is no latency."""
        steps = list(self.steps())
        places = [math.ceil(round(percent * self.count / 100, 9)) for percent in percents]
        return [next((value for count, value in steps if count >= place), 0.0) for place in places]

    def steps(self) -> Iterator[tuple[int, float]]:
        """Yield each latency that occurred, in seconds, after how many do not exceed it; shortest first."""
        reached = 0
        # The library's own iterators visit each of some 20000 places in Python, for every figure.
        for index, count in enumerate(self._counts.counts[:]):
            if count:
                reached += count
                value = self._counts.get_highest_equivalent_value(self._counts.get_value_from_index(index))
                yield reached, min(value / _MICROSECONDS, self.maximum)
