"""The library as a plain Flask app, right or with breaks of its contract planted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import jwt
from flask import Flask, Response, abort, jsonify, request

from .library import CONTRACT

if TYPE_CHECKING:
    from collections.abc import Collection

#: Each planted break: the operation and the check that must find it, and a part of the place that it is told at.
BREAKS: dict[str, tuple[str, str, str]] = {
    "wrong status": ("createShelf", "undeclared_status", "200"),
    "undeclared content type": ("getMotto", "undeclared_content_type", ""),
    "missing required property": ("getOwner", "response_body", "required"),
    "wrong type": ("getOpening", "response_body", "/hour type"),
    "extra property": ("getAddress", "response_body", "additionalProperties"),
    "null where not nullable": ("getPhone", "response_body", "/number type"),
    "wrong enum": ("getMood", "response_body", "/mood enum"),
    "bad format": ("getFounding", "response_body", "/day format"),
    "bound broken": ("getStock", "response_body", "/count minimum"),
    "missing response header": ("getVisits", "missing_header", "X-Total"),
    "wrong header type": ("getQuota", "response_header", "X-Total"),
    "500 on edge input": ("listRows", "server_error", "on a valid request"),
    "500 on invalid input": ("listRows", "server_error", "on an invalid request"),
    "accepts a missing required parameter": ("search", "invalid_accepted", "query /q required"),
    "accepts a body of a wrong type": ("createReview", "invalid_accepted", "body /stars type"),
    "ignores maxLength": ("createTag", "invalid_accepted", "body /name maxLength"),
    "accepts without a token": ("getAccount", "no_token_accepted", ""),
    "accepts a garbage token": ("getInbox", "garbage_token_accepted", ""),
    "ignores scopes": ("getSafe", "scopes_ignored", ""),
    "404 for a declared method": ("putSettings", "operation_missing", ""),
    "wrong Allow": ("getStock", "allow_header", ""),
    "accepts an undeclared method": ("getMood", "method_accepted", ""),
    "leaked writeOnly property": ("getLibrarian", "response_body", "/password writeOnly"),
    "wrong discriminator": ("getPet", "response_body", "/kind"),
    "DELETE that does not delete": ("getBook", "use_after_delete", ""),
    "what was created is not there": ("getDraft", "resource_unavailable", ""),
}
_SMALL: dict[str, tuple[str, dict[str, Any], str, dict[str, Any]]] = {
    "owner": ("missing required property", {"name": "Ann", "age": 40}, "", {"age": 40}),
    "opening": ("wrong type", {"hour": 9}, "", {"hour": "nine"}),
    "address": ("extra property", {"street": "High Street"}, "", {"street": "High Street", "town": "Bath"}),
    "phone": ("null where not nullable", {"number": "123", "fax": None}, "", {"number": None, "fax": None}),
    "mood": ("wrong enum", {"mood": "good"}, "", {"mood": "grim"}),
    "founding": ("bad format", {"day": "1901-02-03"}, "", {"day": "long ago"}),
    "stock": ("bound broken", {"count": 7}, "", {"count": -7}),
    "librarian": ("leaked writeOnly property", {"login": "ann"}, "", {"login": "ann", "password": "pw"}),
    "pet": ("wrong discriminator", {"kind": "cat"}, "", {"kind": "dragon"}),
}
#: What tokens are signed with (HS256).
KEY = "a key that is long enough for the tokens of a library"


def _scopes(header: str | None) -> list[str] | None:
    """Return the scopes of a token; None where it is none."""
    try:
        claims = jwt.decode((header or "").removeprefix("Bearer "), KEY, ["HS256"], options={"verify_aud": False})
    except jwt.InvalidTokenError:
        return None
    return str(claims.get("scope", "")).split()


def make_app(breaks: Collection[str] = ()) -> Flask:
    """Return the app with some breaks planted."""
    app = Flask("library")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    _add_answers(app, breaks)
    _add_headers(app, breaks)
    _add_secured(app, breaks)
    _add_queries(app, breaks)
    _add_bodies(app, breaks)
    _add_things(app, "book", breaks)
    _add_things(app, "draft", breaks)
    if "wrong Allow" in breaks:
        app.after_request(_spoil_allow)
    return app


def _spoil_allow(response: Response) -> Response:
    if response.status_code == 405 and request.path == "/api/stock":
        response.headers["Allow"] = "TRACE"
    return response


def _add_answers(app: Flask, breaks: Collection[str]) -> None:
    """Add what answers the same to everybody."""
    for name, (planted, right, _, wrong) in _SMALL.items():
        methods = ["GET", "PATCH"] if name == "mood" and "accepts an undeclared method" in breaks else ["GET"]
        body = wrong if planted in breaks else right
        app.add_url_rule(f"/api/{name}", name, lambda body=body: jsonify(body), methods=methods)

    @app.get("/api/motto")
    def motto() -> Response:
        kind = "text/html" if "undeclared content type" in breaks else "text/plain"
        return Response("Read!", content_type=kind)


def _add_headers(app: Flask, breaks: Collection[str]) -> None:
    @app.get("/api/visits")
    def visits() -> tuple[Any, dict[str, str]]:
        return {"today": 3}, {} if "missing response header" in breaks else {"X-Total": "3"}

    @app.get("/api/quota")
    def quota() -> tuple[Any, dict[str, str]]:
        return {"used": 3}, {"X-Total": "many" if "wrong header type" in breaks else "3"}


def _add_secured(app: Flask, breaks: Collection[str]) -> None:
    def check(needs_header: bool, takes_garbage: bool, scope: str | None) -> None:
        given = request.headers.get("Authorization")
        if given is None and needs_header:
            abort(401)
        scopes = _scopes(given)
        if given is not None and scopes is None and not takes_garbage:
            abort(401)
        if scope is not None and scopes is not None and scope not in scopes:
            abort(403)

    @app.get("/api/account")
    def account() -> dict[str, Any]:
        check("accepts without a token" not in breaks, False, None)
        return {"balance": 1.5}

    @app.get("/api/inbox")
    def inbox() -> dict[str, Any]:
        check(True, "accepts a garbage token" in breaks, None)
        return {"balance": 2}

    @app.get("/api/safe")
    def safe() -> dict[str, Any]:
        check(True, False, None if "ignores scopes" in breaks else "read:safe")
        return {"balance": 3}


def _add_queries(app: Flask, breaks: Collection[str]) -> None:
    @app.get("/api/search")
    def search() -> dict[str, Any]:
        if not request.args.get("q") and "accepts a missing required parameter" not in breaks:
            abort(400)
        return {"found": 0}

    @app.get("/api/rows")
    def rows() -> dict[str, Any]:
        limit = request.args.get("limit")
        if limit is not None and not re.fullmatch(r"[+-]?[0-9]+", limit, re.ASCII):
            abort(500 if "500 on invalid input" in breaks else 400)
        if limit is not None and not 1 <= int(limit) <= 100:
            abort(400)
        if limit is not None and int(limit) == 100 and "500 on edge input" in breaks:
            abort(500)
        trace = request.headers.get("X-Trace")
        if trace is not None and not re.fullmatch("[a-f]{4}", trace):
            abort(400)
        return {"rows": int(limit or 10)}


def _read(schema: Any) -> Any:
    """Return the JSON body; abort where it is none, or breaks its schema."""
    body = request.get_json()
    document = {**schema, "components": CONTRACT["components"]}
    if not jsonschema_rs.Draft202012Validator(document, validate_formats=True).is_valid(body):
        abort(400)
    return body


def _schema(path: str, method: str) -> Any:
    return CONTRACT["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]


def _add_bodies(app: Flask, breaks: Collection[str]) -> None:
    @app.post("/api/shelves")
    def create_shelf() -> tuple[Any, int]:
        return _read(_schema("/shelves", "post")), 200 if "wrong status" in breaks else 201

    @app.post("/api/tags")
    def create_tag() -> tuple[Any, int]:
        if "ignores maxLength" in breaks and _is_long(request.get_json()):
            return {"name": "long"}, 201
        return _read(_schema("/tags", "post")), 201

    @app.post("/api/reviews")
    def create_review() -> tuple[Any, int]:
        body = request.get_json()
        if "accepts a body of a wrong type" in breaks and isinstance(body, dict) and isinstance(body.get("stars"), str):
            return {"stars": 5}, 201
        return {"stars": int(_read(_schema("/reviews", "post"))["stars"])}, 201

    @app.put("/api/settings")
    def put_settings() -> Any:
        if "404 for a declared method" in breaks:
            abort(404)
        return _read(_schema("/settings", "put"))


def _is_long(body: Any) -> bool:
    return isinstance(body, dict) and set(body) == {"name"} and isinstance(body["name"], str) and len(body["name"]) > 12


def _add_things(app: Flask, name: str, breaks: Collection[str]) -> None:
    """Add things that are created, looked at and deleted."""
    things: dict[int, Any] = {}
    schema = _schema(f"/{name}s", "post")

    def create() -> tuple[Any, int]:
        body = _read(schema)
        if "id" in body:
            abort(400)
        number = len(things) + 1
        things[number] = {"id": number, **body}
        return things[number], 201

    def look(number: int) -> Any:
        if things.get(number) is None or (name == "draft" and "what was created is not there" in breaks):
            abort(404)
        return things[number]

    def delete(number: int) -> tuple[str, int]:
        if things.get(number) is None:
            abort(404)
        if name != "book" or "DELETE that does not delete" not in breaks:
            things[number] = None
        return "", 204

    app.add_url_rule(f"/api/{name}s", f"create_{name}", create, methods=["POST"])
    app.add_url_rule(f"/api/{name}s/<int:number>", f"get_{name}", look, methods=["GET"])
    app.add_url_rule(f"/api/{name}s/<int:number>", f"delete_{name}", delete, methods=["DELETE"])
