"""``GET /metrics``: queues and tasks for Prometheus, in its text format (version 0.0.4).

A scrape costs a few commands to the store, however many tasks there are: it counts, it does not list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Response

from pymacaron.exceptions import PyMacaronException

from .runtime import get_runtime
from .settings import value_of
from .tasks import queues_in_use

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pymacaron.plugins import AppCreatedContext

    from .queues import Depth
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
            yield f"{self.name}{{{shown}}} {value!r}" if shown else f"{self.name} {value!r}"


def _escaped(text: str, quoted: bool = False) -> str:
    made = text.replace("\\", r"\\").replace("\n", r"\n")
    return made.replace('"', r"\"") if quoted else made


def extend(context: AppCreatedContext) -> None:
    """Serve the metrics, unless the service has such a route or ``async_metrics`` is off."""
    taken = any(rule.rule == PATH for rule in context.app.url_map.iter_rules())
    if value_of(context.config, "async_metrics") and not taken:
        context.app.add_url_rule(PATH, "pymacaron_async:metrics", metrics, methods=["GET"])


def metrics() -> Response:
    """Answer a scrape; where store or broker do not answer, ``pym_async_up`` is 0 and nothing else is told."""
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
    return Family("pym_async_up", "gauge", "Whether store and broker of tasks answer", [({}, value)])


def _queues(runtime: Runtime) -> Iterable[Family]:
    found = depths(runtime)
    now = runtime.store.now() if found else 0
    waiting = [({"queue": each.queue}, each.waiting) for each in found]
    ages = [({"queue": each.queue}, max(0.0, now - each.oldest)) for each in found if each.oldest is not None]
    if waiting:
        yield Family("pym_async_queue_depth", "gauge", "Tasks that wait in a queue for a worker", waiting)
    if ages:
        yield Family(
            "pym_async_queue_oldest_seconds", "gauge", "Seconds since the next task of a queue was called", ages
        )


def depths(runtime: Runtime) -> list[Depth]:
    """Return what waits in each queue that this service's tasks name; nothing where there is no broker."""
    if runtime.settings.broker is None:
        return []
    from .queues import open_queues  # Celery is behind it, which a server need not load to start

    with open_queues(runtime) as queues:
        return [queues.depth(name) for name in queues_in_use(runtime.settings.queue)]


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
