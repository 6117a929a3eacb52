"""What long commands say while they work."""

from __future__ import annotations

import io
import sys

import pytest

from pymacaron_dynamodb import progress
from pymacaron_dynamodb.progress import Progress, bar


class Terminal(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        """Be a terminal."""
        return True


def test_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The passing line is drawn over itself, never wider than the terminal, and makes place for lasting ones."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(progress, "_REDRAWN_EVERY", 0)
    monkeypatch.setenv("COLUMNS", "20")
    shown = Progress()
    shown.show("one")
    shown.show("x" * 50)
    shown.say("lasting")
    shown.clear()
    assert screen.getvalue() == f"\r\x1b[Kone\r\x1b[K{'x' * 19}\r\x1b[Klasting\n"


def test_in_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere passing lines come rarely, as lines of their own; a quiet one leaves them out."""
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    shown = Progress()
    shown.show("too soon")
    monkeypatch.setattr(progress, "_REPEATED_EVERY", 0)
    for shown in (Progress(), Progress(quiet=True)):
        shown.show("passing")
        shown.say("lasting")
    assert log.getvalue() == "passing\nlasting\nlasting\n"


@pytest.mark.parametrize(
    ("done", "total", "drawn"),
    [
        (0, 10, f"[{'-' * 24}]   0%  "),
        (5, 10, f"[{'#' * 12}{'-' * 12}]  50%  "),
        (11, 10, f"[{'#' * 24}] 100%  "),
        (5, 0, ""),
    ],
)
def test_bars(done: int, total: int, drawn: str) -> None:
    """A bar is as full as there is done, and none is drawn where it is not known how much there is."""
    assert bar(done, total) == drawn
