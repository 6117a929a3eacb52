"""Write the contract of a library: many small answers, and a few things that are made and deleted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def _answer(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    schema = {"type": "object", "required": list(properties), "properties": properties, **more}
    return {"description": "as asked", "content": {"application/json": {"schema": schema}}}


def _get(name: str, response: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"get": {"operationId": name, "responses": {"200": response}, **more}}


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: Any, **more: Any) -> dict[str, Any]:
    return {"description": "as asked", "content": {"application/json": {"schema": schema}}, **more}


def _things(name: str, schema: str) -> dict[str, Any]:
    """Return the paths of things that are created, looked at and deleted."""
    item = f"/{name}s/{{{name}_id}}"
    title = name.capitalize()
    identity = {"name": f"{name}_id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
    return {
        f"/{name}s": {
            "post": {
                "operationId": f"create{title}",
                "requestBody": _body(_ref(schema)),
                "responses": {"201": _json(_ref(schema))},
            }
        },
        item: {
            "parameters": [identity],
            "get": {"operationId": f"get{title}", "responses": {"200": _json(_ref(schema))}},
            "delete": {"operationId": f"delete{title}", "responses": {"204": {"description": "gone"}}},
        },
    }


def _secured(name: str, scopes: list[str]) -> dict[str, Any]:
    return _get(name, _answer({"balance": {"type": "number"}}), security=[{"token": scopes}])


_BOOK = {
    "type": "object",
    "required": ["title"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "title": {"type": "string", "minLength": 1, "maxLength": 12},
        "pages": {"type": "integer", "minimum": 1, "maximum": 5000},
        "genre": {"type": "string", "enum": ["novel", "poems"]},
    },
}
_NAMED = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 12}},
}
_PET = {
    "oneOf": [_ref("Cat"), _ref("Dog")],
    "discriminator": {
        "propertyName": "kind",
        "mapping": {"cat": "#/components/schemas/Cat", "dog": "#/components/schemas/Dog"},
    },
}
_TOTAL = {"X-Total": {"required": True, "schema": {"type": "integer", "minimum": 0}}}

CONTRACT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "A library", "version": "1.0.0"},
    "servers": [{"url": "/api"}],
    "paths": {
        "/motto": _get("getMotto", {"description": "it", "content": {"text/plain": {"schema": {"type": "string"}}}}),
        "/owner": _get("getOwner", _answer({"name": {"type": "string"}, "age": {"type": "integer"}})),
        "/opening": _get("getOpening", _answer({"hour": {"type": "integer"}})),
        "/address": _get("getAddress", _answer({"street": {"type": "string"}}, additionalProperties=False)),
        "/phone": _get("getPhone", _answer({"number": {"type": "string"}, "fax": {"type": ["string", "null"]}})),
        "/mood": _get("getMood", _answer({"mood": {"enum": ["good", "bad"]}})),
        "/founding": _get("getFounding", _answer({"day": {"type": "string", "format": "date"}})),
        "/stock": _get("getStock", _answer({"count": {"type": "integer", "minimum": 0}})),
        "/visits": _get("getVisits", {**_answer({"today": {"type": "integer"}}), "headers": _TOTAL}),
        "/quota": _get("getQuota", {**_answer({"used": {"type": "integer"}}), "headers": _TOTAL}),
        "/librarian": _get("getLibrarian", _json(_ref("Person"))),
        "/pet": _get("getPet", _json(_PET)),
        "/account": _secured("getAccount", []),
        "/inbox": _secured("getInbox", []),
        "/safe": _secured("getSafe", ["read:safe"]),
        "/search": _get(
            "search",
            _answer({"found": {"type": "integer"}}),
            parameters=[{"name": "q", "in": "query", "required": True, "schema": {"type": "string", "minLength": 1}}],
        ),
        "/rows": _get(
            "listRows",
            _answer({"rows": {"type": "integer"}}),
            parameters=[
                {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}},
                {"name": "X-Trace", "in": "header", "schema": {"type": "string", "pattern": "^[a-f]{4}$"}},
            ],
        ),
        "/shelves": {
            "post": {
                "operationId": "createShelf",
                "requestBody": _body(_ref("Named")),
                "responses": {"201": _json(_ref("Named"))},
            }
        },
        "/tags": {
            "post": {
                "operationId": "createTag",
                "requestBody": _body(_ref("Named")),
                "responses": {"201": _json(_ref("Named"))},
            }
        },
        "/reviews": {
            "post": {
                "operationId": "createReview",
                "requestBody": _body(
                    {
                        "type": "object",
                        "required": ["stars"],
                        "properties": {"stars": {"type": "integer", "minimum": 1, "maximum": 5}},
                    }
                ),
                "responses": {"201": _answer({"stars": {"type": "integer"}})},
            }
        },
        "/settings": {
            "put": {
                "operationId": "putSettings",
                "requestBody": _body(_ref("Named")),
                "responses": {"200": _json(_ref("Named"))},
            }
        },
        **_things("book", "Book"),
        **_things("draft", "Book"),
    },
    "components": {
        "schemas": {
            "Book": _BOOK,
            "Named": _NAMED,
            "Person": {
                "type": "object",
                "required": ["login"],
                "properties": {"login": {"type": "string"}, "password": {"type": "string", "writeOnly": True}},
            },
            "Cat": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}},
            "Dog": {
                "type": "object",
                "required": ["kind", "bark"],
                "properties": {"kind": {"type": "string"}, "bark": {"type": "string"}},
            },
        },
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
    },
}


def write_contract(folder: Path) -> Path:
    """Write the contract into a folder; return its file."""
    file = folder / "library.json"
    file.write_text(json.dumps(CONTRACT, indent=2))
    return file
