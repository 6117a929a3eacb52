"""``eventually`` waits for what comes true by itself."""

from __future__ import annotations

from itertools import count

import pytest

from pymacaron_unit import eventually


def test_returns_the_first_true_value() -> None:
    """False values and AssertionErrors mean "not yet"."""
    numbers = count()

    def check() -> str:
        number = next(numbers)
        assert number > 1, "too few"
        return "done" if number > 3 else ""

    assert eventually(check, within=30, every=0.001) == "done"


def test_says_what_it_saw_last() -> None:
    """The error tells the last value, or what the last try failed with."""
    with pytest.raises(AssertionError, match=r"not true within 0.01 s \(\d+ tries\); the last value was \[\]"):
        eventually(list, within=0.01, every=0.001)

    def fail() -> None:
        raise AssertionError("one is not two")

    with pytest.raises(AssertionError, match="the last time it failed with: one is not two"):
        eventually(fail, within=0)


def test_other_errors_pass_at_once() -> None:
    """An error that is no AssertionError is not waited out."""
    numbers = count()
    with pytest.raises(ZeroDivisionError):
        eventually(lambda: 1 / next(numbers), within=60)
    assert next(numbers) == 1
