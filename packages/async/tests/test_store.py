"""Both stores, the one in Redis and the one in memory, do the same."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from pymacaron_async.caller import Caller
from pymacaron_async.exceptions import TaskNotQueued
from pymacaron_async.memory_store import MemoryStore
from pymacaron_async.message import Message
from pymacaron_async.redis_store import RedisStore
from pymacaron_async.store import DeadLetter, Progress, Revival, State, Store, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 3
ASKED = Message("1", "shop.pack", "[[],{}]", "shop", Caller("call", user_id="ann"), enqueued=1.5, shown="'tea'")
UNIQUE = msgspec.structs.replace(ASKED, unique="pack:tea", unique_for=60)
RIVAL = msgspec.structs.replace(UNIQUE, id="2")
RUN = (Verdict.RUN, 1)
DROP = (Verdict.DROP, 0)


@pytest.fixture(params=["redis", "memory"])
def make(request: pytest.FixtureRequest) -> Callable[[float], Store]:
    """Return what makes an empty store that remembers tasks for some seconds."""
    if request.param == "memory":
        return lambda keep: MemoryStore(keep, MOST)
    url = request.getfixturevalue("redis_url")
    return lambda keep: RedisStore(lambda: redis.Redis.from_url(url), "shop", keep, MOST)


FORKS = """
    import os, sys, threading
    import redis
    from pymacaron_async.redis_store import RedisStore

    store = RedisStore(lambda: redis.Redis.from_url(sys.argv[1]), "shop", 60, 3)
    store.now()
    held, done = threading.Event(), threading.Event()


    def hold():
        with store.client.connection_pool._lock:
            held.set()
            done.wait()


    threading.Thread(target=hold).start()
    held.wait()
    child = os.fork()
    if not child:
        os._exit(0 if store.now() > 0 else 1)
    status = os.waitpid(child, 0)[1]
    done.set()
    sys.exit(status)
"""


def test_a_fork_while_a_thread_asks_redis(redis_url: str) -> None:
    """A process that was forked while another thread held a lock of the client uses one of its own."""
    program = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(FORKS), redis_url]
    subprocess.run(program, check=True, timeout=30)


@pytest.fixture
def store(make: Callable[[float], Store]) -> Store:
    """Return an empty store."""
    return make(60)


def begin(store: Store, message: Message = ASKED, lease: str = "a", seconds: float = 60) -> tuple[Verdict, int]:
    """Ask to run a message."""
    return store.begin(message, lease, seconds, "worker")


def end(store: Store, message: Message = ASKED, state: State = State.SUCCEEDED, lease: str = "a", **what: Any) -> bool:
    """Note the end of a run."""
    return store.finish(message, lease, state, **what)


def state(store: Store, id: str = "1") -> State | None:
    """Return the state of a task."""
    found = store.get(id)
    return found.state if found is not None else None


def test_a_life(store: Store) -> None:
    """A task is queued, runs, tells of its progress, succeeds, and is remembered with its result."""
    assert (store.get("1"), store.enqueue(ASKED), state(store)) == (None, None, State.QUEUED)
    assert begin(store) == RUN
    assert store.report("1", Progress(3, 10, "packing"))
    (running,) = store.running()
    assert (running.worker, running.lease, running.progress) == ("worker", "a", Progress(3, 10, "packing"))
    assert end(store, result="42", seconds=1.5)
    found = store.get("1")
    assert found is not None
    assert (found.state, found.result, found.owner, found.call_id) == (State.SUCCEEDED, "42", "ann", "call")
    assert (found.name, found.queue, found.shown, found.enqueued) == ("shop.pack", "shop", "'tea'", 1.5)
    assert (found.attempt, found.deliveries, found.lease) == (1, 1, "")
    assert found.started <= found.ended <= store.now()
    assert list(store.running()) == []
    counts = store.counts()["shop.pack"]
    assert (counts.succeeded, counts.failed, counts.seconds) == (1, 0, 1.5)


def test_what_ended_does_not_run_again(store: Store) -> None:
    """A message that comes again after its task ended is dropped; a task of its id cannot be queued any more."""
    assert begin(store) == RUN
    assert end(store)
    assert begin(store, lease="b") == DROP
    assert store.enqueue(ASKED) == "1"


def test_one_run_at_a_time(store: Store) -> None:
    """A message that comes again while its task runs waits until the lease ends, and runs then."""
    assert begin(store, seconds=0.2) == RUN
    verdict, left = begin(store, lease="b")
    assert verdict == Verdict.WAIT
    assert 0 < left <= 201
    time.sleep(0.25)
    assert begin(store, lease="b") == (Verdict.RUN, 2)
    assert not store.renew(ASKED, "a", 60)
    assert not end(store)
    assert end(store, lease="b")


def test_leases_are_renewed(store: Store) -> None:
    """A lease that is renewed lasts, unless the task was cancelled or has ended."""
    assert begin(store, seconds=0.1) == RUN
    assert store.renew(ASKED, "a", 60)
    time.sleep(0.15)
    assert begin(store, lease="b")[0] == Verdict.WAIT
    assert store.cancel("1")
    assert not store.renew(ASKED, "a", 60)
    assert end(store, state=State.CANCELLED)
    assert not store.renew(ASKED, "a", 60)


@pytest.mark.parametrize(("counts", "deliveries"), [(True, 2), (False, 1)])
def test_a_released_task_runs_at_once(store: Store, counts: bool, deliveries: int) -> None:
    """A lease that was given up holds nobody back, and a run that does not count is not counted."""
    assert begin(store) == RUN
    store.release("1", counts)
    store.release("1", counts)
    assert store.renew(ASKED, "a", 60)
    assert begin(store, lease="b") == (Verdict.RUN, deliveries)
    store.release("unknown", counts)


def test_killers_are_exhausted(store: Store) -> None:
    """A task that workers died of too often is given to no other one."""
    for count in range(1, MOST + 1):
        assert begin(store, lease=str(count)) == (Verdict.RUN, count)
        store.release("1")
    assert begin(store, lease="last") == (Verdict.EXHAUSTED, MOST + 1)
    assert end(store, state=State.FAILED, lease="last", error={"type": "WorkersLost"})
    found = store.get("1")
    assert found is not None
    assert (found.state, found.error) == (State.FAILED, {"type": "WorkersLost"})


def test_attempts(store: Store) -> None:
    """The message of an earlier attempt is dropped, also while the next one waits; deliveries count from one again."""
    assert begin(store) == RUN
    assert end(store, state=State.RETRYING, error={"type": "ValueError"})
    assert (state(store), begin(store, lease="b")) == (State.RETRYING, DROP)
    assert begin(store, ASKED.next_attempt(), "b") == RUN
    assert begin(store, lease="c") == DROP
    found = store.get("1")
    assert found is not None
    assert (found.attempt, found.error) == (2, {"type": "ValueError"})
    assert store.counts()["shop.pack"].retried == 1


def test_cancel(store: Store) -> None:
    """What waits never runs; what runs learns of it; what ended cannot be cancelled; what is not known yet can."""
    assert store.enqueue(ASKED) is None
    assert store.cancel("1")
    assert begin(store) == (Verdict.CANCELLED, 0)
    assert begin(store, RIVAL) == RUN
    assert store.cancel("2")
    assert (state(store, "2"), store.report("2", Progress(1, 2))) == (State.RUNNING, False)
    assert end(store, RIVAL, State.CANCELLED)
    assert not store.cancel("2")
    assert store.cancel("3")
    assert begin(store, msgspec.structs.replace(ASKED, id="3")) == (Verdict.CANCELLED, 0)


def test_unique_keys(store: Store) -> None:
    """One task holds a key while it is queued, runs or is retried, and gives it back when it ends."""
    assert store.enqueue(UNIQUE) is None
    assert store.enqueue(RIVAL) == "1"
    assert store.enqueue(UNIQUE) is None
    assert begin(store, UNIQUE) == RUN
    assert begin(store, RIVAL, "b") == DROP
    assert end(store, UNIQUE, State.RETRYING)
    assert store.enqueue(RIVAL) == "1"
    assert begin(store, UNIQUE.next_attempt()) == RUN
    assert end(store, UNIQUE.next_attempt())
    assert store.enqueue(RIVAL) is None
    store.withdraw(RIVAL)
    assert store.get("2") is None
    assert store.enqueue(msgspec.structs.replace(RIVAL, id="3")) is None


def test_unique_keys_lapse(store: Store) -> None:
    """A key that nobody renews is free after its time; one that is renewed is not."""
    short = msgspec.structs.replace(UNIQUE, unique_for=0.3)
    assert begin(store, short) == RUN
    time.sleep(0.2)
    assert store.renew(short, "a", 60)
    time.sleep(0.2)
    assert store.enqueue(RIVAL) == "1"
    time.sleep(0.2)
    assert store.enqueue(RIVAL) is None


def test_idempotency_keys(store: Store) -> None:
    """A task whose key succeeded before is not run; one whose key failed is."""
    first = msgspec.structs.replace(ASKED, idempotency_key="order-7")
    second = msgspec.structs.replace(first, id="2")
    assert begin(store, first) == RUN
    assert end(store, first, State.FAILED)
    assert begin(store, second) == RUN
    assert end(store, second)
    assert begin(store, msgspec.structs.replace(first, id="3")) == DROP


def test_later(store: Store) -> None:
    """A message waits for its time, then is given out once in each hold, until it is settled."""
    soon, late = ASKED, msgspec.structs.replace(ASKED, id="2")
    store.put_later(late, 60)
    store.put_later(soon, 0.1)
    assert [message.id for _, message in store.later()] == ["1", "2"]
    assert (list(store.take_due(10, 60)), store.count_later()) == ([], 2)
    time.sleep(0.15)
    assert list(store.take_due(10, 0.1)) == [soon]
    assert list(store.take_due(10, 0.1)) == []
    time.sleep(0.15)
    assert list(store.take_due(10, 60)) == [soon]
    store.put_later(soon.next_attempt(), 60)
    store.settle(soon)
    assert store.count_later() == 2
    store.settle(soon.next_attempt())
    assert [message.id for _, message in store.later()] == ["2"]


def test_what_is_due_is_given_to_one(store: Store) -> None:
    """However many ask at the same time, each message is given to one of them."""
    for number in range(50):
        store.put_later(msgspec.structs.replace(ASKED, id=str(number)), 0)
    taken: list[str] = []
    askers = [threading.Thread(target=lambda: taken.extend(m.id for m in store.take_due(20, 60))) for _ in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert sorted(taken, key=int) == [str(number) for number in range(50)]


def test_the_dead(store: Store) -> None:
    """They are kept, the last first, until they are taken away; one that died again since is not."""
    first, second = DeadLetter(ASKED, {"type": "E"}, 1.25), DeadLetter(RIVAL, {"type": "E"}, 2.5, deliveries=3)
    store.bury(first)
    store.bury(second)
    assert list(store.dead()) == [second, first]
    assert list(store.dead(1)) == [second]
    assert (store.count_dead(), store.find_dead("1"), store.find_dead("9")) == (2, first, None)
    again = msgspec.structs.replace(first, died=3.0)
    store.bury(again)
    assert not store.exhume(first)
    assert store.exhume(again)
    assert not store.exhume(again)
    assert list(store.dead()) == [second]


def test_revival(store: Store) -> None:
    """A task that failed is forgotten so that it can run anew, unless it runs, or another one holds its key."""
    assert begin(store, UNIQUE) == RUN
    assert store.revive(UNIQUE) == Revival.STALE
    assert end(store, UNIQUE, State.FAILED)
    assert store.enqueue(RIVAL) is None
    assert store.revive(UNIQUE) == Revival.HELD
    assert begin(store, RIVAL) == RUN
    assert end(store, RIVAL)
    assert store.revive(UNIQUE) == Revival.READY
    assert (state(store), begin(store, UNIQUE, "b")) == (State.QUEUED, RUN)


def test_ticks(store: Store) -> None:
    """A tick is given to one holder until its claim lapses, and to nobody once it was sent."""
    assert store.last_tick("nightly") is None
    assert store.claim_tick("nightly", 100.0, "ann", 0.1)
    assert store.claim_tick("nightly", 100.0, "ann", 0.1)
    assert not store.claim_tick("nightly", 100.0, "bob", 60)
    time.sleep(0.15)
    assert store.claim_tick("nightly", 100.0, "bob", 60)
    store.confirm_tick("nightly", 100.0, "bob")
    assert (store.last_tick("nightly"), store.claim_tick("nightly", 100.0, "ann", 60)) == (100.0, False)
    store.confirm_tick("nightly", 50.0, "ann")
    store.start_schedule("nightly", 300.0)
    assert store.last_tick("nightly") == 100.0
    assert store.claim_tick("nightly", 200.0, "ann", 60)
    store.start_schedule("hourly", 300.0)
    assert store.last_tick("hourly") == 300.0


def test_tasks_are_forgotten(make: Callable[[float], Store]) -> None:
    """A task is remembered for some seconds after its last change."""
    store = make(1.1)
    assert store.enqueue(ASKED) is None
    time.sleep(0.6)
    assert begin(store) == RUN
    time.sleep(0.6)
    assert state(store) == State.RUNNING
    time.sleep(1.1)
    assert store.get("1") is None


def test_a_store_that_is_away_says_so() -> None:
    """Whatever is asked of a Redis that is not there, the answer is a typed error that says when to come back."""
    store = RedisStore(lambda: redis.Redis(port=1, retry=Retry(NoBackoff(), 0)), "shop", 60, MOST)
    for ask in (lambda: store.get("1"), lambda: begin(store), lambda: store.take_due(1, 1), store.now):
        with pytest.raises(TaskNotQueued, match="the store of tasks does not answer") as caught:
            ask()
        assert caught.value.headers == {"Retry-After": "5"}
