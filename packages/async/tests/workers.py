"""What the tests of workers share: the folder of a service with tasks, and its workers as processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymacaron.config import load_config, set_config
from pymacaron_async.celery_app import CeleryTransport, make_celery
from pymacaron_async.connections import open_store
from pymacaron_async.runtime import Runtime, set_runtime
from pymacaron_async.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 30.0
SECRET = "a key for tests that is long enough for HS256"

SERVER = """
    from flask import Flask
    from pymacaron import API, letsgo

    app = Flask(__name__)


    def start(port, debug):
        api = API(app, port=port, debug=debug)
        api.load_apis()
        api.start()


    letsgo(__name__, callback=start)
"""

CONTRACT = """
    openapi: 3.1.0
    info: {title: Shop, version: 0.1.0}
    servers: [{url: /v1}]
    paths:
      /orders/{name}:
        post:
          operationId: order
          parameters:
            - {name: name, in: path, required: true, schema: {type: string}}
          responses:
            "200":
              description: It is ordered
              content: {application/json: {schema: {type: object}}}
      /later:
        post:
          operationId: later
          responses:
            "200":
              description: It is ordered for later
              content: {application/json: {schema: {type: object}}}
"""

#: Handlers whose task writes a line to a file named after it: what ran, and how often, is counted there.
HANDLERS = '''
    """Handlers and tasks of a shop."""

    import logging
    import os
    import time
    from pathlib import Path

    from pymacaron_async import asynctask, task

    FOLDER = Path(__file__).parent / "ran"
    FOLDER.mkdir(exist_ok=True)


    def note(name, text=""):
        with (FOLDER / name).open("a") as file:
            file.write(f"{text or task.attempt} {os.getpid()}\\\\n")


    def order(name):
        queued = ship(name)
        return {"id": queued.id}


    def later():
        queued = ship.apply_async(("late",), delay=2)
        return {"id": queued.id}


    @asynctask
    def ship(name):
        logging.getLogger("shop").info("ships %s", name)
        note(name)


    @asynctask
    def sleep(name, seconds):
        note(name, "started")
        time.sleep(seconds)
        note(name, "ended")


    @asynctask(max_retries=2, backoff=0.01)
    def fail(name):
        note(name)
        raise ValueError("it never works")


    @asynctask(time_limit=1, max_retries=1, backoff=0.01)
    def hang(name):
        note(name)
        time.sleep(60)


    @asynctask
    def kill(name, times):
        note(name)
        if task.deliveries <= times:
            os.kill(os.getpid(), 9)


    @asynctask(queue="mail")
    def mail(name):
        note(name)
'''


def write_service(folder: Path, broker_url: str | None, **config: Any) -> Path:
    """Write the files of a shop, and make its configuration this process's."""
    values = {"name": "shop", "jwt_secret": SECRET, "async_lease": 2, **config}
    if broker_url is not None:
        values["celery_broker_url"] = broker_url
    files = {
        "server.py": SERVER,
        "handlers.py": HANDLERS,
        "apis/shop.yaml": CONTRACT,
        "pym-config.yaml": "".join(f"{name}: {value}\n" for name, value in values.items()),
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).replace("\\\\n", "\\n").lstrip("\n"))
    set_config(load_config(folder / "pym-config.yaml"))
    return folder


def open_runtime(folder: Path) -> Runtime:
    """Return the runtime of the shop in a folder for this process, and import its tasks."""
    settings = read_settings(load_config(folder / "pym-config.yaml"))
    store = open_store(settings)
    runtime = Runtime(settings, store, CeleryTransport(make_celery(settings), settings, store))
    set_runtime(runtime)
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return runtime


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return variables for a process: nothing of this one's PYM_ ones, and folders of its own."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYM_")}
    folders = {"PYM_CONTRACT_CACHE": str(folder / ".cache"), "XDG_RUNTIME_DIR": str(folder / ".run")}
    return {**kept, **folders, "PYTHONUNBUFFERED": "1", **more}


def pym(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run one command of ``pym`` until it ends."""
    (folder / ".run").mkdir(exist_ok=True)
    command = [sys.executable, "-m", "pymacaron.cli", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(folder, **variables), capture_output=True, text=True, timeout=PATIENCE
    )


class WorkerProcess:
    """A process of ``pym``, by default a worker, with its output in a file."""

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        (folder / ".run").mkdir(exist_ok=True)
        self.folder = folder
        self.log = folder / f"log-{time.monotonic_ns()}"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pymacaron.cli", *arguments],
                cwd=folder,
                env=environment(folder, **variables),
                stdout=output,
                stderr=output,
            )

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid

    @property
    def said(self) -> str:
        """What it wrote so far."""
        return self.log.read_text()

    def wait_for(self, done: Callable[[], object], what: str) -> None:
        """Wait until something is so, as long as it runs."""
        until = time.monotonic() + PATIENCE
        while not done():
            assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.said}"
            assert time.monotonic() < until, f"not in time: {what}; it said: {self.said}"
            time.sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self, within: float = PATIENCE) -> int:
        """Wait until it ended; return its status."""
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end: {self.said}") from None

    def stop(self) -> int:
        """Ask it to end, and return its status."""
        self.signal(signal.SIGTERM)
        return self.end()


@contextmanager
def running(folder: Path, *arguments: str, **variables: str) -> Iterator[WorkerProcess]:
    """Run a worker, or another command of ``pym``, until the block ends."""
    made = WorkerProcess(folder, *(arguments or ("worker", "--concurrency", "2", "--no-beat")), **variables)
    try:
        yield made
    finally:
        if made.process.poll() is None:
            made.signal(signal.SIGTERM)
            try:
                made.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                made.process.kill()
                made.process.wait()
                raise AssertionError(f"it had to be killed: {made.said}") from None


def ran(folder: Path, name: str) -> list[str]:
    """Return what a task noted of itself: a line for each time."""
    path = folder / "ran" / name
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def processes(folder: Path) -> list[int]:
    """Return the processes that have a folder as their working folder, but for this one."""
    found = []
    for path in Path("/proc").iterdir():
        try:
            if path.name.isdigit() and int(path.name) != os.getpid() and (path / "cwd").readlink() == folder:
                found.append(int(path.name))
        except OSError:
            continue
    return found


def wait_until(done: Callable[[], object], what: Callable[[], str]) -> None:
    """Wait until something is so."""
    until = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < until, f"not in time: {what()}"
        time.sleep(0.02)
