"""``apipool.<api>.client.<method>(...)``: call an operation of another service.

The body comes first, then parameters by name. What comes back is the response's model, dict, list, text or bytes; an
error status is raised as the error that the other service named, or as a :class:`~pymacaron.exceptions.ClientError`.

What sends requests is imported with the first method that is asked for: a service that calls no other starts without.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pymacaron.codec.types import Types
from pymacaron.config import get_config
from pymacaron.plugins import Plugins
from pymacaron.pool import LoadedApi, apipool
from pymacaron.spec import load_contract

if TYPE_CHECKING:
    from pathlib import Path

    from pymacaron.contract import Api, Operation

    from .method import ClientMethod


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
            from .method import ClientMethod

            self._methods[name] = ClientMethod(self._api, self._types, name, operation, self._settings)
        return self._methods[name]

    def __dir__(self) -> list[str]:
        return sorted(self._operations)


def method_name(operation: Operation) -> str:
    """Return the name of an operation's method: ``x-bind-client``, else the handler's last part, else its own name."""
    return operation.client_name or (operation.handler or "").rpartition(".")[2] or operation.name


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
