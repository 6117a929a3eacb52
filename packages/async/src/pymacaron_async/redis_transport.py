"""Celery's way to Redis, less the client of redis-py that it makes for each command: that is a tenth of a send."""

from __future__ import annotations

from typing import Any

from kombu.transport import redis


class Channel(redis.Channel):
    """A channel that keeps its client for as long as its pool of connections, which a fork or a fault replaces."""

    _kept: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[no-untyped-call]  # kombu has few types
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = super()._create_client()  # type: ignore[no-untyped-call]  # likewise
        return self._kept


class Transport(redis.Transport):
    """The transport of such channels."""

    Channel = Channel
