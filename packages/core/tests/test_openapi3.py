"""OpenAPI 3.0 and 3.1 documents: what they become."""

from __future__ import annotations

from typing import Any

import pytest

from harness import json_of, openapi
from pymacaron.contract import Callback, Encoding, Schema
from pymacaron.exceptions import ContractError
from pymacaron.spec import read_contract

VERSIONS = pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])


def operation(version: str = "3.1.0", components: Any = None, **value: Any) -> Any:
    """Read one operation."""
    document = openapi({"/a": {"post": {"responses": {}, **value}}}, version, components=components or {})
    return read_contract(document, "shop").operations[0]


@pytest.mark.parametrize(
    ("servers", "prefix", "urls"),
    [
        (None, "", []),
        ([{"url": "/v1/"}], "/v1", ["/v1/"]),
        ([{"url": "https://shop.example.com/api"}, {"url": "/v2"}], "/api", ["https://shop.example.com/api", "/v2"]),
        ([{"url": "https://{env}.x.com/{v}", "variables": {"env": {"default": "a"}, "v": {"default": "b"}}}], "/b",
         ["https://a.x.com/b"]),
        ([{"url": "{scheme}://x", "variables": {"scheme": {"default": "https"}}}], "", ["https://x"]),
    ],
)  # fmt: skip
def test_servers(servers: Any, prefix: str, urls: list[str]) -> None:
    """The first server's path is the prefix of every route; variables stand for their defaults."""
    api = read_contract(openapi({}, **({"servers": servers} if servers else {})), "x")
    assert (api.base_path, [server.url for server in api.servers]) == (prefix, urls)


def test_variable_without_default() -> None:
    """A URL that names a variable needs its default."""
    with pytest.raises(ContractError, match=r"the server's URL names \{v\}; give it a default under variables"):
        read_contract(openapi({}, servers=[{"url": "/{v}"}]), "x")


@VERSIONS
def test_bodies(version: str) -> None:
    """A body has a schema for each media type, whose names are told apart by no case."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    body = {"required": True, "description": "B", "content": {"Application/JSON": {"schema": schema}, "text/*": {}}}
    made = operation(version, requestBody=body).body
    assert [(media.name, media.schema is True) for media in made.content] == [
        ("application/json", False),
        ("text/*", True),
    ]
    assert (made.required, made.description) == (True, "B")
    assert operation(version).body is None


@VERSIONS
def test_references(version: str) -> None:
    """Parameters, bodies, responses, headers and path items may all be references."""
    document = openapi(
        {"/a": {"$ref": "#/components/x-paths/a"}},
        version,
        components={
            "x-paths": {"a": {"get": {
                "operationId": "find",
                "parameters": [{"$ref": "#/components/parameters/size"}],
                "requestBody": {"$ref": "#/components/requestBodies/item"},
                "responses": {"200": {"$ref": "#/components/responses/item"}},
            }}},
            "parameters": {"size": {"name": "size", "in": "query", "schema": {"type": "integer"}}},
            "requestBodies": {"item": json_of({"$ref": "#/components/schemas/Item"})},
            "responses": {"item": {
                **json_of({"$ref": "#/components/schemas/Item"}),
                "headers": {"X-Count": {"$ref": "#/components/headers/count"}},
            }},
            "headers": {"count": {"required": True, "schema": {"type": "integer"}}},
            "schemas": {"Item": {"type": "object", "properties": {"a": {"type": "string"}}}},
        },
    )  # fmt: skip
    (made,) = read_contract(document, "x").operations
    assert [p.name for p in made.parameters] == ["size"]
    assert made.body is not None
    assert made.body.content[0].schema == made.responses[0].content[0].schema == Schema(ref="Item")
    assert [(h.name, h.required) for h in made.responses[0].headers] == [("X-Count", True)]


@pytest.mark.parametrize(
    ("where", "given", "style", "explode"),
    [
        ("path", {}, "simple", False),
        ("path", {"style": "label"}, "label", False),
        ("path", {"style": "matrix", "explode": True}, "matrix", True),
        ("query", {}, "form", True),
        ("query", {"explode": False}, "form", False),
        ("query", {"style": "spaceDelimited"}, "spaceDelimited", False),
        ("query", {"style": "pipeDelimited"}, "pipeDelimited", False),
        ("query", {"style": "deepObject", "explode": True}, "deepObject", True),
        ("header", {}, "simple", False),
        ("cookie", {}, "form", True),
    ],
)
def test_styles(where: str, given: dict[str, Any], style: str, explode: bool) -> None:
    """Each place has its default style, and its default of explode."""
    parameter = {"name": "p", "in": where, "required": True, "schema": {"type": "array"}, **given}
    path = "/a/{p}" if where == "path" else "/a"
    document = openapi({path: {"get": {"parameters": [parameter], "responses": {}}}})
    (made,) = read_contract(document, "x").operations[0].parameters
    assert (made.style, made.explode) == (style, explode)


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ({"name": "p", "in": "body"}, "in: body is no place of a parameter; use path, query, header, cookie"),
        ({"name": "p", "in": "formData"}, "in: formData is no place"),
        ({"name": "p", "in": "query", "style": "matrix"}, "style 'matrix' does not go with in: query; use form"),
        ({"name": "p"}, "in is missing"),
        ({"in": "query"}, "name is missing"),
        ({"name": 5, "in": "query"}, "name must be a text, not 5"),
        ({"$ref": "#/components/parameters/none"}, "dangles"),
        ({"name": "p", "in": "query", "schema": {"type": "text"}}, "'text' is no type"),
    ],
)
def test_parameters_that_are_refused(parameter: Any, message: str) -> None:
    """A parameter that means nothing is refused with its place."""
    with pytest.raises(ContractError, match=message) as caught:
        operation(parameters=[parameter])
    assert str(caught.value).startswith("shop#/paths/~1a/post")


def test_parameter_that_is_a_document() -> None:
    """A parameter with ``content`` is read as that media type."""
    given = {"name": "filter", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}}
    (made,) = operation(parameters=[given]).parameters
    assert (made.content_type, made.schema) == ("application/json", Schema(type=("object",)))


def test_forms() -> None:
    """The encoding of a form's properties is read, with the styles of a query."""
    encoding = {"tags": {"style": "pipeDelimited"}, "meta": {"contentType": "application/json"}, "plain": {}}
    content = {"multipart/form-data": {"schema": {"type": "object"}, "encoding": encoding}}
    assert operation(requestBody={"content": content}).body.content[0].encoding == {
        "tags": Encoding(None, "pipeDelimited", False),
        "meta": Encoding("application/json", "form", True),
        "plain": Encoding(None, "form", True),
    }
    content["multipart/form-data"]["encoding"] = {"a": {"style": "matrix"}}
    with pytest.raises(ContractError, match="style 'matrix' does not go with a form; use form"):
        operation(requestBody={"content": content})


def test_responses() -> None:
    """Statuses, ranges and default are kept; a Content-Type among the headers says nothing."""
    header = {"schema": {"type": "string"}}
    responses = {
        "201": {"description": "made", "headers": {"Location": header, "Content-Type": header}},
        "4xx": json_of({"type": "object"}),
        "default": {"description": "else"},
        "x-note": "nothing",
    }
    made = operation(responses=responses).responses
    assert [(r.status, len(r.content)) for r in made] == [("201", 0), ("4XX", 1), ("default", 0)]
    assert [h.name for h in made[0].headers] == ["Location"]


def test_security_schemes() -> None:
    """Kinds, places, names and the scopes of all flows are kept."""
    flows = {
        "implicit": {"scopes": {"read": "x", "write": "y"}},
        "clientCredentials": {"scopes": {"read": "x", "admin": "z"}},
    }
    schemes = {
        "jwt": {"type": "http", "scheme": "Bearer"},
        "key": {"type": "apiKey", "in": "cookie", "name": "k", "x-pym-verify": "app.check"},
        "oauth": {"type": "oauth2", "flows": flows},
        "ref": {"$ref": "#/components/securitySchemes/jwt"},
    }
    found = read_contract(openapi({}, components={"securitySchemes": schemes}), "x").security_schemes
    assert {name: (s.kind, s.scheme, s.location, s.key, s.verify, s.scopes) for name, s in found.items()} == {
        "jwt": ("http", "bearer", None, None, None, ()),
        "key": ("apiKey", None, "cookie", "k", "app.check", ()),
        "oauth": ("oauth2", None, None, None, None, ("read", "write", "admin")),
        "ref": ("http", "bearer", None, None, None, ()),
    }
    with pytest.raises(ContractError, match="'basic' is no type of security scheme; use one of apiKey, http"):
        read_contract(openapi({}, components={"securitySchemes": {"x": {"type": "basic"}}}), "x")


def test_webhooks_are_not_served() -> None:
    """What a service calls is no operation of it; a contract may have no paths at all in 3.1."""
    document = {"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "webhooks": {"new": {"post": {}}}}
    assert read_contract(document, "x").operations == ()


def test_security_of_operations() -> None:
    """An operation's own security replaces the contract's, an empty list included."""
    schemes = {"securitySchemes": {"jwt": {"type": "http", "scheme": "bearer"}}}
    paths = {
        "/a": {"get": {"responses": {}}, "put": {"security": [], "responses": {}}},
        "/b": {"get": {"security": [{}], "responses": {}}},
    }
    made = read_contract(openapi(paths, components=schemes, security=[{"jwt": ["read"]}]), "x").operations
    assert [[[(s.scheme, s.scopes) for s in alt] for alt in o.security] for o in made] == [
        [[("jwt", ("read",))]],
        [],
        [[]],
    ]


@VERSIONS
def test_callbacks(version: str) -> None:
    """Callbacks of an asynchronous operation have name, URL, method and body; they may be references."""
    given = {
        "done": {"{$request.body#/url}": {"post": {"requestBody": json_of({"type": "object"}), "responses": {}}}},
        "shared": {"$ref": "#/components/callbacks/shared"},
    }
    shared = {"https://x.example/{$request.query.id}": {"put": {"responses": {}}}, "x-note": "none"}
    more = {"components": {"callbacks": {"shared": shared}}, "callbacks": given}
    done, other = operation(version, **more, **{"x-pym-async": True}).callbacks
    assert (done.name, done.url, done.method) == ("done", "{$request.body#/url}", "POST")
    assert [media.name for media in done.body.content] == ["application/json"]
    assert other == Callback("shared", "https://x.example/{$request.query.id}", "PUT")
    assert operation(version, **more).callbacks == ()
