"""``pym run``: real processes, started again when something changes, and gone when they are stopped."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from harness import CONTRACT, PATIENCE, SERVICE, Server, environment, listens, running, wait_for, write
from pymacaron.cli.supervisor import Child, Supervisor
from wheels import make_wheel, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN = ["-m", "pymacaron.cli", "run"]
needs_proc = pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="processes are found in /proc")


def processes(folder: Path) -> list[int]:
    """Return the other processes that have a folder as their working folder."""
    found = []
    for path in Path("/proc").iterdir():
        try:
            if path.name.isdigit() and int(path.name) != os.getpid() and (path / "cwd").readlink() == folder:
                found.append(int(path.name))
        except OSError:
            continue
    return found


def parent(pid: int) -> int:
    """Return the process that started another one."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def gone(folder: Path) -> None:
    """Wait until no process of a folder is left."""
    wait_for(lambda: not processes(folder), lambda: f"left are the processes {processes(folder)}")


def closed(server: Server) -> None:
    """Wait until a server's port is free: the kernel closes it a moment after the process is gone."""
    wait_for(lambda: not listens(server.port), lambda: f"the port {server.port} is free")


def greeting(server: Server) -> Any:
    """Return what the service says, None while it does not."""
    answer = server.answers("/v1/hello/ann")
    return answer.json() if answer is not None and answer.status_code == 200 else None


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


@needs_proc
def test_reload_of_code_and_contract(tmp_path: Path) -> None:
    """A changed handler or contract is served at once; a broken one is named, and served again once it is mended."""
    write(tmp_path, SERVICE)
    contract, handlers = tmp_path / "apis" / "greetings.yaml", tmp_path / "handlers.py"
    with running(tmp_path, RUN) as server:
        assert greeting(server) == {"hello": "ann"}
        edit(handlers, '"hello":', '"hi":')
        server.wait(lambda: greeting(server) == {"hi": "ann"}, "the new handler answers")
        edit(contract, "schema: {type: string}", "schema: {type: string, maxLength: 2}")
        server.wait(
            lambda: (answer := server.answers("/v1/hello/ann")) is not None and answer.status_code == 400,
            "the new contract holds",
        )
        edit(contract, "operationId: hello", "operationId: helo")
        named = "handlers has no 'helo'; did you mean 'hello'"
        server.wait(lambda: named in server.log.read_text(), "the fault is named")
        server.wait(lambda: server.answers() is None, "the broken service is down")
        edit(contract, "operationId: helo", "operationId: hello")
        edit(contract, ", maxLength: 2", "")
        server.wait(lambda: greeting(server) == {"hi": "ann"}, "the service is back")
        assert "Traceback" not in server.log.read_text()
        assert server.stop() == 0
    closed(server)
    gone(tmp_path)


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_leave_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """However it is asked to stop, it ends with status 0 and takes its server along."""
    write(tmp_path, SERVICE)
    with running(tmp_path, RUN) as server:
        assert len(processes(tmp_path)) == 2
        server.process.send_signal(number)
        assert server.process.wait(PATIENCE) == 0
    gone(tmp_path)
    closed(server)


@needs_proc
def test_killed_parent_takes_its_children_along(tmp_path: Path) -> None:
    """Even SIGKILL leaves no server behind."""
    write(tmp_path, SERVICE)
    with running(tmp_path, RUN) as server:
        server.process.kill()
        server.process.wait(PATIENCE)
        gone(tmp_path)
    closed(server)


@pytest.mark.once
@pytest.mark.parametrize(
    ("options", "debug"), [([], True), (["--no-debug"], False), (["--production", "--workers", "1"], False)]
)
def test_debug(tmp_path: Path, options: list[str], debug: bool) -> None:
    """Error bodies say what happened in development alone, and only where that is not switched off."""
    write(tmp_path, {**SERVICE, "handlers.py": "def hello(name):\n    raise ValueError('boom')\n"})
    with running(tmp_path, [*RUN, "--no-reload", *options]) as server:
        answer = server.get("/v1/hello/ann")
        assert answer.status_code == 500
        assert ("ValueError: boom" in answer.text) is debug
        assert "Traceback" not in answer.text


def test_process_lives_after_a_failure(tmp_path: Path) -> None:
    """A handler that raises, or ends the interpreter's patience, does not end the service."""
    code = "def hello(name):\n    return hello(name) if name == 'deep' else {}['x'] if name == 'bad' else {}\n"
    write(tmp_path, {**SERVICE, "handlers.py": code})
    with running(tmp_path, [*RUN, "--no-reload"]) as server:
        for name in ("bad", "deep"):
            assert server.get(f"/v1/hello/{name}").json()["error"] == "SERVER_ERROR"
            assert server.get("/v1/hello/ann").json() == {}
        assert server.process.poll() is None


STREAMING = CONTRACT.replace(
    "content: {application/json: {schema: {type: object}}}",
    "content: {application/octet-stream: {schema: {type: string, format: binary}}}",
)
STREAM = """
    import time


    def hello(name):
        while True:
            yield b"tick\\n"
            time.sleep(0.05)
"""


@needs_proc
def test_production(tmp_path: Path) -> None:
    """Granian serves in production; streams that never end keep nobody else waiting, and SIGTERM ends it all."""
    write(tmp_path, {**SERVICE, "apis/greetings.yaml": STREAMING, "handlers.py": STREAM})
    with running(tmp_path, [*RUN, "--production", "--workers", "1"]) as server:
        streams = [stream(server) for _ in range(8)]
        try:
            for response in streams:
                assert next(response.iter_content(5)) == b"tick\n"
            for _ in range(5):
                assert server.get("/ping").json() == {}
        finally:
            for response in streams:
                response.close()
        assert server.get("/v1/nowhere").status_code == 404
        assert server.stop() == 0
    gone(tmp_path)
    closed(server)


TAKING = CONTRACT.replace(
    "get:\n", "post:\n          requestBody: {content: {application/json: {schema: {type: object}}}}\n"
)


def test_production_tells_where_a_connection_ends(tmp_path: Path) -> None:
    """An answer to a request that was not read to its end says that its connection ends; others keep theirs."""
    handlers = "def hello(body, name):\n    return body\n"
    write(tmp_path, {**SERVICE, "apis/greetings.yaml": TAKING, "handlers.py": handlers})
    with running(tmp_path, [*RUN, "--production", "--workers", "1"]) as server, requests.Session() as session:
        url = f"{server.url}/v1/hello/ann"
        headers = {"Content-Type": "application/json"}
        for body in (b'{"a": 1}', iter([b'{"a"', b": 1}"])):
            answer = session.post(url, data=body, headers=headers, timeout=PATIENCE)
            assert answer.json() == {"a": 1}
            assert "Connection" not in answer.headers
        for body in (b'{"a": 1}', iter([b'{"a"', b": 1}"])):
            answer = session.put(url, data=body, headers=headers, timeout=PATIENCE)
            assert (answer.status_code, answer.headers["Connection"]) == (405, "close")
        assert "Connection" not in session.get(url, timeout=PATIENCE).headers
        assert server.stop() == 0


def stream(server: Server) -> requests.Response:
    headers = {"Connection": "close"}
    return requests.get(f"{server.url}/v1/hello/ann", stream=True, timeout=PATIENCE, headers=headers)


@pytest.mark.once
@needs_proc
def test_production_starts_a_crashed_server_again(tmp_path: Path) -> None:
    """A server that dies in production is there again."""
    write(tmp_path, SERVICE)
    with running(tmp_path, [*RUN, "--production", "--workers", "1"]) as server:
        before = set(processes(tmp_path))
        (master,) = [pid for pid in before if parent(pid) == server.process.pid]
        os.kill(master, signal.SIGKILL)
        server.wait(lambda: not before & set(processes(tmp_path)) - {server.process.pid}, "its workers end with it")
        server.wait(server.answers, "another server answers")
        assert server.stop() == 0
    gone(tmp_path)


BESIDE = """
    import sys
    from pymacaron.plugins import Plugin, Process


    class Beside(Plugin):
        def processes(self, context):
            code = "import os, time; open('beside', 'w').write(os.environ['MARK'] + os.environ['ALL']); time.sleep(60)"
            argv = [sys.executable, "-c", code]
            context.env["ALL"] = "!"
            context.processes.append(Process("worker", argv, {"MARK": context.config.name}, reload=True))
"""


@pytest.mark.once
@needs_proc
def test_processes_of_plugins(tmp_path: Path) -> None:
    """A plugin's process runs beside the server, starts again when it ends or code changes, and stops with it."""
    folder = write(tmp_path / "service", SERVICE)
    site = unpack(tmp_path / "site", make_wheel(tmp_path, "beside", {"beside": BESIDE}, {"beside": "beside:Beside"}))
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    with running(folder, RUN, PYTHONPATH=path) as server:
        mark = folder / "beside"
        server.wait(lambda: mark.exists() and mark.read_text() == "greetings!", "the process ran")
        mark.unlink()
        (worker,) = [pid for pid in processes(folder) if b"open('beside'" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        os.kill(worker, signal.SIGKILL)
        server.wait(mark.exists, "the process ran again")
        assert greeting(server) == {"hello": "ann"}
        mark.unlink()
        edit(folder / "handlers.py", '"hello":', '"hi":')
        server.wait(mark.exists, "the process ran with the new code")
        assert server.stop() == 0
    gone(folder)


# The supervisor alone.


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    """Make a child that is stopped in the end."""
    made = Child("sleeper", ["sleep", "60"], environment(tmp_path))
    yield made
    made.stop()


def test_child_is_started_and_stopped(child: Child) -> None:
    """A child runs until it is stopped; stopping what does not run is no error."""
    child.stop()
    assert child.poll() is None
    child.start()
    assert child.poll() is None
    child.stop()
    assert child.poll() == -signal.SIGTERM
    child.stop()


def test_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    """A child that ignores SIGTERM is killed after a while."""
    mark = tmp_path / "ready"
    code = f"trap '' TERM; touch {mark}; while true; do sleep 0.05; done"
    child = Child("deaf", ["sh", "-c", code])
    child.start()
    wait_for(mark.exists, lambda: "the child is ready")
    child.stop(within=0.1)
    assert child.poll() == -signal.SIGKILL


def test_pause_grows_with_each_crash(child: Child) -> None:
    """Each crash doubles the pause before the next start, up to a limit; a long life makes it short again."""
    child.start()
    assert [child.plan_restart() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    child.started -= 1000
    assert child.plan_restart() < 1


def test_supervisor_keeps_what_should_be_kept() -> None:
    """A child that ended is started again when its pause is over, unless it need not be kept."""
    supervisor = Supervisor()
    kept, once = supervisor.add(Child("kept", ["true"])), supervisor.add(Child("once", ["true"], keep=False))
    assert kept.process is not None
    assert once.process is not None
    first = kept.process
    for ended in (kept.process, once.process):
        ended.wait(PATIENCE)
    before = once.process
    supervisor.tend()
    assert kept.process is first
    kept.due = 0.001
    supervisor.tend()
    assert kept.process is not first
    assert once.process is before
    supervisor.stop_all()
