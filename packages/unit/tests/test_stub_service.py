"""Stubs of what a service calls, with the service itself: its app and its stub in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from pymacaron import API, apipool
from pymacaron.client.method import close_session
from pymacaron.exceptions import CallFailedError
from pymacaron_unit.stub import api_stub
from stubbed import LOGIN

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A service that calls the stubbed one.
FRONT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Front", "version": "1"},
    "paths": {
        "/enter": {
            "post": {
                "operationId": "enter",
                "x-bind-server": f"{__name__}.enter",
                "parameters": [{"name": "user", "in": "query", "schema": {"type": "string"}}],
                "responses": {
                    "200": {
                        "description": "in",
                        "content": {"application/json": {"schema": {"type": "object"}}},
                    }
                },
            }
        }
    },
}


def enter(user: str) -> dict[str, Any]:
    """Enter with a token of the other service."""
    try:
        made = apipool.login.client.createToken({"user": user, "password": "p"})
    except CallFailedError:
        return {"token": None}
    return {"token": made.token}


@pytest.fixture
def client() -> Iterator[Any]:
    """Return a client of the service, which has loaded the other one's contract."""
    api = API(Flask("front"), error_reporter=lambda **_: None)
    api.load_api("front", FRONT)
    apipool.load_swagger("login", LOGIN)
    yield api.prepare().test_client()
    close_session()


def test_the_service_calls_the_stub(client: Any) -> None:
    """A handler's calls go to the stub, which knows what the service has loaded."""
    with api_stub("login") as login:
        login.createToken.when(body={"user": "bob"}).returns({"token": "bobs", "expires": "2024-01-02T03:04:05Z"})
        login.createToken.expects(times=1)
        assert client.post("/enter?user=bob").json == {"token": "bobs"}
        assert login.createToken.calls[0].body == {"user": "bob", "password": "p"}


def test_the_service_survives_a_failure(client: Any) -> None:
    """A handler's way through a failure of the other service can be tested."""
    with api_stub("login") as login:
        login.createToken.drops()
        assert client.post("/enter?user=bob").json == {"token": None}
        login.createToken.fails(503)
        assert client.post("/enter?user=bob").status_code == 503


def test_the_service_is_told_apart_from_the_stub(client: Any) -> None:
    """The stub changes nothing of the service's own APIs, and its error answers are those of a service."""
    login = api_stub("login", _asking()).start()
    try:
        assert client.post("/enter?user=bob").status_code == 401
    finally:
        login.stop()
    assert "security: createToken asks for token (the header 'Authorization')" in login.broken()
    assert set(apipool.get_api_names()) - {"ping"} == {"front", "login"}
    assert login.contract.api is not apipool.login.api


def _asking() -> dict[str, Any]:
    """Return the other service's contract as it will be: it asks for a token."""
    return {
        **LOGIN,
        "securityDefinitions": {"token": {"type": "apiKey", "in": "header", "name": "Authorization"}},
        "security": [{"token": []}],
    }
