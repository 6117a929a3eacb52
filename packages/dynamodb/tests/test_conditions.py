"""Conditions of writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import shop
from pymacaron_dynamodb import ConditionFailed, ItemInvalid
from pymacaron_dynamodb.binding import binding_of
from pymacaron_dynamodb.conditions import (
    Expression,
    Named,
    all_of,
    condition_arguments,
    equals,
    key_exists,
    key_is_free,
    version_is,
)

if TYPE_CHECKING:
    from pymacaron_dynamodb.database import Database

#: Names that PynamoDB's paths would take apart.
NAMES = ("a", "b.c", "d[0]", "e]", "#f", ":g", "with space", "é", "size")


@pytest.fixture
def thing(database: Database) -> Any:
    """Return a class whose table is there."""
    text = {"type": "string"}
    schema = {
        "type": "object",
        "properties": {**dict.fromkeys(NAMES, text), "k.e[y]": text, "n": {"type": "integer"}},
        "x-pym-table": {"name": "things", "hash": "k.e[y]", "version": "n"},
    }
    return shop.load({"Thing": schema}).Thing


@pytest.mark.parametrize("name", NAMES)
def test_names(thing: Any, name: str) -> None:
    """A condition is about the property of just that name, whatever is in it; so is a key."""
    made = thing.from_json({"k.e[y]": "k", name: "x"})
    made.save_to_db()
    assert thing.has_item("k")
    assert not thing.has_item("j")
    made.save_to_db(only_if={name: "x"})
    for wrong in ({name: "y"}, {name: None}):
        with pytest.raises(ConditionFailed):
            made.save_to_db(only_if=wrong)
    del made[name]
    made.save_to_db()
    made.save_to_db(only_if={name: None})
    assert made.n == 4
    made.delete_from_db(only_if={name: None})
    assert not thing.has_item("k")


def test_expressions(thing: Any) -> None:
    """Conditions of one request share names and values; they can be joined with PynamoDB's."""
    codec = binding_of(thing).codec
    joined = all_of([version_is(codec, 3), None, key_exists(codec), equals(codec, "a", "x"), Named(["a"]).exists()])
    assert condition_arguments(joined) == {
        "ConditionExpression": "(((#0 = :0 AND attribute_exists (#1)) AND #2 = :1) AND attribute_exists (#2))",
        "ExpressionAttributeNames": {"#0": "n", "#1": "k.e[y]", "#2": "a"},
        "ExpressionAttributeValues": {":0": {"N": "3"}, ":1": {"S": "x"}},
    }
    assert condition_arguments(~key_is_free(codec) | version_is(codec, None)) == {
        "ConditionExpression": "((NOT attribute_not_exists (#0)) OR attribute_not_exists (#1))",
        "ExpressionAttributeNames": {"#0": "k.e[y]", "#1": "n"},
    }
    assert condition_arguments(all_of([None])) == {}
    assert Expression().add("FilterExpression", None).arguments() == {}
    assert repr(version_is(codec, 3)) == "n = {'N': '3'}"
    assert repr(version_is(codec, None)) == "attribute_not_exists (n)"


def test_wrong_conditions(thing: Any) -> None:
    """What cannot hold of any item is refused before it is sent."""
    made = thing.from_json({"k.e[y]": "k"})
    with pytest.raises(ItemInvalid, match="only_if is empty; name a property, or leave it out"):
        made.save_to_db(only_if={})
    with pytest.raises(ItemInvalid, match=r"Thing\.a: 5 is not of type string"):
        made.save_to_db(only_if={"a": 5})
    assert made.n is None
