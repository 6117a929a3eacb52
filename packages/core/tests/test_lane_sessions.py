"""Sessions in the contract lane: opened when first touched, saved as Flask saves them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, Response, flash, g, get_flashed_messages, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionInterface, SessionMixin

from lane_pair import GET, POST, Stage, assert_same, nothing, send
from lane_pair import request as ask


def touching(stage: Stage) -> None:
    """Let a handler do to the session what the path says."""

    def fetch(id: str) -> Any:
        match id:
            case "read":
                return {"user": session.get("user")}
            case "write":
                session["user"] = "bob"
            case "nested":
                session.setdefault("list", []).append(1)
                session.modified = True
            case "clear":
                session.clear()
            case "pop":
                session.pop("user", None)
            case "permanent":
                session.permanent = True
                session["user"] = "eve"
            case "proxy":
                return {"type": type(session._get_current_object()).__name__}  # type: ignore[attr-defined]
            case "flash":
                flash("hello")
                flash("again", "warning")
            case "flashed":
                return get_flashed_messages(with_categories=True)
            case "large":
                session["large"] = "x" * 2000
            case "fail":
                session["failed"] = True
                raise ZeroDivisionError
        return {"id": id}

    stage.handlers["fetch"] = fetch


TOUCHES = ["none", "read", "write", "nested", "clear", "pop", "permanent", "proxy", "flash", "flashed", "large", "fail"]


@pytest.mark.parametrize("second", TOUCHES)
@pytest.mark.parametrize("first", TOUCHES)
def test_a_session_is_saved_as_flask_saves_it(first: str, second: str) -> None:
    """Cookies, ``Vary`` and what the next requests find are the same, whatever two requests do."""
    names = [first, second, "none", "read"]
    seen, _ = assert_same(touching, *(ask("GET", f"/v1/orders/{name}") for name in names))
    assert len(seen) == 4


CONFIGS: list[dict[str, Any]] = [
    {"SECRET_KEY": None},
    {"SESSION_REFRESH_EACH_REQUEST": False},
    {"SESSION_COOKIE_NAME": "s"},
    {"SESSION_COOKIE_SECURE": True, "SESSION_COOKIE_SAMESITE": "Lax", "SESSION_COOKIE_HTTPONLY": False},
    {"SESSION_COOKIE_PATH": "/v1", "SESSION_COOKIE_DOMAIN": "localhost"},
    {"PERMANENT_SESSION_LIFETIME": timedelta(seconds=-1)},
    {"SECRET_KEY_FALLBACKS": ["an older key"]},
]


@pytest.mark.parametrize("values", CONFIGS, ids=lambda values: " ".join(values))
def test_configuration_of_sessions_counts(values: dict[str, Any]) -> None:
    """Names, flags, lifetimes and keys of the configuration hold."""
    paths = ["none", "read", "write", "none", "permanent", "none", "read", "clear", "read"]
    assert_same(
        touching,
        *(ask("GET", f"/v1/orders/{name}") for name in paths),
        after=lambda stage: stage.app.config.update(values),
    )


@pytest.mark.parametrize("cookie", ["session=forged", "session=", "other=1", "xsession=1", 'session="a b"', "session"])
def test_cookies_of_others_are_no_sessions(cookie: str) -> None:
    """A cookie that is forged, empty or another one leaves the session empty."""
    requests = [ask("GET", f"/v1/orders/{name}", headers={"Cookie": cookie}) for name in ("none", "read", "write")]
    assert_same(touching, *requests)


def test_hooks_and_tests_use_sessions() -> None:
    """Functions before and after a request and ``session_transaction`` share the handler's session."""

    def begin() -> None:
        session.setdefault("visits", 0)

    def count(response: Response) -> Response:
        session["visits"] += 1
        return response

    def setup(stage: Stage) -> None:
        touching(stage)
        stage.app.before_request(begin)
        stage.app.after_request(count)
        stage.app.teardown_request(lambda error: stage.note(dict(session)))

    def act(stage: Stage) -> Any:
        client = stage.app.test_client()
        made = send(client, ask("GET", "/v1/orders/write"), POST)
        with client.session_transaction() as stored:
            made.append(dict(stored))
            stored["user"] = "eve"
        made += send(client, ask("GET", "/v1/orders/read"))
        with client:
            made += send(client, ask("GET", "/v1/orders/none"))
            made.append(dict(session))
        return made

    seen, log = assert_same(setup, act=act, taken=[True, True, False, True, True])
    assert seen[2] == {"user": "bob", "visits": 2}
    assert log[0] == {"user": "bob", "visits": 1}


class Stored(dict[str, Any], SessionMixin):
    """A session that a server keeps."""


class ServerSide(SessionInterface):
    """Keeps sessions in the process, and tells what it is asked."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.kept: dict[str, dict[str, Any]] = {}

    def open_session(self, app: Flask, request: Any) -> SessionMixin | None:
        """Open the session that a header names."""
        self.stage.note("open", request.path, request.endpoint, request.view_args)
        name = request.headers.get("X-Session")
        return Stored(self.kept.get(name, {})) if name else None

    def save_session(self, app: Flask, session: SessionMixin, response: Any) -> None:
        """Keep the session."""
        self.stage.note("save", request.endpoint, dict(session))
        self.kept[request.headers["X-Session"]] = dict(session)
        response.headers["X-Saved"] = "yes"


def test_other_session_interfaces_are_opened_early() -> None:
    """An interface of an extension's is asked for each request, before it is matched, as in Flask."""

    def setup(stage: Stage) -> None:
        touching(stage)
        stage.app.session_interface = ServerSide(stage)

    headers = {"X-Session": "one"}
    requests = [
        ask("GET", f"/v1/orders/{name}", headers=headers) for name in ("write", "read", "none", "clear", "read")
    ]
    seen, log = assert_same(setup, *requests, GET)
    assert log[0] == ("open", "/v1/orders/write", None, None)
    assert seen[1][2] == '{"user":"bob"}'


class Noting(SecureCookieSessionInterface):
    """Flask's own interface, but for telling."""

    def open_session(self, app: Flask, request: Any) -> SecureCookieSession | None:
        """Open the session, and tell."""
        g.opened = True
        return super().open_session(app, request)


@pytest.mark.parametrize("kind", ["subclass", "instance"])
def test_variants_of_flasks_interface_are_opened_early(kind: str) -> None:
    """A subclass of Flask's interface, or one with another salt, may be watched when it opens."""

    def setup(stage: Stage) -> None:
        touching(stage)
        if kind == "subclass":
            stage.app.session_interface = Noting()
        else:
            stage.app.session_interface.__dict__["salt"] = "own"
        stage.app.teardown_request(lambda error: stage.note("opened" in g))

    _, log = assert_same(setup, ask("GET", "/v1/orders/write"), ask("GET", "/v1/orders/read"))
    assert log == [kind == "subclass"] * 2


def test_failing_to_open_is_an_error_of_the_request() -> None:
    """What an interface raises is handled, and torn down, as in Flask."""

    class Failing(SecureCookieSessionInterface):
        """Cannot open."""

        def open_session(self, app: Flask, request: Any) -> SecureCookieSession | None:
            """Fail."""
            raise ZeroDivisionError("no session")

    def setup(stage: Stage) -> None:
        stage.app.session_interface = Failing()
        stage.app.teardown_request(lambda error: stage.note(repr(error)))

    seen, log = assert_same(setup, GET)
    assert seen[0][0].startswith("500")
    assert log


def test_untouched_sessions_cost_nothing() -> None:
    """A request without a session's cookie, whose session nobody touches, opens none."""
    seen, _ = assert_same(nothing, GET)
    assert [name for name, _ in seen[0][1]] == ["Content-Type", "Content-Length"]
