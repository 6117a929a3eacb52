"""Values of JSON as attribute values."""

from __future__ import annotations

import json
from decimal import Context, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pymacaron_dynamodb.wire import (
    WHOLE,
    NeedsNotes,
    Notes,
    NotStorable,
    Octets,
    Wire,
    amend,
    from_wire,
    read_number,
    same,
    set_to_wire,
    to_wire,
)
from random_objects import ANYTHING

LONG = 10**38 + 1
_EXACT = Context(prec=400)


def stored(wire: Wire) -> Wire:
    """Return an attribute value as DynamoDB gives it back: numbers in its own form, maps in any order.

    What it would refuse fails here: numbers of more than 38 digits or out of range, and empty names (Developer Guide,
    "Supported data types").
    """
    ((kind, value),) = wire.items()
    if kind == "N":
        exact = _EXACT.create_decimal(value).normalize(_EXACT)
        assert len(exact.as_tuple().digits) <= 38
        assert not exact or Decimal("1e-130") <= abs(exact) <= Decimal("9." + "9" * 37 + "e125")
        return {"N": format(exact, "f")}
    if kind == "M":
        assert "" not in value
        return {"M": {name: stored(value[name]) for name in sorted(value, reverse=True)}}
    return {"L": [stored(item) for item in value]} if kind == "L" else wire


def written(value: Any) -> tuple[Wire, Notes]:
    """Write a value, with the notes that it needs."""
    try:
        return to_wire(value), {}
    except NeedsNotes:
        notes: Notes = {}
        return to_wire(value, notes), notes


def text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@given(ANYTHING)
def test_inverse(value: Any) -> None:
    """With its notes, what is read is what was written, byte for byte, but for the order of objects."""
    wire, notes = written(value)
    found = stored(wire)
    read = {"all": from_wire(found)}
    for pointer, note in notes.items():
        amend(read, {"M": {"all": found}}, f"{WHOLE}/all{pointer.removeprefix(WHOLE)}", note)
    assert text(read["all"]) == text(value)


@given(ANYTHING)
def test_notes_are_written_only_where_they_are_needed(value: Any) -> None:
    """Without notes, reading alone gives what was written."""
    wire, notes = written(value)
    assert bool(notes) == (text(from_wire(stored(wire))) != text(value))


@pytest.mark.parametrize(
    ("value", "wire", "notes"),
    [
        (None, {"NULL": True}, {}),
        (True, {"BOOL": True}, {}),
        ("", {"S": ""}, {}),
        (Octets("AP8=", b"\x00\xff"), {"B": b"\x00\xff"}, {}),
        ([], {"L": []}, {}),
        ({}, {"M": {}}, {}),
        (2**53 + 1, {"N": "9007199254740993"}, {}),
        (10**125, {"N": "1" + "0" * 125}, {}),
        (10**38 + 1, {"S": "1" + "0" * 37 + "1"}, {"value": "1" + "0" * 37 + "1"}),
        (1.5, {"N": "1.5"}, {}),
        (1.0, {"N": "1.0"}, {"value": "1.0"}),
        (-0.0, {"N": "0"}, {"value": "-0.0"}),
        (5e-324, {"S": "5e-324"}, {"value": "5e-324"}),
        ([2, {"a/b~c": 2.0}], {"L": [{"N": "2"}, {"M": {"a/b~c": {"N": "2.0"}}}]}, {"value/1/a~1b~0c": "2.0"}),
        ({"": 1}, {"S": '{"":1}'}, {"value": '{"":1}'}),
        ({"a": {"": Octets("AA==", b"\0")}}, {"M": {"a": {"S": '{"":"AA=="}'}}}, {"value/a": '{"":"AA=="}'}),
    ],
)  # fmt: skip
def test_forms(value: Any, wire: Wire, notes: Notes) -> None:
    """Each type has its form; what the form does not say stands in a note."""
    assert written(value) == (wire, notes)


def test_depth() -> None:
    """What nests deeper than DynamoDB does is stored as a text from there on."""
    value: Any = "x"
    for _ in range(40):
        value = [value]
    wire, notes = written(value)
    found, depth = wire, 0
    while "L" in found:
        (found,), depth = found["L"], depth + 1
    assert depth == 32
    ((pointer, note),) = notes.items()
    assert (found, pointer) == ({"S": "[" * 8 + '"x"' + "]" * 8}, WHOLE + "/0" * 32)
    read = {"all": from_wire(wire)}
    amend(read, {"M": {"all": wire}}, f"{WHOLE}/all{pointer.removeprefix(WHOLE)}", note)
    assert read["all"] == value


@pytest.mark.parametrize("value", [object(), (1,), b"x", {1, 2}])
def test_no_form(value: Any) -> None:
    """What JSON does not hold has no form."""
    with pytest.raises(NotStorable, match=f"a {type(value).__name__} has no form in DynamoDB"):
        to_wire(value)


def test_notes_of_values_that_changed() -> None:
    """A note of something that is stored otherwise by now, or gone, changes nothing."""
    wires: list[Wire] = [{"L": [{"N": "2"}]}, {"L": []}, {"M": {"0": {"S": "1.0"}}}, {"NS": ["2"]}, {"S": "x"}]
    for wire in wires:
        value = from_wire(wire)
        read = {"all": value}
        amend(read, {"M": {"all": wire}}, f"{WHOLE}/all/0", "1.0")
        assert repr(read["all"]) == repr(from_wire(wire))


def test_sets() -> None:
    """A set has one type of members, each there once; a number that N cannot hold makes it a list."""
    assert set_to_wire(["b", "a", ""]) == {"SS": ["b", "a", ""]}
    assert set_to_wire([Octets("AA==", b"\0")]) == {"BS": [b"\0"]}
    with pytest.raises(NeedsNotes):
        set_to_wire([1.0])
    notes: Notes = {}
    assert set_to_wire([1.0, 2], notes) == {"NS": ["1.0", "2"]}
    assert notes == {"value/1.0": "1.0"}
    notes = {}
    assert set_to_wire([1.0, LONG], notes) == {"L": [{"N": "1.0"}, {"S": str(LONG)}]}
    assert notes == {"value/0": "1.0", "value/1": str(LONG)}
    for wrong in ([], ["a", 1], [None], [["a"]]):
        with pytest.raises(NotStorable, match="a set holds texts, numbers or bytes, all of one kind"):
            set_to_wire(wrong)
    for twice in (["a", "a"], [1, 1]):
        with pytest.raises(NotStorable, match="nothing twice"):
            set_to_wire(twice)


@given(
    st.one_of(
        st.integers(-(10**38) + 1, 10**38 - 1), st.floats(-1e100, 1e100).filter(lambda n: not 0 < abs(n) < 1e-130)
    )
)
def test_numbers(number: float) -> None:
    """Numbers are read as they were written, whichever form DynamoDB gives them."""
    wire = to_wire(number, {})
    assert read_number(wire["N"]) == read_number(stored(wire)["N"])
    assert type(number)(read_number(wire["N"])) == number
    assert same(wire, stored(wire))
    assert not same(wire, {"S": wire["N"]})
    assert same(None, None)


def test_types() -> None:
    """Sets are read as sorted lists, and what is no attribute value is refused."""
    octets: list[bytes] = []
    wire = {"M": {"a": {"SS": ["b", "a"]}, "b": {"NS": ["10", "9.5"]}, "c": {"BS": [b"b", b"a"]}, "d": {"B": b"x"}}}
    assert from_wire(wire, octets) == {"a": ["a", "b"], "b": [9.5, 10], "c": [b"a", b"b"], "d": b"x"}
    assert octets == [b"a", b"b", b"x"]
    with pytest.raises(NotStorable, match="'X' is no type of DynamoDB"):
        from_wire({"X": 1})
