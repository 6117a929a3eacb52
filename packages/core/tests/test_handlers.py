"""Handlers: what they get of a request."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from flask import g, session
from flask import request as flask_request

from harness import caller, json_of, make_api, openapi, serve, swagger
from pymacaron import apipool
from pymacaron.exceptions import BindError
from pymacaron.flaskapp.routes import current_operation

if TYPE_CHECKING:
    from collections.abc import Callable

ITEM = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "size": {"type": "integer"}, "tags": {"type": "array", "items": {}}},
}
COMPONENTS = {"schemas": {"Item": ITEM}}
REF = {"$ref": "#/components/schemas/Item"}
OK = {"200": json_of(True)}


def call(operation: dict[str, Any], handler: Callable[..., Any], path: str = "/x", **options: Any) -> Any:
    """Serve one POST operation and call it."""
    rule = options.pop("rule", "/x")
    config = options.pop("config", {})
    document = openapi({rule: {"post": {"operationId": "x", "responses": OK, **operation}}}, components=COMPONENTS)
    return serve(document, {"x": handler}, config=config, error_reporter=lambda **_: None).post(path, **options)


def test_body_comes_first() -> None:
    """The body's model is the first argument, whatever it is called; parameters go by name."""
    operation = {
        "requestBody": {**json_of(REF), "required": True},
        "parameters": [
            {"name": "n", "in": "path", "required": True, "schema": {"type": "integer"}},
            {"name": "since", "in": "query", "schema": {"type": "string", "format": "date"}},
            {"name": "X-Trace-Id", "in": "header", "schema": {"type": "string"}},
            {"name": "sid", "in": "cookie", "schema": {"type": "string"}},
        ],
    }

    def handler(thing: Any, n: int, since: Any, x_trace_id: str, sid: str | None) -> Any:
        assert isinstance(thing, apipool.shop.Item)
        assert since == date(2020, 1, 2)
        return [thing["name"], thing["size"], n, x_trace_id, sid]

    response = call(
        operation, handler, "/x/7?since=2020-01-02", rule="/x/{n}", json={"name": "a"}, headers={"X-Trace-Id": "t"}
    )
    assert response.json == ["a", None, 7, "t", None]


@pytest.mark.parametrize(
    ("schema", "given"),
    [
        ({"type": "array", "items": {"type": "integer"}}, [1, 2]),
        ({"type": "string"}, "text"),
        ({"type": "object"}, {"a": [1]}),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"a": 1}),
        (True, {"x": None}),
    ],
)
def test_plain_bodies(schema: Any, given: Any) -> None:
    """A body whose schema has no model is the plain value."""
    assert call({"requestBody": json_of(schema)}, lambda body: body, json=given).json == given


def test_body_left_out() -> None:
    """An optional body that is missing is None; a required one is a fault."""
    assert call({"requestBody": json_of(REF)}, lambda body: body is None).json is True
    response = call({"requestBody": {**json_of(REF), "required": True}}, lambda body: 1)
    assert response.status_code == 400
    assert response.json["errors"] == [
        {"in": "body", "pointer": "", "keyword": "required", "message": "the body is missing"}
    ]


def test_faults_of_body_and_parameters_together() -> None:
    """All faults of a request are in one answer."""
    operation = {
        "requestBody": json_of(REF),
        "parameters": [
            {"name": "a", "in": "query", "required": True, "schema": {"type": "integer"}},
            {"name": "b", "in": "query", "schema": {"type": "integer"}},
            {"name": "X-C", "in": "header", "required": True, "schema": {"type": "string"}},
        ],
    }
    response = call(operation, lambda body, a, b, x_c: 1, "/x?b=z", json={"size": "big"})
    assert {(e["in"], e["pointer"], e["keyword"]) for e in response.json["errors"]} == {
        ("query", "/a", "required"),
        ("query", "/b", "type"),
        ("header", "/X-C", "required"),
        ("body", "", "required"),
        ("body", "/size", "type"),
    }


def test_number_of_faults_is_limited() -> None:
    """No more faults are listed than max_errors."""
    response = call(
        {"requestBody": json_of({"type": "array", "items": {"type": "integer"}})},
        lambda body: 1,
        json=["x"] * 100,
        config={"max_errors": 7},
    )
    assert len(response.json["errors"]) == 7


def test_defaults_of_parameters() -> None:
    """A parameter left out is its schema's default, else the handler's, else None."""
    operation = {
        "parameters": [
            {"name": "a", "in": "query", "schema": {"type": "integer", "default": 5}},
            {"name": "b", "in": "query", "schema": {"type": "integer"}},
            {"name": "c", "in": "query", "schema": {"type": "integer"}},
        ]
    }
    assert call(operation, lambda a, b, c=9: [a, b, c]).json == [5, None, 9]
    assert call(operation, lambda a, b, c=9: [a, b, c], "/x?a=1&b=2&c=3").json == [1, 2, 3]
    assert call(operation, lambda **given: given).json == {"a": 5}


def test_strict_query() -> None:
    """A query parameter that the contract does not name is refused where pym-config says so."""
    operation = {"parameters": [{"name": "a", "in": "query", "schema": {"type": "integer"}}]}
    assert call(operation, lambda a: a, "/x?a=1&b=2").json == 1
    response = call(operation, lambda a: a, "/x?a=1&b=2", config={"strict_query": True})
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (400, "/b")


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        (lambda: 1, "takes no argument for the body; add one as its first"),
        (lambda body: 1, "takes no argument 'a'; add it, or"),
        (lambda body, a, b: 1, "needs 'b', which the operation does not declare"),
        (lambda a: 1, "gets the body as its first argument, not 'a'; put one before it"),
    ],
)
def test_handler_that_does_not_fit(handler: Any, message: str) -> None:
    """A function that cannot be called with what the operation has is refused at start."""
    operation = {
        "requestBody": json_of(REF),
        "parameters": [{"name": "a", "in": "query", "schema": {"type": "integer"}}],
    }
    with pytest.raises(BindError, match=message):
        call(operation, handler)


def test_methods_and_objects_as_handlers() -> None:
    """Anything that can be called may be a handler: a method, a partial, an object."""
    from functools import partial

    class Shop:
        def get(self) -> str:
            return "method"

        def __call__(self) -> str:
            return "object"

    for handler, expected in ((Shop().get, "method"), (Shop(), "object"), (partial(str, "partial"), "partial")):
        assert call({}, handler).json == expected


def test_async_handler() -> None:
    """A coroutine is awaited."""

    async def handler() -> str:
        await asyncio.sleep(0)
        return "later"

    try:
        import asgiref  # noqa: F401  # what Flask needs for coroutines
    except ImportError:
        pytest.skip("asgiref is not installed")
    assert call({}, handler).json == "later"


def test_context_of_flask() -> None:
    """Inside a handler Flask's request, g and session are there."""

    def handler() -> list[Any]:
        g.mine = 1
        return [flask_request.path, g.mine, "x" in session]

    document = openapi({"/x": {"post": {"operationId": "x", "responses": OK}}})
    client = serve(document, {"x": handler})
    client.application.secret_key = "k"
    assert client.post("/x").json == ["/x", 1, False]


# Content types.


@pytest.mark.parametrize(
    ("declared", "sent", "status"),
    [
        ("application/json", "application/json; charset=utf-8", 200),
        ("application/json", "Application/JSON", 200),
        ("application/json", "application/vnd.x+json", 415),
        ("application/json", "text/plain", 415),
        ("application/json", "application/x-www-form-urlencoded", 415),
        ("application/*", "application/json", 200),
        ("*/*", "application/json", 200),
        ("application/vnd.x+json", "application/vnd.x+json", 200),
    ],
)
def test_content_type(declared: str, sent: str, status: int) -> None:
    """A body of another type than declared is a 415 that says what goes."""
    body = {"content": {declared: {"schema": {"type": "object"}}}}
    response = call({"requestBody": body}, lambda body: body, data='{"a": 1}', content_type=sent)
    assert response.status_code == status
    if status == 415:
        assert declared in response.json["error_description"]
    else:
        assert response.json == {"a": 1}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "this is no JSON"),
        (b'{"a": 1} x', "this is no JSON"),
        (b'"\xff"', ""),
        (b"[" * 300 + b"]" * 300, "max_json_depth"),
        (b"NaN", "this is no JSON"),
    ],
)
def test_body_that_is_no_json(data: bytes, message: str) -> None:
    """A body that cannot be read is a 400 with the reason."""
    response = call({"requestBody": json_of(True)}, lambda body: 1, data=data, content_type="application/json")
    assert response.status_code == 400
    assert message in response.json["errors"][0]["message"]


def test_body_that_is_too_large() -> None:
    """More bytes than max_body_bytes are a 413, whatever kind of body they are."""
    schemas = {
        "application/json": {"schema": {"type": "object"}},
        "text/plain": {"schema": {"type": "string"}},
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        "multipart/form-data": {"schema": {"type": "object"}},
    }

    def handler(body: Any) -> int:
        return len(body.read()) if hasattr(body, "read") else 1

    for name in schemas:
        data: Any = {"a": "x" * 2000} if name.startswith("multipart") else b'"' + b"x" * 2000 + b'"'
        response = call(
            {"requestBody": {"content": schemas}},
            handler,
            data=data,
            content_type=name,
            config={"max_body_bytes": 1000},
        )
        assert (response.status_code, response.json["error"]) == (413, "BODY_TOO_LARGE"), name


def test_binary_body_is_a_stream() -> None:
    """Octets come as a file object that is read as far as the handler wants."""
    body = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}

    def handler(file: Any) -> str:
        return str(file.read().hex())

    response = call({"requestBody": body}, handler, data=b"\x00\xff", content_type="application/octet-stream")
    assert response.json == "00ff"


def test_text_body() -> None:
    """Text comes as a str that was checked."""
    body = {"content": {"text/plain": {"schema": {"type": "string", "maxLength": 5}}}}
    send = {"content_type": "text/plain"}
    assert call({"requestBody": body}, lambda text: text, data="zwölf".encode(), **send).json == "zwölf"
    assert call({"requestBody": body}, lambda text: text, data="zu lang", **send).status_code == 400
    assert call({"requestBody": body}, lambda text: text, data=b"\xff", **send).status_code == 400


# Routes.


@pytest.mark.parametrize(
    ("path", "given"),
    [("/v/a%20b", "a b"), ("/v/%C3%BC", "ü"), ("/v/a;b=c,d", "a;b=c,d"), ("/v/%25", "%"), ("/v/a+b", "a+b")],
)
def test_path_parameters_are_decoded(path: str, given: str) -> None:
    """A segment of the path is percent-decoded once."""
    operation = {"parameters": [{"name": "s", "in": "path", "required": True, "schema": {"type": "string"}}]}
    assert call(operation, lambda s: s, path, rule="/v/{s}").json == given


def test_base_path() -> None:
    """basePath, and a server's path, prefix every route, unless pym-config turns that off."""
    paths = {"/x": {"get": {"operationId": "x", "responses": {"200": {"description": "x"}}}}}
    handlers = {"x": lambda: None}
    assert serve(swagger(paths, basePath="/v1"), handlers).get("/v1/x").status_code == 200
    assert serve(swagger(paths, basePath="/v1"), handlers).get("/x").status_code == 404
    assert serve(openapi(paths, servers=[{"url": "https://h/v2"}]), handlers).get("/v2/x").status_code == 200
    off = {"ignore_base_path": True}
    assert serve(swagger(paths, basePath="/v1"), handlers, config=off).get("/x").status_code == 200


def test_head_and_options() -> None:
    """A GET answers HEAD without a body, and OPTIONS tells the methods."""
    document = openapi({"/x": {"get": {"operationId": "x", "responses": OK}}})
    client = serve(document, {"x": lambda: {"a": 1}})
    head = client.head("/x")
    assert (head.status_code, head.data) == (200, b"")
    assert "GET" in client.options("/x").headers["Allow"]


@pytest.mark.parametrize("lane", [True, False])
def test_current_operation(lane: bool) -> None:
    """What runs in a handler can ask which operation it is for; elsewhere there is none."""

    def handler() -> list[str]:
        found = current_operation()
        assert found is not None
        loaded, operation = found
        assert loaded is apipool.shop
        assert operation in loaded.api.operations
        return [operation.name, operation.path]

    api = make_api(
        openapi({"/x": {"get": {"operationId": "x", "responses": OK}}}), {"x": handler}, {"contract_lane": lane}
    )
    api.app.add_url_rule("/own", "own", lambda: {"found": current_operation()})
    client = caller(api.app)
    assert client.get("/x").json == ["x", "/x"]
    assert client.get("/own").json == {"found": None}
    with api.app.test_request_context("/nowhere"):
        assert current_operation() is None
    assert current_operation() is None
