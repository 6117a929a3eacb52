"""The axes of a chart: where a value is drawn, and which values get a label."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MANY = 10


@dataclass(frozen=True)
class Axis:
    """Maps values from ``first`` to ``last`` to places from ``start`` to ``end``."""

    first: float
    last: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Return the place of a value."""
        scale = math.log10 if self.logarithmic else float
        low, high = scale(self.first), scale(self.last)
        return self.start + (scale(value) - low) / (high - low) * (self.end - self.start)


def log_ticks(low: float, high: float) -> Iterator[tuple[float, str]]:
    """Yield round numbers of seconds between two bounds: 1, 2 and 5 of each power of ten, or only 1 of many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for power in powers:
        for factor in (1, 2, 5) if len(powers) <= 5 else (1,):
            # Read from text, as 2 * 10 ** -3 is not 0.002.
            value = float(f"{factor}e{power}")
            if low <= value <= high:
                yield value, seconds(value)


def linear_ticks(high: float) -> Iterator[tuple[float, str]]:
    """Yield round numbers from 0 to a bound, four or so."""
    step = _round_step(high / 4)
    for index in range(int(high / step + 1e-9) + 1):
        yield index * step, f"{index * step:g}"


def time_ticks(high: float) -> Iterator[tuple[float, str]]:
    """Yield round numbers of seconds from 0 to a bound, ten or so."""
    step = _round_step(high / _MANY)
    for index in range(int(high / step + 1e-9) + 1):
        yield index * step, f"{round(index * step, 6):g} s"


def percentile_ticks(nines: float) -> Iterator[tuple[float, str]]:
    """Yield places of percentiles, as nines: 0 for 0 %, 1 for 90 %, 2 for 99 %."""
    yield 0.0, "0 %"
    yield -math.log10(0.5), "50 %"
    for nine in range(1, int(nines) + 1):
        yield float(nine), f"{100 - 10.0 ** (2 - nine):.10g} %"


def seconds(value: float) -> str:
    """Write a duration with the unit that suits it: ``200 µs``, ``5 ms``, ``2 s``."""
    for size, unit in ((1.0, "s"), (1e-3, "ms")):
        if value >= size:
            return f"{value / size:.4g} {unit}"
    return f"{value * 1e6:.4g} µs"


def _round_step(rough: float) -> float:
    power = 10 ** math.floor(math.log10(rough))
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9)))
