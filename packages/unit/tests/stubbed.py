"""Contracts of services that are stubbed in tests, and their clients."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pymacaron import apipool
from pymacaron.client.method import close_session
from pymacaron_unit.stub import api_stub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymacaron_unit.stub.stub import ApiStub

_ERROR2 = {"description": "an error", "schema": {"$ref": "#/definitions/Error"}}

#: A service of Swagger 2.0.
LOGIN: dict[str, Any] = {
    "swagger": "2.0",
    "info": {"title": "Login", "version": "1.0.0"},
    "host": "login.example.com",
    "basePath": "/v1",
    "schemes": ["https"],
    "produces": ["application/json"],
    "consumes": ["application/json"],
    "paths": {
        "/tokens": {
            "post": {
                "operationId": "createToken",
                "parameters": [
                    {"name": "body", "in": "body", "required": True, "schema": {"$ref": "#/definitions/Credentials"}},
                    {"name": "X-Trace-Id", "in": "header", "type": "string", "minLength": 3},
                    {"name": "days", "in": "query", "type": "integer", "minimum": 1},
                ],
                "responses": {
                    "201": {
                        "description": "made",
                        "schema": {"$ref": "#/definitions/Token"},
                        "headers": {"X-Left": {"type": "integer", "minimum": 3}},
                    },
                    "409": _ERROR2,
                },
            }
        },
        "/tokens/{token_id}": {
            "get": {
                "operationId": "getToken",
                "parameters": [
                    {"name": "token_id", "in": "path", "required": True, "type": "string", "format": "uuid"}
                ],
                "responses": {
                    "200": {"description": "found", "schema": {"$ref": "#/definitions/Token"}},
                    "404": _ERROR2,
                },
            },
            "delete": {
                "operationId": "endToken",
                "parameters": [
                    {"name": "token_id", "in": "path", "required": True, "type": "string", "format": "uuid"}
                ],
                "responses": {"204": {"description": "gone"}},
            },
        },
    },
    "definitions": {
        "Credentials": {
            "type": "object",
            "required": ["user", "password"],
            "properties": {"user": {"type": "string", "minLength": 2}, "password": {"type": "string"}},
        },
        "Token": {
            "type": "object",
            "required": ["token", "expires"],
            "properties": {
                "token": {"type": "string", "example": "abc.def.ghi"},
                "expires": {"type": "string", "format": "date-time"},
            },
        },
        "Error": {
            "type": "object",
            "required": ["status", "error"],
            "properties": {"status": {"type": "integer"}, "error": {"type": "string", "example": "TAKEN"}},
        },
    },
}

_FILE = {"type": "string", "format": "binary"}

#: A service of OpenAPI 3.1 that asks for credentials, takes forms and octets, and answers with text.
STORE: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Store", "version": "1.0.0"},
    "servers": [{"url": "https://store.example.com/api"}],
    "paths": {
        "/files": {
            "get": {
                "operationId": "findFiles",
                "security": [{"key": []}, {"token": []}],
                "parameters": [
                    {"name": "tags", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                    {
                        "name": "by",
                        "in": "query",
                        "style": "deepObject",
                        "explode": True,
                        "schema": {"type": "object", "properties": {"owner": {"type": "string"}}},
                    },
                ],
                "responses": {
                    "200": {
                        "description": "found",
                        "content": {
                            "application/json": {
                                "schema": {"type": "array", "items": {"type": "string"}},
                                "example": ["a.txt", "b.txt"],
                            },
                            "text/plain": {"schema": {"type": "string"}},
                        },
                    },
                    "default": {
                        "description": "an error",
                        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                    },
                },
            },
            "post": {
                "operationId": "addFile",
                "requestBody": {
                    "required": True,
                    "content": {
                        "multipart/form-data": {
                            "schema": {
                                "type": "object",
                                "required": ["file", "size"],
                                "properties": {"file": _FILE, "size": {"type": "integer"}},
                            }
                        }
                    },
                },
                "responses": {"204": {"description": "kept"}},
            },
        },
        "/raw/{name}": {
            "put": {
                "operationId": "putRaw",
                "parameters": [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}],
                "requestBody": {"required": True, "content": {"application/octet-stream": {"schema": _FILE}}},
                "responses": {"200": {"description": "kept", "content": {"application/octet-stream": {}}}},
            }
        },
    },
    "components": {
        "securitySchemes": {
            "key": {"type": "apiKey", "in": "query", "name": "api_key"},
            "token": {"type": "http", "scheme": "bearer"},
        },
        "schemas": {
            "Problem": {
                "type": "object",
                "required": ["title", "status"],
                "properties": {"title": {"type": "string"}, "status": {"type": "integer"}},
            }
        },
    },
}

UUID = "7a3d1c52-4e6f-4b1a-9c0d-000000000000"
CREDENTIALS = {"user": "bob", "password": "x"}
TOKEN = {"token": "t", "expires": "2024-01-02T03:04:05Z"}


@contextmanager
def unverified(name: str, document: dict[str, Any]) -> Iterator[tuple[ApiStub, Any]]:
    """Serve a document, and yield its stub and core's own client of it; nothing is checked at the end."""
    stub = api_stub(name, document)
    client = apipool.load_swagger(name, document).client
    stub.start()
    try:
        yield stub, client
    finally:
        close_session()
        stub.stop()
