"""Sections that are timed."""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
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


def test_attributes() -> None:
    """What a section says of itself stands beside its duration, where it raised as well."""
    with Flask("x").test_request_context("/"):
        with suppress(ZeroDivisionError), monitor(kind="DYNAMODB", method="get") as section:
            section["capacity_units"] = 0.5
            _ = 1 / 0
        (found,) = get_timings()
    assert found["capacity_units"] == 0.5


def test_opentelemetry_gets_a_span(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where OpenTelemetry is installed, a section is one of its spans, with the section's attributes."""
    spans: list[str] = []

    class Tracer:
        @contextmanager
        def start_as_current_span(self, name: str) -> Iterator[Any]:
            spans.append(f"start {name}")
            yield SimpleNamespace(set_attributes=lambda attributes: spans.append(f"{attributes}"))
            spans.append(f"end {name}")

    package: Any = ModuleType("opentelemetry")
    package.trace = SimpleNamespace(get_tracer=lambda _: Tracer())
    monkeypatch.setitem(sys.modules, "opentelemetry", package)
    with monitor(kind="SQL", method="select") as section:
        spans.append("inside")
        section["rows"] = 3
    assert spans == ["start SQL:select", "inside", "{'rows': 3}", "end SQL:select"]
