"""How far a long job is, in a file, so that it goes on there when it is started again, however it ended."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from .exceptions import FileUnusable
from .item_lines import NotAnItem, read_item

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .attributes import Item

#: The folder of these files, in the project's.
FOLDER = ".pym/db"


@dataclass
class Segment:
    """A part of a table.

    Attributes:
        start: the key after which it goes on; None for its beginning.
    """

    start: Item | None = None
    done: bool = False


@dataclass
class Checkpoint:
    """How far a job is.

    Attributes:
        path: of its file; None where nothing is kept.
        job: what the job is; the file of another one is not gone on with.
        counts: what was done so far.
        failed: what was left undone: why, by the key.
    """

    path: Path | None
    job: str
    segments: list[Segment]
    counts: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    is_resumed: bool = False

    def save(self) -> None:
        """Write the file, all of it or nothing."""
        if self.path is None:
            return
        made = {
            "job": self.job,
            "segments": [{"start": each.start, "done": each.done} for each in self.segments],
            "counts": self.counts,
            "failed": self.failed,
        }
        new = self.path.with_suffix(".new")
        try:
            new.write_bytes(msgspec.json.encode(made))
            new.replace(self.path)
        except OSError as error:
            raise FileUnusable(f"{self.path}: cannot be written: {error.strerror}") from None

    def forget(self) -> None:
        """Delete the file: the job is done."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def open_checkpoint(path: Path, job: str, segments: int, restart: bool = False) -> Checkpoint:
    """Return how far a job is; with other segments than asked for where it was begun with them."""
    found = None if restart else _read(path)
    if found is None or found.get("job") != job:
        return Checkpoint(path, job, [Segment() for _ in range(segments)])
    parts = [Segment(read_item(each["start"]) if each["start"] else None, each["done"]) for each in found["segments"]]
    return Checkpoint(path, job, parts, dict(found["counts"]), dict(found["failed"]), is_resumed=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes of this machine from the same job during a block.

    Raises:
        FileUnusable: one is at it, or the file cannot be made.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise FileUnusable(f"{path.parent}: cannot be written: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise FileUnusable(f"{path}: another process is at the same job; wait for it, or stop it") from None
    finally:
        os.close(lock)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(path.read_bytes())
        for each in found["segments"]:
            read_item(each["start"] or {})
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, NotAnItem, KeyError, TypeError) as error:
        raise FileUnusable(f"{path}: cannot be gone on with: {error}; begin anew with --restart") from None
    return dict(found)
