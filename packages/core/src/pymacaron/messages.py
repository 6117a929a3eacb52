"""Requests and responses as plain values, and what the configuration says of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from .exceptions import fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .codec.codec import Invalid

FaultList = list[dict[str, str]]


class Incoming(Protocol):
    """What an operation reads of a request."""

    path_args: Mapping[str, str]
    query: str
    content_type: str | None
    content_length: int | None

    def header(self, name: str) -> str | None:
        """Return a header's value; several of one name are joined by commas."""

    def cookies(self) -> Mapping[str, str]:
        """Return all cookies."""

    def body(self) -> bytes:
        """Return the whole body; raises BodyTooLargeError past ``max_body_bytes``."""

    def stream(self) -> Any:
        """Return the body as a file object."""

    def form(self) -> tuple[dict[str, list[str]], dict[str, list[Any]]]:
        """Return the fields and the files of a form."""


@dataclass(slots=True)
class Outgoing:
    """A response: status, headers, and a body of bytes, or an iterable of them."""

    status: int
    body: Any = b""
    content_type: str | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Settings:
    """What the configuration says of requests."""

    strict_query: bool = False
    max_json_depth: int = 200
    max_errors: int = 50


def faults_in(where: str, name: str, error: Invalid) -> FaultList:
    prefix = "/" + name.replace("~", "~0").replace("/", "~1") if name else ""
    return [fault(where, prefix + pointer, keyword, message) for pointer, keyword, message in error.faults]
