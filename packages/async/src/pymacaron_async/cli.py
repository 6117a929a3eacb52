"""``pym worker``, and the hidden ``pym broker`` that `pym run` starts."""

from __future__ import annotations

import signal
import sys
from typing import Any

import click
from click.exceptions import Exit

from pymacaron.cli.main import main
from pymacaron.cli.service import load_app, service_config

from .liveness import PATIENCE, check

_MEGABYTE = 2**20


@click.command()
@click.option("--concurrency", type=click.IntRange(1), help="Tasks at once (default: what the container may use).")
@click.option("--queues", help="Queues to take tasks from, with commas between (default: all that tasks name).")
@click.option("--max-memory-per-child", type=click.IntRange(1), help="MB that a process may grow to between two tasks.")
@click.option("--pool", type=click.Choice(["prefork", "threads", "solo"]), default="prefork", show_default=True)
@click.option("--beat/--no-beat", default=True, show_default=True, help="Send what schedules are due.")
@click.option("--stop-within", type=click.FloatRange(0), help="Seconds to finish in (default: async_stop_within).")
@click.option("--check", "checks", is_flag=True, help="Start nothing; exit with 0 if a worker here is well, else 1.")
@click.option(
    "--patience",
    type=click.FloatRange(1),
    default=PATIENCE,
    show_default=True,
    help="With --check: seconds that a worker may be without sign of life, broker or progress.",
)
def worker(
    concurrency: int | None,
    queues: str | None,
    max_memory_per_child: int | None,
    pool: str,
    beat: bool,
    stop_within: float | None,
    checks: bool,
    patience: float,
) -> None:
    """Run the tasks of the service in this folder, until SIGTERM.

    It then takes no more tasks, finishes those that run, and hands back to its queue what takes too long. SIGQUIT, or
    a second SIGTERM, hands back at once.
    """
    if checks:
        _check(patience)
        return
    signal.signal(signal.SIGTERM, _end)
    from .runtime import get_runtime
    from .worker import WorkerOptions, run_worker

    app = load_app()
    memory = max_memory_per_child * _MEGABYTE if max_memory_per_child else None
    named = tuple(name.strip() for name in (queues or "").split(",") if name.strip())
    options = WorkerOptions(concurrency, named, memory, pool, beat, stop_within)
    raise Exit(run_worker(app, get_runtime(), service_config().folder, options))


def _end(*_: Any) -> None:
    """End a worker that has not begun; where it is the first process of a container, nothing else would."""
    sys.exit(0)


def _check(patience: float) -> None:
    """Say what ails the workers of the service on this machine, if anything does."""
    from .folders import runtime_folder

    config = service_config()
    fault = check(runtime_folder(str(config.get("name") or "service"), config.folder), patience)
    if fault is not None:
        click.echo(f"pym worker: {fault}", err=True)
        raise Exit(1)


@click.command(hidden=True)
def broker() -> None:
    """Run the private broker of the service in this folder; what `pym run` starts."""
    from .embedded import run_private_broker

    run_private_broker(service_config())


def pymasync() -> int:
    """Run ``pym worker``, under its older name."""
    return main(["worker", *sys.argv[1:]])
