"""Stamps: do a slow step again only when what it was made from has changed."""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


def digest(parts: Iterable[str]) -> str:
    """Return one hash over `parts`; where one part ends and the next begins counts too."""
    total = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        total.update(b"%d:" % len(encoded) + encoded)
    return total.hexdigest()


def is_current(stamp: Path, value: str) -> bool:
    """Say whether `stamp` was written for just this value."""
    try:
        return stamp.read_text() == value
    except (OSError, UnicodeDecodeError):
        return False


def write(stamp: Path, value: str) -> None:
    """Write the stamp in one step, so that an interrupted write leaves none."""
    fresh = stamp.with_name(f"{stamp.name}.{os.getpid()}")
    fresh.write_text(value)
    fresh.replace(stamp)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`; a second process waits here until the first is through."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
