"""Queries: what they find, in which order, and in how many requests."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import events
import shop
from differences import differs
from pymacaron_dynamodb import (
    ItemInvalid,
    StaleWrite,
    StoredItemInvalid,
    TableConfigError,
    UnfinishedBatch,
    projections,
)
from pymacaron_dynamodb.binding import binding_of
from pymacaron_dynamodb.exceptions import QueryInvalid
from pymacaron_dynamodb.results import REQUESTS, Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engines import Engine
    from pymacaron_dynamodb import Results
    from pymacaron_dynamodb.database import Database


@pytest.fixture
def event(database: Database) -> Any:
    """Return the class of events, whose table is there."""
    return shop.load({"Event": events.EVENT}).Event


@pytest.fixture
def sent(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Return a list that each call to the database is added to."""
    calls: list[tuple[str, dict[str, Any]]] = []
    call = database.call

    def noted(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        calls.append((operation, arguments))
        return call(operation, arguments)

    monkeypatch.setattr(database, "call", noted)
    return calls


def numbers(found: Any) -> list[float]:
    """Return the numbers of events."""
    return [each["number"] for each in found]


def moment(day: int) -> datetime:
    """Return a day of January."""
    return datetime(2026, 1, day, tzinfo=UTC)


def test_one_partition_in_order(event: Any, database: Database) -> None:
    """A query gives the objects of one partition by their sort key, or the other way round, whole and typed."""
    made = [event(stream="s", number=n, title="t", weight=1.0, at=moment(4)) for n in (3, -1, 0.5, 10)]
    for each in (*made, event(stream="other", number=0, title="t")):
        each.save_to_db()
    found = list(event.query("s"))
    assert found == [made[1], made[2], made[0], made[3]]
    assert type(found[0]) is event
    assert numbers(event.query("s", reverse=True)) == [10, 3, 0.5, -1]
    assert list(event.query("nothing")) == []
    found[0].title = "new"
    found[0].save_to_db()
    with pytest.raises(StaleWrite):
        made[1].save_to_db()


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        (3, [3]),
        ({"=": 3}, [3]),
        ({"<": 3}, [1, 2]),
        ({"<=": 3}, [1, 2, 3]),
        ({">": 3}, [4, 5]),
        ({">=": 3}, [3, 4, 5]),
        ({"between": (2, 4)}, [2, 3, 4]),
        ({"between": [2, 2]}, [2]),
        ({"between": (-1.5, 1e30)}, [1, 2, 3, 4, 5]),
        ({">": 1e3}, []),
    ],
)
def test_range_conditions(event: Any, database: Database, wanted: Any, left: list[float]) -> None:
    """A value is an equality; the comparisons are those of DynamoDB."""
    events.put(database, "events", (events.item(n) for n in range(1, 6)))
    assert numbers(event.query("s", wanted)) == left
    assert event.query("s", wanted).count() == len(left)


def test_range_conditions_of_pynamodb(event: Any, database: Database) -> None:
    """PynamoDB's conditions are taken where they are about the sort key alone."""
    events.put(database, "events", (events.item(n) for n in range(1, 6)))
    number = event.get_table().number
    assert numbers(event.query("s", number > 3)) == [4, 5]
    assert numbers(event.query("s", number.between(2, 3))) == [2, 3]
    for wrong in (number != 3, number.is_in(1, 2), event.get_table().title == "x", (number > 1) & (number < 3)):
        with pytest.raises(QueryInvalid, match="is none on the sort key 'number' by"):
            event.query("s", wrong)


def test_texts_and_moments(event: Any) -> None:
    """Texts are found by how they begin, and moments by any moment, whatever its time zone."""
    for day in range(1, 6):
        event(stream="s", number=day, title="t", kind="k", at=moment(day)).save_to_db()
    query = event.query
    assert numbers(query("k", {"begins_with": "2026-01-03"}, index="by-kind")) == [3]
    assert numbers(query("k", {"begins_with": ""}, index="by-kind")) == [1, 2, 3, 4, 5]
    east = (moment(3) + timedelta(hours=1)).isoformat().replace("+00:00", "-01:00")
    assert numbers(query("k", {">": moment(3)}, index="by-kind")) == [4, 5]
    assert numbers(query("k", {">": east}, index="by-kind")) == [4, 5]
    assert numbers(query("k", moment(2), index="by-kind")) == [2]


def test_wrong_range_conditions(event: Any, database: Database) -> None:
    """What is no condition on a sort key is refused before anything is sent, and the message says what is one."""
    for wrong, said in [
        ({"~": 1}, "compares by '~'; write a value, {'>=': value}"),
        ({}, "write one comparison"),
        ({">": 1, "<": 3}, "write one comparison, such as between"),
        ({"between": 3}, "is to be between 3; write (lowest, highest)"),
        ({"between": (1, 2, 3)}, "write (lowest, highest)"),
        ({"between": (10, 9)}, "is to be between (10, 9); write the lowest first"),
        ({"begins_with": "1"}, "the key is a number"),
    ]:
        with pytest.raises(QueryInvalid) as error:
            event.query("s", wrong)
        assert said in error.value.message
    with pytest.raises(QueryInvalid, match="begin with 5, which must be a text"):
        event.query("s", {"begins_with": 5}, index="in-time")
    with pytest.raises(ItemInvalid, match=r'Event.number: "x" is not of type number'):
        event.query("s", "x")
    with pytest.raises(ItemInvalid, match=r"Event.stream: 5 is not of type string"):
        event.query(5)
    with pytest.raises(QueryInvalid, match="has no sort key"):
        event.query(1, 5, index="by-level")
    with pytest.raises(TableConfigError, match="has no index 'by-knid'; did you mean 'by-kind'"):
        event.query("k", index="by-knid")
    for wrong_limit in (0, -1, 1.5, True, "5"):
        with pytest.raises(QueryInvalid, match="the limit is"):
            event.query("s", limit=wrong_limit)


def test_filter_and_limit(event: Any, database: Database) -> None:
    """A limit counts what is left after the filter: values of properties, None for unset, or PynamoDB's condition."""
    kinds = ("a", "b", "c")
    events.put(database, "events", (events.item(n, kind=kinds[n % 3], weight=n) for n in range(30)))
    events.put(database, "events", [events.item(30)])
    assert numbers(event.query("s", filter={"kind": "b"}, limit=4)) == [1, 4, 7, 10]
    assert numbers(event.query("s", filter={"kind": "b"}, limit=4, reverse=True)) == [28, 25, 22, 19]
    assert numbers(event.query("s", filter={"kind": None})) == [30]
    assert numbers(event.query("s", filter=event.get_table().weight > 27)) == [28, 29]
    assert numbers(event.query("s", filter={}, limit=2)) == [0, 1]
    assert event.query("s", filter={"kind": "b"}).count() == 10
    assert event.query("s", filter={"kind": "b"}, limit=4).count() == 4
    assert event.query("s").count() == 31
    table = event.get_table()
    for wrong in ({"number": 5}, table.stream == "s", (table.weight > 1) & ~(table.number == 5)):
        with pytest.raises(QueryInvalid, match=r"the filter is about '(number|stream)', which is a key"):
            event.query("s", filter=wrong)


def test_nothing_is_read_before_it_is_asked_for(event: Any, database: Database, sent: Any) -> None:
    """Making a query sends nothing, and whoever stops early reads no more than a page of DynamoDB's."""
    events.put(database, "events", (events.item(n, body="x" * 300_000) for n in range(8)))
    sent.clear()
    found = event.query("s")
    assert sent == []
    first = next(iter(found))
    assert (first.number, len(sent)) == (0, 1)
    assert numbers(found) == list(range(8))
    assert len(sent) >= 4
    sent.clear()
    assert numbers(event.query("s", limit=2)) == [0, 1]
    assert [arguments["Limit"] for _, arguments in sent] == [2]


@pytest.mark.once
def test_many_objects(event: Any, database: Database, sent: Any) -> None:
    """More than a thousand objects, which DynamoDB sends in several pages of 1 MB, come in one iteration."""
    events.put(database, "events", (events.item(n, body="x" * 3000) for n in range(1200)))
    sent.clear()
    assert numbers(event.query("s")) == list(range(1200))
    assert len(sent) >= 4
    assert event.query("s").count() == 1200


def test_consistent_reads(event: Any, database: Database, sent: Any) -> None:
    """Reads see all writes before them, except in a global index, where nobody can have that."""
    list(event.query("s"))
    list(event.query("s", consistent=False))
    list(event.query("s", index="in-time"))
    list(event.query("k", index="by-kind"))
    assert [arguments["ConsistentRead"] for _, arguments in sent] == [True, False, True, False]
    with pytest.raises(QueryInvalid, match=r"consistent=True, and 'by-kind' of the table .* is a global index"):
        event.query("k", index="by-kind", consistent=True)


def test_objects_are_whole(event: Any, database: Database) -> None:
    """Whatever an index holds of them, objects have all their properties, and saving them loses nothing."""
    made = [
        event(stream="s", number=n, title="t", level=1, owner="o", at=moment(n), weight=1.0, body="b")
        for n in range(1, 4)
    ]
    for each in made:
        each.save_to_db()
    for found in (
        event.query(1, index="by-level"),
        event.query("o", index="by-owner"),
        event.query("s", index="in-time"),
        event.scan(index="by-level"),
    ):
        assert sorted(found, key=lambda each: each.number) == made
    for each in event.query(1, index="by-level"):
        each.save_to_db()
    made[0].reload_from_db()
    assert (made[0].body, made[0].version) == ("b", 2)


def test_more_objects_than_one_batch(event: Any, database: Database, sent: Any) -> None:
    """The rest of what an index holds is read a hundred items at a time, and keeps the index's order."""
    events.put(database, "events", (events.item(n, owner="o") for n in range(130)))
    sent.clear()
    assert numbers(event.query("o", index="by-owner")) == list(range(130))
    assert Counter(operation for operation, _ in sent) == {"Query": 1, "BatchGetItem": 2}


def test_objects_gone_meanwhile(event: Any, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is deleted between the read of an index and that of the table is left out."""
    events.put(database, "events", (events.item(n, owner="o") for n in range(3)))
    call = database.call

    def deleting(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if operation == "BatchGetItem":
            event.load_from_db("s", 1).delete_from_db()
        return call(operation, arguments)

    monkeypatch.setattr(database, "call", deleting)
    assert numbers(event.query("o", index="by-owner")) == [0, 2]


@pytest.mark.parametrize(("busy", "missing"), [(1, 0), (99, 2)])
def test_items_that_are_not_read_at_once(
    event: Any, database: Database, monkeypatch: pytest.MonkeyPatch, busy: int, missing: int
) -> None:
    """What DynamoDB leaves unread is asked for again; where it goes on so, the error has the keys that are left."""
    events.put(database, "events", (events.item(n, owner="o") for n in range(3)))
    monkeypatch.setattr(projections, "_ATTEMPTS", 3)
    call = database.call
    asked: list[int] = []

    def partly(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if operation != "BatchGetItem" or len(asked) == busy:
            return call(operation, arguments)
        ((table, wanted),) = arguments["RequestItems"].items()
        first, rest = wanted["Keys"][: not asked], wanted["Keys"][not asked :]
        asked.append(len(rest))
        answer = call(operation, {"RequestItems": {table: {**wanted, "Keys": first}}}) if first else {"Responses": {}}
        return {**answer, "UnprocessedKeys": {table: {**wanted, "Keys": rest}}}

    monkeypatch.setattr(database, "call", partly)
    if not missing:
        assert numbers(event.query("o", index="by-owner")) == [0, 1, 2]
        return
    with pytest.raises(UnfinishedBatch, match=r"2 items of the table .* were not read") as error:
        list(event.query("o", index="by-owner"))
    assert len(error.value.left) == missing
    assert error.value.status == 503


def test_some_properties(event: Any, database: Database, sent: Any) -> None:
    """Who asks for some properties gets dicts of them, as typed as in objects; what is unset is not in them."""
    event(stream="s", number=1.0, title="t", weight=2.0, at=moment(1), body="b").save_to_db()
    made = event(stream="s", number=2, title="t")
    del made.color
    made.save_to_db()
    sent.clear()
    found = list(event.query("s", properties=["number", "weight", "at", "color"]))
    assert found == [{"number": 1.0, "weight": 2.0, "at": moment(1), "color": "red"}, {"number": 2}]
    assert repr(found[0]["weight"]) == "2.0"
    assert "body" not in str(sent)
    assert event.query("s", properties=["title"], filter={"weight": 2.0}).page().items == [{"title": "t"}]
    assert event.query("s", properties=["title"], filter={"weight": 2.0}).count() == 1
    keyed: Any = shop.load({"Text": events.KEYED["KeyedText"]}, "keyed").Text
    with pytest.raises(QueryInvalid, match=r"names 'sorrt'.*did you mean 'sort'"):
        keyed.query("s", properties=["sorrt"])


def test_properties_of_an_index(event: Any, database: Database) -> None:
    """Of an index that holds a part of the items only what it has can be asked for."""
    events.put(database, "events", [events.item(1, owner="o", kind="k", weight=5, at="2026-01-01T00:00:00.000000Z")])
    assert list(event.query("o", index="by-owner", properties=["kind", "number"])) == [{"kind": "k", "number": 1}]
    assert numbers(event.query("o", index="by-owner", filter={"kind": "k"})) == [1]
    assert list(event.query("s", index="in-time", properties=["at"])) == [{"at": moment(1)}]
    with pytest.raises(QueryInvalid, match="properties names 'title', which the index 'by-owner' of the table"):
        event.query("o", index="by-owner", properties=["title"])
    with pytest.raises(QueryInvalid, match="the filter is about 'title', which the index 'by-level'"):
        event.query(1, index="by-level", filter={"title": "t"})


def test_stored_items_that_break_the_schema(event: Any, database: Database) -> None:
    """An item that other code wrote wrongly is told by table and key, in objects and in dicts."""
    events.put(database, "events", [events.item(1, weight="heavy")])
    for found in (event.query("s"), event.query("s", properties=["weight"])):
        with pytest.raises(StoredItemInvalid, match="has an item stream='s', number=1 that breaks the schema of Event"):
            list(found)
    assert list(event.query("s", properties=["title"])) == [{"title": "title 1"}]


def test_older_items_are_upgraded(database: Database) -> None:
    """Properties of an item of an older form are those of the upgraded whole."""
    schema = {**events.EVENT, "x-pym-table": {**events.EVENT["x-pym-table"], "item_version": 2}}
    event: Any = shop.load({"Event": schema}).Event
    owner: Any = binding_of(event).owner
    owner.upgrade = classmethod(lambda cls, old, version: {**old, "kind": old["title"].upper()})
    events.put(database, "events", [events.item(1)])
    event(stream="s", number=2, title="t", kind="new").save_to_db()
    assert [each.kind for each in event.query("s")] == ["TITLE 1", "new"]
    assert list(event.query("s", properties=["kind"])) == [{"kind": "TITLE 1"}, {"kind": "new"}]


def test_a_filter_that_leaves_nothing(event: Any, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much a filter leaves out, requests ask for no more items than one answer can hold."""
    limits: list[int] = []
    call = database.call

    def nothing(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if operation != "Query":
            return call(operation, arguments)
        limits.append(arguments["Limit"])
        key = {"stream": {"S": "s"}, "number": {"N": str(len(limits))}}
        return {"Items": [], "Count": 0, **({"LastEvaluatedKey": key} if len(limits) < 40 else {})}

    monkeypatch.setattr(database, "call", nothing)
    assert list(event.query("s", filter={"kind": "a"}, limit=10)) == []
    assert (limits[:3], limits[-1], len(limits)) == ([10, 40, 160], 20_000, 40)
    limits[:] = []
    assert next(iter(event.query("s", limit=10**12)), None) is None
    assert max(limits) == 20_000


def test_numbers_of_any_form(event: Any, database: Database) -> None:
    """A number is one key and one value, however it is written: 200, 200.0 or 2e2."""
    event(stream="s", number=200.0, title="t", weight=2e2).save_to_db()
    for form in (200, 200.0, 2e2):
        assert event.has_item("s", form)
        assert event.load_from_db("s", form).weight == 200
        assert numbers(event.query("s", form)) == [200]
        assert numbers(event.query("s", {"between": (form, form)}, filter={"weight": form})) == [200]
    assert event.query("s").count() == 1


def test_numbers_as_other_code_writes_them(event: Any, database: Database, engine: Engine) -> None:
    """DynamoDB takes 1.0 and 1 for one key, whoever writes it."""
    events.put(database, "events", [{**events.item(1), "number": {"N": "1.0"}}])
    assert event.has_item("s", 1)
    assert numbers(event.query("s", {"<=": 1.0})) == [1]
    key = {"stream": {"S": "s"}, "number": {"N": "1.0"}}
    answer = database.call("GetItem", {"TableName": database.table_name("events"), "Key": key})
    assert ("Item" in answer) is not differs(engine, "number-texts")


def test_odd_names(database: Database) -> None:
    """Names of properties may have brackets and dots in them, which are parts of paths elsewhere."""
    keys = {"part[0]": events.TEXT, "sort.by": events.TEXT, "a[1].b": events.WHOLE}
    table = {"name": "odd", "hash": "part[0]", "range": "sort.by"}
    odd: Any = shop.load({"Odd": {"type": "object", "x-pym-table": table, "properties": keys}}).Odd
    for n in range(3):
        odd(**{"part[0]": "p", "sort.by": f"s{n}", "a[1].b": n}).save_to_db()
    found = odd.query("p", {">": "s0"}, filter={"a[1].b": 2}, properties=["a[1].b"])
    assert list(found) == [{"a[1].b": 2}]
    assert odd.query("p", {"begins_with": "s"}).page(2).items[1]["sort.by"] == "s1"
    with pytest.raises(QueryInvalid, match=r"about 'sort\.by', which is a key"):
        odd.query("p", filter={"sort.by": "s1"})


def test_subtypes(database: Database) -> None:
    """A query of a table whose objects are of several subtypes gives each as what it is."""
    pet: dict[str, Any] = {
        "type": "object",
        "required": ["owner", "name", "kind"],
        "discriminator": {"propertyName": "kind"},
        "x-pym-table": {"name": "pets", "hash": "owner", "range": "name"},
        "properties": {"owner": events.TEXT, "name": events.TEXT, "kind": events.TEXT},
    }
    schemas: dict[str, Any] = {"Pet": pet}
    for name, more in (("Cat", "lives"), ("Dog", "tricks")):
        own = {"type": "object", "properties": {more: events.WHOLE}}
        schemas[name] = {"allOf": [{"$ref": "#/components/schemas/Pet"}, own]}
    api = shop.load(schemas)
    cat: Any = api.Cat(owner="ann", name="tom", kind="Cat", lives=9)
    dog: Any = api.Dog(owner="ann", name="rex", kind="Dog", tricks=2)
    cat.save_to_db()
    dog.save_to_db()
    found: Any = api.Pet
    assert [type(each) for each in found.query("ann")] == [api.Dog, api.Cat]
    assert list(found.query("ann", filter={"lives": 9})) == [cat]
    assert list(found.query("ann", properties=["lives", "name"])) == [{"name": "rex"}, {"lives": 9, "name": "tom"}]


def test_class_of_a_service(database: Database) -> None:
    """A service's own persistent class is queried and scanned as its model is, and so typed."""
    note: Any = shop.load({"Note": events.NOTE}).Note
    for title in ("b", "a"):
        note(folder="f", title=title, stars=2).save_to_db()
    found: Results[events.Notes] = events.Notes.query("f", {"begins_with": "a"})
    assert list(found) == [note(folder="f", title="a", stars=2)]
    rows: Results[dict[str, Any]] = events.Notes.query("f", properties=["title"], filter={"stars": 2})
    assert list(rows) == [{"title": "a"}, {"title": "b"}]
    everything: Results[events.Notes] = events.Notes.scan(segments=2)
    assert everything.count() == 2


def test_pages(event: Any, database: Database) -> None:
    """Pages are full as long as there is enough, and only the last one has no cursor."""
    events.put(database, "events", (events.item(n) for n in range(6)))
    query = event.query("s")
    first = query.page(3)
    second = query.page(3, first.cursor)
    assert (numbers(first.items), numbers(second.items), second.cursor) == ([0, 1, 2], [3, 4, 5], None)
    assert numbers(event.query("s", cursor=first.cursor)) == [3, 4, 5]
    assert event.query("s", cursor=first.cursor).count() == 3
    assert numbers(event.query("s", limit=2).page().items) == [0, 1]
    assert event.query("nothing").page() == Page([], None)


def test_pages_of_a_filter_that_leaves_little(event: Any, database: Database, sent: Any) -> None:
    """A page takes ten requests at most; then it is short, and its cursor leads on."""
    kinds = {0: "a", 39: "a"}
    events.put(database, "events", (events.item(n, body="x" * 350_000, kind=kinds.get(n, "b")) for n in range(40)))
    sent.clear()
    query = event.query("s", filter={"kind": "a"})
    first = query.page(2)
    assert len(sent) == REQUESTS
    assert (numbers(first.items), first.cursor is None) == ([0], False)
    assert pages_of(query, 2) == [0, 39]
    assert numbers(query) == [0, 39]


def pages_of(query: Any, size: int) -> list[float]:
    """Return the numbers of all pages of a query."""
    return [number for page in each_page(query, size) for number in numbers(page)]


def each_page(query: Any, size: int, between: Callable[[], None] = lambda: None) -> Iterator[list[Any]]:
    """Yield the objects of each page of a query."""
    cursor = None
    while True:
        page = query.page(size, cursor)
        assert len(page.items) <= size
        yield page.items
        cursor = page.cursor
        if cursor is None:
            return
        between()


@pytest.mark.once
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.integers(1, 35),
    kinds=st.sampled_from([None, {"kind": "a"}, {"kind": "b"}, {"kind": "none"}]),
    wanted=st.sampled_from([None, {">": 8}, {"<=": 20}, {"between": (3, 25)}]),
    reverse=st.booleans(),
    options=st.sampled_from([{}, {"index": "by-owner"}, {"index": "in-time"}, {"properties": ["number"]}]),
)
def test_pages_are_the_query(
    size: int, kinds: Any, wanted: Any, reverse: bool, options: dict[str, Any], filled: Any
) -> None:
    """Whatever their size, pages one after the other are what one query gives: same objects, same order."""
    if "index" in options:
        wanted = None
    if options.get("index") == "in-time":
        kinds = None  # which that index does not have
    partition = "o" if options.get("index") == "by-owner" else "s"
    query = filled.query(partition, wanted, filter=kinds, reverse=reverse, **options)
    once = numbers(query)
    assert pages_of(query, size) == once
    assert query.count() == len(once)
    assert once == sorted(once, reverse=reverse)
    assert numbers(filled.query(partition, wanted, filter=kinds, reverse=reverse, limit=size, **options)) == once[:size]


@pytest.fixture
def filled(event: Any, database: Database) -> Any:
    """Return the class of events, of which there are thirty in one partition."""
    kinds = ("a", "a", "b", "c")
    at = "2026-01-01T00:00:{:02}.000000Z"
    made = (events.item(n, owner="o", kind=kinds[n % 4], level=n % 3, at=at.format(n)) for n in range(30))
    events.put(database, "events", made)
    return event


def test_pages_while_others_write(event: Any, database: Database) -> None:
    """What is deleted or added between pages, the cursor's own item too, makes nothing come twice or go missing."""
    events.put(database, "events", (events.item(n) for n in range(0, 40, 2)))
    seen: list[float] = []

    def between() -> None:
        last = seen[-1]
        event.load_from_db("s", last).delete_from_db()
        event(stream="s", number=last + 1, title="after").save_to_db()
        event(stream="s", number=last - 1, title="before").save_to_db()

    for page in each_page(event.query("s"), 5, between):
        seen += numbers(page)
    assert seen == sorted(set(seen))
    assert set(range(0, 40, 2)) <= set(seen)
    assert [n for n in seen if n % 2] == [9, 17, 25, 33]


def test_index_with_equal_keys(event: Any, database: Database) -> None:
    """Items of one key of an index, of which there may be many, are all on some page, and on one only."""
    at = "2026-01-01T00:00:00.000000Z"
    events.put(database, "events", (events.item(n, stream=f"s{n % 7}", kind="k", at=at, level=1) for n in range(25)))
    for index, partition in (("by-kind", "k"), ("by-level", 1)):
        for size in (1, 4, 25, 26):
            found = pages_of(event.query(partition, index=index), size)
            assert sorted(found) == list(range(25))


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
reals = st.one_of(
    st.integers(-(10**37), 10**37),
    st.floats(-1e30, 1e30, allow_nan=False).filter(lambda x: not 0 < abs(x) < 1e-100),
)
moments = st.datetimes(timezones=st.just(UTC), min_value=datetime(1000, 1, 1))


@pytest.mark.once
@pytest.mark.parametrize(
    ("kind", "values", "order"),
    [
        ("Text", texts, lambda text: text.encode()),
        ("Number", reals, lambda number: number),
        ("Bytes", st.binary(min_size=1, max_size=20), lambda data: data),
        ("Moment", moments, lambda when: when),
    ],
)
def test_order_of_keys(kind: str, values: Any, order: Callable[[Any], Any], database: Database) -> None:
    """Texts sort as their UTF-8, numbers as numbers, bytes as bytes and moments as moments, through pages as well."""
    keyed: Any = shop.load({f"Keyed{kind}": events.KEYED[f"Keyed{kind}"]}).model(f"Keyed{kind}")

    @settings(max_examples=10)
    @given(part=values, sorts=st.lists(values, min_size=1, max_size=8, unique_by=order), data=st.data())
    def check(part: Any, sorts: list[Any], data: st.DataObject) -> None:
        for old in list(keyed.query(part)):
            old.delete_from_db()
        for sort in sorts:
            keyed(part=part, sort=sort).save_to_db()
        wanted = sorted(sorts, key=order)
        assert [each.sort for each in keyed.query(part)] == wanted
        size = data.draw(st.integers(1, 5))
        assert [each.sort for page in each_page(keyed.query(part), size) for each in page] == wanted
        low = data.draw(st.sampled_from(wanted))
        assert [each.sort for each in keyed.query(part, {">=": low})] == [x for x in wanted if order(x) >= order(low)]

    check()
