"""Find every CPython on this machine that the packages support, one for each minor version."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

OLDEST = (3, 11)

_NAME = re.compile(r"python3\.(\d+)t?")
_PROBE = """
import json, platform, sys, sysconfig
json.dump({
    "implementation": platform.python_implementation(),
    "version": list(sys.version_info[:3]),
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "path": getattr(sys, "_base_executable", None) or sys.executable,
}, sys.stdout)
"""


@dataclass(frozen=True)
class Python:
    """One interpreter, by the path of the real executable (no shim, no virtual environment)."""

    path: Path
    version: tuple[int, int, int]
    implementation: str = "CPython"
    free_threaded: bool = False

    @property
    def minor(self) -> str:
        return f"{self.version[0]}.{self.version[1]}"

    def __str__(self) -> str:
        flavour = " (free-threaded)" if self.free_threaded else ""
        return f"{self.implementation} {'.'.join(map(str, self.version))}{flavour} at {self.path}"


@dataclass
class Found:
    """The interpreters to use, oldest first, and a sentence for each one left out."""

    pythons: list[Python] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def minors(self) -> list[str]:
        return [python.minor for python in self.pythons]

    @property
    def folders(self) -> list[str]:
        return [str(python.path.parent) for python in self.pythons]


def find(supported: Collection[str]) -> Found:
    """Return the CPythons of the `supported` minor versions ("3.12") that really run."""
    found = Found()
    known: dict[str, Python] = {}
    for path in candidates():
        if _minor_in_name(path) in known:
            continue
        python = probe(path)
        if python is None or python.implementation != "CPython" or python.minor in known:
            continue
        if reason := _unusable(python, supported):
            found.left_out.append(f"{python}: {reason}")
        else:
            known[python.minor] = python
    found.pythons = sorted(known.values(), key=lambda python: python.version)
    found.left_out = list(dict.fromkeys(found.left_out))
    return found


def candidates() -> Iterator[Path]:
    """Yield paths that may be a CPython: the running one, those on PATH, then pyenv's, newest first."""
    yield Path(sys.executable)
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        yield from _named_pythons(Path(folder or "."))
    home = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for version in sorted((home / "versions").glob("*"), key=_numbers, reverse=True):
        yield from _named_pythons(version / "bin")


def probe(path: Path) -> Python | None:
    """Ask an interpreter what it is; None if it does not run (a shim of a version that is not selected)."""
    try:
        answer = subprocess.run(
            [path, "-I", "-S", "-c", _PROBE], capture_output=True, check=True, stdin=subprocess.DEVNULL, timeout=30
        )
        seen = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    major, minor, patch = seen["version"]
    return Python(Path(seen["path"]), (major, minor, patch), seen["implementation"], seen["free_threaded"])


def _named_pythons(folder: Path) -> Iterator[Path]:
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return
    for path in paths:
        matched = _NAME.fullmatch(path.name)
        if matched and int(matched[1]) >= OLDEST[1]:
            yield path


def _minor_in_name(path: Path) -> str:
    return path.name.removeprefix("python")


def _numbers(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.name)]


def _unusable(python: Python, supported: Collection[str]) -> str:
    if python.free_threaded:
        return "free-threaded builds are not supported yet"
    if python.minor not in supported:
        return "not among the classifiers of any package"
    return ""
