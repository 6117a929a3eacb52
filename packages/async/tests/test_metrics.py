"""``/metrics``: what Prometheus reads of queues and tasks."""

from __future__ import annotations

import re
import time
from typing import Any

from flask import Flask

from pymacaron_async import asynctask
from pymacaron_async.celery_app import CeleryTransport, make_celery
from pymacaron_async.metrics import Family
from pymacaron_async.runtime import Runtime, set_runtime
from services import Service, bearer, json_of, openapi, serve

SAMPLE = re.compile(r'([a-z_]+)(\{(?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? (\S+)')
PING = openapi({"/a": {"get": {"operationId": "a", "responses": {"200": json_of({})}}}})


def make(redis_url: str, app: Flask | None = None, **config: Any) -> Service:
    """Make a service."""
    return serve(redis_url, PING, {"a": dict}, app, config, error_reporter=lambda **_: None)


def scrape(service: Service) -> dict[str, float]:
    """Return all samples, each line read as Prometheus reads it."""
    answer = service.client.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    found: dict[str, float] = {}
    typed: set[str] = set()
    for line in answer.text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert kind in ("gauge", "counter")
            assert name not in typed
            typed.add(name)
        elif not line.startswith("# HELP "):
            match = SAMPLE.fullmatch(line)
            assert match is not None, line
            assert match[1] in typed
            found[match[1] + (match[2] or "")] = float(match[3])
    return found


def test_an_idle_service(redis_url: str) -> None:
    """It has queues that are empty, and no tasks."""
    service = make(redis_url)
    through_broker(service)
    assert scrape(service) == {
        "pym_async_up": 1,
        'pym_async_queue_depth{queue="shop"}': 0,
        'pym_async_tasks{state="running"}': 0,
        'pym_async_tasks{state="later"}': 0,
        'pym_async_tasks{state="dead"}': 0,
    }


def through_broker(service: Service) -> None:
    """Send messages of a service through its broker from now on."""
    transport = CeleryTransport(make_celery(service.runtime.settings), service.runtime.settings, service.store)
    service.runtime = Runtime(service.runtime.settings, service.store, transport)
    set_runtime(service.runtime)


def test_what_waits(redis_url: str) -> None:
    """Each queue has its depth and the age of the next task; long delays are counted apart."""

    @asynctask(name="wait")
    def wait() -> None:
        """Do nothing."""

    @asynctask(name="mail", queue="mail")
    def mail() -> None:
        """Do nothing."""

    service = make(redis_url)
    through_broker(service)
    for _ in range(2):
        wait.delay()
    mail.delay()
    wait.apply_async(delay=3600)
    time.sleep(0.3)
    found = scrape(service)
    assert found['pym_async_queue_depth{queue="shop"}'] == 2
    assert found['pym_async_queue_depth{queue="mail"}'] == 1
    assert 0.3 <= found['pym_async_queue_oldest_seconds{queue="shop"}'] < 60
    assert found['pym_async_tasks{state="later"}'] == 1


def test_what_was_run(redis_url: str) -> None:
    """Runs are counted by task and by how they ended, with the seconds that they took."""

    @asynctask(name="work", max_retries=1, backoff=0.01)
    def work(fails: bool) -> None:
        time.sleep(0.05)
        if fails:
            raise ValueError("no")

    service = make(redis_url)
    for fails in (False, True):
        work.delay(fails)
        service.work()
    through_broker(service)
    found = scrape(service)
    outcomes = {
        name: found[f'pym_async_runs_total{{task="work",outcome="{name}"}}'] for name in ("succeeded", "failed")
    }
    assert outcomes == {"succeeded": 1, "failed": 1}
    assert found['pym_async_runs_total{task="work",outcome="retried"}'] == 1
    assert found['pym_async_run_seconds_total{task="work"}'] >= 0.15
    assert found['pym_async_tasks{state="dead"}'] == 1


def test_escaping() -> None:
    """Whatever a name holds, the line stays one that Prometheus reads."""
    family = Family("a", "gauge", "two\nlines \\ one", [({"task": 'x"y\\z\nw'}, 12345678)])
    assert list(family.lines()) == [
        "# HELP a two\\nlines \\\\ one",
        "# TYPE a gauge",
        'a{task="x\\"y\\\\z\\nw"} 12345678',
    ]


def test_a_store_that_is_away(redis_url: str) -> None:
    """The scrape is answered all the same, and says so."""
    service = make(redis_url, celery_broker_url="redis://127.0.0.1:1/0", async_publish_within=0.5)
    service.store.client.connection_pool.disconnect()
    assert scrape(service) == {"pym_async_up": 0}


def test_it_can_be_left_out(redis_url: str) -> None:
    """``async_metrics: false`` leaves the path to nobody."""
    service = make(redis_url, async_metrics=False)
    assert service.client.get("/metrics").status_code == 404


def test_a_service_with_metrics_of_its_own(redis_url: str) -> None:
    """Its own route stays."""
    app = Flask("app")
    app.add_url_rule("/metrics", "own", lambda: "own")
    assert make(redis_url, app).client.get("/metrics", headers=bearer("alice")).text == "own"


def test_a_scrape_is_bounded(redis_url: str) -> None:
    """What it costs does not grow with the number of tasks."""

    @asynctask(name="many")
    def many() -> None:
        """Do nothing."""

    service = make(redis_url)
    through_broker(service)

    def commands() -> int:
        before = service.store.client.info("commandstats")
        scrape(service)
        after = service.store.client.info("commandstats")
        return sum(after[name]["calls"] - before.get(name, {"calls": 0})["calls"] for name in after)

    scrape(service)
    few = commands()
    for _ in range(300):
        many.delay()
        many.apply_async(delay=3600)
    assert commands() < few + 50
