"""Flower, as it is published, beside a worker."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
import requests

from redis_server import free_port
from workers import PATIENCE, open_runtime, running, write_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.once


@contextmanager
def flower(folder: Path, broker_url: str) -> Iterator[str]:
    """Run Flower on a broker; return the URL of its API."""
    port = free_port()
    command = [sys.executable, "-m", "flower", f"--broker={broker_url}", "flower", "--address=127.0.0.1"]
    with (folder / "flower.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, f"--port={port}"],
            cwd=folder,
            env={**os.environ, "FLOWER_UNAUTHENTICATED_API": "true"},
            stdout=log,
            stderr=log,
        )
    try:
        yield f"http://127.0.0.1:{port}/api"
    finally:
        process.terminate()
        process.wait(PATIENCE)


def get(url: str) -> Any:
    """Return what an endpoint answers; nothing where it does not answer yet."""
    try:
        return requests.get(url, timeout=PATIENCE).json()
    except requests.RequestException:
        return {}


def test_it_lists_workers_and_tasks(tmp_path: Path, redis_url: str) -> None:
    """It knows the worker with its tasks, and a task that has ended by its name and arguments."""
    write_service(tmp_path, redis_url)
    open_runtime(tmp_path)
    ship = import_module("handlers").ship
    with running(tmp_path) as worker, flower(tmp_path, redis_url) as api:
        worker.wait_for(lambda: get(f"{api}/workers?refresh=1"), "Flower knows the worker")
        (found,) = get(f"{api}/workers").values()
        assert "handlers.ship" in found["registered"]
        ended: list[Any] = []

        def saw_one_end() -> list[Any]:
            # It asks workers for events within seconds of its start; it does not know what was received before that.
            ship.delay("tea")
            seen = get(f"{api}/tasks").values()
            ended[:] = [task for task in seen if task["name"] and task["state"] == "SUCCESS"]
            return ended

        worker.wait_for(saw_one_end, "Flower saw a task end")
    assert (ended[0]["name"], ended[0]["args"]) == ("handlers.ship", "('tea')")
