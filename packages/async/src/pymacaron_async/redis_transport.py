"""Celery's way to Redis: messages are never out of its hands, and the client of redis-py is kept.

Celery makes a client for each command; that is a tenth of a send.
"""

# mypy: disallow-untyped-calls=False
# (kombu has few types)

from __future__ import annotations

import re
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .safe_fetch import SafeFetch

_SCHEME = re.compile(r"^(redis|sentinel)s?(://|\+socket://)")


class Faulted(SafeFetch):
    """A channel that takes a connection which broke for broken.

    The connections that the main loop reads are not mended by redis-py, which after that reads on from the new one,
    without end where nothing comes: the worker would hang for good. Celery itself connects anew, and subscribes.
    """

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        made: dict[str, Any] = super()._connparams(asynchronous=asynchronous)
        if asynchronous:
            made |= {"retry": Retry(NoBackoff(), 0), "retry_on_timeout": False}
        return made


class Channel(Faulted):
    """A channel that keeps its client for as long as its pool of connections, which a fork or a fault replaces."""

    _kept: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:
            return super()._create_client(asynchronous=True)
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = super()._create_client()
        return self._kept


class Transport(redis.Transport):
    """The transport of such channels."""

    Channel = Channel


class SentinelChannel(Faulted, redis.SentinelChannel):
    """A channel to the Redis that Sentinel names."""


class SentinelTransport(redis.SentinelTransport):
    """The transport of such channels."""

    Channel = SentinelChannel


def as_ours(url: str) -> str:
    """Return the URL of a broker with the name of our transport, where there is one, for each of its servers."""
    for scheme, transport in (("redis", Transport), ("sentinel", SentinelTransport)):
        TRANSPORT_ALIASES[f"pym{scheme}"] = f"{__name__}:{transport.__name__}"
    return ";".join(_SCHEME.sub(r"pym\1\2", each) for each in url.split(";"))
