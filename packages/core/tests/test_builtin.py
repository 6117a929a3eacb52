"""Endpoints that every service has, and those that fail on purpose."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from harness import SECRET, caller, openapi, serve, swagger
from pymacaron import API, generate_token
from pymacaron.config import Config, set_config
from pymacaron.exceptions import ConfigError

EMPTY = openapi({})


def test_ping() -> None:
    """A service that is up answers an empty object."""
    assert serve(EMPTY).get("/ping").json == {}


def test_ping_hook() -> None:
    """The hook runs with each ping, and a ping fails where the hook does."""
    pings: list[int] = []
    client = serve(EMPTY, ping_hook=lambda: pings.append(1))
    assert client.get("/ping").status_code == 200
    assert client.get("/ping").status_code == 200
    assert pings == [1, 1]

    def fail() -> None:
        raise RuntimeError("no database")

    assert serve(EMPTY, ping_hook=fail, error_reporter=lambda **_: None).get("/ping").status_code == 500


def test_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name, version, APIs and environment are told to everybody."""
    monkeypatch.setenv("PYM_ENV", "test")
    assert serve(EMPTY).get("/version").json == {
        "name": "shop",
        "version": "1.2.3",
        "apis": ["shop"],
        "pym_env": "test",
    }


def test_version_without_a_name() -> None:
    """A service without a name in pym-config goes by the title of its contract."""
    assert serve(EMPTY, config={"name": None}).get("/version").json["name"] == "Test"


def test_auth_version() -> None:
    """The same, behind a token."""
    client = serve(EMPTY)
    assert client.get("/auth/version").json["error"] == "AUTHORIZATION_HEADER_MISSING"
    headers = {"Authorization": f"Bearer {generate_token('ann')}"}
    assert client.get("/auth/version", headers=headers).json == client.get("/version").json


def test_builtin_endpoints_have_no_prefix() -> None:
    """They stay at the root, whatever the basePath of the service's contracts."""
    assert serve(swagger({}, basePath="/v2")).get("/ping").status_code == 200


def test_service_may_have_a_ping_of_its_own() -> None:
    """A contract that declares ``/ping`` replaces the built-in endpoint instead of clashing with it."""
    paths = {"/ping": {"get": {"operationId": "mine", "responses": {"204": {"description": "x"}}}}}
    client = serve(openapi(paths), {"mine": lambda: None})
    assert client.get("/ping").status_code == 204
    assert client.get("/version").status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("exception", 500, "SERVER_ERROR"),
        ("server_error", 500, "SERVER_ERROR"),
        ("internal_validation", 500, "INTERNAL_VALIDATION_ERROR"),
        ("invalid_parameter", 400, "INVALID_PARAMETER"),
        ("bad_response", 500, "BAD_RESPONSE"),
    ],
)
def test_crash(path: str, status: int, code: str) -> None:
    """The crash API fails in each way, to try reporting with; it is there when asked for."""
    reports: list[Any] = []
    set_config(Config({"jwt_secret": SECRET}))
    api = API(Flask("x"), error_reporter=lambda **report: reports.append(report))
    api.load_builtin_apis(["ping", "crash"])
    response = caller(api.prepare()).get(f"/crash/{path}")
    assert (response.status_code, response.json["error"], len(reports)) == (status, code, int(status >= 500))
    assert serve(EMPTY).get(f"/crash/{path}").status_code == 404


def test_unknown_builtin() -> None:
    """A built-in API that does not exist is refused with those that do."""
    set_config(Config())
    with pytest.raises(ConfigError, match="there is no built-in API 'pong'; use ping or crash"):
        API(Flask("x")).load_builtin_apis(["pong"])
