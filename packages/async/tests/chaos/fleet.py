"""Workers that are killed and replaced, and what is known of the tasks that died with them."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from workers import PATIENCE, WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    from .shop import Shop

_STOPPED = ("T", "t", "Z", "X")


class Fleet:
    """Workers of one shop.

    Attributes:
        workers: those that run.
        orphaned: ids of tasks that had their effect, but not their end, when their worker was killed.
        killed: how many workers were killed.
    """

    def __init__(self, shop: Shop, size: int, *arguments: str) -> None:
        self.shop = shop
        self.arguments = ("worker", "--no-beat", "--concurrency", "2", *arguments)
        self.workers = [self._start() for _ in range(size)]
        self.orphaned: set[str] = set()
        self.killed = 0

    def _start(self) -> WorkerProcess:
        return WorkerProcess(self.shop.folder, *self.arguments)

    def kill(self, index: int, meanwhile: Callable[[], None] | None = None) -> None:
        """Kill a worker with all its processes, note what died with it, and start another one.

        Its processes are stopped first, so that what the store then says of their tasks stays true.

        Args:
            meanwhile: another fault, that happens while the processes are stopped.
        """
        worker = self.ready(index)
        pids = freeze(worker.pid)
        if meanwhile is not None:
            meanwhile()
        self._note_orphans(pids)
        kill(worker)
        self.killed += 1
        self.workers[index] = self._start()

    def ready(self, index: int) -> WorkerProcess:
        """Return a worker that has started."""
        worker = self.workers[index]
        self.wait_for(lambda: " tasks at once " in worker.said or worker.process.poll() is not None, "it starts")
        return worker

    def kill_process(self, pid: int) -> None:
        """Kill one process of a worker, and note what died with it."""
        self._note_orphans(freeze(pid))
        os.kill(pid, signal.SIGKILL)
        self.killed += 1

    def _note_orphans(self, pids: list[int]) -> None:
        effects = (effect for effect in self.shop.effects() if effect.pid in pids)
        self.orphaned |= {effect.id for effect in effects if not self.shop.finished(effect)}

    def replace(self, index: int) -> int:
        """Ask a worker to stop, start another one when it has ended, and return its exit status."""
        status = self.ready(index).stop()
        self.workers[index] = self._start()
        return status

    def is_at_work(self, index: int) -> bool:
        """Tell whether one of the last effects was a worker's."""
        pids = children(self.workers[index].pid)
        return any(effect.pid in pids for effect in self.shop.effects()[-20:])

    def holder(self, pid: int) -> int:
        """Return which worker a process belongs to."""
        return next(index for index, worker in enumerate(self.workers) if pid in [worker.pid, *children(worker.pid)])

    def wait_for(self, done: Callable[[], object], what: str, within: float = PATIENCE) -> None:
        """Wait until something is so."""
        until = time.monotonic() + within
        while not done():
            assert time.monotonic() < until, f"not in time: {what}; the workers said: {self.said}"
            time.sleep(0.05)

    @property
    def said(self) -> str:
        """What the workers wrote that run now."""
        return "\n".join(worker.said for worker in self.workers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            for index in range(len(self.workers)):
                self.ready(index).signal(signal.SIGTERM)
            statuses = [worker.end() for worker in self.workers]
        finally:
            for worker in self.workers:
                kill(worker)
        assert statuses == [0] * len(statuses), f"{statuses}: {self.said}"


def kill(worker: WorkerProcess) -> None:
    """Kill a worker with all its processes, if it has not ended."""
    if worker.process.poll() is None:
        for pid in freeze(worker.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        worker.process.wait(PATIENCE)


def freeze(root: int) -> list[int]:
    """Stop a process and its descendants, and return them when all of them stand still."""
    pids = [root]
    _stop(root)
    for pid in pids:
        for child in children(pid):
            _stop(child)
            pids.append(child)
    return pids


def _stop(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    until = time.monotonic() + PATIENCE
    while not all(state in _STOPPED for state in _states(pid)):
        assert time.monotonic() < until, f"the process {pid} does not stop"
        time.sleep(0.001)


def _states(pid: int) -> list[str]:
    """Return the state of each thread of a process."""
    return [_stat(path)[0] for path in Path(f"/proc/{pid}/task").glob("*/stat")]


def children(pid: int) -> list[int]:
    """Return the processes that a process started and has not reaped."""
    found = (path for path in Path("/proc").iterdir() if path.name.isdigit())
    return [int(path.name) for path in found if _stat(path / "stat")[1:2] == [str(pid)]]


def _stat(path: Path) -> list[str]:
    """Return what follows the name in a stat file of /proc: the state, the parent's id …"""
    try:
        return path.read_text().rpartition(")")[2].split()
    except OSError:
        return ["X", "0"]
