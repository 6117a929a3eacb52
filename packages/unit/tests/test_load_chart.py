"""The chart: its axes, and what a browser would be given."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pymacaron_unit.load.axes import Axis, linear_ticks, log_ticks, percentile_ticks, seconds, time_ticks
from pymacaron_unit.load.calls import Call
from pymacaron_unit.load.chart import WIDTH, draw
from pymacaron_unit.load.outcome import Answer, Outcome
from pymacaron_unit.load.report import Report
from pymacaron_unit.load.sampling import Samples
from pymacaron_unit.load.schedule import Schedule
from pymacaron_unit.load.tally import Recorder, total

if TYPE_CHECKING:
    from collections.abc import Iterable
    from xml.etree.ElementTree import Element

SVG = "{http://www.w3.org/2000/svg}"


def report_of(latencies: Iterable[float], rate: float = 10, target: str = "http://127.0.0.1") -> Report:
    recorder = Recorder(10)
    for index, latency in enumerate(latencies):
        due = index / rate
        call = Call("getPet", "GET", target, {})
        recorder.record(Outcome(call, due, due, due + latency, Answer(200)))
    tally = total(recorder.operations.values())
    samples = Samples(0, 0, 0, {})
    schedule = Schedule(rate, 10)
    return Report(target, schedule, recorder.elapsed, 10, 1, tally, recorder.operations, recorder.timeline, samples)


def drawn(report: Report) -> Element:
    return ElementTree.fromstring(draw(report))


def texts(chart: Element) -> list[str]:
    return ["".join(each.itertext()) for each in chart.iter(f"{SVG}text")]


def points(chart: Element, name: str) -> list[list[tuple[float, float]]]:
    paths = [each.get("d", "") for each in chart.iter(f"{SVG}path") if each.get("class") == name]
    return [[(float(x), float(y)) for x, y in (pair.split() for pair in path[1:].split("L"))] for path in paths]


@given(st.lists(st.floats(0, 60), max_size=100), st.floats(0.1, 1000))
def test_every_run_can_be_drawn(latencies: list[float], rate: float) -> None:
    """No run, however short or odd, leaves the picture: all places are numbers within it, and the XML is sound."""
    chart = drawn(report_of(latencies, rate))
    for name in ("line a", "line b", "line c dashed", "line b dashed"):
        for x, y in [pair for path in points(chart, name) for pair in path]:
            assert 0 <= x <= WIDTH + 0.1
            assert 0 <= y <= float(chart.get("height", "0")) + 0.1


def test_latencies_stand_where_the_axis_says() -> None:
    """90 of 100 calls take 10 ms, 9 take 100 ms, one a second: equal steps upwards at 90 % and at 99 %."""
    chart = drawn(report_of([0.01] * 90 + [0.1] * 9 + [1.0]))
    axis = {"".join(each.itertext()): float(each.get("x", "0")) for each in reversed(list(chart.iter(f"{SVG}text")))}
    # The first line of this kind names it in the legend.
    curve = points(chart, "line a")[1]
    rises = [(x, y - after) for (x, y), (_, after) in pairwise(curve) if after < y - 1]
    assert [x for x, _ in rises] == [axis["90 %"], axis["99 %"]]
    assert rises[0][1] == pytest.approx(rises[1][1], abs=0.3)
    assert min(y for _, y in curve) == curve[-1][1]


def test_text_is_escaped_and_names_units() -> None:
    """A target's name is text, whatever is in it; axes say what they count in."""
    chart = drawn(report_of([0.01, 0.2, 3], target="http://127.0.0.1/<script>&"))
    shown = texts(chart)
    assert "Load of http://127.0.0.1/<script>&" in shown
    assert not list(chart.iter(f"{SVG}script"))
    assert {"10 ms", "1 s", "0 %", "50 %", "90 %", "99 %", "asked: 10/s"} <= set(shown)
    assert any(text.startswith("3 calls in ") for text in shown)
    assert chart.get("role") == "img"
    assert next(chart.iter(f"{SVG}desc")).text in shown


@given(st.floats(1e-6, 1e3), st.floats(1.5, 1e6))
def test_log_ticks_are_round_and_within(low: float, ratio: float) -> None:
    """Ascending, within the bounds, and as far apart as can be read."""
    values = [value for value, _ in log_ticks(low, low * ratio)]
    assert values == sorted(set(values))
    assert all(low <= value <= low * ratio for value in values)
    assert len(values) <= 15
    assert ratio < 10 or values


@given(st.floats(0.01, 1e6))
def test_even_ticks(high: float) -> None:
    """From 0 up to the bound, a readable number of them, each label the value."""
    for ticks, most in ((linear_ticks(high), 5), (time_ticks(high), 11)):
        found = list(ticks)
        assert found[0][0] == 0
        assert found[-1][0] <= high * (1 + 1e-6)
        assert 2 <= len(found) <= most
        assert all(float(label.removesuffix(" s")) == pytest.approx(value, rel=1e-4) for value, label in found)


def test_percentile_ticks() -> None:
    """Each further nine is one step."""
    assert [label for _, label in percentile_ticks(4)] == ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"]
    assert [10**-place for place, _ in percentile_ticks(3)] == [pytest.approx(x) for x in (1, 0.5, 0.1, 0.01, 0.001)]


@pytest.mark.parametrize(
    ("value", "text"),
    [(2e-6, "2 µs"), (0.0005, "500 µs"), (0.001, "1 ms"), (0.2, "200 ms"), (1.0, "1 s"), (50, "50 s")],
)
def test_duration_has_its_unit(value: float, text: str) -> None:
    """The largest unit of which it is at least one."""
    assert seconds(value) == text


@given(st.floats(0.001, 10), st.floats(2, 1e4), st.booleans())
def test_axis_maps_its_ends(first: float, ratio: float, logarithmic: bool) -> None:
    """The first value stands at the start, the last at the end, and the middle of the scale in the middle."""
    axis = Axis(first, first * ratio, 100, 20, logarithmic)
    assert axis.at(first) == pytest.approx(100)
    assert axis.at(first * ratio) == pytest.approx(20)
    middle = first * math.sqrt(ratio) if logarithmic else first * (1 + ratio) / 2
    assert axis.at(middle) == pytest.approx(60)
