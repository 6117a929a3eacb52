"""Reports: what they hold, what they hide, and that they harm nothing."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from flask import Flask

from harness import SECRET, Handlers, json_of, openapi, serve
from pymacaron.auth import generate_token
from pymacaron.config import Config, set_config
from pymacaron.crash import mask, report_error, report_once, report_warning, set_error_reporter
from pymacaron.monitor import monitor

Report = dict[str, Any]


@pytest.fixture
def reports() -> list[Report]:
    """Collect what is reported."""
    found: list[Report] = []
    set_config(Config({"name": "shop", "jwt_secret": SECRET}))
    set_error_reporter(lambda **report: found.append(report))
    return found


def test_warning_from_anywhere(reports: list[Report]) -> None:
    """A warning goes to the reporter with the service's name, its data masked."""
    report_warning("running low", {"left": 3, "password": "hush"})
    (report,) = reports
    assert (report["title"], report["exception"]) == ("running low", None)
    assert report["data"]["level"] == "warning"
    assert report["data"]["server"]["name"] == "shop"
    assert report["data"]["data"] == {"left": 3, "password": "***"}


def test_error_has_trace_and_request(reports: list[Report]) -> None:
    """An error inside a request comes with trace, call and request; what tells of a secret is masked."""
    headers = {"Authorization": "Bearer hush", "Cookie": "token=hush", "X-Api-Token": "hush", "X-Plain": "seen"}
    with Flask("x").test_request_context("/items?page=2&page=3&token=hush", headers=headers):
        try:
            raise ValueError("boom")
        except ValueError as error:
            report_error("it failed", {"items": [{"secret": 1}]}, error)
    data = reports[0]["data"]
    assert "ValueError: boom" in "".join(data["trace"])
    assert data["request"]["path"] == "/items"
    assert data["request"]["query"] == {"page": ["2", "3"], "token": "***"}
    assert data["request"]["headers"]["X-Plain"] == "seen"
    assert data["call"]["id"]
    assert "hush" not in str(reports)
    assert data["data"] == {"items": [{"secret": "***"}]}


def test_same_exception_is_reported_once(reports: list[Report]) -> None:
    """An exception that passes two places that report it is reported by the first."""
    error = ValueError("x")
    with Flask("x").test_request_context("/"):
        report_once("first", error, "1")
        report_once("second", error, "2")
    assert [(report["title"], report["data"]["error_id"]) for report in reports] == [("first", "1")]


def test_exception_raised_again_is_reported_again(reports: list[Report]) -> None:
    """An exception that a service keeps and raises in each request is one failure of each request."""
    error = ValueError("x")
    for number in "12":
        with Flask("x").test_request_context("/"):
            report_once("failed", error, number)
    assert [report["data"]["error_id"] for report in reports] == ["1", "2"]


def test_without_reporter_the_log_has_it(caplog: pytest.LogCaptureFixture) -> None:
    """Errors and warnings are logged at their level where no reporter is set."""
    set_config(Config())
    with caplog.at_level(logging.WARNING, "pymacaron.crash"):
        report_error("bad")
        report_warning("odd")
    assert [(r.levelname, r.message.split()[0]) for r in caplog.records] == [("ERROR", "bad"), ("WARNING", "odd")]


def test_reporter_that_fails_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """What a reporter raises is logged and goes no further."""
    set_config(Config())

    def fail(**_: Any) -> None:
        raise RuntimeError("reporter is down")

    set_error_reporter(fail)
    report_error("bad")
    assert "the error_reporter failed on: bad" in caplog.text


def test_mask_leaves_the_rest() -> None:
    """Masking makes a copy; values under plain names, and None, stay."""
    given = {"a": (1, {"token": None, "Password": "x"}), "b": "token"}
    assert mask(given) == {"a": [1, {"token": None, "Password": "***"}], "b": "token"}
    assert given["a"] == (1, {"token": None, "Password": "x"})


OPERATION = {"get": {"operationId": "work", "responses": {"200": json_of({"type": "object"})}}}


def test_slow_call_is_reported(reports: list[Report]) -> None:
    """A call slower than report_call_exceeding_ms is one warning; others are none."""
    document = openapi({"/work": OPERATION})
    handlers: Handlers = {"work": dict}
    assert serve(document, handlers, config={"report_call_exceeding_ms": 60_000}).get("/work").status_code == 200
    assert reports == []
    assert serve(document, handlers, config={"report_call_exceeding_ms": 0}).get("/work").status_code == 200
    (report,) = reports
    assert report["data"]["level"] == "warning"
    assert report["data"]["data"] == {"operation": "work"}
    assert report["title"].startswith("work took")


def test_report_has_user_and_timings(reports: list[Report]) -> None:
    """A report of a request tells who called, how long it took, and the sections that were timed."""

    def work() -> None:
        with monitor(kind="SQL", method="select"):
            raise RuntimeError("boom")

    operation = {"get": {**OPERATION["get"], "security": [{"jwt": []}]}}
    scheme = {"securitySchemes": {"jwt": {"type": "http", "scheme": "bearer"}}}
    client = serve(openapi({"/work": operation}, components=scheme), {"work": work})
    assert client.get("/work", headers={"Authorization": f"Bearer {generate_token('ann')}"}).status_code == 500
    data = reports[0]["data"]
    assert data["user"] == "ann"
    assert data["elapsed_ms"] >= 0
    assert [timing["name"] for timing in data["timings"]] == ["SQL:select"]
