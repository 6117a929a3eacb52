"""Calls that fail: what the other service answers, and what it does not."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask import Response

from harness import NOBODY, json_of, make_api
from loopback import REF, post, service, silence
from pymacaron import add_error, apipool
from pymacaron.config import get_config
from pymacaron.exceptions import (
    AuthMissingHeaderError,
    CallFailedError,
    CallTimeoutError,
    ClientError,
    InternalValidationError,
    ValidationError,
)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((), {"n": "x"}, '"x" is not of type integer'),
        ((), {}, "the argument n is missing"),
        ((), {"n": 1, "m": 2}, "x has no parameter 'm'; it has n"),
        (({},), {"n": 1}, 'the property "name" is missing'),
        ((1, 2), {"n": 1}, "x takes one body"),
    ],
)
def test_wrong_arguments(arguments: tuple[Any, ...], options: dict[str, Any], message: str) -> None:
    """An argument that breaks the contract is refused before anything is sent."""
    parameters = [{"name": "n", "in": "query", "required": True, "schema": {"type": "integer"}}]
    document = post(parameters=parameters, requestBody=json_of(REF))
    make_api(document, {"x": lambda item, n: 1}, config={"services": {"shop": NOBODY}})
    with pytest.raises(InternalValidationError, match=message):
        apipool.shop.client.x(*arguments, **options)


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_path_cannot_be_left(value: str) -> None:
    """A value that would make the path of another operation is refused."""
    document = post(rule="/x/{p}", parameters=[{"name": "p", "in": "path", "required": True, "schema": {}}])
    make_api(document, {"x": lambda p: 1}, config={"services": {"shop": NOBODY}})
    with pytest.raises(InternalValidationError, match="cannot stand in a path"):
        apipool.shop.client.x(p=value)


@pytest.mark.parametrize(
    ("kind", "schema", "body", "message"),
    [
        ("text/plain", {"type": "string", "maxLength": 2}, "abc", "longer than 2"),
        ("text/plain", {"type": "string"}, 5, "give text, bytes, a file or an iterator, not int"),
        ("multipart/form-data", {"type": "object", "required": ["a"]}, {}, '"a" is missing'),
        ("multipart/form-data", {"type": "object"}, "text", "a form is a model or a dict, not str"),
    ],
)
def test_wrong_bodies(kind: str, schema: Any, body: Any, message: str) -> None:
    """Texts and forms are checked before they are sent as well."""
    document = post(requestBody={"content": {kind: {"schema": schema}}})
    make_api(document, {"x": lambda body: 1}, config={"services": {"shop": NOBODY}})
    with pytest.raises(InternalValidationError, match=message):
        apipool.shop.client.x(body)


def test_every_fault_of_the_arguments() -> None:
    """All faults are listed at once."""
    parameters = [{"name": n, "in": "query", "schema": {"type": "integer"}} for n in "ab"]
    document = post(parameters=parameters, requestBody=json_of(REF))
    make_api(document, {"x": lambda item, a, b: 1}, config={"services": {"shop": NOBODY}})
    with pytest.raises(InternalValidationError) as caught:
        apipool.shop.client.x({}, a="x", b="y")
    assert [(e["in"], e["pointer"]) for e in caught.value.errors] == [("query", "/a"), ("query", "/b"), ("body", "")]


def test_body_that_is_not_taken() -> None:
    """An operation without body refuses one."""
    make_api(post(), {"x": lambda: 1}, config={"services": {"shop": NOBODY}})
    with pytest.raises(InternalValidationError, match="x takes no body"):
        apipool.shop.client.x({"a": 1})


def failing(error: Exception) -> Any:
    def x() -> None:
        raise error

    return service(post(), {"x": x})


def test_error_of_the_other_service_is_raised() -> None:
    """An error status is raised as the error that the other service named."""
    locked = add_error(name="Locked", code="LOCKED", status=423)
    with failing(locked("no key", user_message="Later")) as client, pytest.raises(locked) as caught:
        client.x()
    assert (caught.value.status, caught.value.message, caught.value.user_message) == (423, "no key", "Later")


def test_faults_of_the_other_service_are_kept() -> None:
    """A 400 comes back with its list of faults."""
    parameters = [{"name": "n", "in": "query", "schema": True}]
    document = post(parameters=parameters)
    with service(document, {"x": lambda n: 1}) as client:
        document["paths"]["/x"]["post"]["parameters"][0]["schema"] = {"type": "integer"}
        with service(document, {"x": lambda n: 1}), pytest.raises(ValidationError) as caught:
            client.x(n="text")
    assert caught.value.errors[0]["pointer"] == "/n"


def test_problem_details_of_the_other_service() -> None:
    """Problem details are understood as well."""

    def x() -> None:
        raise AuthMissingHeaderError("who are you")

    with service(post(), {"x": x}, error_format="problem") as client, pytest.raises(AuthMissingHeaderError) as caught:
        client.x()
    assert caught.value.message == "who are you"


@pytest.mark.parametrize(
    ("response", "status", "message"),
    [
        (lambda: Response("<h1>gone</h1>", 410), 410, "answered 410: <h1>gone</h1>"),
        (lambda: Response("", 503), 503, "answered 503"),
        (lambda: Response('{"detail": 1}', 500, content_type="application/json"), 500, "answered 500"),
    ],
)
def test_error_of_another_form(response: Any, status: int, message: str) -> None:
    """An error that is none of ours is a ClientError with status and the beginning of the body."""
    with service(post(), {"x": response}) as client, pytest.raises(ClientError, match=message) as caught:
        client.x()
    assert (type(caught.value), caught.value.status) == (ClientError, status)
    assert "shop.x (POST http://127.0.0.1" in str(caught.value)


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (lambda: Response('{"name": 5}', 200, content_type="application/json"), "which breaks its contract: "),
        (lambda: Response("{", 200, content_type="application/json"), "which breaks its contract: this is no JSON"),
        (lambda: Response("a", 200, content_type="text/html"), "of type 'text/html', which its contract does not"),
        (lambda: Response("{}", 206), "answered 206, which its contract does not declare"),
        (lambda: Response("", 302, {"Location": "/elsewhere"}), "answered 302, which its contract does not declare"),
        (lambda: Response("", 200, content_type="application/json"), "which breaks its contract: this is no JSON"),
    ],
)
def test_bad_response(response: Any, message: str) -> None:
    """An answer that breaks its contract is a failed call."""
    document = post(responses={"200": json_of(REF)})
    with service(document, {"x": response}) as client, pytest.raises(CallFailedError, match=message) as caught:
        client.x()
    assert (caught.value.code, caught.value.status) == ("CALL_FAILED", 502)


def test_answer_without_a_body() -> None:
    """An answer that is empty, although its contract declares content, is a failed call."""

    def x() -> Response:
        made = Response("", 200)
        del made.headers["Content-Type"]
        return made

    with service(post(), {"x": x}) as client, pytest.raises(CallFailedError, match="answered 200 without a body"):
        client.x()


def test_unreachable() -> None:
    """A service that nobody serves is a failed call that names it."""
    make_api(post(), {"x": lambda: 1}, config={"services": {"shop": NOBODY}})
    with pytest.raises(CallFailedError, match=r"shop\.x \(POST http://127.0.0.1:1/x\) failed: "):
        apipool.shop.client.x()


def test_unknown_host() -> None:
    """So is one whose URL makes no sense."""
    make_api(post(), {"x": lambda: 1}, config={"services": {"shop": "http://[bad"}})
    with pytest.raises(CallFailedError, match=r"shop\.x \(POST "):
        apipool.shop.client.x()


def test_timeout() -> None:
    """A service that does not answer in time is a timeout, after the seconds of pym-config."""
    with silence() as url:
        make_api(post(), {"x": lambda: 1}, config={"services": {"shop": url}, "timeout": 0.05})
        with pytest.raises(CallTimeoutError, match=r"did not answer within 0.05 s") as caught:
            apipool.shop.client.x()
        assert (caught.value.code, caught.value.status) == ("CALL_TIMEOUT", 504)
        make_api(post(), {"x": lambda: 1}, config={"services": {"shop": url}}, timeout=0.06)
        with pytest.raises(CallTimeoutError, match=r"within 0.06 s"):
            apipool.shop.client.x()


class Breaking(BaseHTTPRequestHandler):
    """Promises more than it sends."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"{")

    def log_message(self, *_: object) -> None:
        pass


def test_answer_that_breaks_off() -> None:
    """A connection that ends in the middle is a failed call."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Breaking) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        make_api(post(), {"x": lambda: 1}, config={"services": {"shop": url}})
        with pytest.raises(CallFailedError, match=r"shop\.x .* failed: "):
            apipool.shop.client.x()
        server.shutdown()


def test_error_of_a_call_becomes_the_response() -> None:
    """A handler whose call fails answers 502, and 504 after a timeout, unless it handles the error."""
    with silence() as url:

        def x() -> Any:
            return apipool.other.client.x()

        api = make_api(post(), {"x": x}, error_reporter=lambda **_: None, timeout=0.05)
        apipool.load_swagger("other", post())
        client: Any = api.app.test_client()
        get_config().values["services"] = {"other": NOBODY}
        assert (client.post("/x").status_code, client.post("/x").json["error"]) == (502, "CALL_FAILED")
        get_config().values.update(services={"other": url}, timeout=0.05)
        assert (client.post("/x").status_code, client.post("/x").json["error"]) == (504, "CALL_TIMEOUT")
