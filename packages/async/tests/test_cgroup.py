"""The limits of a container, as both versions of cgroups write them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pymacaron_async.cgroup import cpu_quota, memory_limit, memory_of_each, worker_processes

if TYPE_CHECKING:
    from pathlib import Path

GIGABYTE = 2**30


def group(folder: Path, own: str, files: dict[str, str]) -> tuple[Path, Path]:
    """Write a tree of cgroups, and the file that names this process's place in it."""
    for name, text in files.items():
        path = folder / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    folder.mkdir(exist_ok=True)
    (folder / "own").write_text(own)
    return folder / "root", folder / "own"


V1 = "4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n"
CASES: list[tuple[str, dict[str, str], float | None, int | None]] = [
    ("0::/\n", {"cpu.max": "150000 100000", "memory.max": str(GIGABYTE)}, 1.5, GIGABYTE),
    ("0::/\n", {"cpu.max": "max 100000", "memory.max": "max"}, None, None),
    ("0::/a/b\n", {"a/cpu.max": "50000 100000", "a/b/cpu.max": "200000 100000", "a/b/memory.max": "7"}, 0.5, 7),
    (V1, {"cpu/cpu.cfs_quota_us": "250000", "cpu/cpu.cfs_period_us": "100000"}, 2.5, None),
    (
        V1,
        {"cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "-1", "cpu,cpuacct/docker/abc/cpu.cfs_period_us": "9"},
        None,
        None,
    ),
    (V1, {"memory/docker/abc/memory.limit_in_bytes": "9223372036854771712"}, None, None),
    (V1, {"memory/memory.limit_in_bytes": str(GIGABYTE)}, None, GIGABYTE),
    ("", {}, None, None),
]


@pytest.mark.parametrize(("own", "files", "quota", "memory"), CASES)
def test_limits(tmp_path: Path, own: str, files: dict[str, str], quota: float | None, memory: int | None) -> None:
    """The narrowest limit of the group and of those around it holds; where none is written, none holds."""
    place = group(tmp_path, own, files)
    assert (cpu_quota(*place), memory_limit(*place)) == (quota, memory)


@pytest.mark.parametrize(
    ("files", "processes"),
    [
        ({"cpu.max": "110000 100000"}, 2),
        ({"cpu.max": "20000 100000"}, 1),
        ({"cpu.max": "400000 100000"}, 3),
        ({}, 3),
        ({"memory.max": str(GIGABYTE // 4)}, 1),
        ({"memory.max": "1000"}, 1),
    ],
)
def test_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], processes: int) -> None:
    """A worker has a process for each processor, fractions rounded up, if there are as many and memory for them."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    assert worker_processes(*group(tmp_path, "0::/\n", files)) == processes


def test_memory_of_each(tmp_path: Path) -> None:
    """The processes that run tasks, and the one that hands them out, share the memory."""
    assert memory_of_each(3, *group(tmp_path, "0::/\n", {"memory.max": "4000"})) == 1000
    assert memory_of_each(3, *group(tmp_path / "none", "0::/\n", {})) is None
