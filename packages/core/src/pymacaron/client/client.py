"""``apipool.<api>.client.<method>(...)``: call an operation of another service.

The body comes first, then parameters by name. What comes back is the response's model, dict, list, text or bytes; an
error status is raised as the error that the other service named, or as a :class:`~pymacaron.exceptions.ClientError`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import requests

from pymacaron.binding import import_object
from pymacaron.calls import outgoing_headers
from pymacaron.codec.types import Types
from pymacaron.config import get_config
from pymacaron.exceptions import CallFailedError, CallTimeoutError, ModelError
from pymacaron.plugins import ClientCallContext, Plugins
from pymacaron.pool import LoadedApi, apipool
from pymacaron.spec import load_contract

from .reading import ResponseReader
from .writing import RequestWriter

if TYPE_CHECKING:
    from pathlib import Path

    from pymacaron.contract import Api, Operation


@dataclass
class ClientSettings:
    """What all clients of a service share.

    Attributes:
        given_timeout: seconds until a call is given up; pym-config's where it is None.
        plugins: those to tell of each call.
    """

    given_timeout: float | None = None
    plugins: Plugins = field(default_factory=Plugins)

    @property
    def timeout(self) -> float:
        """Seconds until a call is given up."""
        return float(self.given_timeout if self.given_timeout is not None else get_config().timeout)


_sessions = threading.local()


def session() -> requests.Session:
    """Return this thread's HTTP session, which keeps connections open."""
    if not hasattr(_sessions, "session"):
        _sessions.session = requests.Session()
    found: requests.Session = _sessions.session
    return found


def close_session() -> None:
    """Close this thread's connections; the next call opens new ones."""
    if hasattr(_sessions, "session"):
        session().close()
        del _sessions.session


class ApiClient:
    """The operations of one API as methods."""

    def __init__(self, api: Api, types: Types, settings: ClientSettings) -> None:
        self._api = api
        self._types = types
        self._settings = settings
        self._operations = {method_name(operation): operation for operation in api.operations}
        self._methods: dict[str, ClientMethod] = {}

    def __getattr__(self, name: str) -> ClientMethod:
        operation = self._operations.get(name)
        if operation is None:
            close = get_close_matches(name, self._operations, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(self._operations)}"
            raise AttributeError(f"the client of {self._api.name!r} has no method {name!r}; {hint}")
        if name not in self._methods:
            self._methods[name] = ClientMethod(self._api, self._types, operation, self._settings)
        return self._methods[name]

    def __dir__(self) -> list[str]:
        return sorted(self._operations)


def method_name(operation: Operation) -> str:
    """Return the name of an operation's method: ``x-bind-client``, else the handler's last part, else its own name."""
    return operation.client_name or (operation.handler or "").rpartition(".")[2] or operation.name


class ClientMethod:
    """One operation of another service, to be called like a function."""

    def __init__(self, api: Api, types: Types, operation: Operation, settings: ClientSettings) -> None:
        self.api = api
        self.operation = operation
        self.settings = settings
        self.writer = RequestWriter(types, operation)
        self.reader = ResponseReader(types, api.name, operation)
        self.__name__ = method_name(operation)
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


def load_client(name: str, source: str | Path | dict[str, Any]) -> LoadedApi:
    """Load a contract for its models and client, without serving it, and put it into ``apipool``.

    Raises:
        ContractError: the contract cannot be read.
    """
    api = load_contract(source, name)
    types = Types(api)
    loaded = LoadedApi(api, types, ApiClient(api, types, ClientSettings()))
    apipool.add(loaded)
    return loaded


apipool.set_loader(load_client)
