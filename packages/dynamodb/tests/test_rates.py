"""Rates of capacity units."""

from __future__ import annotations

import threading

import pytest

from pymacaron_dynamodb.rates import RateLimit


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        assert seconds > 0
        self.now += seconds


def test_units_are_paid_for_afterwards() -> None:
    """A second's units are free after a rest; from then on taking units takes their time, large requests included."""
    clock = Clock()
    limit = RateLimit(10, clock, clock.sleep)
    assert limit.take(10) == 0
    assert limit.take(5) == pytest.approx(0.5)
    assert limit.take(128) == pytest.approx(12.8)
    clock.now += 100
    assert limit.take(10) == 0
    assert limit.take(1) == pytest.approx(0.1)
    assert limit.take(0) == 0


def test_threads_share_a_rate() -> None:
    """What several threads take is no more than the rate, whoever takes it."""
    waits: list[float] = []
    clock = Clock()
    limit = RateLimit(100, clock, waits.append)
    threads = [threading.Thread(target=lambda: [limit.take(10) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # 2,000 units are 20 seconds' worth, of which one was free.
    assert max(waits) == pytest.approx(19)


def test_size_of_requests() -> None:
    """A request of a slow job reads few items, one at least; that of a fast one as many as it likes."""
    assert RateLimit(10).page(1000) == 10
    assert RateLimit(0.1).page(1000) == 1
    assert RateLimit(5000).page(1000) == 1000


@pytest.mark.parametrize("wrong", [0, -1, float("inf"), float("nan")])
def test_wrong_rates(wrong: float) -> None:
    """A rate is above 0 and finite."""
    with pytest.raises(ValueError, match="capacity units a second; write a number above 0"):
        RateLimit(wrong)
