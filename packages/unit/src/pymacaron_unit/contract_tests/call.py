"""One HTTP request as plain data, so that it can be changed, repeated and written down."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import requests

ABSENT: Any = object()

# What a client adds by itself.
_OWN_HEADERS = frozenset(
    {"content-length", "user-agent", "accept-encoding", "accept", "connection", "x-schemathesis-testcaseid", "host"}
)


@dataclass(frozen=True)
class Call:
    """One HTTP request.

    Attributes:
        path: as sent, percent-encoded, without query.
        query: names and values as sent, percent-encoded.
        headers: without those that clients add by themselves; the body's ``Content-Type`` is among them.
        content: the body.
        token: whether a credential belongs to it.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    content: bytes = b""
    token: bool = True

    @property
    def target(self) -> str:
        """Path and query, as they stand in the request line."""
        query = "&".join(f"{name}={value}" if value or name else "" for name, value in self.query)
        return f"{self.path}?{query}" if query else self.path

    def header(self, name: str) -> str | None:
        """Return a header's value; its name in any case."""
        return next((value for each, value in self.headers if each.lower() == name.lower()), None)

    @property
    def is_json(self) -> bool:
        """Whether the body says that it is JSON."""
        kind = (self.header("Content-Type") or "").partition(";")[0].strip().lower()
        return kind == "application/json" or kind.endswith("+json")

    def json(self) -> Any:
        """Return the body's JSON value, ``ABSENT`` where it has none."""
        if not self.is_json:
            return ABSENT
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            return ABSENT

    def with_json(self, value: Any) -> Call:
        """Return the call with another JSON value as its body."""
        return replace(self, content=json.dumps(value).encode())

    def without_header(self, name: str) -> Call:
        """Return the call without a header."""
        return replace(self, headers=tuple(each for each in self.headers if each[0].lower() != name.lower()))

    def with_header(self, name: str, value: str) -> Call:
        """Return the call with a header set."""
        return replace(self, headers=(*self.without_header(name).headers, (name, value)))

    def prepare(self, base_url: str) -> requests.PreparedRequest:
        """Make the request.

        Raises:
            ValueError: a header or the URL cannot be sent.
        """
        headers: dict[str, str | bytes] = {name: _octets(value) for name, value in self.headers}
        request = requests.Request(self.method, base_url + self.path, headers=headers, data=self.content or None)
        prepared = request.prepare()
        # As it was made: `requests` would write some escapes anew.
        prepared.url = base_url + self.target
        return prepared


def from_prepared(prepared: requests.PreparedRequest, base_url: str) -> Call:
    """Read a call back from a request that `requests` prepared."""
    parts = urlsplit(str(prepared.url))
    start = urlsplit(base_url).path
    pairs = tuple((name, value) for name, _, value in (pair.partition("=") for pair in parts.query.split("&") if pair))
    headers = tuple(
        (name, _text(value)) for name, value in prepared.headers.items() if name.lower() not in _OWN_HEADERS
    )
    body = prepared.body or b""
    content = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else bytes(body)
    call = Call(str(prepared.method), parts.path.removeprefix(start), pairs, headers, content)
    return _with_fixed_boundary(call)


def _with_fixed_boundary(call: Call) -> Call:
    """Give a multipart form the same boundary in each run."""
    kind = call.header("Content-Type") or ""
    found = kind.partition("boundary=")[2]
    if not kind.startswith("multipart/") or not found or found.encode() not in call.content:
        return call
    fixed = "----part-of-the-form"
    changed = call.with_header("Content-Type", kind.replace(found, fixed))
    return replace(changed, content=call.content.replace(found.encode(), fixed.encode()))


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _octets(value: str) -> str | bytes:
    """Return a header's value as `requests` can send it: text that latin-1 does not have is sent as UTF-8."""
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8")
    return value
