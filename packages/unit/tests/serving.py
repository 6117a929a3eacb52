"""Servers for tests: Flask apps that listen on the loopback interface, in threads of the test's process."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request
from werkzeug.serving import make_server

from pymacaron_unit.channel import Channel
from pymacaron_unit.checking import check
from pymacaron_unit.contracts import Contracts, from_document
from pymacaron_unit.targets import UrlTarget

if TYPE_CHECKING:
    from collections.abc import Iterator

PET = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "name": {"type": "string", "minLength": 1},
        "owner": {"type": ["string", "null"]},
        "chip": {"type": "string", "writeOnly": True},
        "born": {"type": "string", "format": "date"},
    },
}
REF = {"$ref": "#/components/schemas/Pet"}


def json_of(schema: Any, **more: Any) -> dict[str, Any]:
    """Write a response, or a request body, that is JSON."""
    return {"description": "as asked", "content": {"application/json": {"schema": schema}}, **more}


PETS: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Pets", "version": "1.0.0"},
    "servers": [{"url": "/v1"}],
    "paths": {
        "/pets": {
            "post": {
                "operationId": "createPet",
                "parameters": [
                    {"name": "dry_run", "in": "query", "schema": {"type": "boolean"}},
                    {"name": "X-Trace-Id", "in": "header", "schema": {"type": "string"}},
                ],
                "requestBody": {**json_of(REF), "required": True},
                "responses": {
                    "201": json_of(
                        REF, headers={"X-Left": {"required": True, "schema": {"type": "integer", "minimum": 0}}}
                    ),
                    "409": json_of({"type": "object", "required": ["error"]}),
                },
            },
            "get": {
                "operationId": "listPets",
                "parameters": [
                    {"name": "tag", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                ],
                "responses": {"200": json_of({"type": "array", "items": REF})},
            },
        },
        "/pets/{pet_id}": {
            "parameters": [{"name": "pet_id", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "get": {
                "operationId": "getPet",
                "security": [{"key": []}],
                "responses": {"200": json_of({"oneOf": [REF]}), "4XX": json_of({"type": "object"})},
            },
            "delete": {"operationId": "deletePet", "responses": {"204": {"description": "gone"}}},
        },
        "/pets/mine": {
            "get": {"operationId": "myPet", "responses": {"200": {"description": "it", "content": {"text/plain": {}}}}}
        },
    },
    "components": {
        "schemas": {"Pet": PET},
        "securitySchemes": {"key": {"type": "apiKey", "in": "query", "name": "chip_code"}},
    },
}


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an app; yield its URL."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


class Answers:
    """An app that answers every request with what it was told, and keeps what it was sent."""

    def __init__(self) -> None:
        self.app = Flask("answers")
        self.app.add_url_rule("/", "any", self._answer, defaults={"path": ""}, methods=_METHODS)
        self.app.add_url_rule("/<path:path>", "any", self._answer, methods=_METHODS)
        self.next: list[Response] = []
        self.seen: list[dict[str, Any]] = []

    def give(self, body: Any = None, status: int = 200, **headers: str) -> None:
        """Answer the next request so: text and bytes as they are, anything else as JSON."""
        with self.app.app_context():
            data = body if isinstance(body, (str, bytes)) else self.app.json.dumps(body)
            made = Response(data, content_type="text/html" if data is body else "application/json")
        if body is None:
            made = Response(b"")
            del made.headers["Content-Type"]
        made.status_code = status
        made.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        self.next.append(made)

    def _answer(self, path: str) -> Response:
        self.seen.append(
            {
                "method": request.method,
                "path": f"/{path}",
                "query": request.query_string.decode(),
                "headers": dict(request.headers),
                "body": request.get_data(cache=True),
                "form": {name: request.form.getlist(name) for name in request.form},
                "files": {name: file.read() for name, file in request.files.items()},
            }
        )
        return self.next.pop(0) if len(self.next) > 1 else self.next[0]


_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@contextmanager
def answering(document: dict[str, Any] | None = None, checked: bool = True) -> Iterator[tuple[Answers, Channel]]:
    """Serve programmed answers; yield them and a channel that knows the contract."""
    answers = Answers()
    answers.give({})
    contracts = Contracts([from_document("pets", PETS if document is None else document)])
    with served(answers.app) as url, UrlTarget(url) as target:
        answers.next.clear()
        answers.seen.clear()
        yield answers, Channel(target, contracts, check if checked else None)
