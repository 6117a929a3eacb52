"""Objects that are saved, loaded and deleted."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

import shop
from pymacaron_dynamodb import ConditionFailed, DynamoDBItemNotFound, ItemInvalid, StaleWrite
from pymacaron_dynamodb.binding import binding_of

if TYPE_CHECKING:
    from pymacaron_dynamodb.database import Database


@pytest.fixture
def order(database: Database) -> Any:
    """Return the class of orders, whose table is there."""
    return shop.load({"Order": shop.ORDER, "Line": shop.LINE}).Order


FULL: dict[str, Any] = {
    "id": "o/1",
    "owner": "ann",
    "placed": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=2))),
    "expires": datetime(2099, 1, 1, tzinfo=UTC),
    "day": date(2026, 1, 2),
    "key": UUID("12345678-1234-5678-1234-567812345678"),
    "photo": b"\x00\xff",
    "price": 1.0,
    "count": 2**70,
    "note": None,
    "paid": False,
    "tags": ["a", "b"],
    "sizes": [1.0, 2.5],
    "lines": [{"sku": "x", "qty": 2.0, "seal": "AP8="}, {"sku": "", "qty": 1e300}],
    "extra": {"a/b~c": [1.0, None, "", {}, [], True, 10**60, -0.0, 1e22]},
    "labels": {"x": 1},
    "more": {"any": ["thing"]},
}


def test_everything_comes_back_as_it_was(order: Any) -> None:
    """A loaded object is equal to the saved one, byte for byte in JSON, types and all."""
    made = order(**FULL)
    made.save_to_db()
    assert made.version == 1
    found = order.load_from_db("o/1")
    assert found == made
    assert repr(found.to_json()) == repr(made.to_json())
    assert found.to_json()["extra"] == FULL["extra"]
    assert type(found.lines[0]) is type(made.lines[0])
    assert found.photo == b"\x00\xff"


def test_unset_is_not_null_nor_default(order: Any) -> None:
    """What is unset comes back unset, even where there is a default; null comes back as null."""
    made = order(id="o", note=None)
    del made.paid
    made.save_to_db()
    found = order.load_from_db("o")
    assert found.to_json() == {"id": "o", "note": None, "version": 1}
    assert "note" in found
    assert found.paid is None


def test_nothing_of_a_key_of_an_index(order: Any) -> None:
    """What cannot be a key of an index, the empty text, comes back nevertheless; so do empty sets."""
    made = order(id="o", owner="", tags=[], sizes=[])
    made.save_to_db()
    assert order.load_from_db("o") == made


def test_items_and_their_keys(order: Any) -> None:
    """A key that is not there is a 404; `has_item` tells, and a deleted item is gone."""
    made = order(id="o")
    assert not order.has_item("o")
    with pytest.raises(DynamoDBItemNotFound, match="there is no Order id='o' of the table") as error:
        order.load_from_db("o")
    assert error.value.status == 404
    made.save_to_db()
    assert order.has_item("o")
    made.delete_from_db()
    assert not order.has_item("o")


def test_stale_writes(order: Any) -> None:
    """Of two who read the same version the second one's write is refused, and changes nothing."""
    order(id="o", count=1).save_to_db()
    one, other = order.load_from_db("o"), order.load_from_db("o")
    one.count = 2
    one.save_to_db()
    other.count = 3
    with pytest.raises(StaleWrite, match="it has version 2 now, and this is version 1; read it again"):
        other.save_to_db()
    assert other.version == 1
    with pytest.raises(StaleWrite, match="has version 2 now"):
        other.delete_from_db()
    other.reload_from_db()
    assert (other.count, other.version) == (2, 2)
    other.delete_from_db()
    with pytest.raises(StaleWrite, match="somebody may have deleted it"):
        one.save_to_db()


def test_an_object_that_was_never_read(order: Any) -> None:
    """A new object does not take the place of an item that is there, nor of its version."""
    order(id="o", count=1).save_to_db()
    new = order(id="o", count=5)
    with pytest.raises(StaleWrite, match="has version 1 now, and this is one that was never read"):
        new.save_to_db()
    assert order.load_from_db("o").count == 1
    assert new.version is None


def test_conditions(order: Any) -> None:
    """`only_if` is held against the item as it is: values, unset properties, and conditions of PynamoDB."""
    made = order(id="o", count=1, owner="ann")
    made.save_to_db()
    made.save_to_db(only_if={"count": 1, "owner": "ann", "price": None, "paid": False})
    made.save_to_db(only_if=order.get_table().count_ > 0)
    for wrong in ({"count": 2}, {"owner": None}, order.get_table().count_ > 1):
        with pytest.raises(ConditionFailed, match="what only_if asks for does not hold"):
            made.save_to_db(only_if=wrong)
    assert made.version == 3
    made.owner = ""
    made.save_to_db(only_if={"owner": "ann"})
    with pytest.raises(ConditionFailed):
        made.save_to_db(only_if={"owner": None})
    with pytest.raises(ConditionFailed):
        made.delete_from_db(only_if={"count": 2})
    made.delete_from_db(only_if={"count": 1})


def test_objects_that_cannot_be_stored(order: Any) -> None:
    """A key that is not set, empty or of another type is told by its name."""
    with pytest.raises(ItemInvalid, match="breaks its schema"):
        order(count=1).save_to_db()
    with pytest.raises(ItemInvalid, match=r"Order.id cannot be stored: '' cannot be a key of the table"):
        order(id="").save_to_db()
    with pytest.raises(ItemInvalid, match=r"Order.id: 5 is not of type string"):
        order.load_from_db(5)
    with pytest.raises(ItemInvalid, match="has no sort key; 'x' was given"):
        order.load_from_db("o", "x")
    with pytest.raises(ItemInvalid, match=r"pym: or pym\. are taken"):
        order(id="o", **{"pym:x": 1}).save_to_db()


@pytest.mark.parametrize("take", [copy.copy, lambda o: o.clone(), lambda o: pickle.loads(pickle.dumps(o))])
def test_copies_know_that_they_were_read(order: Any, take: Any) -> None:
    """A copy of an object that was read may be saved in its place, with what was kept aside, even without a version."""
    binding = binding_of(order)
    item = {"id": {"S": "o"}, "octets": {"BS": [b"x"]}}
    binding.database.call("PutItem", {"TableName": binding.table, "Item": item})
    made = take(order.load_from_db("o"))
    made.owner = "ann"
    made.save_to_db()
    key = binding.codec.key("o")
    stored = binding.database.call("GetItem", {"TableName": binding.table, "Key": key, "ConsistentRead": True})["Item"]
    assert (stored["octets"], stored["owner"], stored["version"]) == ({"BS": [b"x"]}, {"S": "ann"}, {"N": "1"})
    with pytest.raises(StaleWrite, match="this is one that was never read"):
        order(id="o").save_to_db()
