"""Isolation, and a private Redis for each worker of pytest."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from pymacaron import apipool
from pymacaron.auth import set_principal
from pymacaron.calls import set_call
from pymacaron.config import KEYS, set_config
from pymacaron.crash import set_error_reporter
from pymacaron_async.runtime import set_runtime
from pymacaron_async.schedules import SCHEDULES
from pymacaron_async.tasks import REGISTRY
from redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Run a Redis for all tests of this process; each test begins with an empty one."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """Return the URL of an empty Redis."""
    redis_server.client.flushall()
    return redis_server.url


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo what a service leaves behind in its process."""
    for name in [name for name in os.environ if name.startswith("PYM_") and not name.startswith("PYM_TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYM_CONTRACT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    modules, keys, tasks, schedules = set(sys.modules), dict(KEYS), dict(REGISTRY), dict(SCHEDULES)
    yield
    set_runtime(None)
    set_config(None)
    apipool.clear()
    set_error_reporter(None)
    set_principal(None)
    set_call(None)
    for name in [name for name in sys.modules if name not in modules and _is_service(name)]:
        del sys.modules[name]
    for registry, before in ((KEYS, keys), (REGISTRY, tasks), (SCHEDULES, schedules)):
        registry.clear()
        registry.update(before)  # type: ignore[arg-type]  # each gets back what it held


def _is_service(name: str) -> bool:
    """Tell a module of a test's service from a library's, which stays imported."""
    file = getattr(sys.modules[name], "__file__", None)
    if file is None:
        return getattr(sys.modules[name], "__spec__", None) is None
    return "/pytest-" in file
