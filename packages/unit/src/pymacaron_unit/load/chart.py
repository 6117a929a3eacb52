"""Draws a run as SVG: latency by percentile, latency over time, answers a second over time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from .axes import Axis, linear_ticks, log_ticks, percentile_ticks, time_ticks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .histogram import Histogram
    from .report import Report

WIDTH = 960
_HEIGHT = 975
_LEFT, _RIGHT = 90, 40
_PANELS = {"percentiles": (120, 300), "latency": (510, 180), "rate": (780, 150)}
_SHORTEST = 1e-3

_STYLE = """\
:root { --paper: #ffffff; --ink: #1f2328; --soft: #59636e; --grid: #d8dee4;
  --a: #0b62c4; --b: #b35900; --c: #8250df; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #0d1117; --ink: #e6edf3; --soft: #9198a1; --grid: #2f353d;
    --a: #58a6ff; --b: #f0a04b; --c: #c297ff; }
}
.paper { fill: var(--paper); }
text { font: 13px system-ui, sans-serif; fill: var(--ink); }
.title { font-size: 19px; font-weight: 600; }
.head { font-size: 15px; font-weight: 600; }
.soft { fill: var(--soft); }
.grid { stroke: var(--grid); stroke-width: 1; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.a { stroke: var(--a); } .b { stroke: var(--b); } .c { stroke: var(--c); }
.bar { fill: var(--a); fill-opacity: 0.45; }
.dashed { stroke-dasharray: 6 4; }"""


def draw(report: Report) -> str:
    """Return the chart of a run as an SVG document; it follows the reader's choice of light or dark."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {_HEIGHT}" width="{WIDTH}" height="{_HEIGHT}"'
        ' role="img" aria-labelledby="title summary">',
        f'<title id="title">Load of {escape(report.target)}</title>',
        f'<desc id="summary">{escape(_summary(report))}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{_HEIGHT}"/>',
        _text(_LEFT - 60, 40, f"Load of {_short(report.target, 66)}", "title"),
        _text(_LEFT - 60, 64, _summary(report), "soft"),
        *_percentiles(report),
        *_latency(report),
        *_rate(report),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _summary(report: Report) -> str:
    errors = report.total.errors.total()
    return (
        f"{report.total.calls} calls in {report.elapsed:.1f} s; {report.schedule.rate:g}/s asked,"
        f" {report.achieved:.1f}/s answered; {errors} {'error' if errors == 1 else 'errors'}"
    )


def _percentiles(report: Report) -> Iterable[str]:
    """Latency by percentile: an axis on which each further nine takes as much room as the one before."""
    top, height = _PANELS["percentiles"]
    response, service = report.total.response, report.total.service
    nines = max(2.0, math.ceil(math.log10(max(response.count, 1))))
    across = Axis(0, nines, _LEFT, WIDTH - _RIGHT)
    up = _latency_axis([response, service], top, height)
    yield from _frame("Latency by percentile", top, height)
    yield from _legend([("a", "response time: since the call was due"), ("b", "service time: since it was sent")], top)
    yield from _rows(up)
    for place, label in percentile_ticks(nines):
        yield from _column(across, place, label, top + height)
    yield _text(WIDTH - _RIGHT, top + height + 40, "percent of calls that took no longer", "soft", "end")
    for name, histogram in (("b", service), ("a", response)):
        points = [(across.at(x), up.at(y)) for x, y in _curve(histogram, nines)]
        yield _line(points, f"line {name}")


def _curve(histogram: Histogram, nines: float) -> Iterable[tuple[float, float]]:
    """Yield the steps of a distribution: at which share of calls (as nines) the latency rises to which value."""
    place = 0.0
    for count, seconds in histogram.steps():
        yield place, _visible(seconds)
        left = 1 - count / histogram.count
        place = min(-math.log10(left), nines) if left > 0 else nines
        yield place, _visible(seconds)


def _latency(report: Report) -> Iterable[str]:
    top, height = _PANELS["latency"]
    slots = sorted(report.timeline.slots.items())
    histograms = [slot.response for _, slot in slots if slot.response.count]
    up = _latency_axis(histograms, top, height)
    across = _time_axis(report)
    yield from _frame(f"Response time over time, by when calls were due ({_slot(report)})", top, height)
    yield from _legend([("c dashed", "longest"), ("b", "90 %"), ("a", "50 %")], top)
    yield from _rows(up)
    yield from _time_columns(across, top + height)
    for name, percent in (("c dashed", 100.0), ("b", 90.0), ("a", 50.0)):
        points = [
            (across.at(_middle(report, number)), up.at(_visible(slot.response.percentile(percent))))
            for number, slot in slots
            if slot.response.count
        ]
        yield _line(points, f"line {name}") + _dots(points, name)


def _rate(report: Report) -> Iterable[str]:
    top, height = _PANELS["rate"]
    width = report.timeline.width
    across = _time_axis(report)
    rates = {number: slot.answers / _covered(report, number) for number, slot in report.timeline.slots.items()}
    highest = max([report.schedule.rate, *rates.values()]) * 1.1
    up = Axis(0, highest, top + height, top)
    yield from _frame(f"Answers a second, by when they arrived ({_slot(report)})", top, height)
    yield from _legend([("b dashed", f"asked: {report.schedule.rate:g}/s")], top)
    for value, label in linear_ticks(highest):
        yield from _row(up, value, f"{label}/s")
    yield from _time_columns(across, top + height)
    for number, rate in sorted(rates.items()):
        left = across.at(number * width)
        right = across.at(min((number + 1) * width, across.last))
        size = up.at(0) - up.at(rate)
        yield (
            f'<rect class="bar" x="{left + 0.5:.1f}" y="{up.at(rate):.1f}" width="{max(right - left - 1, 0.5):.1f}"'
            f' height="{size:.1f}"><title>{rate:.1f}/s from {number * width:g} s on</title></rect>'
        )
    asked = up.at(report.schedule.rate)
    yield _line([(_LEFT, asked), (WIDTH - _RIGHT, asked)], "line b dashed")


def _time_axis(report: Report) -> Axis:
    return Axis(0, max(report.elapsed, report.timeline.width), _LEFT, WIDTH - _RIGHT)


def _covered(report: Report, number: int) -> float:
    """Return how much of a slot was measured: the last one may have been cut off."""
    width = report.timeline.width
    return min(width, max(report.elapsed - number * width, width / 10))


def _middle(report: Report, number: int) -> float:
    width = report.timeline.width
    return min((number + 0.5) * width, report.elapsed)


def _slot(report: Report) -> str:
    return f"each {report.timeline.width:g} s"


def _latency_axis(histograms: Sequence[Histogram], top: int, height: int) -> Axis:
    """Return an axis of seconds on a logarithmic scale, from below the shortest to above the longest latency."""
    values = [_visible(seconds) for each in histograms for seconds in (each.percentile(0), each.maximum)] or [1e-3, 1]
    low, high = min(values) / 1.3, max(values) * 1.3
    if high / low < 10:
        middle = math.sqrt(low * high)
        low, high = middle / math.sqrt(10), middle * math.sqrt(10)
    return Axis(low, high, top + height, top, logarithmic=True)


def _visible(seconds: float) -> float:
    """Return a latency as a logarithmic axis can show it."""
    return max(seconds, _SHORTEST / 100)


def _frame(heading: str, top: int, height: int) -> Iterable[str]:
    yield _text(_LEFT - 60, top - 14, heading, "head")
    yield f'<path class="grid" fill="none" d="M{_LEFT} {top}V{top + height}H{WIDTH - _RIGHT}"/>'


def _legend(entries: Sequence[tuple[str, str]], top: int) -> Iterable[str]:
    """Name the lines, from the right edge to the left."""
    right = WIDTH - _RIGHT
    for name, label in reversed(entries):
        room = 6.9 * len(label) + 34
        yield _line([(right - room, top - 19), (right - room + 24, top - 19)], f"line {name}")
        yield _text(right - room + 30, top - 14, label)
        right -= int(room) + 14


def _rows(up: Axis) -> Iterable[str]:
    for value, label in log_ticks(up.first, up.last):
        yield from _row(up, value, label)


def _row(up: Axis, value: float, label: str) -> Iterable[str]:
    y = up.at(value)
    yield f'<path class="grid" d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}"/>'
    yield _text(_LEFT - 8, y + 4.5, label, "soft", "end")


def _column(across: Axis, value: float, label: str, bottom: int) -> Iterable[str]:
    x = across.at(value)
    yield f'<path class="grid" d="M{x:.1f} {bottom}v6"/>'
    yield _text(x, bottom + 21, label, "soft", "middle")


def _time_columns(across: Axis, bottom: int) -> Iterable[str]:
    for value, label in time_ticks(across.last):
        yield from _column(across, value, label, bottom)


def _line(points: Sequence[tuple[float, float]], name: str) -> str:
    if not points:
        return ""
    return f'<path class="{name}" d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in points)}"/>'


def _dots(points: Sequence[tuple[float, float]], name: str) -> str:
    """Mark the points where they are few: a line through one of them shows nothing."""
    if len(points) > 2:
        return ""
    kind = name.split()[0]
    return "".join(f'<circle class="line {kind}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in points)


def _text(x: float, y: float, text: str, name: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{name}" text-anchor="{anchor}">{escape(text)}</text>'


def _short(text: str, longest: int) -> str:
    """Cut the middle out of a text that is too long: a path is known by its end."""
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]}…{text[-half:]}"
