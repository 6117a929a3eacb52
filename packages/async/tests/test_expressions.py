"""Runtime expressions: what they speak of, and what they may not."""

from __future__ import annotations

from typing import Any

import pytest

from pymacaron_async.expressions import Message, NoValue, at_pointer, filled, parts_of, problems

BODY = {"a": {"b": [1, {"c/d": "x"}]}, "yes": True, "": "empty", "none": None}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", BODY), ("/a/b/0", 1), ("/a/b/1/c~1d", "x"), ("/", "empty"), ("/yes", True),
        ("/b", None), ("/a/b/2", None), ("/a/b/-1", None), ("/a/b/x", None), ("/yes/x", None), ("/none/x", None),
    ],
)  # fmt: skip
def test_pointers(pointer: str, value: Any) -> None:
    """They follow RFC 6901; what is not there is None."""
    assert at_pointer(BODY, pointer) == value


@pytest.mark.parametrize(
    "url",
    [
        "https://x/{$request.body#/a}",
        "{$url}",
        "{$method}{$statusCode}",
        "{$response.header.Location}",
        "{$request.body}",
        "x",
    ],
)
def test_urls_that_mean_something(url: str) -> None:
    """Every expression of the specification is known."""
    assert problems(url) is None


@pytest.mark.parametrize("url", ["{$request.cookie.a}", "{$request}", "{$inputs.a}", "{id}", "{$url", "a}"])
def test_urls_that_mean_nothing(url: str) -> None:
    """What could never be filled is said at start."""
    assert problems(url) is not None


def message() -> Message:
    """Return a request."""
    return Message({"X-A": "h"}.get, lambda: BODY, {"q": "1"}, {"id": "7"})


def test_filling() -> None:
    """What the request knows is filled in; what the response will know stays."""
    url = (
        "{$request.header.X-A}/{$request.query.q}/{$request.path.id}/{$request.body#/yes}/{$method}{$response.body#/a}"
    )
    assert filled(parts_of(url), "request", message(), {"$method": "POST"}) == [
        "h", "/", "1", "/", "7", "/", "true", "/", "POST", ["$response.body#/a"],
    ]  # fmt: skip


@pytest.mark.parametrize("expression", ["query.none", "header.none", "body#/a", "body#/none", "body"])
def test_what_is_not_there(expression: str) -> None:
    """An expression that has no text for its value is told apart from an empty one."""
    with pytest.raises(NoValue):
        filled([[f"$request.{expression}"]], "request", message(), {})
