"""What a server loads to start: not Celery, which the first task that is queued loads."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from workers import environment, write_service

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = {"amqp", "billiard", "celery", "cryptography", "kombu", "redis", "requests"}


def test_a_server_starts_without_celery(tmp_path: Path, redis_url: str) -> None:
    """A service that has tasks starts as fast as one that has none."""
    folder = write_service(tmp_path, redis_url)
    code = "import sys, server; print(sorted(set(sys.modules) & set(sys.argv[1:])))"
    for _ in range(2):  # the first start compiles the contract
        made = subprocess.run(
            [sys.executable, "-c", code, *HEAVY], cwd=folder, env=environment(folder), capture_output=True, text=True
        )
    assert (made.stdout, made.returncode) == ("[]\n", 0), made.stderr
