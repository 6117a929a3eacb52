"""A Flask request, as operations read it."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol

from flask import Request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from pymacaron.exceptions import BodyTooLargeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask

_LONGEST_LENGTH = 18
# What a request holds once somebody has touched its body.
_TOUCHED = frozenset({"_cached_data", "data", "form", "files", "stream"})


class Holder(Protocol):
    """What holds a request, and makes it when ``request`` is first read."""

    app: Flask
    body: bytes | None

    @property
    def request(self) -> Request:
        """The request."""


class MadeRequest:
    """Holds a request that Flask has made."""

    def __init__(self, app: Flask, request: Request) -> None:
        self.app = app
        self.request = request
        self.body: bytes | None = None


class FlaskIncoming:
    """Reads a request straight from its WSGI environment where that is enough.

    Args:
        holder: of the request.
        environ: its WSGI environment.
        path_args: the path's parameters.
    """

    __slots__ = ("content_length", "content_type", "environ", "holder", "path_args", "query")

    def __init__(self, holder: Holder, environ: dict[str, Any], path_args: Mapping[str, str]) -> None:
        self.holder = holder
        self.environ = environ
        self.path_args = path_args
        self.query: str = environ.get("QUERY_STRING", "")
        self.content_type: str | None = environ.get("CONTENT_TYPE") or None
        self.content_length: int | None = _length(environ.get("CONTENT_LENGTH"))

    @property
    def request(self) -> Request:
        """The request itself."""
        return self.holder.request

    def header(self, name: str) -> str | None:
        """Return a header's value; several of one name are joined by commas."""
        value: str | None = self.environ.get(_environ_key(name))
        # WSGI gives octets as latin-1 (PEP 3333); texts in headers are UTF-8 nowadays.
        if value is None or value.isascii():
            return value
        try:
            return value.encode("latin-1").decode()
        except UnicodeError:
            return value

    def cookies(self) -> Mapping[str, str]:
        """Return all cookies."""
        return self.request.cookies

    def body(self) -> bytes:
        """Return the whole body, which stays readable as ``flask.request.data``.

        Raises:
            BodyTooLargeError: it is larger than ``max_body_bytes``.
        """
        made: Request | None = vars(self.holder).get("request")
        length = self.content_length
        if length is None or not self._is_untouched(made):
            try:
                return self.request.get_data()
            except RequestEntityTooLarge:
                raise self._too_large() from None
        limit = self.holder.app.config["MAX_CONTENT_LENGTH"] if made is None else made.max_content_length
        if limit is not None and length > limit:
            raise self._too_large()
        data = self._read(length)
        if made is None:
            self.holder.body = data
        else:
            keep_body(made, data)
        return data

    def _is_untouched(self, made: Request | None) -> bool:
        """Tell whether the body can be read past the request, and nobody could tell."""
        if "HTTP_TRANSFER_ENCODING" in self.environ:
            return False
        return made is None or (type(made) is Request and not made.shallow and _TOUCHED.isdisjoint(vars(made)))

    def _read(self, length: int) -> bytes:
        """Read a body of known length; raises ClientDisconnected (400) where less arrives."""
        stream = self.environ["wsgi.input"]
        try:
            data: bytes = stream.read(length)
            while 0 < len(data) < length and (more := stream.read(length - len(data))):
                data += more
        except (OSError, ValueError):
            raise ClientDisconnected from None
        if len(data) < length and "wsgi.input_terminated" not in self.environ:
            raise ClientDisconnected
        return data

    def stream(self) -> Any:
        """Return the body as a file object."""
        if self.content_length is not None and self.content_length > (self.request.max_content_length or float("inf")):
            raise self._too_large()
        return self.request.stream

    def form(self) -> tuple[dict[str, list[str]], dict[str, list[Any]]]:
        """Return the fields and the files of a form; large files lie on disk."""
        try:
            request = self.request
            return dict(request.form.lists()), dict(request.files.lists())
        except RequestEntityTooLarge:
            raise self._too_large() from None

    def _too_large(self) -> BodyTooLargeError:
        return BodyTooLargeError(f"the body is larger than max_body_bytes, {self.request.max_content_length}")


def _length(text: str | None) -> int | None:
    """Read a ``Content-Length``: digits alone (RFC 9110, section 8.6), and not so many that nobody means them."""
    if text and len(text) <= _LONGEST_LENGTH and text.isascii() and text.isdigit():
        return int(text)
    return None


@lru_cache(maxsize=4096)
def _environ_key(header: str) -> str:
    """Return the name that a WSGI environment has for a header (PEP 3333)."""
    key = header.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def keep_body(request: Request, body: bytes) -> None:
    """Give a request the body that was read for it, as its own ``get_data`` would leave it."""
    request._cached_data = body
    vars(request)["stream"] = BytesIO()
