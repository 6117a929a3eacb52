"""Connections to the store."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import redis
from redis.sentinel import Sentinel

from .exceptions import AsyncConfigError
from .redis_store import RedisStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .settings import Settings

_WITHIN = 5.0


def open_store(settings: Settings) -> RedisStore:
    """Return the store of a service; it connects when it is first used.

    Raises:
        AsyncConfigError: the URL is none of Redis.
    """
    return RedisStore(partial(_client, settings), settings.service, settings.keep, settings.most_deliveries)


def _client(settings: Settings) -> redis.Redis:
    url = str(settings.store_url)
    options: dict[str, Any] = {
        "socket_connect_timeout": _WITHIN,
        "socket_timeout": _WITHIN,
        "socket_keepalive": True,
        "health_check_interval": 10,
    }
    scheme = urlsplit(url).scheme
    if scheme == "sentinel":
        return _sentinel_client(url, settings.sentinel_master, options)
    if scheme == "redis+socket":
        url = "unix" + url.removeprefix("redis+socket")
    if scheme not in ("redis", "rediss", "redis+socket", "unix"):
        raise AsyncConfigError(f"async_store_url begins with {scheme!r}; use redis, rediss, redis+socket or sentinel")
    if scheme in ("redis+socket", "unix"):
        options.pop("socket_keepalive")
    client: redis.Redis = redis.Redis.from_url(url, **options)
    return client


def _sentinel_client(url: str, master: str | None, options: Mapping[str, Any]) -> redis.Redis:
    if not master:
        raise AsyncConfigError("async_sentinel_master is missing: the name of the master that the sentinels watch")
    parts = [urlsplit(each) for each in url.split(";")]
    hosts = [(part.hostname, part.port or 26379) for part in parts]
    database = int(parts[0].path.strip("/") or 0)
    password = parts[0].password
    sentinel: Any = Sentinel(hosts, **options)  # type: ignore[no-untyped-call]  # redis-py has no types for it
    client: redis.Redis = sentinel.master_for(master, db=database, password=password)
    return client
