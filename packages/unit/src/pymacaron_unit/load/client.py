"""Sends calls by aiohttp, and names what goes wrong."""

from __future__ import annotations

import errno
import ssl
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from .outcome import TIMEOUT, Answer

if TYPE_CHECKING:
    from typing import Self

    from .calls import Call

_RESET = "connection reset"
_BY_NUMBER = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: _RESET,
    errno.EPIPE: _RESET,
    errno.EMFILE: "too many open files here",
    errno.EADDRNOTAVAIL: "no free port here",
}


class Client:
    """Sends calls; cookies and redirects are not followed, proxies not used.

    Args:
        timeout: seconds until a call is given up.
        verify: whether certificates are verified.
    """

    def __init__(self, timeout: float, verify: bool = True) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._verify = verify
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            # How many calls are under way is the generator's business.
            connector=aiohttp.TCPConnector(limit=0, ssl=self._verify),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, call: Call) -> Answer:
        """Send a call and read the whole answer; whatever fails becomes an answer too."""
        assert self._session is not None
        try:
            async with self._session.request(
                call.method,
                URL(call.url, encoded=True),
                headers=call.headers,
                data=call.body,
                allow_redirects=False,
            ) as response:
                body = await response.read()
        except Exception as error:  # noqa: BLE001 - a failed call is a result, whatever the reason
            return Answer(failure=failure_of(error))
        return Answer(response.status, None, tuple(response.headers.items()), body)


def failure_of(error: Exception) -> str:
    """Name the kind of a failure."""
    known: list[tuple[Any, str]] = [
        (TimeoutError, TIMEOUT),
        (aiohttp.ClientConnectorDNSError, "name not resolved"),
        ((aiohttp.ClientSSLError, ssl.SSLError), "TLS failed"),
        (aiohttp.ServerDisconnectedError, "connection closed"),
        (ConnectionResetError, _RESET),
        (aiohttp.ClientPayloadError, "body broken off"),
        (aiohttp.ClientResponseError, "no HTTP answer"),
    ]
    for kinds, name in known:
        if isinstance(error, kinds):
            return name
    return _BY_NUMBER.get(getattr(error, "errno", None) or 0, type(error).__name__)
