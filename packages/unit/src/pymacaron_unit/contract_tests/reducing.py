"""The smallest request that still shows a fault."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .call import ABSENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .call import Call

#: Requests that one reduction may send.
TRIES = 40


def reduce(call: Call, shows: Callable[[Call], bool], tries: int = TRIES) -> Call:
    """Leave out whatever the fault does not need.

    Args:
        call: shows the fault.
        shows: sends a call and tells whether the fault shows again.
        tries: how many calls may be sent.
    """
    found = True
    while found:
        found = False
        for candidate in smaller(call):
            if tries <= 0:
                return call
            tries -= 1
            if shows(candidate):
                call, found = candidate, True
                break
    return call


def smaller(call: Call) -> Iterator[Call]:
    """Yield calls that lack one thing of a call, the largest things first."""
    for index in range(len(call.query)):
        yield replace(call, query=call.query[:index] + call.query[index + 1 :])
    for name, _ in call.headers:
        if name.lower() != "content-type":
            yield call.without_header(name)
    value = call.json()
    if value is not ABSENT:
        for part in smaller_values(value):
            yield call.with_json(part)
    elif len(call.content) > 64 and not (call.header("Content-Type") or "").startswith("multipart/"):
        yield replace(call, content=call.content[: len(call.content) // 2])


def smaller_values(value: Any, depth: int = 0) -> Iterator[Any]:
    """Yield JSON values that lack one thing of a value, or hold it shorter."""
    if isinstance(value, dict):
        for name in value:
            yield {key: inner for key, inner in value.items() if key != name}
        for name, inner in value.items():
            for part in smaller_values(inner, depth + 1) if depth < 4 else ():
                yield {**value, name: part}
    elif isinstance(value, list):
        for index in range(len(value)):
            yield value[:index] + value[index + 1 :]
        for index, inner in enumerate(value):
            for part in smaller_values(inner, depth + 1) if depth < 4 else ():
                yield [*value[:index], part, *value[index + 1 :]]
    elif isinstance(value, str) and len(value) > 1:
        yield value[: len(value) // 2]
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) > 9:
        yield value // 10
