"""What becomes of the things that handlers return, and of those that the contract forbids."""

from __future__ import annotations

import io
import sys
from datetime import date, datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from flask import Flask, Response, jsonify, make_response

from harness import json_of, openapi, serve
from pymacaron import API, apipool

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
        (({"name": "a"}, None, {"X-Made": "now"}), 200, {"X-Made": "now"}),
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


def test_stream_that_fails_is_reported() -> None:
    """What a generator raises after the status has left goes to the reporter, once, and ends the response."""
    reports: list[dict[str, Any]] = []

    def export() -> Iterator[str]:
        yield "one"
        raise RuntimeError("the disk is gone")

    contract = {
        "openapi": "3.1.0",
        "info": {"title": "x", "version": "1"},
        "paths": {
            "/export": {
                "get": {
                    "operationId": "export",
                    "x-bind-server": "failing_stream.export",
                    "responses": {"200": {"description": "Text", "content": {"text/plain": {}}}},
                }
            }
        },
    }
    module = ModuleType("failing_stream")
    module.export = export  # type: ignore[attr-defined]  # made here
    sys.modules["failing_stream"] = module
    app = Flask("x")
    API(app, error_reporter=lambda **report: reports.append(report)).load_api("export", contract).prepare()
    parts = app.test_client().get("/export", buffered=False).iter_encoded()
    assert next(parts) == b"one"
    with pytest.raises(RuntimeError):
        next(parts)
    assert [report["title"] for report in reports] == ["a stream failed: RuntimeError: the disk is gone"]
