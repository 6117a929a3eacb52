"""How long RabbitMQ lets a worker hold a message."""

from __future__ import annotations

import pytest

from pymacaron_async.brokers import BROKERS
from pymacaron_async.consumer_timeout import complaint, consumer_timeout


def test_it_is_longer_than_what_a_message_may_wait_run_and_take_to_end() -> None:
    """A worker asks for the time of two tasks, and for that of writing an end down; never for less than the default."""
    assert consumer_timeout(3600, 900) == 8100
    assert consumer_timeout(300, 900) == 1800


def test_only_rabbitmq_is_told() -> None:
    """Its consumers name the milliseconds; those of other brokers name nothing."""
    told = {broker.name: broker.consumer_arguments(1800.5) for broker in BROKERS}
    assert told.pop("RabbitMQ") == {"x-consumer-timeout": 1_800_500}
    assert not any(told.values())


@pytest.mark.parametrize(
    ("server", "time_limit"),
    [
        ({"product": "RabbitMQ", "version": "3.10.8"}, 300),
        ({"product": "RabbitMQ", "version": "3.11.15"}, 7200),
        ({"product": "RabbitMQ", "version": "4.3.0-rc.1"}, 7200),
        ({"product": "LavinMQ", "version": "2.1.0"}, 7200),
        ({}, 7200),
    ],
)
def test_a_broker_that_lets_tasks_end_is_not_complained_of(server: dict[str, str], time_limit: float) -> None:
    """Nothing is said of short tasks, of a RabbitMQ that is told, and of what is no RabbitMQ."""
    assert complaint(server, time_limit) is None


@pytest.mark.parametrize("version", ["3.10.8", "3.11.14", "3.9.0", ""])
def test_long_tasks_on_an_old_rabbitmq_are_complained_of(version: str) -> None:
    """Who may not tell it is told what to set there."""
    told = complaint({"product": "RabbitMQ", "version": version}, 7200)
    assert told is not None
    assert f"RabbitMQ {version} gives" in told
    assert "set consumer_timeout there to more than 7200000" in told
