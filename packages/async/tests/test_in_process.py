"""Tasks of a process without a broker: a thread of it runs them."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from pymacaron.config import get_config
from pymacaron_async import TaskNotQueued, in_process
from pymacaron_async.in_process import make_in_process_runtime, set_app
from pymacaron_async.runtime import get_runtime, set_runtime
from pymacaron_async.settings import read_settings
from pymacaron_async.store import State
from workers import environment, ran, wait_until, write_service

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the module of the tasks of a service that has no broker."""
    monkeypatch.setattr(in_process, "_app", [])
    folder = write_service(tmp_path, None, async_longest_countdown=1)
    monkeypatch.syspath_prepend(str(folder))
    set_runtime(make_in_process_runtime(read_settings(get_config())))
    set_app(Flask("shop"))
    return import_module("handlers")


@pytest.mark.smoke
def test_tasks_run_in_this_process(tmp_path: Path, tasks: Any) -> None:
    """They run one after the other, and are remembered."""
    first, second = tasks.ship.delay("tea"), tasks.ship.delay("milk")
    store = get_runtime().store
    wait_until(lambda: (found := store.get(second.id)) and found.has_ended, lambda: f"{store.get(second.id)}")
    found = store.get(first.id)
    assert found is not None
    assert found.state == State.SUCCEEDED
    assert (ran(tmp_path, "tea"), ran(tmp_path, "milk")) == (["1"], ["1"])


def test_failures_are_retried_and_buried(tmp_path: Path, tasks: Any) -> None:
    """A task that fails runs again as often as it may, and then is among the dead."""
    sent = tasks.fail.delay("never")
    store = get_runtime().store
    wait_until(store.dead, lambda: f"{store.get(sent.id)}")
    assert ran(tmp_path, "never") == ["1", "2", "3"]
    assert [letter.error["type"] for letter in store.dead()] == ["ValueError"]


def test_delays(tmp_path: Path, tasks: Any) -> None:
    """A task with a delay runs after those that were queued later without one."""
    tasks.ship.apply_async(("late",), delay=0.5)
    tasks.ship.delay("soon")
    wait_until(lambda: ran(tmp_path, "soon"), lambda: "it ran")
    assert ran(tmp_path, "late") == []
    wait_until(lambda: ran(tmp_path, "late"), lambda: "it ran")


def test_without_a_service_nothing_is_queued(tasks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that loaded no service is told so, and what to do."""
    monkeypatch.setattr(in_process, "_app", [])
    with pytest.raises(TaskNotQueued, match="no service is loaded in this process"):
        tasks.ship.delay("tea")


SCRIPT = """
import logging, sys
import handlers
from server import app
logging.basicConfig(format="%(message)s")
handlers.sleep.delay("short", 0.3)
handlers.sleep.apply_async(("late", 0), delay=60)
if sys.argv[1] == "killed":
    import os, signal
    os.kill(os.getpid(), signal.SIGTERM)
"""


@pytest.mark.parametrize("how", ["ended", "killed"])
def test_the_end_of_the_process(tmp_path: Path, how: str) -> None:
    """It lets what is due end, and says how many tasks are lost; in `pym run`, also where it is asked to end."""
    folder = write_service(tmp_path, None)
    command = [sys.executable, "-c", SCRIPT, how]
    found = subprocess.run(
        command, cwd=folder, env=environment(folder, PYM_ASYNC_BROKER=""), capture_output=True, text=True, timeout=30
    )
    assert ran(tmp_path, "short") == ["started", "ended"]
    assert "1 tasks are lost with this process; with a broker they would not be" in found.stderr
    assert found.returncode == (0 if how == "ended" else 143)
