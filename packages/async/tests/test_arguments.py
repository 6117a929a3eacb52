"""Arguments of tasks are the same on both sides; what cannot be the same is refused."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pymacaron import apipool
from pymacaron_async import ArgumentError
from pymacaron_async.arguments import decode_call, decode_value, encode_call, encode_value, shown_call

CONTRACT = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "paths": {},
    "components": {
        "schemas": {
            "Order": {
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": {"type": "integer"},
                    "at": {"type": "string", "format": "date-time"},
                    "pin": {"type": "string", "writeOnly": True},
                    "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
                },
            },
            "Line": {"type": "object", "properties": {"$pym": {"type": "string"}, "n": {"type": "integer"}}},
        }
    },
}

zones = st.sampled_from([None, UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))])
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec=None, exclude_categories=()))
    | st.datetimes(timezones=zones)
    | st.dates()
    | st.uuids()
    | st.decimals(allow_nan=False)
    | st.binary()
)
keys = st.text() | st.sampled_from(["$pym", "value", "__type__", "__value__"])
values: Any = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.dictionaries(keys, inner) | st.lists(inner).map(tuple),
    max_leaves=15,
)


@settings(max_examples=60)
@given(args=st.lists(values, max_size=3).map(tuple), kwargs=st.dictionaries(st.text(), values, max_size=3))
def test_every_value_comes_back_as_it_was(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Values of every kind, nested in any way, are equal and of the same types after the way through JSON."""
    text = encode_call(args, kwargs)
    assert json.loads(text)
    made_args, made_kwargs = decode_call(text)
    assert (tuple(made_args), made_kwargs) == (args, kwargs)
    assert repr(tuple(made_args)) == repr(args)


def test_models_arrive_as_models() -> None:
    """A model comes back as an object of its class, deep inside lists and dicts, with all it holds."""
    apipool.load_swagger("shop", CONTRACT)
    line = apipool.shop.Line(n=2)
    line["$pym"] = "dict"
    order: Any = apipool.shop.Order(id=1, at=datetime(2026, 1, 2, tzinfo=UTC), pin="4711", lines=[line])
    (made,), kwargs = decode_call(encode_call(([{"o": order}],), {"line": line}))
    assert made == [{"o": order}]
    assert type(made[0]["o"]) is type(order)
    assert (made[0]["o"].pin, made[0]["o"].lines[0]["$pym"]) == ("4711", "dict")
    assert kwargs == {"line": line}


class Colour(Enum):
    RED = 1


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({1, 2}, "the argument 'x' is a builtins.set, which a task cannot be sent"),
        (object(), "is a builtins.object"),
        (Colour.RED, "is a test_arguments.Colour"),
        (Text("a"), "is a test_arguments.Text"),
        (Path("a"), "PosixPath"),
        (timedelta(1), "is a datetime.timedelta"),
        ({"a": [1, {2: 3}]}, "the argument 'x'['a'][1] has the key 2, a int"),
        ([1, (2, b"", {"k": len})], "the argument 'x'[1][2]['k'] is a builtins.builtin_function_or_method"),
        (lambda: 1, "is a builtins.function"),
    ],
)
def test_anything_else_is_refused(value: Any, said: str) -> None:
    """A value that no message can carry is refused with its place and its type."""
    with pytest.raises(ArgumentError) as caught:
        encode_call((), {"x": value})
    assert said in caught.value.message


def test_arguments_by_position_are_counted() -> None:
    """A refused argument without a name is named by its position."""
    with pytest.raises(TypeError, match=r"the argument 2 is a builtins\.set"):
        encode_call((1, set()), {})


def test_numbers_without_end() -> None:
    """What JSON has no form for comes back: infinities, NaN, integers of any size."""
    (big, inf, nan), _ = decode_call(encode_call((10**40, float("-inf"), float("nan")), {}))
    assert (big, inf) == (10**40, float("-inf"))
    assert nan != nan
    assert decode_value(encode_value(Decimal("1E+9"), "it")) == Decimal("1E+9")


def test_what_is_shown_is_short_and_tells_no_secret() -> None:
    """Lists and logs show short arguments, and none that is named like a secret."""
    shown = shown_call((1, "x" * 500), {"password": "4711", "day": date(2026, 1, 2), "id": UUID(int=1)})
    assert "4711" not in shown
    assert "password=***" in shown
    assert len(shown) < 300
