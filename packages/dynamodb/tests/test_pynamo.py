"""Tables as model classes of PynamoDB."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pynamodb.exceptions import DoesNotExist, PutError

import shop
from pymacaron_dynamodb import ItemInvalid

if TYPE_CHECKING:
    from pymacaron_dynamodb.database import Database

PLACED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def order(database: Database) -> Any:
    """Return the class of orders, with one order in its table."""
    kind: Any = shop.load({"Order": shop.ORDER, "Line": shop.LINE}).Order
    kind(id="o", owner="ann", placed=PLACED, count=3, price=1.5, tags=["a", "b"], photo=b"\xff", paid=True).save_to_db()
    kind(id="p", owner="bob", placed=PLACED, count=1).save_to_db()
    return kind


def test_get(order: Any) -> None:
    """`get` finds an item by a key as the schema has it; its attributes are what JSON holds, and bytes."""
    found = order.get_table().get("o", consistent_read=True)
    assert (found.id, found.owner, found.count_, found.price) == ("o", "ann", 3, 1.5)
    assert (found.tags, found.photo, found.paid, found.version) == (["a", "b"], b"\xff", True, 1)
    assert found.placed == "2026-01-02T03:04:05.000000Z"
    with pytest.raises(DoesNotExist):
        order.get_table().get("none")


def test_queries(order: Any) -> None:
    """Tables and indexes are queried, on conditions whose values are those of the schema."""
    table = order.get_table()
    assert [each.id for each in table.query("o", filter_condition=table.tags.contains("a"))] == ["o"]
    assert [each.id for each in table.by_owner.query("ann", table.placed == PLACED)] == ["o"]
    assert not list(table.by_owner.query("ann", table.placed > PLACED))
    assert {each.id for each in table.scan((table.count_ > 1) | table.owner.startswith("b"))} == {"o", "p"}
    assert table.count("o") == 1


def test_saves(order: Any) -> None:
    """What is saved through it can be loaded as an object, and what an object saved, through it."""
    table = order.get_table()
    made = table("q", owner="cy", placed=PLACED, count_=2**60, price=2.5, tags=["x"], photo=b"\x00", paid=False)
    made.lines = [{"sku": "a", "qty": 1.5}]
    made.save()
    found = order.load_from_db("q")
    assert found.to_json() == {
        "id": "q",
        "owner": "cy",
        "placed": "2026-01-02T03:04:05Z",
        "count": 2**60,
        "price": 2.5,
        "tags": ["x"],
        "photo": "AA==",
        "paid": False,
        "lines": [{"sku": "a", "qty": 1.5}],
    }
    with pytest.raises(PutError):
        made.save(condition=table.id.does_not_exist())
    made.update(actions=[table.count_.set(table.count_ + 1), table.owner.remove()])
    assert order.load_from_db("q").count == 2**60 + 1
    made.delete()
    assert not order.has_item("q")


def test_batches_and_refresh(order: Any) -> None:
    """Batches and `refresh` work as on any model of PynamoDB."""
    table = order.get_table()
    assert {each.id for each in table.batch_get(["o", "p", "none"])} == {"o", "p"}
    with table.batch_write() as batch:
        batch.save(table("r", owner="dan"))
        batch.delete(table("p"))
    assert (order.has_item("r"), order.has_item("p")) == (True, False)
    found = table("r")
    found.refresh()
    assert found.owner == "dan"


def test_wrong_values(order: Any) -> None:
    """A value that breaks the schema is refused before it is sent."""
    table = order.get_table()
    with pytest.raises(ItemInvalid, match=r"Order\.count: 'many' is not of type integer|Order\.count"):
        list(table.scan(table.count_ == "many"))
    with pytest.raises(ItemInvalid, match=r"Order\.id: 5 is not of type string"):
        table.get(5)


def test_it_is_made_once(order: Any) -> None:
    """One class is made for each table, so that its conditions compare as PynamoDB's do."""
    assert order.get_table() is order.get_table()
