"""What a run must reach."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pymacaron_unit.load.goals import GoalError, parse_goal
from pymacaron_unit.load.report import Report
from pymacaron_unit.load.sampling import Samples
from pymacaron_unit.load.schedule import Schedule
from pymacaron_unit.load.tally import Tally, Timeline

PERCENTILE = st.decimals(min_value="0.0001", max_value=100, places=4).map(lambda number: f"p{number.normalize():f}")
LATENCY = st.tuples(PERCENTILE | st.sampled_from(["mean", "max"]), st.sampled_from(["us", "ms", "s"]))
COUNT = st.tuples(st.sampled_from(["errors", "late"]), st.sampled_from(["%", ""]))
OTHER = st.sampled_from([("rate", "/s"), ("rate", ""), ("invalid", "")])
COMPARISON = st.sampled_from(["<", "<=", ">", ">="])
NUMBER = st.integers(0, 10**9).map(lambda number: f"{number / 1000:.10g}")
BLANK = st.sampled_from(["", " ", "  "])


@given(LATENCY | COUNT | OTHER, COMPARISON, NUMBER, BLANK)
def test_goal_is_written_as_it_was_read(figure: tuple[str, str], comparison: str, number: str, blank: str) -> None:
    """Every goal of the grammar is read, with blanks or without, and its text is the goal again."""
    text = f"{figure[0]}{comparison}{number}{figure[1]}"
    assert str(parse_goal(blank + blank.join([figure[0], comparison, number, figure[1]]) + blank)) == text


@given(st.text("p9mserol<>=.%/ 0-", max_size=12) | st.text(max_size=12))
def test_junk_is_refused_with_the_grammar(text: str) -> None:
    """A text is a goal that is written the same but for blanks and zeros, or it is refused with the grammar."""
    try:
        goal = parse_goal(text)
    except GoalError as error:
        message = str(error)
    else:
        message = ""
        assert parse_goal(str(goal)) == goal
        assert not set(str(goal)) - set(text)
    assert not message or (repr(text) in message and "such as p99<200ms, errors<1%, rate>=190" in message)


@pytest.mark.parametrize(
    "text",
    ["p99", "p99<", "p99<200", "p99<200 minutes", "p0<1ms", "p101<1ms", "p<1ms", "p99=200ms", "p99==200ms", "p99<-1ms",
     "errors<1ms", "errors5<1", "rate>=190%", "rate>=190ms", "mean<5", "mean5<5ms", "invalid<1%", "speed>1", "",
     "p99<200ms,rate>1", "p99 <200 ms x", "200ms>p99", "p99<1e3ms", "p99.12345<1ms", "p٩٩<1ms"],
)  # fmt: skip
def test_what_is_no_goal(text: str) -> None:
    """A missing unit, a unit of something else, an operator that no measurement can satisfy: refused, not guessed."""
    with pytest.raises(GoalError, match="is no goal"):
        parse_goal(text)


def report_of(latencies: list[float], errors: int = 0, late: int = 0, checked: int = 10, invalid: int = 0) -> Report:
    total = Tally(calls=len(latencies), answers=Counter({200: len(latencies)}), late=late)
    if errors:
        total.errors["timeout"] = errors
    for each in latencies:
        total.response.record(each)
    samples = Samples(len(latencies), checked, invalid, {})
    return Report("it", Schedule(10, 10), 10.0, 1, 1.0, total, {}, Timeline(10), samples)


@pytest.mark.parametrize(
    ("text", "met", "value"),
    [("p50<=101ms", True, "100ms"), ("p50<100ms", False, "100ms"), ("p99<1s", False, "1s"), ("p99<=1s", True, "1s"),
     ("max>999ms", True, "1000ms"), ("mean<110000us", True, "109000us"), ("errors<1%", False, "1%"),
     ("errors<=1%", True, "1%"), ("errors<1", False, "1"), ("late<3", True, "2"), ("late>2%", False, "2%"),
     ("rate>=10", True, "10"), ("rate>10/s", False, "10/s"), ("invalid<1", True, "0")],
)  # fmt: skip
def test_judgement(text: str, met: bool, value: str) -> None:
    """98 calls took 0.1 s and 2 took 1 s: figures are in the goal's own unit, with three significant digits."""
    verdict = parse_goal(text).judge(report_of([0.1] * 99 + [1.0] if "mean" in text else [0.1] * 98 + [1.0] * 2, 1, 2))
    assert verdict.met == met
    assert float(verdict.value.rstrip("mus%/")) == pytest.approx(float(value.rstrip("mus%/")), rel=2e-3)
    assert str(verdict) == f"{text}: {'yes' if met else 'FAILED'}, it is {verdict.value}"


@pytest.mark.parametrize("text", ["p99<1s", "p99>0ms", "mean>=0ms", "errors<1%", "errors>=0%", "invalid<1", "rate>1"])
def test_nothing_measured_reaches_no_goal(text: str) -> None:
    """Not one call came back: neither a bound from above nor one from below is met."""
    verdict = parse_goal(text).judge(report_of([], checked=0))
    assert not verdict.met
