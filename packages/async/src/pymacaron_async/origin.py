"""The request that started a task, kept with the task so that its handler runs inside a request like it.

Method, URL and headers are kept; the body is not, as the handler gets it decoded. What may hold a credential stays
behind: cookies, and headers and query parameters whose names tell of a secret. ``Authorization`` is made again from the
caller's token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

import msgspec
from flask import request
from werkzeug.test import EnvironBuilder

from pymacaron.config import is_secret

if TYPE_CHECKING:
    from flask import Flask
    from flask.ctx import RequestContext

_PRIVATE_WORDS = ("key", "session", "credential", "signature")
_HARMLESS = frozenset({"idempotency-key"})
# They speak of the body, or of one connection (RFC 9110, section 7.6.1).
_OF_THE_MESSAGE = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept of a request.

    Attributes:
        root: the path that the app is mounted at.
        query: the query string, as it came.
    """

    method: str
    path: str
    scheme: str
    host: str
    root: str = ""
    query: str = ""
    remote_addr: str | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def context(self, app: Flask, token: str | None) -> RequestContext:
        """Return a request context of an app for a request like this one, with the caller's token."""
        headers = [*self.headers, *([("Authorization", f"Bearer {token}")] if token else [])]
        builder = EnvironBuilder(
            path=self.path,
            base_url=f"{self.scheme}://{self.host}{self.root}/",
            query_string=self.query,
            method=self.method,
            headers=headers,
            environ_overrides={"REMOTE_ADDR": self.remote_addr} if self.remote_addr else None,
        )
        try:
            return app.request_context(builder.get_environ())
        finally:
            builder.close()


def current_origin() -> Origin:
    """Return what is to be kept of the current request."""
    return Origin(
        method=request.method,
        path=request.path,
        scheme=request.scheme,
        host=request.host,
        root=request.script_root,
        query=_public_query(request.query_string.decode("latin-1")),
        remote_addr=request.remote_addr,
        headers=tuple((name, value) for name, value in request.headers.items() if _is_kept(name)),
    )


def _is_kept(header: str) -> bool:
    return header.lower() not in _OF_THE_MESSAGE and not _is_private(header)


def _public_query(query: str) -> str:
    parts = query.split("&") if query else []
    return "&".join(part for part in parts if not _is_private(unquote_plus(part.partition("=")[0])))


def _is_private(name: str) -> bool:
    """Tell by its name whether a header or a parameter may hold a credential."""
    lower = name.lower()
    return is_secret(name) or (lower not in _HARMLESS and any(word in lower for word in _PRIVATE_WORDS))
