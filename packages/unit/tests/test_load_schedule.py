"""When calls are due."""

from __future__ import annotations

import statistics
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pymacaron_unit.load.schedule import Schedule


@given(rate=st.integers(1, 1000), duration=st.integers(1, 20), warmup=st.integers(0, 5))
def test_even_calls(rate: int, duration: int, warmup: int) -> None:
    """Each call is due one interval after the one before, from the warm-up's begin to the end, without drift."""
    moments = list(Schedule(rate, duration, warmup))
    assert len(moments) == rate * (duration + warmup)
    assert moments[0] == -warmup
    assert moments[-1] == pytest.approx(duration - 1 / rate)
    assert sum(moment >= 0 for moment in moments) == rate * duration


@given(maximum=st.integers(1, 300), rate=st.integers(1, 100), poisson=st.booleans())
def test_maximum(maximum: int, rate: int, poisson: bool) -> None:
    """No more calls than the maximum; it is told whether that ended the schedule early."""
    whole = len(list(Schedule(rate, 2, poisson=poisson)))
    cut = Schedule(rate, 2, maximum=maximum, poisson=poisson)
    assert len(list(cut)) == min(whole, maximum)
    assert cut.is_cut == (whole > maximum)


def test_calls_by_chance() -> None:
    """Intervals of a Poisson process: exponential, so their deviation is their mean; the same for the same seed."""
    moments = list(Schedule(100, 100, 0, poisson=True, seed=3))
    intervals = [after - before for before, after in pairwise(moments)]
    assert min(intervals) > 0
    assert statistics.mean(intervals) == pytest.approx(0.01, rel=0.05)
    assert statistics.stdev(intervals) == pytest.approx(0.01, rel=0.05)
    assert moments == list(Schedule(100, 100, 0, poisson=True, seed=3))
    assert moments != list(Schedule(100, 100, 0, poisson=True, seed=4))
