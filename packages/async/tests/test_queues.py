"""Queues, seen without taking anything from them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from pymacaron.config import Config, set_config
from pymacaron_async import AsyncConfigError, NoSuchTask, Queued, TaskNotQueued, asynctask
from pymacaron_async.celery_app import CeleryTransport
from pymacaron_async.lookup import look_up
from pymacaron_async.queues import Depth, open_queues
from pymacaron_async.runtime import Runtime, get_runtime, make_runtime
from pymacaron_async.store import State
from redis_server import RedisServer, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def runtime(redis_url: str) -> Runtime:
    """Return a runtime with a real store and broker."""
    set_config(Config({"name": "shop", "celery_broker_url": redis_url, "async_publish_within": 0.5}))
    return get_runtime()


def send(**options: Any) -> Queued:
    """Queue a task."""

    @asynctask(name="ship")
    def ship(name: str) -> None: ...

    return ship.apply_async(("tea",), **options)


def depth(runtime: Runtime, queue: str) -> Depth:
    """Return what waits in a queue."""
    with open_queues(runtime) as queues:
        return queues.depth(queue)


@pytest.fixture
def taken(runtime: Runtime) -> Iterator[Any]:
    """Return a function that takes messages as a worker does: they are held until the test ends."""
    assert isinstance(runtime.transport, CeleryTransport)
    with runtime.transport.app.connection_for_read() as connection:
        channel = connection.channel()
        yield lambda: channel.basic_get("shop")


def test_depth(runtime: Runtime) -> None:
    """A queue has so many messages, and the next of them was called first."""
    before = time.time()
    send()
    between = time.time()
    for _ in range(3):
        send()
    send(queue="mail")
    found = depth(runtime, "shop")
    assert found.waiting == 4
    assert found.oldest is not None
    assert before <= found.oldest <= between
    assert depth(runtime, "mail").waiting == 1


def test_a_queue_that_was_never_used(runtime: Runtime) -> None:
    """Nothing waits in a queue that does not exist, and asking does not make it."""
    with open_queues(runtime) as queues:
        assert queues.depth("nowhere") == Depth("nowhere", 0)
        assert queues.depth("nowhere") == Depth("nowhere", 0)


def test_messages_of_others(runtime: Runtime, redis_server: RedisServer) -> None:
    """Messages that others sent to the queue count, and are not looked into."""
    assert isinstance(runtime.transport, CeleryTransport)
    runtime.transport.app.send_task("other", queue="shop")
    assert depth(runtime, "shop") == Depth("shop", 1, None)


def test_what_workers_hold(runtime: Runtime, taken: Any) -> None:
    """A message that a worker took is known with the time that it waits for, and no longer waits in the queue."""
    plain, delayed = send(), send(delay=30)
    for _ in range(2):
        taken()
    with open_queues(runtime) as queues:
        held = {each.message.id: each.due for each in queues.held()}
        assert queues.depth("shop").waiting == 0
    assert held.keys() == {plain.id, delayed.id}
    assert held[plain.id] is None
    assert held[delayed.id] == pytest.approx(time.time() + 30, abs=5)


def test_many_messages(runtime: Runtime) -> None:
    """A long queue is read in parts, in its order, up to a limit."""
    ids = [send().id for _ in range(1200)]
    with open_queues(runtime) as queues:
        assert [message.id for message in queues.next("shop", 5000)] == ids
        assert [message.id for message in queues.next("shop", 700)] == ids[:700]
        assert next(queues.next("shop", 1)).id == ids[0]


def test_look_up(runtime: Runtime, taken: Any) -> None:
    """A task is found where it waits: in a queue, in a worker or in the store."""
    held = send(delay=30)
    taken()
    waiting, stored = send(), send(delay=3000)
    found = look_up(runtime, waiting.id, ["shop"])
    assert (found.record.name, found.record.state, found.record.shown, found.due) == ("ship", "queued", "'tea'", None)
    for queued, delay in ((held, 30), (stored, 3000)):
        found = look_up(runtime, queued.id, ["shop"])
        assert found.record.state == State.QUEUED
        assert found.due == pytest.approx(time.time() + delay, abs=5)
    with pytest.raises(NoSuchTask, match="there is no task 'nobody'"):
        look_up(runtime, "nobody", ["shop"])


def test_the_broker_is_away(runtime: Runtime) -> None:
    """A broker that does not answer is named, in time."""
    port = free_port()
    set_config(Config({"name": "shop", "celery_broker_url": f"redis://127.0.0.1:{port}/0"}))
    with pytest.raises(TaskNotQueued, match=f"the broker of tasks does not answer: .*{port}"):
        depth(make_runtime(), "shop")


def test_no_broker(runtime: Runtime) -> None:
    """A service without a broker has no queues to look at."""

    class Other:
        send = close = None

    with pytest.raises(AsyncConfigError, match="has no broker"):
        depth(Runtime(runtime.settings, runtime.store, Other()), "shop")  # type: ignore[arg-type]  # it is never used
