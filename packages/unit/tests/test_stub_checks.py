"""Stubs: what they find wrong in what a service sends."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from pymacaron.exceptions import PyMacaronException
from pymacaron_unit.exceptions import ContractBroken
from pymacaron_unit.stub import api_stub
from stubbed import CREDENTIALS, LOGIN, STORE, UUID, unverified

TEXT = {"Content-Type": "text/plain"}


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "told"),
    [
        ("POST", "/tokens", {"json": {"user": "b", "password": "x"}}, 400, "body /user"),
        ("POST", "/tokens", {"json": {"user": "bob"}}, 400, 'body (whole): the property "password" is missing'),
        ("POST", "/tokens", {"data": b"{", "headers": {"Content-Type": "application/json"}}, 400, "no JSON"),
        ("POST", "/tokens", {}, 400, "the body is missing"),
        ("POST", "/tokens", {"data": b"x", "headers": TEXT}, 415, "send application/json"),
        ("POST", "/tokens?days=0", {"json": CREDENTIALS}, 400, "query /days"),
        ("POST", "/tokens?day=1", {"json": CREDENTIALS}, 400, "no query parameter of this name"),
        ("POST", "/tokens", {"json": CREDENTIALS, "headers": {"X-Trace-Id": "a"}}, 400, "header /X-Trace-Id"),
        ("GET", "/tokens/7", {}, 400, "path /token_id"),
        ("GET", f"/tokens/{UUID}", {"json": {"a": 1}}, 400, "getToken takes none, yet 8 bytes came"),
        ("PUT", f"/tokens/{UUID}", {}, 405, "it has DELETE, GET"),
        ("POST", "/token", {"json": CREDENTIALS}, 404, "has no path /v1/token; did you mean /v1/tokens?"),
    ],
)
def test_wrong_requests(method: str, path: str, sent: dict[str, Any], status: int, told: str) -> None:
    """A request that breaks the contract is answered as a service answers it, and told with its curl line."""
    with unverified("login", LOGIN) as (stub, _):
        answer = requests.request(method, stub.url + path, timeout=10, **sent)
        with pytest.raises(ContractBroken) as caught:
            stub.verify()
    text = str(caught.value)
    assert answer.status_code == status
    assert answer.json()["status"] == status
    assert told in text
    assert "repeat it with: curl -i" in text
    assert f"{stub.calls[0].url}" in text


@pytest.mark.parametrize(
    ("sent", "is_right"),
    [
        ({}, False),
        ({"params": {"api_key": "k"}}, True),
        ({"headers": {"Authorization": "Bearer t"}}, True),
        ({"headers": {"Authorization": "Basic dTpw"}}, False),
        ({"headers": {"Authorization": "Bearer "}}, False),
        ({"params": {"api_key": "k", "tags": ["a", "b"], "by[owner]": "bob"}}, True),
    ],
)
def test_credentials(sent: dict[str, Any], is_right: bool) -> None:
    """A request must carry the credentials of one of the alternatives; their truth is not asked."""
    with unverified("store", STORE) as (stub, _):
        answer = requests.get(f"{stub.url}/files", timeout=10, **sent)
    assert answer.status_code == (200 if is_right else 401)
    assert bool(stub.broken()) is not is_right
    if not is_right:
        assert "key (the query 'api_key') or token (Authorization: Bearer …)" in stub.broken()


def test_wrong_forms() -> None:
    """A form with a wrong field, and one without its file, are told."""
    with unverified("store", STORE) as (stub, _):
        requests.post(f"{stub.url}/files", files={"file": b"abc"}, data={"size": "x"}, timeout=10)
        requests.post(f"{stub.url}/files", files={"other": b"abc"}, data={"size": "1"}, timeout=10)
    assert "body /size" in stub.broken()
    assert '"file" is missing' in stub.broken()


def test_all_faults_are_listed() -> None:
    """Every wrong call is told with every fault of it, and secrets are not shown."""
    with unverified("login", LOGIN) as (stub, _):
        requests.post(f"{stub.url}/tokens?days=x", json={"user": "b", "password": "hunter2"}, timeout=10)
        requests.get(f"{stub.url}/tokens/7", timeout=10)
    told = stub.broken()
    assert told.count("repeat it with") == 2
    assert told.count("    - ") == 3
    assert "hunter2" not in told


def test_the_clients_own_requests_are_right() -> None:
    """What core's client sends is never told."""
    with unverified("login", LOGIN) as (stub, client):
        client.createToken(CREDENTIALS, x_trace_id="abc", days=1)
        client.getToken(token_id=UUID)
        client.endToken(token_id=UUID)
        stub.verify()


@pytest.mark.parametrize(
    ("times", "called", "told"),
    [
        (1, 1, ""),
        (1, 0, "createToken was called never; expected was once"),
        (1, 2, "createToken was called twice; expected was once"),
        (0, 3, "createToken was called 3 times; expected was never"),
        (None, 0, "createToken was called never; expected was at least once"),
        (None, 3, ""),
    ],
)
def test_expected_calls(times: int | None, called: int, told: str) -> None:
    """A call that was demanded and not made, or made too often, is told."""
    with unverified("login", LOGIN) as (stub, client):
        stub.createToken.expects(times=times)
        for _ in range(called):
            client.createToken(CREDENTIALS)
    assert told in stub.broken()
    assert bool(stub.broken()) is bool(told)


def test_with_block_verifies() -> None:
    """A with block ends with the check."""
    stub = api_stub("login", LOGIN)
    with pytest.raises(ContractBroken, match="not called as expected"), stub:
        stub.createToken.expects()


def test_with_block_keeps_the_first_failure() -> None:
    """Where the block failed by itself, that failure stays, with what the stub tells as a note."""
    stub = api_stub("login", LOGIN)
    with pytest.raises(ZeroDivisionError) as caught, stub.start():
        _ = len(stub.createToken.expects().calls) / 0
    assert "createToken was called never" in caught.value.__notes__[0]


def test_condition_that_fails() -> None:
    """A condition that raises is told in the check, and the call gets an error."""
    with unverified("login", LOGIN) as (stub, client):
        stub.getToken.when(lambda call: call.parameters["nothing"] == 1).fails(404)
        with pytest.raises(PyMacaronException, match="cannot answer"):
            client.getToken(token_id=UUID)
    assert "getToken: KeyError: 'nothing'" in stub.broken()


def test_operation_that_has_no_example() -> None:
    """An operation whose schema nothing can follow is told in the check."""
    impossible = {
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"type": "integer", "minimum": 2, "maximum": 1}},
    }
    document = {**LOGIN, "definitions": {**LOGIN["definitions"], "Token": impossible}}
    with unverified("login", document) as (stub, _):
        assert requests.get(f"{stub.url}/tokens/{UUID}", timeout=10).status_code == 500
    assert "no value was found" in stub.broken()
