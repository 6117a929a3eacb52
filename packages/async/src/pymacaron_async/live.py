"""A text that is refreshed in place on a terminal, until somebody interrupts it."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING

import click

from .exceptions import TaskNotQueued

if TYPE_CHECKING:
    from collections.abc import Callable

_ENTER = "\x1b[?1049h\x1b[?25l"
_LEAVE = "\x1b[?25h\x1b[?1049l"
_HOME, _END_OF_LINE, _END_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"


def watch(render: Callable[[], str], every: float) -> None:
    """Show a text anew every so many seconds, until ^C.

    On a terminal it is shown in place, on a screen of its own, and what was shown last stays behind. Elsewhere each
    text follows the one before it. While store or broker are away that is what is shown.
    """
    if sys.stdout.isatty():
        _watch_terminal(render, every)
        return
    try:
        while True:
            click.echo(_rendered(render))
            time.sleep(every)
            click.echo()
    except KeyboardInterrupt:
        return


def _watch_terminal(render: Callable[[], str], every: float) -> None:
    text = ""
    sys.stdout.write(_ENTER)
    try:
        while True:
            text = _rendered(render)
            sys.stdout.write(_frame(text))
            sys.stdout.flush()
            time.sleep(every)
    except KeyboardInterrupt:
        pass
    finally:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()
    click.echo(text)


def _rendered(render: Callable[[], str]) -> str:
    try:
        return render()
    except TaskNotQueued as error:
        return error.message


def _frame(text: str) -> str:
    """Return a text as it fills the screen: cut to its size, each line cleared to its end, and what is below it."""
    size = shutil.get_terminal_size()
    lines = text.splitlines()
    if len(lines) > size.lines - 1:
        lines = [*lines[: size.lines - 2], f"… {len(lines) - size.lines + 2} lines more"]
    shown = (f"{line[: size.columns]}{_END_OF_LINE}" for line in lines)
    return _HOME + "\r\n".join(shown) + _END_OF_SCREEN
