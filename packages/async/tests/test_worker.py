"""Workers as processes: what they run, how they stop, and what becomes of tasks whose processes die."""

from __future__ import annotations

import signal
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from pymacaron_async.celery_app import CeleryTransport
from pymacaron_async.store import State
from redis_server import RedisServer
from workers import open_runtime, ran, running, write_service

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


@pytest.mark.once
def test_failures_are_retried_and_buried(shop: Path, tasks: Any, runtime: Runtime) -> None:
    """A task that fails runs again as often as it may, and then is among the dead with its last error."""
    with running(shop) as worker:
        sent = tasks.fail.delay("never")
        worker.wait_for(runtime.store.dead, "it is buried")
    (letter,) = runtime.store.dead()
    assert ran(shop, "never") == ["1", "2", "3"]
    assert (letter.message.id, letter.error["type"], letter.message.attempt) == (sent.id, "ValueError", 3)
    record = runtime.store.get(sent.id)
    assert record is not None
    assert record.state == State.FAILED


@pytest.mark.once
def test_time_limits_count_as_failures(shop: Path, tasks: Any, runtime: Runtime) -> None:
    """A task that runs too long is ended, runs again where it may, and is buried after the last time."""
    with running(shop) as worker:
        tasks.hang.delay("forever")
        worker.wait_for(runtime.store.dead, "it is buried")
    (letter,) = runtime.store.dead()
    assert ran(shop, "forever") == ["1", "2"]
    assert letter.error["type"] == "TaskTimedOut"
    assert letter.error["message"] == "it ran longer than its time limit, 1 s"
    assert "was ended: it ran longer than 1" in worker.said


@pytest.mark.parametrize("lease", [600])
def test_a_task_whose_process_is_killed_runs_again_at_once(tmp_path: Path, redis_url: str, lease: int) -> None:
    """It need not wait for the lease to end, and what did not kill its last process succeeds."""
    runtime = open_runtime(write_service(tmp_path, redis_url, async_lease=lease))
    tasks: Any = import_module("handlers")
    with running(tmp_path) as worker:
        sent = tasks.kill.delay("twice", 2)
        worker.wait_for(lambda: _state(runtime, sent.id) == State.SUCCEEDED, "it succeeds")
    assert ran(tmp_path, "twice") == ["1", "1", "1"]
    assert "is run again, as its process died" in worker.said


def test_a_task_that_kills_each_process_is_buried(shop: Path, tasks: Any, runtime: Runtime) -> None:
    """After five workers died of it, it is among the dead, and takes no sixth along."""
    with running(shop) as worker:
        tasks.kill.delay("all", 99)
        worker.wait_for(runtime.store.dead, "it is buried")
    (letter,) = runtime.store.dead()
    assert letter.error["type"] == "WorkersLost"
    assert len(ran(shop, "all")) == 5


def test_sigterm_finishes_what_runs_and_leaves_the_rest(shop: Path, tasks: Any) -> None:
    """What runs ends; what was not begun, held by the worker or not, is run once by the next worker."""
    names = [f"sleeper-{number}" for number in range(6)]
    with running(shop) as worker:
        for name in names:
            tasks.sleep.delay(name, 1)
        worker.wait_for(lambda: len(_begun(shop, names)) == 2, "two run")
        begun = _begun(shop, names)
        assert worker.stop() == 0
    assert _begun(shop, names) == begun
    assert all(ran(shop, name) == ["started", "ended"] for name in begun)
    with running(shop, "worker", "--concurrency", "4", "--no-beat") as worker:
        worker.wait_for(lambda: all(ran(shop, name) == ["started", "ended"] for name in names), "all ran, once")
        assert worker.stop() == 0


@pytest.mark.parametrize(
    "pool", ["prefork", *(pytest.param(pool, marks=pytest.mark.once) for pool in ("threads", "solo"))]
)
def test_what_does_not_end_in_time_is_handed_back(tmp_path: Path, redis_url: str, pool: str) -> None:
    """A worker ends within its bound; another one then runs the task at once, and nobody is blamed for it."""
    runtime = open_runtime(write_service(tmp_path, redis_url, async_lease=600))
    tasks: Any = import_module("handlers")
    with running(tmp_path, "worker", "--pool", pool, "--stop-within", "1", "--no-beat") as worker:
        sent = tasks.sleep.delay("long", 5)
        worker.wait_for(lambda: ran(tmp_path, "long"), "it runs")
        assert worker.stop() == 0
    assert "1 tasks did not end in time and were handed back" in worker.said
    with running(tmp_path) as worker:
        worker.wait_for(lambda: len(ran(tmp_path, "long")) == 2, "it runs again")
        record = runtime.store.get(sent.id)
        assert record is not None
        assert (record.deliveries, record.attempt) == (1, 1)
        worker.signal(signal.SIGQUIT)
        assert worker.end() == 0
    assert ran(tmp_path, "long") == ["started", "started"]


@pytest.mark.once
def test_long_delays_wait_in_the_store(tmp_path: Path, redis_url: str) -> None:
    """A task with a delay longer than a worker holds is sent by whichever worker is there when it is due."""
    runtime = open_runtime(write_service(tmp_path, redis_url, async_longest_countdown=1))
    tasks: Any = import_module("handlers")
    tasks.ship.apply_async(("late",), delay=1.5)
    assert len(runtime.store.later()) == 1
    with running(tmp_path) as worker:
        worker.wait_for(lambda: ran(tmp_path, "late"), "it ran")
        worker.wait_for(lambda: not runtime.store.later(), "it is forgotten")
    assert ran(tmp_path, "late") == ["1"]


def _begun(shop: Path, names: list[str]) -> list[str]:
    return [name for name in names if ran(shop, name)]


def _state(runtime: Runtime, id: str) -> State | None:
    record = runtime.store.get(id)
    return record.state if record else None


def test_what_an_operator_terminates_is_cancelled(shop: Path, tasks: Any, runtime: Runtime) -> None:
    """A task that is revoked through Celery's remote control, by Flower say, ends and is not run again."""
    assert isinstance(runtime.transport, CeleryTransport)
    with running(shop) as worker:
        sent = tasks.sleep.delay("long", 60)
        worker.wait_for(lambda: ran(shop, "long"), "it runs")
        runtime.transport.app.control.revoke(sent.id, terminate=True, signal="SIGKILL")
        worker.wait_for(lambda: _state(runtime, sent.id) == State.CANCELLED, "it is cancelled")
        tasks.ship.delay("tea")
        worker.wait_for(lambda: ran(shop, "tea"), "the worker goes on")
    assert ran(shop, "long") == ["started"]


def test_processes_that_grow_are_replaced(shop: Path, tasks: Any) -> None:
    """A process that has outgrown its memory ends after its task, and another one takes its place."""
    command = ("worker", "--concurrency", "1", "--max-memory-per-child", "1", "--no-beat")
    with running(shop, *command) as worker:
        tasks.ship.delay("one")
        worker.wait_for(lambda: ran(shop, "one"), "it ran")
        tasks.ship.delay("two")
        worker.wait_for(lambda: ran(shop, "two"), "it ran too")
    assert _process(shop, "one") != _process(shop, "two")


@pytest.mark.once
def test_a_worker_stops_while_redis_is_away(tmp_path: Path) -> None:
    """It ends within its bound, with status 0; what it ran is run again when Redis is back."""
    (tmp_path / "redis").mkdir()
    shop = tmp_path / "shop"
    with RedisServer(tmp_path / "redis", append_only=True) as server:
        timeouts = {"async_visibility_timeout": 6, "async_time_limit": 5, "async_longest_countdown": 5}
        open_runtime(write_service(shop, server.url, **timeouts))
        tasks: Any = import_module("handlers")
        with running(shop, "worker", "--stop-within", "1", "--no-beat") as worker:
            tasks.sleep.delay("long", 4)
            worker.wait_for(lambda: ran(shop, "long"), "it runs")
            server.kill()
            worker.signal(signal.SIGTERM)
            assert worker.end() == 0, worker.said
        server.start()
        with running(shop) as worker:
            worker.wait_for(lambda: ran(shop, "long")[-1] == "ended", "it is run again")
    assert ran(shop, "long") == ["started", "started", "ended"]


def _process(shop: Path, name: str) -> str:
    return (shop / "ran" / name).read_text().split()[1]
