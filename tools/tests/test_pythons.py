"""Finding interpreters."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tools import pythons

if TYPE_CHECKING:
    from pathlib import Path

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
ALL = {"3.11", "3.12", "3.13", "3.14", "3.98", "3.99"}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on PATH and in pyenv but what the test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    return tmp_path


def fake(path: Path, version: tuple[int, int, int], *, implementation: str = "CPython", threads: bool = False) -> Path:
    """Write a script that answers the probe like an interpreter."""
    seen = {"implementation": implementation, "version": version, "free_threaded": threads, "path": str(path)}
    return script(path, f"echo '{json.dumps(seen)}'")


def script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_running_one_is_found(machine: Path) -> None:
    """With nothing else on the machine there is the running one, by its real path."""
    found = pythons.find(ALL)
    assert found.minors == [RUNNING]
    assert found.pythons[0].path.exists()
    assert ".nox" not in found.pythons[0].path.parts


def test_path_comes_before_pyenv(machine: Path) -> None:
    """One interpreter stands for each minor version: the first on PATH, else pyenv's newest."""
    on_path = fake(machine / "bin" / "python3.98", (3, 98, 0))
    fake(machine / "pyenv" / "versions" / "3.98.7" / "bin" / "python3.98", (3, 98, 7))
    fake(machine / "pyenv" / "versions" / "3.99.9" / "bin" / "python3.99", (3, 99, 9))
    newest = fake(machine / "pyenv" / "versions" / "3.99.10" / "bin" / "python3.99", (3, 99, 10))
    found = pythons.find(ALL)
    assert [python.path for python in found.pythons[1:]] == [on_path, newest]
    assert found.folders[1:] == [str(on_path.parent), str(newest.parent)]


def test_shim_that_does_not_run_is_passed_over(machine: Path) -> None:
    """A shim of a version that is not selected exists but fails; pyenv's own folder still has it."""
    script(machine / "bin" / "python3.99", "echo 'not selected' >&2; exit 127")
    real = fake(machine / "pyenv" / "versions" / "3.99.1" / "bin" / "python3.99", (3, 99, 1))
    assert pythons.find(ALL).pythons[-1].path == real


def test_what_is_not_supported_is_left_out_with_a_reason(machine: Path) -> None:
    """Free-threaded builds and versions without a classifier are named, other implementations are not."""
    fake(machine / "bin" / "python3.97", (3, 97, 0))
    fake(machine / "bin" / "python3.98", (3, 98, 0), implementation="PyPy")
    fake(machine / "bin" / "python3.99t", (3, 99, 0), threads=True)
    found = pythons.find(ALL)
    assert found.minors == [RUNNING]
    assert [line.split(" at ")[0] for line in found.left_out] == ["CPython 3.97.0", "CPython 3.99.0 (free-threaded)"]
    assert "classifiers" in found.left_out[0]


def test_free_threaded_build_does_not_hide_the_usual_one(machine: Path) -> None:
    """Both builds of one version may be installed."""
    fake(machine / "bin" / "python3.99", (3, 99, 0), threads=True)
    usual = fake(machine / "pyenv" / "versions" / "3.99.0" / "bin" / "python3.99", (3, 99, 0))
    assert pythons.find(ALL).pythons[-1].path == usual


@pytest.mark.parametrize("body", ["exit 0", "echo nonsense", "echo '{}'; exit 1"])
def test_probe_of_something_else(tmp_path: Path, body: str) -> None:
    """What does not answer like a Python is none."""
    assert pythons.probe(script(tmp_path / "python3.99", body)) is None


def test_older_pythons_are_not_even_asked(machine: Path) -> None:
    """Nothing below 3.11 is a candidate, nor is python3-config."""
    for name in ("python3", "python3.10", "python3.11-config", "python2.7"):
        script(machine / "bin" / name, f"touch {machine}/asked")
    pythons.find(ALL)
    assert not (machine / "asked").exists()
