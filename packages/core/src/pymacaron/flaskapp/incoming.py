"""A Flask request, as operations read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import RequestEntityTooLarge

from pymacaron.exceptions import BodyTooLargeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Request


class FlaskIncoming:
    """Reads a request straight from its WSGI environment where that is enough."""

    __slots__ = ("content_length", "content_type", "environ", "path_args", "query", "request")

    def __init__(self, request: Request, path_args: Mapping[str, str]) -> None:
        self.request = request
        self.path_args = path_args
        self.environ = environ = request.environ
        self.query: str = environ.get("QUERY_STRING", "")
        self.content_type: str | None = environ.get("CONTENT_TYPE") or None
        length = environ.get("CONTENT_LENGTH")
        self.content_length: int | None = int(length) if length and length.isascii() and length.isdigit() else None

    def header(self, name: str) -> str | None:
        """Return a header's value; several of one name are joined by commas."""
        key = name.upper().replace("-", "_")
        value: str | None = self.environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}")
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
        try:
            return self.request.get_data()
        except RequestEntityTooLarge:
            raise self._too_large() from None

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
