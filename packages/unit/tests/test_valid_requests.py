"""Requests made from a contract, sent over HTTP to a stub that reads them as a service does."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pymacaron_unit.contracts import from_document
from pymacaron_unit.examples import NoExampleError, know_document
from pymacaron_unit.stub import api_stub
from pymacaron_unit.valid_requests import valid_request
from random_schemas import SCALARS, schema_around
from stubbed import LOGIN, STORE, UUID

OK = {"200": {"description": "fine"}}
TEXTS = {"type": "array", "items": {"type": "string"}}
OBJECT = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}}
BINARY = {"type": "string", "format": "binary"}


def parameter(name: str, where: str, schema: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": where, "required": True, "schema": schema, **more}


def operation(name: str, parameters: Any = (), content: Any = None, **more: Any) -> dict[str, Any]:
    body = {"requestBody": {"required": True, "content": content}} if content else {}
    return {"operationId": name, "parameters": list(parameters), "responses": OK, **body, **more}


#: An operation for each way that parameters and bodies are written.
WAYS: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Ways", "version": "1"},
    "servers": [{"url": "/base"}],
    "paths": {
        "/p/{simple}/{label}/{matrix}": {
            "get": operation(
                "paths",
                [
                    parameter("simple", "path", {"type": "string"}),
                    parameter("label", "path", TEXTS, style="label", explode=True),
                    parameter("matrix", "path", OBJECT, style="matrix"),
                ],
            )
        },
        "/q": {
            "get": operation(
                "queries",
                [
                    parameter("form", "query", TEXTS),
                    parameter("joined", "query", TEXTS, style="pipeDelimited", explode=False),
                    parameter("deep", "query", OBJECT, style="deepObject", explode=True),
                    parameter("doc", "query", None) | {"content": {"application/json": {"schema": OBJECT}}},
                    parameter("when", "query", {"type": "string", "format": "date-time"}),
                    parameter("maybe", "query", {"type": "boolean"}, required=False),
                ],
            )
        },
        "/h": {
            "get": operation(
                "headers",
                [
                    parameter("X-Trace-Id", "header", {"type": "string", "pattern": "^[A-F0-9-]{8,}$"}),
                    parameter("X-List", "header", {"type": "array", "items": {"type": "integer"}}),
                    parameter("session", "cookie", {"type": "string", "minLength": 20}),
                ],
            )
        },
        "/json": {"post": operation("json", content={"application/json": {"schema": OBJECT}})},
        "/urlencoded": {
            "post": operation("urlencoded", content={"application/x-www-form-urlencoded": {"schema": OBJECT}})
        },
        "/multipart": {
            "post": operation(
                "multipart",
                content={
                    "multipart/form-data": {
                        "schema": {
                            "type": "object",
                            "required": ["one", "many", "text"],
                            "properties": {
                                "one": BINARY,
                                "many": {"type": "array", "items": BINARY, "minItems": 2},
                                "text": {"type": "string"},
                            },
                        }
                    }
                },
            )
        },
        "/octets": {"post": operation("octets", content={"application/octet-stream": {"schema": BINARY}})},
        "/text": {"post": operation("text", content={"text/plain": {"schema": {"type": "string", "minLength": 3}}})},
        "/xml": {"post": operation("xml", content={"application/xml": {"schema": OBJECT}})},
        "/two": {
            "post": operation("two", content={"application/json": {"schema": OBJECT}, "text/csv": {"schema": {}}})
        },
    },
}
#: The forms of Swagger 2.0.
FORMS: dict[str, Any] = {
    "swagger": "2.0",
    "info": {"title": "Forms", "version": "1"},
    "basePath": "/base",
    "paths": {
        "/file": {
            "post": {
                "operationId": "file",
                "consumes": ["multipart/form-data"],
                "parameters": [
                    {"name": "photo", "in": "formData", "type": "file", "required": True},
                    {"name": "size", "in": "formData", "type": "integer", "required": True},
                ],
                "responses": OK,
            }
        },
        "/form": {
            "post": {
                "operationId": "form",
                "consumes": ["application/x-www-form-urlencoded"],
                "parameters": [
                    {
                        "name": "tags",
                        "in": "formData",
                        "type": "array",
                        "items": {"type": "string"},
                        "collectionFormat": "csv",
                        "required": True,
                    }
                ],
                "responses": OK,
            }
        },
    },
}


def send(request: requests.Request) -> requests.Response:
    """Send a request."""
    with requests.Session() as session:
        return session.send(request.prepare(), timeout=10)


@pytest.mark.parametrize("document", [WAYS, FORMS, LOGIN])
def test_every_operation_takes_its_requests(document: dict[str, Any]) -> None:
    """Requests of every operation are taken, the plain ones and those by chance, with and without what is optional."""
    with api_stub("ways", document) as stub:
        base = stub.url.removesuffix(stub.contract.prefix)
        for made in stub.contract.api.operations:
            for seed in range(8):
                answer = send(valid_request(stub.contract, made, base, seed=seed, optional=bool(seed % 2)))
                assert answer.ok, answer.text
        assert len(stub.calls) == 8 * len(stub.contract.api.operations)


def test_what_is_sent() -> None:
    """A plain request has the plainest values, written by their styles."""
    contract = from_document("ways", WAYS)
    request = valid_request(contract, contract.operations["paths"], "http://x").prepare()
    assert request.url == "http://x/base/p/text/.text/;matrix=a,1,b,text"
    body = valid_request(contract, contract.operations["json"], "http://x/").prepare()
    assert (body.url, body.body, body.headers["Content-Type"]) == (
        "http://x/base/json",
        b'{"a":1,"b":"text"}',
        "application/json",
    )


def test_optional_parameters() -> None:
    """Parameters that can be left out are sent where they are asked for or given."""
    contract = from_document("ways", WAYS)
    queries = contract.operations["queries"]
    assert "maybe" not in str(valid_request(contract, queries, "http://x").url)
    assert "maybe=true" in str(valid_request(contract, queries, "http://x", optional=True).url)
    assert "maybe=false" in str(valid_request(contract, queries, "http://x", values={"maybe": False}).url)


def test_seeds() -> None:
    """The same seed makes the same request, another seed another one."""
    contract = from_document("login", LOGIN)
    made = contract.operations["createToken"]
    bodies = [valid_request(contract, made, "http://x", seed=seed).data for seed in (1, 1, 2)]
    assert bodies[0] == bodies[1] != bodies[2]


def test_values() -> None:
    """Seed data takes the place of made values, and is checked."""
    contract = from_document("login", LOGIN)
    find, create = contract.operations["getToken"], contract.operations["createToken"]
    assert str(valid_request(contract, find, "http://x", values={"token_id": UUID}).url).endswith(UUID)
    body = {"user": "bob", "password": "p"}
    made = valid_request(contract, create, "http://x", values={"body": body, "X-Trace-Id": "abc"})
    assert (made.data, made.headers["X-Trace-Id"]) == (b'{"user":"bob","password":"p"}', "abc")
    with pytest.raises(ValueError, match="token_id"):
        valid_request(contract, find, "http://x", values={"token_id": 7})
    with pytest.raises(ValueError, match=r"no parameter 'tokenId'; it has token_id"):
        valid_request(contract, find, "http://x", values={"tokenId": UUID})


def test_media_types() -> None:
    """A body is of the media type that is asked for, if the contract declares it."""
    contract = from_document("ways", WAYS)
    two = contract.operations["two"]
    assert valid_request(contract, two, "http://x", media_type="text/csv").headers["Content-Type"] == "text/csv"
    with pytest.raises(ValueError, match="declares application/json, text/csv"):
        valid_request(contract, two, "http://x", media_type="text/html")


def test_path_parameters_stay_one_segment() -> None:
    """A path parameter is never what would lead to another operation."""
    schema = {"type": "string", "pattern": "^[./a]+$", "minLength": 1}
    document = {**WAYS, "paths": {"/p/{name}": {"get": operation("find", [parameter("name", "path", schema)])}}}
    with api_stub("ways", document) as stub:
        for seed in range(30):
            send(
                valid_request(
                    stub.contract, stub.contract.operations["find"], stub.url.removesuffix("/base"), seed=seed
                )
            )


def test_impossible_parameter() -> None:
    """A parameter that nothing can be found for is told with its operation."""
    schema = {"type": "string", "enum": ["a/b", ".."]}
    document = {**WAYS, "paths": {"/p/{name}": {"get": operation("find", [parameter("name", "path", schema)])}}}
    contract = from_document("ways", document)
    with pytest.raises(NoExampleError, match=r"path parameter 'name' of find"):
        valid_request(contract, contract.operations["find"], "http://x")


def test_examples_of_the_contract() -> None:
    """The contract's own examples of parameters and bodies are what is sent."""
    document = {
        **STORE,
        "paths": {
            "/pets/{id}": {
                "put": operation(
                    "putPet",
                    [parameter("id", "path", {"type": "integer"}, example=31)],
                    {"application/json": {"schema": {"type": "object"}, "example": {"name": "Rex"}}},
                )
            }
        },
    }
    contract = from_document("store", document)
    know_document(contract.types, document)
    request = valid_request(contract, contract.operations["putPet"], "http://x")
    assert (request.url, request.data) == ("http://x/api/pets/31", b'{"name":"Rex"}')


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_random_parameters_and_bodies(data: st.DataObject) -> None:
    """Whatever the schemas of query parameters and bodies are, a service reads what is sent without a fault."""
    query = data.draw(schema_around(data.draw(st.sampled_from(("abc", 3, 1.5, True, ["a", "b"]))), True, 1))
    body = data.draw(schema_around(data.draw(st.dictionaries(st.sampled_from("abc"), SCALARS, max_size=3)), True, 2))
    path = {"post": operation("send", [parameter("q", "query", query)], {"application/json": {"schema": body}})}
    with api_stub("ways", {**WAYS, "paths": {"/send": path}}) as stub:
        for seed in range(3):
            request = valid_request(
                stub.contract, stub.contract.operations["send"], stub.url.removesuffix("/base"), seed=seed
            )
            assert send(request).ok
