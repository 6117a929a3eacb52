"""Real extensions of Flask do their work in the contract lane."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Response, g, request, session
from flask_caching import Cache
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import (  # type: ignore[import-untyped]
    AnonymousUserMixin,
    LoginManager,
    UserMixin,
    current_user,
    login_required,
    login_user,
    logout_user,
    user_logged_in,
)

from lane_pair import GET, POST, Stage, assert_same, nothing, send
from lane_pair import request as ask


class User(UserMixin):  # type: ignore[misc]  # untyped, as said above
    """Who logs in."""

    def __init__(self, name: str) -> None:
        self.id = name


class Nobody(AnonymousUserMixin):  # type: ignore[misc]  # untyped, as said above
    """Who does not."""

    id = "nobody"


def with_login(stage: Stage, **options: Any) -> LoginManager:
    """Set Flask-Login up, with handlers that log in and out."""
    manager = LoginManager(stage.app)
    manager.anonymous_user = Nobody
    for name, value in options.items():
        setattr(manager, name, value)
    manager.user_loader(lambda name: stage.note("loads", name) or User(name))
    manager.request_loader(lambda request: User("key") if request.headers.get("X-Key") == "key" else None)

    def fetch(id: str) -> Any:
        if id == "login":
            return {"done": login_user(User("bob"), remember="remember" in request.args)}
        if id == "logout":
            return {"done": logout_user()}
        return {"user": current_user.id, "fresh": session.get("_fresh")}

    stage.handlers["fetch"] = fetch
    stage.handlers["free_get"] = login_required(lambda: {"user": current_user.id})
    return manager


@pytest.mark.parametrize("protection", ["basic", "strong", None])
def test_flask_login(protection: str | None) -> None:
    """Users log in, are remembered, are refused, and log out."""

    def setup(stage: Stage) -> None:
        with_login(stage, session_protection=protection)
        user_logged_in.connect(stage.noting("logged in"), stage.app, weak=False)

    paths = ["who", "login", "who", "logout", "who", "login?remember=1", "who"]
    requests = [ask("GET", f"/v1/orders/{path}") for path in paths]
    free = ask("GET", "/v1/free")
    key = ask("GET", "/v1/free", headers={"X-Key": "key"})
    other = ask("GET", "/v1/orders/who", headers={"User-Agent": "another"})
    seen, log = assert_same(setup, free, key, *requests, free, other, free)
    assert [status[:3] for status, _, _ in seen][:4] == ["401", "200", "200", "200"]
    assert '"user":"bob"' in seen[4][2]
    assert "logged in" in log


def test_flask_login_in_hooks() -> None:
    """The user is known before and after the handler, and to ``login_view``."""

    def setup(stage: Stage) -> None:
        with_login(stage, login_view="shop:create")
        stage.app.before_request(lambda: stage.note("before", current_user.id))
        stage.app.after_request(lambda response: stage.note("after", current_user.is_authenticated) or response)

    free = ask("GET", "/v1/free")
    seen, log = assert_same(setup, free, ask("GET", "/v1/orders/login"), free)
    assert seen[0][0] == "302 FOUND"
    assert ("before", "bob") in log


@pytest.mark.parametrize("headers", [True, False])
@pytest.mark.parametrize("where", ["default", "handler", "view", "application"])
def test_flask_limiter(where: str, headers: bool) -> None:
    """Requests beyond a limit are answered with 429, whoever sets the limit."""
    limiters: list[Limiter] = []

    def setup(stage: Stage) -> None:
        limiter = Limiter(
            get_remote_address,
            app=stage.app,
            default_limits=["2 per day"] if where == "default" else [],
            application_limits=["3 per day"] if where == "application" else [],
            headers_enabled=headers,
            storage_uri="memory://",
            on_breach=lambda limit: stage.note("breach", str(limit.limit)),
        )
        limiters.append(limiter)
        if where == "handler":
            stage.handlers["fetch"] = limiter.limit("2 per day")(stage.handlers["fetch"])

    def after(stage: Stage) -> None:
        if where == "view":
            views: Any = stage.app.view_functions
            views["shop:fetch"] = limiters[-1].limit("1 per day")(views["shop:fetch"])
            limiters[-1].exempt(views["shop:create"])

    def act(stage: Stage) -> Any:
        made = send(stage.app.test_client(), GET, POST, GET, GET, POST)
        return [
            (status, [h for h in headers if h[0] not in ("X-RateLimit-Reset", "Retry-After")], body)
            for status, headers, body in made
        ]

    seen, log = assert_same(setup, act=act, after=after)
    assert "429 TOO MANY REQUESTS" in [status for status, _, _ in seen]
    assert log


def test_flask_caching() -> None:
    """Results, views and functions of requests are cached."""
    caches: list[Cache] = []

    def setup(stage: Stage) -> None:
        cache = Cache(stage.app, config={"CACHE_TYPE": "SimpleCache"})
        caches.append(cache)

        @cache.memoize()
        def costly(id: str) -> str:
            stage.note("costly", id)
            return id * 2

        def fetch(id: str) -> Any:
            stage.note("fetch", id)
            return {"id": costly(id)}

        @cache.cached(query_string=True)
        def free() -> Any:
            stage.note("free", request.args.to_dict())
            return {"args": request.args.to_dict()}

        stage.handlers.update(fetch=fetch, free_get=free)

    def after(stage: Stage) -> None:
        views: Any = stage.app.view_functions
        views["shop:report"] = caches[-1].cached()(views["shop:report"])

    stored = ask("GET", "/v1/reports/a.txt")
    free = [ask("GET", f"/v1/free?a={value}") for value in (1, 1, 2)]
    seen, log = assert_same(setup, GET, GET, ask("GET", "/v1/orders/6"), *free, stored, stored, after=after)
    assert log.count(("costly", "5")) == 1
    assert len([entry for entry in log if entry[0] == "free"]) == 2
    assert seen[-1] == seen[-2]


def test_flask_caching_of_responses() -> None:
    """A cached view's response is sent again as it is."""

    def with_etag(response: Response) -> Response:
        response.add_etag()
        return response

    assert_same(
        lambda stage: Cache(stage.app, config={"CACHE_TYPE": "SimpleCache"}),
        GET,
        GET,
        after=lambda stage: stage.app.after_request(with_etag),
    )


def test_extensions_together() -> None:
    """Several extensions share requests, sessions and ``g``."""

    def setup(stage: Stage) -> None:
        with_login(stage)
        Limiter(lambda: current_user.id, app=stage.app, default_limits=["3 per day"], storage_uri="memory://")
        Cache(stage.app, config={"CACHE_TYPE": "SimpleCache"})
        stage.app.teardown_request(lambda error: stage.note(sorted(name for name in vars(g) if name[:4] != "pym_")))

    requests = [GET, ask("GET", "/v1/orders/login"), GET, GET, GET, GET, GET]
    seen, log = assert_same(setup, *requests)
    assert seen[-1][0] == "429 TOO MANY REQUESTS"
    assert len(log) >= len(requests)


def test_nothing_registered_is_nothing_run() -> None:
    """Extensions that were never set up leave no trace."""
    seen, log = assert_same(nothing, GET)
    assert len(seen[0][1]) == 2
    assert log == []
