"""The transport that calls a WSGI app: it is compared with a real server."""

from __future__ import annotations

import io
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import requests
from flask import Flask, Response, make_response, redirect, request

from pymacaron_unit.targets.wsgi import WsgiAdapter
from serving import served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

URL = "http://localhost"
# What a server adds of its own.
SERVERS_OWN = {"server", "date", "connection"}


def session_of(app: Callable[..., Iterable[bytes]]) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount(f"{URL}/", WsgiAdapter(app))
    return session


def echo() -> Flask:
    """Return an app that answers with what it understood of a request."""
    app = Flask("echo")

    @app.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
    @app.route("/<path:path>", methods=["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
    def answer(path: str) -> Response:
        hidden = {"Host", "Content-Length"} if request.method == "GET" else {"Host"}
        return make_response(
            {
                "method": request.method,
                "path": request.path,
                "raw": request.environ["REQUEST_URI"],
                "query": request.args.to_dict(flat=False),
                "headers": sorted([name, value] for name, value in request.headers.items() if name not in hidden),
                "cookies": request.cookies.to_dict(),
                "form": request.form.to_dict(flat=False),
                "files": {name: file.read().decode() for name, file in request.files.items()},
                "body": request.get_data().decode("latin-1"),
                "secure": request.is_secure,
            }
        )

    return app


REQUESTS: list[dict[str, Any]] = [
    {"method": "GET", "url": "/"},
    {"method": "GET", "url": "/a/b?x=1&x=2&y=%C3%A9&z"},
    {"method": "GET", "url": "/caf%C3%A9/%2Fslash/a%20b;c=d/%25"},
    {
        "method": "GET",
        "url": "/",
        "headers": {"X-One": "1", "x-two": "caf\u00e9".encode("latin-1"), "Accept": "text/css"},
    },
    {"method": "GET", "url": "/", "cookies": {"a": "1", "b": "two words"}},
    {"method": "POST", "url": "/", "json": {"name": "\u00e9"}},
    {"method": "POST", "url": "/", "data": b"\x00\xff"},
    {"method": "POST", "url": "/", "data": "\u00e9", "headers": {"Content-Type": "text/plain"}},
    {"method": "POST", "url": "/", "data": {"a": ["1", "2"], "b": "\u00e9"}},
    {"method": "POST", "url": "/", "data": {}},
    {"method": "PUT", "url": "/", "data": {"a": "1"}, "files": {"f": ("f.txt", b"file")}, "boundary": True},
    {"method": "DELETE", "url": "/gone"},
    {"method": "OPTIONS", "url": "/"},
    {"method": "PATCH", "url": "/", "data": io.BytesIO(b"a file")},
]


@pytest.mark.parametrize("made", REQUESTS, ids=lambda made: f"{made['method']} {made['url']}")
def test_app_sees_what_it_sees_behind_a_server(made: dict[str, Any]) -> None:
    """Path, query, headers, cookies and body arrive as a real server gives them."""
    app = echo()
    made = dict(made)
    boundary = made.pop("boundary", False)
    answers = []
    with served(app) as url, session_of(app) as session:
        for base in (url, URL):
            if hasattr(made.get("data"), "seek"):
                made["data"].seek(0)
            prepared = session.prepare_request(requests.Request(**{**made, "url": base + made["url"]}))
            with session.send(prepared) as answer:
                assert answer.status_code == 200, answer.text
                found = answer.json()
            if boundary:
                found["headers"] = [each for each in found["headers"] if each[0] != "Content-Type"]
                found["body"] = ""
            answers.append(found)
    assert answers[0] == answers[1]


def pages() -> Flask:
    """Return an app with responses of all kinds."""
    app = Flask("pages")

    @app.get("/cookies")
    def cookies() -> Response:
        made = make_response("two")
        made.set_cookie("a", "1", httponly=True)
        made.set_cookie("b", "2", path="/cookies")
        return made

    @app.get("/stream")
    def stream() -> Response:
        return Response(iter(["one", "", "two"]), content_type="text/plain")

    @app.get("/empty")
    def empty() -> Response:
        return Response(status=204)

    @app.get("/latin")
    def latin() -> Response:
        return Response("x", status="200 Fine", headers={"X-Name": "caf\u00e9"})

    @app.get("/moved")
    def moved() -> Any:
        return redirect("/cookies")

    @app.get("/fails")
    def fails() -> str:
        raise RuntimeError("as asked")

    return app


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("path", ["/cookies", "/stream", "/empty", "/latin", "/moved", "/nowhere"])
def test_answer_is_a_servers(method: str, path: str) -> None:
    """Status, reason, repeated headers, cookies, body and redirects come as from a real server."""
    app = pages()
    answers = []
    with served(app) as url, session_of(app) as session:
        for base in (url, URL):
            session.cookies.clear()
            with session.request(method, base + path) as answer:
                headers = sorted(
                    (name, value) for name, value in answer.raw.headers.iteritems() if name.lower() not in SERVERS_OWN
                )
                if method == "HEAD":
                    # A server may leave out of a HEAD's answer what only a body needs.
                    headers = [each for each in headers if each[0] != "Transfer-Encoding"]
                hops = [hop.status_code for hop in answer.history]
                kept = answer.cookies.get_dict()
                answers.append((answer.status_code, answer.reason, headers, answer.content, hops, kept))
    assert answers[0] == answers[1]


def test_repeated_headers_stay_apart() -> None:
    """Two cookies are two headers and two cookies."""
    with session_of(pages()) as session:
        answer = session.get(f"{URL}/cookies")
    assert answer.raw.headers.getlist("Set-Cookie") == ["a=1; HttpOnly; Path=/", "b=2; Path=/cookies"]
    assert answer.cookies.get_dict() == {"a": "1", "b": "2"}


def test_streams_come_piece_by_piece() -> None:
    """A piece is there before the next one is made, and closing the response closes the app's iterable."""
    log: list[str] = []

    def pieces() -> Iterator[bytes]:
        try:
            for each in (b"one", b"two", b"three"):
                log.append(f"make {each.decode()}")
                yield each
        finally:
            log.append("closed")

    def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        start("200 OK", [("Content-Type", "text/plain")])
        return pieces()

    with session_of(app) as session, session.get(f"{URL}/", stream=True) as answer:
        content = answer.iter_content(None)
        log.append(f"got {next(content).decode()}")
        log.append(f"got {next(content).decode()}")
    assert log == ["make one", "got one", "make two", "got two", "closed"]


def test_streams_can_be_sent() -> None:
    """What a generator yields reaches the app as one body, read as it is made."""
    log: list[str] = []

    def pieces() -> Iterator[bytes]:
        for each in (b"one", b"two"):
            log.append(f"made {each.decode()}")
            yield each

    def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        assert environ["HTTP_TRANSFER_ENCODING"] == "chunked"
        body = environ["wsgi.input"]
        log.append(f"read {body.read(3).decode()}")
        log.append(f"read {body.read().decode()}")
        start("200 OK", [("Content-Length", "0")])
        return []

    with session_of(app) as session:
        assert session.post(f"{URL}/", data=pieces()).status_code == 200
    assert log == ["made one", "read one", "made two", "read two"]


def test_what_the_app_raises_is_a_server_error(capsys: pytest.CaptureFixture[str]) -> None:
    """An exception becomes a 500 with its trace on standard error, as with a server."""

    def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        raise RuntimeError("as asked")

    with session_of(app) as session:
        answer = session.get(f"{URL}/")
    assert (answer.status_code, answer.reason, answer.text) == (500, "Internal Server Error", "Internal Server Error")
    assert "RuntimeError: as asked" in capsys.readouterr().err


def test_a_testing_app_raises() -> None:
    """An app whose ``testing`` is set shows the test its exception."""
    app = pages()
    app.testing = True
    with session_of(app) as session, pytest.raises(RuntimeError, match="as asked"):
        session.get(f"{URL}/fails")
    app.testing = False
    with session_of(app) as session:
        assert session.get(f"{URL}/fails").status_code == 500


def test_a_stream_that_fails_is_broken_off(capsys: pytest.CaptureFixture[str]) -> None:
    """The client of a stream that fails half-way gets an error, never a complete answer."""

    def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        start("200 OK", [])
        yield b"one"
        raise RuntimeError("half-way")

    with session_of(app) as session, pytest.raises(requests.exceptions.ChunkedEncodingError):
        session.get(f"{URL}/")
    assert "half-way" in capsys.readouterr().err


def test_a_short_body_is_an_error() -> None:
    """A body shorter than its Content-Length is no complete answer."""

    def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        start("200 OK", [("Content-Length", "5")])
        return [b"abc"]

    with session_of(app) as session, pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        session.get(f"{URL}/")


def test_an_app_that_never_starts_a_response_fails(capsys: pytest.CaptureFixture[str]) -> None:
    """A body without a status is the server's error."""
    with session_of(lambda environ, start: [b"body"]) as session:
        assert session.get(f"{URL}/").status_code == 500
    assert "did not call start_response" in capsys.readouterr().err


def test_the_start_can_be_replaced_until_it_is_sent() -> None:
    """An app that fails before its first piece may still answer with an error (PEP 3333, exc_info)."""

    def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        start("200 OK", [("X-First", "1")])
        try:
            raise RuntimeError("as asked")
        except RuntimeError as error:
            start("503 Not Now", [("Content-Length", "0")], (type(error), error, error.__traceback__))
        return []

    with session_of(app) as session:
        answer = session.get(f"{URL}/")
    assert (answer.status_code, "X-First" in answer.headers) == (503, False)


def test_the_older_way_to_write() -> None:
    """What the app writes comes before what it returns."""

    def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        write = start("200 OK", [("Content-Type", "text/plain")])
        write(b"one ")
        write(b"two ")
        return [b"three"]

    with session_of(app) as session:
        assert session.get(f"{URL}/").text == "one two three"


def test_what_is_no_http_is_a_connection_error() -> None:
    """A status that no client can read fails as a broken connection does."""

    def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        start("fine", [])
        return []

    with session_of(app) as session, pytest.raises(requests.ConnectionError, match="is no HTTP"):
        session.get(f"{URL}/")


def test_the_iterable_is_closed() -> None:
    """``close`` of what the app returns is called once the answer is read, for HEAD too."""
    closed: list[str] = []

    class Body(io.BytesIO):
        def close(self) -> None:
            closed.append("closed")
            super().close()

    def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        start("200 OK", [("Content-Length", "3")])
        return Body(b"abc")

    with session_of(app) as session:
        with closing(session.get(f"{URL}/")) as answer:
            assert answer.content == b"abc"
        assert closed == ["closed"]
        with closing(session.head(f"{URL}/")) as answer:
            assert answer.headers["Content-Length"] == "3"
    assert closed == ["closed"] * 2


def test_headers_that_forge_a_url_have_no_effect_on_its_own_host() -> None:
    """The Host header is the URL's, or the one that was given."""

    def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        start("200 OK", [("Content-Type", "application/json")])
        return [json.dumps([environ["HTTP_HOST"], environ["SERVER_PORT"]]).encode()]

    with session_of(app) as session:
        assert session.get(f"{URL}/").json() == ["localhost", "80"]
        assert session.get(f"{URL}/", headers={"Host": "shop.example"}).json() == ["shop.example", "80"]
