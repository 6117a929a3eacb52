"""Callbacks: the result is sent to the URL that the request named, signed, again and again until it is taken."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pymacaron.exceptions import BindError, ServerError
from pymacaron_async.callbacks import CALL_BACK, CallbackFailed
from pymacaron_async.dead_letters import Outcome, retry
from pymacaron_async.execution import Retried
from pymacaron_async.signing import callback_secret, verify
from pymacaron_async.store import State
from receivers import Receiver, receiving
from services import Service, bearer, json_of, openapi, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

RESULT = {"type": "object", "required": ["total"], "properties": {"total": {"type": "integer"}}}
REQUEST = {"type": "object", "properties": {"url": {"type": "string"}}}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Run a server that callbacks are sent to."""
    with receiving() as made:
        yield made


def callback(url: str = "{$request.body#/url}", method: str = "post", body: Any = None) -> dict[str, Any]:
    """Write a callback."""
    given = {} if body is None else {"requestBody": json_of(body)}
    return {url: {method: {**given, "responses": {"200": {"description": "taken"}}}}}


def make(redis_url: str, handler: Any, *, hosts: tuple[str, ...] = ("127.0.0.1",), **callbacks: Any) -> Service:
    """Make a service whose operation has callbacks."""
    operation = {
        "operationId": "sum",
        "x-pym-async": True,
        "requestBody": json_of(REQUEST),
        "parameters": [{"name": "to", "in": "query", "schema": {"type": "string"}}],
        "responses": {"200": json_of(RESULT)},
        "callbacks": callbacks,
    }
    document = openapi({"/sums/{id}": {
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
        "post": operation,
    }})  # fmt: skip
    return serve(
        redis_url, document, {"sum": handler}, config={"async_callback_hosts": hosts}, error_reporter=lambda **_: None
    )


def six(body: Any, id: str, to: str | None) -> Any:
    """Return a result."""
    return {"total": 6}


def failing(body: Any, id: str, to: str | None) -> Any:
    """Fail."""
    raise ServerError("no")


def test_the_task_is_sent(redis_url: str, receiver: Receiver) -> None:
    """Where the callback declares no body it is the task's document, with a signature that its receiver verifies."""
    service = make(redis_url, six, done=callback())
    started = service.client.post("/sums/1", json={"url": f"{receiver.url}/done?x=1"}, headers={"PymCallID": "call-1"})
    assert service.work() == [State.SUCCEEDED, State.SUCCEEDED]
    (got,) = receiver.got
    assert (got.method, got.path, got.headers["content-type"]) == ("POST", "/done?x=1", "application/json")
    assert json.loads(got.body) == service.client.get(started.headers["Location"]).json
    assert json.loads(got.body)["result"] == {"total": 6}
    verify(got.headers["pymsignature"], got.body, callback_secret())
    assert (got.headers["pymtaskid"], got.headers["pymtaskstate"]) == (started.json["id"], "succeeded")
    assert (got.headers["pymcallid"], got.headers["host"]) == ("call-1", f"127.0.0.1:{receiver.port}")


def test_the_result_is_sent_where_the_callback_declares_it(redis_url: str, receiver: Receiver) -> None:
    """A declared body of the result's shape gets the result itself; one of the task's shape gets the task."""
    task = {"type": "object", "required": ["id", "state"], "properties": {"id": {}, "state": {}}}
    service = make(redis_url, six, a=callback(body=RESULT), b=callback(body=task, method="put"))
    service.client.post("/sums/1", json={"url": receiver.url})
    assert service.work() == [State.SUCCEEDED] * 3
    bodies = {got.method: json.loads(got.body) for got in receiver.got}
    assert bodies["POST"] == {"total": 6}
    assert bodies["PUT"]["state"] == "succeeded"


def test_failures_are_told(redis_url: str, receiver: Receiver) -> None:
    """The document has the error, in the API's format."""
    service = make(redis_url, failing, done=callback(body=RESULT))
    service.client.post("/sums/1", json={"url": receiver.url})
    assert isinstance(service.work()[0], ServerError)
    (got,) = receiver.got
    sent = json.loads(got.body)
    assert (sent["state"], sent["error"]["error"], got.headers["pymtaskstate"]) == ("failed", "SERVER_ERROR", "failed")


def test_a_cancelled_task_is_told(redis_url: str, receiver: Receiver) -> None:
    """Whoever waits for the callback does not wait for ever."""
    service = make(redis_url, six, done=callback())
    url = service.client.post("/sums/1", json={"url": receiver.url}).headers["Location"]
    assert service.client.delete(url).status_code == 204
    assert service.work() == [State.CANCELLED, State.SUCCEEDED]
    assert json.loads(receiver.got[0].body)["state"] == "cancelled"


def test_no_url_no_callback(redis_url: str) -> None:
    """A request that names none is not called back."""
    service = make(redis_url, six, done=callback())
    service.client.post("/sums/1", json={})
    assert service.work() == [State.SUCCEEDED]


EXPRESSIONS = [
    ("{$request.query.to}/q", "/q"),
    ("{$request.header.X-To}/h", "/h"),
    ("{$request.query.to}/{$request.path.id}/{$method}", "/7/POST"),
    ("{$request.query.to}/{$response.body#/total}/{$statusCode}", "/6/200"),
    ("{$request.query.to}/?from={$url}", "/?from=http://localhost/sums/7"),
]


@pytest.mark.parametrize(("url", "path"), EXPRESSIONS, ids=[each[0] for each in EXPRESSIONS])
def test_expressions(redis_url: str, receiver: Receiver, url: str, path: str) -> None:
    """A URL may speak of any part of the request, and of the response once there is one."""
    service = make(redis_url, six, done=callback(url))
    query = {"to": receiver.url} if "query" in url else {}
    service.client.post("/sums/7", json={}, query_string=query, headers={"X-To": receiver.url})
    assert service.work()[-1] == State.SUCCEEDED
    assert receiver.got[0].path.startswith(path)


def test_what_a_request_gives_is_no_expression(redis_url: str, receiver: Receiver) -> None:
    """A text of the caller's is never evaluated."""
    service = make(redis_url, six, done=callback("{$request.query.to}"))
    service.client.post("/sums/1", json={}, query_string={"to": f"{receiver.url}/?a={{$response.body}}"})
    assert service.work()[-1] == State.SUCCEEDED
    assert receiver.got[0].path == "/?a={$response.body}"


BAD = [
    "ftp://127.0.0.1/",
    "file:///etc/passwd",
    "//127.0.0.1/x",
    "http://user:pw@127.0.0.1/",
    "http://127.0.0.1/a b",
    "http://127.0.0.1:0/",
    "http://[::1/",
    "http://elsewhere.example/",
    "http://127.0.0.1/\r\nX: y",
    "http://127.0.0.1/" + "x" * 3000,
]


@pytest.mark.parametrize("url", BAD, ids=range(len(BAD)))
def test_a_url_that_may_not_be_called(redis_url: str, url: str) -> None:
    """The request is refused at once, and its task never starts."""
    service = make(redis_url, six, done=callback())
    answer = service.client.post("/sums/1", json={"url": url})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (400, "/url")
    assert service.queue.sent == []


PRIVATE = [
    "127.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "[::1]",
    "[::ffff:10.0.0.1]",
    "[fd00::1]",
    "0.0.0.0",
    "224.0.0.1",
]


@pytest.mark.parametrize("host", PRIVATE)
def test_no_private_address_is_called(redis_url: str, host: str) -> None:
    """Unless its host is listed, the service's own network is not called."""
    service = make(redis_url, six, hosts=(), done=callback())
    answer = service.client.post("/sums/1", json={"url": f"http://{host}/"})
    assert "not a public address" in answer.json["errors"][0]["message"]


def test_a_name_of_a_private_address_is_not_called(redis_url: str, receiver: Receiver) -> None:
    """It is found out when the name is resolved; trying again would not mend it, so it is among the dead at once."""
    service = make(redis_url, six, hosts=(), done=callback())
    service.client.post("/sums/1", json={"url": f"http://localhost:{receiver.port}/"})
    done, refused = service.work()
    assert done == State.SUCCEEDED
    assert "localhost has an address that is not public" in str(refused)
    assert (receiver.got, service.store.count_dead()) == ([], 1)


def test_an_answer_that_is_no_success_is_followed_by_another_try(redis_url: str, receiver: Receiver) -> None:
    """Redirects are not followed, they count as a failure; the signature is made anew each time."""
    receiver.answers[:] = [503, 302]
    receiver.headers["Location"] = f"{receiver.url}/elsewhere"
    service = make(redis_url, six, done=callback())
    service.client.post("/sums/1", json={"url": receiver.url})
    ends = service.work()
    assert [type(end) for end in ends] == [State, Retried, Retried, State]
    assert [got.path for got in receiver.got] == ["/"] * 3


def test_a_receiver_that_never_takes_it(redis_url: str, receiver: Receiver) -> None:
    """After the last try the callback is a dead letter that can be sent again; the task itself has succeeded."""
    receiver.answers[:] = [500] * 50
    service = make(redis_url, six, done=callback())
    url = service.client.post("/sums/1", json={"url": receiver.url}).headers["Location"]
    service.work()
    assert len(receiver.got) == 10
    (letter,) = service.store.dead()
    assert "was answered 500" in letter.error["message"]
    assert service.client.get(url).json["state"] == "succeeded"


def test_nobody_listens(redis_url: str) -> None:
    """It is tried again, as for any other failure."""
    service = make(redis_url, six, done=callback())
    service.client.post("/sums/1", json={"url": "http://127.0.0.1:1/"})
    assert "ConnectionRefusedError" in str(service.work()[1])


def test_pauses_grow_and_are_random() -> None:
    """Receivers that come back are not overrun."""
    bounds = [2 * 2**attempt for attempt in range(9)]
    for attempt, bound in enumerate(bounds, 1):
        delays = {CALL_BACK.retry_delay(attempt, CallbackFailed()) for _ in range(20)}
        assert len(delays) == 20
        assert all(delay is not None and 0 <= delay <= min(bound, 600) for delay in delays)
    assert CALL_BACK.retry_delay(10, CallbackFailed()) is None


def test_one_callback_however_often_the_task_ends(redis_url: str, receiver: Receiver) -> None:
    """A task that runs again, as its worker died before its end was written, is called back once."""
    service = make(redis_url, six, done=callback())
    service.client.post("/sums/1", json={"url": receiver.url})
    ((message, _),) = service.queue.sent
    service.work()
    service.store.client.hset(service.store._key("task", message.id), "state", "running")
    service.queue.send(message)
    assert service.work() == [State.SUCCEEDED, None]
    assert len(receiver.got) == 1


def test_a_dead_task_that_is_sent_anew_is_called_back_anew(redis_url: str, receiver: Receiver) -> None:
    """Whoever was told that it failed is told that it succeeded in the end."""
    failures = [ServerError("no")]

    def mended(body: Any, id: str, to: str | None) -> Any:
        if failures:
            raise failures.pop()
        return {"total": 6}

    service = make(redis_url, mended, done=callback())
    service.client.post("/sums/1", json={"url": receiver.url})
    service.work()
    (letter,) = service.store.dead()
    assert retry(service.runtime, letter) == Outcome.SENT
    assert service.work() == [State.SUCCEEDED] * 2
    assert [got.headers["pymtaskstate"] for got in receiver.got] == ["failed", "succeeded"]


def test_the_callback_is_queued_before_the_end_is_written(redis_url: str, receiver: Receiver) -> None:
    """A worker that dies between the two has lost nothing."""
    service = make(redis_url, six, done=callback())
    url = service.client.post("/sums/1", json={"url": receiver.url}).headers["Location"]
    states: list[str] = []
    send = service.queue.send

    def sent(message: Any, delay: float = 0) -> None:
        states.append(service.client.get(url).json["state"])
        send(message, delay)

    service.queue.send = sent  # type: ignore[method-assign]  # a look at the moment between
    service.work()
    assert states == ["running"]


def test_the_token_is_not_carried_on(redis_url: str, receiver: Receiver) -> None:
    """The callback's own message has no token, and whoever is called gets none."""
    service = make(redis_url, six, done=callback())
    token = bearer("alice")
    service.client.post("/sums/1", json={"url": receiver.url}, headers=token)
    service.executor.run(service.queue.sent.pop()[0])
    assert service.queue.sent[0][0].caller.token is None
    service.work()
    assert "authorization" not in receiver.got[0].headers


def test_without_a_secret_nothing_starts(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Callbacks that could not be signed are refused at start."""
    monkeypatch.setenv("PYM_ENV", "live")
    monkeypatch.setattr("services.SECRET", None)
    with pytest.raises(BindError, match="jwt_secret"):
        make(redis_url, six, done=callback())
