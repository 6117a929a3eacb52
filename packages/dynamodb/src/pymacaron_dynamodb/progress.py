"""What a long command says while it works: lasting lines, and one that is drawn anew in place."""

from __future__ import annotations

import shutil
import sys
import time

import click

_CLEAR = "\r\x1b[K"
_REDRAWN_EVERY = 0.1
_REPEATED_EVERY = 10.0
_WIDTH = 24


class Progress:
    """Lines on standard error, whose last one is redrawn where that is a terminal.

    Elsewhere, in the log of a release say, a passing line is written as a lasting one, but only every ten seconds.

    Args:
        quiet: whether passing lines are left out altogether.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._in_place = sys.stderr.isatty()
        self._quiet = quiet
        self._drawn = ""
        self._next = time.monotonic() + (0 if self._in_place else _REPEATED_EVERY)

    def say(self, line: str) -> None:
        """Write a line that stays."""
        self.clear()
        click.echo(line, err=True)

    def show(self, line: str) -> None:
        """Show a line until the next one."""
        now = time.monotonic()
        if self._quiet or now < self._next:
            return
        self._next = now + (_REDRAWN_EVERY if self._in_place else _REPEATED_EVERY)
        if not self._in_place:
            click.echo(line, err=True)
            return
        self._drawn = line[: shutil.get_terminal_size().columns - 1]
        click.echo(f"{_CLEAR}{self._drawn}", err=True, nl=False)

    def clear(self) -> None:
        """Take the passing line away."""
        if self._drawn:
            click.echo(_CLEAR, err=True, nl=False)
            self._drawn = ""


def bar(done: int, total: int) -> str:
    """Draw how much of something is done; nothing where it is not known how much there is.

    Args:
        total: as far as it is known: DynamoDB counts a table's items every six hours or so.
    """
    if total <= 0:
        return ""
    share = min(done / total, 1.0)
    full = int(share * _WIDTH)
    return f"[{'#' * full}{'-' * (_WIDTH - full)}] {share:4.0%}  "


def counted(count: int, noun: str) -> str:
    """Write how many there are of something."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
