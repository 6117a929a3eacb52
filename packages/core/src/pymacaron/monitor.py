"""Timing of sections of code, with OpenTelemetry behind it where that is installed."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from flask import g, has_app_context

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("pymacaron.monitor")


@cache
def _tracer() -> Any:
    """Return OpenTelemetry's tracer; None where it is not installed."""
    try:
        from opentelemetry import trace  # type: ignore[import-not-found]  # an optional package
    except ImportError:
        return None
    return trace.get_tracer("pymacaron")


@contextmanager
def monitor(kind: str | None = None, method: str | None = None) -> Iterator[dict[str, Any]]:
    """Time a ``with`` block: as a span where OpenTelemetry is installed, and in the reports of the current call.

    It gives a dict for what else is to be known of the section, texts and numbers by name: the span's attributes.

    Args:
        kind: what is called, such as ``DYNAMODB``.
        method: which of its methods.
    """
    name = f"{kind}:{method}" if kind else str(method)
    tracer = _tracer()
    attributes: dict[str, Any] = {}
    started = time.perf_counter()
    try:
        if tracer is None:
            yield attributes
        else:
            with tracer.start_as_current_span(name) as span:
                try:
                    yield attributes
                finally:
                    span.set_attributes(attributes)
    finally:
        elapsed = (time.perf_counter() - started) * 1000
        if has_app_context():
            g.setdefault("pym_timings", []).append({"name": name, "ms": round(elapsed, 3), **attributes})
        log.debug("%s took %.3f ms", name, elapsed)


def get_timings() -> list[dict[str, Any]]:
    """Return the sections of the current call that were timed, in order."""
    return list(g.get("pym_timings", ())) if has_app_context() else []
