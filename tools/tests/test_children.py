"""Running a command with everything it starts, and stopping all of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

from tools import children

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

# Starts a second process, says the ids of both, and ends when interrupted.
FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", CHILD])
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid}\\n")
try:
    time.sleep(60)
except KeyboardInterrupt:
    pass
"""
SLEEPING = 'CHILD = "import time; time.sleep(60)"\n'
STUBBORN = """CHILD = '''
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
time.sleep(60)
'''
"""


def wait_for(answer: Callable[[], T]) -> T:
    """Ask until the answer is not empty."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if found := answer():
            return found
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def ids(path: Path) -> list[int]:
    return wait_for(lambda: [int(word) for word in path.read_text().split()] if path.exists() else [])


def is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_status_is_passed_on() -> None:
    """The status of the command is the answer."""
    assert children.run([sys.executable, "-c", "raise SystemExit(7)"], os.environ) == 7


@pytest.mark.parametrize("number", children.SIGNALS)
def test_signal_stops_the_family(tmp_path: Path, number: signal.Signals) -> None:
    """Each signal ends the command and what it started, and is told to the caller."""
    program = (
        "import os, sys\nfrom tools import children\n"
        "with children.stoppable():\n"
        "    try:\n        children.run([sys.executable, '-c', *sys.argv[1:]], os.environ)\n"
        "    except children.Stopped:\n        sys.exit(5)\n"
    )
    running = subprocess.Popen([sys.executable, "-c", program, SLEEPING + FAMILY, str(tmp_path / "ids")])
    family = ids(tmp_path / "ids")
    running.send_signal(number)
    assert running.wait(20) == 5
    assert not any(map(is_alive, family))


def test_stubborn_process_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ignores the polite signals does not outlive the command for long."""
    monkeypatch.setattr(children, "GRACE", 0.2)
    command = [sys.executable, "-c", STUBBORN + FAMILY, str(tmp_path / "ids")]
    process = subprocess.Popen(command, process_group=0)
    family = ids(tmp_path / "ids")
    children.stop(process)
    wait_for(lambda: not any(map(is_alive, family)))


def test_each_step_is_harder_than_the_last(tmp_path: Path) -> None:
    """A command that ignores an interrupt is terminated."""
    program = (
        "import signal, sys, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "open(sys.argv[1], 'w').write('1')\ntime.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "ids")], process_group=0)
    ids(tmp_path / "ids")
    children.stop(process, [(signal.SIGINT, 0.2), (signal.SIGTERM, 10.0)])
    assert process.returncode == -signal.SIGTERM


def test_handlers_are_put_back() -> None:
    """Outside the block signals mean what they meant before."""
    before = signal.getsignal(signal.SIGTERM)
    with children.stoppable():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
