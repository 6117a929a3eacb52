"""Services that listen on the loopback interface, in threads of the test's process, and their clients."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from werkzeug.serving import make_server

from harness import json_of, make_api, openapi
from pymacaron import apipool
from pymacaron.client.method import close_session
from pymacaron.config import get_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from flask import Flask

OK = {"200": json_of(True)}
ITEM = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "day": {"type": "string", "format": "date"},
        "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}},
    },
}
REF = {"$ref": "#/components/schemas/Item"}


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an app in a thread; yield its URL."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        close_session()
        server.shutdown()
        thread.join(10)
        server.server_close()


@contextmanager
def service(document: dict[str, Any], handlers: Mapping[str, Callable[..., Any]], **config: Any) -> Iterator[Any]:
    """Serve a document; yield the client of it."""
    api = make_api(document, handlers, config=config, error_reporter=lambda **_: None)
    with served(api.app) as url:
        get_config().values["services"] = {"shop": url}
        yield apipool.shop.client


def post(**operation: Any) -> dict[str, Any]:
    return openapi(
        {operation.pop("rule", "/x"): {"post": {"operationId": "x", "responses": OK, **operation}}},
        components={"schemas": {"Item": ITEM, "Part": {"type": "object", "properties": {"n": {"type": "integer"}}}}},
    )


@contextmanager
def silence() -> Iterator[str]:
    """Listen, and never answer."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
