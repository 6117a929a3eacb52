"""Workers that are stopped under load, and processes of theirs that are killed."""

from __future__ import annotations

import random
import signal
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from .fleet import Fleet, children
from .scale import scaled
from .shop import Shop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from redis_server import RedisServer

pytestmark = pytest.mark.once

TASKS = scaled(60, 1000)
STOPS = scaled(2, 10)
KILLS = scaled(3, 30)
LONGEST = 0.4
PATIENCE = scaled(60.0, 600.0)
#: What ending takes beside the tasks: connections, processes, a machine that does other things too.
MARGIN = 10.0


def test_stops_under_load(tmp_path: Path, redis_url: str, figures: Callable[[str], None]) -> None:
    """A worker that is told to stop ends what it runs, within its bound, and every task runs once."""
    shop = Shop(tmp_path, redis_url)
    tasks: Any = import_module("handlers")
    sent = [tasks.ship.delay(number, 0, random.uniform(0, LONGEST)).id for number in range(TASKS)]
    slowest = 0.0
    with Fleet(shop, 2, "--stop-within", "5") as fleet:
        for stop in range(STOPS):
            _wait_for_more(shop, fleet, TASKS // (2 * STOPS))
            started = time.monotonic()
            assert fleet.replace(stop % 2) == 0, fleet.said
            slowest = max(slowest, time.monotonic() - started)
        fleet.wait_for(lambda: all(shop.has_ended(id) for id in sent), "all ended", PATIENCE)
    assert [shop.runs(id) for id in sent] == [[1]] * TASKS
    assert slowest < LONGEST + MARGIN
    figures(f"{TASKS} tasks, {STOPS} workers stopped under load: each ran once; the slowest stop took {slowest:.1f} s")


def test_a_second_signal_hands_back_at_once(tmp_path: Path, redis_url: str) -> None:
    """What runs is ended and given to the next worker, though its bound and its lease are long."""
    shop = Shop(tmp_path, redis_url, async_lease=300)
    tasks: Any = import_module("handlers")
    with Fleet(shop, 1, "--stop-within", "200") as fleet:
        sent = [tasks.ship.delay(number, 0, 3.0).id for number in range(2)]
        fleet.wait_for(lambda: len(shop.effects()) == 2, "both run")
        worker = fleet.workers[0]
        worker.signal(signal.SIGTERM)
        fleet.wait_for(lambda: "stopping; 2 tasks" in worker.said, "it waits for them")
        assert fleet.replace(0) == 0
        fleet.wait_for(lambda: all(shop.has_ended(id) for id in sent), "all ended")
    assert [shop.runs(id) for id in sent] == [[1, 1], [1, 1]]


def test_killed_processes_under_load(
    tmp_path: Path, redis_server: RedisServer, redis_url: str, figures: Callable[[str], None]
) -> None:
    """Where one process of a worker is killed, its task alone runs again, soon, and the worker goes on."""
    shop = Shop(tmp_path, redis_url, async_lease=300)
    tasks: Any = import_module("handlers")
    sent = [tasks.ship.delay(number, 0, random.uniform(0, LONGEST)).id for number in range(TASKS)]
    with Fleet(shop, 2) as fleet:
        for _ in range(KILLS):
            _wait_for_more(shop, fleet, 4)
            worker = random.choice(fleet.workers)
            fleet.kill_process(random.choice(children(worker.pid)))
        fleet.wait_for(lambda: all(shop.has_ended(id) for id in sent), "all ended", PATIENCE)
        fleet.wait_for(lambda: not redis_server.client.hlen("unacked"), "all are acknowledged", PATIENCE)
        assert all(worker.process.poll() is None for worker in fleet.workers)
    assert all(shop.runs(id) for id in sent)
    assert {id for id in sent if len(shop.runs(id)) > 1} == fleet.orphaned
    figures(
        f"{TASKS} tasks, {KILLS} processes killed under load: each ran, {len(fleet.orphaned)} of them twice, whose"
        " process died between effect and end"
    )


def _wait_for_more(shop: Shop, fleet: Fleet, count: int) -> None:
    before = len(shop.effects())
    fleet.wait_for(lambda: len(shop.effects()) >= before + count, "some ran", PATIENCE)
