"""Swagger 2.0 documents: what they become, and that bravado-core reads them the same way."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from harness import json_of, swagger
from probing import bravado_spec
from pymacaron.contract import Schema
from pymacaron.exceptions import ContractError
from pymacaron.spec import read_contract

LIST = {"in": "query", "type": "array", "items": {"type": "string"}}

DOCUMENT = swagger(
    {
        "/items/{item_id}": {
            "parameters": [
                {"name": "item_id", "in": "path", "required": True, "type": "integer", "format": "int64"},
                {"name": "lang", "in": "query", "type": "string", "default": "en", "enum": ["en", "de"]},
                {"$ref": "#/parameters/trace"},
            ],
            "get": {
                "operationId": "get_item",
                "tags": ["items"],
                "parameters": [
                    {"name": "lang", "in": "query", "type": "string", "required": True},
                    {**LIST, "name": "fields", "collectionFormat": "multi"},
                    {**LIST, "name": "sizes", "collectionFormat": "pipes"},
                ],
                "responses": {"200": {"$ref": "#/responses/Item"}, "404": {"description": "none"}},
                "security": [{"jwt": []}, {"key": [], "oauth": ["read"]}],
            },
            "put": {
                "operationId": "put_item",
                "consumes": ["application/json", "application/vnd.shop+json"],
                "parameters": [
                    {"name": "body", "in": "body", "required": True, "schema": {"$ref": "#/definitions/Item"}}
                ],
                "responses": {"204": {"description": "kept", "headers": {"ETag": {"type": "string"}}}},
                "security": [],
            },
        },
        "/upload": {
            "post": {
                "operationId": "upload",
                "consumes": ["multipart/form-data"],
                "parameters": [
                    {"name": "title", "in": "formData", "type": "string", "required": True},
                    {"name": "file", "in": "formData", "type": "file"},
                ],
                "responses": {"default": {"description": "done", "schema": {"type": "string"}}},
            }
        },
    },
    basePath="/v1/",
    host="shop.example.com",
    schemes=["https", "http"],
    consumes=["application/json"],
    produces=["application/json"],
    parameters={"trace": {"name": "X-Trace", "in": "header", "type": "string"}},
    responses={"Item": {"description": "An item", "schema": {"$ref": "#/definitions/Item"}}},
    definitions={
        "Item": {
            "type": "object",
            "required": ["id"],
            "properties": {
                "id": {"type": "integer"},
                "parts": {"type": "array", "items": {"$ref": "#/definitions/Part"}},
                "next": {"$ref": "#/definitions/Item"},
            },
        },
        "Part": {"type": "object", "properties": {"name": {"type": "string"}}},
    },
    securityDefinitions={
        "jwt": {"type": "apiKey", "in": "header", "name": "Authorization"},
        "key": {"type": "apiKey", "in": "query", "name": "k"},
        "oauth": {"type": "oauth2", "flow": "implicit", "authorizationUrl": "https://x", "scopes": {"read": "Read"}},
        "plain": {"type": "basic"},
    },
    security=[{"jwt": []}],
)  # fmt: skip


def test_head_of_the_document() -> None:
    """Title, version, prefix and servers come from info, basePath, host and schemes."""
    api = read_contract(DOCUMENT, "shop")
    assert (api.name, api.title, api.version, api.base_path) == ("shop", "Test", "1.2.3", "/v1")
    assert [server.url for server in api.servers] == ["https://shop.example.com/v1", "http://shop.example.com/v1"]
    assert api.float_is_integer is False


def test_servers_without_a_host() -> None:
    """A contract that names no host has a relative server."""
    assert [s.url for s in read_contract(swagger({}, basePath="/x"), "a").servers] == ["/x"]
    assert [s.url for s in read_contract(swagger({}, host="h"), "a").servers] == ["https://h"]


def operation(name: str) -> Any:
    return next(found for found in read_contract(DOCUMENT, "shop").operations if found.name == name)


def test_body() -> None:
    """A body parameter becomes the operation's body, in every media type that is consumed."""
    body = operation("put_item").body
    assert [media.name for media in body.content] == ["application/json", "application/vnd.shop+json"]
    assert (body.required, body.content[0].schema) == (True, Schema(ref="Item"))
    assert "body" not in [p.name for p in operation("put_item").parameters]


def test_form() -> None:
    """formData parameters stay parameters, a file becomes binary text, and the body says which forms go."""
    made = operation("upload")
    assert [(p.name, p.location, p.schema.format) for p in made.parameters] == [
        ("title", "form", None),
        ("file", "form", "binary"),
    ]
    assert ([media.name for media in made.body.content], made.body.required) == (["multipart/form-data"], True)


def test_responses() -> None:
    """A response without a schema has no content; headers are parameters; references are followed."""
    item, kept = operation("get_item").responses[0], operation("put_item").responses[0]
    assert (item.status, item.description, item.content[0].schema) == ("200", "An item", Schema(ref="Item"))
    assert (kept.content, [(h.name, h.location) for h in kept.headers]) == ((), [("ETag", "header")])
    assert [r.status for r in operation("upload").responses] == ["default"]


@pytest.mark.parametrize(
    ("given", "where", "style", "explode"),
    [
        (None, "query", "form", False),
        ("csv", "query", "form", False),
        ("ssv", "query", "spaceDelimited", False),
        ("tsv", "query", "tabDelimited", False),
        ("pipes", "query", "pipeDelimited", False),
        ("multi", "query", "form", True),
        ("csv", "header", "simple", False),
        ("pipes", "header", "pipeDelimited", False),
    ],
)
def test_collection_formats(given: str | None, where: str, style: str, explode: bool) -> None:
    """Each collectionFormat has its style."""
    parameter: dict[str, Any] = {"name": "a", "in": where, "type": "array", "items": {"type": "string"}}
    if given is not None:
        parameter["collectionFormat"] = given
    paths = {"/a": {"get": {"parameters": [parameter], "responses": {}}}}
    (made,) = read_contract(swagger(paths), "x").operations[0].parameters
    assert (made.style, made.explode) == (style, explode)


QUERY = {"name": "a", "in": "query", "type": "array", "items": {"type": "string"}}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ([{**QUERY, "collectionFormat": "commas"}], "collectionFormat 'commas' does not go with in: query; use csv"),
        ([{**QUERY, "in": "header", "collectionFormat": "multi"}], "'multi' does not go with in: header"),
        (
            [{**QUERY, "in": "cookie"}],
            "in: cookie is no place of a parameter; use path, query, header",
        ),
        ([{"in": "query", "type": "string"}], "name is missing"),
        ([{"name": "a", "type": "string"}], "in is missing"),
        ([{"name": "a", "in": "body"}, {"name": "b", "in": "formData", "type": "string"}], "an operation has one body"),
        ([{"name": "a", "in": "body"}, {"name": "b", "in": "body"}], "an operation has one body"),
        ([{"name": "a", "in": "query", "type": "text"}], "'text' is no type; use one of"),
    ],
)
def test_parameters_that_are_refused(parameters: list[Any], message: str) -> None:
    """A parameter that means nothing is refused with its place."""
    with pytest.raises(ContractError, match=message):
        read_contract(swagger({"/a": {"get": {"parameters": parameters, "responses": {}}}}), "x")


def test_security_schemes() -> None:
    """basic becomes HTTP's scheme; keys keep place and name; OAuth its scopes."""
    schemes = read_contract(DOCUMENT, "shop").security_schemes
    assert {name: (s.kind, s.scheme, s.location, s.key, s.scopes) for name, s in schemes.items()} == {
        "jwt": ("apiKey", None, "header", "Authorization", ()),
        "key": ("apiKey", None, "query", "k", ()),
        "oauth": ("oauth2", None, None, None, ("read",)),
        "plain": ("http", "basic", None, None, ()),
    }
    with pytest.raises(ContractError, match="'bearer' is no type of security scheme; use basic, apiKey or oauth2"):
        read_contract(swagger({}, securityDefinitions={"x": {"type": "bearer"}}), "x")


def test_keywords_of_3_0_are_none_here() -> None:
    """A requestBody means nothing in Swagger 2.0."""
    paths = {"/a": {"post": {"requestBody": json_of({"type": "object"}), "responses": {}}}}
    assert read_contract(swagger(paths), "x").operations[0].body is None


# bravado-core as the oracle.


@pytest.fixture(scope="module")
def oracle() -> Any:
    """Build bravado-core's view of the document."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a library of the tests deprecates is none of ours
        return bravado_spec(DOCUMENT, use_models=False)


def theirs(oracle: Any) -> dict[str, Any]:
    return {
        op.operation_id: op
        for resource in oracle.resources.values()
        for op in (getattr(resource, name) for name in dir(resource))
    }


def test_same_operations(oracle: Any) -> None:
    """Both find the same operations, methods and paths."""
    ours = {o.name: (o.method, o.path) for o in read_contract(DOCUMENT, "shop").operations}
    assert ours == {name: (op.http_method.upper(), op.path_name) for name, op in theirs(oracle).items()}


def test_same_parameters(oracle: Any) -> None:
    """Both give an operation the same parameters, those of its path included: place, type, need and default."""
    deref = oracle.deref
    for made in read_contract(DOCUMENT, "shop").operations:
        expected = {}
        # bravado-core makes parameters of credentials as well.
        keys = {definition.name for definition in oracle.security_definitions.values() if definition.type == "apiKey"}
        for param in theirs(oracle)[made.name].params.values():
            spec = deref(param.param_spec)
            if spec["in"] != "body" and spec["name"] not in keys:
                location = {"formData": "form"}.get(spec["in"], spec["in"])
                kind = "string" if spec["type"] == "file" else spec["type"]
                expected[spec["name"]] = (location, (kind,), bool(spec.get("required")), spec.get("default"))
        found = {}
        for p in made.parameters:
            assert isinstance(p.schema, Schema)
            default = p.schema.default if isinstance(p.schema.default, str) else None
            found[p.name] = (p.location, p.schema.type, p.required, default)
        assert found == expected


def test_same_bodies_and_media_types(oracle: Any) -> None:
    """Both find the same bodies, and the same media types in and out."""
    for made in read_contract(DOCUMENT, "shop").operations:
        op = theirs(oracle)[made.name]
        body = [p for p in op.params.values() if oracle.deref(p.param_spec)["in"] == "body"]
        form = any(p.location == "form" for p in made.parameters)
        assert (made.body is not None) is (bool(body) or form)
        if made.body is not None:
            assert [media.name for media in made.body.content] == op.consumes
        for response in made.responses:
            assert [media.name for media in response.content] in ([], op.produces)


def test_same_responses(oracle: Any) -> None:
    """Both find the same responses behind the same references."""
    for made in read_contract(DOCUMENT, "shop").operations:
        declared = theirs(oracle)[made.name].op_spec["responses"]
        assert [r.status for r in made.responses] == [str(status) for status in declared]
        for response in made.responses:
            spec = oracle.deref(declared[response.status])
            assert (response.description, bool(response.content)) == (spec["description"], "schema" in spec)


def test_same_security(oracle: Any) -> None:
    """Both ask for the same schemes, the contract's own where an operation says nothing."""
    for made in read_contract(DOCUMENT, "shop").operations:
        ours = [{s.scheme: list(s.scopes) for s in alternative} for alternative in made.security]
        assert ours == [r.security_requirement_spec for r in theirs(oracle)[made.name].security_requirements]
    schemes = read_contract(DOCUMENT, "shop").security_schemes
    assert schemes.keys() == oracle.security_definitions.keys()
    for name, definition in oracle.security_definitions.items():
        if definition.type == "apiKey":
            assert (schemes[name].key, schemes[name].location) == (definition.name, definition.location)


def test_same_definitions(oracle: Any) -> None:
    """Both find the same definitions, with the same properties."""
    ours = read_contract(DOCUMENT, "shop").schemas
    for name, spec in oracle.deref(oracle.spec_dict["definitions"]).items():
        made = ours[name]
        assert isinstance(made, Schema)
        assert set(made.properties) == set(oracle.deref(spec)["properties"])
