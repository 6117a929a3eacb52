"""Settings that would lose tasks, or run them twice, end the start with the numbers."""

from __future__ import annotations

from typing import Any

import pytest

from pymacaron.config import Config
from pymacaron_async import AsyncConfigError
from pymacaron_async.brokers import BROKERS, broker_of, without_password
from pymacaron_async.celery_app import make_celery
from pymacaron_async.settings import Settings, read_settings

REDIS = "redis://localhost/0"


def settings(**values: Any) -> Settings:
    """Read settings from the values of a pym-config."""
    return read_settings(Config({"name": "shop", "celery_broker_url": REDIS, **values}))


def test_defaults() -> None:
    """A Redis is broker and store, and the queue is named after the service."""
    made = settings()
    assert (made.store_url, made.queue, made.broker and made.broker.name) == (REDIS, "shop", "Redis")
    assert made.visibility_timeout > made.time_limit


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"async_time_limit": 900}, "async_time_limit is 900 s, and Redis gives a task again after"),
    ({"async_visibility_timeout": 60}, "async_time_limit is 300 s"),
    ({"async_longest_countdown": 1000}, "async_longest_countdown is 1000 s"),
    ({"async_lease": 0}, "async_lease is 0; it must be a number above 0"),
    ({"async_keep": "1d"}, "async_keep is '1d'; it must be a number"),
    ({"async_most_deliveries": True}, "async_most_deliveries is True"),
    ({"celery_broker_url": "memory://"}, "celery_broker_url begins with 'memory'; tasks go through one of: redis"),
    (
        {"celery_broker_url": "amqp://me:pw@h//"},
        "RabbitMQ (amqp://***@h//), which keeps no states of tasks; name a Redis",
    ),
]


@pytest.mark.parametrize(("values", "said"), REFUSED, ids=[each[1][:30] for each in REFUSED])
def test_what_could_lose_tasks_is_refused(values: dict[str, Any], said: str) -> None:
    """The message names the key, the number and the mend."""
    with pytest.raises(AsyncConfigError) as caught:
        settings(**values)
    assert said in " ".join(caught.value.message.split())


def test_a_private_broker_is_for_development(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a broker only dev starts."""
    assert read_settings(Config({"name": "shop"}), REDIS).broker_url == REDIS
    monkeypatch.setenv("PYM_ENV", "live")
    with pytest.raises(AsyncConfigError, match="celery_broker_url is missing, and PYM_ENV is 'live'"):
        read_settings(Config({"name": "shop"}), REDIS)


@pytest.mark.parametrize("broker", BROKERS, ids=lambda broker: broker.name)
def test_every_broker_gets_settings_that_lose_nothing(broker: Any) -> None:
    """Celery acknowledges late, takes tasks of killed processes back, and knows the visibility timeout everywhere."""
    url = f"{broker.schemes[0]}://localhost/0"
    made = settings(celery_broker_url=url, async_store_url=REDIS, async_sentinel_master="m")
    conf = make_celery(made).conf
    assert conf.task_acks_late is True
    assert conf.task_reject_on_worker_lost is True
    assert conf.worker_prefetch_multiplier == 1
    if broker.redelivers_after_timeout:
        assert conf.broker_transport_options["visibility_timeout"] == made.visibility_timeout
        assert conf.result_backend_transport_options["visibility_timeout"] == made.visibility_timeout
    assert broker_of(url) is broker


def test_passwords_are_not_shown() -> None:
    """A URL in a message has no credentials."""
    assert without_password("redis://:pw@h:1/0") == "redis://***@h:1/0"
    assert without_password("redis://h:1/0") == "redis://h:1/0"
