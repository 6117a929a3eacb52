"""Sections that are timed."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from pymacaron.monitor import _tracer, get_timings, monitor

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def fresh_tracer() -> Iterator[None]:
    """Look for OpenTelemetry anew in each test."""
    _tracer.cache_clear()
    yield
    _tracer.cache_clear()


def test_sections_of_a_call_are_kept_in_order() -> None:
    """Each section of a request is there with name and duration, one that raised as well."""
    with Flask("x").test_request_context("/"):
        with monitor(kind="DYNAMODB", method="get"):
            pass
        with pytest.raises(ZeroDivisionError), monitor(method="divide"):
            _ = 1 / 0
        found = get_timings()
    assert [timing["name"] for timing in found] == ["DYNAMODB:get", "divide"]
    assert all(timing["ms"] >= 0 for timing in found)


def test_outside_of_requests_nothing_is_kept() -> None:
    """A section outside of a request runs and leaves nothing behind."""
    with monitor(kind="X", method="y"):
        pass
    assert get_timings() == []


def test_opentelemetry_gets_a_span(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where OpenTelemetry is installed, a section is one of its spans."""
    spans: list[str] = []

    class Tracer:
        @contextmanager
        def start_as_current_span(self, name: str) -> Iterator[None]:
            spans.append(f"start {name}")
            yield
            spans.append(f"end {name}")

    package: Any = ModuleType("opentelemetry")
    package.trace = SimpleNamespace(get_tracer=lambda _: Tracer())
    monkeypatch.setitem(sys.modules, "opentelemetry", package)
    with monitor(kind="SQL", method="select"):
        spans.append("inside")
    assert spans == ["start SQL:select", "inside", "end SQL:select"]
