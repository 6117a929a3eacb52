"""The way to the service under test: every call goes through here, and every answer is shown to the listeners."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

import requests

from .exceptions import TargetError
from .response import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .contracts import Contracts

TIMEOUT = 30.0
REMEMBERED = 20
# An answer that says "not now": with `retries` the call is made again.
_TRANSIENT = frozenset({429, 502, 503, 504})


class Reachable(Protocol):
    """What a channel needs of a target."""

    base_url: str

    def session(self) -> requests.Session:
        """Return a session that reaches the target."""

    def describe(self) -> str:
        """Name the target for messages."""


class Channel:
    """Sends requests to a target.

    Args:
        target: what is tested.
        contracts: its contracts, to know which operation a call belongs to.
        check: called with each answer, unless a call says ``check=False``.
        listeners: called with each answer, such as a recorder of coverage.

    Attributes:
        calls: the last answers, for failure messages.
    """

    def __init__(
        self,
        target: Reachable,
        contracts: Contracts | None = None,
        check: Callable[[Response], None] | None = None,
        listeners: Iterable[Callable[[Response], None]] = (),
    ) -> None:
        self.target = target
        self.contracts = contracts
        self.check = check
        self.listeners = list(listeners)
        self.calls: deque[Response] = deque(maxlen=REMEMBERED)

    def url(self, path: str) -> str:
        """Return the URL of a path; a whole URL stays as it is."""
        return path if "://" in path else f"{self.target.base_url}/{path.lstrip('/')}"

    def send(
        self,
        request: requests.Request,
        *,
        check: bool = True,
        retries: int = 0,
        timeout: float = TIMEOUT,
        allow_redirects: bool = False,
    ) -> Response:
        """Send a request.

        Args:
            request: its ``url`` may be a path.
            check: whether the answer is checked against the contract.
            retries: how often it is sent again where nothing answers, or the answer is 429, 502, 503 or 504.
            timeout: seconds to wait for an answer.
            allow_redirects: whether redirects are followed.

        Raises:
            TargetError: nothing answered.
            ContractBroken: the answer is not what the contract says.
        """
        request.url = self.url(str(request.url))
        answer = self._answer(request, retries, timeout, allow_redirects)
        match = self.contracts.match(str(answer.request.method), str(answer.request.url)) if self.contracts else None
        response = Response(answer, match)
        self.calls.append(response)
        for listener in self.listeners:
            listener(response)
        if check and self.check is not None:
            self.check(response)
        return response

    def _answer(
        self, request: requests.Request, retries: int, timeout: float, allow_redirects: bool
    ) -> requests.Response:
        session = self.target.session()
        for tried in range(retries + 1):
            last = tried == retries
            try:
                prepared = session.prepare_request(request)
                settings = session.merge_environment_settings(prepared.url, {}, None, None, None)
                answer = session.send(prepared, timeout=timeout, allow_redirects=allow_redirects, **settings)
            except requests.RequestException as error:
                if last:
                    shown = f"{request.method} {request.url}"
                    raise TargetError(f"{self.target.describe()} did not answer {shown}: {error}") from error
            else:
                if last or answer.status_code not in _TRANSIENT:
                    return answer
            time.sleep(min(0.1 * 2**tried, 2.0))
        raise AssertionError("the last try returns or raises")

    def make(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Any = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> requests.Request:
        """Make a request; a model, dict, list or plain value is sent as JSON, text, bytes and files as they are.

        Args:
            more: ``data``, ``files``, ``cookies`` and ``auth`` as `requests.Request` takes them.
        """
        made = requests.Request(method.upper(), path, params=params, headers=dict(headers or {}), **more)
        if isinstance(body, (str, bytes)) or hasattr(body, "read"):
            made.data = body
        elif body is not None:
            made.json = plain(body)
        return made


def plain(value: Any) -> Any:
    """Return what JSON has for a value; models give their own form."""
    if hasattr(value, "to_json"):
        return value.to_json()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
