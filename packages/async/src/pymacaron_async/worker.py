"""The worker: Celery's, in this process, with the service's tasks, and made to stop without losing any of them."""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from celery.app import trace
from celery.bootsteps import StartStopStep
from celery.worker import WorkController
from celery.worker import consumer as celery_consumer
from celery.worker import state as celery_state
from celery.worker.components import Pool

from .beat import Beat
from .celery_app import CeleryTransport
from .celery_tasks import register_tasks
from .cgroup import memory_of_each, worker_processes
from .consumer_timeout import complaint, consumer_timeout
from .depth import Observer
from .exceptions import AsyncConfigError
from .execution import Executor
from .folders import runtime_folder
from .liveness import Heartbeat, Vitals
from .logs import configure_worker_logging
from .mover import Mover
from .stopping import Stop
from .tasks import REGISTRY, queues_in_use

if TYPE_CHECKING:
    from pathlib import Path

    from celery.worker.request import Request
    from flask import Flask

    from .runtime import Runtime

log = logging.getLogger("pymacaron.async")

_TICK = 0.25
#: Seconds between two tries to connect.
_PAUSES = {"interval_start": 1, "interval_step": 1, "interval_max": 5}


class Service(Protocol):
    """A thread beside the main loop."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End."""


@dataclass(frozen=True)
class WorkerOptions:
    """How a worker runs.

    Attributes:
        concurrency: how many tasks it runs at once; None for what the container may use.
        queues: that it takes tasks from; empty for the service's own and every one that a task names.
        memory: bytes that a process may grow to before it is replaced, between two tasks; None for its share of the
            container's.
        pool: processes, threads, or the main process itself. Only processes can be stopped by a time limit.
        beat: whether it sends what schedules are due.
        stop_within: seconds that it may use to finish what it runs; ``async_stop_within`` where it is None.
    """

    concurrency: int | None = None
    queues: tuple[str, ...] = ()
    memory: int | None = None
    pool: str = "prefork"
    beat: bool = True
    stop_within: float | None = None


class Consumer(celery_consumer.Consumer):  # type: ignore[misc]  # Celery has no types
    """Celery's consumer, which soon finds a broker that was away.

    It has no queues for delayed messages, some thirty in RabbitMQ: ours wait in the store.
    """

    has_consumed = False

    class Blueprint(celery_consumer.Consumer.Blueprint):  # type: ignore[misc]  # likewise
        """Its steps."""

        default_steps = tuple(
            step for step in celery_consumer.Consumer.Blueprint.default_steps if not step.endswith(":DelayedDelivery")
        )

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, however long that takes. Celery would look every 30 seconds in the end."""
        conn.ensure_connection = partial(conn.ensure_connection, **_PAUSES)
        return super().ensure_connected(conn)

    def on_ready(self) -> None:
        """Note that all queues are as they were declared."""
        self.has_consumed = True
        super().on_ready()

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Prepare to connect again, also where only the channel was closed: a task ran too long, or a queue was away.

        Raises:
            Exception: the channel was closed at the start: a queue is there, but not as it is declared.
        """
        if isinstance(exc, self.channel_errors) and not self.has_consumed:
            raise exc
        super().on_connection_error_after_connected(exc)


class Worker(WorkController):  # type: ignore[misc]  # Celery has no types
    """Celery's worker without its banner, its logs and its handlers of signals; see :class:`.stopping.Stop`."""

    is_stopping = False

    def on_before_init(self, **_: Any) -> None:
        """Make Celery find the app of this worker wherever it looks for one."""
        self.services: list[Service] = []
        self._underway: set[Request] = set()
        self.turned = time.monotonic()
        trace.setup_worker_optimizations(self.app, self.hostname)

    def on_after_init(self, **_: Any) -> None:
        """Name the pool: Celery replaces the name by a class."""
        self.pool_name = str(self.pool_cls)

    def on_start(self) -> None:
        """Watch the main loop."""
        super().on_start()
        self.timer.call_repeatedly(_TICK, self._turn)

    def on_consumer_ready(self, consumer: Consumer) -> None:
        """Tell of tasks that may run for longer than the broker allows; called when it first consumes."""
        server = getattr(consumer.connection.connection, "server_properties", {})
        if told := complaint(server, _longest_time_limit()):
            log.warning(told)

    def _turn(self) -> None:
        self.turned = time.monotonic()
        if self.pool_name == "prefork":
            # Celery looks when a process closes its pipes, which is a moment too early, and then every five seconds.
            self.pool.maintain_pool()

    def _process_task(self, request: Request) -> None:
        """Start a task. One that comes while the worker stops goes back to the broker with the connection."""
        if not self.is_stopping:
            self._underway = {*self.underway(), request}
            super()._process_task(request)

    def underway(self) -> list[Request]:
        """Return the tasks that were started and have not ended.

        What had been received, but not begun, when a connection was lost is the broker's again: Celery then takes it
        out of what it holds, and forgets it.
        """
        held = (celery_state.active_requests, celery_state.reserved_requests)
        return [
            request
            for request in tuple(self._underway)
            if not request.acknowledged and any(request in requests for requests in held)
        ]

    @property
    def consumed(self) -> int:
        """How many tasks it has started."""
        return int(celery_state.all_total_count[0])

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection to the broker."""
        consumer = getattr(self, "consumer", None)
        return consumer is not None and consumer.connection is not None and consumer.task_consumer is not None


class Beside(StartStopStep):  # type: ignore[misc]  # Celery has no types
    """The step that starts the services of a worker, once its pool has processes.

    A lock that a thread holds while a process is forked is held in that process for ever.
    """

    requires = (Pool,)

    def start(self, worker: Worker) -> None:
        """Start them."""
        for service in worker.services:
            service.start()


def run_worker(app: Flask, runtime: Runtime, folder: Path, options: WorkerOptions) -> int:
    """Run a worker until it is stopped; return its exit status.

    Args:
        app: the service.
        runtime: of the service; its transport goes through a broker.
        folder: of the service, by which ``pym worker --check`` finds this one.
        options: how it runs.

    Raises:
        AsyncConfigError: there is no broker, or the time limit of a task is not shorter than the visibility timeout.
    """
    if not isinstance(runtime.transport, CeleryTransport):
        raise AsyncConfigError(
            "there is no broker to take tasks from; set celery_broker_url, or in development let `pym run` start a"
            " private one: set with_async, and pip install pymacaron-async[embedded]"
        )
    configure_worker_logging()
    processes = options.concurrency or worker_processes()
    name = f"{runtime.settings.service}-{os.getpid()}@{socket.gethostname()}"
    executor = Executor(app, runtime, name)
    register_tasks(runtime.transport.app, executor)
    worker = _make_worker(runtime, name, processes, options)
    within = options.stop_within if options.stop_within is not None else runtime.settings.stop_within
    stop = Stop(worker, executor, within)
    stop.install()
    observer = Observer(worker, runtime.transport.app, _queues(runtime, options))
    heartbeat = Heartbeat(runtime_folder(runtime.settings.service, folder), lambda: _vitals(worker, observer))
    worker.services = [Mover(runtime), observer, heartbeat, *([Beat(runtime)] if options.beat else [])]
    _say_hello(name, processes, options, runtime)
    try:
        worker.start()
    finally:
        for service in worker.services:
            service.stop()
    return _end(worker, stop)


def _make_worker(runtime: Runtime, name: str, processes: int, options: WorkerOptions) -> Worker:
    assert isinstance(runtime.transport, CeleryTransport)
    if options.pool != "prefork":
        log.warning("the pool %r knows no time limits: a task that hangs, hangs for good", options.pool)
    memory = options.memory if options.memory is not None else memory_of_each(processes)
    runtime.transport.app.steps["worker"].add(Beside)
    worker = Worker(
        app=runtime.transport.app,
        hostname=name,
        concurrency=1 if options.pool == "solo" else processes,
        pool=options.pool,
        queues=_queues(runtime, options),
        max_memory_per_child=memory // 1024 if memory is not None and options.pool == "prefork" else None,
        consumer_cls=Consumer,
        without_gossip=True,
        without_mingle=True,
        loglevel="WARNING",
    )
    _name_consumer_timeout(runtime)
    return worker


def _name_consumer_timeout(runtime: Runtime) -> None:
    """Tell the broker how long the worker may hold a message, of each queue that it takes them from."""
    settings = runtime.settings
    assert isinstance(runtime.transport, CeleryTransport)
    assert settings.broker is not None
    timeout = consumer_timeout(_longest_time_limit(), settings.visibility_timeout)
    for queue in runtime.transport.app.amqp.queues.consume_from.values():
        queue.consumer_arguments = settings.broker.consumer_arguments(timeout)


def _longest_time_limit() -> float:
    return max((task.time_limit for task in REGISTRY.values()), default=0)


def _queues(runtime: Runtime, options: WorkerOptions) -> list[str]:
    return list(options.queues) or queues_in_use(runtime.settings.queue)


def _vitals(worker: Worker, observer: Observer) -> Vitals:
    now = time.monotonic()
    runs_in_loop = worker.pool_name == "solo" and bool(worker.underway())
    return Vitals(
        pid=os.getpid(),
        written=now,
        turned=now if runs_in_loop else worker.turned,
        connected=observer.connected,
        connected_since=observer.connected_since,
        starving_since=observer.starving_since,
        stopping=worker.is_stopping,
    )


def _say_hello(name: str, processes: int, options: WorkerOptions, runtime: Runtime) -> None:
    if not REGISTRY:
        log.warning("this service has no tasks; decorate a function with @asynctask")
    log.info(
        "%s runs up to %d tasks at once (%s) of the queues %s",
        name,
        processes,
        options.pool,
        ", ".join(_queues(runtime, options)),
    )


def _end(worker: Worker, stop: Stop) -> int:
    """Return the exit status; where threads run tasks that were handed back, end this process at once."""
    stop.ended.set()
    status = int(worker.exitcode or 0)
    if worker.pool_name == "threads":
        logging.shutdown()
        sys.stdout.flush()
        os._exit(status)
    return status
