"""The brokers that tasks may be sent through, each with the settings that lose nothing there.

Redis gives a message again once its visibility timeout has passed without an acknowledgement; RabbitMQ once the
connection is gone. Both may so hand out a message twice: leases in the store see to it that a task runs once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .exceptions import AsyncConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CONNECT_WITHIN = 5.0


@dataclass(frozen=True)
class Broker:
    """One kind of broker.

    Attributes:
        name: for people.
        schemes: of its URLs.
        meaning: what is particular about it, for the documentation.
        is_store: whether its URL, with another scheme, can be the store's as well.
        redelivers_after_timeout: whether a message comes again after a visibility timeout.
        holds_delays: whether a worker can hold a delayed message without taking fewer others meanwhile.
        settings: of Celery, beside the common ones.
        transport_options: from the visibility timeout.
        consumer_arguments: from the seconds that a worker may hold a message, see :mod:`.consumer_timeout`.
    """

    name: str
    schemes: tuple[str, ...]
    meaning: str
    is_store: bool = False
    redelivers_after_timeout: bool = True
    holds_delays: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)
    transport_options: Callable[[float], dict[str, Any]] = lambda timeout: {"visibility_timeout": timeout}
    consumer_arguments: Callable[[float], dict[str, Any]] = lambda timeout: {}


def _redis(timeout: float) -> dict[str, Any]:
    return {
        "visibility_timeout": timeout,
        "socket_connect_timeout": _CONNECT_WITHIN,
        "socket_timeout": 30.0,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "retry_on_timeout": True,
    }


BROKERS = (
    Broker(
        "Redis",
        ("redis", "rediss", "redis+socket"),
        "Redis 6.2 or newer, or Valkey; `appendonly yes`, and `maxmemory-policy noeviction`",
        is_store=True,
        transport_options=_redis,
    ),
    Broker(
        "Redis Sentinel",
        ("sentinel",),
        "`sentinel://host:26379;sentinel://…`, and `async_sentinel_master`; as Redis",
        is_store=True,
        transport_options=_redis,
    ),
    Broker(
        "RabbitMQ",
        ("amqp", "amqps", "pyamqp"),
        "RabbitMQ 3.10 or newer; quorum queues, publisher confirms; `async_store_url` names a Redis beside it; before"
        " 3.12 its `consumer_timeout` (30 minutes by default) must be longer than every time limit",
        redelivers_after_timeout=False,
        holds_delays=False,  # a quorum queue counts what a worker holds, and it cannot ask for more
        settings={
            "broker_channel_error_retry": True,
            "task_create_missing_queue_type": "quorum",
            "task_default_queue_type": "quorum",
            "worker_detect_quorum_queues": True,
            "broker_native_delayed_delivery_queue_type": "quorum",
        },
        transport_options=lambda timeout: {"confirm_publish": True, "confirm_timeout": _CONNECT_WITHIN},
        consumer_arguments=lambda timeout: {"x-consumer-timeout": int(timeout * 1000)},
    ),
    Broker(
        "Amazon SQS",
        ("sqs",),
        "`pip install celery[sqs]`; the queue's own visibility timeout must be as long; at most 15 minutes of delay go"
        " through SQS; `async_store_url` names a Redis beside it",
        transport_options=lambda timeout: {"visibility_timeout": int(timeout), "wait_time_seconds": 10},
    ),
)


def broker_of(url: str) -> Broker:
    """Return the kind of broker that a URL is of.

    Raises:
        AsyncConfigError: it is of none that is known to lose nothing.
    """
    scheme = urlsplit(url).scheme.lower()
    for broker in BROKERS:
        if scheme in broker.schemes:
            return broker
    known = ", ".join(scheme for broker in BROKERS for scheme in broker.schemes)
    raise AsyncConfigError(f"celery_broker_url begins with {scheme!r}; tasks go through one of: {known}")


def without_password(url: str) -> str:
    """Return a URL for messages."""
    scheme, mark, rest = url.partition("://")
    credentials, at, host = rest.rpartition("@")
    return f"{scheme}{mark}***{at}{host}" if credentials else url
