"""``@asynctask``: what is queued, what runs here, and what is refused at the call."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pymacaron_async import (
    ArgumentError,
    AsyncConfigError,
    AsyncTask,
    Queued,
    TaskNotQueued,
    asynctask,
    current_task,
    task,
)
from pymacaron_async.arguments import decode_call
from pymacaron_async.store import State
from pymacaron_async.tasks import REGISTRY, task_name
from services import Service, make_service

if TYPE_CHECKING:
    from collections.abc import Callable

ran: list[Any] = []


@pytest.fixture
def service(redis_url: str) -> Service:
    """Make a service, with nothing run yet."""
    ran.clear()
    return make_service(redis_url)


def noting(**options: Any) -> AsyncTask[..., Any]:
    """Make a task that notes what it was called with."""

    @asynctask(name="noting", **options)
    def note(*args: Any, **kwargs: Any) -> str:
        ran.append((args, kwargs))
        return "done"

    return note


def test_in_a_request_it_is_queued(service: Service) -> None:
    """The call returns at once, with the task's id."""
    note = noting()
    with service.app.test_request_context():
        queued = note(1, b=2)
    assert isinstance(queued, Queued)
    ((message, delay),) = service.queue.sent
    assert (message.id, queued.is_new, delay) == (queued.id, True, 0)
    assert decode_call(message.call) == ([1], {"b": 2})
    assert ran == []
    assert service.work() == [State.SUCCEEDED]
    assert ran == [((1,), {"b": 2})]


def test_in_a_script_it_runs_here(service: Service) -> None:
    """So it does in an app's context that is no request's."""
    note = noting()
    assert note(1) == "done"
    with service.app.app_context():
        assert note(2) == "done"
    assert (ran, service.queue.sent) == ([((1,), {}), ((2,), {})], [])


def test_in_a_task_it_runs_here(service: Service) -> None:
    """A task that calls another one waits for it."""
    note = noting()

    @asynctask(name="outer")
    def outer() -> None:
        ran.append(note(3))

    outer.delay()
    assert service.work() == [State.SUCCEEDED]
    assert ran == [((3,), {}), "done"]


def test_call_runs_here_anywhere(service: Service) -> None:
    """Even in a request."""
    note = noting()
    with service.app.test_request_context():
        assert note.call(1) == "done"
    assert service.queue.sent == []


@pytest.mark.parametrize(
    "way", [lambda note: note.delay(1), lambda note: note.apply_async((1,))], ids=["delay", "apply"]
)
def test_delay_queues_anywhere(service: Service, way: Callable[[Any], Queued]) -> None:
    """In a script, and in another task."""
    note = noting()
    queued = way(note)

    @asynctask(name="outer")
    def outer() -> None:
        way(note)

    outer.delay()
    assert [message.name for message, _ in service.queue.sent] == ["noting", "outer"]
    assert service.work() == [State.SUCCEEDED] * 3
    assert (len(ran), bool(queued.id)) == (2, True)


def test_options_of_one_call(service: Service) -> None:
    """Delay, queue and id are the call's own where it names them."""
    note = noting(delay=5, queue="slow")
    note.delay(1)
    note.apply_async((1,), {"b": 2}, delay=0, queue="fast", task_id="own")
    sent = [(message.queue, delay) for message, delay in service.queue.sent]
    assert sent == [("slow", 5), ("fast", 0)]
    assert service.queue.sent[1][0].id == "own"


def send(to: str, *, copies: int = 1) -> None:
    """Stand for a function of a service."""


@pytest.mark.parametrize(
    ("args", "kwargs", "said"),
    [
        ((), {}, "missing a required argument: 'to'"),
        (("a", "b"), {}, "too many positional arguments"),
        (("a",), {"copy": 2}, "unexpected keyword argument 'copy'"),
        (("a",), {"to": "b"}, "multiple values for argument 'to'"),
    ],
)
def test_the_signature_is_checked_at_the_call(service: Service, args: Any, kwargs: Any, said: str) -> None:
    """A call that the function does not take is refused where it stands, and nothing is queued."""
    made = asynctask(send)
    with service.app.test_request_context(), pytest.raises(ArgumentError, match=said) as caught:
        made(*args, **kwargs)
    assert "test_tasks.send(to: 'str', *, copies: 'int' = 1)" in str(caught.value)
    assert isinstance(caught.value, TypeError)
    assert service.queue.sent == []


@dataclass
class Basket:
    """An object of a service's own."""

    items: int


@pytest.mark.parametrize(
    ("args", "kwargs", "said"),
    [
        ((Basket(1),), {}, "the argument 1 is a test_tasks.Basket"),
        (([1, {"a": Basket(1)}],), {}, r"the argument 1\[1\]\['a'\] is a test_tasks.Basket"),
        ((), {"b": {1}}, "the argument 'b' is a builtins.set"),
        (({1: 2},), {}, "has the key 1, a int"),
    ],
)
def test_arguments_that_no_message_carries(service: Service, args: Any, kwargs: Any, said: str) -> None:
    """They are refused at the call, by name and type."""
    note = noting()
    with pytest.raises(ArgumentError, match=said):
        note.delay(*args, **kwargs)
    assert service.queue.sent == []


def test_an_unreachable_store_is_told_at_the_call(redis_url: str) -> None:
    """Nothing that could not be noted is sent."""
    service = make_service("redis://127.0.0.1:1/0")
    note = noting(unique_for=60)
    with pytest.raises(TaskNotQueued) as caught:
        note.delay(1)
    assert (caught.value.status, service.queue.sent) == (503, [])


def test_what_could_not_be_sent_holds_no_key(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a broker's failure the same call can be made again."""
    note = noting(unique_for=60)

    def away(message: Any, delay: float = 0) -> None:
        raise TaskNotQueued("away")

    with monkeypatch.context() as patch:
        patch.setattr(service.queue, "send", away)
        with pytest.raises(TaskNotQueued):
            note.delay(1)
    assert note.delay(1).is_new
    assert service.work() == [State.SUCCEEDED]


def test_unique_tasks(service: Service) -> None:
    """While one waits or runs, a call with the same arguments queues nothing and names that one."""
    note = noting(unique_for=60)
    first, same, other = note.delay(1), note.delay(1), note.delay(2)
    assert (same, other.is_new) == (Queued(first.id, is_new=False), True)
    assert service.work() == [State.SUCCEEDED] * 2
    assert note.delay(1).is_new


def test_a_unique_task_that_runs(service: Service) -> None:
    """Its key is held until it has ended, through its retries too."""
    seen: list[bool] = []

    @asynctask(name="unique", unique_for=60, max_retries=1, backoff=0.01)
    def unique() -> None:
        seen.append(unique.delay().is_new)
        if task.attempt == 1:
            raise ValueError("again")

    unique.delay()
    assert [type(end).__name__ for end in service.work()] == ["Retried", "State"]
    assert seen == [False, False]
    assert unique.delay().is_new


def test_a_unique_key_lapses(service: Service) -> None:
    """A task that gave no sign of life for that long excludes no other."""
    note = noting(unique_for=0.2)
    note.delay(1)
    time.sleep(0.4)
    assert note.delay(1).is_new


def test_a_unique_key_of_ones_own(service: Service) -> None:
    """It is made from the arguments as the task says."""
    note = noting(unique_for=60, unique_key=lambda user, **_: user)
    assert note.delay("alice", at=1).is_new
    assert not note.delay("alice", at=2).is_new
    assert note.delay("bob", at=1).is_new


def test_idempotency_keys(service: Service) -> None:
    """A key whose task succeeded does not run again; the task sees the key."""
    keys: list[str | None] = []

    @asynctask(name="pay", idempotency_key=lambda order: f"order-{order}")
    def pay(order: int) -> None:
        keys.append(task.idempotency_key)
        if len(keys) == 1:
            raise ValueError("declined")

    for order in (7, 7, 7, 8):
        pay.delay(order)
    ends = service.work()
    assert [end if isinstance(end, State) else type(end).__name__ for end in ends if end is not None] == [
        "ValueError", State.SUCCEEDED, State.SUCCEEDED,
    ]  # fmt: skip
    assert keys == ["pay:order-7", "pay:order-7", "pay:order-8"]


def test_without_a_key_the_id_is_one(service: Service) -> None:
    """It stays the same through retries."""
    keys: list[Any] = []

    @asynctask(name="pay", max_retries=1, backoff=0.01)
    def pay() -> None:
        keys.append(task.idempotency_key)
        if task.attempt == 1:
            raise ValueError("again")

    id = pay.delay().id
    service.work()
    assert keys == [id, id]


def test_retries_grow_within_their_bounds() -> None:
    """The bound of the random pause doubles up to the longest; after the last try there is none."""
    made = noting(max_retries=4, backoff=10, backoff_max=35)
    for attempt, bound in enumerate((10, 20, 35, 35), 1):
        delays = [made.retry_delay(attempt, ValueError()) or 0 for _ in range(200)]
        assert 0 <= min(delays) < bound / 4
        assert bound * 3 / 4 < max(delays) <= bound
    assert made.retry_delay(5, ValueError()) is None


def test_only_some_errors_are_retried() -> None:
    """Others bury the task at once."""
    made = noting(max_retries=4, retry_on=ConnectionError)
    assert made.retry_delay(1, ConnectionResetError()) is not None
    assert made.retry_delay(1, ValueError()) is None


def test_a_name_is_of_one_task() -> None:
    """Two functions of one name would run in place of each other."""
    noting()
    with pytest.raises(AsyncConfigError, match="two tasks are named 'noting'"):
        asynctask(name="noting")(send)
    assert noting().name in REGISTRY


def test_names_are_the_same_in_server_and_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that is run as a script is named as the worker imports it."""
    assert task_name(send) == "test_tasks.send"
    monkeypatch.setattr(send, "__module__", "__main__")
    monkeypatch.setattr("sys.modules", {"__main__": type("Main", (), {"__file__": "/srv/shop/server.py"})})
    assert task_name(send) == "server.send"


def test_unknown_options_are_refused() -> None:
    """A misspelt option is no option."""
    with pytest.raises(TypeError, match="max_retrys"):
        asynctask(max_retrys=3)(send)  # type: ignore[call-overload]  # that is the point


def test_the_function_stays_what_it_was(service: Service) -> None:
    """Name, docstring and signature are the function's."""
    made = asynctask(send)
    assert (getattr(made, "__name__", None), made.__doc__) == ("send", send.__doc__)
    assert made.call("a") is None
    assert repr(made) == "<asynctask test_tasks.send>"


def test_no_task_runs_here() -> None:
    """Code that asks for the task outside of one gets harmless answers."""
    assert current_task() is None
    assert (task.id, task.attempt, task.deliveries, task.token_state, task.idempotency_key) == (
        None,
        1,
        1,
        "none",
        None,
    )
    task.progress(1, 2)


def test_coroutines_of_a_request_queue_too(service: Service) -> None:
    """A handler that is a coroutine is in its request as well."""
    note = noting()

    async def handler() -> Any:
        return note(1)

    with service.app.test_request_context():
        assert isinstance(asyncio.run(handler()), Queued)
