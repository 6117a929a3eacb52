"""Formats: which texts are of one, and what they become. Tables from RFC 3339, RFC 4648 and RFC 9562."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import FormatChecker  # type: ignore[import-untyped]  # it has no annotations

from probing import GENERATIONS, codec_of, document, succeeds
from pymacaron.codec.codec import Invalid
from pymacaron.codec.formats import Formats, SwaggerFormat
from pymacaron.codec.types import Types
from pymacaron.contract import Schema
from pymacaron.exceptions import ConfigError
from pymacaron.spec import read_contract

TABLE = json.loads((Path(__file__).parent / "tables" / "formats.json").read_text(encoding="utf-8"))


def rows(verdict: str) -> list[tuple[str, str]]:
    return [(name, text) for name, texts in TABLE.items() for text in texts[verdict]]


def verdicts(schema: Any, value: Any, generation: str = "3.1") -> set[bool]:
    """Return the verdicts of every way in."""
    codec = codec_of(generation, schema)
    return {
        succeeds(codec.decode, json.dumps(value).encode()),
        succeeds(codec.load, value),
        succeeds(codec.load_slowly, value),
        codec.accepts(value),
    }


@pytest.mark.parametrize(("name", "text"), rows("valid"))
def test_texts_of_a_format(name: str, text: str) -> None:
    """A text of the format is accepted, with a type beside it and without."""
    assert verdicts({"type": "string", "format": name}, text) == {True}
    assert verdicts({"format": name}, text) == {True}


@pytest.mark.parametrize(("name", "text"), rows("invalid"))
def test_other_texts(name: str, text: str) -> None:
    """Any other text is refused along every way in."""
    assert verdicts({"type": "string", "format": name}, text) == {False}
    assert verdicts({"format": name}, text) == {False}


@pytest.mark.parametrize("name", [*TABLE, "password", "binary", "int32", "no-such"])
def test_formats_are_about_texts(name: str) -> None:
    """Where no type stands, a format says nothing of values that it is not for."""
    others: list[Any] = [None, True, 1.5, [], {}]
    for value in others:
        assert verdicts({"format": name}, value) == {True}


@pytest.mark.parametrize("generation", GENERATIONS)
def test_python_values(generation: str) -> None:
    """The formats that have a Python type give it, and take it back."""
    values: dict[str, tuple[str, Any]] = {
        "date-time": (
            "2020-01-02T03:04:05.500000+02:00",
            datetime(2020, 1, 2, 3, 4, 5, 500000, tzinfo=timezone(timedelta(hours=2))),
        ),
        "date": ("2020-01-02", date(2020, 1, 2)),
        "uuid": ("2eb8aa08-aa98-11ea-b4aa-73b441d16380", UUID("2eb8aa08-aa98-11ea-b4aa-73b441d16380")),
        "byte": ("YWI=", b"ab"),
    }
    for name, (text, value) in values.items():
        codec = codec_of(generation, {"type": "string", "format": name})
        assert codec.decode(json.dumps(text).encode()) == codec.load(text) == codec.load(value) == value
        assert json.loads(codec.encode(value)) == text
        assert json.loads(codec.encode(text)) == text


def test_moments_are_written_in_their_own_zone() -> None:
    """UTC is written as Z; a leap second is the second after it; digits past the microsecond go."""
    codec = codec_of("3.1", {"type": "string", "format": "date-time"})
    assert codec.encode(datetime(2020, 1, 1, tzinfo=UTC)) == b'"2020-01-01T00:00:00Z"'
    assert codec.decode(b'"1998-12-31T23:59:60Z"') == datetime(1999, 1, 1, tzinfo=UTC)
    assert codec.decode(b'"2020-01-01T00:00:00.1234567Z"') == datetime(2020, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)


def test_values_that_have_no_form() -> None:
    """A naive datetime, bytes that are no text, and what is no number of JSON are refused when they are set."""
    for schema, value in (
        ({"type": "string", "format": "date-time"}, datetime(2020, 1, 1)),
        ({"type": "string", "format": "binary"}, b"\xff"),
        ({"type": ["number", "null"]}, float("nan")),
        ({}, object()),
    ):
        codec = codec_of("3.1", schema)
        with pytest.raises(Invalid):
            codec.encode(value)


def test_own_formats() -> None:
    """A service's own format converts and checks texts and numbers, and is written by its to_wire."""
    money = SwaggerFormat("money", to_python=Decimal, to_wire=str, validate=lambda text: Decimal(text))
    percent = SwaggerFormat("percent", to_python=lambda n: n / 100, to_wire=lambda n: n * 100, validate=_percent)
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string", "format": "money"}, "b": {"type": "number", "format": "percent"}},
    }
    types = Types(read_contract(document("2.0", Probed=schema), "probe"), formats=Formats([money, percent]))
    codec = types.codec(Schema(ref="Probed"), "any")
    made = codec.decode(b'{"a": "1.50", "b": 50}')
    assert (made.a, made.b) == (Decimal("1.50"), 0.5)
    assert json.loads(codec.encode(made)) == {"a": "1.50", "b": 50.0}
    made.a = Decimal("2.5")
    assert json.loads(codec.encode(made))["a"] == "2.5"
    for bad in (b'{"a": "x"}', b'{"b": 101}', b'{"a": 1}'):
        with pytest.raises(Invalid):
            codec.decode(bad)


BYTE = {"type": "string", "format": "byte"}


@pytest.mark.parametrize("word", ["anyOf", "oneOf"])
def test_formats_below_choices(word: str) -> None:
    """A typed value in a choice is written by the one branch that has its format, in lists and objects too."""
    money = SwaggerFormat("money", to_python=Decimal, to_wire=str, validate=lambda text: Decimal(text))
    value = {"type": "string", "format": "money"}
    binary = {"type": "string", "format": "binary"}
    branches = [value, {"type": "array", "items": {"anyOf": [value, binary, BYTE]}}, {"type": "boolean"}]
    schema = {
        "type": "object",
        "properties": {"a": {word: [*branches, {"type": "object", "additionalProperties": value}]}},
    }
    types = Types(read_contract(document("3.1", Probed=schema), "probe"), formats=Formats([money]))
    codec = types.codec(Schema(ref="Probed"), "any")
    for plain, typed in (("1.50", Decimal("1.50")), (["é"], ["é".encode()]), ({"x": "1.50"}, {"x": Decimal("1.50")})):
        made = codec.load({"a": plain})
        assert made.a == typed
        assert json.loads(codec.encode(made)) == {"a": plain}


def test_formats_of_the_first_items() -> None:
    """A typed value in an array is written by the schema of its place."""
    schema = {
        "type": "array",
        "prefixItems": [{"type": "string", "format": "binary"}, BYTE],
        "items": {"type": "string"},
    }
    codec = codec_of("3.1", schema)
    for plain in ([], ["é"], ["é", "/w=="], ["é", "/w==", "x", "y"]):
        assert json.loads(codec.encode(codec.load(plain))) == plain
    assert codec.load(["é", "/w==", "x"]) == ["é".encode(), b"\xff", "x"]


def _percent(number: Any) -> None:
    if not 0 <= number <= 100:
        raise ValueError("not a percentage")


def test_own_format_must_be_complete() -> None:
    """An object that is no format is refused, and what it lacks is named."""
    with pytest.raises(ConfigError, match="to_wire"):
        Formats([object()])  # type: ignore[list-item]  # the mistake under test


# The oracle: jsonschema's own checkers.

NEAR = {
    "date": st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9]", fullmatch=True),
    "date-time": st.from_regex(
        r"[0-9]{4}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9]"
        r"(\.[0-9]{1,9})?([Zz]|[+-][0-2][0-9]:[0-6][0-9])?",
        fullmatch=True,
    ),
    "uuid": st.from_regex(r"[0-9a-fA-F]{7,9}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", fullmatch=True),
    "ipv4": st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){2,4}", fullmatch=True),
}


@pytest.mark.parametrize("name", NEAR)
@settings(max_examples=150, deadline=None, database=None)
@given(data=st.data())
def test_same_as_jsonschema(name: str, data: st.DataObject) -> None:
    """The verdict is that of jsonschema's checkers, but for what is listed.

    A second 60 at the end of a UTC day is RFC 3339's leap second, which they refuse; the year 0000 has no datetime
    in Python, which they do not mind in a date-time.
    """
    text = data.draw(NEAR[name])
    theirs = FormatChecker(formats=[name]).conforms(text, name)
    if name == "date-time" and (text[17:19] == "60" or text.startswith("0000")):
        return
    assert verdicts({"type": "string", "format": name}, text) == {theirs}
