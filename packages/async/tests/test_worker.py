"""Workers as processes: what they run, how they stop, and what becomes of tasks whose processes die."""

from __future__ import annotations

import signal
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from pymacaron_async.store import State
from workers import open_runtime, pym, ran, running, wait_until, write_service

if TYPE_CHECKING:
    from pathlib import Path

    from pymacaron_async.runtime import Runtime


@pytest.fixture
def shop(tmp_path: Path, redis_url: str) -> Path:
    """Return the folder of a service."""
    return write_service(tmp_path, redis_url)


@pytest.fixture
def runtime(shop: Path) -> Runtime:
    """Return the runtime of the service, in this process."""
    return open_runtime(shop)


@pytest.fixture
def tasks(runtime: Runtime) -> Any:
    """Return the module of its tasks; what it queues goes to the workers."""
    return import_module("handlers")


def test_a_worker_runs_tasks_of_all_queues(shop: Path, tasks: Any) -> None:
    """It takes from the service's queue and from those that tasks name, and says so in one line without a banner."""
    with running(shop) as worker:
        sent = tasks.ship.delay("tea")
        tasks.mail.delay("letter")
        worker.wait_for(lambda: ran(shop, "tea") and ran(shop, "letter"), "both ran")
        assert worker.stop() == 0
    assert "runs up to 2 tasks at once (prefork) of the queues mail, shop" in worker.said
    assert f"[task {sent.id} call " in worker.said
    assert "Traceback" not in worker.said
    assert "superuser" not in worker.said
    assert len(worker.said.splitlines()) < 6
