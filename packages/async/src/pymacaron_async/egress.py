"""Requests to URLs that strangers gave: to public addresses alone, and to the very address that was checked.

A URL in a request may name the service's own network, or a name whose address changes between the check and the
request ("server-side request forgery", "DNS rebinding"). So the name is resolved once, every address is checked, and
the connection is made to one of these. Redirects are not followed; proxies of the environment are not used.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from contextlib import contextmanager
from functools import cache
from threading import Timer
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

WITHIN = 10.0
_AT_MOST = 30.0
_PORTS = {"http": 80, "https": 443}
_LONGEST = 2000
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Refused(ValueError):
    """A URL that nothing is sent to; the message says why, and is fit for who gave it."""


def check_url(url: str, allowed: Collection[str]) -> SplitResult:
    """Refuse a URL that nothing could be sent to, as far as the URL itself tells.

    Args:
        url: to be called.
        allowed: hosts that may be called, wherever they are; where it is empty, all that are public.

    Raises:
        Refused: it is no URL of http or https, holds credentials, or its host is not allowed.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise Refused(f"it is no URL: {error}") from None
    if parts.scheme not in _PORTS or not host or port == 0 or len(url) > _LONGEST or not _is_clean(url):
        raise Refused("it must be an absolute URL of https or http, without spaces, such as https://example.com/done")
    if parts.username is not None or parts.password is not None:
        raise Refused("it must not hold a user or a password")
    if allowed:
        if host.lower() not in {each.lower() for each in allowed}:
            raise Refused("its host is not among those that may be called (async_callback_hosts)")
    elif (literal := _literal(host)) is not None and not is_public(literal):
        raise Refused("its host is not a public address")
    return parts


def _is_clean(url: str) -> bool:
    return url.isascii() and url.isprintable() and " " not in url


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Tell whether an address is reached over the internet; those that stand for another one are judged by that."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def resolve(parts: SplitResult, allowed: Collection[str]) -> list[tuple[str, int]]:
    """Return the addresses and the port of a checked URL's host.

    Raises:
        Refused: one of them is not public, and the host is not among those allowed.
        OSError: the name cannot be resolved.
    """
    port = parts.port or _PORTS[parts.scheme]
    found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if not allowed and not all(is_public(ipaddress.ip_address(address.partition("%")[0])) for address in addresses):
        raise Refused(f"its host {parts.hostname} has an address that is not public")
    return [(address, port) for address in addresses]


def send(method: str, url: str, body: bytes, headers: Mapping[str, str], allowed: Collection[str]) -> int:
    """Send one request, and return the status of the answer.

    Raises:
        Refused: nothing may be sent there.
        OSError: nobody answered in time, or the certificate is not valid.
        http.client.HTTPException: what answered is no HTTP.
    """
    parts = check_url(url, allowed)
    failure: OSError | None = None
    for address, port in resolve(parts, allowed):
        connection = _connection(parts, address, port)
        try:
            connection.connect()
        except OSError as error:
            failure = error
            continue
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        with _hung_up(connection):
            connection.request(method, target, body, dict(headers))
            return connection.getresponse().status
    raise failure or OSError(f"{parts.hostname} has no address")


@contextmanager
def _hung_up(connection: http.client.HTTPConnection) -> Iterator[None]:
    """Close a connection in the end, and cut it where one that answers byte by byte would hold it for ever."""
    timer = Timer(_AT_MOST, connection.sock.shutdown, [socket.SHUT_RDWR])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        connection.close()


def _connection(parts: SplitResult, address: str, port: int) -> http.client.HTTPConnection:
    host = str(parts.hostname)
    if parts.scheme == "https":
        return _PinnedHttps(host, port, address)
    return _Pinned(host, port, address)


class _Pinned(http.client.HTTPConnection):
    """A connection to one address of a host."""

    def __init__(self, host: str, port: int, address: str, **options: Any) -> None:
        super().__init__(host, port, timeout=WITHIN, **options)
        self.address = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self.address, self.port), self.timeout)


class _PinnedHttps(http.client.HTTPSConnection):
    """Likewise, with TLS; the certificate must be the host's."""

    def __init__(self, host: str, port: int, address: str) -> None:
        super().__init__(host, port, timeout=WITHIN, context=_tls())
        self.address = address

    def connect(self) -> None:
        plain = socket.create_connection((self.address, self.port), self.timeout)
        try:
            self.sock = _tls().wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


@cache
def _tls() -> ssl.SSLContext:
    from requests import utils  # a server need not load it to start

    return ssl.create_default_context(cafile=utils.DEFAULT_CA_BUNDLE_PATH)
