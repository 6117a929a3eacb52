"""The settings of tasks: keys of pym-config, with defaults that lose nothing, and refused where they would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pymacaron.config import DEFAULT_ENV

from .brokers import Broker, broker_of, without_password
from .exceptions import AsyncConfigError

if TYPE_CHECKING:
    from pymacaron.config import Config

#: Every key of pym-config that is ours: its default, and what it means.
KEYS: dict[str, tuple[Any, str]] = {
    "celery_broker_url": (None, "URL of the broker of tasks; in dev a private one is started where this is left out"),
    "async_store_url": (None, "URL of the Redis that keeps the states of tasks; the broker's where that is a Redis"),
    "async_sentinel_master": (None, "name of the master that Redis Sentinel watches"),
    "async_queue": (None, "queue of tasks that name none; the service's name where this is left out"),
    "async_time_limit": (300.0, "seconds after which a task is stopped, unless it names its own limit"),
    "async_visibility_timeout": (900.0, "seconds after which a broker gives a message of a dead worker to another one"),
    "async_longest_countdown": (
        60.0,
        "longest delay, in seconds, that waits in a worker; others wait in the store",
    ),
    "async_lease": (30.0, "seconds after which a worker that gave no sign of life is taken for dead"),
    "async_most_deliveries": (5, "how many workers may die of a task before it is taken for their killer"),
    "async_keep": (86400.0, "seconds that the state and the result of a task are kept"),
    "async_publish_within": (5.0, "seconds within which the broker must take a task"),
    "async_stop_within": (30.0, "seconds that a worker which is stopped may use to finish what it runs"),
    "async_callback_hosts": ((), "hosts that results may be sent to by callback; any public one where this is empty"),
    "async_callback_secret": (None, "secret that callbacks are signed with; made of jwt_secret where it is left out"),
    "async_tasks_path": (
        "/tasks",
        "where tasks of operations with x-pym-async are asked for, below the API's base path",
    ),
    "async_metrics": (True, "whether /metrics tells of queues and tasks"),
}


@dataclass(frozen=True)
class Settings:
    """The settings of one service's tasks.

    Attributes:
        service: its name.
        broker_url: None where there is no broker, and tasks run in a thread of their caller's process.
        broker: what kind it is.
        store_url: of the Redis that keeps the states of tasks.
    """

    service: str
    broker_url: str | None
    broker: Broker | None
    store_url: str | None
    sentinel_master: str | None
    queue: str
    time_limit: float
    visibility_timeout: float
    longest_countdown: float
    lease: float
    most_deliveries: int
    keep: float
    publish_within: float
    stop_within: float


def read_settings(config: Config, private_url: str | None = None) -> Settings:
    """Read the settings.

    Args:
        private_url: of the private broker of development, where one runs.

    Raises:
        AsyncConfigError: they would lose tasks or run them twice, or a key is missing; the message has the numbers.
    """
    given = config.get("celery_broker_url")
    if given is None and config.env != DEFAULT_ENV:
        raise AsyncConfigError(
            f"{config.source}: celery_broker_url is missing, and PYM_ENV is {config.env!r}: a private broker is for"
            f" {DEFAULT_ENV!r} alone; name a Redis or a RabbitMQ"
        )
    url = given or private_url
    broker = broker_of(url) if url else None
    service = str(config.get("name") or "service")
    numbers = {name: _number(config, name) for name, (default, _) in KEYS.items() if type(default) in (int, float)}
    made = Settings(
        service=service,
        broker_url=url,
        broker=broker,
        store_url=_store_url(config, url, broker),
        sentinel_master=config.get("async_sentinel_master"),
        queue=str(config.get("async_queue") or service),
        time_limit=numbers["async_time_limit"],
        visibility_timeout=numbers["async_visibility_timeout"],
        longest_countdown=numbers["async_longest_countdown"],
        lease=numbers["async_lease"],
        most_deliveries=int(numbers["async_most_deliveries"]),
        keep=numbers["async_keep"],
        publish_within=numbers["async_publish_within"],
        stop_within=numbers["async_stop_within"],
    )
    check_timeouts(made, made.time_limit, "async_time_limit")
    return made


def check_timeouts(settings: Settings, time_limit: float, what: str) -> None:
    """Refuse a time limit that a redelivery would come before.

    Raises:
        AsyncConfigError: the visibility timeout is not longer than the time limit or the longest countdown.
    """
    if settings.broker is None or not settings.broker.redelivers_after_timeout:
        return
    timeout = settings.visibility_timeout
    for name, seconds in ((what, time_limit), ("async_longest_countdown", settings.longest_countdown)):
        if seconds >= timeout:
            raise AsyncConfigError(
                f"{name} is {seconds:g} s, and {settings.broker.name} gives a task again after"
                f" async_visibility_timeout, {timeout:g} s; make that longer than {seconds:g} s, or the other shorter"
            )


def value_of(config: Config, key: str) -> Any:
    """Return the value of one of our keys, whether or not the plugin that declares them was loaded."""
    return config.get(key, KEYS[key][0])


def _number(config: Config, key: str) -> float:
    value = value_of(config, key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        raise AsyncConfigError(f"{config.source}: {key} is {value!r}; it must be a number above 0: {KEYS[key][1]}")
    return float(value)


def _store_url(config: Config, broker_url: str | None, broker: Broker | None) -> str | None:
    given = config.get("async_store_url")
    if given:
        return str(given)
    if broker_url is None or broker is None:
        return None
    if broker.is_store:
        return broker_url
    raise AsyncConfigError(
        f"{config.source}: the broker is {broker.name} ({without_password(broker_url)}), which keeps no states of"
        " tasks; name a Redis as async_store_url"
    )
