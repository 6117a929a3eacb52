"""``GET /metrics``: queues and tasks for Prometheus, in its text format (version 0.0.4).

A scrape costs a few commands to the store, however many tasks there are: it counts, it does not list.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Response

from pymacaron.exceptions import PyMacaronException

from .runtime import get_runtime
from .settings import value_of
from .tasks import REGISTRY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pymacaron.plugins import AppCreatedContext

    from .runtime import Runtime
    from .store import Store

PATH = "/metrics"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Family:
    """All samples of one metric.

    Attributes:
        name: with its unit at the end.
        kind: ``gauge`` or ``counter``.
        meaning: for people.
        samples: values with their labels.
    """

    name: str
    kind: str
    meaning: str
    samples: Sequence[tuple[Mapping[str, str], float]]

    def lines(self) -> Iterator[str]:
        """Yield the lines of the text format."""
        yield f"# HELP {self.name} {_escaped(self.meaning)}"
        yield f"# TYPE {self.name} {self.kind}"
        for labels, value in self.samples:
            shown = ",".join(f'{name}="{_escaped(text, quoted=True)}"' for name, text in labels.items())
            yield f"{self.name}{{{shown}}} {value:g}" if shown else f"{self.name} {value:g}"


def _escaped(text: str, quoted: bool = False) -> str:
    made = text.replace("\\", r"\\").replace("\n", r"\n")
    return made.replace('"', r"\"") if quoted else made


def extend(context: AppCreatedContext) -> None:
    """Serve the metrics, unless the service has such a route or ``async_metrics`` is off."""
    taken = any(rule.rule == PATH for rule in context.app.url_map.iter_rules())
    if value_of(context.config, "async_metrics") and not taken:
        context.app.add_url_rule(PATH, "pymacaron_async:metrics", metrics, methods=["GET"])


def metrics() -> Response:
    """Answer a scrape; where store or broker are away, ``pym_async_up`` is 0 and nothing else is told."""
    try:
        found = families(get_runtime())
    except PyMacaronException:
        found = [_up(0)]
    text = "".join(f"{line}\n" for family in found for line in family.lines())
    return Response(text, content_type=CONTENT_TYPE)


def families(runtime: Runtime) -> list[Family]:
    """Return all metrics."""
    return [_up(1), *_queues(runtime), *_states(runtime.store), *_counts(runtime.store)]


def _up(value: int) -> Family:
    return Family("pym_async_up", "gauge", "Whether the store of tasks answers", [({}, value)])


def _queues(runtime: Runtime) -> Iterable[Family]:
    depths, ages = [], []
    for queue, waiting in waiting_in(runtime).items():
        depths.append(({"queue": queue}, float(waiting.count)))
        if waiting.age is not None:
            ages.append(({"queue": queue}, waiting.age))
    if depths:
        yield Family("pym_async_queue_depth", "gauge", "Tasks that wait in a queue for a worker", depths)
    if ages:
        yield Family(
            "pym_async_queue_oldest_seconds", "gauge", "Seconds since the next task of a queue was called", ages
        )


def _states(store: Store) -> Iterable[Family]:
    counts = {"running": len(store.running()), "later": store.count_later(), "dead": store.count_dead()}
    samples: list[Any] = [({"state": state}, count) for state, count in counts.items()]
    yield Family("pym_async_tasks", "gauge", "Tasks that run, wait for their time, or are dead letters", samples)


def _counts(store: Store) -> Iterable[Family]:
    counts = sorted(store.counts().items())
    ended: list[Any] = [
        ({"task": name, "outcome": outcome}, getattr(each, outcome))
        for name, each in counts
        for outcome in ("succeeded", "failed", "retried", "cancelled")
    ]
    seconds: list[Any] = [({"task": name}, each.seconds) for name, each in counts]
    if counts:
        yield Family("pym_async_runs_total", "counter", "Runs of tasks, by how they ended", ended)
        yield Family("pym_async_run_seconds_total", "counter", "Seconds that runs of tasks took together", seconds)


@dataclass(frozen=True)
class Waiting:
    """What waits in a queue: how many messages, and for how many seconds the next one has; None where none does."""

    count: int
    age: float | None = None


def waiting_in(runtime: Runtime) -> dict[str, Waiting]:
    """Return what waits in each queue that tasks of this service name; nothing where the broker is no Redis."""
    broker = runtime.settings.broker
    client = getattr(runtime.store, "client", None)
    same = runtime.settings.store_url == runtime.settings.broker_url
    if broker is None or not broker.is_store or not same or client is None:
        return {}
    options = {task.options.queue for task in REGISTRY.values() if task.options.queue}
    queues = sorted({runtime.settings.queue, *options})
    with client.pipeline(transaction=False) as pipe:
        for queue in queues:
            pipe.llen(queue)
            pipe.lindex(queue, -1)  # messages are pushed on the left and taken from the right
        found = pipe.execute()
    return {queue: Waiting(found[2 * i], _age(found[2 * i + 1])) for i, queue in enumerate(queues)}


def _age(data: bytes | None) -> float | None:
    """Return for how many seconds a message waits; None of one that is not ours."""
    if data is None:
        return None
    try:
        called = float(json.loads(data)["headers"]["pym"]["enqueued"])
    except (ValueError, LookupError, TypeError):
        return None
    return max(0.0, time.time() - called)
