"""Runs a command for as long as its standard input is open, and stops everything that came of it afterwards.

A script of its own, without imports from this package. Whoever starts it holds the other end of that pipe: when he
closes it, or is killed, the command is stopped. ``python keeper.py '{"command": [...], "stop": [[...], ...], "within":
10}'``: ``stop`` are commands that stop it (SIGTERM to its process group where there are none), ``within`` the seconds
until it is killed. ``keep`` on the standard input lets the command run on without its starter; SIGTERM to this process
stops it then. The exit status is the command's.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

KEEP = b"keep"

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PAUSE = 0.05


class Stopped(Exception):
    """A signal asks for the end."""


def _stop(*_: object) -> None:
    raise Stopped


def run(command: list[str], stop: list[list[str]], within: float) -> int:
    """Run a command until it ends, the standard input is closed, or a signal asks for the end."""
    _adopt_orphans()
    signal.signal(signal.SIGTERM, _stop)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0, preexec_fn=_die_with_parent)
    with suppress(Stopped):
        _watch(child)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _end(child, stop, within)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _watch(child: subprocess.Popen[bytes]) -> None:
    """Return when the child has ended, or the standard input is closed."""
    watched = [sys.stdin.fileno()]
    while child.poll() is None:
        if not select.select(watched, [], [], _PAUSE)[0]:
            continue
        said = os.read(watched[0], len(KEEP))
        if said != KEEP:
            return
        # Nobody listens any more, and nobody's end is ours.
        watched = []


def _end(child: subprocess.Popen[bytes], stop: list[list[str]], within: float) -> None:
    """Stop the child, and whatever it has left behind."""
    for command in stop:
        with suppress(subprocess.TimeoutExpired, OSError):
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=within, check=False)
    if child.poll() is None and not stop:
        _signal_group(child.pid, signal.SIGTERM)
    try:
        child.wait(within)
    except subprocess.TimeoutExpired:
        print(f"it did not stop within {within:.0f} s and is killed", file=sys.stderr, flush=True)  # noqa: T201  # its log
    _signal_group(child.pid, signal.SIGKILL)
    child.wait()
    _kill_orphans()


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _adopt_orphans() -> None:
    """Become the parent of descendants that lose theirs (Linux alone can), to find those in other groups too."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _kill_orphans() -> None:
    """Kill the children that are left, generation by generation."""
    while children := _children():
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, 0)[0]:
                pass
        time.sleep(_PAUSE)


def _children() -> list[int]:
    """Return this process's children (Linux; none are known elsewhere)."""
    try:
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    except OSError:
        return []


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    arguments: dict[str, Any] = json.loads(sys.argv[1])
    sys.exit(run(**arguments))
