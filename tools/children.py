"""Run one command and everything it starts; stop all of it on ^C or a signal."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType
    from typing import IO

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# How long the first process may take over each signal before the next, harder one.
STEPS = ((signal.SIGINT, 20.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))

# How long the rest of its group may outlive it.
GRACE = 2.0


class Stopped(BaseException):
    """A signal asked this process to stop. No Exception, so that nothing swallows it on the way."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn each of SIGNALS into `Stopped` inside the block."""
    before = {number: signal.signal(number, _raise) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(command: Sequence[str], env: Mapping[str, str], output: IO[bytes] | None = None) -> int:
    """Run `command` in a process group of its own and return its status; `Stopped` after it was stopped.

    What it prints goes to our own output, or into the file `output`.

    In its own group, because a terminal's ^C goes to every process of the foreground group at once: here only
    this process gets it, and decides in which order the others end.
    """
    process = subprocess.Popen(
        command, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, process_group=0
    )
    try:
        return process.wait()
    except BaseException:
        stop(process)
        raise


def stop(process: subprocess.Popen[bytes], steps: Sequence[tuple[signal.Signals, float]] = STEPS) -> None:
    """End the whole group of `process`: ask first, then insist. A further signal to us skips the wait."""
    for number, patience in steps:
        with suppress(Stopped, subprocess.TimeoutExpired):
            _signal(process.pid, number)
            process.wait(patience)
            break
    deadline = time.monotonic() + GRACE
    while _signal(process.pid, None) and time.monotonic() < deadline:
        time.sleep(0.05)
    _signal(process.pid, signal.SIGKILL)


def _signal(group: int, number: signal.Signals | None) -> bool:
    """Send a signal to a process group (None: only look) and say whether anything was there to get it.

    Linux gives the number of a group to no new process while anything of that group is left.
    """
    try:
        os.killpg(group, number or 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _raise(_number: int, _frame: FrameType | None) -> None:
    raise Stopped
