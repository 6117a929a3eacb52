"""PyMacaronTestCase under unittest: every assertion passes where it should and fails with the call shown."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from flask import Flask, redirect, request

from pymacaron_unit import PyMacaronTestCase
from serving import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSION = {"name": "pets", "version": "1", "apis": [], "pym_env": "dev"}


def make_app() -> Flask:
    """Make a service with the endpoints that every service has, and some of each kind."""
    app = Flask("pets")

    @app.get("/ping")
    def ping() -> Any:
        return {}

    @app.get("/version")
    def version() -> Any:
        return VERSION

    @app.get("/auth/version")
    def auth_version() -> Any:
        given = request.headers.get("Authorization")
        if not given:
            return {"status": 401, "error": "AUTHORIZATION_HEADER_MISSING"}, 401
        return VERSION if given == "Bearer good" else ({"status": 401, "error": "TOKEN_INVALID"}, 401)

    @app.route("/echo", methods=["POST", "DELETE", "GET"])
    def echo() -> Any:
        return {"method": request.method, "sent": request.get_json(silent=True), "password": "p-4711"}

    @app.get("/page")
    def page() -> Any:
        return "<p>hello</p>"

    @app.get("/text")
    def text() -> Any:
        return "hello", 200, {"Content-Type": "text/plain"}

    @app.get("/old")
    def old() -> Any:
        return redirect("/page")

    return app


@pytest.fixture
def case(monkeypatch: pytest.MonkeyPatch) -> Iterator[PyMacaronTestCase]:
    """Return a test case whose service runs."""
    with served(make_app()) as url:
        monkeypatch.setattr("pymacaron_unit.current._open", [])
        monkeypatch.setenv("PYM_SERVER_HOST", "127.0.0.1")
        monkeypatch.setenv("PYM_SERVER_PORT", str(urlsplit(url).port))
        monkeypatch.setenv("PYM_JWT_TOKEN", "good")
        made = PyMacaronTestCase()
        made.setUp()
        yield made


@pytest.mark.smoke
def test_finds_the_service_in_the_environment(case: PyMacaronTestCase) -> None:
    """Host, port and token are those of the environment, and every built-in assertion passes."""
    assert (case.host, case.token) == ("127.0.0.1", "good")
    case.assertHasPing()
    case.assertHasVersion()
    case.assertHasAuthVersion()


def test_calls_with_any_method(case: PyMacaronTestCase) -> None:
    """The generic assertions return what came back."""
    assert case.assertCallReturnJson("POST", "echo", {"a": 1})["sent"] == {"a": 1}
    assert case.assertCallReturnJson("post", "/echo", '{"b": 2}')["sent"] == {"b": 2}
    assert case.assertCallReturnDict("DELETE", "/echo", {"method": "DELETE"})["sent"] is None
    assert case.assertCallReturnOk("GET", "/ping") == {}
    assert case.assertCallReturnError("GET", "/auth/version", 401, "TOKEN_INVALID", auth="Bearer bad")
    assert case.assertCallReturnHtml("GET", "/page") == "<p>hello</p>"
    assert case.assertCallReturnHtml("GET", "/old") == "<p>hello</p>"
    assert case.assertCallReturnText("GET", "/text") == "hello"
    assert case.assertCallReturnRedirect("GET", "/old", "/page") == "/page"


def test_the_older_assertions(case: PyMacaronTestCase) -> None:
    """Each older name does what its generic one does."""
    assert case.assertGetReturnJson("version") == VERSION
    assert case.assertPostReturnJson("/echo", {"a": 1})["method"] == "POST"
    assert case.assertDeleteReturnJson("/echo")["method"] == "DELETE"
    assert case.assertGetReturnDict("/version", {"name": "pets"})
    assert case.assertPostReturnDict("/echo", {"a": 1}, {"sent": {"a": 1}})
    assert case.assertDeleteReturnDict("/echo", {"method": "DELETE"})
    assert case.assertGetReturnOk("/ping") == {}
    assert case.assertGetReturnError("/auth/version", 401, "TOKEN_INVALID", "Bearer bad")


FAILURES: list[tuple[str, tuple[Any, ...], str]] = [
    ("assertGetReturnJson", ("/none",), "the status is 404, not 200"),
    ("assertGetReturnJson", ("/page",), "the body is no JSON"),
    ("assertPostReturnDict", ("/echo", {}, {"method": "PUT", "x": 1}), '-  "method": "PUT",'),
    ("assertGetReturnOk", ("/version",), "the body is not {}"),
    ("assertPostReturnOk", ("/echo", {}), "the body is not {}"),
    ("assertDeleteReturnOk", ("/echo",), "the body is not {}"),
    ("assertGetReturnError", ("/auth/version", 401, "NO"), "the error is 'AUTHORIZATION_HEADER_MISSING', not 'NO'"),
    ("assertPostReturnError", ("/echo", {}, 400, "NO"), "the status is 200, not 400"),
    ("assertDeleteReturnError", ("/echo", 400, "NO"), "the status is 200, not 400"),
    ("assertCallReturnHtml", ("GET", "/text"), "the content type is 'text/plain', not text/html"),
    ("assertCallReturnText", ("GET", "/page"), "not text/plain"),
    ("assertCallReturnRedirect", ("GET", "/page"), "it is no redirect (301, 302, 303, 307, 308)"),
    ("assertCallReturnRedirect", ("GET", "/old", "/new"), "it redirects to '/page', not to '/new'"),
]


@pytest.mark.parametrize(("name", "arguments", "said"), FAILURES, ids=[f"{f[0]}-{f[2][:20]}" for f in FAILURES])
def test_failures_show_the_call(case: PyMacaronTestCase, name: str, arguments: tuple[Any, ...], said: str) -> None:
    """A failed assertion says what differs, shows request and response without secrets, and a curl line."""
    with pytest.raises(AssertionError) as caught:
        getattr(case, name)(*arguments)
    text = str(caught.value)
    assert said in text
    assert "4711" not in text
    assert "repeat it with: curl -i" in text


def test_the_token_is_asked_for(case: PyMacaronTestCase) -> None:
    """Without a token assertHasAuthVersion says how to give one."""
    case.token = None
    with pytest.raises(AssertionError, match="set PYM_JWT_TOKEN, or run pym test"):
        case.assertHasAuthVersion()


PROGRAM = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("pymacaron", "msgspec", "flask", "jsonschema_rs", "schemathesis", "aiohttp"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Blocker())

import unittest
from pymacaron_unit import PyMacaronTestCase

class Tests(PyMacaronTestCase):
    def test_ping(self):
        self.assertHasPing()

    def test_wrong(self):
        self.assertGetReturnOk("/version")

unittest.main()
"""


def test_needs_neither_pymacaron_nor_pytest(tmp_path: Path) -> None:
    """Where PyMacaron is not installed, unittest alone runs the tests of any HTTP API."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    with served(make_app()) as url:
        env = {"PYM_SERVER_HOST": url.rpartition(":")[0], "PYM_SERVER_PORT": url.rpartition(":")[2], "PATH": ""}
        done = subprocess.run(
            [sys.executable, "-W", "error", str(program)],
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert "Ran 2 tests" in done.stderr, done.stderr
    assert "FAILED (failures=1)" in done.stderr, done.stderr


def test_nothing_says_where_the_service_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any target the error lists the ways to name one."""
    monkeypatch.setattr("pymacaron_unit.current._open", [])
    with pytest.raises(Exception, match="set PYM_SERVER_HOST and PYM_SERVER_PORT, or run the tests with pytest"):
        PyMacaronTestCase().setUp()
