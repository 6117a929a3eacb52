"""Is a request what its operation's contract asks for, once it is sent? Judged by the codec of core."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from io import BytesIO
from typing import TYPE_CHECKING, Any

from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from pymacaron.exceptions import PyMacaronException, fault
from pymacaron.messages import Settings
from pymacaron.requests_in import RequestDecoder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pymacaron.contract import Operation

    from ..contracts import Contract
    from .call import Call


class Judge:
    """Judges the requests of one operation."""

    def __init__(self, contract: Contract, operation: Operation) -> None:
        self.contract = contract
        self.operation = operation
        self.decoder = RequestDecoder(contract.types, operation, Settings(max_errors=5))

    def faults(self, call: Call) -> list[dict[str, str]] | None:
        """Return in what a request breaks the contract: nothing where it is valid; None where it is of another path."""
        match = self.contract.match(call.method, call.path)
        if match is None or match.operation.name != self.operation.name:
            return None
        try:
            self.decoder.decode(_Sent(call, match.values))
        except PyMacaronException as error:
            if error.errors:
                return [dict(each) for each in error.errors]
            return [fault("header", "/Content-Type", "content", str(error))]
        return []


class _Sent:
    """A call as operations read requests."""

    def __init__(self, call: Call, path_args: Mapping[str, str]) -> None:
        self.call = call
        self.path_args = path_args
        self.query = call.target.partition("?")[2]
        self.content_type = call.header("Content-Type")
        self.content_length: int | None = len(call.content)

    def header(self, name: str) -> str | None:
        return self.call.header(name)

    def cookies(self) -> dict[str, str]:
        try:
            return {name: morsel.value for name, morsel in SimpleCookie(self.call.header("Cookie") or "").items()}
        except CookieError:
            return {}

    def body(self) -> bytes:
        return self.call.content

    def stream(self) -> Any:
        return BytesIO(self.call.content)

    def form(self) -> tuple[dict[str, list[str]], dict[str, list[Any]]]:
        builder = EnvironBuilder(
            method=self.call.method, input_stream=BytesIO(self.call.content), content_type=self.content_type
        )
        builder.content_length = len(self.call.content)
        request = _FormRequest(builder.get_environ())
        return dict(request.form.lists()), dict(request.files.lists())


class _FormRequest(Request):
    """A request whose files stay in memory."""

    def _get_file_stream(self, *_: Any, **__: Any) -> BytesIO:
        return BytesIO()
