"""What the worker's main process does with a message whose run took too long, as far as it knows."""

# mypy: disallow-untyped-calls=False
# (Celery has few types)

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from billiard.einfo import ExceptionInfo
from billiard.exceptions import TimeLimitExceeded

from pymacaron.config import get_config
from pymacaron_async import asynctask
from pymacaron_async.celery_app import CeleryTransport, make_celery
from pymacaron_async.celery_tasks import register_tasks
from pymacaron_async.connections import open_store
from pymacaron_async.execution import Executor
from pymacaron_async.runtime import Runtime, set_runtime
from pymacaron_async.settings import read_settings
from pymacaron_async.store import State
from services import make_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pymacaron_async.message import Message
    from redis_server import RedisServer

HERE, ELSEWHERE = "shop@here", "shop@elsewhere"


@dataclass(frozen=True)
class Held:
    """A message that a worker holds, and Celery's request that was made of it."""

    message: Message
    request: Any
    runtime: Runtime
    server: RedisServer

    def is_late(self) -> None:
        """Let the time limit of the request strike."""
        try:
            raise TimeLimitExceeded(3)
        except TimeLimitExceeded:
            self.request.on_failure(ExceptionInfo())

    @property
    def places(self) -> tuple[int, int]:
        """How many messages wait in the queue, and how many some worker holds."""
        return self.server.client.llen("shop"), self.server.client.hlen("unacked")


@pytest.fixture
def held(redis_url: str, redis_server: RedisServer) -> Iterator[Held]:
    """Send a task, and take its message."""

    @asynctask(name="ship", max_retries=1)
    def ship() -> None:
        raise NotImplementedError

    service = make_service(redis_url, async_time_limit=3)
    settings = read_settings(get_config())
    store = open_store(settings)
    app = make_celery(settings)
    runtime = Runtime(settings, store, CeleryTransport(app, settings, store))
    set_runtime(runtime)
    register_tasks(app, Executor(service.app, runtime, HERE))
    message = ship.message((), {})
    runtime.transport.send(message)
    taken: list[Any] = []
    with store.client, app.connection_for_read() as connection:
        consumer = app.amqp.TaskConsumer(connection, callbacks=[lambda _, each: taken.append(each)])
        with consumer:
            connection.drain_events(timeout=5)
        task = app.tasks["ship"]
        reactions = {"on_ack": taken[0].ack_log_error, "on_reject": taken[0].reject_log_error}
        request = task.Request(taken[0], app=app, task=task, hostname=HERE, **reactions)
        yield Held(message, request, runtime, redis_server)


def test_a_run_that_never_began_is_put_back(held: Held) -> None:
    """Where its process could not ask the store, the message is not acknowledged."""
    held.is_late()
    assert held.places == (1, 0)
    assert held.runtime.store.get(held.message.id) is None


def test_a_run_of_another_worker_goes_on(held: Held) -> None:
    """A message that came again does not end the run that is under way elsewhere."""
    held.runtime.store.begin(held.message, "lease", 60, ELSEWHERE)
    held.is_late()
    assert held.places == (1, 0)
    record = held.runtime.store.get(held.message.id)
    assert record is not None
    assert record.state == State.RUNNING


def test_a_run_that_took_too_long_is_retried(held: Held) -> None:
    """One that began here counts as failed, and its next attempt is sent."""
    held.runtime.store.begin(held.message, "lease", 60, HERE)
    held.is_late()
    record = held.runtime.store.get(held.message.id)
    assert record is not None
    assert record.state == State.RETRYING
    assert (record.error or {})["type"] == "TaskTimedOut"
    assert held.places == (1, 0)


def succeeded(held: Held) -> None:
    """End the run."""
    held.runtime.store.begin(held.message, "lease", 60, HERE)
    held.runtime.store.finish(held.message, "lease", State.SUCCEEDED)


def retrying(held: Held) -> None:
    """Let the run fail, with another one to come."""
    held.runtime.store.begin(held.message, "lease", 60, HERE)
    held.runtime.store.finish(held.message, "lease", State.RETRYING)


def later(held: Held) -> None:
    """Let the next attempt begin, elsewhere."""
    held.runtime.store.begin(held.message.next_attempt(), "lease", 60, ELSEWHERE)


@pytest.mark.parametrize("over", [succeeded, retrying, later])
def test_a_run_that_is_over_is_acknowledged(held: Held, over: Callable[[Held], None]) -> None:
    """One whose end is known to the store, but not yet to this process, does not come again."""
    over(held)
    before = held.runtime.store.get(held.message.id)
    held.is_late()
    assert held.places == (0, 0)
    assert held.runtime.store.get(held.message.id) == before
