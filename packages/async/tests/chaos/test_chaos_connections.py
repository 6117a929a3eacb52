"""Workers whose way to Redis is cut, and delays that are longer than the visibility timeout."""

from __future__ import annotations

import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from workers import pym

from .fleet import Fleet
from .proxy import Proxy
from .scale import scaled
from .shop import Shop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from redis_server import RedisServer

pytestmark = pytest.mark.once

CUT = scaled(3.0, 30.0)
VISIBILITY = scaled(3, 12)


@pytest.mark.parametrize("silently", [False, True], ids=["refused", "silent"])
def test_a_worker_whose_connection_is_cut_goes_on_by_itself(
    tmp_path: Path, redis_server: RedisServer, redis_url: str, silently: bool, figures: Callable[[str], None]
) -> None:
    """What it ran meanwhile is run once and its end is written; what was queued meanwhile it runs afterwards."""
    assert redis_url == redis_server.url
    with Proxy(redis_server.port) as proxy:
        shop = Shop(tmp_path, redis_server.url)
        config = tmp_path / "pym-config.yaml"
        config.write_text(config.read_text().replace(f":{redis_server.port}/", f":{proxy.port}/"))
        tasks: Any = import_module("handlers")
        with Fleet(shop, 1) as fleet:
            before = [tasks.ship.delay(1, 0, CUT / 2), tasks.ship.delay(2, 0, CUT * 1.5)]
            fleet.wait_for(lambda: len(shop.effects()) == 2, "two run")
            proxy.cut(silently)
            during = [tasks.ship.delay(number) for number in range(3, 13)]
            time.sleep(CUT)
            assert not any(shop.has_ended(each.id) for each in [*before, *during])
            proxy.mend()
            mended = time.monotonic()
            fleet.wait_for(lambda: any(shop.has_ended(each.id) for each in during), "it consumes", 90)
            seconds = time.monotonic() - mended
            fleet.wait_for(lambda: all(shop.has_ended(each.id) for each in [*before, *during]), "all ended", 90)
            fleet.wait_for(lambda: not redis_server.client.hlen("unacked"), "all are acknowledged")
            healthy = ("worker", "--check", "--patience", "5")
            fleet.wait_for(lambda: pym(tmp_path, *healthy).returncode == 0, "the worker is well", 60)
    assert [shop.runs(each.id) for each in [*before, *during]] == [[1]] * 12
    figures(
        f"a worker cut from Redis for {CUT:g} s ({'silence' if silently else 'refused'}): all of 12 tasks ran once; it"
        f" consumed again {seconds:.1f} s after the connection was back"
    )


def test_delays_longer_than_the_visibility_timeout(
    tmp_path: Path, redis_url: str, figures: Callable[[str], None]
) -> None:
    """Each task runs once, though every message that waits in a worker would be given out again meanwhile."""
    longest = VISIBILITY - 1
    shop = Shop(
        tmp_path,
        redis_url,
        async_lease=1,
        async_time_limit=longest,
        async_longest_countdown=longest,
        async_visibility_timeout=VISIBILITY,
    )
    tasks: Any = import_module("handlers")
    delays = [longest - 0.5, VISIBILITY + 1.0, VISIBILITY * 2.5]
    with Fleet(shop, 2) as fleet:
        sent = {delay: tasks.ship.apply_async((number,), delay=delay) for number, delay in enumerate(delays)}
        queued = shop.runtime.store.now()
        assert len(shop.runtime.store.later()) == 2
        fleet.wait_for(lambda: all(shop.has_ended(each.id) for each in sent.values()), "all ended", VISIBILITY * 10)
        time.sleep(VISIBILITY)
    assert [shop.runs(each.id) for each in sent.values()] == [[1]] * len(delays)
    late = []
    for delay, each in sent.items():
        record = shop.runtime.store.get(each.id)
        assert record is not None
        late.append(record.started - queued - delay)
    assert min(late) > -0.1
    figures(
        f"visibility timeout {VISIBILITY} s, delays of {', '.join(f'{delay:g}' for delay in delays)} s: each ran once,"
        f" {max(late):.1f} s late at most"
    )
