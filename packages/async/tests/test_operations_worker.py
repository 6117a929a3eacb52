"""An asynchronous operation end to end: a server, a worker and a receiver of callbacks, each a process or a thread."""

from __future__ import annotations

import json
import textwrap
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import requests

from pymacaron_async.signing import callback_secret, verify
from receivers import Receiver, receiving
from redis_server import free_port
from services import bearer
from workers import PATIENCE, pym, running, wait_until, write_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.once

CONTRACT = """
    openapi: 3.1.0
    info: {title: Shop, version: 0.1.0}
    servers: [{url: /v1}]
    paths:
      /reports/{kind}:
        post:
          operationId: report
          x-pym-async: true
          security: [{bearer: []}]
          parameters:
            - {name: kind, in: path, required: true, schema: {type: string}}
          requestBody:
            content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}
          responses:
            "200":
              description: The report
              content: {application/json: {schema: {$ref: "#/components/schemas/Report"}}}
          callbacks:
            done:
              "{$request.body#/url}":
                post:
                  requestBody:
                    content: {application/json: {schema: {$ref: "#/components/schemas/Report"}}}
                  responses: {"200": {description: It is taken}}
    components:
      securitySchemes: {bearer: {type: http, scheme: bearer}}
      schemas:
        Order:
          type: object
          properties: {url: {type: string}, day: {type: string, format: date}}
        Report:
          type: object
          required: [user, day]
          properties: {user: {type: string}, day: {type: string, format: date}, url: {type: string}}
"""

HANDLERS = """
    import time

    from flask import request

    from pymacaron.auth import get_userid
    from pymacaron_async import asynctask, task


    @asynctask(time_limit=4)
    def report(order, kind):
        task.progress(1, 4, kind)
        if kind in ("slow", "endless"):
            time.sleep(60)
        if kind == "broken":
            raise ValueError("no")
        return {"user": get_userid(), "day": order.day, "url": request.url}
"""


class Shop:
    """A running service."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.headers = bearer("alice")

    def start(self, kind: str, **body: Any) -> str:
        """Start a report; return where it is asked for."""
        url = f"{self.url}/v1/reports/{kind}"
        made = requests.post(url, json={"day": "2026-01-02", **body}, headers=self.headers, timeout=PATIENCE)
        assert made.status_code == 202, made.text
        return self.url + made.headers["Location"]

    def get(self, url: str) -> Any:
        """Return what is said of a report."""
        return requests.get(url, headers=self.headers, timeout=PATIENCE).json()


def write_shop(folder: Path, broker_url: str | None) -> Path:
    """Write a service."""
    write_service(folder, broker_url, async_callback_hosts="[127.0.0.1]", async_lease=1)
    (folder / "apis" / "shop.yaml").write_text(textwrap.dedent(CONTRACT))
    (folder / "handlers.py").write_text(textwrap.dedent(HANDLERS))
    return folder


@contextmanager
def serving(folder: Path, **variables: str) -> Iterator[str]:
    """Run a server until the block ends; return its URL."""
    url = f"http://127.0.0.1:{free_port()}"

    def answers() -> bool:
        try:
            return requests.get(f"{url}/ping", timeout=PATIENCE).ok
        except requests.ConnectionError:
            return False

    with running(folder, "run", "--port", url.rpartition(":")[2], **variables) as server:
        server.wait_for(answers, "the server answers")
        yield url


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Run a server that callbacks are sent to."""
    with receiving() as made:
        yield made


def test_the_contract_is_in_order(tmp_path: Path, redis_url: str) -> None:
    """``pym check`` has nothing to say of an asynchronous operation that declares no 202."""
    folder = write_shop(tmp_path, redis_url)
    checked = pym(folder, "check")
    assert (checked.returncode, checked.stderr) == (0, "0 errors, 0 warnings\n")


def test_without_a_broker(tmp_path: Path) -> None:
    """In development it runs in a thread of the server, and looks the same."""
    folder = write_shop(tmp_path, None)
    with serving(folder) as url:
        shop = Shop(url)
        shown = shop.get(f"{shop.start('fine')}?wait=20")
        assert (shown["state"], shown["result"]["user"]) == ("succeeded", "alice")
        assert "pym_async_up 1\n" in requests.get(f"{url}/metrics", timeout=PATIENCE).text


def test_end_to_end(tmp_path: Path, redis_url: str, receiver: Receiver) -> None:
    """A report is made as its user and called back; a slow one is stopped or cancelled; a broken one is an error."""
    folder = write_shop(tmp_path, redis_url)
    with running(folder) as worker, serving(folder) as url:
        shop = Shop(url)
        fine = shop.start("fine", url=receiver.url)
        cancelled = shop.start("endless")
        wait_until(lambda: shop.get(cancelled)["state"] == "running", lambda: worker.said)
        assert requests.delete(cancelled, headers=shop.headers, timeout=PATIENCE).status_code == 202
        slow, broken = shop.start("slow"), shop.start("broken")
        shown = shop.get(f"{fine}?wait=20")
        expected = {"user": "alice", "day": "2026-01-02", "url": f"{shop.url}/v1/reports/fine"}
        assert (shown["state"], shown["result"]) == ("succeeded", expected), worker.said
        assert shown["progress"] == {"done": 1, "total": 4, "message": "fine"}
        wait_until(lambda: receiver.got, lambda: worker.said)
        (got,) = receiver.got
        verify(got.headers["pymsignature"], got.body, callback_secret())
        assert json.loads(got.body) == expected
        assert shop.get(f"{cancelled}?wait=20")["state"] == "cancelled"
        assert shop.get(f"{broken}?wait=20")["error"]["error"] == "SERVER_ERROR"
        timed_out = shop.get(f"{slow}?wait=20")
        assert (timed_out["state"], timed_out["error"]["error"]) == ("failed", "TASK_TIMED_OUT")
        metrics = requests.get(f"{shop.url}/metrics", timeout=PATIENCE).text
        assert 'pym_async_runs_total{task="shop:report",outcome="succeeded"} 1\n' in metrics
        assert 'pym_async_tasks{state="dead"} 2\n' in metrics
