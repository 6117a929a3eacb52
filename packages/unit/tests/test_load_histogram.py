"""Latencies and their percentiles."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pymacaron_unit.load.histogram import Histogram

SECONDS = st.lists(st.floats(0, 1000), min_size=1, max_size=60)
PERCENT = st.sampled_from([0.1, 1, 25, 50, 66.6, 75, 90, 95, 99, 99.9, 99.99, 100])


def counted(values: list[float]) -> Histogram:
    made = Histogram()
    for value in values:
        made.record(value)
    return made


def near(value: float) -> object:
    """Three significant digits, and no less than the microsecond that is the unit."""
    return pytest.approx(value, rel=1e-3, abs=1e-6)


@given(SECONDS, PERCENT)
def test_percentile_is_that_of_the_sorted_list(values: list[float], percent: float) -> None:
    """Nearest rank: the smallest of the values that at least so many percent do not exceed."""
    needed = next(rank for rank in range(1, len(values) + 1) if rank * 100 >= percent * len(values) - 1e-9)
    assert counted(values).percentile(percent) == near(sorted(values)[needed - 1])


@given(SECONDS)
def test_maximum_and_mean_are_exact(values: list[float]) -> None:
    """The longest is not rounded, and no percentile is above it."""
    made = counted(values)
    assert (made.count, made.maximum) == (len(values), max(values))
    assert made.mean == pytest.approx(math.fsum(values) / len(values))
    assert made.percentile(100) <= made.maximum


@given(SECONDS, SECONDS)
def test_added_is_as_counted_together(first: list[float], second: list[float]) -> None:
    """The sum of two histograms is the histogram of all."""
    whole, parts = counted([*first, *second]), counted(first)
    parts.add(counted(second))
    assert list(parts.steps()) == list(whole.steps())
    assert (parts.count, parts.maximum) == (whole.count, whole.maximum)
    assert parts.mean == pytest.approx(whole.mean)


@given(SECONDS)
def test_steps_lead_to_all(values: list[float]) -> None:
    """The distribution rises, in values and in counts, and ends with the count of all."""
    steps = list(counted(values).steps())
    assert steps == sorted(set(steps))
    assert steps[-1][0] == len(values)
    assert steps[-1][1] == near(max(values))


def test_empty() -> None:
    """No latencies: zeros, no fault."""
    assert (Histogram().percentile(99), Histogram().mean, list(Histogram().steps())) == (0.0, 0.0, [])


def test_beyond_an_hour() -> None:
    """What is too long to be counted stays in the last place, and is the maximum as it was."""
    made = counted([7200.0])
    assert (made.count, made.maximum) == (1, 7200.0)
    assert made.percentile(50) == near(3600.0)
