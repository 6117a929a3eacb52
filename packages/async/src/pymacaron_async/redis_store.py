"""The store in Redis (or Valkey), which all processes of a service share."""

from __future__ import annotations

import json
import os
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast
from weakref import WeakSet

import redis

from . import lua
from .exceptions import TaskNotQueued
from .message import Message
from .scripts import Scripts
from .store import Counts, DeadLetter, Progress, Record, Revival, State, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

P = ParamSpec("P")
R = TypeVar("R")

_SCRIPTS = (
    "enqueue",
    "withdraw",
    "begin",
    "renew",
    "release",
    "finish",
    "report",
    "cancel",
    "take_due",
    "put_later",
    "settle",
    "revive",
    "exhume",
    "claim_tick",
    "confirm_tick",
)
_TEXTS = ("name", "queue", "owner", "call_id", "shown", "worker", "lease", "result")


def _reported(method: Callable[P, R]) -> Callable[P, R]:
    """Turn the errors of Redis into ours."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except redis.RedisError as error:
            raise TaskNotQueued(f"the store of tasks does not answer: {error}", headers={"Retry-After": "5"}) from error

    return call


_stores: WeakSet[RedisStore] = WeakSet()


def _after_fork() -> None:
    for store in list(_stores):
        store._open_again()


os.register_at_fork(after_in_child=_after_fork)


class RedisStore:
    """The store in Redis; see :class:`~pymacaron_async.store.Store`.

    A process that was forked connects anew: redis-py's client has a lock that a thread of the parent may have held.

    Args:
        connect: returns a client to Redis 6.2 or newer, which answers as bytes.
        service: name of the service, which its keys begin with.
        keep: seconds that a task is remembered after its last change.
        most_deliveries: how often one attempt of a task may be started, before it counts as a killer of workers.
    """

    def __init__(self, connect: Callable[[], redis.Redis], service: str, keep: float, most_deliveries: int) -> None:
        self._connect = connect
        self._parents: list[object] = []
        self._open()
        _stores.add(self)
        self.prefix = f"pym:{{{service}}}:"
        self.keep_ms = int(keep * 1000)
        self.most_deliveries = most_deliveries

    def _open_again(self) -> None:
        # They are kept: closing a client takes the lock that may be held for ever.
        self._parents += [self.client, self._scripts]
        self._open()

    def _open(self) -> None:
        self.client = self._connect()
        self._scripts = Scripts(self.client, {name: getattr(lua, name.upper()) for name in _SCRIPTS})

    def _key(self, kind: str, name: str | None = None) -> str:
        if name is None:
            return self.prefix + kind
        return f"{self.prefix}{kind}:{name};" if name else f"{self.prefix}{kind}{lua.ABSENT}"

    def _run(self, script: str, keys: Sequence[str], *args: Any) -> Any:
        return self._scripts.run(script, keys, args)

    @_reported
    def now(self) -> float:
        """Return the time by the clock of Redis."""
        seconds, microseconds = self.client.time()
        return seconds + microseconds / 1_000_000

    @_reported
    def enqueue(self, message: Message) -> str | None:
        """Note a task as queued."""
        keys = (self._key("task", message.id), self._key("unique", message.unique))
        unique_ms = max(1, int(message.unique_for * 1000))
        holder = self._run("enqueue", keys, message.id, self.keep_ms, unique_ms, *_fields(message))
        return holder.decode() if holder else None

    @_reported
    def withdraw(self, message: Message) -> None:
        """Undo enqueue."""
        self._run("withdraw", (self._key("task", message.id), self._key("unique", message.unique)), message.id)

    @_reported
    def begin(self, message: Message, lease: str, seconds: float, worker: str) -> tuple[Verdict, int]:
        """Ask to run a task."""
        keys = (
            self._key("task", message.id),
            self._key("running"),
            self._key("unique", message.unique),
            self._key("done", message.idempotency_key),
        )
        verdict, count = self._run(
            "begin",
            keys,
            message.id,
            lease,
            int(seconds * 1000),
            message.attempt,
            self.most_deliveries,
            self.keep_ms,
            max(1, int(message.unique_for * 1000)),
            "worker",
            worker,
            *_fields(message),
        )
        return Verdict(verdict.decode()), int(count)

    @_reported
    def renew(self, message: Message, lease: str, seconds: float) -> bool:
        """Hold a task for some more seconds."""
        keys = (self._key("task", message.id), self._key("running"), self._key("unique", message.unique))
        unique_ms = max(1, int(message.unique_for * 1000))
        return bool(self._run("renew", keys, message.id, lease, int(seconds * 1000), self.keep_ms, unique_ms))

    @_reported
    def release(self, id: str, counts: bool = True) -> None:
        """Give up a lease."""
        self._run("release", (self._key("task", id), self._key("running")), id, int(counts))

    @_reported
    def finish(
        self,
        message: Message,
        lease: str,
        state: State,
        *,
        result: str | None = None,
        error: dict[str, Any] | None = None,
        seconds: float = 0,
    ) -> bool:
        """Note how a run ended."""
        keys = (
            self._key("task", message.id),
            self._key("running"),
            self._key("unique", message.unique),
            self._key("done", message.idempotency_key),
            self._key("counts"),
        )
        fields = [] if result is None else ["result", result]
        fields += [] if error is None else ["error", json.dumps(error)]
        if not fields:
            fields = ["name", message.name]
        return bool(self._run("finish", keys, message.id, lease, state, self.keep_ms, seconds, message.name, *fields))

    @_reported
    def report(self, id: str, progress: Progress) -> bool:
        """Note a running task's progress."""
        text = json.dumps([progress.done, progress.total, progress.message])
        return bool(self._run("report", [self._key("task", id)], text))

    @_reported
    def cancel(self, id: str) -> bool:
        """Cancel a task."""
        return bool(self._run("cancel", [self._key("task", id)], self.keep_ms))

    @_reported
    def get(self, id: str) -> Record | None:
        """Return what is known of a task."""
        found = cast("dict[bytes, bytes]", self.client.hgetall(self._key("task", id)))
        return _record(id, found) if b"state" in found else None

    @_reported
    def running(self) -> Sequence[Record]:
        """Return the tasks that hold a lease."""
        ids = cast("list[bytes]", self.client.zrange(self._key("running"), 0, -1))
        records = (self.get(id.decode()) for id in ids)
        return [record for record in records if record is not None and record.state == State.RUNNING]

    @_reported
    def put_later(self, message: Message, delay: float) -> None:
        """Keep a message until some seconds have passed."""
        self._run("put_later", self._later_keys(), message.id, message.to_json(), delay)

    @_reported
    def take_due(self, limit: int, hold: float) -> Sequence[Message]:
        """Return messages whose time has come."""
        found = self._run("take_due", self._later_keys(), limit, hold)
        return [Message.from_json(data) for data in found if data is not None]

    @_reported
    def settle(self, message: Message) -> None:
        """Forget a message that was due."""
        self._run("settle", self._later_keys(), message.id, message.to_json())

    @_reported
    def later(self, limit: int = 100) -> Sequence[tuple[float, Message]]:
        """Return messages that wait."""
        found = cast("list[tuple[bytes, float]]", self.client.zrange(self._key("later"), 0, limit - 1, withscores=True))
        if not found:
            return []
        texts = cast("list[bytes | None]", self.client.hmget(self._key("messages"), [id for id, _ in found]))
        return [(due, Message.from_json(text)) for (_, due), text in zip(found, texts, strict=True) if text is not None]

    @_reported
    def count_later(self) -> int:
        """Return how many messages wait."""
        return self.client.zcard(self._key("later"))

    def _later_keys(self) -> tuple[str, str]:
        return self._key("later"), self._key("messages")

    @_reported
    def bury(self, letter: DeadLetter) -> None:
        """Keep a task that failed for the last time."""
        data = json.dumps([letter.message.to_json().decode(), letter.error, letter.died, letter.deliveries])
        with self.client.pipeline(transaction=True) as pipe:
            pipe.hset(self._key("letters"), letter.message.id, data)
            pipe.zadd(self._key("dead"), {letter.message.id: letter.died})
            pipe.execute()

    @_reported
    def dead(self, limit: int = 100) -> Sequence[DeadLetter]:
        """Return the dead, the last first."""
        ids = cast("list[bytes]", self.client.zrevrange(self._key("dead"), 0, limit - 1))
        if not ids:
            return []
        texts = cast("list[bytes | None]", self.client.hmget(self._key("letters"), ids))
        return [_letter(text) for text in texts if text is not None]

    @_reported
    def count_dead(self) -> int:
        """Return how many are dead."""
        return self.client.zcard(self._key("dead"))

    @_reported
    def find_dead(self, id: str) -> DeadLetter | None:
        """Return one of the dead."""
        text = cast("bytes | None", self.client.hget(self._key("letters"), id))
        return _letter(text) if text is not None else None

    @_reported
    def revive(self, message: Message) -> Revival:
        """Forget that a dead task failed."""
        keys = (self._key("task", message.id), self._key("unique", message.unique))
        unique_ms = max(1, int(message.unique_for * 1000))
        return Revival(self._run("revive", keys, message.id, self.keep_ms, unique_ms, *_fields(message)).decode())

    @_reported
    def exhume(self, letter: DeadLetter) -> bool:
        """Take one from the dead."""
        keys = (self._key("dead"), self._key("letters"))
        return bool(self._run("exhume", keys, letter.message.id, repr(letter.died)))

    @_reported
    def claim_tick(self, schedule: str, tick: float, holder: str, hold: float) -> bool:
        """Ask to send the tick of a schedule."""
        return bool(self._run("claim_tick", [self._key("schedule", schedule)], repr(tick), holder, hold))

    @_reported
    def confirm_tick(self, schedule: str, tick: float, holder: str) -> None:
        """Note that a tick was sent."""
        self._run("confirm_tick", [self._key("schedule", schedule)], repr(tick), holder)

    @_reported
    def start_schedule(self, schedule: str, tick: float) -> None:
        """Take a tick as sent, where none was yet."""
        self.client.hsetnx(self._key("schedule", schedule), "last", repr(tick))

    @_reported
    def last_tick(self, schedule: str) -> float | None:
        """Return the last tick of a schedule that was sent."""
        found = cast("bytes | None", self.client.hget(self._key("schedule", schedule), "last"))
        return float(found) if found is not None else None

    @_reported
    def counts(self) -> dict[str, Counts]:
        """Return what happened so far."""
        found = cast("dict[bytes, bytes]", self.client.hgetall(self._key("counts")))
        made: dict[str, dict[str, Any]] = {}
        for key, value in found.items():
            name, _, what = key.decode().rpartition(":")
            what = "retried" if what == State.RETRYING else what
            made.setdefault(name, {})[what] = float(value) if what == "seconds" else int(value)
        return {name: Counts(**values) for name, values in made.items()}


def _fields(message: Message) -> list[Any]:
    caller = message.caller
    made = ["name", message.name, "queue", message.queue, "call_id", caller.call_id, "shown", message.shown]
    made += ["enqueued", repr(message.enqueued)]
    return made if caller.user_id is None else [*made, "owner", caller.user_id]


def _record(id: str, found: dict[bytes, bytes]) -> Record:
    values: dict[str, Any] = {name: found[name.encode()].decode() for name in _TEXTS if name.encode() in found}
    for name in ("attempt", "deliveries"):
        values[name] = int(found.get(name.encode(), b"0"))
    for name in ("enqueued", "started", "ended"):
        values[name] = float(found.get(name.encode(), b"0"))
    if b"progress" in found:
        values["progress"] = Progress(*json.loads(found[b"progress"]))
    if b"error" in found:
        values["error"] = json.loads(found[b"error"])
    return Record(id=id, state=State(found[b"state"].decode()), **{"name": "", **values})


def _letter(text: bytes) -> DeadLetter:
    message, error, died, deliveries = json.loads(text)
    return DeadLetter(Message.from_json(message), error, died, deliveries)
