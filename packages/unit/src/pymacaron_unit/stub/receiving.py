"""Requests that a stub receives, read by core's own reader and checked against the contract."""

from __future__ import annotations

from difflib import get_close_matches
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus, urlsplit

from requests.structures import CaseInsensitiveDict
from werkzeug.wrappers import Request

from pymacaron.codec.codec import Invalid
from pymacaron.codec.text import MISSING
from pymacaron.exceptions import (
    AuthMissingHeaderError,
    MethodNotAllowedError,
    NoSuchEndpointError,
    RequestError,
    ValidationError,
    fault,
)
from pymacaron.messages import Settings
from pymacaron.model import PymacaronBaseModel
from pymacaron.requests_in import RequestDecoder

from .calls import Call
from .security import missing_credentials, query_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pymacaron.codec.types import Types

    from ..contracts import Contract, Match

# Query parameters that the contract does not name are what a misspelt one looks like.
_SETTINGS = Settings(strict_query=True)


class Received:
    """A request as core reads it (:class:`pymacaron.messages.Incoming`), its body already taken in.

    Args:
        environ: of WSGI.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        self._environ = environ
        self._request = Request(environ)
        self._body = self._request.get_data()
        self._form: Request | None = None
        self.path_args: Mapping[str, str] = {}
        self.query: str = environ.get("QUERY_STRING", "")
        self.asked = self.query
        self.content_type: str | None = environ.get("CONTENT_TYPE") or None
        self.content_length: int | None = len(self._body)
        self.method: str = environ["REQUEST_METHOD"]
        self.path = urlsplit(environ["REQUEST_URI"]).path
        self.url = f"http://{environ.get('HTTP_HOST', '')}{environ['REQUEST_URI']}"
        self.headers: Mapping[str, str] = CaseInsensitiveDict(self._request.headers.items())

    def header(self, name: str) -> str | None:
        """Return a header's value."""
        value = self.headers.get(name)
        return None if value is None else _utf8(value)

    def cookies(self) -> Mapping[str, str]:
        """Return all cookies."""
        return self._request.cookies

    def body(self) -> bytes:
        """Return the whole body."""
        return self._body

    def stream(self) -> Any:
        """Return the body as a file object."""
        return BytesIO(self._body)

    def form(self) -> tuple[dict[str, list[str]], dict[str, list[Any]]]:
        """Return the fields and the files of a form."""
        again = {**self._environ, "wsgi.input": BytesIO(self._body), "CONTENT_LENGTH": str(len(self._body))}
        again = {key: value for key, value in again.items() if not key.startswith("werkzeug.")}
        self._form = request = Request(again)
        return dict(request.form.lists()), dict(request.files.lists())

    def close(self) -> None:
        """Close the files of a form."""
        if self._form is not None:
            self._form.close()


class Receiver:
    """Reads the requests of one contract."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self._decoders: dict[str, RequestDecoder] = {}

    def receive(self, received: Received) -> tuple[Call, RequestError | None]:
        """Return the call that a request is, and the error that a service would answer it with."""
        match = self.contract.match(received.method, received.path)
        if match is None:
            return self._unknown(received)
        received.path_args = match.values
        body, parameters, error = self._read(match, received)
        credentials = missing_credentials(match, received)
        faults = [credentials] if credentials else []
        faults += _told(error) if error is not None else []
        if error is None and _sends_unwanted(match, received):
            faults.append(f"body: {match.operation.name} takes none, yet {len(received.body())} bytes came")
        call = Call(
            received.method, received.url, received.headers, received.body(), body, parameters, tuple(faults), match
        )
        if credentials:
            error = AuthMissingHeaderError(credentials)
        elif faults and error is None:
            error = ValidationError(errors=[fault("body", "", "body", faults[0])])
        return call, error

    def _unknown(self, received: Received) -> tuple[Call, RequestError]:
        methods = self.contract.methods(received.path)
        if methods:
            told = f"the path {received.path} has no method {received.method}; it has {', '.join(sorted(methods))}"
        else:
            paths = [self.contract.path(operation) for operation in self.contract.api.operations]
            close = get_close_matches(received.path, paths, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            told = f"the contract of {self.contract.name!r} has no path {received.path}{hint}"
        call = Call(received.method, received.url, received.headers, received.body(), faults=(told,))
        return call, MethodNotAllowedError(told) if methods else NoSuchEndpointError(told)

    def _read(self, match: Match, received: Received) -> tuple[Any, dict[str, Any], RequestError | None]:
        """Return the body and the parameters; where they break the contract, the body as far as it can be read."""
        operation, types = match.operation, self.contract.types
        decoder = self._decoders.get(operation.name)
        if decoder is None:
            decoder = self._decoders.setdefault(operation.name, RequestDecoder(types, operation, _SETTINGS))
        received.query = _without(received.query, query_keys(match))
        try:
            body, parameters = decoder.decode(received)
        except RequestError as error:
            return _guessed(received), {}, error
        except Invalid as error:
            faults = [fault("body", pointer, keyword, message) for pointer, keyword, message in error.faults]
            return _guessed(received), {}, ValidationError(errors=faults)
        else:
            return (
                None if body is MISSING else _plain(types, body),
                {name: _plain(types, value) if hasattr(value, "read") else value for name, value in parameters.items()},
                None,
            )
        finally:
            received.close()


def _sends_unwanted(match: Match, received: Received) -> bool:
    body = match.operation.body
    return bool(received.body()) and (body is None or not body.content)


def _told(error: RequestError) -> list[str]:
    """Return the faults that an error lists, each in one line."""
    faults = [
        f"{each['in']} {each['pointer'] or '(whole)'}: {each['message']} ({each['keyword']})" for each in error.errors
    ]
    return faults or [error.message]


def _guessed(received: Received) -> Any:
    """Return the JSON of a body that is not what it should be; None where it is none."""
    import json

    try:
        return json.loads(received.body())
    except ValueError:
        return None


def _plain(types: Types, value: Any) -> Any:
    """Return a body's value with models as dicts and files as bytes."""
    if hasattr(value, "read") and not isinstance(value, PymacaronBaseModel):
        return value.read()
    if isinstance(value, (dict, PymacaronBaseModel)):
        return {name: _plain(types, value[name]) for name in value}
    return [_plain(types, each) for each in value] if isinstance(value, list) else types.dump(value)


def _without(query: str, names: frozenset[str]) -> str:
    """Return a query without the parameters that carry credentials."""
    if not names:
        return query
    return "&".join(pair for pair in query.split("&") if unquote_plus(pair.partition("=")[0]) not in names)


def _utf8(value: str) -> str:
    """Undo that WSGI gives octets as latin-1 (PEP 3333)."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value
