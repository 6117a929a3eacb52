"""Forms: fields and files, of Swagger 2.0 and of OpenAPI 3."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from harness import json_of, openapi, serve, swagger

if TYPE_CHECKING:
    from collections.abc import Callable


def call(operation: dict[str, Any], handler: Callable[..., Any], **options: Any) -> Any:
    """Serve one POST operation and call it."""
    document = openapi({"/x": {"post": {"operationId": "x", "responses": {"200": json_of(True)}, **operation}}})
    return serve(document, {"x": handler}).post("/x", **options)


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
