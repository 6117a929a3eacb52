"""One operation of another service: its request sent, its response read."""

from __future__ import annotations

import threading
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

import requests

from pymacaron.binding import import_object
from pymacaron.calls import outgoing_headers
from pymacaron.config import get_config
from pymacaron.exceptions import CallFailedError, CallTimeoutError, ModelError
from pymacaron.plugins import ClientCallContext

from .reading import ResponseReader
from .writing import RequestWriter

if TYPE_CHECKING:
    from pymacaron.codec.types import Types
    from pymacaron.contract import Api, Operation

    from .client import ClientSettings


_sessions = threading.local()


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def session() -> requests.Session:
    """Return this thread's HTTP session, which keeps connections open."""
    if not hasattr(_sessions, "session"):
        made = requests.Session()
        # Nothing is kept from one call for the next, nor taken from a .netrc: calls are made for different users.
        made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        made.auth = _as_it_is
        _sessions.session = made
    found: requests.Session = _sessions.session
    return found


def close_session() -> None:
    """Close this thread's connections; the next call opens new ones."""
    if hasattr(_sessions, "session"):
        session().close()
        del _sessions.session


class ClientMethod:
    """One operation of another service, to be called like a function."""

    def __init__(self, api: Api, types: Types, name: str, operation: Operation, settings: ClientSettings) -> None:
        self.api = api
        self.operation = operation
        self.settings = settings
        self.writer = RequestWriter(types, operation)
        self.reader = ResponseReader(types, api.name, operation)
        self.__name__ = name
        self.__doc__ = operation.summary or operation.description

    def __call__(self, *body: Any, **parameters: Any) -> Any:
        """Call the operation.

        Raises:
            InternalValidationError: an argument breaks the contract; nothing was sent.
            CallTimeoutError: no answer came in time.
            CallFailedError: the service could not be reached, or its answer breaks its contract.
            PyMacaronException: the error that the service answered with.
        """
        request = self.writer.write(self.base_url(), body, parameters)
        request.headers.update(outgoing_headers(self.api.name, self.__name__))
        if self.settings.plugins.implements("client_call"):
            self.settings.plugins.call("client_call", ClientCallContext(self.api.name, self.operation, request))
        send = self.send
        if self.operation.decorate_request:
            send = import_object(self.operation.decorate_request, f"x-decorate-request of {self.operation.name}")(send)
        return self.reader.read(send(request))

    def send(self, request: requests.Request) -> requests.Response:
        """Send a request."""
        shown = f"{self.api.name}.{self.__name__} ({request.method} {request.url})"
        try:
            prepared = session().prepare_request(request)
            settings = session().merge_environment_settings(prepared.url, {}, self.reader.streams, None, None)
            return session().send(prepared, timeout=self.settings.timeout, allow_redirects=False, **settings)
        except requests.Timeout:
            raise CallTimeoutError(f"{shown} did not answer within {self.settings.timeout:g} s") from None
        except requests.RequestException as error:
            raise CallFailedError(f"{shown} failed: {error}") from error

    def base_url(self) -> str:
        """Return the URL that the operation's path is appended to: pym-config's ``services``, else the contract's."""
        given = (get_config().get("services") or {}).get(self.api.name)
        url = given or next((s.url for s in self.api.servers if "://" in s.url), None)
        if url is None:
            raise ModelError(
                f"the contract of {self.api.name!r} does not say where it is served; add a host to it, or its URL to"
                f" pym-config under services: {{{self.api.name}: URL}}"
            )
        return str(url).rstrip("/")
