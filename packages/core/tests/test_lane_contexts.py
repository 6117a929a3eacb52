"""Contexts of requests in the contract lane, and the middleware around them."""

from __future__ import annotations

import threading
from typing import Any

import flask
import pytest
from flask import Flask, g, request, url_for
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import create_environ

from lane_pair import GET, POST, Stage, assert_same, nothing, send, telling
from lane_pair import request as ask


class Prefix:
    """Middleware that changes what a request asks for, and what its response says."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Move the prefix to SCRIPT_NAME."""

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            return start_response(status, [*headers, ("X-Prefix", environ["SCRIPT_NAME"])], exc_info)

        path = environ["PATH_INFO"]
        if path.startswith("/api/"):
            environ = {**environ, "SCRIPT_NAME": "/api", "PATH_INFO": path[4:]}
        return self.app(environ, start)


def wrap(kind: str) -> Any:
    """Make what wraps an app."""

    def wrapped(stage: Stage) -> None:
        app = stage.app
        if kind == "proxy":
            app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)  # type: ignore[method-assign]
        elif kind == "prefix":
            app.wsgi_app = Prefix(app.wsgi_app)  # type: ignore[method-assign]
        else:
            mounts: dict[str, Any] = {"/api": app.wsgi_app}
            app.wsgi_app = DispatcherMiddleware(app.wsgi_app, mounts)  # type: ignore[method-assign]

    return wrapped


@pytest.mark.parametrize("kind", ["proxy", "prefix", "mount"])
@pytest.mark.parametrize("early", [True, False])
def test_middleware_wraps_the_app(kind: str, early: bool) -> None:
    """Middleware that was there before the lane, or came after it, does its work; the lane sees its results."""
    headers = {
        "X-Forwarded-For": "1.2.3.4",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "shop.example",
        "X-Forwarded-Prefix": "/shop",
    }

    def setup(stage: Stage) -> None:
        telling(stage)
        if early:
            wrap(kind)(stage)

    requests = [ask("GET", "/v1/orders/5", headers=headers)]
    if kind != "proxy":
        requests.append(ask("GET", "/api/v1/orders/6", headers=headers))
    seen, _ = assert_same(setup, *requests, after=nothing if early else wrap(kind))
    assert all(status == "200 OK" for status, _, _ in seen)
    assert ('"scheme":"https"' in seen[0][2]) == (kind == "proxy")


def test_a_client_keeps_the_context() -> None:
    """Inside ``with client:`` the last request's context stays, and its end comes late."""

    def setup(stage: Stage) -> None:
        stage.handlers["fetch"] = lambda id: {"id": id, "user": g.setdefault("user", "bob")}
        for name in ("teardown_request", "teardown_appcontext"):
            getattr(stage.app, name)(stage.noting(name))

    def act(stage: Stage) -> Any:
        made: list[Any] = []
        with stage.app.test_client() as client:
            made += send(client, GET)
            stage.note("between")
            made += [
                g.user,
                request.path,
                request.endpoint,
                request.view_args,
                flask.session.get("a"),
                url_for("shop:create"),
            ]
            made += send(client, POST)
            made += [request.path, request.get_json(), "user" in g]
        return [*made, flask.has_request_context(), flask.has_app_context()]

    seen, log = assert_same(setup, act=act)
    assert seen[1:4] == ["bob", "/v1/orders/5", "shop:fetch"]
    assert "between" in log


def test_contexts_outside_of_requests_are_flasks() -> None:
    """``test_request_context`` matches, dispatches and tears down by hand as always."""

    def setup(stage: Stage) -> None:
        stage.app.before_request(stage.noting("before"))
        stage.app.teardown_request(stage.noting("teardown"))

    def act(stage: Stage) -> Any:
        app = stage.app
        with app.test_request_context("/v1/orders/5", method="GET"):
            made = [request.endpoint, request.view_args, app.preprocess_request(), app.dispatch_request().get_data()]  # type: ignore[union-attr]
            response = app.full_dispatch_request()
            made += [type(response).__name__, response.get_data(), dict(flask.session)]
        with app.request_context(create_environ("/v1/orders/6")):
            made += [request.view_args, app.full_dispatch_request().status]
        return made

    seen, log = assert_same(setup, act=act, taken=False)
    assert seen[4] == "Response"
    assert log


def test_contexts_nest() -> None:
    """An app's context that is there already is used; a request inside of a request has its own."""

    def setup(stage: Stage) -> None:
        def fetch(id: str) -> Any:
            g.depth = g.get("depth", 0) + 1
            if id == "0":
                return {"depth": g.depth, "id": id, "path": request.path}
            inner = stage.app.test_client().get(f"/v1/orders/{int(id) - 1}").get_json()
            return {"depth": g.depth, "path": request.path, "inner": inner}

        stage.handlers["fetch"] = fetch
        stage.app.teardown_appcontext(stage.noting("teardown"))

    def act(stage: Stage) -> Any:
        made = send(stage.app.test_client(), ask("GET", "/v1/orders/2"))
        stage.note("outside")
        with stage.app.app_context():
            g.depth = 10
            made += send(stage.app.test_client(), ask("GET", "/v1/orders/1"))
            made.append(g.depth)
        with Flask("other").app_context():
            made += send(stage.app.test_client(), ask("GET", "/v1/orders/0"))
            made.append("depth" in g)
        return made

    assert_same(setup, act=act)


def test_a_context_may_be_copied() -> None:
    """``copy_current_request_context`` takes the request, its session and app to another thread."""

    def setup(stage: Stage) -> None:
        def fetch(id: str) -> Any:
            flask.session["id"] = id
            made: dict[str, Any] = {}

            @flask.copy_current_request_context
            def work() -> None:
                made.update(
                    path=request.path, args=request.view_args, session=dict(flask.session), app=flask.current_app.name
                )

            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            return made

        stage.handlers["fetch"] = fetch

    seen, _ = assert_same(setup, GET)
    assert '"session":{"id":"5"}' in seen[0][2]
