"""What came back from a call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .transcript import transcript

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from .contracts import Match


class Response:
    """What came back from a call, with the request that it answers.

    Args:
        answer: as `requests` made it; ``answer.request`` is what was sent.
        match: the operation of a contract that was called, where there is one.
    """

    def __init__(self, answer: requests.Response, match: Match | None = None) -> None:
        self.answer = answer
        self.match = match

    @property
    def request(self) -> requests.PreparedRequest:
        """What was sent."""
        return self.answer.request

    @property
    def status(self) -> int:
        """The status code."""
        return self.answer.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; names in any case."""
        return self.answer.headers

    @property
    def content(self) -> bytes:
        """The body as bytes."""
        return self.answer.content

    @property
    def text(self) -> str:
        """The body as text."""
        return self.answer.text

    @property
    def media_type(self) -> str:
        """The media type of the body, in lower case, without parameters; empty where none is stated."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:
        """Return the body's JSON.

        Raises:
            AssertionError: it is none; the message shows the call.
        """
        try:
            return json.loads(self.content)
        except ValueError as error:
            raise AssertionError(f"the body is no JSON: {error}\n{self.transcript()}") from None

    @property
    def model(self) -> Any:
        """The body as the contract's model: an object of the schema's class, a list of them, or a plain value.

        Raises:
            AssertionError: the call belongs to no operation of a contract, or its body is not what that declares.
        """
        from .checking import read_model

        return read_model(self)

    def transcript(self) -> str:
        """Return the call as text: request, response, and a ``curl`` line that repeats it, with secrets masked."""
        return transcript(self)

    def __repr__(self) -> str:
        return f"<Response {self.status} of {self.request.method} {self.request.path_url}>"
