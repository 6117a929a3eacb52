"""What a stub has received."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

from ..response import Response
from ..transcript import curl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..contracts import Match


@dataclass(frozen=True)
class Call:
    """A request that a stub has received.

    Attributes:
        method: in capital letters.
        url: that was called.
        headers: names in any case.
        content: the body as bytes.
        body: the body's value: what its JSON holds, the fields of a form (files as bytes), or text, or bytes; None
            where there is none.
        parameters: the parameters as a handler gets them, by the names that it gets them by.
        faults: in what it is not what the contract says.
        match: the operation that was called, where there is one.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes
    body: Any = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    match: Match | None = None

    @property
    def name(self) -> str:
        """Name of the operation that was called, or method and path where there is none."""
        return self.match.operation.name if self.match is not None else f"{self.method} {self.url}"

    def curl(self) -> str:
        """Return a command line that repeats the call, with secrets masked."""
        answer = requests.Response()
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        answer.request = requests.Request(self.method, self.url, headers, data=self.content).prepare()
        return curl(Response(answer, self.match))
