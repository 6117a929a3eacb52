"""The mover sends what is due, once, and outlives an outage of the store."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from pymacaron.config import Config
from pymacaron_async import mover as mover_module
from pymacaron_async.caller import Caller
from pymacaron_async.exceptions import TaskNotQueued
from pymacaron_async.memory_store import MemoryStore
from pymacaron_async.message import Message
from pymacaron_async.mover import Mover
from pymacaron_async.runtime import Runtime
from pymacaron_async.settings import read_settings
from workers import wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

ASKED = Message("1", "shop.pack", "[[],{}]", "shop", Caller("call"), enqueued=1.0)


class Sent:
    """A transport that keeps what is sent, and fails where it is told to."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.fails = False

    def send(self, message: Message, delay: float = 0) -> None:
        """Keep a message."""
        assert delay == 0
        if self.fails:
            raise TaskNotQueued("the broker is away")
        self.messages.append(message)

    def close(self) -> None:
        """Do nothing."""


class Flaky(MemoryStore):
    """A store that is away twice."""

    failures = 2

    def take_due(self, limit: int, hold: float) -> Sequence[Message]:
        """Fail, or return what is due."""
        if self.failures:
            self.failures -= 1
            raise TaskNotQueued("the store is away") if self.failures else ValueError("what nobody thought of")
        return super().take_due(limit, hold)


@pytest.fixture
def sent() -> Sent:
    """Return a transport."""
    return Sent()


def runtime_with(store: MemoryStore, sent: Sent) -> Runtime:
    """Return a runtime of a store and a transport."""
    return Runtime(read_settings(Config({"name": "shop"})), store, sent)


def test_what_is_due_is_sent_once(sent: Sent) -> None:
    """What is due is sent and forgotten; what is not waits."""
    store = MemoryStore(60, 5)
    store.put_later(ASKED, 0)
    store.put_later(msgspec.structs.replace(ASKED, id="2"), 60)
    mover = Mover(runtime_with(store, sent))
    assert (mover.move(), mover.move(), sent.messages, store.count_later()) == (1, 0, [ASKED], 1)


def test_what_was_not_sent_is_due_again(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the broker does not take it, or the mover dies, another one sends it after the hold."""
    monkeypatch.setattr(mover_module, "HOLD", 0.05)
    store = MemoryStore(60, 5)
    store.put_later(ASKED, 0)
    sent.fails = True
    with pytest.raises(TaskNotQueued):
        Mover(runtime_with(store, sent)).move()
    sent.fails = False
    time.sleep(0.1)
    assert Mover(runtime_with(store, sent)).move() == 1
    assert sent.messages == [ASKED]


def test_an_outage_does_not_end_it(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever store or broker raise, it looks again after a while."""
    monkeypatch.setattr(mover_module, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(mover_module, "_LONGEST_PAUSE", 0.02)
    store = Flaky(60, 5)
    store.put_later(ASKED, 0)
    mover = Mover(runtime_with(store, sent), every=0.01)
    mover.start()
    wait_until(lambda: sent.messages, lambda: f"{store.failures} failures are left")
    mover.stop()
    assert sent.messages == [ASKED]
