"""Error responses: one kind of body for all of them, and nothing in it that is nobody's business."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flask import Response, abort, redirect

from harness import Handlers, caller, json_of, make_api, openapi, serve
from pymacaron import add_error
from pymacaron.exceptions import PyMacaronException, ServerError

OPERATION = {
    "get": {
        "operationId": "work",
        "parameters": [
            {"name": "size", "in": "query", "schema": {"type": "integer", "maximum": 5}},
            {"name": "color", "in": "query", "required": True, "schema": {"enum": ["red", "blue"]}},
        ],
        "responses": {"200": json_of({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}})},
    },
    "post": {
        "operationId": "keep",
        "requestBody": {**json_of({"type": "object"}), "required": True},
        "responses": {"204": {"description": "kept"}},
    },
}
DOCUMENT = openapi({"/work": OPERATION})


def raising(error: BaseException | type[BaseException]) -> Handlers:
    """Make handlers that raise."""

    def work(**_: Any) -> None:
        raise error

    return {"work": work, "keep": lambda body: None}


GOOD = "/work?color=red"


def test_body_of_an_invalid_request() -> None:
    """A request that breaks the contract lists every fault: where, what keyword, what was seen."""
    response = serve(DOCUMENT, raising(ValueError)).get("/work?size=9&color=green")
    assert response.status_code == 400
    assert response.content_type == "application/json"
    body = response.json
    assert body.keys() == {"status", "error", "error_description", "error_id", "errors"}
    assert (body["status"], body["error"]) == (400, "INVALID_PARAMETER")
    assert UUID(body["error_id"]).version == 4
    assert [(e["in"], e["pointer"], e["keyword"]) for e in body["errors"]] == [
        ("query", "/size", "maximum"),
        ("query", "/color", "enum"),
    ]
    assert "9" in body["errors"][0]["message"]
    assert body["errors"][0]["message"] in body["error_description"]


def test_error_of_the_service() -> None:
    """An error of one's own has its code, status, message for developers and message for users."""
    made = add_error(name="ShedIsLocked", code="SHED_IS_LOCKED", status=423)
    response = serve(DOCUMENT, raising(made("no key", user_message="Come back later", headers={"X-Why": "z"}))).get(
        GOOD
    )
    assert response.status_code == 423
    assert {k: v for k, v in response.json.items() if k != "error_id"} == {
        "status": 423,
        "error": "SHED_IS_LOCKED",
        "error_description": "no key",
        "user_message": "Come back later",
    }
    assert response.headers["X-Why"] == "z"


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        ("GET", "/nowhere", {}, 404, "NO_SUCH_ENDPOINT"),
        ("PUT", "/work", {}, 405, "METHOD_NOT_ALLOWED"),
        ("GET", GOOD, {"headers": {"Accept": "text/html"}}, 406, "NOT_ACCEPTABLE"),
        ("POST", "/work", {"json": {"a": "x" * 200}}, 413, "BODY_TOO_LARGE"),
        ("POST", "/work", {"data": "x", "content_type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", "/work", {"data": "{", "content_type": "application/json"}, 400, "INVALID_PARAMETER"),
    ],
)
def test_errors_of_http(method: str, path: str, options: dict[str, Any], status: int, code: str) -> None:
    """Errors that no handler raises have the same body."""
    client = serve(DOCUMENT, raising(ValueError), config={"max_body_bytes": 100})
    response = client.open(path, method=method, **options)
    assert (response.status_code, response.json["status"], response.json["error"]) == (status, status, code)
    assert response.json["error_description"]
    assert response.json["error_id"]
    assert response.content_type == "application/json"


def test_405_names_the_methods_allowed() -> None:
    """A method that is not there comes back with those that are (RFC 9110, section 15.5.6)."""
    allowed = serve(DOCUMENT, raising(ValueError)).delete("/work").headers["Allow"]
    assert {"GET", "POST"} <= {name.strip() for name in allowed.split(",")}
    assert "DELETE" not in allowed


def test_401_challenges() -> None:
    """An authentication error says how to authenticate (RFC 6750, section 3)."""
    response = serve(DOCUMENT, raising(ValueError)).get("/auth/version")
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("status", [403, 409, 418, 429, 503])
def test_abort(status: int) -> None:
    """Werkzeug's own errors, raised by a handler, have the body too."""

    def work(**_: Any) -> None:
        abort(status)

    response = serve(DOCUMENT, {**raising(ValueError), "work": work}, error_reporter=lambda **_: None).get(GOOD)
    assert (response.status_code, response.json["status"]) == (status, status)
    assert response.json["error"].isupper()


def test_abort_with_a_response_stays() -> None:
    """A response that was raised, and a redirect, are sent as they are."""

    def work(color: str, **_: Any) -> Any:
        if color == "red":
            abort(Response("mine", 402))
        return redirect("/elsewhere")

    client = serve(DOCUMENT, {**raising(ValueError), "work": work})
    assert (client.get(GOOD).status_code, client.get(GOOD).text) == (402, "mine")
    assert client.get("/work?color=blue").location == "/elsewhere"


class Reports(list[dict[str, Any]]):
    """An error reporter that keeps what it gets."""

    def __call__(self, **report: Any) -> None:
        self.append(report)


def test_failure_is_reported_once_and_hidden() -> None:
    """A handler that raises answers 500 with an id and no detail; the report has all of them, once."""
    reports = Reports()
    client = serve(DOCUMENT, raising(RuntimeError("database at 10.0.0.1 is down")), error_reporter=reports)
    response = client.get(GOOD, headers={"Authorization": "Bearer hush"})
    assert response.status_code == 500
    assert response.json["error"] == "SERVER_ERROR"
    assert response.json["error_description"] == "the service failed; quote error_id to its developers"
    assert "10.0.0.1" not in response.text
    assert "Traceback" not in response.text
    (report,) = reports
    assert isinstance(report["exception"], RuntimeError)
    assert "10.0.0.1" in report["title"]
    assert any("raise error" in line for line in report["data"]["trace"])
    assert report["data"]["error_id"] == response.json["error_id"]
    assert "hush" not in str(report)


def test_process_lives() -> None:
    """After any number of failures the service still serves."""
    client = serve(DOCUMENT, raising(RecursionError("too deep")), error_reporter=Reports())
    assert [client.get(GOOD).status_code for _ in range(20)] == [500] * 20
    assert client.get("/ping").status_code == 200


@pytest.mark.parametrize(
    ("error", "reported"),
    [
        (ServerError("x"), 1),
        (PyMacaronException("x", status=502), 1),
        (PyMacaronException("x", status=409), 0),
        (MemoryError(), 1),
    ],
)
def test_only_5xx_is_reported(error: Exception, reported: int) -> None:
    """What the caller did wrong is no failure of the service."""
    reports = Reports()
    serve(DOCUMENT, raising(error), error_reporter=reports).get(GOOD)
    assert len(reports) == reported


def test_bad_response_is_reported_never_sent() -> None:
    """A result that breaks the contract is a 500 whose faults only the report has."""
    reports = Reports()
    handlers = {**raising(ValueError), "work": lambda **_: {"a": "secret text"}}
    response = serve(DOCUMENT, handlers, error_reporter=reports).get(GOOD)
    assert (response.status_code, response.json["error"]) == (500, "BAD_RESPONSE")
    assert "secret text" not in response.text
    assert "errors" not in response.json
    assert reports[0]["exception"].errors[0]["pointer"] == "/a"


def test_debug_mode_says_what_happened() -> None:
    """In debug mode the body names the exception, and lists the faults of a bad response."""
    api = make_api(DOCUMENT, raising(RuntimeError("boom")), error_reporter=Reports())
    api.app.debug = True
    assert caller(api.app).get(GOOD).json["error_description"] == "RuntimeError: boom"
    api = make_api(DOCUMENT, {**raising(ValueError), "work": lambda **_: {}}, error_reporter=Reports())
    api.app.debug = True
    assert caller(api.app).get(GOOD).json["errors"][0]["keyword"] == "required"


def test_problem_details() -> None:
    """error_format: problem answers problem details (RFC 9457), faults and user message included."""
    client = serve(DOCUMENT, raising(ServerError(user_message="Sorry")), config={"error_format": "problem"})
    response = client.get("/work?color=green")
    assert response.content_type == "application/problem+json"
    body = response.json
    assert body.keys() == {"type", "title", "status", "detail", "instance", "code", "errors"}
    assert (body["type"], body["title"], body["status"]) == ("about:blank", "Bad Request", 400)
    assert body["code"] == "INVALID_PARAMETER"
    assert UUID(body["instance"].removeprefix("urn:uuid:")).version == 4
    failed = client.get(GOOD)
    assert (failed.status_code, failed.json["user_message"]) == (500, "Sorry")
    assert client.get("/nowhere").json["title"] == "Not Found"


def test_error_callback_replaces_the_body() -> None:
    """The callback gets the exception; what it returns is the body, the status stays."""
    seen: list[BaseException] = []

    def callback(error: BaseException) -> dict[str, Any]:
        seen.append(error)
        return {"oops": str(error)}

    client = serve(DOCUMENT, raising(ValueError("x")), error_callback=callback, error_reporter=Reports())
    response = client.get(GOOD)
    assert (response.status_code, response.json, response.content_type) == (500, {"oops": "x"}, "application/json")
    assert client.get("/nowhere").status_code == 404
    assert len(seen) == 2


def test_error_callback_may_return_a_response() -> None:
    """A response of Flask's is sent as it is, with its own status."""
    client = serve(
        DOCUMENT, raising(ValueError), error_callback=lambda _: Response("sorry", 599, content_type="text/x")
    )
    response = client.get("/nowhere")
    assert (response.status_code, response.text, response.content_type) == (599, "sorry", "text/x")


def fail(_: BaseException) -> Any:
    """Fail."""
    raise RuntimeError("the callback is broken")


@pytest.mark.parametrize("callback", [fail, lambda _: None, lambda _: {"x": object()}])
def test_error_callback_that_fails(callback: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A callback that raises, returns nothing, or what JSON cannot hold, leaves the usual body."""
    client = serve(DOCUMENT, raising(ValueError), error_callback=callback, error_reporter=Reports())
    response = client.get(GOOD)
    assert (response.status_code, response.json["error"]) == (500, "SERVER_ERROR")


def test_error_reporter_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    """A reporter that raises does not change the answer."""

    def broken(**_: Any) -> None:
        raise RuntimeError("no network")

    response = serve(DOCUMENT, raising(ValueError), error_reporter=broken).get(GOOD)
    assert (response.status_code, response.json["error"]) == (500, "SERVER_ERROR")
    assert "the error_reporter failed" in caplog.text


def test_message_that_is_no_unicode() -> None:
    """A message with lone surrogates, as file names may have, is answered all the same."""
    response = serve(DOCUMENT, raising(PyMacaronException("a\udcffb", status=409))).get(GOOD)
    assert response.status_code == 409
    assert response.json["error"] == "SERVER_ERROR"


def test_error_handler_of_the_service_wins() -> None:
    """A handler that the service registers for its own exception answers instead of ours."""
    api = make_api(DOCUMENT, raising(KeyError("x")), error_reporter=Reports())
    api.app.register_error_handler(KeyError, lambda error: ("mine", 499))
    response = caller(api.app).get(GOOD)
    assert (response.status_code, response.text) == (499, "mine")
