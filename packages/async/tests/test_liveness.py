"""What ``pym worker --check`` says of workers that are well, stuck, gone, cut off, or do nothing."""

from __future__ import annotations

import os
import signal
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from pymacaron_async.depth import Observer, waiting
from pymacaron_async.embedded import LONGEST_SOCKET
from pymacaron_async.exceptions import AsyncConfigError
from pymacaron_async.folders import runtime_folder
from pymacaron_async.liveness import Heartbeat, Vitals, check, write_vitals
from workers import open_runtime, pym, running, write_service

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.once

NOW = time.monotonic()
WELL = Vitals(pid=os.getpid(), written=NOW, turned=NOW, connected=True, connected_since=NOW - 1000)

FAULTS: list[tuple[dict[str, Any], str | None]] = [
    ({}, None),
    ({"written": NOW - 61}, "gave no sign of life for 61 s"),
    ({"turned": NOW - 61}, "is stuck: its main loop has not turned for 61 s"),
    ({"connected": False}, "has not been connected to the broker for 1000 s"),
    ({"connected": False, "connected_since": NOW - 50, "turned": NOW - 1000}, None),
    ({"starving_since": NOW - 50}, None),
    ({"starving_since": NOW - 61}, "consumes nothing: messages have waited for 61 s"),
    ({"starving_since": NOW - 61, "stopping": True}, None),
    ({"pid": 2**22 + 1}, "ended without a word"),
]


@pytest.mark.parametrize(("change", "said"), FAULTS)
def test_faults(change: dict[str, Any], said: str | None) -> None:
    """Each fault is named with its seconds, and none within the patience."""
    fault = msgspec.structs.replace(WELL, **change).fault(NOW, 60)
    assert (fault is None) if said is None else (fault is not None and said in fault)


def test_one_worker_that_is_well_is_enough(tmp_path: Path) -> None:
    """Faults are told only where no worker of the service is well."""
    assert check(tmp_path) == "no worker of this service runs on this machine"
    gone = msgspec.structs.replace(WELL, pid=2**22 + 1)
    write_vitals(tmp_path / "worker-1.json", gone)
    (tmp_path / "worker-2.json").write_text("{")
    fault = check(tmp_path)
    assert (
        fault == f"the worker (process {gone.pid}) ended without a word; {tmp_path / 'worker-2.json'} is no heartbeat"
    )
    write_vitals(tmp_path / "worker-3.json", msgspec.structs.replace(WELL, written=time.monotonic()))
    assert check(tmp_path, 1000) is None


def test_the_file_goes_with_its_worker(tmp_path: Path) -> None:
    """A worker removes its file when it ends, and at its start the files of those that were killed."""
    write_vitals(tmp_path / "worker-1.json", msgspec.structs.replace(WELL, pid=2**22 + 1))
    heartbeat = Heartbeat(tmp_path, lambda: WELL)
    heartbeat.start()
    while not heartbeat.path.exists():
        time.sleep(0.01)
    assert [path.name for path in tmp_path.glob("*.json")] == [heartbeat.path.name]
    heartbeat.stop()
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each service has its own, and one that others may write to is refused."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    made = runtime_folder("shop", tmp_path)
    assert runtime_folder("shop", tmp_path) == made != runtime_folder("bank", tmp_path)
    assert made.stat().st_mode & 0o777 == 0o700
    made.chmod(0o777)
    with pytest.raises(AsyncConfigError, match="alone may write to; remove it"):
        runtime_folder("shop", tmp_path)


def test_the_folder_is_short_enough_for_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the user's own folder has a long path, the service's is elsewhere."""
    long = tmp_path / ("x" * 80)
    long.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    monkeypatch.setattr("tempfile.tempdir", str(long))
    made = runtime_folder("shop", tmp_path)
    try:
        assert len(str(made / "socket")) <= LONGEST_SOCKET
    finally:
        made.rmdir()


class Idle:
    """A worker that does nothing."""

    concurrency = 1
    is_connected = True
    consumed = 0

    def underway(self) -> list[Any]:
        """Return nothing."""
        return []


def test_messages_that_are_not_taken_are_noticed(tmp_path: Path, redis_url: str) -> None:
    """Only messages that wait from one look to the next, while no task is begun and a slot is free, tell of a fault."""
    runtime: Any = open_runtime(write_service(tmp_path, redis_url))
    worker, app = Idle(), runtime.transport.app
    observer = Observer(worker, app, ["shop", "mail"])
    observer.connected = True

    def starves() -> bool:
        observer.look()
        return observer.starving_since > 0

    assert [starves(), starves()] == [False, False]
    import_module("handlers").ship.delay("tea")
    assert waiting(app, ["shop", "mail"]) == 1
    assert starves()
    since = observer.starving_since
    assert starves()
    assert observer.starving_since == since
    worker.consumed = 1
    assert not starves()
    worker.concurrency = 0
    assert not starves()


def test_check_of_a_real_worker(tmp_path: Path, redis_url: str) -> None:
    """It is well while it runs, gives no sign while a debugger holds it, and is no longer there when it ended."""
    shop = write_service(tmp_path, redis_url)
    with running(shop) as worker:
        worker.wait_for(lambda: pym(shop, "worker", "--check").returncode == 0, "it is well")
        worker.signal(signal.SIGSTOP)
        worker.wait_for(lambda: pym(shop, "worker", "--check", "--patience", "2").returncode == 1, "it is noticed")
        said = pym(shop, "worker", "--check", "--patience", "2").stderr
        assert said.startswith(f"pym worker: the worker (process {worker.pid}) gave no sign of life for")
        worker.signal(signal.SIGCONT)
        worker.wait_for(lambda: pym(shop, "worker", "--check", "--patience", "2").returncode == 0, "it is well again")
        assert worker.stop() == 0
    found = pym(shop, "worker", "--check")
    assert (found.returncode, found.stderr) == (1, "pym worker: no worker of this service runs on this machine\n")


def test_a_worker_that_consumes_nothing_is_noticed(tmp_path: Path, redis_url: str) -> None:
    """It is up and connected, its loop turns, but it has lost its consumer, and messages wait."""
    shop = write_service(tmp_path, redis_url)
    runtime: Any = open_runtime(shop)
    tasks: Any = import_module("handlers")
    with running(shop) as worker:
        worker.wait_for(lambda: pym(shop, "worker", "--check").returncode == 0, "it is well")
        for queue in ("shop", "mail"):
            runtime.transport.app.control.cancel_consumer(queue, reply=True)
        tasks.ship.delay("tea")
        said = "consumes nothing: messages have waited"
        worker.wait_for(lambda: said in pym(shop, "worker", "--check", "--patience", "2").stderr, "it is noticed")


def test_a_worker_without_broker_is_noticed(tmp_path: Path) -> None:
    """It says that it is not connected, goes on trying, and ends with status 0 when it is asked to."""
    shop = write_service(tmp_path, "redis://127.0.0.1:1/0")
    with running(shop) as worker:
        worker.wait_for(
            lambda: "not been connected" in pym(shop, "worker", "--check", "--patience", "1").stderr, "told"
        )
        assert worker.stop() == 0
