"""Tasks while workers are killed and Redis is restarted: none is lost, and none runs twice without need."""

from __future__ import annotations

import random
import time
from collections import Counter
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from pymacaron_async import TaskNotQueued

from .fleet import Fleet
from .scale import IS_SOAK, scaled
from .shop import Shop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from redis_server import RedisServer

pytestmark = pytest.mark.once

TASKS = scaled(60, 2000)
WORKER_KILLS = scaled(3, 15)
REDIS_KILLS = 2
PAUSE = scaled(0.3, 0.15)
PATIENCE = scaled(90.0, 600.0)


def test_tasks_survive_killed_workers_and_restarts_of_redis(
    tmp_path: Path, durable_redis: RedisServer, figures: Callable[[str], None]
) -> None:
    """Every task runs; those that run twice are those whose worker died after the effect; keyed effects are single."""
    shop = Shop(
        tmp_path,
        durable_redis.url,
        async_lease=2,
        async_time_limit=3,
        async_longest_countdown=3,
        async_visibility_timeout=4,
    )
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    started = time.monotonic()
    with Fleet(shop, 2) as fleet:
        sender = Thread(target=_send_all)
        sender.start()
        fleet.wait_for(shop.effects, "the first has its effect", PATIENCE)
        fleet.kill(fleet.holder(shop.effects()[0].pid))
        faults = ["worker"] * (WORKER_KILLS - 2) + ["redis"] * (REDIS_KILLS - 1)
        chance.shuffle(faults)
        for fault in [*faults, "both"]:
            _wait_for_work(fleet, index := chance.randrange(2))
            time.sleep(chance.uniform(0, PAUSE))
            if fault == "redis":
                _restart(durable_redis, chance)
            else:
                fleet.kill(index, (lambda: _restart(durable_redis, chance)) if fault == "both" else None)
        sender.join()
        fleet.wait_for(lambda: _all_ran(shop), "all had their effect", PATIENCE)
        fleet.wait_for(lambda: _is_drained(shop, durable_redis), "nothing is left in the queue", PATIENCE)
    seconds = time.monotonic() - started
    effects = shop.effects()
    runs = Counter(effect.id for effect in effects)
    assert len(runs) == TASKS
    assert fleet.orphaned or not IS_SOAK  # a few kills may all miss the moment between effect and end
    assert {id for id, count in runs.items() if count > 1} == fleet.orphaned, f"seed {seed}"
    assert all(shop.has_ended(id) for id in runs)
    assert shop.paid() == [number for number in range(TASKS) if number % 2]
    figures(
        f"{TASKS} tasks in {seconds:.0f} s, {fleet.killed} workers killed, Redis killed {REDIS_KILLS} times:"
        f" {len(runs)} ran, {sum(count > 1 for count in runs.values())} of them more than once, for"
        f" {len(fleet.orphaned)} died with their worker between effect and end;"
        f" {len(shop.paid())} keyed effects, once each"
    )


def _send_all() -> None:
    """Send tasks, each until it is taken, as a caller does who is told that Redis is away."""
    tasks: Any = import_module("handlers")
    for number in range(TASKS):
        task = tasks.pay if number % 2 else tasks.ship
        pauses = (random.uniform(0, PAUSE), random.uniform(0, PAUSE) if number else 2.0)
        while True:
            try:
                task.apply_async((number, *pauses), task_id=f"task-{number}")
            except TaskNotQueued:
                time.sleep(0.1)
            else:
                break


def _wait_for_work(fleet: Fleet, index: int) -> None:
    fleet.wait_for(lambda: fleet.is_at_work(index) or _all_ran(fleet.shop), "it works", PATIENCE)


def _all_ran(shop: Shop) -> bool:
    return len({effect.number for effect in shop.effects()}) == TASKS


def _restart(server: RedisServer, chance: random.Random) -> None:
    server.kill()
    time.sleep(chance.uniform(0, 1.5))
    server.start()


def _is_drained(shop: Shop, server: RedisServer) -> bool:
    return not server.client.llen("shop") and not server.client.hlen("unacked") and not shop.runtime.store.running()
