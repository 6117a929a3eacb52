"""What the container that this process is in may use: processors and memory, of cgroups version 1 and 2."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")

#: Memory, in bytes, that one process of a worker needs at least: a service of medium size with Celery.
PROCESS_NEEDS = 96 * 2**20
# Version 1 has no word for "no limit": it is a number near 2**63.
_NO_LIMIT = 2**60


def worker_processes(root: Path = ROOT, own: Path = OWN) -> int:
    """Return how many processes a worker should have: one for each processor that may be used, fractions rounded up.

    Fewer where the memory is not enough for as many and the one that hands out the tasks.
    """
    quota, memory = cpu_quota(root, own), memory_limit(root, own)
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = processors if quota is None else min(processors, math.ceil(quota))
    return wanted if memory is None else max(1, min(wanted, memory // PROCESS_NEEDS - 1))


def memory_of_each(processes: int, root: Path = ROOT, own: Path = OWN) -> int | None:
    """Return the bytes that each of a worker's processes may grow to; None where nothing limits them.

    One share is kept for the process that hands out the tasks.
    """
    memory = memory_limit(root, own)
    return None if memory is None else memory // (processes + 1)


def cpu_quota(root: Path = ROOT, own: Path = OWN) -> float | None:
    """Return the processors that may be used, such as 1.5; None where nothing limits them."""
    found = [_quota(*text.split()[:2]) for text in _read(root, own, "", "cpu.max")]
    for folder in ("cpu", "cpu,cpuacct"):
        quotas = _read(root, own, folder, "cpu.cfs_quota_us")
        found += map(_quota, quotas, _read(root, own, folder, "cpu.cfs_period_us"))
    return min((quota for quota in found if quota is not None), default=None)


def memory_limit(root: Path = ROOT, own: Path = OWN) -> int | None:
    """Return the bytes of memory that may be used; None where nothing limits them."""
    texts = [*_read(root, own, "", "memory.max"), *_read(root, own, "memory", "memory.limit_in_bytes")]
    found = [int(text) for text in texts if text.isdigit()]
    return min((limit for limit in found if limit < _NO_LIMIT), default=None)


def _quota(quota: str, period: str) -> float | None:
    return int(quota) / int(period) if quota.isdigit() and int(period) > 0 else None


def _read(root: Path, own: Path, controller: str, name: str) -> Iterator[str]:
    """Yield what a file says in each group that this process is in, the innermost first: all of their limits hold."""
    for folder in _groups(root / controller, own, controller):
        try:
            yield (folder / name).read_text().strip()
        except OSError:
            continue


def _groups(root: Path, own: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of this process's group and of those around it.

    In a container the path may be the host's, which is not to be seen there: the root then is the container's.
    """
    group = Path(_path_of(own, controller).lstrip("/"))
    yield from (root / part for part in (group, *group.parents))


def _path_of(own: Path, controller: str) -> str:
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return "/"
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == controller or (controller and controller.split(",")[0] in controllers.split(",")):
            return path
    return "/"
