"""The live view: in place on a terminal, one after the other elsewhere, and gone on ^C."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

pytestmark = pytest.mark.once

PATIENCE = 20.0

SCRIPT = """
import itertools
from pymacaron_async.exceptions import TaskNotQueued
from pymacaron_async.live import watch

numbers = itertools.count(1)


def render():
    number = next(numbers)
    if number == 2:
        raise TaskNotQueued("the store is away")
    return "\\n".join([f"look {number}", "x" * 200, *"abcdefghijklmnop"])


watch(render, 0.1)
print("the end")
"""


def test_on_a_terminal() -> None:
    """It is cut to the terminal's size and drawn over itself; ^C ends it well, and what was shown last stays."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 40, 0, 0))
    command = [sys.executable, "-c", SCRIPT]
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = read_until(ours, b"look 4")
    process.send_signal(signal.SIGINT)
    said += read_until(ours, b"the end")
    assert process.wait(PATIENCE) == 0
    os.close(ours)

    entered, _, rest = said.partition("\x1b[?1049h\x1b[?25l")
    drawn, left, after = rest.partition("\x1b[?25h\x1b[?1049l")
    assert (entered, bool(left)) == ("", True)
    frames = drawn.split("\x1b[H")[1:]
    assert frames[0].splitlines()[:2] == ["look 1\x1b[K", "x" * 40 + "\x1b[K"]
    assert len(frames[0].splitlines()) == 11
    assert "… 8 lines more" in frames[0]
    assert frames[1] == "the store is away\x1b[K\x1b[J"
    assert after.splitlines()[0].startswith("look ")
    assert after.splitlines()[1] == "x" * 200


def test_elsewhere() -> None:
    """Into a pipe each text follows the last one, without a command to a terminal."""
    process = subprocess.Popen([sys.executable, "-u", "-c", SCRIPT], stdout=subprocess.PIPE)
    assert process.stdout
    said = read_until(process.stdout.fileno(), b"look 3\n")
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert said.startswith("look 1\n")
    assert "\n\nthe store is away\n\nlook 3\n" in said
    assert rest.decode().endswith("the end\n")
    assert "\x1b" not in said + rest.decode()


def read_until(file: int, text: bytes) -> str:
    """Read what is written, until a text is there."""
    said, until = b"", time.monotonic() + PATIENCE
    while text not in said:
        assert time.monotonic() < until, said
        if select.select([file], [], [], 0.1)[0]:
            said += os.read(file, 65536)
    return said.decode().replace("\r\n", "\n")
