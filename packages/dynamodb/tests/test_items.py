"""Objects as items, and items that other code wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import shop
from differences import differs
from pymacaron_dynamodb import ItemTooLarge, StoredItemInvalid
from pymacaron_dynamodb.binding import binding_of
from pymacaron_dynamodb.sizes import LIMIT, size_of_item

if TYPE_CHECKING:
    from engines import Engine
    from pymacaron_dynamodb.database import Database

TEXT = {"type": "string"}
TABLE = {"name": "things", "hash": "id"}


def thing_of(properties: dict[str, Any] | None = None, table: dict[str, Any] | None = None, **more: Any) -> Any:
    """Load a contract of a model with these properties and keywords; return its class."""
    schema = {
        "type": "object",
        "properties": {"id": TEXT, **(properties or {})},
        "x-pym-table": {**TABLE, **(table or {})},
        **more,
    }
    return shop.load({"Thing": schema}).Thing


def write(thing: Any, **attributes: Any) -> None:
    """Write an item as other code does, without this package's knowledge of its schema."""
    binding = binding_of(thing)
    binding.database.call("PutItem", {"TableName": binding.table, "Item": {"id": {"S": "k"}, **attributes}})


def read(thing: Any) -> dict[str, Any]:
    """Return the item as it stands in the table."""
    binding = binding_of(thing)
    found: dict[str, Any] = binding.database.call(
        "GetItem", {"TableName": binding.table, "Key": {"id": {"S": "k"}}, "ConsistentRead": True}
    )["Item"]
    return found


FOREIGN: dict[str, Any] = {
    "text": {"S": "x"},
    "number": {"N": "1.5"},
    "octets": {"B": b"\x00\xff"},
    "texts": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2.5"]},
    "blobs": {"BS": [b"a", b"\xff"]},
    "map": {"M": {"deep": {"L": [{"B": b"\xff"}, {"NULL": True}]}}},
}


def same(item: dict[str, Any], other: dict[str, Any]) -> bool:
    """Compare attribute values; the members of sets are in any order."""

    def plain(wire: dict[str, Any]) -> Any:
        ((kind, value),) = wire.items()
        return (kind, sorted(value)) if kind in ("SS", "NS", "BS") else (kind, value)

    return {n: plain(w) for n, w in item.items()} == {n: plain(w) for n, w in other.items()}


CLOSED: list[dict[str, Any]] = [
    {"additionalProperties": False},
    {"unevaluatedProperties": False},
    {"additionalProperties": False, "patternProperties": {"^x-": TEXT}},
]


@pytest.mark.parametrize("closing", CLOSED)
def test_attributes_of_other_code(database: Database, closing: dict[str, Any]) -> None:
    """Attributes that a closed schema has no place for are kept over load and save, and never shown."""
    thing = thing_of({"a": TEXT}, **closing)
    write(thing, a={"S": "b"}, **FOREIGN)
    before = read(thing)
    found = thing.load_from_db("k")
    assert found.to_json() == {"id": "k", "a": "b"}
    for each in (found, found.clone()):
        each.a = "c"
        each.save_to_db()
        assert same(read(thing), {**before, "a": {"S": "c"}})


def test_attributes_of_other_code_in_an_open_schema(database: Database) -> None:
    """In an open schema they are additional properties where JSON can hold them, and else kept aside."""
    thing = thing_of(additionalProperties=True)
    write(thing, **FOREIGN)
    before = read(thing)
    found = thing.load_from_db("k")
    assert found.to_json() == {"id": "k", "text": "x", "number": 1.5}
    found.save_to_db()
    assert same(read(thing), before)


def test_patterns(database: Database) -> None:
    """A property that a pattern allows is one of the object, though the schema is closed otherwise."""
    thing = thing_of(additionalProperties=False, patternProperties={"^x-": TEXT})
    made = thing.from_json({"id": "k", "x-a": "b"})
    made.save_to_db()
    assert thing.load_from_db("k") == made
    write(thing, **{"x-a": {"N": "1"}})
    with pytest.raises(StoredItemInvalid, match="/x-a: 1 is not of type string"):
        thing.load_from_db("k")


def test_wrong_types(database: Database) -> None:
    """Each wrong type is told, with table, key and property."""
    whole = {"type": "integer"}
    thing = thing_of({"count": whole, "rows": {"type": "array", "items": whole}, "name": TEXT})
    write(thing, count={"S": "many"}, rows={"L": [{"N": "1"}, {"S": "x"}]}, name={"B": b"\xff"})
    with pytest.raises(StoredItemInvalid) as caught:
        thing.load_from_db("k")
    assert f"the table '{binding_of(thing).table}' has an item id='k' that breaks the schema of Thing" in str(
        caught.value
    )
    assert {each["pointer"] for each in caught.value.errors or ()} == {"/count", "/rows/1", "/name"}
    assert '/count: "many" is not of type integer' in str(caught.value)
    assert "upgrade" not in str(caught.value)


def test_missing_properties(database: Database) -> None:
    """A required property that an item lacks is told, with what one does about items of an older form."""
    thing = thing_of({"name": TEXT}, required=["id", "name"])
    write(thing)
    with pytest.raises(StoredItemInvalid, match=r"name.*; where items of an older form lack it, count item_version up"):
        thing.load_from_db("k")


def test_sets_of_other_code(database: Database) -> None:
    """A set that stands where the schema has an array is read as a list, sorted."""
    thing = thing_of({"tags": {"type": "array", "items": TEXT}, "sizes": {"type": "array", "items": {}}})
    write(thing, tags={"SS": ["b", "a"]}, sizes={"NS": ["10", "9", "0.5"]})
    assert thing.load_from_db("k").to_json() == {"id": "k", "tags": ["a", "b"], "sizes": [0.5, 9, 10]}


def test_changes_of_other_code(database: Database) -> None:
    """Where other code changes a value, what this package noted of the old one counts no more."""
    thing = thing_of({"price": {"type": "number"}, "rows": {"type": "array", "items": {}}, "tags": {}})
    thing(id="k", price=1.0, rows=[1.0, 2.0, 10**40], tags={"a": 1.0}).save_to_db()
    write(thing, **{**read(thing), "price": {"N": "2"}, "rows": {"L": [{"N": "1"}, {"S": "x"}]}, "tags": {"S": "no"}})
    found = thing.load_from_db("k").to_json()
    assert repr(found) == repr({"id": "k", "price": 2, "rows": [1.0, "x"], "tags": "no"})


@pytest.mark.parametrize(
    "notes", [{"S": "x"}, {"M": {"value": {"N": "1"}}}, {"M": {"value": {"S": "{"}}}, {"M": {"value": {"S": '"'}}}]
)
def test_notes_of_other_code(database: Database, notes: dict[str, Any]) -> None:
    """An attribute that looks like a note, and is none, is told."""
    thing = thing_of({"a": TEXT})
    write(thing, a={"S": "x"}, **{"pym:a": notes})
    with pytest.raises(StoredItemInvalid, match=r"has an item id='k' with attributes pym:… that this package did not"):
        thing.load_from_db("k")


PET = {
    "type": "object",
    "required": ["id", "kind"],
    "properties": {"id": TEXT, "kind": TEXT},
    "discriminator": {"propertyName": "kind"},
    "x-pym-table": {"name": "pets", "hash": "id"},
}
CAT = {
    "allOf": [
        {"$ref": "#/components/schemas/Pet"},
        {
            "type": "object",
            "properties": {
                "lives": {"type": "integer", "default": 9},
                "photo": {"type": "string", "format": "byte"},
                "price": {"type": "number"},
            },
        },
    ],
}


@pytest.mark.parametrize("closing", [{}, {"type": "object", "unevaluatedProperties": False}])
def test_subtypes(database: Database, closing: dict[str, Any]) -> None:
    """An object of a subtype is loaded by the base as the subtype, with what its own properties need."""
    api: Any = shop.load({"Pet": PET, "Cat": {**CAT, **closing}})
    made = api.Cat(id="k", kind="Cat", photo=b"\xff", price=1.0)
    del made.lives
    made.save_to_db()
    assert read(api.Pet)["photo"] == {"B": b"\xff"}
    found = api.Pet.load_from_db("k")
    assert type(found) is api.Cat
    assert repr(found.to_json()) == repr(made.to_json())
    assert found.lives is None
    item = read(api.Pet)
    write(api.Pet, **{**item, "octets": {"B": b"x"}})
    again = api.Pet.load_from_db("k")
    assert again == made
    again.save_to_db()
    assert read(api.Pet) == {**item, "octets": {"B": b"x"}}


def test_items_up_to_the_limit(database: Database, engine: Engine) -> None:
    """An item of 400 KB is saved; one byte more is refused, and its largest property named."""
    limit = 405_000 if differs(engine, "smaller-items") else LIMIT
    thing = thing_of({"text": TEXT, "other": TEXT})
    rest = size_of_item({"id": {"S": "k"}, "text": {"S": ""}, "other": {"S": "y" * 1000}})
    made = thing(id="k", text="ä" * ((limit - rest) // 2) + "x" * ((limit - rest) % 2), other="y" * 1000)
    made.save_to_db()
    assert size_of_item(read(thing)) == limit
    assert thing.load_from_db("k") == made
    made.other += "y"
    with pytest.raises(ItemTooLarge) as caught:
        made.save_to_db()
    shown = f"Thing id='k' cannot be stored in the table '{binding_of(thing).table}': the item has about {limit + 1:,}"
    assert str(caught.value).startswith(f"{shown} bytes, and DynamoDB takes 409,600; 'text' alone has")
    assert caught.value.status == 413
    assert thing.load_from_db("k").other == "y" * 1000


def test_what_makes_an_item_larger_than_its_json(database: Database) -> None:
    """Notes, and attributes that were kept aside, count as well."""
    thing = thing_of({"numbers": {"type": "array", "items": {"type": "number"}}}, additionalProperties=False)
    made = thing(id="k", numbers=[1.0] * 26000)
    with pytest.raises(ItemTooLarge, match="'numbers' alone has 4"):
        made.save_to_db()
    write(thing, octets={"B": b"x" * 400_000})
    found = thing.load_from_db("k")
    found.numbers = list(range(5000))
    with pytest.raises(ItemTooLarge, match="'octets' alone has 400,006"):
        found.save_to_db()
