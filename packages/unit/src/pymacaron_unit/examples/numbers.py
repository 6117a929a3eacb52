"""Numbers within bounds, for examples."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor, lcm
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from pymacaron.contract import Schema

_INTEGERS = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
_SPREAD = 1000


class Range:
    """The numbers that several schemas all allow."""

    def __init__(self, schemas: Iterable[Schema]) -> None:
        self.low: Fraction | None = None
        self.high: Fraction | None = None
        self.open_low = self.open_high = False
        self.step: Fraction | None = None
        for schema in schemas:
            self._take(schema)

    def _take(self, schema: Schema) -> None:
        low, high = _INTEGERS.get(schema.format or "", (None, None))
        for bound, is_open in ((low, False), (schema.minimum, False), (schema.exclusive_minimum, True)):
            if bound is not None and (self.low is None or (Fraction(bound), is_open) > (self.low, self.open_low)):
                self.low, self.open_low = Fraction(bound), is_open
        for bound, is_open in ((high, False), (schema.maximum, False), (schema.exclusive_maximum, True)):
            if bound is not None and (self.high is None or (-Fraction(bound), is_open) > (-self.high, self.open_high)):
                self.high, self.open_high = Fraction(bound), is_open
        if schema.multiple_of:
            self.step = _common(self.step, Fraction(str(schema.multiple_of)))

    def number(self, integer: bool, random: Random | None) -> int | float | None:
        """Return a number in the range; None where it has none.

        Args:
            integer: whether it must be one.
            random: chooses it; without it the number is the plainest there is.
        """
        step = _common(self.step, Fraction(1)) if integer else self.step
        if step is None and (random is None or random.random() < 0.7):
            found = self._multiple(Fraction(1), random)
            return found if found is not None else self._between(random)
        return self._between(random) if step is None else self._multiple(step, random)

    def _multiple(self, step: Fraction, random: Random | None) -> int | float | None:
        low = None if self.low is None else ceil(self.low / step)
        high = None if self.high is None else floor(self.high / step)
        if low is not None and self.open_low and low * step == self.low:
            low += 1
        if high is not None and self.open_high and high * step == self.high:
            high -= 1
        if low is not None and high is not None and low > high:
            return None
        return _plain(_chosen(low, high, random) * step)

    def _between(self, random: Random | None) -> int | float | None:
        """Return a number that need be no multiple of anything."""
        low = self.low if self.low is not None else (self.high if self.high is not None else Fraction(0)) - 1
        high = self.high if self.high is not None else low + 2
        if low > high or (low == high and (self.open_low or self.open_high)):
            return None
        part = Fraction(1, 2) if random is None else Fraction(random.randint(1, 99), 100)
        return _plain(low + (high - low) * part)


def _chosen(low: int | None, high: int | None, random: Random | None) -> int:
    """Choose an integer within bounds: 1 where that is one, else the bound next to it."""
    if random is not None:
        start = low if low is not None else min(0, high) - _SPREAD if high is not None else 0
        return random.randint(start, min(high, start + 2 * _SPREAD) if high is not None else start + _SPREAD)
    chosen = 1 if low is None else max(low, 1)
    return chosen if high is None else min(chosen, high)


def _common(a: Fraction | None, b: Fraction) -> Fraction:
    """Return the least common multiple."""
    if a is None:
        return b
    bottom = lcm(a.denominator, b.denominator)
    return Fraction(lcm(int(a * bottom), int(b * bottom)), bottom)


def _plain(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)
