"""Processes that belong together: started, watched, restarted after a crash, and stopped with their parent.

A child dies with its parent even where that is killed (Linux: ``PR_SET_PDEATHSIG``), so nothing is left behind.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pymacaron.flaskapp.serving import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger("pymacaron.run")

STOP_WITHIN = 10.0
LONGEST_PAUSE = 30.0
_SETTLED = 10.0


@dataclass
class Child:
    """One supervised program.

    Attributes:
        name: for messages.
        argv: the command.
        env: variables beside the parent's.
        keep: whether it is restarted when it ends.
        reload: whether it is restarted when code changes.
    """

    name: str
    argv: list[str]
    env: Mapping[str, str] = field(default_factory=dict)
    keep: bool = True
    reload: bool = False
    process: subprocess.Popen[bytes] | None = None
    started: float = 0
    failures: int = 0
    due: float = 0

    def start(self) -> None:
        """Start the program in its own session, so that ^C reaches the parent alone."""
        self.process = subprocess.Popen(
            self.argv, env={**os.environ, **self.env}, start_new_session=True, preexec_fn=die_with_parent
        )
        self.started = time.monotonic()
        self.due = 0

    def poll(self) -> int | None:
        """Return the exit status of a program that ended, else None."""
        return self.process.poll() if self.process is not None else None

    def stop(self, within: float = STOP_WITHIN) -> None:
        """Ask the program to end, and end it after a while."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            log.warning("%s did not stop within %d s and is killed", self.name, within)
            self.process.kill()
            self.process.wait()

    def plan_restart(self) -> float:
        """Return the seconds until the next start: longer after each crash, short again once it ran for a while."""
        lived = time.monotonic() - self.started
        self.failures = 0 if lived > _SETTLED else self.failures + 1
        pause = min(2.0 ** (self.failures - 1), LONGEST_PAUSE) if self.failures else 0.1
        self.due = time.monotonic() + pause
        return pause


class Supervisor:
    """Keeps several programs running until it is stopped by SIGINT or SIGTERM."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self.stopping = False

    def add(self, child: Child) -> Child:
        """Start a program and keep it."""
        child.start()
        self.children.append(child)
        return child

    def install_signals(self) -> None:
        """Stop on SIGINT, SIGTERM and SIGHUP."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)

    def _stop(self, *_: object) -> None:
        self.stopping = True

    def tend(self) -> None:
        """Restart what crashed and is due."""
        for child in self.children:
            if not child.keep or child.process is None:
                continue
            status = child.poll()
            if status is None:
                continue
            if not child.due:
                pause = child.plan_restart()
                log.error("%s ended with status %s and is started again in %.1f s", child.name, status, pause)
            elif time.monotonic() >= child.due:
                child.start()

    def stop_all(self) -> None:
        """Stop every program, the last one started first."""
        for child in reversed(self.children):
            child.stop()
