"""Stamps and the lock."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tools import stamps
from tools.tests.samples import ROOT

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys, time
from pathlib import Path
from tools import stamps
with stamps.locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(0.5)
"""


def test_digest_knows_where_parts_end() -> None:
    """Moving text from one part to the next is a change."""
    assert stamps.digest(["ab", "c"]) != stamps.digest(["a", "bc"])
    assert stamps.digest(["ab", "c"]) == stamps.digest(["ab", "c"])


def test_stamp(tmp_path: Path) -> None:
    """Only a stamp of the same value is current; none and a broken one are not."""
    stamp = tmp_path / "stamp"
    assert not stamps.is_current(stamp, "a")
    stamps.write(stamp, "a")
    assert stamps.is_current(stamp, "a")
    assert not stamps.is_current(stamp, "b")
    stamp.write_bytes(b"\xff\xfe")
    assert not stamps.is_current(stamp, "a")
    assert list(tmp_path.iterdir()) == [stamp]


def test_lock_waits_for_another_process(tmp_path: Path) -> None:
    """A second process gets the lock only when the first is through."""
    lock = tmp_path / "new" / "lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], cwd=ROOT, stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        start = time.monotonic()
        with stamps.locked(lock):
            assert time.monotonic() - start > 0.3
