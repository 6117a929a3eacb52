"""When calls are due."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, islice, takewhile
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Schedule:
    """The moments at which calls are due, in seconds; those of the warm-up are below 0.

    Attributes:
        rate: calls a second.
        duration: seconds that are measured.
        warmup: seconds before, at the same rate, that are not.
        maximum: of calls, with those of the warm-up.
        poisson: whether calls come by chance (a Poisson process of this rate), as those of many independent users do.
        seed: of the chance.
    """

    rate: float
    duration: float
    warmup: float = 0.0
    maximum: int = 1_000_000
    poisson: bool = False
    seed: int = 0

    def __iter__(self) -> Iterator[float]:
        return islice(self._all(), self.maximum)

    @property
    def is_cut(self) -> bool:
        """Tell whether the maximum ends it before its duration."""
        return next(islice(self._all(), self.maximum, None), None) is not None

    def _all(self) -> Iterator[float]:
        moments = self._by_chance() if self.poisson else self._evenly()
        return takewhile(lambda moment: moment < self.duration, moments)

    def _evenly(self) -> Iterator[float]:
        # Multiplied, not summed up: the error of one interval does not grow with their number.
        return (index / self.rate - self.warmup for index in count())

    def _by_chance(self) -> Iterator[float]:
        random = Random(self.seed)
        moment = -self.warmup
        while True:
            moment += random.expovariate(self.rate)
            yield moment
