"""What is sent."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pymacaron_unit.contracts import Contract, Contracts, from_document
from pymacaron_unit.exceptions import NoContractError, UnitError
from pymacaron_unit.load.calls import Call, calls_of, choose, make_calls, mixed, scopes_asked
from pymacaron_unit.load.outcome import Answer, Outcome
from pymacaron_unit.load.sampling import EACH, Sampler
from pymacaron_unit.load.values import check_values
from pymacaron_unit.targets import Target
from serving import PETS, json_of

if TYPE_CHECKING:
    from collections.abc import Iterable

URL = "http://127.0.0.1:8080"


class Signing(Target):
    """A target that makes tokens which say what they were made for."""

    def token(
        self, user_id: str | None, scopes: Iterable[str] = (), data: Any = None, expire_in: float | None = None
    ) -> str:
        """Return the user and the scopes."""
        return f"{user_id}:{'+'.join(scopes)}"


def secured(security: list[dict[str, list[str]]]) -> Contract:
    """Make a contract of one operation with these alternatives of security."""
    schemes = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "oauth": {"type": "oauth2", "flows": {}},
        "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "jwt": {"type": "apiKey", "in": "header", "name": "Authorization"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": "sid"},
        "query": {"type": "apiKey", "in": "query", "name": "key"},
    }
    operation = {"operationId": "getX", "security": security, "responses": {"200": json_of({})}}
    return from_document("x", {
        "openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {"/x": {"get": operation}},
        "components": {"securitySchemes": schemes},
    })  # fmt: skip


@pytest.mark.parametrize(
    ("security", "user", "headers", "sent"),
    [
        ([], "bob", {}, None),
        ([{"bearer": []}], "bob", {}, "bob:"),
        ([{"bearer": []}], None, {}, "None:"),
        ([{"oauth": ["read", "list"]}], "bob", {}, "bob:list+read"),
        ([{"jwt": []}], "bob", {}, "bob:"),
        ([{"bearer": []}, {}], None, {}, None),
        ([{"bearer": []}, {}], "bob", {}, "bob:"),
        ([{"key": []}], "bob", {}, None),
        ([{"query": []}], "bob", {}, None),
        ([{"key": []}, {"bearer": []}], "bob", {}, "bob:"),
        ([{"key": []}, {"bearer": []}], "bob", {"x-key": "1"}, None),
        ([{"cookie": []}, {"bearer": []}], "bob", {"Cookie": "sid=1"}, None),
        ([{"key": [], "bearer": []}], "bob", {"X-Key": "1"}, "bob:"),
    ],
)
def test_token_where_one_is_asked_for(
    security: list[dict[str, list[str]]], user: str | None, headers: dict[str, str], sent: str | None
) -> None:
    """It has the scopes asked for; none where it can do without, or where a header satisfies it."""
    contract = secured(security)
    operations = [(contract, contract.operations["getX"])]
    [[call, *_]] = calls_of(Signing(URL), operations, values={}, user=user, headers=headers)
    assert call.headers.get("Authorization") == (None if sent is None else f"Bearer {sent}")
    assert call.headers.items() >= headers.items()


def test_own_authorization_wins() -> None:
    """A header that is given is never replaced by a token."""
    contract = secured([{"bearer": []}])
    operation = contract.operations["getX"]
    assert scopes_asked(contract, operation, {"authorization": "Basic x"}, optional=True) is None


def test_calls_differ_and_are_repeated() -> None:
    """Many different requests for one seed, the same in every run; the body is ready to be sent."""
    contract = from_document("pets", PETS)
    made = make_calls(contract, contract.operations["createPet"], URL)
    assert made == make_calls(contract, contract.operations["createPet"], URL)
    assert made != make_calls(contract, contract.operations["createPet"], URL, seed=7)
    assert len({call.body for call in made}) > 10
    assert all(call.url.startswith(f"{URL}/v1/pets") for call in made)
    assert {call.headers["Content-Type"] for call in made} == {"application/json"}
    assert all(isinstance(call.body, bytes) and call.body.startswith(b"{") for call in made)
    assert not any("Content-Length" in call.headers for call in made)


def test_form_with_a_file_is_ready_to_be_sent() -> None:
    """What is streamed elsewhere is read once here, as every call is sent many times."""
    form = {"type": "object", "required": ["photo"], "properties": {"photo": {"type": "string", "format": "binary"}}}
    document = {
        "openapi": "3.0.3", "info": {"title": "t", "version": "1"},
        "paths": {"/x": {"post": {
            "operationId": "send", "responses": {"204": {"description": "d"}},
            "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
        }}},
    }  # fmt: skip
    contract = from_document("x", document)
    call = make_calls(contract, contract.operations["send"], URL)[0]
    assert isinstance(call.body, bytes)
    boundary = call.headers["Content-Type"].partition("boundary=")[2]
    assert call.body.startswith(f"--{boundary}".encode())


def test_choice_of_operations() -> None:
    """Safe ones, all, or those named once each; without a contract there is nothing to choose from."""
    contracts = Contracts([from_document("pets", PETS)])

    def names(*chosen: str, allow_unsafe: bool = False) -> list[str]:
        return [operation.name for _, operation in choose(contracts, chosen, allow_unsafe)]

    assert names() == ["listPets", "getPet", "myPet"]
    assert set(names(allow_unsafe=True)) == {"createPet", "listPets", "getPet", "deletePet", "myPet"}
    assert names("deletePet", "getPet", "deletePet") == ["deletePet", "getPet"]
    with pytest.raises(NoContractError, match="--contract FILE"):
        choose(Contracts(), (), False)


def test_unknown_value_is_named() -> None:
    """With the parameters that there are."""
    contracts = Contracts([from_document("pets", PETS)])
    chosen = choose(contracts, ["getPet", "createPet"], False)
    check_values(chosen, {"pet_id": 3, "body": {"name": "Rex"}, "X-Trace-Id": "1"})
    with pytest.raises(UnitError, match=r"parameter colour; they have: X-Trace-Id, .*body, dry_run, pet_id"):
        check_values(chosen, {"colour": 3})


@given(counts=st.lists(st.integers(1, 4), min_size=1, max_size=4), rounds=st.integers(1, 6), seed=st.integers(0, 9))
def test_mix_is_even(counts: list[int], rounds: int, seed: int) -> None:
    """In every round each operation has its turn once, and its calls follow one another."""
    calls = [[Call(str(index), "GET", str(n), {}) for n in range(count)] for index, count in enumerate(counts)]
    sent = list(itertools.islice(mixed(calls, seed), rounds * len(calls)))
    assert Counter(call.operation for call in sent) == {str(index): rounds for index in range(len(calls))}
    for index, count in enumerate(counts):
        own = [int(call.url) for call in sent if call.operation == str(index)]
        assert own == [number % count for number in range(rounds)]


def test_samples_are_a_few_of_each_kind() -> None:
    """At most so many of each operation and status, from the whole run; failures and giants are not kept."""
    contracts = Contracts([from_document("pets", PETS)])
    sampler = Sampler(contracts)
    call = Call("myPet", "GET", f"{URL}/v1/pets/mine", {})
    headers = (("Content-Type", "text/plain"),)
    for number in range(500):
        sampler.offer(Outcome(call, number, number, number, Answer(200, None, headers, b"Rex")))
        sampler.offer(Outcome(call, number, number, number, Answer(failure="timeout")))
    sampler.offer(Outcome(call, 0, 0, 0, Answer(200, None, headers, b"x" * 1_000_001)))
    sampler.offer(Outcome(call, 0, 0, 0, Answer(418, None, headers, b"no")))
    kept = [outcome.due for outcome in sampler._kept[("myPet", 200)]]
    assert len(kept) == EACH
    assert max(kept) > 100
    samples = sampler.check()
    assert (samples.answers, samples.checked, samples.invalid) == (502, EACH + 1, 1)
    assert list(samples.faults) == ["myPet, status 418: the status 418 is not declared; declared are: 200"]
