"""One service twice, through the contract lane and with the lane off, and everything observable of both compared."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask import Flask, url_for
from flask import request as flask_request

from harness import SECRET, bind, json_of, openapi
from pymacaron import API, apipool
from pymacaron.config import Config, set_config
from pymacaron.flaskapp.lane_context import LaneContext

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

Handler = Callable[..., Any]

_ITEM = {"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string"}, "qty": {"type": "integer"}}}
_ORDER = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "integer"},
        "items": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}},
    },
}
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_TEXT = {"description": "text", "content": {"text/plain": {"schema": {"type": "string"}}}}

DOCUMENT = openapi(
    {
        "/orders": {
            "post": {
                "operationId": "create",
                "requestBody": {**json_of({"$ref": "#/components/schemas/Order"}), "required": True},
                "responses": {"201": json_of({"$ref": "#/components/schemas/Order"})},
            },
        },
        "/orders/{id}": {
            "get": {"operationId": "fetch", "parameters": [_ID], "responses": {"200": json_of({})}},
            "delete": {"operationId": "remove", "parameters": [_ID], "responses": {"204": {"description": "gone"}}},
        },
        "/orders/{id}/lines/{line-no}": {
            "get": {
                "operationId": "line",
                "parameters": [_ID, {**_ID, "name": "line-no"}],
                "responses": {"200": json_of({})},
            }
        },
        "/reports/{id}.txt": {
            "get": {"operationId": "report", "parameters": [_ID], "responses": {"200": _TEXT, "default": json_of({})}}
        },
        "/free": {
            verb: {"operationId": f"free_{verb}", "responses": {"200": json_of({}), "default": json_of({})}}
            for verb in ("get", "put")
        },
    },
    servers=[{"url": "/v1"}],
    components={"schemas": {"Order": _ORDER, "Item": _ITEM}},
)

HANDLERS: dict[str, Handler] = {
    "create": lambda order: order,
    "fetch": lambda id: {"id": id},
    "remove": lambda id: None,
    "line": lambda id, line_no: [id, line_no],
    "report": lambda id: f"report {id}",
    "free_get": lambda: {"free": True},
    "free_put": lambda: {"free": "put"},
}


@dataclass
class Stage:
    """One of the two services, and what happened to it."""

    lane: bool
    app: Flask
    log: list[Any] = field(default_factory=list)
    handlers: dict[str, Handler] = field(default_factory=lambda: dict(HANDLERS))
    contexts: list[bool] = field(default_factory=list)

    def note(self, *what: Any) -> Any:
        """Write down what happened; return None."""
        self.log.append(what[0] if len(what) == 1 else what)

    def noting(self, *what: Any, returns: Any = None) -> Handler:
        """Make a function that only writes down that it was called."""

        def noted(*args: Any, **kwargs: Any) -> Any:
            self.note(*what)
            return returns

        return noted

    def prepare(self, config: dict[str, Any]) -> None:
        """Bind the contract to the app, and watch which contexts it makes."""
        set_config(Config({"name": "shop", "jwt_secret": SECRET, "contract_lane": self.lane, **config}))
        apipool.clear()
        bind(self.handlers)
        api = API(self.app)
        api.load_api("shop", DOCUMENT)
        api.prepare()
        make = self.app.request_context

        def watched(environ: dict[str, Any]) -> Any:
            made = make(environ)
            self.contexts.append(isinstance(made, LaneContext))
            return made

        self.app.request_context = watched  # type: ignore[method-assign]  # to see what is made


Setup = Callable[[Stage], Any]
Act = Callable[[Stage], Any]
Request = dict[str, Any]


def request(method: str, path: str, **more: Any) -> Request:
    """Write a request, as the test client takes it."""
    return {"method": method, "path": path, **more}


GET = request("GET", "/v1/orders/5")
POST = request("POST", "/v1/orders", json={"id": 1, "items": [{"sku": "a", "qty": 2}]})

_CHANGING = (
    (re.compile(r'("error_id": ?")[0-9a-f-]{36}'), r"\1-"),
    (re.compile(r"(urn:uuid:)[0-9a-f-]{36}"), r"\1-"),
    (re.compile(r"(=\.?[\w-]+)\.[\w-]+\.[\w-]{27}\b"), r"\1"),  # time and signature of a session
    (re.compile(r"(Expires=)[^;]+"), r"\1-"),
)


def steady(text: str) -> str:
    """Take out what differs from one moment to the next."""
    for pattern, replacement in _CHANGING:
        text = pattern.sub(replacement, text)
    return text


def seen(response: TestResponse) -> tuple[str, list[tuple[str, str]], str]:
    """Return what a client sees of a response."""
    headers = [(name, "-" if name == "Date" else steady(value)) for name, value in response.headers]
    return response.status, headers, steady(response.get_data(as_text=True))


def send(client: FlaskClient, *requests: Request) -> list[Any]:
    """Send requests; return what is seen of each, or the exception that came out of the app."""
    made: list[Any] = []
    for one in requests:
        try:
            made.append(seen(client.open(**one)))
        except Exception as error:  # noqa: BLE001  # with PROPAGATE_EXCEPTIONS it is what a client sees
            made.append((type(error).__name__, str(error)))
    return made


def play(lane: bool, setup: Setup, act: Act, after: Setup, config: dict[str, Any]) -> tuple[Stage, Any]:
    """Make one service, do something to it, and return what came of it."""
    stage = Stage(lane, Flask("app"))
    stage.app.config["SECRET_KEY"] = SECRET
    setup(stage)
    stage.prepare(config)
    after(stage)
    return stage, act(stage)


def nothing(stage: Stage) -> None:
    """Register nothing."""


def assert_same(
    setup: Setup,
    *requests: Request,
    act: Act | None = None,
    after: Setup = nothing,
    taken: bool | list[bool] = True,
    config: dict[str, Any] | None = None,
) -> tuple[Any, list[Any]]:
    """Do the same through the lane and with the lane off; return what was seen, and what was written down.

    Args:
        setup: registers things on the app before it is prepared, and changes handlers.
        requests: that the test client sends.
        act: what is done instead.
        after: registers things once the app is prepared.
        taken: whether the lane serves the requests; a list tells it of each context made.
        config: values of pym-config.
    """

    def sending(stage: Stage) -> Any:
        return send(stage.app.test_client(), *requests)

    (with_lane, one), (without, other) = (
        play(lane, setup, act or sending, after, config or {}) for lane in (True, False)
    )
    assert one == other
    assert with_lane.log == without.log
    assert not any(without.contexts)
    wanted = taken if isinstance(taken, list) else [taken] * len(with_lane.contexts)
    assert with_lane.contexts == wanted
    return one, with_lane.log


def about_request() -> dict[str, Any]:
    """Return what a handler can know of its request."""
    return {
        "endpoint": flask_request.endpoint,
        "rule": str(flask_request.url_rule),
        "methods": sorted(flask_request.url_rule.methods or ()) if flask_request.url_rule else None,
        "args": flask_request.view_args,
        "blueprint": flask_request.blueprint,
        "url": flask_request.url,
        "root": flask_request.url_root,
        "path": flask_request.full_path,
        "host": flask_request.host,
        "remote": flask_request.remote_addr,
        "scheme": flask_request.scheme,
        "query": flask_request.args.to_dict(flat=False),
        "agent": flask_request.user_agent.string,
        "built": url_for("shop:line", p0="1", p1="2", _external=True),
        "here": url_for("shop:fetch", p0="a b"),
        "environ": sorted(key for key in flask_request.environ if key != "werkzeug.request"),
        "same": flask_request.environ["werkzeug.request"] is flask_request._get_current_object(),  # type: ignore[attr-defined]
        "late": flask_request.routing_exception,
    }


def telling(stage: Stage) -> None:
    """Let a handler tell all about its flask_request."""
    stage.handlers["fetch"] = lambda id: {"id": id, **about_request()}
    stage.handlers["line"] = lambda **given: {**given, **about_request()}
