"""Bodies in the contract lane: read past Flask's request where nobody can tell, and never further than they go."""

from __future__ import annotations

import io
import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import flask
import pytest
from flask import request
from werkzeug.test import create_environ, run_wsgi_app

from lane_pair import POST, Stage, assert_same, nothing, steady
from lane_pair import request as ask

if TYPE_CHECKING:
    from collections.abc import Callable

BODY = b'{"id": 1, "items": [{"sku": "a"}]}'


class Socket:
    """What a server reads from: it gives a few bytes at a time, and hangs where more is wanted than came."""

    def __init__(self, data: bytes, piece: int = 7, ends: bool = True) -> None:
        self.data = io.BytesIO(data)
        self.left = len(data)
        self.piece = piece
        self.ends = ends

    def read(self, size: int = -1) -> bytes:
        """Read some bytes."""
        assert self.ends or 0 <= size <= self.left, f"{size} bytes are wanted, of which only {self.left} come: it hangs"
        made = self.data.read(self.piece if size < 0 else min(size, self.piece))
        self.left -= len(made)
        return made

    def readinto(self, buffer: bytearray) -> int:
        """Read some bytes into a buffer."""
        made = self.read(len(buffer))
        buffer[: len(made)] = made
        return len(made)


class Broken:
    """What a server reads from when the connection is gone."""

    def read(self, size: int = -1) -> bytes:
        """Fail."""
        raise ConnectionResetError

    readinto = read


def call(stage: Stage, stream: Any, **environ: Any) -> tuple[str, str]:
    """Send a body to the app as a server would; return status and body of the response."""
    made = create_environ("/v1/orders", method="POST", data=BODY, content_type="application/json")
    made["wsgi.input"] = stream
    made.update(environ)
    for name in [name for name, value in made.items() if value is None]:
        del made[name]
    parts, status, _ = run_wsgi_app(stage.app, made)
    return status, steady(b"".join(parts).decode())


LENGTH = str(len(BODY))
WIRES: dict[str, Callable[[Stage], Any]] = {
    "whole": lambda stage: call(stage, io.BytesIO(BODY)),
    "in pieces": lambda stage: call(stage, Socket(BODY)),
    "an open connection": lambda stage: call(stage, Socket(BODY, ends=False)),
    "more than said": lambda stage: call(stage, io.BytesIO(BODY + b"GET / HTTP/1.1")),
    "less than said": lambda stage: call(stage, io.BytesIO(BODY[:-3])),
    "nothing of what was said": lambda stage: call(stage, io.BytesIO(b"")),
    "a lost connection": lambda stage: call(stage, Broken()),
    "terminated": lambda stage: call(stage, io.BytesIO(BODY), **{"wsgi.input_terminated": True}),
    "terminated and short": lambda stage: call(stage, io.BytesIO(BODY[:-3]), **{"wsgi.input_terminated": True}),
    "chunked": lambda stage: call(
        stage,
        io.BytesIO(BODY),
        CONTENT_LENGTH=None,
        HTTP_TRANSFER_ENCODING="chunked",
        **{"wsgi.input_terminated": True},
    ),
    "chunked and not terminated": lambda stage: call(
        stage, io.BytesIO(BODY), CONTENT_LENGTH=None, HTTP_TRANSFER_ENCODING="chunked"
    ),
    "chunked with a length": lambda stage: call(
        stage, io.BytesIO(BODY), HTTP_TRANSFER_ENCODING="chunked", **{"wsgi.input_terminated": True}
    ),
    "no length": lambda stage: call(stage, io.BytesIO(BODY), CONTENT_LENGTH=None),
    "an empty length": lambda stage: call(stage, io.BytesIO(BODY), CONTENT_LENGTH=""),
    "length zero": lambda stage: call(stage, io.BytesIO(BODY), CONTENT_LENGTH="0"),
    "no number": lambda stage: call(stage, io.BytesIO(BODY), CONTENT_LENGTH="many"),
    "a negative number": lambda stage: call(stage, io.BytesIO(BODY), CONTENT_LENGTH="-5"),
    "a number with a sign": lambda stage: call(stage, io.BytesIO(BODY), CONTENT_LENGTH="+5"),
    "digits of another script": lambda stage: call(stage, io.BytesIO(BODY), CONTENT_LENGTH="\u0665"),
    "a huge number": lambda stage: call(stage, io.BytesIO(BODY), CONTENT_LENGTH="9" * 30),
    "more digits than a number may have": lambda stage: call(stage, io.BytesIO(BODY), CONTENT_LENGTH="9" * 5000),
}


@pytest.mark.parametrize("wire", WIRES)
def test_bodies_come_over_the_wire(wire: str) -> None:
    """However a body comes, whole or not, it is read as Flask reads it, and never is a fault the server's."""
    seen, _ = assert_same(nothing, act=WIRES[wire])
    assert seen[0][:3] in ("201", "400", "413")


@pytest.mark.parametrize("config", [{"max_body_bytes": len(BODY)}, {"max_body_bytes": len(BODY) - 1}], ids=str)
@pytest.mark.parametrize("wire", WIRES)
def test_bodies_have_a_limit(wire: str, config: dict[str, Any]) -> None:
    """``max_body_bytes`` holds, however a body comes."""
    assert_same(nothing, act=WIRES[wire], config=config)


def test_the_limit_is_read_for_each_request() -> None:
    """A limit that the app's configuration or one request changes holds from then on."""

    def setup(stage: Stage) -> None:
        def limit() -> None:
            wanted = request.args.get("limit", type=int)
            if wanted:
                request.max_content_length = wanted

        if not version("flask").startswith("3.0."):  # where the limit is read-only
            stage.app.before_request(limit)

    def act(stage: Stage) -> Any:
        client = stage.app.test_client()
        made = [client.open(**POST).status]
        stage.app.config["MAX_CONTENT_LENGTH"] = 3
        made += [client.open(**POST).status, client.open(**{**POST, "path": "/v1/orders?limit=1000"}).status]
        return made

    seen, _ = assert_same(setup, act=act)
    assert seen[:2] == ["201 CREATED", "413 REQUEST ENTITY TOO LARGE"]


READS: dict[str, Callable[[], Any]] = {
    "get_data": lambda: request.get_data().decode(),
    "data": lambda: request.data.decode(),
    "get_json": lambda: request.get_json(),
    "json": lambda: request.json,
    "stream": lambda: request.stream.read().decode(),
    "form": lambda: request.form.to_dict(),
    "files": lambda: sorted(request.files),
    "values": lambda: request.values.to_dict(),
    "uncached": lambda: request.get_data(cache=False).decode(),
    "parsed": lambda: request.get_data(parse_form_data=True).decode(),
    "length": lambda: request.content_length,
    "input": lambda: request.input_stream.read().decode(),
}


@pytest.mark.parametrize("when", ["before", "within", "both"])
@pytest.mark.parametrize("how", READS)
def test_flasks_request_has_the_body_too(how: str, when: str) -> None:
    """What reads the body before the handler, in it or after it finds what it finds without the lane."""

    def setup(stage: Stage) -> None:
        def read() -> None:
            stage.note(how, READS[how]())

        def create(order: Any) -> Any:
            if when != "before":
                read()
                stage.note("then", [(name, READS[name]()) for name in ("get_data", "get_json", "stream", "input")])
            return order

        stage.handlers["create"] = create
        if when != "within":
            stage.app.before_request(read)

    _, log = assert_same(setup, POST)
    assert log


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "application/json", "APPLICATION/JSON", None]
)
def test_content_types_are_told_apart(content_type: str | None) -> None:
    """The same media type is written in several ways, and may be left out."""
    one = ask("POST", "/v1/orders", data=BODY, content_type=content_type)
    seen, _ = assert_same(nothing, one, one)
    assert json.loads(seen[1][2]) == json.loads(BODY)


class OwnRequest(flask.Request):
    """A request class of a service's own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.made_for = self.environ["PATH_INFO"]

    def get_data(self, *args: Any, **kwargs: Any) -> Any:
        """Change what is read."""
        return super().get_data(*args, **kwargs).replace(b'"a"', b'"changed"')


def test_a_request_class_of_the_apps_own_is_used() -> None:
    """Its instances are made as early as in Flask, and read the body in their own way."""

    def setup(stage: Stage) -> None:
        stage.app.request_class = OwnRequest
        own: Any = request
        stage.app.before_request(lambda: stage.note(type(own._get_current_object()).__name__))
        stage.handlers["fetch"] = lambda id: {"for": own.made_for}

    seen, log = assert_same(setup, POST, ask("GET", "/v1/orders/5"))
    assert '"sku":"changed"' in seen[0][2]
    assert log == ["OwnRequest"] * 2


def test_a_request_class_may_fail() -> None:
    """What it raises comes out of the app, as in Flask, where no context is there yet."""

    class Failing(flask.Request):
        """Cannot be made."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            raise ZeroDivisionError("no request")

    def setup(stage: Stage) -> None:
        stage.app.request_class = Failing

    def act(stage: Stage) -> Any:
        with pytest.raises(ZeroDivisionError):
            stage.app.test_client().open(**POST)
        return flask.has_app_context()

    assert_same(setup, act=act, taken=[])
