"""An asynchronous operation end to end: a server, a worker and a receiver of callbacks, each a process or a thread."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

import pytest
import requests

from pymacaron_async.signing import callback_secret, verify
from receivers import Receiver, receiving
from redis_server import free_port
from services import bearer
from workers import PATIENCE, WorkerProcess, running, wait_until, write_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
    """A running service, and its worker."""

    def __init__(self, url: str, worker: WorkerProcess) -> None:
        self.url = url
        self.worker = worker
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


@pytest.fixture
def shop(tmp_path: Path, redis_url: str) -> Iterator[Shop]:
    """Run a service and its worker."""
    folder = write_service(tmp_path, redis_url, async_callback_hosts="[127.0.0.1]", async_lease=1)
    (folder / "apis" / "shop.yaml").write_text(textwrap.dedent(CONTRACT))
    (folder / "handlers.py").write_text(textwrap.dedent(HANDLERS))
    port = free_port()
    with running(folder) as worker, running(folder, "run", "--port", str(port)) as server:

        def answers() -> bool:
            try:
                return requests.get(f"http://127.0.0.1:{port}/ping", timeout=PATIENCE).ok
            except requests.ConnectionError:
                return False

        server.wait_for(answers, "the server answers")
        yield Shop(f"http://127.0.0.1:{port}", worker)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Run a server that callbacks are sent to."""
    with receiving() as made:
        yield made


def test_end_to_end(shop: Shop, receiver: Receiver) -> None:
    """A report is made as its user and called back; a slow one is stopped or cancelled; a broken one is an error."""
    fine = shop.start("fine", url=receiver.url)
    cancelled = shop.start("endless")
    wait_until(lambda: shop.get(cancelled)["state"] == "running", lambda: shop.worker.said)
    assert requests.delete(cancelled, headers=shop.headers, timeout=PATIENCE).status_code == 202
    slow, broken = shop.start("slow"), shop.start("broken")
    shown = shop.get(f"{fine}?wait=20")
    expected = {"user": "alice", "day": "2026-01-02", "url": f"{shop.url}/v1/reports/fine"}
    assert (shown["state"], shown["result"]) == ("succeeded", expected), shop.worker.said
    assert shown["progress"] == {"done": 1, "total": 4, "message": "fine"}
    wait_until(lambda: receiver.got, lambda: shop.worker.said)
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
