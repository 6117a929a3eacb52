"""Fixtures of the tests of faults."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: RabbitMQ is a large package that takes seconds to start: `nox -s rabbitmq` installs it, and runs its tests.
collect_ignore = [] if os.environ.get("PYM_TEST_RABBITMQ") else ["test_chaos_rabbitmq.py"]


@pytest.fixture
def durable_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """Run a Redis that has written down whatever it has answered."""
    folder = tmp_path / "redis"
    folder.mkdir()
    with RedisServer(folder, append_only=True) as server:
        yield server


@pytest.fixture
def figures(capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return what writes a line of figures to the terminal."""
    terminal = request.config.get_terminal_writer()

    def write(line: str) -> None:
        with capsys.disabled():
            terminal.line(f"\n{line}")

    return write
