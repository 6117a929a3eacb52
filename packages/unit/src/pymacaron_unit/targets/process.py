"""A command that a target consists of: started with its log kept, and stopped with everything that came of it.

Between this process and the command stands :mod:`.keeper`, which stops it even where this process is killed.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..exceptions import TargetError
from .keeper import KEEP

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STOP_WITHIN = 25.0

_KEEPER = Path(__file__).with_name("keeper.py")
_TAIL = 40


class KeptProcess:
    """A command that runs until it is stopped, or this process ends in whatever way.

    Args:
        name: for messages.
        command: what to run.
        folder: where it runs.
        env: variables beside this process's.
        stop: commands that stop it; SIGTERM to its process group where there are none.
        within: seconds after which it is killed. ``pym run`` gives its own children 10 s each.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path | None = None,
        env: Mapping[str, str] | None = None,
        stop: Sequence[Sequence[str]] = (),
        within: float = STOP_WITHIN,
    ) -> None:
        self.name = name
        self._arguments = json.dumps({"command": list(command), "stop": list(map(list, stop)), "within": within})
        self._folder = folder
        self._env = {**os.environ, **(env or {})}
        self._within = within
        self._keeper: subprocess.Popen[bytes] | None = None
        self._logs = Path()

    @property
    def pid(self) -> int | None:
        """Process id of what keeps the command: SIGTERM to it stops everything. None where it is not running."""
        return self._keeper.pid if self._keeper is not None else None

    @property
    def log_file(self) -> Path:
        """Where its output goes, until it is stopped."""
        return self._logs / "log"

    def start(self) -> None:
        """Start the command, in a session of its own: ^C does not reach it."""
        self._logs = Path(tempfile.mkdtemp(prefix="pym-target-"))
        with self.log_file.open("wb") as log:
            self._keeper = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_KEEPER), self._arguments],
                cwd=self._folder,
                env=self._env,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def is_running(self) -> bool:
        """Tell whether the command runs."""
        return self._keeper is not None and self._keeper.poll() is None

    def check(self) -> None:
        """Return while the command runs.

        Raises:
            TargetError: it ended; the message has its status and the end of its log.
        """
        status = self._keeper.poll() if self._keeper is not None else None
        if status is not None:
            raise TargetError(f"{self.name} ended with status {status}{self.tail()}")

    def log(self) -> str:
        """Return what it has written so far; nothing once it is stopped."""
        with suppress(OSError):
            return self.log_file.read_text(encoding="utf-8", errors="replace")
        return ""

    def tail(self) -> str:
        """Return the last lines of the log, as the end of a message."""
        lines = self.log().rstrip().splitlines()[-_TAIL:]
        return "".join([":", *(f"\n    {line}" for line in lines)]) if lines else ", and wrote nothing"

    def stop(self) -> None:
        """Stop the command and return when all of it has ended."""
        if self._keeper is None:
            return
        assert self._keeper.stdin is not None
        with suppress(BrokenPipeError):
            self._keeper.stdin.close()
        try:
            self._keeper.wait(3 * self._within)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()
        self._keeper = None
        shutil.rmtree(self._logs, ignore_errors=True)

    def keep(self) -> None:
        """Let the command run on after this process; its log stays as well."""
        assert self._keeper is not None
        assert self._keeper.stdin is not None
        self._keeper.stdin.write(KEEP)
        self._keeper.stdin.close()
        # It is nobody's child to wait for any more.
        self._keeper.returncode = 0
        self._keeper = None


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_taken(port: int) -> bool:
    """Tell whether something listens on a port of 127.0.0.1."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
