"""The core of it through RabbitMQ, with quorum queues, and a Redis beside it; run by `nox -s rabbitmq`."""

from __future__ import annotations

import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from kombu.connection import Connection

from pymacaron_async.store import State
from workers import PATIENCE, running

from .fleet import Fleet
from .proxy import Proxy
from .rabbitmq_server import RabbitMQ
from .shop import Shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.once


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    """Run a RabbitMQ for all tests of this process."""
    with RabbitMQ(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@pytest.fixture
def shop(tmp_path: Path, rabbitmq: RabbitMQ, redis_url: str, request: pytest.FixtureRequest) -> Shop:
    """Return a shop with a queue of its own."""
    return Shop(
        tmp_path,
        rabbitmq.url,
        async_store_url=redis_url,
        async_queue=request.node.name,
        async_lease=2,
        async_longest_countdown=1,
    )


@pytest.fixture
def tasks(shop: Shop) -> Any:
    """Return the module of the shop's tasks."""
    return import_module("handlers")


def test_tasks_run_in_quorum_queues(shop: Shop, tasks: Any, rabbitmq: RabbitMQ, request: pytest.FixtureRequest) -> None:
    """A task runs once and is acknowledged; its queue is a quorum queue, which RabbitMQ keeps on disk."""
    with Fleet(shop, 1) as fleet:
        sent = [tasks.ship.delay(number) for number in range(20)]
        fleet.wait_for(lambda: all(shop.has_ended(each.id) for each in sent), "all ended")
    assert [shop.runs(each.id) for each in sent] == [[1]] * 20
    with Connection(rabbitmq.url) as connection:  # type: ignore[no-untyped-call]  # kombu has few types
        channel: Any = connection.channel()
        found = channel.queue_declare(
            request.node.name, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"}
        )
    assert found.message_count == 0


def test_failures_are_retried_and_buried(shop: Shop, tasks: Any) -> None:
    """A task that fails runs again as often as it may, and then is among the dead."""
    with Fleet(shop, 1) as fleet:
        sent = tasks.fail.delay(1)
        fleet.wait_for(shop.runtime.store.dead, "it is buried")
    (letter,) = shop.runtime.store.dead()
    assert (letter.message.id, letter.message.attempt) == (sent.id, 3)
    assert [effect.attempt for effect in shop.effects()] == [1, 2, 3]


def test_tasks_of_killed_workers_come_back(shop: Shop, tasks: Any) -> None:
    """What a worker ran when all of it was killed is run again by another one; what it only held is run once."""
    with Fleet(shop, 1) as fleet:
        sent = [tasks.ship.delay(number, 0, 1.5) for number in range(5)]
        fleet.wait_for(lambda: len(shop.effects()) == 2, "two had their effect")
        fleet.kill(0)
        fleet.wait_for(lambda: all(shop.has_ended(each.id) for each in sent), "all ended")
    assert len(fleet.orphaned) == 2
    assert all(shop.runs(each.id) for each in sent)
    assert {each.id for each in sent if len(shop.runs(each.id)) > 1} == fleet.orphaned


def test_tasks_outlive_a_restart_of_the_broker(tmp_path: Path, redis_url: str) -> None:
    """What was queued when RabbitMQ was killed is there when it is back, and the worker goes on by itself."""
    (tmp_path / "rabbitmq").mkdir()
    (tmp_path / "shop").mkdir()
    with RabbitMQ(tmp_path / "rabbitmq") as server:
        options = {"async_store_url": redis_url, "async_lease": 2, "async_stop_within": 5}
        shop = Shop(tmp_path / "shop", server.url, **options)
        tasks: Any = import_module("handlers")
        with Fleet(shop, 1) as fleet:
            sent = [tasks.ship.delay(0)]
            fleet.wait_for(lambda: server.has_written_down("shop"), "the queue's name is on disk")
            sent += [tasks.ship.delay(number, 0, 0.5) for number in range(1, 8)]
            fleet.wait_for(lambda: len(shop.effects()) > 1, "two ran")
            server.kill()
            server.start()
            fleet.wait_for(lambda: all(shop.has_ended(each.id) for each in sent), "all ended")
    assert [shop.runs(each.id) for each in sent] == [[1]] * 8


def test_tasks_outlive_the_consumer_timeout(tmp_path: Path, redis_url: str) -> None:
    """A task that RabbitMQ takes away while it runs still runs once, and its worker goes on to run others."""
    (tmp_path / "rabbitmq").mkdir()
    (tmp_path / "shop").mkdir()
    with RabbitMQ(tmp_path / "rabbitmq", consumer_timeout=1000, channel_tick_interval=500) as server:
        shop = Shop(tmp_path / "shop", server.url, async_store_url=redis_url, async_lease=2, async_time_limit=1801)
        tasks: Any = import_module("handlers")
        with Fleet(shop, 1) as fleet:
            sent = [tasks.ship.delay(number, 0, seconds) for number, seconds in enumerate((4, 0, 0, 0))]
            fleet.wait_for(lambda: "delivery acknowledgement on channel" in fleet.said, "the channel was closed")
            sent += [tasks.ship.delay(number) for number in range(4, 8)]
            fleet.wait_for(lambda: all(shop.has_ended(each.id) for each in sent), "all ended")
            said = fleet.said
    assert [shop.runs(each.id) for each in sent] == [[1]] * 8
    assert "a task may run for 1801 s, but RabbitMQ" in said


def test_lost_connections_do_not_keep_a_worker_from_stopping(shop: Shop, tasks: Any, rabbitmq: RabbitMQ) -> None:
    """What it held, but had not begun, when its connection was lost is no longer waited for."""
    config = shop.folder / "pym-config.yaml"
    with Proxy(rabbitmq.port) as proxy:
        config.write_text(config.read_text().replace(f":{rabbitmq.port}/", f":{proxy.port}/"))
        with Fleet(shop, 1, "--stop-within", str(PATIENCE / 2)) as fleet:
            sent = [tasks.ship.delay(number, 0, 6) for number in range(2)]
            fleet.wait_for(lambda: len(shop.effects()) == 2, "both run")
            for _ in range(2):
                proxy.mend()  # which ends all connections
                time.sleep(1.5)  # for both to come again, and to wait behind themselves
    assert fleet.said.count("Connection to broker lost") == 2
    assert "handed back" not in fleet.said
    assert [shop.runs(each.id) for each in sent] == [[1], [1]]
    assert all(shop.has_ended(each.id) for each in sent)


def test_consumers_say_how_long_they_may_hold_a_message(
    tmp_path: Path, rabbitmq: RabbitMQ, redis_url: str, request: pytest.FixtureRequest
) -> None:
    """A worker whose tasks may run for an hour asks for more than the half hour that RabbitMQ would allow it."""
    options = {"async_store_url": redis_url, "async_queue": request.node.name, "async_time_limit": 3600}
    with Fleet(Shop(tmp_path, rabbitmq.url, **options), 1) as fleet:
        fleet.wait_for(lambda: request.node.name in rabbitmq.consumers(), "it consumes")
        assert rabbitmq.consumers()[request.node.name] == {"x-consumer-timeout": 8_100_000}


def test_a_queue_of_another_kind_ends_the_start(shop: Shop, rabbitmq: RabbitMQ, request: pytest.FixtureRequest) -> None:
    """A worker does not try for ever to consume from a queue that is not the quorum queue it takes it for."""
    with Connection(rabbitmq.url) as connection:  # type: ignore[no-untyped-call]  # kombu has few types
        channel: Any = connection.channel()
        channel.queue_declare(request.node.name, durable=True, auto_delete=False)
    with running(shop.folder) as worker:
        assert worker.end() == 1
    assert "inequivalent arg 'x-queue-type' for queue" in worker.said


@pytest.mark.parametrize("delay", [0.5, 1.5])
def test_delays(shop: Shop, tasks: Any, delay: float) -> None:
    """A delayed task waits in the store; it runs once, and not too early."""
    sent = tasks.ship.apply_async((1,), delay=delay)
    queued = shop.runtime.store.now()
    assert len(shop.runtime.store.later()) == 1
    with Fleet(shop, 1) as fleet:
        fleet.wait_for(lambda: shop.has_ended(sent.id), "it ended")
    record = shop.runtime.store.get(sent.id)
    assert record is not None
    assert record.state == State.SUCCEEDED
    assert record.started >= queued + delay - 0.1
    assert shop.runs(sent.id) == [1]
