"""Messages are taken from Redis without ever being out of its hands."""

# mypy: disallow-untyped-calls=False
# (kombu has few types)

from __future__ import annotations

import json
import signal
import ssl
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from kombu.connection import Connection
from kombu.entity import Exchange, Queue
from kombu.messaging import Consumer

from pymacaron.config import Config
from pymacaron_async.celery_app import make_celery
from pymacaron_async.redis_transport import as_ours
from pymacaron_async.settings import read_settings
from workers import WorkerProcess, open_runtime, ran, running, write_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from redis_server import RedisServer

SHOP = Queue("shop", Exchange("shop"), routing_key="shop")
MAIL = Queue("mail", Exchange("mail"), routing_key="mail")


@pytest.fixture
def connection(redis_url: str) -> Iterator[Connection]:
    """Return a connection to an empty Redis."""
    with Connection(as_ours(redis_url), transport_options={"visibility_timeout": 1}) as made:
        yield made


def send(connection: Connection, *bodies: str, queue: Queue = SHOP, priority: int | None = None) -> None:
    """Send messages."""
    with connection.Producer() as producer:
        for body in bodies:
            producer.publish(
                body, exchange=queue.exchange, routing_key=queue.routing_key, declare=[queue], priority=priority
            )


def take(connection: Connection, count: int, no_ack: bool = False, prefetch: int = 0) -> list[Any]:
    """Take messages of both queues until there are as many."""
    found: list[Any] = []
    consumer = Consumer(connection, [SHOP, MAIL], callbacks=[lambda _, message: found.append(message)], no_ack=no_ack)
    consumer.qos(prefetch_count=prefetch)
    with consumer:
        while len(found) < count:
            connection.drain_events(timeout=5)
    return found


def test_messages_come_in_order_and_are_acknowledged(connection: Connection, redis_server: RedisServer) -> None:
    """What is taken is noted as a worker's until it is acknowledged, whatever it holds."""
    bodies = ["one", 'two " \\ / ü ☃', "three"]
    send(connection, *bodies)
    found = take(connection, 3)
    assert [message.decode() for message in found] == bodies
    assert redis_server.client.hlen("unacked") == redis_server.client.zcard("unacked_index") == 3
    for message in found:
        message.ack()
    assert redis_server.client.hlen("unacked") == redis_server.client.zcard("unacked_index") == 0


def unacknowledged(redis_server: RedisServer) -> tuple[int, int]:
    """Return how many messages Redis knows some worker to have, by either of its notes."""
    return redis_server.client.hlen("unacked"), redis_server.client.zcard("unacked_index")


def test_an_acknowledgement_goes_along_with_the_next_look(connection: Connection, redis_server: RedisServer) -> None:
    """A worker that is about to look for a message does not ask Redis for an acknowledgement before that."""
    send(connection, "one", "two")
    with Consumer(connection, [SHOP], callbacks=[lambda _, message: message.ack()], prefetch_count=1):
        connection.drain_events(timeout=5)
        assert unacknowledged(redis_server) == (1, 1)
        connection.drain_events(timeout=5)
        assert unacknowledged(redis_server) == (1, 1)
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.2)
        assert unacknowledged(redis_server) == (0, 0)


def test_an_acknowledgement_does_not_wait_for_a_message(connection: Connection, redis_server: RedisServer) -> None:
    """What ends while the worker waits for a message is acknowledged at once."""
    found: list[Any] = []
    send(connection, "one")
    with Consumer(connection, [SHOP], callbacks=[lambda _, message: found.append(message)], prefetch_count=2):
        connection.drain_events(timeout=5)
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.2)
        found[0].ack()
        assert unacknowledged(redis_server) == (0, 0)


def test_acknowledgements_survive_a_redis_that_forgot_the_scripts(
    connection: Connection, redis_server: RedisServer
) -> None:
    """A look that Redis does not know takes nothing along; the one after it does."""
    send(connection, "one")
    with Consumer(connection, [SHOP], callbacks=[lambda _, message: message.ack()]):
        connection.drain_events(timeout=5)
        redis_server.client.script_flush()
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.2)
        assert unacknowledged(redis_server) == (0, 0)


@pytest.mark.parametrize("ends", [Consumer.cancel, lambda consumer: consumer.channel.close()], ids=["cancel", "close"])
def test_a_worker_that_looks_no_more_acknowledges(connection: Connection, redis_server: RedisServer, ends: Any) -> None:
    """A message whose end was seen is not given back by a worker that stops right then."""
    send(connection, "one")
    consumer = Consumer(connection.channel(), [SHOP], callbacks=[lambda _, message: message.ack()])
    consumer.consume()
    connection.drain_events(timeout=5)
    assert unacknowledged(redis_server) == (1, 1)
    ends(consumer)
    assert unacknowledged(redis_server) == (0, 0)
    assert redis_server.client.llen("shop") == 0


def test_what_a_worker_held_comes_back(connection: Connection, redis_url: str) -> None:
    """The messages of a worker that closes its connection are back at once; of one that dies, when they time out."""
    send(connection, "one", "two")
    with Connection(as_ours(redis_url)) as closing:
        assert len(take(closing, 2)) == 2
    with Connection(as_ours(redis_url)) as dying:
        assert len(take(dying, 2)) == 2
        dying.default_channel.qos._delivered.clear()  # which it would give back when it is closed
    time.sleep(1.1)
    connection.default_channel.qos.restore_visible(num=10)
    again = take(connection, 2)
    assert sorted(message.decode() for message in again) == ["one", "two"]
    assert all(message.properties["delivery_info"]["redelivered"] for message in again)
    for message in again:
        message.ack()


def test_a_full_worker_leaves_the_rest(connection: Connection, redis_server: RedisServer) -> None:
    """No more is taken than may be held."""
    send(connection, "one", "two", "three")
    assert len(take(connection, 2, prefetch=2)) == 2
    assert redis_server.client.llen("shop") == 1


def test_what_needs_no_acknowledgement_is_not_noted(connection: Connection, redis_server: RedisServer) -> None:
    """A message that nobody will acknowledge must not come back."""
    send(connection, "one")
    assert len(take(connection, 1, no_ack=True)) == 1
    assert redis_server.client.exists("unacked", "unacked_index") == 0


def test_queues_and_priorities(connection: Connection) -> None:
    """Each queue is heard, and what is urgent comes first."""
    send(connection, "later", priority=9)
    send(connection, "now", priority=0)
    send(connection, "letter", queue=MAIL)
    found = [message.decode() for message in take(connection, 3)]
    assert sorted(found) == ["later", "letter", "now"]
    assert found.index("now") < found.index("later")


def test_a_redis_that_forgot_the_scripts(connection: Connection, redis_server: RedisServer) -> None:
    """Sending and taking go on after a restart of Redis."""
    send(connection, "one")
    take(connection, 1)[0].ack()
    redis_server.client.script_flush()
    send(connection, "two")
    redis_server.client.script_flush()
    assert take(connection, 1)[0].decode() == "two"


def test_a_message_wakes_who_waits(connection: Connection, redis_url: str) -> None:
    """A worker that waits hears of a message by the bell, and of the next one, too."""
    found: list[str] = []
    with Connection(as_ours(redis_url)) as other:
        other.transport.brpop_timeout = 60  # it would not look by itself
        with Consumer(other, [SHOP], callbacks=[lambda body, _: found.append(body)]):
            with pytest.raises(TimeoutError):
                other.drain_events(timeout=0.2)
            send(connection, "one", "two")
            other.drain_events(timeout=5)
            other.drain_events(timeout=5)
    assert found == ["one", "two"]


def test_a_channel_that_is_closed_keeps_nothing(connection: Connection, redis_server: RedisServer) -> None:
    """A message that is on its way to a consumer that was cancelled goes back to its queue."""
    send(connection, "one")
    channel: Any = connection.channel()
    consumer = Consumer(channel, [SHOP], callbacks=[lambda *_: None])
    consumer.consume()
    connection.transport.cycle.on_poll_start()
    consumer.cancel()
    connection.drain_events(timeout=5)
    channel.close()
    assert redis_server.client.llen("shop") == 1
    assert redis_server.client.hlen("unacked") == 0
    assert json.loads(redis_server.client.lindex("shop", 0) or b"")["body"]


def test_transport_layer_security() -> None:
    """A server's certificate is checked where the URL says nothing of it."""
    broker = {"celery_broker_url": "rediss://db/0"}
    app = make_celery(read_settings(Config({"name": "shop", **broker})))
    assert app.connection().ssl == {"ssl_cert_reqs": ssl.CERT_REQUIRED}


@pytest.mark.once
def test_a_worker_that_hangs_takes_no_message_along(tmp_path: Path, redis_url: str) -> None:
    """What is sent while a worker hangs, and then dies, is run by another one."""
    shop = write_service(tmp_path, redis_url)
    open_runtime(shop)
    tasks: Any = import_module("handlers")
    hanging = WorkerProcess(shop, "worker", "--concurrency", "1", "--no-beat")
    try:
        tasks.ship.delay("first")
        hanging.wait_for(lambda: ran(shop, "first"), "it works")
        hanging.signal(signal.SIGSTOP)
        tasks.ship.delay("second")
    finally:
        hanging.signal(signal.SIGKILL)
        hanging.end()
    with running(shop) as worker:
        worker.wait_for(lambda: ran(shop, "second"), "it is run")
