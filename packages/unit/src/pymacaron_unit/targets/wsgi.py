"""Calls a WSGI app (PEP 3333) in this process with `requests`, no socket between.

The app's answer is written as HTTP/1.1 and read by ``http.client``, as it would be from a server: repeated headers stay
apart, cookies are cookies, streams arrive piece by piece, and an answer that breaks off is an error.
"""

from __future__ import annotations

import io
import sys
import traceback
from http.client import HTTPException
from http.client import HTTPResponse as ParsedResponse
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import unquote_to_bytes, urlsplit

from requests.adapters import BaseAdapter, HTTPAdapter
from requests.exceptions import ConnectionError as NotConnected
from urllib3 import HTTPHeaderDict
from urllib3.response import HTTPResponse

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Iterator

    import requests

_NO_BODY = ("1", "204", "304")
_UNPREFIXED = ("CONTENT_TYPE", "CONTENT_LENGTH")


class WsgiAdapter(BaseAdapter):
    """A transport of `requests` whose other end is a WSGI app.

    What the app raises becomes a response of status 500, with its trace on standard error, as with a server; where the
    app's ``testing`` is set, it is raised. Timeouts have no effect: the app runs in the caller's thread.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        super().__init__()
        self.app = app
        self._builder = HTTPAdapter()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Call the app with a request."""
        environ = make_environ(request)
        sent = cast("BinaryIO", io.BufferedReader(_Pieces(_answer(self.app, environ))))
        parsed = ParsedResponse(cast("socket.socket", _Connection(sent)), method=str(request.method))
        try:
            parsed.begin()
        except BaseException as error:
            parsed.close()
            if isinstance(error, HTTPException):
                raise NotConnected(f"the app's answer is no HTTP: {error!r}", request=request) from error
            raise
        made = HTTPResponse(
            body=parsed,
            headers=HTTPHeaderDict(parsed.msg.items()),
            status=parsed.status,
            version=parsed.version,
            reason=parsed.reason,
            preload_content=False,
            original_response=parsed,
            request_method=request.method,
        )
        return self._builder.build_response(request, made)

    def close(self) -> None:
        """Do nothing: there is no connection."""


class _Connection:
    """What ``http.client`` needs of a socket."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def makefile(self, *_: Any) -> BinaryIO:
        return self._stream


class _Pieces(io.RawIOBase):
    """A file that holds what an iterator yields; closing it closes the iterator."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size

    def close(self) -> None:
        if not self.closed and hasattr(self._pieces, "close"):
            self._pieces.close()
        super().close()


def make_environ(request: requests.PreparedRequest) -> dict[str, Any]:
    """Return the environ of a request, as PEP 3333 has it."""
    url = urlsplit(str(request.url))
    port = url.port or (443 if url.scheme == "https" else 80)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(url.path).decode("latin-1"),
        "QUERY_STRING": url.query,
        "REQUEST_URI": request.path_url,
        "RAW_URI": request.path_url,
        "SERVER_NAME": url.hostname,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": url.netloc.rpartition("@")[2],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": _body(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    environ.update(_header_variables(request.headers.items()))
    if "HTTP_TRANSFER_ENCODING" in environ:
        environ["wsgi.input_terminated"] = True
    return environ


def _header_variables(headers: Iterable[tuple[str | bytes, str | bytes]]) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        key = _text(name).upper().replace("-", "_")
        yield key if key in _UNPREFIXED else f"HTTP_{key}", _text(value).strip()


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _body(body: Any) -> Any:
    """Return a request's body as a file: of bytes, of text, of a file, or of what an iterable yields."""
    if body is None or isinstance(body, (str, bytes)):
        return io.BytesIO(body.encode() if isinstance(body, str) else body or b"")
    if hasattr(body, "read"):
        return body
    return io.BufferedReader(_Pieces(piece.encode() if isinstance(piece, str) else piece for piece in body))


def _answer(app: Callable[..., Iterable[bytes]], environ: dict[str, Any]) -> Iterator[bytes]:
    """Yield what a server would send for a call of the app."""
    started = _Started()
    result: Iterable[bytes] | None = None
    try:
        try:
            result = app(environ, started.start_response)
            yield from _written(started, result, environ["REQUEST_METHOD"] == "HEAD")
        except Exception:
            if getattr(app, "testing", False):
                raise
            traceback.print_exc(file=sys.stderr)
            if not started.sent:
                yield _server_error()
    finally:
        if result is not None and hasattr(result, "close"):
            result.close()


def _written(started: _Started, result: Iterable[bytes], is_head: bool) -> Iterator[bytes]:
    """Yield status line, headers and body. The first piece of the body comes before them: it may still fail."""
    pieces = filter(None, _all_pieces(started.written, result))
    first = next(pieces, b"")
    chunked = started.is_chunked()
    yield started.head(chunked)
    if is_head or started.status.startswith(_NO_BODY):
        return
    for piece in chain([first] if first else [], pieces):
        yield b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece
    if chunked:
        yield b"0\r\n\r\n"


def _all_pieces(written: list[bytes], result: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what ``write`` was given before what the app returned; both may go on while this is read."""
    for piece in result:
        while written:
            yield written.pop(0)
        yield piece
    yield from written


class _Started:
    """What the app said by ``start_response``."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.written: list[bytes] = []
        self.sent = False

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        """Take status and headers (PEP 3333); return the older way to write."""
        if exc_info is not None and self.sent:
            raise exc_info[1].with_traceback(exc_info[2])
        if self.status and exc_info is None:
            raise AssertionError("the app called start_response twice")
        self.status, self.headers = status, list(headers)
        return self.written.append

    def is_chunked(self) -> bool:
        names = {name.lower() for name, _ in self.headers}
        return not self.status.startswith(_NO_BODY) and not names & {"content-length", "transfer-encoding"}

    def head(self, chunked: bool) -> bytes:
        if not self.status:
            raise AssertionError("the app did not call start_response")
        self.sent = True
        more = [("Transfer-Encoding", "chunked")] if chunked else []
        lines = [f"HTTP/1.1 {self.status}", *(f"{name}: {value}" for name, value in [*self.headers, *more])]
        return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")


def _server_error() -> bytes:
    body = b"Internal Server Error"
    head = "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
