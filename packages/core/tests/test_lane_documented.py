"""Patterns that Flask documents work in the contract lane as they do without it."""

from __future__ import annotations

import hashlib
import threading
from functools import wraps
from typing import TYPE_CHECKING, Any

import flask
import pytest
from flask import Flask, Response, current_app, g, render_template_string, request, session, template_rendered, url_for
from flask.json.provider import DefaultJSONProvider
from flask.views import MethodView
from werkzeug.exceptions import HTTPException

from lane_pair import DOCUMENT, GET, POST, Stage, assert_same, nothing, send
from lane_pair import request as ask
from pymacaron import API
from pymacaron.flaskapp.lane import Lane

if TYPE_CHECKING:
    from collections.abc import Callable


class Checksum:
    """A stream that computes the checksum of what is read through it."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.hash = hashlib.sha256()

    def read(self, *given: int) -> bytes:
        """Read some bytes."""
        made: bytes = self.stream.read(*given)
        self.hash.update(made)
        return made

    def readinto(self, buffer: bytearray) -> int:
        """Read some bytes into a buffer."""
        made = self.read(len(buffer))
        buffer[: len(made)] = made
        return len(made)


def checksums(stage: Stage) -> None:
    """Request content checksums: a function before the request wraps its stream."""

    def wrap() -> None:
        g.stream = request.environ["wsgi.input"] = Checksum(request.environ["wsgi.input"])

    stage.app.before_request(wrap)
    stage.app.after_request(lambda response: stage.note(g.stream.hash.hexdigest()) or response)


class Override:
    """Middleware that takes the method from a header."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Change the method."""
        method = environ.get("HTTP_X_HTTP_METHOD_OVERRIDE", "").upper()
        if method:
            environ["REQUEST_METHOD"] = method
        return self.app(environ, start_response)


def method_override(stage: Stage) -> None:
    """HTTP method overrides: by middleware."""
    app: Any = stage.app
    app.wsgi_app = Override(app.wsgi_app)


def connections(stage: Stage) -> None:
    """Storing data in the app context: one connection per request, closed at its end."""

    def connection() -> str:
        if "connection" not in g:
            g.connection = "open"
            stage.note("opened")
        made: str = g.connection
        return made

    def close(error: BaseException | None) -> None:
        stage.note("closed", g.pop("connection", None), repr(error))

    stage.app.teardown_appcontext(close)
    stage.handlers["fetch"] = lambda id: {"connection": connection(), "again": connection()}


def deferred(stage: Stage) -> None:
    """Deferred request callbacks: a function before the request asks for one after it."""

    def detect() -> None:
        if "lang" not in request.cookies:

            @flask.after_this_request
            def remember(response: Response) -> Response:
                response.set_cookie("lang", "en")
                return response

    stage.app.before_request(detect)


def languages(stage: Stage) -> None:
    """URL processors: values are taken from URLs, and put into those that are built."""
    stage.app.url_value_preprocessor(lambda endpoint, values: setattr(g, "id", (values or {}).get("p0")))

    def add(endpoint: str, values: dict[str, Any]) -> None:
        if current_app.url_map.is_endpoint_expecting(endpoint, "p0"):
            values.setdefault("p0", g.id)

    stage.app.url_defaults(add)
    stage.handlers["fetch"] = lambda id: {
        "id": g.id,
        "here": url_for("shop:fetch"),
        "line": url_for("shop:line", p1="1"),
    }


class InvalidUsage(Exception):
    """An error of an API's own."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def api_errors(stage: Stage) -> None:
    """Returning API errors as JSON: by class, and for all HTTP errors."""

    def generic(error: HTTPException) -> Any:
        response: Any = error.get_response()
        response.data = flask.json.dumps({"code": error.code, "name": error.name})
        response.content_type = "application/json"
        return response

    def fetch(id: str) -> Any:
        if id == "5":
            raise InvalidUsage("no such order", 410)
        flask.abort(409)

    stage.app.register_error_handler(InvalidUsage, lambda e: (flask.jsonify(message=str(e)), e.status))
    stage.app.register_error_handler(HTTPException, generic)
    stage.handlers["fetch"] = fetch


def decorators(stage: Stage) -> None:
    """View decorators: a login that is required, a result that is kept."""
    kept: dict[str, Any] = {}

    def login_required(handler: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(handler)
        def decorated(**given: Any) -> Any:
            if "user" not in session:
                return flask.redirect(url_for("shop:create", next=request.url))
            return handler(**given)

        return decorated

    def cached(handler: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(handler)
        def decorated(**given: Any) -> Any:
            if request.path not in kept:
                kept[request.path] = handler(**given)
            return kept[request.path]

        return decorated

    stage.handlers["fetch"] = login_required(lambda id: {"id": id})
    stage.handlers["line"] = cached(lambda id, line_no: stage.note("computed") or [id, line_no])


class Provider(DefaultJSONProvider):
    """JSON of a service's own."""

    sort_keys = False

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Write JSON, and mark it."""
        return super().dumps({"own": obj}, **kwargs)


def json_provider(stage: Stage) -> None:
    """A JSON provider of the app's own is used wherever Flask writes or reads JSON."""
    stage.app.json = Provider(stage.app)
    stage.handlers["fetch"] = lambda id: flask.jsonify(id=id)
    stage.handlers["create"] = lambda order: flask.jsonify(request.get_json())


def templates(stage: Stage) -> None:
    """Templates: context processors, globals, and the signal that one was rendered."""
    stage.app.context_processor(lambda: {"user": "bob"})
    stage.app.template_global("twice")(lambda text: text * 2)
    template_rendered.connect(stage.noting("rendered"), stage.app, weak=False)
    stage.handlers["report"] = lambda id: render_template_string("{{ user }} {{ twice(request.path) }} {{ g.x }}")


def views(stage: Stage) -> None:
    """Class-based views stand beside operations."""

    class Orders(MethodView):
        """Answers by method."""

        init_every_request = False

        def get(self) -> str:
            """Answer."""
            return f"{request.endpoint} {request.view_args}"

    stage.app.add_url_rule("/v1/orders/mine", view_func=Orders.as_view("mine"))


def flashing(stage: Stage) -> None:
    """Message flashing: what one request says, the next one shows."""

    def fetch(id: str) -> Any:
        shown = flask.get_flashed_messages()
        flask.flash(f"order {id}")
        return {"shown": shown}

    stage.handlers["fetch"] = fetch


def debugging(stage: Stage) -> None:
    """Form keys that are missing are explained in debug mode."""
    stage.app.debug = True
    stage.handlers["create"] = lambda order: request.files["nothing"]


def logging_requests(stage: Stage) -> None:
    """Functions that log requests see them whole, whatever became of them."""

    def log(response: Response) -> Response:
        stage.note(request.method, request.full_path, request.endpoint, response.status, response.content_length)
        return response

    stage.app.after_request(log)
    stage.handlers["remove"] = lambda id: 1 / 0


PATTERNS = [
    checksums, method_override, connections, deferred, languages, api_errors, decorators, json_provider, templates,
    views, flashing, debugging, logging_requests,
]  # fmt: skip
REQUESTS = [
    GET,
    GET,
    POST,
    ask("GET", "/v1/orders/5/lines/7"),
    ask("GET", "/v1/orders/5/lines/7"),
    ask("GET", "/v1/orders/6"),
    ask("GET", "/v1/reports/a.txt", headers={"Accept": "text/*"}),
    ask("DELETE", "/v1/orders/5"),
    ask("GET", "/v1/orders/mine"),
    ask("POST", "/v1/orders/5", headers={"X-HTTP-Method-Override": "GET"}),
    ask("POST", "/v1/orders", json={"id": "five"}),
]


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.__name__)
def test_documented_patterns_work(pattern: Callable[[Stage], None]) -> None:
    """Each pattern shows the same, request by request."""
    taken = [one["path"] != "/v1/orders/mine" or pattern is not views for one in REQUESTS]
    if pattern is not method_override:
        taken[9] = False
    seen, _ = assert_same(pattern, *REQUESTS, taken=taken)
    assert len(seen) == len(REQUESTS)


def test_an_app_made_by_a_factory_has_a_lane_of_its_own() -> None:
    """Two apps in one process do not meet, and their requests may be inside of each other."""

    def act(stage: Stage) -> Any:
        other = Stage(stage.lane, Flask("other"))
        other.handlers["fetch"] = lambda id: {"app": current_app.name, "outer": None}
        other.prepare({})
        inner = other.app.test_client()
        view = stage.app.test_client().get("/v1/orders/5").get_json()
        with stage.app.test_request_context("/v1/orders/1"):
            return view, inner.get("/v1/orders/5").get_json(), current_app.name, request.path

    seen, _ = assert_same(nothing, act=act, taken=[True, False])
    assert seen[1]["app"] == "other"


def test_two_apis_on_one_app_share_its_lane() -> None:
    """A second API of an app adds its operations to the same lane."""

    def after(stage: Stage) -> None:
        before = stage.app.wsgi_app
        second = API(stage.app)
        second.load_api("second", {**DOCUMENT, "servers": [{"url": "/v2"}]})
        second.load_builtin_apis = lambda names=(): second  # type: ignore[method-assign]  # the app has them
        second.prepare()
        assert stage.app.wsgi_app == before
        assert isinstance(before, Lane) is stage.lane

    seen, _ = assert_same(nothing, GET, ask("GET", "/v2/orders/5"), after=after)
    assert seen[0] == seen[1]


def test_threads_share_a_lane() -> None:
    """First requests that come at once are all served, each with its own context."""

    def act(stage: Stage) -> Any:
        made: dict[int, Any] = {}
        barrier = threading.Barrier(8)

        def work(number: int) -> None:
            barrier.wait()
            made[number] = send(stage.app.test_client(), *(ask("GET", f"/v1/orders/{number}") for _ in range(20)))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(made.items())

    def setup(stage: Stage) -> None:
        stage.handlers["fetch"] = lambda id: {"id": g.setdefault("id", id), "path": request.path}

    seen, _ = assert_same(setup, act=act)
    assert {body for _, _, body in seen[3][1]} == {'{"id":"3","path":"/v1/orders/3"}'}
