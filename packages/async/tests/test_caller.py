"""Who called a task: user, token and call, carried to the worker, and the token verified there afresh."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from pymacaron.auth import (
    add_auth,
    generate_token,
    get_principal,
    get_user_token,
    get_user_token_data,
    get_userid,
    load_auth_token,
    set_principal,
)
from pymacaron.calls import current_call, get_call_id, get_call_path, outgoing_headers
from pymacaron.config import get_config
from pymacaron_async import asynctask, current_task, task
from pymacaron_async.caller import Caller, become
from pymacaron_async.store import State
from services import Service, bearer, make_service

if TYPE_CHECKING:
    from collections.abc import Callable

seen: dict[str, Any] = {}
TRACE = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": "a=b"}


@pytest.fixture
def service(redis_url: str) -> Service:
    """Make a service, with nothing seen yet."""
    seen.clear()
    return make_service(redis_url)


def looking() -> Any:
    """Make a task that notes who calls."""

    @asynctask(name="look")
    def look() -> None:
        seen.update(
            user=get_userid(),
            token=get_user_token(),
            data=get_user_token_data(),
            scopes=getattr(get_principal(), "scopes", None),
            state=task.token_state,
            call=(get_call_id(), get_call_path()),
            headers=outgoing_headers("mail", "send"),
            service=get_config().name,
        )

    return look


def request_of(service: Service, token: str | None, **headers: str) -> None:
    """Call the task in a request of a user."""
    with service.app.test_request_context(headers=headers):
        if token is not None:
            set_principal(load_auth_token(token))
        looking()()


def test_a_valid_token(service: Service) -> None:
    """The task has the user, the token and what is in it."""
    token = generate_token("alice", data={"plan": "gold"})
    request_of(service, token)
    assert service.work() == [State.SUCCEEDED]
    assert (seen["user"], seen["token"], seen["data"], seen["state"]) == ("alice", token, {"plan": "gold"}, "valid")
    assert seen["service"] == "shop"


def test_a_token_that_expired_since(redis_url: str) -> None:
    """The user is still known; neither token nor scopes are, and the task is told so."""
    service = make_service(redis_url, jwt_leeway=0.01)
    request_of(service, generate_token("alice", expire_in=1.2, data={"plan": "gold"}))
    time.sleep(1.5)
    assert service.work() == [State.SUCCEEDED]
    assert (seen["user"], seen["token"], seen["data"], seen["state"]) == ("alice", "", None, "expired")
    assert seen["scopes"] == frozenset()


def test_a_token_that_is_no_longer_valid(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """After the key was changed nobody is the caller; the log says so, without the token."""
    token = generate_token("alice")
    request_of(service, token)
    get_config().values["jwt_secret"] = "another key that is long enough for HS256"
    assert service.work() == [State.SUCCEEDED]
    assert (seen["user"], seen["token"], seen["state"]) == (None, None, "invalid")
    assert "is no longer valid" in caplog.text
    assert token not in caplog.text


def test_nobody_called(service: Service) -> None:
    """A task without a caller has none, though one before it in the same worker had."""
    request_of(service, generate_token("alice"))
    request_of(service, None)
    states = []
    for _ in range(2):
        service.executor.run(service.queue.sent.pop(0)[0])
        states.append((seen["user"], seen["state"]))
    assert states == [("alice", "valid"), (None, "none")]
    assert get_userid() is None


def test_the_call_goes_on(service: Service) -> None:
    """Its id and trace stay; its path names the task, and calls of the task to other services carry both."""
    request_of(service, None, PymCallID="call-1", PymCallPath="public.order", **TRACE)
    service.work()
    assert seen["call"] == ("call-1", "public.order.look")
    assert seen["headers"] == {"PymCallID": "call-1", "PymCallPath": "public.order.look.mail.send", **TRACE}


def test_a_task_of_a_script_begins_a_call(service: Service) -> None:
    """It has an id of its own, which its record shows."""
    id = looking().delay().id
    assert service.work() == [State.SUCCEEDED]
    record = service.store.get(id)
    assert record is not None
    assert (record.call_id, record.owner) == (seen["call"][0], None)
    assert seen["call"][0] != current_call().id or seen["call"][0]


def test_calls_to_other_services_act_for_the_user(service: Service) -> None:
    """The token that a client's call carries is the caller's."""
    token = generate_token("alice")

    @asynctask(name="call")
    def call() -> None:
        request: Any = type("Request", (), {"headers": {}})()
        add_auth(lambda made: made)(request)
        seen.update(request.headers)

    with service.app.test_request_context(headers=bearer("alice")):
        set_principal(load_auth_token(token))
        call()
    service.work()
    assert seen["Authorization"] == f"Bearer {token}"


def test_a_task_in_a_task_keeps_the_caller(service: Service) -> None:
    """Whoever called the first one called those that it queues."""
    look = looking()

    @asynctask(name="outer")
    def outer() -> None:
        look.delay()

    with service.app.test_request_context(headers={"PymCallID": "call-2"}):
        set_principal(load_auth_token(generate_token("alice")))
        outer()
    assert service.work() == [State.SUCCEEDED] * 2
    assert (seen["user"], seen["state"], seen["call"]) == ("alice", "valid", ("call-2", "outer.look"))


@pytest.mark.parametrize(
    ("caller", "state", "user"),
    [
        (Caller("1"), "none", None),
        (Caller("1", user_id="alice"), "none", "alice"),
        (Caller("1", user_id="alice", token="none"), "invalid", None),
    ],
)
def test_callers_without_a_token_of_ours(service: Service, caller: Caller, state: str, user: str | None) -> None:
    """A user known by another credential stays known; one whose token cannot be verified does not."""
    with service.app.app_context():
        assert (become(caller, "task"), get_userid()) == (state, user)


def test_the_token_is_shown_nowhere(service: Service) -> None:
    """Neither the task's record nor its repr has it."""
    token = generate_token("alice")
    request_of(service, token)
    ((message, _),) = service.queue.sent
    service.work()
    assert token not in repr(service.store.get(message.id))
    assert token not in message.shown


def test_outside_of_tasks_nothing_is_left(service: Service) -> None:
    """After a task the worker's own context is as it was."""
    request_of(service, generate_token("alice"), PymCallID="call-1")
    before = current_call()
    service.work()
    found: list[Callable[[], Any] | Any] = [get_userid(), current_task(), current_call()]
    assert found == [None, None, before]
