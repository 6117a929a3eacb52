"""Stubs: what they answer, over HTTP, to core's own client and to others."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests
import yaml

from pymacaron import apipool
from pymacaron.client.client import ClientSettings
from pymacaron.config import get_config
from pymacaron.exceptions import CallFailedError, CallTimeoutError, ClientError
from pymacaron_unit.exceptions import ContractBroken, NoContractError, UnitError
from pymacaron_unit.stub import api_stub
from stubbed import CREDENTIALS, LOGIN, STORE, TOKEN, UUID, unverified

if TYPE_CHECKING:
    from pathlib import Path


def test_answers_with_the_contracts_own_example() -> None:
    """An operation that was told nothing answers with its first success, its example and its headers."""
    with unverified("login", LOGIN) as (stub, client):
        made = client.createToken(CREDENTIALS)
        answer = requests.post(f"{stub.url}/tokens", json=CREDENTIALS, timeout=10)
    assert made.token == "abc.def.ghi"
    assert made.expires == datetime(2024, 5, 17, 12, tzinfo=UTC)
    assert (answer.status_code, answer.headers["X-Left"]) == (201, "3")
    assert stub.broken() == ""


def test_answers_in_the_type_that_is_accepted() -> None:
    """An operation of several media types answers in the one that the client asks for."""
    with unverified("store", STORE) as (stub, _):
        url = f"{stub.url}/files?api_key=k"
        assert requests.get(url, timeout=10).json() == ["a.txt", "b.txt"]
        text = requests.get(url, headers={"Accept": "text/plain"}, timeout=10)
    assert text.headers["Content-Type"].startswith("text/plain")
    assert text.text == "text"


def test_url_has_the_base_path() -> None:
    """The URL is what an operation's path is appended to."""
    with unverified("login", LOGIN) as (stub, _):
        assert stub.url.startswith("http://127.0.0.1:")
        assert stub.url.endswith("/v1")


def test_url_needs_a_server() -> None:
    """A stub that does not serve has no URL, and says what to do."""
    with pytest.raises(UnitError, match="with block"):
        _ = api_stub("login", LOGIN).url


def test_returns_a_body() -> None:
    """What an operation was told to return is what the client gets."""
    with unverified("login", LOGIN) as (stub, client):
        stub.createToken.returns(TOKEN, headers={"X-Left": 7})
        assert client.createToken(CREDENTIALS).token == "t"
        answer = requests.post(f"{stub.url}/tokens", json=CREDENTIALS, timeout=10)
    assert answer.headers["X-Left"] == "7"


def test_returns_a_model() -> None:
    """A model of the API is a body too."""
    with unverified("login", LOGIN) as (stub, client):
        stub.createToken.returns(apipool.login.Token(token="m", expires=datetime(2024, 1, 1, tzinfo=UTC)))
        assert client.createToken(CREDENTIALS).token == "m"


def test_returns_another_status() -> None:
    """A status alone is answered with the example of what is declared for it."""
    with unverified("login", LOGIN) as (stub, client):
        stub.createToken.returns(status=409)
        with pytest.raises(ClientError) as caught:
            client.createToken(CREDENTIALS)
    assert (caught.value.status, caught.value.code) == (409, "TAKEN")


def test_returns_each() -> None:
    """Several answers are given one after the other, and the last one stays."""
    with unverified("login", LOGIN) as (stub, client):
        stub.getToken.returns_each(
            [{**TOKEN, "token": "1"}, ({"status": 404, "error": "NONE"}, 404), {**TOKEN, "token": "3"}]
        )
        assert client.getToken(token_id=UUID).token == "1"
        with pytest.raises(ClientError):
            client.getToken(token_id=UUID)
        assert [client.getToken(token_id=UUID).token for _ in range(2)] == ["3", "3"]


def test_fails_in_the_declared_shape() -> None:
    """A declared error has a body of its declared shape, with the status in it."""
    with unverified("login", LOGIN) as (stub, _):
        stub.createToken.fails(409)
        answer = requests.post(f"{stub.url}/tokens", json=CREDENTIALS, timeout=10)
    assert (answer.status_code, answer.json()) == (409, {"status": 409, "error": "TAKEN"})


def test_fails_by_default_response() -> None:
    """An error that only the default response covers has its shape and media type."""
    with unverified("store", STORE) as (stub, _):
        stub.findFiles.fails(503)
        answer = requests.get(f"{stub.url}/files?api_key=k", timeout=10)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {"title": "text", "status": 503}


def test_fails_undeclared() -> None:
    """A failure from 500 on need not be declared; core's client raises it as an error."""
    with unverified("login", LOGIN) as (stub, client):
        stub.createToken.fails(503)
        with pytest.raises(Exception, match="fails") as caught:
            client.createToken(CREDENTIALS)
    assert getattr(caught.value, "status", None) == 503


def test_fails_with_an_undeclared_client_error() -> None:
    """An error below 500 that is not declared is refused."""
    with unverified("login", LOGIN) as (stub, _), pytest.raises(ContractBroken, match="declared are: 201, 409"):
        stub.createToken.fails(418)


def test_fails_with_a_success() -> None:
    """A status that is none of an error is refused."""
    with unverified("login", LOGIN) as (stub, _), pytest.raises(ValueError, match="use 400 to 599"):
        stub.createToken.fails(201)


def test_slow_is_given_up() -> None:
    """A slow operation makes a client run into its timeout, and the stub stops without waiting for it."""
    with unverified("login", LOGIN) as (stub, client):
        stub.createToken.slow(60)
        client._settings.given_timeout = 0.2
        assert isinstance(client._settings, ClientSettings)
        with pytest.raises(CallTimeoutError):
            client.createToken(CREDENTIALS)
        assert len(stub.createToken.calls) == 1


def test_slow_failure() -> None:
    """A delay and a failure combine, in any order."""
    with unverified("login", LOGIN) as (stub, _):
        stub.createToken.slow(0.01).fails(409)
        stub.getToken.fails(404).slow(0.01)
        assert requests.post(f"{stub.url}/tokens", json=CREDENTIALS, timeout=10).status_code == 409
        assert requests.get(f"{stub.url}/tokens/{UUID}", timeout=10).status_code == 404


def test_drops() -> None:
    """A dropped connection is a call that failed; what is programmed next counts again."""
    with unverified("login", LOGIN) as (stub, client):
        stub.createToken.drops()
        with pytest.raises(CallFailedError):
            client.createToken(CREDENTIALS)
        assert len(stub.createToken.calls) == 1
        stub.createToken.returns(TOKEN)
        assert client.createToken(CREDENTIALS).token == "t"


def test_when_parameters_match() -> None:
    """A rule answers the calls whose parameters are as given; texts stand for typed values."""
    other = UUID.replace("7a", "8b")
    with unverified("login", LOGIN) as (stub, client):
        stub.getToken.when(token_id=other).fails(404)
        assert client.getToken(token_id=UUID).token == "abc.def.ghi"
        with pytest.raises(ClientError):
            client.getToken(token_id=other)


def test_when_the_body_matches() -> None:
    """A rule for a body asks for the properties given, and the last rule that holds counts."""
    with unverified("login", LOGIN) as (stub, client):
        stub.createToken.when(body={"user": "bob"}).returns({**TOKEN, "token": "bob"})
        assert client.createToken(CREDENTIALS).token == "bob"
        assert client.createToken({**CREDENTIALS, "user": "eve"}).token == "abc.def.ghi"
        stub.createToken.when(lambda call: call.headers.get("X-Trace-Id") == "one").returns({**TOKEN, "token": "one"})
        assert client.createToken(CREDENTIALS, x_trace_id="one").token == "one"


def test_when_of_an_unknown_parameter() -> None:
    """A condition on a parameter that the operation lacks is refused."""
    with unverified("login", LOGIN) as (stub, _), pytest.raises(ValueError, match=r"no parameter 'tokenId'.*token_id"):
        stub.getToken.when(tokenId=1)


@pytest.mark.parametrize(
    ("body", "status", "headers", "told"),
    [
        ({"token": "t"}, None, None, "expires"),
        ({**TOKEN, "expires": "soon"}, None, None, "/expires"),
        (TOKEN, 200, None, "declared are: 201, 409"),
        (TOKEN, None, {"X-Left": 1}, "X-Left"),
        (TOKEN, 409, None, "error"),
    ],
)
def test_refuses_what_the_contract_does_not_allow(body: Any, status: int | None, headers: Any, told: str) -> None:
    """A wrong answer is refused when it is programmed, and names operation, API and mend."""
    with unverified("login", LOGIN) as (stub, _):
        with pytest.raises(ContractBroken, match=told) as caught:
            stub.createToken.returns(body, status, headers)
        assert "createToken of 'login'" in str(caught.value)
        assert "unchecked=True" in str(caught.value)
        assert requests.post(f"{stub.url}/tokens", json=CREDENTIALS, timeout=10).status_code == 201


def test_refuses_one_of_several() -> None:
    """Each of several answers is checked."""
    with unverified("login", LOGIN) as (stub, _):
        with pytest.raises(ContractBroken, match="/token"):
            stub.createToken.returns_each([TOKEN, {**TOKEN, "token": 1}])
        with pytest.raises(ValueError, match="at least one"):
            stub.createToken.returns_each([])


def test_unchecked() -> None:
    """What the contract does not allow is sent all the same where it is asked for."""
    with unverified("login", LOGIN) as (stub, client):
        stub.createToken.returns({"token": 1}, unchecked=True)
        with pytest.raises(CallFailedError, match="breaks its contract"):
            client.createToken(CREDENTIALS)
        stub.createToken.returns(b"<html>", 502, {"Content-Type": "text/html"}, unchecked=True)
        answer = requests.post(f"{stub.url}/tokens", json=CREDENTIALS, timeout=10)
    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (502, b"<html>", "text/html")


def test_answers_without_a_body() -> None:
    """A status without content is answered with none."""
    with unverified("login", LOGIN) as (stub, client):
        assert client.endToken(token_id=UUID) is None
        answer = requests.delete(f"{stub.url}/tokens/{UUID}", timeout=10)
    assert (answer.status_code, answer.content) == (204, b"")


def test_calls_tell_what_was_sent() -> None:
    """A call has the operation's parameters by argument, its body and its headers."""
    with unverified("login", LOGIN) as (stub, client):
        client.createToken(CREDENTIALS, x_trace_id="abc", days=3)
        client.getToken(token_id=UUID)
    call = stub.createToken.calls[0]
    assert (call.method, call.name, call.body) == ("POST", "createToken", CREDENTIALS)
    assert call.parameters == {"x_trace_id": "abc", "days": 3}
    assert call.headers["x-trace-id"] == "abc"
    assert [each.name for each in stub.calls] == ["createToken", "getToken"]
    assert "password" in call.curl()
    assert "Host:" not in call.curl()
    assert '"x"' not in call.curl()


def test_calls_with_forms_and_octets() -> None:
    """The body of a form has its fields with their types, and files as bytes."""
    with unverified("store", STORE) as (stub, _):
        requests.post(f"{stub.url}/files", files={"file": b"abc"}, data={"size": "3"}, timeout=10)
        octets = {"Content-Type": "application/octet-stream"}
        requests.put(f"{stub.url}/raw/a%20b", data=b"\0\xff", headers=octets, timeout=10)
        requests.put(f"{stub.url}/raw/c", data=iter([b"\0", b"\xff"]), headers=octets, timeout=10)
    assert stub.addFile.calls[0].body == {"file": b"abc", "size": 3}
    assert [call.body for call in stub.putRaw.calls] == [b"\0\xff", b"\0\xff"]
    assert stub.putRaw.calls[0].parameters == {"name": "a b"}
    assert stub.broken() == ""


def test_reset() -> None:
    """A stub that is reset has forgotten what was programmed, received and demanded."""
    with unverified("login", LOGIN) as (stub, client):
        stub.createToken.expects(times=5)
        stub.createToken.returns(TOKEN)
        stub.createToken.when(days=1).fails(409)
        client.createToken(CREDENTIALS)
        stub.reset()
        assert (stub.calls, stub.createToken.calls, stub.broken()) == ([], [], "")
        assert client.createToken(CREDENTIALS, days=1).token == "abc.def.ghi"


def test_several_clients_at_once() -> None:
    """Calls of many threads are all answered and counted, and a sequence gives each answer once."""
    bodies = [{**TOKEN, "token": str(number)} for number in range(40)]
    with unverified("login", LOGIN) as (stub, _):
        stub.createToken.returns_each(bodies)

        def call(number: int) -> str:
            made = requests.post(f"{stub.url}/tokens", json={**CREDENTIALS, "user": f"u{number}"}, timeout=30)
            return str(made.json()["token"])

        with ThreadPoolExecutor(8) as pool:
            tokens = list(pool.map(call, range(40)))
    assert sorted(map(int, tokens)) == list(range(40))
    assert sorted(call.body["user"] for call in stub.createToken.calls) == sorted(f"u{n}" for n in range(40))


def test_unknown_operation() -> None:
    """A name that the contract lacks is refused with the one that was meant."""
    stub = api_stub("login", LOGIN)
    with pytest.raises(AttributeError, match="did you mean 'createToken'"):
        _ = stub.createTokens
    with pytest.raises(AttributeError, match="it has createToken, getToken, endToken"):
        _ = stub.zzz


def test_client_names() -> None:
    """An operation is reached by the name that the client has for it, too."""
    document = {
        **LOGIN,
        "paths": {"/tokens": {"post": {**LOGIN["paths"]["/tokens"]["post"], "x-bind-client": "login"}}},
    }
    stub = api_stub("login", document)
    assert stub.login is stub.createToken


def test_services_are_sent_here_and_back() -> None:
    """While stubs serve, the process calls them; afterwards what was configured counts again."""
    get_config().values["services"] = {"login": "https://real.example.com", "other": "https://other.example.com"}
    with api_stub("login", LOGIN) as one, api_stub("store", STORE) as two:
        services = get_config().services
        assert services == {"login": one.url, "store": two.url, "other": "https://other.example.com"}
    assert get_config().services == {"login": "https://real.example.com", "other": "https://other.example.com"}


def test_no_services_were_configured() -> None:
    """Where nothing was configured, nothing is left."""
    with api_stub("login", LOGIN):
        assert "login" in get_config().services
    assert get_config().get("services") is None


def test_leaves_nothing_in_the_process() -> None:
    """A stub loads no API into the process, and ends its threads."""
    before = threading.active_count()
    with api_stub("login", LOGIN) as stub:
        assert requests.get(f"{stub.url}/tokens/{UUID}", timeout=10).status_code == 200
    assert apipool.get_api_names() == []
    assert threading.active_count() == before


def test_port_is_free_again() -> None:
    """A stub on a given port leaves it to the next one."""
    with api_stub("login", LOGIN) as first:
        port = int(first.url.split(":")[2].split("/")[0])
    with api_stub("login", LOGIN, port=port) as second:
        assert second.url == f"http://127.0.0.1:{port}/v1"
        with pytest.raises(UnitError, match="does not serve"):
            _ = first.url


def test_contract_is_found_in_the_apis_folder(tmp_path: Path) -> None:
    """A contract is found by its name in the folder of the service's contracts."""
    (tmp_path / "apis").mkdir()
    (tmp_path / "apis" / "login.yaml").write_text(yaml.safe_dump(LOGIN))
    assert sorted(api_stub("login").contract.operations) == ["createToken", "endToken", "getToken"]
    with pytest.raises(NoContractError, match=r"no contract 'logon'.*found are: login"):
        api_stub("logon")


def test_contract_is_given_by_path(tmp_path: Path) -> None:
    """A contract may be given as a file, and then has the name that it is asked for by."""
    (tmp_path / "v2.yaml").write_text(yaml.safe_dump(LOGIN))
    assert api_stub("login", tmp_path / "v2.yaml").name == "login"
    assert api_stub("login", str(tmp_path / "v2.yaml")).createToken.answers.write is not None
    with pytest.raises(NoContractError):
        api_stub("login", tmp_path / "v3.yaml")


def test_contract_of_the_loaded_client() -> None:
    """A contract that the service has loaded a client of is taken from there."""
    apipool.load_swagger("login", LOGIN)
    assert api_stub("login").contract.api is apipool.login.api
