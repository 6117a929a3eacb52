"""One run of a task in a worker: what it sees, what is reported of it, and what its end leaves behind."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask, current_app, g, has_app_context, has_request_context

from pymacaron import apipool
from pymacaron.crash import set_error_reporter
from pymacaron.monitor import get_timings, monitor
from pymacaron_async import Cancelled, TaskNotQueued, asynctask, current_task, task
from pymacaron_async.execution import Executor, Retried
from pymacaron_async.leases import Leases
from pymacaron_async.store import State
from pymacaron_async.tasks import REGISTRY
from services import Service, json_of, make_service, openapi, serve

PET = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "born": {"type": "string", "format": "date-time"},
        "owner": {"$ref": "#/components/schemas/Owner"},
    },
}
OWNER = {"type": "object", "properties": {"pets": {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}}}}


@pytest.fixture
def service(redis_url: str) -> Service:
    """Make a service."""
    return make_service(redis_url)


def test_a_task_is_inside_its_app(redis_url: str) -> None:
    """It has an app context of its own, and what is registered for the end of one is run."""
    app = Flask("shop")
    seen: list[Any] = []
    app.teardown_appcontext(lambda _: seen.append("closed"))

    @asynctask(name="look")
    def look() -> None:
        seen.append((current_app.name, has_request_context(), "mark" in g))
        g.mark = True

    service = make_service(redis_url, app)
    look.delay()
    look.delay()
    assert service.work() == [State.SUCCEEDED] * 2
    assert seen == [("shop", False, False), "closed"] * 2
    assert not has_app_context()


def test_models_arrive_as_models(redis_url: str) -> None:
    """Of any depth, in lists and dicts, of the very classes that the service has."""
    schemas = {"Pet": PET, "Owner": OWNER}
    document = openapi(
        {"/a": {"get": {"operationId": "a", "responses": {"200": json_of({"$ref": "#/components/schemas/Pet"})}}}},
        components={"schemas": schemas},
    )
    service = serve(redis_url, document, {"a": dict})
    got: list[Any] = []

    @asynctask(name="keep")
    def keep(pet: Any, *, more: Any) -> None:
        got.extend([pet, more])

    born = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    pet = apipool.shop.Pet(name="Rex", born=born, owner=apipool.shop.Owner(pets=[apipool.shop.Pet(name="Tom")]))
    keep.delay(pet, more={"a": [pet, {"b": pet}]})
    assert service.work() == [State.SUCCEEDED]
    first, more = got
    arrived: list[Any] = [first, more["a"][0], more["a"][1]["b"]]
    assert {type(each) for each in arrived} == {apipool.shop.Pet}
    for each in arrived:
        assert (each.born, type(each.owner), each.owner.pets[0].name) == (born, apipool.shop.Owner, "Tom")


def test_an_error_is_reported_with_its_task(service: Service) -> None:
    """Every failed run is reported, with trace, call, timings and which task it was; as an error only the last time."""
    reports: list[dict[str, Any]] = []
    set_error_reporter(lambda **report: reports.append(report))

    @asynctask(name="fail", max_retries=1, backoff=0.01)
    def fail() -> None:
        with monitor("DB", "query"):
            raise ValueError("no")

    with service.app.test_request_context(headers={"PymCallID": "call-1"}):
        id = fail().id
    ends = service.work()
    assert [type(end) for end in ends] == [Retried, ValueError]
    assert [report["data"]["data"]["task"] for report in reports] == [
        {"id": id, "name": "fail", "attempt": 1},
        {"id": id, "name": "fail", "attempt": 2},
    ]
    first, last = reports
    assert (first["title"], first["data"]["level"]) == (
        "the task fail failed and runs again: ValueError: no",
        "warning",
    )
    assert "ValueError: no" in first["data"]["data"]["error"]["trace"]
    assert (last["title"], last["data"]["level"]) == ("the task fail failed: ValueError: no", "error")
    assert isinstance(last["exception"], ValueError)
    assert last["data"]["call"] == {"id": "call-1", "path": "fail"}
    assert [timing["name"] for timing in last["data"]["timings"]] == ["DB:query"]
    assert "ValueError: no" in last["data"]["trace"][-1]


def test_a_task_is_timed(service: Service) -> None:
    """Sections that it times are its own; the whole run is timed as one."""
    timings: list[Any] = []

    @asynctask(name="timed")
    def timed() -> None:
        with monitor("DB", "query"):
            pass
        timings.append([timing["name"] for timing in get_timings()])

    @service.app.teardown_appcontext
    def end(_: BaseException | None) -> None:
        timings.append([timing["name"] for timing in get_timings()])

    timed.delay()
    timed.delay()
    service.work()
    assert timings == [["DB:query"], ["DB:query", "TASK:timed"]] * 2


def test_what_a_task_knows_of_itself(service: Service) -> None:
    """Id, name, attempt and how often it was started; afterwards there is no task."""
    seen: list[Any] = []

    @asynctask(name="self", max_retries=1, backoff=0.01)
    def itself() -> None:
        current = current_task()
        assert current is not None
        seen.append((current.id, current.name, task.attempt, task.deliveries))
        if task.attempt == 1:
            raise ValueError("again")

    id = itself.delay().id
    service.work()
    assert seen == [(id, "self", 1, 1), (id, "self", 2, 1)]
    assert current_task() is None


def test_what_is_kept_of_a_failure(service: Service) -> None:
    """Type, message and trace; the dead letter has the message, and how the task ended."""

    @asynctask(name="fail")
    def fail(secret: str, order: int) -> None:
        raise KeyError("order")

    id = fail.delay(secret="hidden", order=7).id
    service.work()
    record = service.store.get(id)
    assert record is not None
    assert record.error is not None
    assert (record.state, record.error["type"], record.error["message"]) == (State.FAILED, "KeyError", "'order'")
    assert "test_execution.py" in record.error["trace"]
    assert record.shown == "secret=***, order=7"
    (letter,) = service.store.dead()
    assert (letter.message.id, letter.error["type"]) == (id, "KeyError")


def test_a_retry_is_sent_before_its_failure_is_written(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that dies between the two has lost nothing."""
    states: list[Any] = []
    send = service.queue.send

    def sent(message: Any, delay: float = 0) -> None:
        record = service.store.get(message.id)
        states.append((message.attempt, record.state if record else None))
        send(message, delay)

    @asynctask(name="fail", max_retries=1, backoff=0.01)
    def fail() -> None:
        raise ValueError("no")

    fail.delay()
    monkeypatch.setattr(service.queue, "send", sent)
    service.work()
    assert states == [(2, State.RUNNING)]


def test_a_message_that_comes_again(service: Service) -> None:
    """After the end it is dropped; so is one of an attempt before."""
    runs: list[int] = []

    @asynctask(name="count", max_retries=1, backoff=0.01)
    def count() -> None:
        runs.append(task.attempt)
        if task.attempt == 1:
            raise ValueError("again")

    count.delay()
    ((message, _),) = service.queue.sent
    service.work()
    for again in (message, message.next_attempt()):
        assert service.executor.run(again) is None
    assert runs == [1, 2]


def test_a_message_whose_task_runs_elsewhere(service: Service) -> None:
    """It waits until that worker has ended, or is dead; then it runs."""
    runs: list[int] = []

    @asynctask(name="once")
    def once() -> None:
        runs.append(task.deliveries)

    once.delay()
    ((message, _),) = service.queue.sent
    service.queue.sent.clear()
    service.store.begin(message, "a lease of another worker's", 0.5, "another")
    assert service.executor.run(message) is None
    ((again, delay),) = service.queue.sent
    assert (again, runs) == (message, [])
    assert 0 < delay < 2
    time.sleep(0.6)
    assert service.work() == [State.SUCCEEDED]
    assert runs == [2]


def test_a_task_that_kills_its_workers(redis_url: str) -> None:
    """After some workers it is not given to another one; it is among the dead."""
    service = make_service(redis_url, async_most_deliveries=2)

    @asynctask(name="killer")
    def killer() -> None:
        """Stand for a function that never returns."""

    killer.delay()
    ((message, _),) = service.queue.sent
    service.queue.sent.clear()
    for lease in ("a", "b"):
        service.store.begin(message, lease, 30, "worker")
        service.store.release(message.id)
    assert service.executor.run(message) == State.FAILED
    (letter,) = service.store.dead()
    assert (letter.error["type"], letter.deliveries) == ("WorkersLost", 3)
    assert "2 workers died of it" in letter.error["message"]


def test_a_task_that_this_worker_does_not_have(service: Service) -> None:
    """It is among the dead, with the reason, so that newer code can run it."""
    asynctask(name="known")(lambda: None).delay()
    ((message, _),) = service.queue.sent
    del REGISTRY["known"]
    (end,) = service.work()
    assert "this worker has no task 'known'; is its code older than the caller's?" in str(end)
    assert [letter.message.id for letter in service.store.dead()] == [message.id]


def test_cancelling(service: Service) -> None:
    """A task that was cancelled while it waited never runs; one that runs ends where it tells its progress."""
    runs: list[str] = []

    @asynctask(name="steps")
    def steps() -> None:
        runs.append("first")
        service.store.cancel(str(task.id))
        task.progress(1, 2)
        runs.append("second")

    steps.is_tracked = True
    waiting = steps.delay().id
    assert service.store.cancel(waiting)
    running = steps.delay().id
    assert service.work() == [State.CANCELLED] * 2
    assert runs == ["first"]
    states = {id: record.state for id in (waiting, running) if (record := service.store.get(id))}
    assert states == {waiting: State.CANCELLED, running: State.CANCELLED}


def test_a_running_task_is_interrupted(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that never tells its progress is interrupted by what renews its lease."""
    monkeypatch.setattr("pymacaron_async.execution.leases", Leases())
    service = make_service(redis_url, async_lease=0.4)
    caught: list[str] = []

    @asynctask(name="long")
    def long() -> None:
        service.store.cancel(str(task.id))
        try:
            time.sleep(20)
        except Cancelled:
            caught.append("cancelled")
            raise

    long.delay()
    started = time.monotonic()
    assert service.work() == [State.CANCELLED]
    assert (caught, time.monotonic() - started < 15) == (["cancelled"], True)


def test_a_long_task_keeps_its_lease(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs longer than a lease lasts, and nobody else may run it meanwhile."""
    monkeypatch.setattr("pymacaron_async.execution.leases", Leases())
    service = make_service(redis_url, async_lease=1)
    other = Executor(service.app, service.runtime, "another worker")
    seen: list[Any] = []

    @asynctask(name="long")
    def long() -> None:
        time.sleep(2)
        current = current_task()
        assert current is not None
        verdict, _ = service.store.begin(current.message, "other", 1, other.worker)
        seen.append(str(verdict))

    long.delay()
    assert service.work() == [State.SUCCEEDED]
    assert seen == ["wait"]


def test_the_end_is_written_when_the_store_is_back(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A store that is away for a moment costs no second run."""
    finish, tries = service.store.finish, []

    def shaky(*args: Any, **kwargs: Any) -> bool:
        tries.append(1)
        if len(tries) < 3:
            raise TaskNotQueued("the store of tasks does not answer")
        return finish(*args, **kwargs)

    monkeypatch.setattr(service.store, "finish", shaky)
    id = asynctask(name="fine")(lambda: None).delay().id
    with caplog.at_level(logging.WARNING):
        assert service.work() == [State.SUCCEEDED]
    record = service.store.get(id)
    assert (len(tries), record and record.state) == (3, State.SUCCEEDED)
    assert "tried again in 0.1 s" in caplog.text


def test_a_store_that_stays_away(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is kept for another worker: the error says so to whoever holds it."""

    def away(*args: Any, **kwargs: Any) -> bool:
        raise TaskNotQueued("the store of tasks does not answer")

    monkeypatch.setattr(service.store, "finish", away)
    service.executor.patience = 0.2
    asynctask(name="fine")(lambda: None).delay()
    (end,) = service.work()
    assert isinstance(end, TaskNotQueued)


def test_a_cancelled_task_whose_worker_died(service: Service) -> None:
    """Whoever gets its message next writes that it was cancelled."""
    asynctask(name="gone")(lambda: None).delay()
    ((message, _),) = service.queue.sent
    service.queue.sent.clear()
    service.store.begin(message, "a dead worker's", 30, "worker")
    assert service.store.cancel(message.id)
    service.store.release(message.id)
    assert service.executor.run(message) == State.CANCELLED
    record = service.store.get(message.id)
    assert record is not None
    assert (record.state, list(service.store.running())) == (State.CANCELLED, [])


def test_a_cancelled_task_is_ended_once(service: Service) -> None:
    """Its message may come again, also after it has ended otherwise before it learned of it."""
    runs: list[int] = []

    @asynctask(name="late")
    def late() -> None:
        runs.append(1)
        assert service.store.cancel(str(task.id))

    late.delay()
    ((message, _),) = service.queue.sent
    assert service.work() == [State.SUCCEEDED]
    waiting = late.delay()
    ((other, _),) = service.queue.sent
    service.store.cancel(waiting.id)
    assert service.work() == [State.CANCELLED]
    assert [service.executor.run(message), service.executor.run(other)] == [None, None]
    record = service.store.get(message.id)
    assert (record and record.state, runs) == (State.SUCCEEDED, [1])
    assert service.store.counts()["late"].cancelled == 1


def test_a_cancelled_task_that_still_runs(service: Service) -> None:
    """Its message, should it come again meanwhile, waits for the worker that is being interrupted."""
    asynctask(name="slow")(lambda: None).delay()
    ((message, _),) = service.queue.sent
    service.queue.sent.clear()
    service.store.begin(message, "lease", 30, "another")
    service.store.cancel(message.id)
    assert service.executor.run(message) is None
    assert len(service.queue.sent) == 1
    assert service.store.finish(message, "lease", State.CANCELLED)


def test_a_retry_that_is_faster_than_the_note_of_its_failure(service: Service) -> None:
    """The end of the next attempt stands, although the failure of the one before is written after it."""

    @asynctask(name="fast", max_retries=1, backoff=0.01)
    def fast() -> None:
        if task.attempt == 1:
            raise ValueError("again")

    id = fast.delay().id
    kept = service.queue.send
    other = Executor(service.app, service.runtime, "another worker")

    def sent(message: Any, delay: float = 0) -> None:
        assert other.run(message) == State.SUCCEEDED

    service.queue.send = sent  # type: ignore[method-assign]  # a worker that takes it at once
    (end,) = service.work()
    service.queue.send = kept  # type: ignore[method-assign]  # as before
    record = service.store.get(id)
    assert (type(end), record and record.state) == (Retried, State.SUCCEEDED)
