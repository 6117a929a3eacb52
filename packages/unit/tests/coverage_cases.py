"""A contract with one of everything that can be exercised, and calls of it without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests
from requests.structures import CaseInsensitiveDict

from pymacaron_unit.contracts import Contracts, from_document
from pymacaron_unit.response import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pymacaron_unit.contracts import Contract

ZOO: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Zoo", "version": "1.0.0"},
    "paths": {
        "/animals": {
            "get": {
                "operationId": "list",
                "parameters": [
                    {"name": "kind", "in": "query", "schema": {"enum": ["cat", "dog"]}},
                    {"name": "tame", "in": "query", "required": True, "schema": {"type": "boolean"}},
                    {"name": "tags", "in": "query", "schema": {"type": "array", "items": {"enum": ["old", "new"]}}},
                    {"name": "box", "in": "query", "style": "deepObject", "schema": {"properties": {"x": {}}}},
                    {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
                    {"name": "visit", "in": "cookie", "schema": {"type": "integer"}},
                ],
                "responses": {
                    "200": {
                        "description": "them",
                        "headers": {"X-Count": {"schema": {"type": "integer"}}},
                        "content": {
                            "application/json": {
                                "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Animal"}}
                            },
                            "text/*": {"schema": {"type": "string"}},
                        },
                    },
                    "4XX": {"description": "no"},
                    "default": {"description": "else"},
                },
            },
            "post": {
                "operationId": "add",
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Animal"}},
                        "multipart/form-data": {
                            "schema": {
                                "type": "object",
                                "required": ["photo"],
                                "properties": {
                                    "photo": {"type": "string", "format": "binary"},
                                    "rank": {"type": "integer", "enum": [1, 2]},
                                },
                            }
                        },
                    }
                },
                "responses": {"201": {"description": "it"}},
            },
        },
        "/animals/{name}": {
            "parameters": [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {"operationId": "look", "responses": {"404": {"description": "never"}}},
        },
    },
    "components": {
        "schemas": {
            "Animal": {
                "oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}],
                "discriminator": {"propertyName": "kind"},
            },
            "Cat": {
                "type": "object",
                "required": ["kind"],
                "properties": {
                    "kind": {"const": "Cat"},
                    "id": {"type": "integer", "readOnly": True},
                    "lives": {"type": ["integer", "null"]},
                    "kittens": {"type": "array", "items": {"$ref": "#/components/schemas/Cat"}},
                },
            },
            "Dog": {
                "type": "object",
                "required": ["kind", "mood"],
                "properties": {"kind": {"const": "Dog"}, "mood": {"enum": ["glad", "sad", None]}},
                "if": {"properties": {"mood": {"const": "sad"}}},
                "then": {"properties": {"why": {"type": "string"}}},
            },
        }
    },
}


def zoo() -> Contract:
    """Return the contract, freshly read."""
    return from_document("zoo", ZOO)


def call(
    contract: Contract,
    method: str,
    url: str,
    status: int = 200,
    content: bytes = b"",
    got: Mapping[str, str] | None = None,
    **sent: Any,
) -> Response:
    """Make the answer to a request as `requests` would have made it, were there a server."""
    answer = requests.Response()
    answer.request = requests.Request(method, f"http://127.0.0.1{url}", **sent).prepare()
    answer.status_code = status
    answer.headers = CaseInsensitiveDict(got or {})
    answer._content = content
    match = Contracts([contract]).match(method, str(answer.request.url))
    return Response(answer, match)
