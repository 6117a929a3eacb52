"""Operations with ``x-pym-async``: 202 at once, the handler in a worker."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from flask import Flask, Response, abort, g, request

from pymacaron import SwaggerFormat, apipool
from pymacaron.auth import get_userid, requires_auth
from pymacaron.calls import get_call_id
from pymacaron.exceptions import BindError, PyMacaronException, ServerError
from pymacaron_async import asynctask, task
from pymacaron_async.store import State
from services import Service, bearer, json_of, openapi, serve

ORDER = {
    "type": "object",
    "required": ["item"],
    "properties": {
        "item": {"type": "string"},
        "when": {"type": "string", "format": "date-time"},
        "pin": {"type": "string", "writeOnly": True},
    },
}
RECEIPT = {"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}}
BEARER = {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}, "schemas": {"Order": ORDER}}


def contract(responses: dict[str, Any] | None = None, **operation: Any) -> dict[str, Any]:
    """Write a contract with one asynchronous operation."""
    made = {
        "operationId": "buy",
        "x-pym-async": True,
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}},
            {"name": "count", "in": "query", "schema": {"type": "integer"}},
        ],
        "requestBody": {"required": True, **json_of({"$ref": "#/components/schemas/Order"})},
        "responses": responses or {"200": json_of(RECEIPT)},
        **operation,
    }
    return openapi({"/orders/{id}": {"post": made}}, servers=[{"url": "/v1"}], components=BEARER)


ID = "0d3b4a52-5e0a-4e3e-8a37-d5e1bd6ee1d5"
URL = f"/v1/orders/{ID}"


def outcome(service: Service, answer: Any, headers: dict[str, str] | None = None) -> Any:
    """Run what is queued and return the task's document."""
    assert answer.status_code == 202, answer.json
    service.work()
    return service.client.get(answer.headers["Location"], headers=headers).json


def test_accepted_then_run(redis_url: str) -> None:
    """The request is answered 202 with the task; the worker gets models and values as the handler would."""
    seen: list[Any] = []

    def buy(order: Any, id: Any, count: int | None) -> Any:
        seen.append((type(order), order.item, order.when.year, order.pin, type(id).__name__, count))
        return {"total": 3.5}

    service = serve(redis_url, contract(), {"buy": buy})
    body = {"item": "tea", "when": "2026-01-02T03:04:05Z", "pin": "1234"}
    answer = service.client.post(f"{URL}?count=2", json=body)
    assert (answer.status_code, seen) == (202, [])
    id = answer.json["id"]
    assert answer.headers["Location"] == f"/v1/tasks/{id}"
    assert answer.headers["Retry-After"] == "1"
    assert (answer.json["state"], answer.json["progress"]) == ("queued", {"done": 0, "total": 1, "message": ""})
    assert service.work() == [State.SUCCEEDED]
    assert seen == [(apipool.shop.Order, "tea", 2026, "1234", "UUID", 2)]
    shown = service.client.get(f"/v1/tasks/{id}").json
    assert (shown["state"], shown["result"], shown["result_status"]) == ("succeeded", {"total": 3.5}, 200)
    assert (shown["attempt"], shown["progress"]["done"]) == (1, 1)
    assert shown["created"] <= shown["started"] <= shown["ended"]


def test_a_request_that_breaks_the_contract_starts_nothing(redis_url: str) -> None:
    """It is answered 400 as ever, and nothing is queued."""
    service = serve(redis_url, contract(), {"buy": lambda order, id, count: None})
    answer = service.client.post(f"{URL}?count=many", json={})
    assert (answer.status_code, {each["in"] for each in answer.json["errors"]}) == (400, {"query", "body"})
    assert service.queue.sent == []


@pytest.mark.parametrize(
    "operation", [{"security": [{"bearer": []}]}, {"x-decorate-server": "pymacaron.auth.requires_auth"}]
)
def test_an_operation_that_needs_a_token(redis_url: str, operation: dict[str, Any]) -> None:
    """Nobody starts it without a token, in the contract's way or a decorator's; the handler has its user."""
    service = serve(
        redis_url, contract(**operation), {"buy": lambda order, id, count: {"total": len(get_userid() or "")}}
    )
    assert service.client.post(URL, json={"item": "tea"}).status_code == 401
    assert service.queue.sent == []
    answer = service.client.post(URL, json={"item": "tea"}, headers=bearer("alice"))
    assert outcome(service, answer, bearer("alice"))["result"] == {"total": 5}


def test_the_decorator_runs_in_the_request_alone(redis_url: str) -> None:
    """A worker does not refuse a task because the token of its caller has expired since."""
    states: list[str] = []

    def buy(order: Any, id: Any, count: Any) -> Any:
        states.append(f"{get_userid()} {task.token_state}")
        return {"total": 1}

    assert requires_auth(buy).__wrapped__ is buy  # type: ignore[attr-defined]  # functools.wraps sets it
    service = serve(
        redis_url,
        contract(None, **{"x-decorate-server": "pymacaron.auth.requires_auth"}),
        {"buy": buy},
        config={"jwt_leeway": 0.01},
    )
    answer = service.client.post(URL, json={"item": "tea"}, headers=bearer("alice", expire_in=1.5))
    time.sleep(1.6)
    assert outcome(service, answer, bearer("alice"))["state"] == "succeeded"
    assert states == ["alice expired"]


def test_the_request_around_the_handler(redis_url: str) -> None:
    """Method, URL, headers and call id are the request's; credentials other than the token stay behind."""
    seen: dict[str, Any] = {}

    def buy(order: Any, id: Any, count: Any) -> Any:
        seen.update(
            method=request.method,
            url=request.url,
            headers={name.lower(): value for name, value in request.headers.items()},
            cookies=dict(request.cookies),
            call=get_call_id(),
            endpoint=request.endpoint,
            remote=request.remote_addr,
        )
        return {"total": 1}

    service = serve(redis_url, contract(security=[{"bearer": []}]), {"buy": buy})
    given = bearer("alice")
    service.client.set_cookie("session", "private")
    headers = {**given, "PymCallID": "call-1", "X-Tenant": "t1", "X-Api-Key": "private", "Accept-Language": "sv"}
    answer = service.client.post(f"{URL}?count=1&api_key=private&x=%C3%A9", json={"item": "tea"}, headers=headers)
    (message, _) = service.queue.sent[0]
    assert "private" not in message.call
    assert str(given["Authorization"]).split()[1] not in message.call
    assert outcome(service, answer, given)["state"] == "succeeded"
    assert (seen["method"], seen["endpoint"], seen["call"]) == ("POST", "shop:buy", "call-1")
    assert seen["url"] == f"http://localhost{URL}?count=1&x=é"
    kept = {"x-tenant": "t1", "accept-language": "sv", "authorization": given["Authorization"]}
    assert kept.items() <= seen["headers"].items()
    assert "x-api-key" not in seen["headers"]
    assert (seen["cookies"], seen["remote"]) == ({}, "127.0.0.1")


def test_functions_before_and_after_the_request(redis_url: str) -> None:
    """What an app does before its requests is done in the worker too, and so is what it does at their end."""
    app = Flask("app")
    done: list[str] = []

    @app.before_request
    def opens() -> None:
        g.tenant = request.headers.get("X-Tenant")

    @app.teardown_request
    def closes(_: BaseException | None) -> None:
        done.append("closed")

    service = serve(redis_url, contract(), {"buy": lambda order, id, count: {"total": int(g.tenant)}}, app)
    answer = service.client.post(URL, json={"item": "tea"}, headers={"X-Tenant": "7"})
    done.clear()
    assert service.work() == [State.SUCCEEDED]
    assert done == ["closed"]
    assert service.client.get(answer.headers["Location"]).json["result"] == {"total": 7}


class OutOfTea(PyMacaronException):
    code = "OUT_OF_TEA"
    status = 409


def raising(error: Exception) -> Any:
    """Return a handler that raises."""

    def buy(order: Any, id: Any, count: Any) -> Any:
        raise error

    return buy


@pytest.mark.parametrize("error_format", ["pymacaron", "problem"])
def test_an_error_of_the_callers(redis_url: str, error_format: str) -> None:
    """It is the endpoint's own error body; the task is neither reported nor among the dead, and never run again."""
    reports: list[Any] = []
    handler = asynctask(max_retries=3)(raising(OutOfTea("no tea is left", user_message="No tea")))
    service = serve(
        redis_url,
        contract(),
        {"buy": handler},
        config={"error_format": error_format},
        error_reporter=lambda **report: reports.append(report),
    )
    answer = service.client.post(URL, json={"item": "tea"})
    assert service.work() == [State.FAILED]
    shown = service.client.get(answer.headers["Location"]).json
    error, again = shown["error"], service.client.get(answer.headers["Location"]).json["error"]
    assert (shown["state"], error["status"], error["user_message"]) == ("failed", 409, "No tea")
    if error_format == "problem":
        assert (error["code"], error["detail"], error["title"]) == ("OUT_OF_TEA", "no tea is left", "Conflict")
    else:
        assert (error["error"], error["error_description"]) == ("OUT_OF_TEA", "no tea is left")
        assert error["error_id"]
    assert error == again
    assert (reports, service.store.count_dead()) == ([], 0)


def test_an_error_of_the_services(redis_url: str) -> None:
    """The body hides what happened; the report has the trace, the task and the error id; the task is dead."""
    reports: list[Any] = []
    service = serve(
        redis_url,
        contract(),
        {"buy": raising(RuntimeError("the till is on fire"))},
        error_reporter=lambda **report: reports.append(report),
    )
    shown = outcome(service, service.client.post(URL, json={"item": "tea"}))
    assert (shown["error"]["status"], shown["error"]["error"]) == (500, "SERVER_ERROR")
    assert "fire" not in json.dumps(shown)
    (report,) = reports
    assert "fire" in report["title"]
    assert report["data"]["data"]["task"]["id"] == shown["id"]
    assert report["data"]["data"]["error_id"] == shown["error"]["error_id"]
    assert service.store.count_dead() == 1


def test_a_handler_that_is_a_task_is_retried(redis_url: str) -> None:
    """Its options count: it runs again after the service's own errors."""
    failures = [ServerError("one"), ServerError("two")]

    @asynctask(max_retries=2, backoff=0.01)
    def buy(order: Any, id: Any, count: Any) -> Any:
        if failures:
            raise failures.pop()
        return {"total": task.attempt}

    service = serve(redis_url, contract(), {"buy": buy})
    shown = outcome(service, service.client.post(URL, json={"item": "tea"}))
    assert (shown["result"], shown["attempt"]) == ({"total": 3}, 3)
    assert "error" not in shown


def test_a_result_that_breaks_the_contract(redis_url: str) -> None:
    """It is never kept: the task fails with BAD_RESPONSE."""
    service = serve(
        redis_url, contract(), {"buy": lambda order, id, count: {"sum": 1}}, error_reporter=lambda **_: None
    )
    shown = outcome(service, service.client.post(URL, json={"item": "tea"}))
    assert (shown["state"], shown["error"]["error"]) == ("failed", "BAD_RESPONSE")


def streamed() -> Any:
    """Yield a result in parts."""
    yield "a;"
    yield "b"


CSV = {"description": "a table", "content": {"text/csv": {}}}
PNG = {"description": "an image", "content": {"image/png": {}}}
RESULTS: list[tuple[dict[str, Any], Any, tuple[int, str | None, bytes]]] = [
    ({"200": json_of(RECEIPT)}, {"total": 1}, (200, "application/json", b'{"total":1}')),
    ({"200": json_of(RECEIPT), "201": json_of({})}, ({"a": 1}, 201), (201, "application/json", b'{"a":1}')),
    ({"200": json_of(RECEIPT), "204": {"description": "none"}}, None, (204, None, b"")),
    ({"202": {"description": "later"}}, None, (204, None, b"")),
    ({"200": CSV}, streamed, (200, "text/csv; charset=utf-8", b"a;b")),
    ({"200": PNG}, b"\x89PNG\xff", (200, "image/png", b"\x89PNG\xff")),
    ({"200": CSV}, lambda: Response("own", 203, content_type="text/x"), (203, "text/x", b"own")),
]


@pytest.mark.parametrize(("responses", "result", "kept"), RESULTS, ids=[str(each[2]) for each in RESULTS])
def test_the_bare_result(redis_url: str, responses: Any, result: Any, kept: Any) -> None:
    """``/tasks/<id>/result`` is 202 at first, then what the endpoint would have answered, of any media type."""
    service = serve(
        redis_url, contract(responses), {"buy": lambda order, id, count: result() if callable(result) else result}
    )
    started = service.client.post(URL, json={"item": "tea"})
    url = f"{started.headers['Location']}/result"
    early = service.client.get(url)
    assert (early.status_code, early.headers["Location"]) == (202, started.headers["Location"])
    assert (early.json["state"], early.headers["Retry-After"]) == ("queued", "1")
    assert service.work() == [State.SUCCEEDED]
    answer = service.client.get(url)
    assert (answer.status_code, answer.headers.get("Content-Type"), answer.data) == kept


def test_headers_of_the_result(redis_url: str) -> None:
    """They are checked, and kept; cookies are not."""
    wanted = {**json_of(RECEIPT), "headers": {"X-Left": {"schema": {"type": "integer"}}}}
    result = ({"total": 1}, 200, {"X-Left": "4", "Set-Cookie": "a=b"})
    service = serve(redis_url, contract({"200": wanted}), {"buy": lambda order, id, count: result})
    answer = service.client.post(URL, json={"item": "tea"})
    service.work()
    found = service.client.get(f"{answer.headers['Location']}/result").headers
    assert (found["X-Left"], "Set-Cookie" in found) == ("4", False)


@pytest.mark.parametrize("raised", [lambda: abort(404), lambda: ({"message": "no"}, 404), lambda: Response("no", 404)])
def test_error_answers_of_all_kinds(redis_url: str, raised: Any) -> None:
    """A declared error status, an HTTP exception and a response of Flask's end the task as failed, and bury nothing."""
    responses = {"200": json_of(RECEIPT), "404": json_of({})}
    service = serve(redis_url, contract(responses), {"buy": lambda order, id, count: raised()})
    started = service.client.post(URL, json={"item": "tea"})
    assert service.work() == [State.FAILED]
    assert service.client.get(f"{started.headers['Location']}/result").status_code == 404
    assert service.store.count_dead() == 0


TASK = {
    "type": "object",
    "required": ["id", "state", "progress"],
    "properties": {"id": {"type": "string", "format": "uuid"}, "state": {"type": "string"}, "progress": {}},
}


def test_a_declared_202(redis_url: str) -> None:
    """The answer is made by it, its headers too; the handler's result is not."""
    declared = {**json_of(TASK), "headers": {"Location": {"required": True, "schema": {"type": "string"}}}}
    service = serve(
        redis_url, contract({"200": json_of(RECEIPT), "202": declared}), {"buy": lambda *_, **__: {"total": 1}}
    )
    answer = service.client.post(URL, json={"item": "tea"})
    assert answer.headers.getlist("Location") == [f"/v1/tasks/{answer.json['id']}"]
    assert outcome(service, answer)["result"] == {"total": 1}


REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"requestBody": {"content": {"application/octet-stream": {}}}},
        "its body of type application/octet-stream is a stre",
    ),
    (
        {
            "requestBody": {
                "content": {
                    "multipart/form-data": {
                        "schema": {"type": "object", "properties": {"f": {"type": "string", "format": "binary"}}}
                    }
                }
            }
        },
        "its body of type multipart/form-data is a stream or a file",
    ),
    (
        {"responses": {"200": json_of(RECEIPT), "202": json_of(RECEIPT)}},
        "its response 202 does not fit what x-pym-async",
    ),
    (
        {"callbacks": {"done": {"{$request.boddy}": {"post": {"responses": {}}}}}},
        "$request.boddy is no runtime expression",
    ),
]


@pytest.mark.parametrize(("operation", "said"), REFUSED, ids=[each[1][:40] for each in REFUSED])
def test_what_no_worker_can_be_sent_ends_the_start(redis_url: str, operation: dict[str, Any], said: str) -> None:
    """The message names the operation, the fault and the mend."""
    with pytest.raises(BindError) as caught:
        serve(redis_url, contract(**operation), {"buy": lambda *_, **__: None})
    assert "'buy'" in caught.value.message
    assert said in " ".join(caught.value.message.split())


def test_an_own_format_ends_the_start(redis_url: str) -> None:
    """A parameter whose values only the service itself can write is refused."""

    coordinates = SwaggerFormat("place", lambda text: text.split(","), ",".join, lambda text: None, "a place")
    parameters = [
        {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
        {"name": "at", "in": "query", "schema": {"type": "string", "format": "place"}},
    ]
    with pytest.raises(BindError, match="its parameter 'at' has the format 'place'"):
        serve(redis_url, contract(parameters=parameters), {"buy": lambda *_, **__: None}, formats=[coordinates])


def test_a_coroutine_and_progress(redis_url: str) -> None:
    """A handler may be a coroutine, and tells how far it is."""

    async def buy(order: Any, id: Any, count: Any) -> Any:
        task.progress(3, 10, "brewing")
        return {"total": 1}

    service = serve(redis_url, contract(), {"buy": buy})
    shown = outcome(service, service.client.post(URL, json={"item": "tea"}))
    assert shown["progress"] == {"done": 3, "total": 10, "message": "brewing"}


def test_a_result_that_is_too_large(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is no place for large files: the task fails."""
    monkeypatch.setattr("pymacaron_async.results.MOST_BYTES", 1000)
    service = serve(
        redis_url,
        contract({"200": PNG}),
        {"buy": lambda order, id, count: bytes(1001)},
        error_reporter=lambda **_: None,
    )
    assert outcome(service, service.client.post(URL, json={"item": "tea"}))["error"]["error"] == "BAD_RESPONSE"


def test_a_user_without_a_token(redis_url: str) -> None:
    """Who was known by another credential than a token is known in the worker too, without that credential."""
    document = contract(security=[{"basic": []}])
    document["components"]["securitySchemes"]["basic"] = {
        "type": "http",
        "scheme": "basic",
        "x-pym-verify": "handlers.known",
    }
    handlers: dict[str, Any] = {
        "buy": lambda order, id, count: {"total": len(get_userid() or "")},
        "known": lambda user, password: user,
    }
    service = serve(redis_url, document, handlers)
    headers = {"Authorization": "Basic " + base64.b64encode(b"bob:open").decode()}
    answer = service.client.post(URL, json={"item": "tea"}, headers=headers)
    assert outcome(service, answer, headers)["result"] == {"total": 3}
    assert service.client.get(answer.headers["Location"]).status_code == 404


def test_a_unique_operation(redis_url: str) -> None:
    """The same request again is answered with the task that waits or runs already."""
    handler = asynctask(unique_for=60)(lambda order, id, count: {"total": 1})
    service = serve(redis_url, contract(), {"buy": handler})
    first, again = (service.client.post(URL, json={"item": "tea"}) for _ in range(2))
    other = service.client.post(URL, json={"item": "cake"})
    assert first.headers["Location"] == again.headers["Location"] != other.headers["Location"]
    assert again.json["id"] == first.json["id"]
    assert service.work() == [State.SUCCEEDED] * 2


def test_a_broker_that_is_away(redis_url: str) -> None:
    """The request is answered 503, and may be made again."""
    service = serve(
        redis_url, contract(), {"buy": raising(ValueError())}, config={"celery_broker_url": "redis://127.0.0.1:1"}
    )
    answer = service.client.post(URL, json={"item": "tea"})
    assert (answer.status_code, answer.json["error"], answer.headers["Retry-After"]) == (503, "TASK_NOT_QUEUED", "5")


@pytest.mark.parametrize("version", ["2.0", "3.0.3"])
def test_older_contracts(redis_url: str, version: str) -> None:
    """Operations of Swagger 2.0 and OpenAPI 3.0 may be asynchronous too."""
    responses = {
        "200": {"description": "OK", "schema": {"type": "object"}} if version == "2.0" else json_of({"type": "object"})
    }
    document = {
        "info": {"title": "Shop", "version": "1"},
        "paths": {"/a": {"post": {"operationId": "buy", "x-pym-async": True, "responses": responses}}},
        **({"swagger": version, "produces": ["application/json"]} if version == "2.0" else {"openapi": version}),
    }
    service = serve(redis_url, document, {"buy": lambda: {"a": 1}})
    assert outcome(service, service.client.post("/a"))["result"] == {"a": 1}
