"""Responses of the contract lane: what Flask would send, header for header."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import flask
import pytest
from flask import Response, g, jsonify, make_response, redirect, render_template_string, request, send_file
from werkzeug.test import create_environ, run_wsgi_app
from werkzeug.wrappers import Response as PlainResponse

from lane_pair import GET, POST, Stage, assert_same, nothing, steady
from lane_pair import request as ask

if TYPE_CHECKING:
    from collections.abc import Iterator


class Counting(io.BytesIO):
    """A file that tells when it is closed."""

    stage: Stage

    def close(self) -> None:
        """Close, and tell."""
        if not self.closed:
            self.stage.note("closed")
        super().close()


def results(stage: Stage) -> dict[str, Any]:
    """Return what handlers may return, by name."""
    file = Counting(b"a file's text")
    file.stage = stage

    def generate() -> Iterator[str]:
        try:
            yield "a"
            yield "b"
        finally:
            stage.note("generator closed", flask.has_request_context())

    def with_context() -> Iterator[str]:
        yield request.path
        yield f" {g.user}"
        yield f" {flask.session.get('a')}"

    return {
        "value": lambda: {"a": 1},
        "list": lambda: [1, "é", None],
        "text": lambda: "text",
        "status": lambda: ({"a": 1}, 202),
        "headers": lambda: ({"a": 1}, 200, {"X-One": "1", "x-two": "2"}),
        "location": lambda: ({"a": 1}, 201, {"Location": "/v1/é", "X-One": "1"}),
        "content location": lambda: ({"a": 1}, 200, {"Content-Location": "/v1/é"}),
        "content type": lambda: ({"a": 1}, 200, {"Content-Type": "application/vnd.own+json"}),
        "content length": lambda: ({"a": 1}, 200, {"Content-Length": "3"}),
        "a header of two lines": lambda: ({"a": 1}, 200, {"X-One": "1\r\nX-Two: 2"}),
        "a header beyond latin-1": lambda: ({"a": 1}, 200, {"X-One": "é"}),
        "teapot": lambda: ({"a": 1}, 418),
        "no content": lambda: ({"a": 1}, 204),
        "not modified": lambda: ({"a": 1}, 304, {"ETag": '"a"', "Last-Modified": "x"}),
        "early hints": lambda: ({"a": 1}, 103),
        "unknown status": lambda: ({"a": 1}, 299),
        "response": lambda: Response("made", 203, {"X-Made": "yes"}),
        "plain response": lambda: PlainResponse("plain", 203),
        "jsonify": lambda: jsonify(a=1),
        "make_response": lambda: make_response("made", 404),
        "redirect": lambda: redirect("/elsewhere"),
        "file": lambda: send_file(file, mimetype="text/plain"),
        "range": lambda: send_file(file, mimetype="text/plain", conditional=True),
        "generator": lambda: generate(),
        "file object": lambda: file,
        "stream_with_context": lambda: flask.stream_with_context(with_context()),
        "streamed response": lambda: Response(flask.stream_with_context(with_context()), mimetype="text/plain"),
        "template": lambda: render_template_string(
            "{{ request.path }} {{ g.user }} {{ session.a }} {{ here }} {{ url_for('ping:ping') }}"
        ),
        "nothing": lambda: None,
        "wrong": lambda: ({"a": 1}, "two", "three", "four"),
        "no JSON": lambda: object(),
        "cookie": lambda: _with_cookie(),
    }


def _with_cookie() -> Response:
    made = make_response("cookie")
    made.set_cookie("a", "b", max_age=5)
    made.vary.add("Accept")
    return made


NAMES = list(results(Stage(True, flask.Flask("app"))))


def returning(stage: Stage, name: str) -> None:
    """Let handlers of JSON and of text return something."""
    made = results(stage)

    def handler(**given: str) -> Any:
        g.user = "bob"
        flask.session["a"] = "s"
        return made[name]()

    def bare(**given: str) -> Any:
        g.user = "bob"
        return made[name]()

    stage.handlers.update(free_get=handler, report=handler, free_put=bare, fetch=lambda id: bare())
    stage.app.context_processor(lambda: {"here": "processed"})
    stage.app.teardown_request(lambda error: stage.note("teardown", repr(error)))


REQUESTS = [
    ask("GET", "/v1/free"),
    ask("PUT", "/v1/free"),
    ask("GET", "/v1/reports/a.txt"),
    ask("GET", "/v1/reports/a.txt", headers={"Range": "bytes=2-4"}),
    GET,
]


@pytest.mark.parametrize("one", REQUESTS, ids=lambda one: f"{one['method']} {one['path']} {one.get('headers', '')}")
@pytest.mark.parametrize("name", NAMES)
def test_results_become_responses(name: str, one: dict[str, Any]) -> None:
    """Whatever a handler returns becomes the same response."""
    seen, _ = assert_same(lambda stage: returning(stage, name), one)
    assert seen[0][0]


@pytest.mark.parametrize("name", ["generator", "stream_with_context", "streamed response", "file object", "value"])
def test_responses_are_closed(name: str) -> None:
    """A server that gives up in the middle of a response closes it."""

    def act(stage: Stage) -> Any:
        path = "/v1/free" if name == "value" else "/v1/reports/a.txt"
        sent: list[Any] = []
        environ = create_environ(path)

        def start(*given: Any) -> Any:
            sent.append(given)
            return sent.append

        parts = stage.app(environ, start)
        first = next(iter(parts))
        if hasattr(parts, "close"):
            parts.close()
        stage.note("end", flask.has_request_context(), environ["werkzeug.request"])
        return first, steady(str(sent))

    assert_same(lambda stage: returning(stage, name), act=act)


def test_servers_get_what_flask_gives() -> None:
    """Status, headers and chunks are what PEP 3333 wants: strings, a list of tuples, bytes."""

    def act(stage: Stage) -> Any:
        sent: list[Any] = []

        def start(*given: Any) -> Any:
            sent.append(given)
            return sent.append

        parts = stage.app(create_environ("/v1/orders/5"), start)
        return b"".join(parts), sent, [type(part) for given in sent for part in given]

    seen, _ = assert_same(nothing, act=act)
    assert seen[1] == [("200 OK", [("Content-Type", "application/json"), ("Content-Length", "10")])]


class OwnResponse(Response):
    """A response class of a service's own."""

    default_mimetype = "application/xml"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.headers["X-Own"] = "yes"


@pytest.mark.parametrize("name", ["value", "text", "response", "plain response", "no content", "generator"])
def test_a_response_class_of_the_apps_own_is_used(name: str) -> None:
    """All responses are its instances."""

    def setup(stage: Stage) -> None:
        stage.app.response_class = OwnResponse
        returning(stage, name)

    seen, _ = assert_same(setup, POST, *REQUESTS)
    assert ("X-Own", "yes") in seen[0][1]


@pytest.mark.parametrize("error_format", ["pymacaron", "problem"])
def test_errors_have_the_same_bodies(error_format: str) -> None:
    """Bodies of errors, and their headers, do not depend on the lane."""
    requests = [
        ask("POST", "/v1/orders", json={"items": [{}]}),
        ask("POST", "/v1/orders", data="x", content_type="text/csv"),
        ask("GET", "/auth/version"),
        ask("GET", "/auth/version", headers={"Authorization": "Bearer x"}),
        ask("GET", "/v1/free", headers={"Accept": "image/png"}),
    ]
    config = {} if error_format == "pymacaron" else {"error_format": error_format}
    seen, _ = assert_same(nothing, *requests, config=config)
    assert [status[:3] for status, _, _ in seen] == ["400", "415", "401", "401", "406"]


def test_a_whole_server_run_is_the_same() -> None:
    """Through Werkzeug's own runner the iterables come to the same bytes."""

    def act(stage: Stage) -> Any:
        parts, status, headers = run_wsgi_app(stage.app, create_environ("/v1/free", method="PUT"), buffered=True)
        return b"".join(parts), status, list(headers)

    assert_same(nothing, act=act)
