"""Every answer is held against its contract."""

from __future__ import annotations

from typing import Any

import pytest

from pymacaron_unit.api import Api
from pymacaron_unit.exceptions import ContractBroken
from serving import answering

REX = {"id": 1, "name": "Rex"}
LEFT: Any = {"X_Left": "3"}


def broken(body: Any, status: int = 201, call: str = "createPet", **headers: str) -> str:
    """Return what is said of an answer that breaks the contract."""
    arguments: dict[str, Any] = {"pet_id": 1} if call in ("getPet", "deletePet") else {}
    with answering() as (answers, channel):
        answers.give(body, status, **headers)
        with pytest.raises(ContractBroken) as caught:
            Api(channel).call(call, {"name": "Rex"} if call == "createPet" else None, **arguments)
        return str(caught.value)


def accepted(body: Any, status: int = 201, call: str = "createPet", **headers: str) -> Any:
    """Return the answer, which keeps the contract."""
    with answering() as (answers, channel):
        answers.give(body, status, **headers)
        return Api(channel).call(call, {"name": "Rex"} if call == "createPet" else None)


def test_takes_what_the_contract_says() -> None:
    """An answer of a declared status, content type, headers and body passes."""
    assert accepted(REX, **LEFT).json() == REX


def test_undeclared_status() -> None:
    """A status that the operation does not declare is named beside those it does."""
    assert "the status 200 is not declared; declared are: 201, 409" in broken(REX, 200, **LEFT)


def test_every_fault_of_a_body_is_listed() -> None:
    """All faults of a body stand in the message, each with its pointer and keyword."""
    said = broken({"id": "x", "name": "", "born": "yesterday"}, **LEFT)
    assert "body /id:" in said
    assert "body /name:" in said
    assert "body /born:" in said


def test_headers_are_read_by_their_schema() -> None:
    """A required header must be there, and have a value of its schema."""
    assert "the header X-Left is missing" in broken(REX)
    assert "the header X-Left:" in broken(REX, X_Left="many")
    assert "the header X-Left:" in broken(REX, X_Left="-1")


def test_content_type_must_be_declared() -> None:
    """Another content type than the declared ones is a fault."""
    assert "the content type is 'text/html" in broken("<p>", **LEFT, Content_Type="text/html")


def test_a_body_where_none_is_declared() -> None:
    """An operation that declares no content must answer none."""
    with answering() as (answers, channel):
        answers.give(None, 204)
        assert Api(channel).call("deletePet", pet_id=1).content == b""


def test_write_only_properties_must_not_be_sent() -> None:
    """What is writeOnly must not stand in an answer, behind branches and in lists neither."""
    assert "body /chip: a writeOnly property must not be sent" in broken({**REX, "chip": "4711"}, **LEFT)
    assert "body /chip:" in broken({**REX, "chip": "4711"}, 200, "getPet")
    assert "body /1/chip:" in broken([REX, {**REX, "chip": "4711"}], 200, "listPets")


def test_errors_that_pymacaron_makes_need_no_declaration() -> None:
    """INVALID_PARAMETER and the like may come from any operation, in both error formats; a service's own may not."""
    assert accepted({"status": 400, "error": "INVALID_PARAMETER"}, 400).status == 400
    problem = {"status": 401, "code": "TOKEN_EXPIRED", "type": "about:blank"}
    assert accepted(problem, 401, Content_Type="application/problem+json").status == 401
    assert "the status 404 is not declared" in broken({"status": 404, "error": "PET_NOT_FOUND"}, 404)
    assert "the status 500 is not declared" in broken({"status": 500, "error": "SERVER_ERROR"}, 500)
    assert "the status 400 is not declared" in broken([], 400)


def test_ranges_and_other_calls() -> None:
    """4XX covers 404; a call of no operation is not checked; check=False leaves a call alone."""
    with answering() as (answers, channel):
        answers.give({}, 404)
        assert Api(channel).call("getPet", pet_id=1).status == 404
        answers.next.clear()
        answers.give("junk", 299)
        assert Api(channel).get("/elsewhere").status == 299
        assert Api(channel).get("/v1/pets", check=False).status == 299


def test_says_where_and_how_to_repeat_it() -> None:
    """The message names the operation's place, shows both messages, and how to send the request again."""
    said = broken({}, **LEFT)
    assert said.startswith("the answer to createPet is not what its contract says (pets#/paths/~1pets/post):")
    assert "> POST http://127.0.0.1:" in said
    assert "< 201 CREATED" in said
    assert "repeat it with: curl -i -X POST" in said


def test_model_reads_the_body() -> None:
    """An answer's model is the object of its schema, a list of them, or the text."""
    made = accepted({**REX, "born": "2020-02-29"}, **LEFT).model
    assert (type(made).__name__, made.name, made.born.year) == ("Pet", "Rex", 2020)
    assert [pet.id for pet in accepted([REX], 200, "listPets").model] == [1]
    assert accepted("Rex", 200, "myPet", Content_Type="text/plain").model == "Rex"


def test_a_model_of_what_is_none() -> None:
    """An answer that its contract does not declare has no model."""
    with answering(checked=False) as (answers, channel):
        answers.give({"id": 1}, 201)
        response = Api(channel).call("createPet", {"name": "Rex"})
        with pytest.raises(ContractBroken, match='the body of createPet is invalid: the property "name" is missing'):
            _ = response.model
        with pytest.raises(ContractBroken, match="belongs to no operation"):
            _ = Api(channel).get("/else").model


def test_a_body_of_an_operation_without_content() -> None:
    """A declared response without content refuses a body."""
    document = {
        "openapi": "3.0.3",
        "info": {"title": "T", "version": "1"},
        "paths": {"/x": {"get": {"operationId": "x", "responses": {"200": {"description": "none"}}}}},
    }
    with answering(document) as (answers, channel):
        answers.give({"a": 1})
        with pytest.raises(ContractBroken, match="there is a body of 8 bytes; none is declared for 200"):
            Api(channel).call("x")
