"""Measure tasks of ours beside bare Celery's: the same Redis, the same serializer, rounds of both by turns.

Figures are medians over the rounds; ratios are medians of the ratios within each round, so that what else the machine
does falls on both. A task writes one octet to a file, which tells that it ran: a task that does more is measured
less strictly, as what surrounds it is a smaller part.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import textwrap
import time
from contextlib import ExitStack
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

import bare  # noqa: E402  # after the path is set
import click  # noqa: E402
from flask import Flask  # noqa: E402

from pymacaron.auth import generate_token, load_auth_token, set_principal  # noqa: E402
from redis_server import RedisServer  # noqa: E402
from workers import environment, open_runtime, write_service  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

CONTRACT = """
    openapi: 3.1.0
    info: {title: Shop, version: 0.1.0}
    paths:
      /ping:
        get:
          operationId: greet
          responses: {"200": {description: It is there}}
"""

HANDLERS = '''
    """Tasks that write one octet each."""

    import os
    from pathlib import Path

    from pymacaron_async import asynctask

    HERE = Path(__file__).parent
    opened = []


    def greet():
        return {}


    def note():
        if not opened:
            opened.append(os.open(HERE / "ran", os.O_WRONLY | os.O_APPEND | os.O_CREAT))
        os.write(opened[0], b".")


    @asynctask
    def ship(name):
        note()


    @asynctask(unique_for=60, unique_key=lambda name: name, idempotency_key=lambda name: name)
    def pay(name):
        note()
'''

CONCURRENCY = "2"
PATIENCE = 120.0
#: What, and its goal.
GOALS = {
    "enqueue": ("Enqueue, ours ÷ bare Celery with late acks", ">= 0.85"),
    "end": ("End to end, ours ÷ bare Celery with late acks", ">= 0.9"),
    "request": ("CPU that our layer adds to the request, ms", "<= 0.15"),
}


class Bench:
    """Both sides on one Redis, each with its worker."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        (folder / "redis").mkdir()
        server = stack.enter_context(RedisServer(folder / "redis"))
        self.ours = write_service(folder / "ours", server.url, async_time_limit=60)
        (self.ours / "handlers.py").write_text(textwrap.dedent(HANDLERS).lstrip("\n"))
        (self.ours / "apis" / "shop.yaml").write_text(textwrap.dedent(CONTRACT).lstrip("\n"))
        open_runtime(self.ours)
        self.tasks: Any = import_module("handlers")
        self.app = Flask("app")
        self.bare: dict[str, Any] = {}
        for name, settings in (("late", bare.ACKS_LATE), ("installed", bare.AS_INSTALLED)):
            (folder / name).mkdir()
            self.bare[name] = bare.make(server.url, settings, folder / name).tasks["ship"]
        self.folder, self.server, self.stack = folder, server, stack
        self.serial = 0

    def start_workers(self) -> None:
        """Start a worker of each side, and wait until it ran a task."""
        pym = ["-m", "pymacaron.cli", "worker", "--no-beat", "--concurrency", CONCURRENCY]
        celery = ["-m", "celery", "-A", "bare:app", "worker", "--concurrency", CONCURRENCY, "--loglevel", "ERROR"]
        self._start("ours", pym)
        for name in self.bare:
            path = {"BENCH_BROKER": self.server.url, "BENCH_SETTINGS": name, "PYTHONPATH": str(HERE)}
            self._start(name, celery, **path)
        for name in self.sides():
            self.measure_end(name, 20)

    def _start(self, name: str, command: list[str], **variables: str) -> None:
        folder = self.folder / name
        (folder / ".run").mkdir()
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *command], cwd=folder, env=environment(folder, **variables), stdout=log, stderr=log
            )
        self.stack.callback(process.wait)
        self.stack.callback(process.terminate)

    def sides(self) -> dict[str, Callable[[str], Any]]:
        """Return what queues a task, of each side."""
        return {
            "ours": self.tasks.ship.delay,
            "ours, all features": self.tasks.pay.delay,
            "late": self.bare["late"].delay,
            "installed": self.bare["installed"].delay,
        }

    def measure_enqueue(self, side: str, count: int) -> tuple[float, float]:
        """Return tasks a second, and milliseconds of CPU for each, of enqueueing inside a request."""
        send = self.sides()[side]
        names = [self._name() for _ in range(count)]
        token = generate_token("somebody")
        with self.app.test_request_context("/"):
            set_principal(load_auth_token(token))
            started, used = time.perf_counter(), time.process_time()
            for name in names:
                send(name)
            seconds, used = time.perf_counter() - started, time.process_time() - used
        return count / seconds, used / count * 1000

    def measure_end(self, side: str, count: int) -> float:
        """Return tasks a second from the first call to the last run."""
        send = self.sides()[side]
        path = self.folder / side.partition(",")[0] / "ran"
        names = [self._name() for _ in range(count)]
        before = path.stat().st_size if path.exists() else 0
        started = time.perf_counter()
        for name in names:
            send(name)
        while not path.exists() or path.stat().st_size < before + count:
            if time.perf_counter() - started > PATIENCE:
                raise TimeoutError(f"{side}: not all of {count} tasks ran; see {path.parent / 'log'}")
            time.sleep(0.002)
        return count / (time.perf_counter() - started)

    def _name(self) -> str:
        self.serial += 1
        return f"tea-{self.serial}"


def measure(rounds: int, count: int) -> dict[str, dict[str, list[float]]]:
    """Return the figures of all rounds: of what, of which side."""
    with TemporaryDirectory(prefix="pym-bench-") as folder, ExitStack() as stack:
        bench = Bench(Path(folder), stack)
        sides = list(bench.sides())
        found: dict[str, dict[str, list[float]]]
        found = {what: {side: [] for side in sides} for what in ("enqueue", "cpu", "end")}
        for side in sides:
            bench.measure_enqueue(side, 50)
        for number in range(rounds):
            for side in sides[number % 4 :] + sides[: number % 4]:
                rate, cpu = bench.measure_enqueue(side, count)
                found["enqueue"][side].append(rate)
                found["cpu"][side].append(cpu)
        bench.server.client.flushall()
        bench.start_workers()
        for number in range(rounds):
            for side in sides[number % 4 :] + sides[: number % 4]:
                found["end"][side].append(bench.measure_end(side, count))
        return found


def report(found: dict[str, dict[str, list[float]]], rounds: int, count: int) -> str:
    """Return the figures as Markdown."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("celery", "kombu", "redis"))
    lines = [
        f"{rounds} rounds of {count} tasks; Python {platform.python_version()}, {versions}, {os.cpu_count()} cores,"
        f" {CONCURRENCY} processes.",
        "",
        "| | enqueue, tasks/s | CPU of one enqueue, ms | end to end, tasks/s |",
        "|---|---|---|---|",
    ]
    titles = {
        "ours": "`@asynctask`",
        "ours, all features": "`@asynctask` with `unique_for` and `idempotency_key`",
        "late": "Celery, `acks_late`, `reject_on_worker_lost`, prefetch 1",
        "installed": "Celery as installed (acknowledges first, prefetch 4)",
    }
    for side, title in titles.items():
        rate, cpu, end = (statistics.median(found[what][side]) for what in ("enqueue", "cpu", "end"))
        lines.append(f"| {title} | {rate:,.0f} | {cpu:.3f} | {end:,.0f} |")
    lines += ["", "| | goal | found |", "|---|---|---|"]
    for what, (title, goal) in GOALS.items():
        lines.append(f"| {title} | {goal} | {_score(found, what):.2f} |")
    return "\n".join(lines)


def _score(found: dict[str, dict[str, list[float]]], what: str) -> float:
    source = found["cpu" if what == "request" else what]
    pairs = list(zip(source["ours"], source["late"], strict=True))
    if what == "request":
        return statistics.median(ours - other for ours, other in pairs)
    return statistics.median(ours / other for ours, other in pairs)


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--count", type=int, default=1000)
    options = parser.parse_args()
    click.echo(report(measure(options.rounds, options.count), options.rounds, options.count))


if __name__ == "__main__":
    main()
