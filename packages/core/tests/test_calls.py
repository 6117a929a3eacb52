"""Call id and call path: made at the edge, kept on the way, and never trusted blindly."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask import Flask

from pymacaron.calls import Call, current_call, enter, get_call_id, get_call_path, outgoing_headers, set_call

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_edge_makes_an_id() -> None:
    """A request without an id gets a uuid4, the same for as long as it lasts."""
    with Flask("x").test_request_context("/"):
        made = get_call_id()
        assert UUID(made).version == 4
        assert get_call_id() == made
        assert get_call_path() == ""


def test_each_request_has_its_own_id() -> None:
    """Two requests are two calls."""
    made = []
    for _ in range(2):
        with Flask("x").test_request_context("/"):
            made.append(get_call_id())
    assert made[0] != made[1]


def test_headers_continue_a_call() -> None:
    """Id, path and trace context of the caller are taken on, and passed on with the next part of the path."""
    headers = {"PymCallID": "abc", "PymCallPath": "public.user", "traceparent": TRACE, "tracestate": "a=1"}
    with Flask("x").test_request_context("/", headers=headers):
        assert current_call() == Call("abc", "public.user", TRACE, "a=1")
        assert outgoing_headers("login", "check") == {
            "PymCallID": "abc",
            "PymCallPath": "public.user.login.check",
            "traceparent": TRACE,
            "tracestate": "a=1",
        }


def test_calls_outside_of_requests() -> None:
    """A task continues the call that it is given, and else starts one of its own."""
    set_call(Call("task-1", "public"))
    enter("work")
    assert (get_call_id(), get_call_path()) == ("task-1", "public.work")
    set_call(None)
    enter("alone")
    assert get_call_path() == "alone"
    assert UUID(get_call_id()).version == 4


@pytest.mark.parametrize(("given", "kept"), [("x" * 9000, "x" * 500), ("a\x01\x7fb", "ab"), ("\x01", None)])
def test_what_comes_from_outside_is_cleaned(given: str, kept: str | None) -> None:
    """An id that is too long is cut, control characters are dropped, and where nothing is left a new one is made."""
    with Flask("x").test_request_context("/", environ_overrides={"HTTP_PYMCALLID": given}):
        made = get_call_id()
        assert made == kept if kept is not None else UUID(made).version == 4


def test_path_does_not_grow_without_end() -> None:
    """A path that services send in a circle keeps its last part."""
    set_call(Call("x", "a" * 499))
    assert len(outgoing_headers("service", "operation")["PymCallPath"]) == 500
