"""The beat: each tick is sent once, by whichever beat is alive, and by the clock that all have in common."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pymacaron.auth import Principal, set_principal
from pymacaron.config import Config, set_config
from pymacaron_async import TaskNotQueued, asynctask, schedule
from pymacaron_async.beat import Beat, start
from pymacaron_async.connections import open_store
from pymacaron_async.memory_store import MemoryStore
from pymacaron_async.runtime import Runtime, set_runtime
from pymacaron_async.schedules import SCHEDULES, Every, Schedule
from pymacaron_async.settings import read_settings
from pymacaron_async.store import State, Verdict
from redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pymacaron_async.message import Message

PATIENCE = 20.0


class Sent:
    """A transport that keeps what was sent, and may refuse to."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.refuses = False

    def send(self, message: Message, delay: float = 0) -> None:
        """Keep a message."""
        if self.refuses:
            raise TaskNotQueued("the broker is away")
        self.messages.append(message)

    def close(self) -> None:
        """Close nothing."""


@pytest.fixture
def sent() -> Sent:
    """Return the transport."""
    return Sent()


@pytest.fixture(params=["redis", "memory"])
def runtime(request: pytest.FixtureRequest, redis_url: str, sent: Sent) -> Runtime:
    """Return a runtime with each of the stores."""
    config = Config({"name": "shop", "celery_broker_url": redis_url, "async_publish_within": 0.1})
    set_config(config)
    settings = read_settings(config)
    store = open_store(settings) if request.param == "redis" else MemoryStore(settings.keep, settings.most_deliveries)
    made = Runtime(settings, store, sent)
    set_runtime(made)
    return made


def scheduled(missed: str = "all", every: int = 1000, name: str = "job", **options: Any) -> Schedule:
    """Return a schedule of a task."""

    @schedule(every=every, missed=missed, name=name)
    @asynctask(**options)
    def job() -> None: ...

    return SCHEDULES[name]


def wait_until(done: Callable[[], object], what: str) -> None:
    """Wait until something is so."""
    until = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < until, f"not in time: {what}"
        time.sleep(0.02)


def last(runtime: Runtime, ago: int, every: int = 1000) -> int:
    """Return the tick that many ticks before now, and take it as the last that was sent."""
    tick = Every(every).before(runtime.store.now()) - ago * every
    runtime.store.start_schedule("job", tick)
    return tick


def test_a_new_schedule_has_missed_nothing(runtime: Runtime, sent: Sent) -> None:
    """Whatever it says of missed ticks, a schedule that was never seen starts with the next tick."""
    scheduled("all")
    beat = Beat(runtime)
    for _ in range(2):
        beat.tick_all()
    assert sent.messages == []
    assert runtime.store.last_tick("job") == Every(1000).before(runtime.store.now())


def test_missed_ticks_are_sent_in_order(runtime: Runtime, sent: Sent) -> None:
    """Each tick is a task with the tick's own id, is sent once, and is confirmed."""
    job = scheduled("all")
    tick = last(runtime, 3)
    Beat(runtime).tick_all()
    Beat(runtime).tick_all()
    assert [message.id for message in sent.messages] == [job.task_id("shop", tick + n * 1000) for n in (1, 2, 3)]
    assert runtime.store.last_tick("job") == tick + 3000


def test_each_tick_is_a_call_of_its_own(runtime: Runtime, sent: Sent) -> None:
    """A task that the clock sends has no user, and a call id that no other has."""
    scheduled("all")
    last(runtime, 2)
    set_principal(Principal("somebody"))
    Beat(runtime).tick_all()
    callers = [message.caller for message in sent.messages]
    assert [caller.user_id for caller in callers] == [None, None]
    assert len({caller.call_id for caller in callers}) == 2


def test_a_beat_that_dies_before_it_sends_is_replaced(runtime: Runtime, sent: Sent) -> None:
    """A tick that another beat has claimed is left to it until its claim lapses, and so are later ticks."""
    job = scheduled("all")
    tick = last(runtime, 2)
    assert runtime.store.claim_tick("job", tick + 1000, "a beat that dies now", 0.5)
    beat = Beat(runtime)
    assert beat.tick_all() <= beat.hold
    assert sent.messages == []
    wait_until(lambda: beat.tick_all() and sent.messages, "the claim lapsed")
    assert [message.id for message in sent.messages] == [job.task_id("shop", tick + n * 1000) for n in (1, 2)]


@pytest.mark.parametrize("options", [{}, {"unique_for": 60}])
def test_a_beat_that_dies_before_it_confirms(runtime: Runtime, sent: Sent, options: dict[str, Any]) -> None:
    """What it sent is sent again, and does not run again."""
    job = scheduled("all", **options)
    tick = last(runtime, 1)
    id = job.task_id("shop", tick + 1000)
    assert runtime.store.claim_tick("job", tick + 1000, "a beat that dies now", 0.01)
    runtime.submit(job.task.message((), {}, task_id=id), 0)
    (message,) = sent.messages
    assert runtime.store.begin(message, "lease", 10, "worker") == (Verdict.RUN, 1)
    runtime.store.finish(message, "lease", State.SUCCEEDED)
    wait_until(lambda: Beat(runtime).tick_all() and runtime.store.last_tick("job") == tick + 1000, "it is confirmed")
    for again in sent.messages:
        assert again.id == id
        assert runtime.store.begin(again, "another lease", 10, "worker") == (Verdict.DROP, 0)


def test_a_tick_is_not_sent_while_the_last_one_runs(runtime: Runtime, sent: Sent) -> None:
    """With ``unique_for`` a tick whose task is still queued or running from the last one adds no other."""
    scheduled("all", unique_for=60)
    tick = last(runtime, 3)
    Beat(runtime).tick_all()
    assert len(sent.messages) == 1
    assert runtime.store.last_tick("job") == tick + 3000


def test_a_tick_that_was_not_sent_is_not_confirmed(runtime: Runtime, sent: Sent) -> None:
    """While the broker is away no tick is lost."""
    scheduled("all")
    tick = last(runtime, 1)
    sent.refuses = True
    with pytest.raises(TaskNotQueued):
        Beat(runtime).tick_all()
    assert runtime.store.last_tick("job") == tick
    sent.refuses = False
    wait_until(lambda: Beat(runtime).tick_all() and sent.messages, "the claim lapsed")
    assert len(sent.messages) == 1


def test_a_schedule_that_fails_leaves_others_alone(
    runtime: Runtime, sent: Sent, caplog: pytest.LogCaptureFixture
) -> None:
    """Where making the task of one schedule fails, that is logged, and the others are sent."""

    def fail() -> str:
        raise LookupError("no key")

    scheduled("all", unique_for=5, unique_key=fail)
    tick = last(runtime, 1)
    scheduled("all", name="other")
    runtime.store.start_schedule("other", tick)
    Beat(runtime).tick_all()
    assert [message.name for message in sent.messages] == [SCHEDULES["other"].task.name]
    assert "job was not sent" in caplog.text
    assert runtime.store.last_tick("job") == tick


def test_the_thread(runtime: Runtime, sent: Sent) -> None:
    """It sends ticks when they are due, and ends when it is stopped."""
    scheduled(every=1)
    beat = start(runtime)
    wait_until(lambda: len(sent.messages) >= 2, "two ticks")
    beat.stop()
    assert not beat.is_alive()


def test_without_schedules(runtime: Runtime) -> None:
    """A service without schedules has no thread that waits for them."""
    beat = start(runtime)
    beat.join(PATIENCE)
    assert not beat.is_alive()
    beat.stop()


def test_redis_goes_away(tmp_path: Path, sent: Sent, caplog: pytest.LogCaptureFixture) -> None:
    """A beat that loses its Redis says so, and goes on when it is back."""
    with RedisServer(tmp_path, append_only=True) as server:
        config = Config({"name": "shop", "celery_broker_url": server.url})
        set_config(config)
        settings = read_settings(config)
        runtime = Runtime(settings, open_store(settings), sent)
        set_runtime(runtime)
        scheduled(every=1)
        beat = start(runtime)
        wait_until(lambda: sent.messages, "a tick")
        server.kill()
        wait_until(lambda: "the beat waits: the store of tasks does not answer" in caplog.text, "it says so")
        count = len(sent.messages)
        server.start()
        wait_until(lambda: len(sent.messages) > count + 2, "further ticks")
        beat.stop()
    # What was sent, and could not be confirmed, is sent again under its id, and dropped where it is received.
    ids = [message.id for message in sent.messages]
    assert len(ids) - len(set(ids)) <= 1
    assert len([id for id, _ in groupby(ids)]) == len(set(ids))


class BeatProcess:
    """A beat in a process of its own, whose clock is ahead by some seconds."""

    def __init__(self, url: str, ahead: float) -> None:
        script = Path(__file__).parent / "beat_process.py"
        self.process = subprocess.Popen(
            [sys.executable, script, url, str(ahead)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def wait_until_started(self) -> None:
        """Wait until its beat runs."""
        assert self.process.stdout
        assert self.process.stdout.readline() == "started\n"

    def __enter__(self) -> BeatProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def five_beats(redis_url: str) -> Iterator[list[BeatProcess]]:
    """Run five beats; the clocks of two are an hour off."""
    with ExitStack() as stack:
        beats = [stack.enter_context(BeatProcess(redis_url, ahead)) for ahead in (0, 3600, 0, -3600, 0)]
        for beat in beats:
            beat.wait_until_started()
        yield beats


def sent_ticks(server: RedisServer) -> list[int]:
    """Return the ticks that were sent to the queue, in their order."""
    made = Schedule("each second", scheduled().task, Every(1))
    now = int(time.time())
    ticks = {made.task_id("shop", tick): tick for tick in range(now - 60, now + 2)}
    texts = server.client.lrange("shop", 0, -1)
    return [ticks[json.loads(text)["headers"]["pym"]["id"]] for text in reversed(texts)]


@pytest.mark.once
def test_five_beats(five_beats: list[BeatProcess], redis_server: RedisServer) -> None:
    """Of five beats, two with wrong clocks, each tick is sent once, and none is left out when two are killed."""
    wait_until(lambda: len(sent_ticks(redis_server)) >= 3, "the first ticks")
    found = sent_ticks(redis_server)
    assert found == list(range(found[0], found[0] + len(found)))
    for beat in five_beats[:2]:
        beat.process.send_signal(signal.SIGKILL)
    wait_until(lambda: len(sent_ticks(redis_server)) >= len(found) + 3, "further ticks")
    # One that died between a send and its confirmation has its tick sent again: it is one task, and runs once.
    later = list(dict.fromkeys(sent_ticks(redis_server)))
    assert later == list(range(found[0], found[0] + len(later)))
