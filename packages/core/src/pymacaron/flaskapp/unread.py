"""Answers given before their request was read to its end: they say that their connection ends with them.

A server must read a request whole before the connection can serve the next one, or close the connection (RFC 9112,
section 9.3). Granian closes it without a word where the rest of the request is still on its way, and the client's next
request fails. ``Connection: close`` tells the client in time. Reading the rest instead would let anyone without a token
hold a thread for as long as a slow request lasts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from wsgiref.types import InputStream, StartResponse, WSGIApplication, WSGIEnvironment


class ClosesUnread:
    """A WSGI app (PEP 3333) that adds ``Connection: close`` where the app answers with a part of the body unread.

    Args:
        app: that is served.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request."""
        length = environ.get("CONTENT_LENGTH")
        bodiless = (not length or length == "0") and "HTTP_TRANSFER_ENCODING" not in environ
        # Later versions have no such header: there a request that goes unread ends without its connection.
        if bodiless or not environ["SERVER_PROTOCOL"].startswith("HTTP/1"):
            return self._app(environ, start_response)
        body = environ["wsgi.input"] = _Body(environ["wsgi.input"], int(length) if length else None)

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Callable[[bytes], object]:
            return start_response(status, headers if body.ended else [*headers, ("Connection", "close")], *exc_info)

        return self._app(environ, start)


class _Body:
    """A request's body that knows whether it was read to its end.

    Args:
        stream: the server's.
        length: bytes, where the request tells them.
    """

    def __init__(self, stream: InputStream, length: int | None) -> None:
        self._stream = stream
        self._left = length
        self.ended = False

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        return self._took(data, whole=size < 0 or (size > 0 and not data))

    def readline(self, size: int = -1) -> bytes:
        data = self._stream.readline(size)
        return self._took(data, whole=not data and size != 0)

    def readlines(self, hint: int = -1) -> list[bytes]:
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line

    def _took(self, data: bytes, whole: bool) -> bytes:
        if self._left is not None:
            self._left -= len(data)
        self.ended = self.ended or whole or self._left == 0
        return data
