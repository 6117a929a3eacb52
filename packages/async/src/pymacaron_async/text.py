"""How times, spans and progress are shown to people. What tasks say of themselves cannot move a terminal's cursor."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .store import Progress

_BAR = 20
_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def span(seconds: float | None) -> str:
    """Return a length of time with its two greatest units."""
    if seconds is None:
        return "-"
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    rest, parts = round(seconds), []
    for unit, size in _UNITS:
        if rest >= size:
            parts.append(f"{rest // size} {unit}")
            rest %= size
    return " ".join(parts[:2])


def moment(seconds: float | None) -> str:
    """Return a time in UTC."""
    if not seconds:
        return "-"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def bar(progress: Progress | None) -> str:
    """Return how far a task is: as a bar where its total is known."""
    if progress is None:
        return "-"
    numbers = f"{progress.done:g}/{progress.total:g} {printable(progress.message)}".rstrip()
    if progress.total <= 0:
        return numbers
    share = min(1.0, max(0.0, progress.done / progress.total))
    full = int(share * _BAR)
    return f"[{'#' * full}{'.' * (_BAR - full)}] {share:4.0%} {numbers}"


def printable(text: str, lines: bool = False) -> str:
    """Return a text without what terminals take for commands."""
    return "".join(c if c.isprintable() or (lines and c == "\n") else " " for c in text)
