"""Handlers: what they get of a request, and what becomes of the things that they return."""

from __future__ import annotations

import asyncio
import io
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from flask import Response, g, jsonify, make_response, session
from flask import request as flask_request

from harness import json_of, openapi, serve, swagger
from pymacaron import apipool
from pymacaron.exceptions import BindError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ITEM = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "size": {"type": "integer"}, "tags": {"type": "array", "items": {}}},
}
COMPONENTS = {"schemas": {"Item": ITEM}}
REF = {"$ref": "#/components/schemas/Item"}
OK = {"200": json_of(True)}


def answer(returned: Any, responses: dict[str, Any], **options: Any) -> Any:
    """Serve one operation whose handler returns something, and call it."""
    document = openapi({"/x": {"get": {"operationId": "x", "responses": responses}}}, components=COMPONENTS)
    made = returned if callable(returned) else lambda: returned
    client = serve(document, {"x": made}, error_reporter=lambda **_: None, config=options.pop("config", {}))
    return client.get("/x", **options)


# What is returned.

ONE = {"200": json_of(REF)}
MANY = {"200": json_of({"type": "array", "items": REF})}


def test_model() -> None:
    """A model is sent as its JSON with 200."""
    response = answer(lambda: apipool.shop.Item(name="a", size=1), ONE)
    assert (response.status_code, response.json, response.content_type) == (
        200, {"name": "a", "size": 1}, "application/json",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("returned", "status", "extra"),
    [
        (({"name": "a"}, 200), 200, {}),
        (({"name": "a"}, 201), 201, {}),
        (({"name": "a"}, 201, {"X-Made": "now", "X-Count": 3}), 201, {"X-Made": "now", "X-Count": "3"}),
        (({"name": "a"}, 200, {}), 200, {}),
        (({"name": "a"}, 200, None), 200, {}),
    ],
)
def test_tuples(returned: Any, status: int, extra: dict[str, str]) -> None:
    """A status, and headers, may stand behind the value."""
    response = answer(returned, {**ONE, "201": json_of(REF)})
    assert (response.status_code, response.json) == (status, {"name": "a"})
    assert {name: response.headers[name] for name in extra} == extra


def test_only_status_declared() -> None:
    """A value alone goes with the only 2xx status that is declared; 200 wins where it is one of several."""
    assert answer({"name": "a"}, {"201": json_of(REF), "404": json_of(True)}).status_code == 201
    assert answer({"name": "a"}, {"201": json_of(REF), "200": json_of(REF)}).status_code == 200


def test_nothing() -> None:
    """None is an empty 204 where that is declared."""
    response = answer(None, {"200": json_of(REF), "204": {"description": "nothing"}})
    assert (response.status_code, response.data) == (204, b"")
    assert "Content-Type" not in response.headers
    assert answer(None, {"200": {"description": "nothing"}}).status_code == 200


@pytest.mark.parametrize(
    ("returned", "schema"),
    [
        ({"a": 1}, {"type": "object"}),
        ([1, 2], {"type": "array", "items": {"type": "integer"}}),
        ("text", {"type": "string"}),
        (5, {"type": "integer"}),
        (1.5, {"type": "number"}),
        (True, {"type": "boolean"}),
        (None, {"type": ["object", "null"]}),
        ([], {"type": "array"}),
        ({}, True),
    ],
)
def test_plain_values(returned: Any, schema: Any) -> None:
    """Where the schema has no model, any value that it allows is sent."""
    assert answer(returned, {"200": json_of(schema)}).json == returned


def test_list_of_models() -> None:
    """Models and dicts may be mixed in a list."""
    response = answer(lambda: [apipool.shop.Item(name="a"), {"name": "b"}], MANY)
    assert response.json == [{"name": "a"}, {"name": "b"}]


def test_rich_values() -> None:
    """Dates, UUIDs and octets are written in the form of their formats."""
    formats = {"day": "date", "at": "date-time", "id": "uuid", "raw": "byte"}
    schema = {"type": "object", "properties": {n: {"type": "string", "format": f} for n, f in formats.items()}}
    returned = {
        "day": date(2020, 1, 2),
        "at": datetime.fromisoformat("2020-01-02T03:04:05+00:00"),
        "id": UUID(int=1),
        "raw": b"hi",
    }
    assert answer(returned, {"200": json_of(schema)}).json == {
        "day": "2020-01-02", "at": "2020-01-02T03:04:05Z", "id": str(UUID(int=1)), "raw": "aGk=",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("returned", "keyword"),
    [
        ({}, "required"),
        ({"name": 5}, "type"),
        ({"name": "a", "size": "b"}, "type"),
        ([], "type"),
        ("a", "type"),
        (None, "type"),
        (({"name": "a"}, 299), "status"),
        (({"name": "a"}, "200"), "type"),
        (({"name": "a"}, True), "type"),
        (({"name": "a"},), "type"),
        ((), "type"),
        (({"name": "a"}, 200, {}, 1), "type"),
        ({"name": object()}, "type"),
        (object(), "type"),
    ],
)
def test_result_that_breaks_the_contract(returned: Any, keyword: str) -> None:
    """Whatever is not what the operation declares is a 500, never sent."""
    seen: list[Any] = []
    document = openapi({"/x": {"get": {"operationId": "x", "responses": ONE}}}, components=COMPONENTS)
    client = serve(document, {"x": lambda: returned}, error_reporter=lambda **report: seen.append(report))
    response = client.get("/x")
    assert (response.status_code, response.json["error"]) == (500, "BAD_RESPONSE")
    assert len(seen) == 1
    assert seen[0]["exception"].errors[0]["keyword"] == keyword


def test_value_where_nothing_is_declared() -> None:
    """A response without content must not get one."""
    assert answer({"a": 1}, {"204": {"description": "nothing"}}).json["error"] == "BAD_RESPONSE"


def test_status_of_a_range() -> None:
    """A range and default declare the statuses that are not named."""
    responses = {"2XX": json_of(REF), "default": json_of({"type": "string"})}
    assert answer(({"name": "a"}, 206), responses).status_code == 206
    assert answer(("sorry", 418), responses).json == "sorry"
    assert answer(({"name": 5}, 206), responses).status_code == 500


def test_contract_may_switch_the_check_off() -> None:
    """x-pym-validate-response: false sends what the handler returns."""
    operation = {"operationId": "x", "x-pym-validate-response": False, "responses": ONE}
    client = serve(openapi({"/x": {"get": operation}}, components=COMPONENTS), {"x": lambda: {"other": 1}})
    assert client.get("/x").json == {"other": 1}


@pytest.mark.parametrize(
    "make", [lambda: Response("mine", 299, {"X-A": "1"}), lambda: make_response(("mine", 299, {"X-A": "1"}))]
)
def test_response_of_flask(make: Callable[[], Response]) -> None:
    """A Flask response passes as it is."""
    response = answer(make, ONE)
    assert (response.status_code, response.text, response.headers["X-A"]) == (299, "mine", "1")
    assert answer(lambda: jsonify(a=1), ONE).json == {"a": 1}


OCTETS = {"schema": {"type": "string", "format": "binary"}}
BINARY = {"200": {"description": "x", "content": {"application/octet-stream": OCTETS}}}
TEXT = {"200": {"description": "x", "content": {"text/plain": {"schema": {"type": "string", "maxLength": 9}}}}}


def stream() -> Iterator[bytes | str]:
    yield b"one "
    yield "zwölf"


@pytest.mark.parametrize(
    ("returned", "data"),
    [
        (lambda: b"\x00\xff", b"\x00\xff"),
        (lambda: bytearray(b"ab"), b"ab"),
        (lambda: memoryview(b"ab"), b"ab"),
        (lambda: io.BytesIO(b"x" * 200_000), b"x" * 200_000),
        (lambda: io.StringIO("zwölf"), "zwölf".encode()),
        (stream, "one zwölf".encode()),
        (lambda: iter([b"a", b"b"]), b"ab"),
        (lambda: iter(()), b""),
    ],
)
def test_octets(returned: Any, data: bytes) -> None:
    """Bytes, files and iterators are sent as they come where the response is no JSON."""
    response = answer(returned, BINARY)
    assert (response.status_code, response.data, response.content_type) == (200, data, "application/octet-stream")


def test_stream_with_status_and_headers() -> None:
    """A stream may be the first of a tuple."""
    response = answer(lambda: (stream(), 200, {"X-A": "1", "Content-Type": "video/mp4"}), BINARY)
    assert (response.data, response.headers["X-A"]) == ("one zwölf".encode(), "1")
    assert response.headers.get_all("Content-Type") == ["video/mp4"]


def test_stream_of_json() -> None:
    """A generator may write JSON piece by piece; it is not checked."""
    response = answer(lambda: iter(['{"name":', '"a"}']), ONE)
    assert (response.json, response.content_type) == ({"name": "a"}, "application/json")


def test_file_is_closed() -> None:
    """A file that was sent is closed, and so is a generator that the client gave up."""
    file = io.BytesIO(b"abc")
    answer(lambda: file, BINARY).close()
    assert file.closed


def test_text() -> None:
    """Text is sent as UTF-8 and checked against its schema; what is no text is refused."""
    response = answer("zwölf", TEXT)
    assert (response.text, response.content_type) == ("zwölf", "text/plain; charset=utf-8")
    assert answer("much too long", TEXT).status_code == 500
    assert answer({"a": 1}, TEXT).status_code == 500
    assert answer(5, TEXT).status_code == 500


def test_declared_headers() -> None:
    """Declared headers are converted and checked, one that is required and missing included."""
    headers = {
        "X-Count": {"required": True, "schema": {"type": "integer"}},
        "X-Tags": {"schema": {"type": "array", "items": {"type": "string"}}},
    }
    responses = {"200": {**json_of(True), "headers": headers}}
    response = answer((1, 200, {"x-count": 5, "X-Tags": ["a", "b"], "X-Other": "c"}), responses)
    assert (response.headers["X-Count"], response.headers["X-Tags"], response.headers["X-Other"]) == ("5", "a,b", "c")
    assert answer((1, 200, {"X-Count": "many"}), responses).status_code == 500
    assert answer((1, 200, {"X-Tags": ["a"]}), responses).status_code == 500


def test_header_cannot_be_split() -> None:
    """A line break in a header's value is refused instead of beginning another header."""
    response = answer((1, 200, {"X-A": "1\r\nX-B: 2"}), OK)
    assert response.status_code == 500
    assert "X-B" not in response.headers


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/*", "text/csv; charset=utf-8"),
        ("application/json;q=0.1, text/csv", "text/csv; charset=utf-8"),
        ("text/csv;q=0, */*", "application/json"),
        ("TEXT/CSV", "text/csv; charset=utf-8"),
    ],
)
def test_accept(accept: str | None, content_type: str) -> None:
    """The client's choice among the declared media types is sent (RFC 9110, section 12.5.1)."""
    content = {"application/json": {"schema": {"type": "string"}}, "text/csv": {"schema": {"type": "string"}}}
    headers = {"Accept": accept} if accept else {}
    response = answer("a,b", {"200": {"description": "x", "content": content}}, headers=headers)
    assert (response.status_code, response.content_type) == (200, content_type)


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "image/*", "x"])
def test_not_acceptable(accept: str) -> None:
    """A client that takes none of them gets a 406, and the handler does not run."""
    ran: list[int] = []
    response = answer(lambda: ran.append(1), OK, headers={"Accept": accept})
    assert (response.status_code, response.json["error"], ran) == (406, "NOT_ACCEPTABLE", [])


# What is given.


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


# Forms.

FORM = {
    "type": "object",
    "required": ["title"],
    "properties": {
        "title": {"type": "string"},
        "count": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "meta": {"type": "object"},
        "photo": {"type": "string", "format": "binary"},
        "more": {"type": "array", "items": {"type": "string", "format": "binary"}},
    },
}


def form(kind: str = "multipart/form-data", **encoding: Any) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {kind: {"schema": FORM, "encoding": encoding}}}}


def test_urlencoded_form() -> None:
    """The fields of a form are converted and make up the body."""

    def handler(body: Any) -> Any:
        return [body.title, body.count, body.tags, body.photo]

    kind = "application/x-www-form-urlencoded"
    data = {"title": "a b", "count": "5", "tags": ["x", "y"]}
    assert call(form(kind), handler, data=data).json == ["a b", 5, ["x", "y"], None]
    response = call(form(kind), handler, data={"count": "many"})
    assert {(e["pointer"], e["keyword"]) for e in response.json["errors"]} == {("", "required"), ("/count", "type")}


def test_multipart_form() -> None:
    """Files stay file objects with a name, fields of JSON are decoded."""

    def handler(body: Any) -> Any:
        return [body.title, body.meta, body.photo.filename, body.photo.read().decode(), [f.filename for f in body.more]]

    data = {
        "title": "T",
        "meta": '{"a": 1}',
        "photo": (io.BytesIO(b"pixels"), "me.png"),
        "more": [(io.BytesIO(b"1"), "1.txt"), (io.BytesIO(b"2"), "2.txt")],
    }
    response = call(form(meta={"contentType": "application/json"}), handler, data=data)
    assert response.json == ["T", {"a": 1}, "me.png", "pixels", ["1.txt", "2.txt"]]


def test_json_field_that_is_no_json() -> None:
    """A field that must be JSON and is none is a fault of the form."""
    response = call(
        form(meta={"contentType": "application/json"}),
        lambda body: 1,
        data={"meta": "{", "count": "many"},
        content_type="multipart/form-data",
    )
    assert response.status_code == 400
    assert [(e["pointer"], e["keyword"]) for e in response.json["errors"]] == [
        ("/meta", "json"),
        ("", "required"),
        ("/count", "type"),
    ]


SWAGGER_FORM = {
    "/x": {
        "post": {
            "operationId": "x",
            "consumes": ["multipart/form-data", "application/x-www-form-urlencoded"],
            "parameters": [
                {"name": "title", "in": "formData", "type": "string", "required": True},
                {"name": "sizes", "in": "formData", "type": "array", "items": {"type": "integer"}},
                {"name": "photo", "in": "formData", "type": "file"},
            ],
            "responses": {"200": {"description": "x", "schema": {}}},
        }
    }
}


def test_form_of_swagger_2() -> None:
    """Each field is an argument of its own, converted; a file is a file object."""

    def handler(title: str, sizes: list[int] | None, photo: Any) -> Any:
        return [title, sizes, photo and photo.read().decode()]

    client = serve(swagger(SWAGGER_FORM), {"x": handler})
    assert client.post("/x", data={"title": "T", "sizes": "1,2"}).json == ["T", [1, 2], None]
    assert client.post("/x", data={"title": "T", "photo": (io.BytesIO(b"abc"), "a")}).json == ["T", None, "abc"]
    response = client.post("/x", data={"sizes": "1,b", "photo": "no file"})
    assert {(e["in"], e["pointer"], e["keyword"]) for e in response.json["errors"]} == {
        ("form", "/title", "required"),
        ("form", "/sizes/1", "type"),
        ("form", "/photo", "type"),
    }
    assert client.post("/x", json={"title": "T"}).status_code == 415


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
