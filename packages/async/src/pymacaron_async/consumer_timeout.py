"""How long RabbitMQ lets a worker hold a message that it does not acknowledge: its ``consumer_timeout``.

After that it closes the channel (since 4.3 it cancels the consumer), and gives the message to somebody else. Nothing is
lost or run twice by that: the worker consumes again, what it runs goes on, and the message that came again waits until
the lease of that run has ended. But all that the worker holds comes again with it.

What a RabbitMQ is configured with cannot be asked for through AMQP. Since 3.11.15 a consumer may name a timeout of its
own, which counts before all others; earlier ones ignore what it names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Seconds that RabbitMQ allows where nobody configured anything else.
DEFAULT = 1800.0
_NAMED_SINCE = (3, 11, 15)


def consumer_timeout(time_limit: float, to_end: float) -> float:
    """Return how many seconds a worker must be allowed to hold a message: it may wait there for another one's end.

    Args:
        time_limit: the longest of the worker's tasks.
        to_end: how long the end of a task is written again and again where the store is away.
    """
    return max(DEFAULT, 2 * time_limit + to_end)


def complaint(server: Mapping[str, Any], time_limit: float) -> str | None:
    """Return what is to be told of a time limit that is longer than what a RabbitMQ allows; None where all is well.

    Args:
        server: what a broker says of itself when one connects to it.
        time_limit: the longest of the worker's tasks, in seconds.
    """
    version = str(server.get("version", ""))
    if server.get("product") != "RabbitMQ" or time_limit < DEFAULT or _numbers(version) >= _NAMED_SINCE:
        return None
    return (
        f"a task may run for {time_limit:g} s, but RabbitMQ {version} gives a message to somebody else after its"
        f" consumer_timeout, {DEFAULT:g} s where rabbitmq.conf says nothing else; set consumer_timeout there to more"
        f" than {time_limit * 1000:.0f} (it counts milliseconds), or use RabbitMQ 3.12, which workers tell themselves"
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))
