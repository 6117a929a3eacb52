"""How messages are taken from Redis: never out of its hands.

Celery's own way removes a message from its queue and then notes that a worker has it. A worker that is killed in
between, or whose connection is gone when Redis answers, takes the message along. Here one script does both at once.

A script cannot wait for a message, so a worker that finds nothing waits for the bell of its queues, a list that whoever
sends a message into an empty queue puts a token in. A bell that is missed costs no more than a second: a worker looks
again by itself.

A worker that has ended a task looks for the next one at once, so that its acknowledgement goes along with the look. One
that does not arrive, as the worker is killed right then, costs nothing but that the message comes again, and is
dropped: its end was written before.
"""

# mypy: disallow-untyped-calls=False
# (kombu has few types)

from __future__ import annotations

import hashlib
from contextlib import suppress
from queue import Empty
from threading import get_ident
from time import monotonic, time
from typing import TYPE_CHECKING, Any

from kombu.transport import redis, virtual
from kombu.utils.encoding import bytes_to_str
from kombu.utils.json import dumps, loads
from redis.exceptions import NoScriptError

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Seconds after which a bell that nobody hears is gone, and tokens that it holds at most.
_BELL_LASTS = 60
_MOST_TOKENS = 8

#: queues…, bells of each…, hash of what workers have, index of it by time; the time now, then for each queue whether
#: what is taken must be acknowledged, then what is acknowledged. Where more messages are left, the bell is rung for the
#: next worker.
FETCH = """
local count = (#KEYS - 2) / 2
if ARGV[count + 2] then
  redis.call('ZREM', KEYS[#KEYS], unpack(ARGV, count + 2))
  redis.call('HDEL', KEYS[#KEYS - 1], unpack(ARGV, count + 2))
end
for i = 1, count do
  local item = redis.call('LINDEX', KEYS[i], -1)
  if item then
    local read, message = pcall(cjson.decode, item)
    if read and ARGV[i + 1] == '1' then
      local properties = message.properties
      local info = properties.delivery_info
      redis.call('ZADD', KEYS[#KEYS], ARGV[1], properties.delivery_tag)
      redis.call('HSET', KEYS[#KEYS - 1], properties.delivery_tag,
        '[' .. item .. ',' .. cjson.encode(info.exchange) .. ',' .. cjson.encode(info.routing_key) .. ']')
    end
    redis.call('RPOP', KEYS[i])
    if redis.call('EXISTS', KEYS[i]) == 1 and redis.call('EXISTS', KEYS[count + i]) == 0 then
      redis.call('LPUSH', KEYS[count + i], '')
      redis.call('EXPIRE', KEYS[count + i], 60)
    end
    return {KEYS[i], item}
  end
end
return false
"""

#: queue, its bell; message
PUT = """
if redis.call('LPUSH', KEYS[1], ARGV[1]) == 1 then
  if redis.call('LPUSH', KEYS[2], '') > 8 then redis.call('LTRIM', KEYS[2], 0, 7) end
  redis.call('EXPIRE', KEYS[2], 60)
end
"""

_SHA = {script: hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest() for script in (FETCH, PUT)}


class SafeQoS(redis.QoS):
    """Notes what a worker has, unless the script did."""

    def append(self, message: Any, delivery_tag: str) -> None:
        """Note a message."""
        if delivery_tag in self.channel.fetched:
            self.channel.fetched.discard(delivery_tag)
            virtual.QoS.append(self, message, delivery_tag)
        else:
            super().append(message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a message: with the next look, where that is at hand."""
        if self.channel.looks_next():
            self.channel.acknowledged.append(delivery_tag)
            virtual.QoS.ack(self, delivery_tag)
        else:
            super().ack(delivery_tag)

    def ack_all(self, delivery_tags: Iterable[str]) -> None:
        """Acknowledge messages that were to go along with a look."""
        with self.pipe_or_acquire() as pipe:
            pipe.zrem(self.unacked_index_key, *delivery_tags)
            pipe.hdel(self.unacked_key, *delivery_tags)
            pipe.execute()

    def restore_visible(self, start: int = 0, num: int | None = 10, interval: int = 1) -> None:
        """Look for what dead workers had each time that Celery asks, every ten seconds, not every tenth time."""
        super().restore_visible(start, num, 1)

    def restore_unacked(self, client: Any = None) -> None:
        """Put back what was taken, but for what runs on while Celery connects anew.

        Put back, it would be run again at once by a worker that finds its lease at an end, as nobody could renew it.
        Where its process dies after all, it comes back after the visibility timeout.
        """
        for tag in _running():
            self._delivered.pop(tag, None)
        super().restore_unacked(client)


def _running() -> list[str]:
    """Return the delivery tags of what this process runs; none where it is about to end."""
    from celery.worker import state

    # Either is the exit status, of which 0 is one.
    if any(flag is not None and flag is not False for flag in (state.should_stop, state.should_terminate)):
        return []
    return [request.message.delivery_tag for request in list(state.active_requests)]


class SafeFetch(redis.Channel):
    """A channel to Redis that takes messages by a script; each look for one is followed by a wait for a bell.

    Attributes:
        fetched: delivery tags of messages that the script noted and that were not seen to yet.
        acknowledged: delivery tags of messages whose acknowledgement goes along with the next look.
    """

    QoS = SafeQoS
    #: Seconds for which a worker that is killed while it looks keeps others from looking.
    unacked_mutex_expire = 30

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.fetched: set[str] = set()
        self.acknowledged: list[str] = []
        self._carried = 0
        self._looker: int | None = None
        self._unacknowledged: set[str] = set()
        self._waits = False
        self._knows_script = True
        super().__init__(*args, **kwargs)

    def basic_consume(self, queue: str, no_ack: bool, *args: Any, **kwargs: Any) -> Any:
        """Consume from a queue, and remember whether what comes from it is acknowledged."""
        (self._unacknowledged.add if no_ack else self._unacknowledged.discard)(queue)
        return super().basic_consume(queue, no_ack, *args, **kwargs)

    def basic_cancel(self, consumer_tag: str) -> Any:
        """Consume no longer; there may be no look after this."""
        self._acknowledge()
        return super().basic_cancel(consumer_tag)

    def looks_next(self) -> bool:
        """Tell whether this thread will look for a message before it does anything else."""
        if self.closed or self._looker != get_ident() or (self._in_poll and self._waits):
            return False
        held = len(self.qos._delivered) - len(self.qos._dirty)
        return bool(self.active_queues) and held <= (self.qos.prefetch_count or held)

    def _acknowledge(self) -> None:
        """Acknowledge what no look has taken along yet; where Redis is away, what is left comes again."""
        if self.acknowledged:
            with suppress(*self.connection_errors):
                self.qos.ack_all(self.acknowledged)
                self.acknowledged.clear()
                self._carried = 0

    def close(self) -> None:
        """Close the channel, and give back what it holds; where Redis is away that comes back by itself.

        kombu leaves a channel half closed whose last answer cannot be read, and the worker then ends when it closes
        it again.
        """
        if self._in_poll:
            with suppress(Empty, *self.connection_errors):
                self._brpop_read()
        self._acknowledge()
        super().close()

    def _brpop_start(self, timeout: float | None = None) -> None:
        """Send a look for a message or, where the last one found none, a wait for a bell."""
        queues = self._queue_cycle.consume(len(self.active_queues))
        if not queues:
            return
        self._in_poll = self.client.connection
        self._brpop_sent_at: Any = monotonic()
        self._looker = get_ident()
        self._waits = self._waits and not self.acknowledged
        command = self._wait(queues, timeout or self.brpop_timeout) if self._waits else self._look(queues)
        self.client.connection.send_command(*command)

    def _wait(self, queues: Iterable[str], timeout: float) -> list[Any]:
        return ["BRPOP", *map(_bell, queues), timeout]

    def _look(self, queues: Iterable[str]) -> list[Any]:
        pairs = [(self._q_for_pri(queue, step), queue) for step in self.priority_steps for queue in queues]
        keys = [key for key, _ in pairs] + [_bell(queue) for _, queue in pairs]
        keys += [self.unacked_key, self.unacked_index_key]
        flags = [0 if queue in self._unacknowledged else 1 for _, queue in pairs]
        script = ["EVALSHA", _SHA[FETCH]] if self._knows_script else ["EVAL", FETCH]
        self._carried = len(self.acknowledged)
        return [*script, len(keys), *keys, time(), *flags, *self.acknowledged]

    def _brpop_read(self, **options: Any) -> bool:
        """Read the answer, and hand on a message that it brings."""
        waited, self._waits = self._waits, False
        try:
            answer = self._read("BRPOP" if waited else "EVALSHA", **options)
        finally:
            self._in_poll: Any = None
            self._flush_brpop_reauth()
        if waited or not answer:
            self._waits = not waited and self._knows_script
            raise Empty
        self._hand_on(*answer)
        return True

    def _read(self, command: str, **options: Any) -> Any:
        try:
            answer = self.client.parse_response(self.client.connection, command, **options)
        except self.connection_errors:
            self.client.connection.disconnect()
            raise
        except NoScriptError:  # Redis was started again, or never had it
            self._knows_script = False
            return None
        if command == "EVALSHA":
            del self.acknowledged[: self._carried]
        self._knows_script = True
        return answer

    def _hand_on(self, key: bytes, item: bytes) -> None:
        queue = bytes_to_str(key).rsplit(self.sep, 1)[0]
        self._queue_cycle.rotate(queue)
        message = loads(bytes_to_str(item))
        if queue not in self._unacknowledged:
            self.fetched.add(message["properties"]["delivery_tag"])
        self.connection._deliver(message, queue)

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        """Send a message, and ring the bell where its queue was empty."""
        if kwargs.get("_publish_batch") is not None:
            super()._put(queue, message, **kwargs)
            return
        with self.conn_or_acquire() as client:
            if self._expires and queue in self._expires:
                super()._put(queue, message, **kwargs)
                _ring(client, queue)
                return
            key = self._q_for_pri(queue, self._get_message_priority(message, reverse=False))
            arguments = (2, key, _bell(queue), dumps(message))
            try:
                client.evalsha(_SHA[PUT], *arguments)
            except NoScriptError:
                client.eval(PUT, *arguments)

    def _do_restore_message(
        self, payload: Any, exchange: str, routing_key: str, pipe: Any, leftmost: bool = False
    ) -> None:
        """Put a message back, and ring."""
        super()._do_restore_message(payload, exchange, routing_key, pipe, leftmost)
        for queue in self._lookup(exchange, routing_key):
            _ring(pipe, queue)


def _bell(queue: str) -> str:
    return f"pym:bell:{queue}"


def _ring(client: Any, queue: str) -> None:
    client.lpush(_bell(queue), "")
    client.ltrim(_bell(queue), 0, _MOST_TOKENS - 1)
    client.expire(_bell(queue), _BELL_LASTS)
