"""Dead tasks that are sent anew: whatever dies in between, they are not lost, and what ran does not run again."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from pymacaron.config import Config, set_config
from pymacaron_async import TaskNotQueued, asynctask
from pymacaron_async.celery_app import CeleryTransport
from pymacaron_async.dead_letters import Outcome, drop, retry
from pymacaron_async.message import Message
from pymacaron_async.runtime import Runtime, get_runtime
from pymacaron_async.store import DeadLetter, Record, State, Verdict

if TYPE_CHECKING:
    from redis_server import RedisServer

pytestmark = pytest.mark.once


@pytest.fixture
def runtime(redis_url: str) -> Runtime:
    """Return a runtime with a real store and broker."""
    set_config(Config({"name": "shop", "celery_broker_url": redis_url, "async_publish_within": 0.2}))
    return get_runtime()


def message_of(**options: Any) -> Message:
    """Return a message of a task."""

    @asynctask(**options)
    def pay(order: int) -> None: ...

    return pay.message((7,), {})


def die(runtime: Runtime, message: Message) -> DeadLetter:
    """Let a task fail for the last time, as a worker does it."""
    verdict, _ = runtime.store.begin(message, "its lease", 10, "worker")
    assert verdict == Verdict.RUN
    letter = DeadLetter(message, {"type": "ValueError", "message": "no", "trace": ""}, time.time())
    runtime.store.bury(letter)
    runtime.store.finish(message, "its lease", State.FAILED, error=letter.error)
    return letter


def queued(server: RedisServer) -> list[Message]:
    """Return the messages in the queue, the next first."""
    texts = reversed(server.client.lrange("shop", 0, -1))
    return [msgspec.convert(json.loads(text)["headers"]["pym"], Message) for text in texts]


def record_of(runtime: Runtime, message: Message) -> Record:
    """Return what the store knows of a task."""
    record = runtime.store.get(message.id)
    assert record is not None
    return record


def test_it_runs_anew(runtime: Runtime, redis_server: RedisServer) -> None:
    """It is sent under its own id as a first attempt, may run, and is no longer among the dead."""
    message = msgspec.structs.replace(message_of(), attempt=4)
    letter = die(runtime, message)
    assert retry(runtime, letter) == Outcome.SENT
    (sent,) = queued(redis_server)
    assert (sent.id, sent.attempt, sent.shown) == (message.id, 1, "7")
    assert sent.enqueued >= message.enqueued
    assert record_of(runtime, message).state == State.QUEUED
    assert (runtime.store.count_dead(), runtime.store.find_dead(message.id)) == (0, None)
    assert runtime.store.begin(sent, "a lease", 10, "worker") == (Verdict.RUN, 1)


def test_its_record_was_forgotten(runtime: Runtime, redis_server: RedisServer) -> None:
    """A task that died long ago, and of which only the letter is left, is sent as well."""
    message = message_of()
    letter = die(runtime, message)
    redis_server.client.delete(f"pym:{{shop}}:task:{message.id};")
    assert retry(runtime, letter) == Outcome.SENT
    assert len(queued(redis_server)) == 1


def test_it_dies_again(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that dies again before its old letter is taken away keeps its new one."""
    letter = die(runtime, message_of())
    later: list[DeadLetter] = []
    monkeypatch.setattr(CeleryTransport, "send", lambda self, message, delay=0: later.append(die(runtime, message)))
    assert retry(runtime, letter) == Outcome.SENT
    assert list(runtime.store.dead()) == later


def killed_in(redis_url: str, id: str, place: str) -> None:
    """Send a dead task anew in a process that is killed in some place."""
    code = f"""
import os, signal
from pymacaron.config import Config, set_config
from pymacaron_async.celery_app import CeleryTransport
from pymacaron_async.dead_letters import retry
from pymacaron_async.redis_store import RedisStore
from pymacaron_async.runtime import get_runtime

set_config(Config({{"name": "shop", "celery_broker_url": "{redis_url}"}}))
{place} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
runtime = get_runtime()
retry(runtime, runtime.store.find_dead("{id}"))
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=30).returncode == -9


def test_killed_before_it_is_sent(runtime: Runtime, redis_url: str, redis_server: RedisServer) -> None:
    """The task stays among the dead, and can be sent again."""
    letter = die(runtime, message_of(unique_for=60))
    killed_in(redis_url, letter.message.id, "CeleryTransport.send")
    assert queued(redis_server) == []
    assert retry(runtime, letter) == Outcome.SENT
    assert len(queued(redis_server)) == 1


def test_killed_after_it_is_sent(runtime: Runtime, redis_url: str, redis_server: RedisServer) -> None:
    """The task is in the queue and among the dead; when it has run it is not sent again, and its letter goes."""
    letter = die(runtime, message_of())
    killed_in(redis_url, letter.message.id, "RedisStore.exhume")
    (sent,) = queued(redis_server)
    assert runtime.store.find_dead(sent.id) == letter
    assert runtime.store.begin(sent, "a lease", 10, "worker") == (Verdict.RUN, 1)
    assert retry(runtime, letter) == Outcome.UNDERWAY
    assert runtime.store.find_dead(sent.id) == letter
    runtime.store.finish(sent, "a lease", State.SUCCEEDED)
    assert retry(runtime, letter) == Outcome.ENDED
    assert runtime.store.count_dead() == 0
    assert len(queued(redis_server)) == 1


def test_sent_twice(runtime: Runtime, redis_url: str, redis_server: RedisServer) -> None:
    """Sent again before the first message was taken, it runs once."""
    letter = die(runtime, message_of())
    killed_in(redis_url, letter.message.id, "RedisStore.exhume")
    assert retry(runtime, letter) == Outcome.SENT
    first, second = queued(redis_server)
    assert runtime.store.begin(first, "a lease", 10, "worker") == (Verdict.RUN, 1)
    assert runtime.store.begin(second, "another", 10, "worker")[0] == Verdict.WAIT
    runtime.store.finish(first, "a lease", State.SUCCEEDED)
    assert runtime.store.begin(second, "another", 10, "worker") == (Verdict.DROP, 0)


def test_the_broker_is_away(runtime: Runtime, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the broker did not take stays among the dead, and holds no unique key."""
    letter = die(runtime, message_of(unique_for=60))

    def refuse(*_: Any) -> None:
        raise TaskNotQueued("the broker is away")

    with monkeypatch.context() as patch:
        patch.setattr(CeleryTransport, "send", refuse)
        with pytest.raises(TaskNotQueued):
            retry(runtime, letter)
    assert runtime.store.find_dead(letter.message.id) == letter
    assert runtime.store.get(letter.message.id) is None
    assert runtime.store.enqueue(message_of(unique_for=60)) is None
    assert queued(redis_server) == []


def test_its_unique_key_is_held(runtime: Runtime, redis_server: RedisServer) -> None:
    """While another task has its unique key it is not sent, as no worker would run it."""
    letter = die(runtime, message_of(unique_for=60))
    other = message_of(unique_for=60)
    assert runtime.store.enqueue(other) is None
    assert retry(runtime, letter) == Outcome.HELD
    assert queued(redis_server) == []
    runtime.store.withdraw(other)
    assert retry(runtime, letter) == Outcome.SENT
    assert runtime.store.enqueue(other) == letter.message.id


ENDS: list[tuple[State, Outcome]] = [
    (State.SUCCEEDED, Outcome.ENDED),
    (State.RETRYING, Outcome.UNDERWAY),
]


@pytest.mark.parametrize(("state", "outcome"), ENDS)
def test_buried_by_a_worker_that_died(
    runtime: Runtime, redis_server: RedisServer, state: State, outcome: Outcome
) -> None:
    """A letter of a worker that died before it wrote the end, so that the task ran again, is not believed."""
    message = message_of()
    letter = DeadLetter(message, {"type": "ValueError"}, time.time())
    runtime.store.begin(message, "a lease", 0.001, "worker that dies")
    runtime.store.bury(letter)
    runtime.store.release(message.id)
    assert runtime.store.begin(message, "another", 10, "worker") == (Verdict.RUN, 2)
    runtime.store.finish(message, "another", state)
    assert retry(runtime, letter) == outcome
    assert runtime.store.count_dead() == (outcome == Outcome.UNDERWAY)
    assert queued(redis_server) == []


def test_drop(runtime: Runtime) -> None:
    """A letter that is dropped is gone; what became of the task is still known."""
    letter = die(runtime, message_of())
    assert drop(runtime, letter) == Outcome.DROPPED
    assert drop(runtime, letter) == Outcome.UNKNOWN
    assert runtime.store.count_dead() == 0
    assert record_of(runtime, letter.message).state == State.FAILED


def test_a_task_that_was_started_is_not_queued_anew(runtime: Runtime) -> None:
    """Noting a task as queued whose id has run does not make it run again, nor take its unique key."""
    message = message_of(unique_for=60)
    assert [runtime.store.enqueue(message) for _ in range(2)] == [None, None]
    runtime.store.begin(message, "a lease", 10, "worker")
    assert runtime.store.enqueue(message) == message.id
    runtime.store.finish(message, "a lease", State.SUCCEEDED)
    assert runtime.store.enqueue(message) == message.id
    assert runtime.store.enqueue(message_of(unique_for=60)) is None
