"""Whether a worker is alive, and consumes: it writes its vitals to a file each second; a check reads them.

All times are of the monotonic clock, which the processes of a machine share.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

log = logging.getLogger("pymacaron.async")

#: Seconds after which a worker that shows no sign of life, or has no broker, is taken for ill.
PATIENCE = 60.0
_EVERY = 1.0


class Vitals(msgspec.Struct, frozen=True):
    """What a worker says of itself.

    Attributes:
        pid: its process.
        written: when it said so.
        turned: when its main loop last turned; the time of writing where it runs a task in that loop.
        connected: whether it is connected to the broker.
        connected_since: since when that is so.
        starving_since: since when messages wait in its queues while it has free slots and takes none; 0 where it isn't.
        stopping: whether it was asked to stop.
    """

    pid: int
    written: float
    turned: float
    connected: bool
    connected_since: float
    starving_since: float = 0
    stopping: bool = False

    def fault(self, now: float, patience: float) -> str | None:
        """Return what ails the worker, None where it is well."""
        name = f"the worker (process {self.pid})"
        if not _exists(self.pid):
            return f"{name} ended without a word"
        if now - self.written > patience:
            return f"{name} gave no sign of life for {now - self.written:.0f} s"
        if self.stopping:
            return None
        if not self.connected and now - self.connected_since > patience:
            return f"{name} has not been connected to the broker for {now - self.connected_since:.0f} s"
        if self.connected and now - self.turned > patience:
            return f"{name} is stuck: its main loop has not turned for {now - self.turned:.0f} s"
        if self.starving_since and now - self.starving_since > patience:
            return (
                f"{name} consumes nothing: messages have waited for {now - self.starving_since:.0f} s in its queues,"
                " and it has free slots"
            )
        return None


class Heartbeat:
    """Writes a worker's vitals to its file until it ends; the file then is removed.

    Args:
        folder: of the service, see :func:`~pymacaron_async.folders.runtime_folder`.
        read: returns the vitals; called in a thread of its own, so that a stuck loop does not keep it from telling.
    """

    def __init__(self, folder: Path, read: Callable[[], Vitals]) -> None:
        self.path = folder / f"worker-{os.getpid()}.json"
        self._read = read
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin, and remove what workers left that were killed."""
        for path, vitals in _files(self.path.parent):
            if vitals is None or not _exists(vitals.pid):
                path.unlink(missing_ok=True)
        self._thread.start()

    def stop(self) -> None:
        """End, and remove the file."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(_EVERY * 2)
        self.path.unlink(missing_ok=True)

    def _run(self) -> None:
        while True:
            try:
                write_vitals(self.path, self._read())
            except OSError as error:
                log.warning("the heartbeat was not written to %s: %s", self.path, error)
            if self._stopped.wait(_EVERY):
                return


def write_vitals(path: Path, vitals: Vitals) -> None:
    """Replace a worker's file, so that whoever reads it sees all of the old one or all of the new one."""
    new = path.with_suffix(".new")
    new.write_bytes(msgspec.json.encode(vitals))
    new.replace(path)


def check(folder: Path, patience: float = PATIENCE) -> str | None:
    """Return why no worker of a service is well on this machine; None where one is."""
    faults = []
    for path, vitals in _files(folder):
        fault = vitals.fault(time.monotonic(), patience) if vitals is not None else f"{path} is no heartbeat"
        if fault is None:
            return None
        faults.append(fault)
    return "; ".join(faults) or "no worker of this service runs on this machine"


def _files(folder: Path) -> Iterator[tuple[Path, Vitals | None]]:
    for path in sorted(folder.glob("worker-*.json")):
        with suppress(FileNotFoundError):  # it ended meanwhile
            try:
                yield path, msgspec.json.decode(path.read_bytes(), type=Vitals)
            except msgspec.DecodeError:
                yield path, None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
