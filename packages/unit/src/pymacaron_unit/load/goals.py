"""What a run must reach: ``p99<200ms``, ``errors<1%``, ``rate>=190``."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..exceptions import UnitError

if TYPE_CHECKING:
    from .report import Report

GRAMMAR = """\
a goal is SUBJECT OPERATOR NUMBER UNIT, where OPERATOR is < <= > >= and SUBJECT and UNIT are
  p50, p99, p99.9 (above 0, up to 100), mean, max    us, ms or s: response times
  errors, late                                       % of the calls, or nothing: how many
  rate                                               /s or nothing: answers a second
  invalid                                            nothing: sampled answers that break the contract
such as p99<200ms, errors<1%, rate>=190"""

_FORM = re.compile(
    r"\s*([a-z]+)(\d{1,3}(?:\.\d{1,4})?)?\s*(<=|>=|<|>)\s*(\d+(?:\.\d+)?)\s*(us|ms|s|%|/s)?\s*", re.ASCII
)
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
_UNITS: dict[str, tuple[str | None, ...]] = {
    "p": ("us", "ms", "s"),
    "mean": ("us", "ms", "s"),
    "max": ("us", "ms", "s"),
    "errors": ("%", None),
    "late": ("%", None),
    "rate": ("/s", None),
    "invalid": (None,),
}


class GoalError(UnitError):
    """A goal is none; the message has the grammar."""


@dataclass(frozen=True)
class Verdict:
    """Whether a run reached a goal, and what it reached."""

    goal: Goal
    met: bool
    value: str

    def __str__(self) -> str:
        return f"{self.goal}: {'yes' if self.met else 'FAILED'}, it is {self.value}"


@dataclass(frozen=True)
class Goal:
    """One bound of one figure.

    Attributes:
        subject: ``p`` for a percentile, else the figure's name.
        percent: which percentile.
        comparison: ``<``, ``<=``, ``>`` or ``>=``.
        bound: in ``unit``.
        unit: ``us``, ``ms``, ``s``, ``%``, ``/s`` or None.
    """

    subject: str
    percent: float | None
    comparison: str
    bound: float
    unit: str | None

    def __str__(self) -> str:
        percent = "" if self.percent is None else f"{self.percent:g}"
        return f"{self.subject}{percent}{self.comparison}{self.bound:.12g}{self.unit or ''}"

    def judge(self, report: Report) -> Verdict:
        """Compare a run with the goal. A latency of no answers, or a share of no calls, reaches none."""
        figure = self._figure(report)
        if figure is None:
            return Verdict(self, False, "unknown: there was none to measure")
        return Verdict(self, _COMPARE[self.comparison](figure, self.bound), f"{figure:.6g}{self.unit or ''}")

    def _figure(self, report: Report) -> float | None:
        all_calls = report.total
        if self.subject in ("p", "mean", "max"):
            response = all_calls.response
            if not response.count or self.unit is None:
                return None
            seconds = response.percentile(self.percent) if self.percent is not None else (
                response.mean if self.subject == "mean" else response.maximum
            )  # fmt: skip
            return seconds / _SECONDS[self.unit]
        if self.subject == "rate":
            return report.achieved
        if self.subject == "invalid":
            return report.samples.invalid if report.samples.checked else None
        count = all_calls.errors.total() if self.subject == "errors" else all_calls.late
        if self.unit != "%":
            return count
        return 100 * count / all_calls.calls if all_calls.calls else None


def parse_goal(text: str) -> Goal:
    """Read a goal.

    Raises:
        GoalError: it is none.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise GoalError(f"{text!r} is no goal: {GRAMMAR}")
    subject, percent, comparison, bound, unit = found.groups()
    if subject not in _UNITS or (subject == "p") != (percent is not None):
        raise GoalError(f"{text!r} is no goal, it names no figure: {GRAMMAR}")
    if unit not in _UNITS[subject]:
        wrong = f"cannot be counted in {unit}" if unit else "needs a unit"
        raise GoalError(f"{text!r} is no goal, {subject}{percent or ''} {wrong}: {GRAMMAR}")
    if percent is not None and not 0 < float(percent) <= 100:
        raise GoalError(f"{text!r} is no goal, a percentile is above 0 and at most 100: {GRAMMAR}")
    return Goal(subject, None if percent is None else float(percent), comparison, float(bound), unit)
