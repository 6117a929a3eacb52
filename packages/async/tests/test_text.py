"""How times, spans and progress are shown."""

from __future__ import annotations

import pytest

from pymacaron_async.store import Progress
from pymacaron_async.text import bar, moment, printable, span

SPANS = [
    (None, "-"),
    (-3, "0.0 s"),
    (0.04, "0.0 s"),
    (9.94, "9.9 s"),
    (10, "10 s"),
    (59.7, "1 min"),
    (61, "1 min 1 s"),
    (3600, "1 h"),
    (3 * 3600 + 125, "3 h 2 min"),
    (90_061, "1 d 1 h"),
]


@pytest.mark.parametrize(("seconds", "text"), SPANS)
def test_span(seconds: float | None, text: str) -> None:
    """A length of time has its two greatest units."""
    assert span(seconds) == text


BARS = [
    (None, "-"),
    (Progress(0, 10), "[....................]   0% 0/10"),
    (Progress(3, 10, "resizing"), "[######..............]  30% 3/10 resizing"),
    (Progress(10, 10), "[####################] 100% 10/10"),
    (Progress(12, 10), "[####################] 100% 12/10"),
    (Progress(0.5, 1), "[##########..........]  50% 0.5/1"),
    (Progress(7, 0, "found"), "7/0 found"),
    (Progress(1, 2, "\x1b[2Jgone\n"), "[##########..........]  50% 1/2  [2Jgone"),
]


@pytest.mark.parametrize(("progress", "text"), BARS)
def test_bar(progress: Progress | None, text: str) -> None:
    """Progress is a bar as long as its total is known, and never a command to the terminal."""
    assert bar(progress) == text


def test_moment() -> None:
    """Times are in UTC; one that is not known is a dash."""
    assert (moment(0), moment(None), moment(1_800_000_000.4)) == ("-", "-", "2027-01-15 08:00:00Z")


def test_printable() -> None:
    """Lines are kept where they are wanted, other control characters nowhere."""
    assert printable("a\x07b\nc") == "a b c"
    assert printable("a\x07b\nc", lines=True) == "a b\nc"
