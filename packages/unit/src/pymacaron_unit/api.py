"""``api``: what tests call the service under test with."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from .exceptions import NoContractError
from .polling import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import requests

    from .channel import Channel
    from .response import Response


class Api:
    """The service under test, by method and path or by operation.

    ``api.post("/pets", {...})`` sends a request; ``api.createPet({...}, dry_run=True)`` calls the operation of that
    ``operationId`` (or of that client method), its body first and its parameters by name. Nothing is checked before it
    is sent, so that tests can send what is wrong; every answer is checked against the contract.

    Every call takes ``check=False`` (the answer is not checked), ``retries=N`` (sent again where nothing answers, or
    the answer is 429, 502, 503 or 504), ``timeout=SECONDS`` and ``headers={...}``.

    Args:
        channel: the way to the service.
        token: makes a token: ``token(user_id, scopes, **claims)``.
        headers: sent with each call.
    """

    def __init__(
        self,
        channel: Channel,
        token: Callable[..., str] | None = None,
        headers: Mapping[str, str] | None = None,
        cleanups: ExitStack | None = None,
    ) -> None:
        self._channel = channel
        self._token = token
        self._headers = dict(headers or {})
        self._cleanups = cleanups if cleanups is not None else ExitStack()

    @property
    def url(self) -> str:
        """Where the service is, without a slash at the end."""
        return self._channel.target.base_url

    @property
    def calls(self) -> list[Response]:
        """The last answers, the oldest first."""
        return list(self._channel.calls)

    def as_user(self, user_id: str, scopes: Iterable[str] = (), **claims: Any) -> Api:
        """Return this api with a token of a user.

        Args:
            user_id: becomes the token's subject.
            scopes: that the token grants.
            claims: given to the target's own token maker, such as ``expire_in=60``.

        Raises:
            TargetError: the target cannot make tokens; its message says what to give it.
        """
        if self._token is None:
            raise NoContractError(f"nothing here can make a token of {user_id!r}; use with_token(token)")
        return self.with_token(self._token(user_id, list(scopes), **claims))

    def with_token(self, token: str) -> Api:
        """Return this api with a token of your own."""
        return self.with_headers({"Authorization": f"Bearer {token}"})

    def anonymous(self) -> Api:
        """Return this api without a token."""
        kept = {name: value for name, value in self._headers.items() if name.lower() != "authorization"}
        return Api(self._channel, self._token, kept, self._cleanups)

    def with_headers(self, headers: Mapping[str, str]) -> Api:
        """Return this api with further headers in each call."""
        return Api(self._channel, self._token, {**self._headers, **headers}, self._cleanups)

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> Response:
        """Send a request.

        Args:
            method: any HTTP method.
            path: with or without a slash in front; a query may follow.
            body: a model, dict, list or plain value is sent as JSON; text, bytes and files are sent as they are.
            options: ``params``, ``headers``, ``data``, ``files``, ``cookies`` of the request; ``check``, ``retries``,
                ``timeout``, ``allow_redirects`` of the call.

        Raises:
            TargetError: nothing answered.
            ContractBroken: the answer is not what the contract says.
        """
        sending = _taken(options, ("check", "retries", "timeout", "allow_redirects"))
        headers = {**self._headers, **(options.pop("headers", None) or {})}
        return self._channel.send(self._channel.make(method, path, body, headers=headers, **options), **sending)

    def get(self, path: str, **options: Any) -> Response:
        """Send a GET request; see :meth:`request`."""
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Response:
        """Send a POST request; see :meth:`request`."""
        return self.request("POST", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Response:
        """Send a PUT request; see :meth:`request`."""
        return self.request("PUT", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> Response:
        """Send a PATCH request; see :meth:`request`."""
        return self.request("PATCH", path, body, **options)

    def delete(self, path: str, body: Any = None, **options: Any) -> Response:
        """Send a DELETE request; see :meth:`request`."""
        return self.request("DELETE", path, body, **options)

    def head(self, path: str, **options: Any) -> Response:
        """Send a HEAD request; see :meth:`request`."""
        return self.request("HEAD", path, **options)

    def options(self, path: str, **options: Any) -> Response:
        """Send an OPTIONS request; see :meth:`request`."""
        return self.request("OPTIONS", path, **options)

    def call(self, operation: str, body: Any = None, /, **arguments: Any) -> Response:
        """Call an operation by name, whatever the name is; ``api.<name>(...)`` is short for it.

        Args:
            operation: its ``operationId``, or the name of its client method.
            body: as in :meth:`request`; a dict becomes a form where the operation declares one.
            arguments: parameters by their name or by the handler's argument, and the options of a call.

        Raises:
            NoContractError: no contract has the operation.
            TypeError: it has no such parameter, or a part of the path is missing.
        """
        from .calling import find_operation, make_request

        contracts = self._channel.contracts
        if contracts is None:
            raise NoContractError(f"no contract is known that has an operation {operation!r}; give --pym-contract FILE")
        contract, found = find_operation(contracts, operation)
        own = {name for parameter in found.parameters for name in (parameter.name, parameter.argument)}
        names = ("check", "retries", "timeout", "allow_redirects", "headers")
        sending = _taken(arguments, [name for name in names if name not in own])
        headers = {**self._headers, **(sending.pop("headers", None) or {})}
        request: requests.Request = make_request(contract, found, body, arguments)
        request.headers = {**headers, **request.headers}
        return self._channel.send(request, **sending)

    def __getattr__(self, name: str) -> Callable[..., Response]:
        if name.startswith("_"):
            raise AttributeError(name)
        from .calling import find_operation

        contracts = self._channel.contracts
        try:
            if contracts is None:
                raise NoContractError(
                    f"api has no attribute {name!r}, and no contract is known; give --pym-contract FILE"
                )
            find_operation(contracts, name)
        except NoContractError as error:
            raise AttributeError(str(error)) from None
        return lambda *body, **arguments: self.call(name, *body, **arguments)

    def cleanup(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Call a function when the test ends, the last given first; all are called even if one fails."""
        self._cleanups.callback(function, *args, **kwargs)

    def eventually(self, check: Callable[[], Any], within: float = 5.0) -> Any:
        """Call a function until what it returns is true; see :func:`pymacaron_unit.eventually`."""
        return eventually(check, within)


def _taken(options: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Take some options out of others."""
    return {name: options.pop(name) for name in names if name in options}
