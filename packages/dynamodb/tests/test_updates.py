"""Items changed in place by one request."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

import shop
from edge import Answer, edge
from proxy import Refused, proxy
from pymacaron_dynamodb import ConditionFailed, DynamoDBItemNotFound, ItemInvalid, StaleWrite
from pymacaron_dynamodb.binding import binding_of
from pymacaron_dynamodb.database import Database, set_database

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy import Body

COUNTER: dict[str, Any] = {
    "type": "object",
    "required": ["name", "kind", "state"],
    "additionalProperties": False,
    "x-pym-table": {"hash": "name", "range": "kind", "sets": ["tags"], "ttl": "until"},
    "properties": {
        "name": {"type": "string"},
        "kind": {"type": "integer"},
        "state": {"type": "string"},
        "hits": {"type": "integer", "minimum": 0, "maximum": 10},
        "left": {"type": "integer", "default": 5, "exclusiveMinimum": 0},
        "share": {"type": "number", "exclusiveMaximum": 1},
        "until": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 3}},
    },
}


@pytest.fixture
def api(database: Database) -> Any:
    """Return an API whose orders have versions, and whose counters have none."""
    return shop.load({"Order": shop.ORDER, "Line": shop.LINE, "Counter": COUNTER})


@pytest.fixture
def order(api: Any) -> Any:
    """Return the class of orders."""
    return api.Order


@pytest.fixture
def counter(api: Any) -> Any:
    """Return the class of counters, of which one is there."""
    api.Counter(name="c", kind=1, state="new").save_to_db()
    return api.Counter


def item_of(obj: Any) -> dict[str, Any]:
    """Return the item of an object as it is stored."""
    binding = binding_of(obj)
    request = binding.request(Key=binding.codec.key_of(obj), ConsistentRead=True)
    found: dict[str, Any] = binding.database.call("GetItem", request)["Item"]
    return found


def test_all_kinds_of_changes(order: Any) -> None:
    """One update sets, adds, takes out and unsets; the object is then as the item, and the rest of both stays."""
    made = order(id="o", owner="ann", count=1, price=2.5, note="x", tags=["a", "b"], labels={"x": 1}, more=1)
    made.save_to_db()
    made.owner = "lost"
    made.update(set={"extra": {"a": 1.0}, "more": 2}, add={"count": 2, "price": -0.5}, remove={"tags": ["a"]})
    assert made == order.load_from_db("o")
    assert made.to_json() == {
        "id": "o",
        "version": 2,
        "owner": "ann",
        "count": 3,
        "price": 2.0,
        "note": "x",
        "paid": False,
        "tags": ["b"],
        "labels": {"x": 1},
        "extra": {"a": 1.0},
        "more": 2,
    }
    made.update(set={"owner": None, "note": None}, add={"tags": ["c", "c"]}, unset=["paid", "more"])
    assert made == order.load_from_db("o")
    assert "owner" not in made
    assert "paid" not in made
    assert "more" not in made
    assert "note" in made
    assert made.tags == ["b", "c"]
    made.save_to_db()
    assert made.version == 4


def test_notes_follow_their_values(order: Any) -> None:
    """What attribute values cannot say is written down, and goes, with the value that it is about."""
    made = order(id="o", price=1.0, extra=[1.0], owner="", tags=["a"])
    made.save_to_db()
    made.update(set={"extra": [1], "owner": "ann"}, add={"price": 1}, remove={"tags": ["a"]})
    assert repr(made.to_json()["extra"]) == "[1]"
    assert made.tags == []
    assert made.owner == "ann"
    item = item_of(made)
    assert "pym:extra" not in item
    assert "pym:price" not in item
    assert "pym:owner" not in item
    made.update(set={"extra": 10**50, "price": 3.0, "owner": ""}, add={"tags": ["z"]})
    found = order.load_from_db("o")
    assert (found.extra, repr(found.price), found.owner, found.tags) == (10**50, "3.0", "", ["z"])


def test_the_time_of_expiry_follows(order: Any) -> None:
    """Where `ttl` is a date-time, the number that DynamoDB looks at changes and goes with it."""
    made = order(id="o")
    made.save_to_db()
    made.update(set={"expires": datetime(2099, 1, 1, tzinfo=UTC)})
    assert item_of(made)["pym.ttl"] == {"N": "4070908800"}
    made.update(unset="expires")
    assert "pym.ttl" not in item_of(made)


def test_stale_updates(order: Any) -> None:
    """An object that was read changes the version that it read, unless it is told to change any."""
    order(id="o", count=1).save_to_db()
    one, other = order.load_from_db("o"), order.load_from_db("o")
    one.update(add={"count": 1})
    with pytest.raises(StaleWrite, match="it has version 2 now, and this is version 1; read it again"):
        other.update(add={"count": 1})
    with pytest.raises(StaleWrite):
        other.update(add={"count": 1}, only_if={"count": 2})
    assert (other.count, other.version) == (1, 1)
    other.update(add={"count": 1}, any_version=True)
    assert (other.count, other.version) == (3, 3)
    with pytest.raises(StaleWrite):
        one.save_to_db()
    other.delete_from_db()
    with pytest.raises(StaleWrite, match="it is not there; somebody may have deleted it"):
        one.update(set={"count": 5})
    with pytest.raises(DynamoDBItemNotFound):
        one.update(set={"count": 5}, any_version=True)
    assert not order.has_item("o")


def test_an_object_that_was_never_read(order: Any) -> None:
    """It counts the item's version up, never anew, and makes no item out of nothing."""
    blind = order(id="o")
    with pytest.raises(DynamoDBItemNotFound, match="there is no Order id='o' of the table") as error:
        blind.update(set={"count": 1})
    assert error.value.status == 404
    assert not order.has_item("o")
    made = order(id="o", owner="ann")
    made.save_to_db()
    made.save_to_db()
    blind.update(set={"count": 1})
    assert (blind.version, blind.owner, blind.count) == (3, "ann", 1)
    with pytest.raises(StaleWrite):
        made.save_to_db()
    blind.save_to_db()
    assert blind.version == 4


def test_an_item_that_has_no_version_yet(order: Any) -> None:
    """Items of other code get their first version with their first update."""
    binding = binding_of(order)
    binding.database.call("PutItem", binding.request(Item={"id": {"S": "o"}}))
    one, other = order.load_from_db("o"), order.load_from_db("o")
    one.update(set={"count": 1})
    assert one.version == 1
    for act in (lambda: other.update(set={"count": 2}), other.save_to_db, other.delete_from_db):
        with pytest.raises(StaleWrite, match="it has version 1 now"):
            act()


def test_updates_by_key(counter: Any, order: Any) -> None:
    """A class changes the item of a key that nobody read, and returns its object."""
    found = counter.update_in_db("c", 1, add={"hits": 2}, set={"state": "old"})
    assert (found.name, found.kind, found.state, found.hits) == ("c", 1, "old", 2)
    order(id="o").save_to_db()
    assert order.update_in_db("o", add={"count": 1}).version == 2
    with pytest.raises(DynamoDBItemNotFound):
        counter.update_in_db("c", 2, add={"hits": 2})
    with pytest.raises(ItemInvalid, match="has the sort key 'kind'; none was given"):
        counter.update_in_db("c", add={"hits": 2})
    with pytest.raises(ItemInvalid, match="name: 5 is not of type string"):
        counter.update_in_db(5, 1, add={"hits": 2})


def test_sums_start_somewhere(counter: Any) -> None:
    """What is unset counts as its default, or 0; numbers are added as decimals."""
    made = counter.load_from_db("c", 1)
    del made.left
    made.save_to_db()
    made.update(add={"left": 1, "hits": 1, "share": 0.1})
    made.update(add={"share": 0.2, "until": 2**60})
    assert (made.left, made.hits, made.share, made.until) == (6, 1, 0.3, 2**60)


@pytest.mark.parametrize(
    ("add", "message"),
    [
        ({"hits": -1}, "hits is 0, and -1 more is less than the minimum 0"),
        ({"hits": 11}, "hits is 0, and 11 more is more than the maximum 10"),
        ({"left": -5}, "left is 5, and -5 more is not above 0"),
        ({"share": 1}, "share is 0, and 1 more is not below 1"),
    ],
)
def test_sums_keep_to_their_bounds(counter: Any, add: dict[str, Any], message: str) -> None:
    """A sum that would break a bound of its schema is not written, whatever the item holds by then."""
    made = counter.load_from_db("c", 1)
    with pytest.raises(ConditionFailed, match=message):
        made.update(add=add)
    made.update(add={"hits": 4, "left": 2, "share": 0.5})
    with pytest.raises(ConditionFailed, match="hits is 4, and 7 more is more than the maximum 10"):
        made.update(add={"hits": 7})
    made.update(add={"hits": 6})
    made.update(add={"hits": -10})
    assert (made.hits, made.left, made.share) == (0, 7, 0.5)


def test_conditions(counter: Any) -> None:
    """`only_if` is held against the item as it is; a claim is made once."""
    one, other = counter.load_from_db("c", 1), counter.load_from_db("c", 1)
    one.update(set={"state": "taken"}, only_if={"state": "new"})
    with pytest.raises(ConditionFailed, match="what only_if asks for does not hold") as error:
        other.update(set={"state": "taken"}, only_if={"state": "new"})
    assert error.value.status == 409
    other.update(set={"state": "done"}, only_if=counter.get_table().state == "taken")
    assert other.state == "done"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "changes nothing; give it set, add, remove or unset"),
        ({"set": {"name": "d"}}, "name is a key of the table .*; save another item, and delete this one"),
        ({"set": {"nome": "d"}}, "has no property 'nome'; did you mean 'name'"),
        ({"set": {"state": 5}}, "state: 5 is not of type string"),
        ({"set": {"hits": 11}}, "hits: 11 is more than 10"),
        ({"set": {"hits": 1}, "add": {"hits": 1}}, "hits is named by set and by add; name it once"),
        ({"set": {("tags", 0): "a"}}, "names .*'tags', 0.*; name a whole property"),
        ({"unset": ["state"]}, "state is required by the schema; set it to another value"),
        ({"set": {"state": None}}, "state is required"),
        ({"add": {"state": "x"}}, "state is neither a number nor a set"),
        ({"add": {"hits": 1.5}}, "hits is an integer; 1.5 cannot be added"),
        ({"add": {"hits": True}}, "hits is a number; True cannot be added"),
        ({"add": {"share": float("nan")}}, "share is a number; nan cannot be added"),
        ({"add": {"until": 10**38 + 1}}, "DynamoDB's numbers have 38 digits"),
        ({"add": {"tags": "abc"}}, "tags is a set; give a list of members, not 'abc'"),
        ({"add": {"tags": ["abcd"]}}, "tags cannot have that member: .*longer than 3"),
        ({"add": {"tags": []}}, "tags is to get or lose no member at all"),
        ({"remove": {"hits": [1]}}, "hits is no set; list it in the table's sets"),
    ],
)
def test_changes_that_cannot_be(counter: Any, changes: dict[str, Any], message: str) -> None:
    """What breaks the schema, or cannot be changed so, is refused by name before anything is sent."""
    made = counter.load_from_db("c", 1)
    with pytest.raises(ItemInvalid, match=message):
        made.update(**changes)
    assert counter.load_from_db("c", 1) == made


def test_the_version_is_nobody_elses(order: Any) -> None:
    """The property that counts the writes cannot be set."""
    with pytest.raises(ItemInvalid, match="version counts the writes of the item; leave it out"):
        order(id="o").update(set={"version": 7})


def test_items_of_other_code(counter: Any) -> None:
    """What is stored as something else is told with its value, and stays."""
    made = counter.load_from_db("c", 1)
    item = {**item_of(made), "hits": {"S": "many"}, "tags": {"L": [{"S": "a"}]}}
    binding = binding_of(counter)
    binding.database.call("PutItem", binding.request(Item=item))
    with pytest.raises(ConditionFailed, match="hits holds 'many', which is no number to add 1 to"):
        made.update(add={"hits": 1})
    for change in ({"add": {"tags": ["b"]}}, {"remove": {"tags": ["a"]}}):
        with pytest.raises(ConditionFailed, match="tags is stored as L, not as the set SS; load the item and save it"):
            made.update(**change)
    assert item_of(made) == item


def test_what_the_schema_has_no_place_for_stays(api: Any) -> None:
    """Attributes of other code outlive an update."""
    binding = binding_of(api.Counter)
    key = {"name": {"S": "d"}, "kind": {"N": "1"}}
    binding.database.call("PutItem", binding.request(Item={**key, "state": {"S": "x"}, "theirs": {"BS": [b"1"]}}))
    made = api.Counter.update_in_db("d", 1, set={"state": "y"})
    assert item_of(made)["theirs"] == {"BS": [b"1"]}
    made.save_to_db()
    assert item_of(made)["theirs"] == {"BS": [b"1"]}


OLD = {**COUNTER, "x-pym-table": {**COUNTER["x-pym-table"], "item_version": 3, "version": "left"}}


@pytest.fixture
def evolved(database: Database) -> Any:
    """Return a class whose items had other forms before: `state` was called `status`, and an item has one."""
    properties = {**COUNTER["properties"], "left": {"type": "integer"}}
    made = shop.load({"Counter": {**OLD, "properties": properties}}).Counter
    owner = binding_of(made).owner

    def upgrade(old: dict[str, Any], version: int) -> dict[str, Any]:
        return {**{k: v for k, v in old.items() if k != "status"}, "state": f"{old['status']}-{version}"}

    owner.upgrade = upgrade  # type: ignore[attr-defined]  # as a class of a service has it
    binding_of(made)._codecs.clear()
    item = {"name": {"S": "c"}, "kind": {"N": "1"}, "status": {"S": "new"}, "left": {"N": "7"}}
    database.call("PutItem", binding_of(made).request(Item=item))
    return made


def test_items_of_an_older_form(evolved: Any) -> None:
    """An item is brought to today's form first, so that an update never mixes two."""
    blind = evolved.update_in_db("c", 1, add={"hits": 1})
    assert (blind.state, blind.hits, blind.left) == ("new-1", 1, 8)
    assert item_of(blind)["pym.version"] == {"N": "3"}
    assert "status" not in item_of(blind)
    again = evolved.load_from_db("c", 1)
    again.update(set={"state": "x"})
    assert again.left == 9


def test_a_version_that_was_read_of_an_older_form(evolved: Any) -> None:
    """Bringing an item to today's form counts no version up: who read it before may still write it."""
    one, other = evolved.load_from_db("c", 1), evolved.load_from_db("c", 1)
    one.update(set={"state": "x"})
    assert one.left == 8
    with pytest.raises(StaleWrite):
        other.update(set={"state": "y"})


def test_items_that_become_too_large(order: Any) -> None:
    """An update that would make an item too large is refused."""
    made = order(id="o", extra="x" * 300_000)
    made.save_to_db()
    with pytest.raises(Exception, match="400 KB") as error:
        made.update(set={"note": "y" * 200_000})
    assert error.value.status == 413  # type: ignore[attr-defined]  # one of ours
    assert made.version == 1


@pytest.mark.parametrize("blind", [False, True])
@pytest.mark.parametrize("kind", ["Order", "Counter"])
def test_an_update_whose_answer_got_lost(api: Any, database: Database, kind: str, blind: bool) -> None:
    """An update that is sent again is not made again, and is no stale write: its first time counts."""
    model, key = getattr(api, kind), {"id": "o"} if kind == "Order" else {"name": "c", "kind": 1, "state": "new"}
    number = "count" if kind == "Order" else "hits"
    model(**key, **{number: 1}).save_to_db()
    made = model(**key) if blind else model.load_from_db(*list(key.values())[:2])
    lost: list[str] = []

    def lose(operation: str, body: Body, send: Callable[[Body], Body]) -> Body:
        answer = send(body)
        if not lost:
            lost.append(operation)
            raise Refused(500, {"__type": "InternalServerError", "message": "lost"})
        return answer

    with proxy(str(database.settings.endpoint), lose) as url:
        other = Database(replace(database.settings, endpoint=url))
        set_database(other)
        made.update(add={number: 1})
        assert (lost, made[number]) == (["UpdateItem"], 2)
        made.update(add={number: 1})
        other.close()
    set_database(database)
    assert made[number] == 3


def test_another_ones_update_is_not_taken_for_ones_own(order: Any) -> None:
    """Two who make the same change of the same version do not both succeed."""
    order(id="o").save_to_db()
    one, other = order.load_from_db("o"), order.load_from_db("o")
    one.update(set={"owner": "me"})
    with pytest.raises(StaleWrite):
        other.update(set={"owner": "me"})


def test_one_request(counter: Any, database: Database) -> None:
    """An update is one UpdateItem and nothing else."""
    body = {"Attributes": {"name": {"S": "c"}, "kind": {"N": "1"}, "state": {"S": "x"}}}
    with edge(Answer(body=body)) as server:
        other = Database(replace(database.settings, endpoint=server.url))
        set_database(other)
        assert counter.update_in_db("c", 1, set={"state": "x"}).state == "x"
        assert server.operations == ["UpdateItem"]
        other.close()
    set_database(database)
