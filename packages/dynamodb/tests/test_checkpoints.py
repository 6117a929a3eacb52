"""How far a job is, kept in a file."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pymacaron_dynamodb.checkpoints import Segment, locked, open_checkpoint
from pymacaron_dynamodb.exceptions import FileUnusable

if TYPE_CHECKING:
    from pathlib import Path


def test_going_on(tmp_path: Path) -> None:
    """What was saved is there again, keys of bytes too, until the job is done; another job begins anew."""
    path = tmp_path / "state.json"
    made = open_checkpoint(path, "a job", 3)
    assert (made.segments, made.is_resumed) == ([Segment(), Segment(), Segment()], False)
    made.segments[0] = Segment({"id": {"B": b"\xff"}, "n": {"N": "1"}})
    made.segments[1].done = True
    made.counts["read"] = 5
    made.failed["id='x'"] = "why"
    made.save()
    again = open_checkpoint(path, "a job", 8)
    assert again.is_resumed
    assert (again.segments, again.counts, again.failed) == (made.segments, made.counts, made.failed)
    assert not open_checkpoint(path, "another job", 1).is_resumed
    assert not open_checkpoint(path, "a job", 1, restart=True).is_resumed
    again.forget()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["{", "[]", '{"job": "a job", "segments": [{"start": {"id": 1}, "done": false}]}'])
def test_a_file_that_is_broken(tmp_path: Path, text: str) -> None:
    """A file that is none of ours is not gone on with, and how to begin anew is told."""
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(FileUnusable, match=r"state\.json: cannot be gone on with: .*; begin anew with --restart"):
        open_checkpoint(path, "a job", 1)
    assert not open_checkpoint(path, "a job", 1, restart=True).is_resumed


_OTHER = """
import sys
from pathlib import Path
from pymacaron_dynamodb.checkpoints import locked
with locked(Path(sys.argv[1])):
    pass
"""


def test_one_at_a_time(tmp_path: Path) -> None:
    """Another process is kept out as long as the first one is at it; the folder is made where there is none."""
    path = tmp_path / "new" / "state.json"
    with locked(path):
        refused = subprocess.run([sys.executable, "-c", _OTHER, path], capture_output=True, text=True)
        with pytest.raises(FileUnusable, match="another process is at the same job"), locked(path):
            pass
    assert refused.returncode == 1
    assert "another process is at the same job" in refused.stderr
    with locked(path):
        pass


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A place where no file can be is told."""
    (tmp_path / "file").write_text("")
    with pytest.raises(FileUnusable, match="cannot be written: "), locked(tmp_path / "file" / "state.json"):
        pass
    made = open_checkpoint(tmp_path / "gone" / "state.json", "a job", 1)
    with pytest.raises(FileUnusable, match=r"state\.json: cannot be written: No such file"):
        made.save()
