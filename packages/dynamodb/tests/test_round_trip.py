"""Objects of every schema feature, saved and loaded: equal, and the same JSON."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pymacaron import API, apipool
from pymacaron_dynamodb import ItemInvalid
from pymacaron_dynamodb.binding import all_bindings, binding_of
from pymacaron_dynamodb.tables import create_table
from pymacaron_dynamodb.wire import Wire, same
from random_objects import DECIMAL, GENERATIONS, Kind, Kinds

if TYPE_CHECKING:
    from pymacaron_dynamodb.database import Database

TABLE = {"name": "things", "hash": "id"}
KINDS = {generation: Kinds(generation) for generation in GENERATIONS}
SETTINGS = settings(
    max_examples=15,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)


def document(generation: str, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return a contract of these schemas."""
    info: dict[str, Any] = {"info": {"title": "things", "version": "1"}, "paths": {}}
    if generation == "2.0":
        return {"swagger": "2.0", **info, "definitions": schemas}
    return {"openapi": f"{generation}.0", **info, "components": {"schemas": schemas}}


def model_of(generation: str, kind: Kind, table: dict[str, Any] = TABLE) -> Any:
    """Load a contract of which ``Thing`` persists; return its class."""
    thing = {**kind.schema, "required": ["id"], "x-pym-table": table}
    thing["properties"] = {"id": {"type": "string"}, **thing["properties"]}
    apipool.clear()
    api = API(Flask("things"), formats=[DECIMAL])
    api.load_api("things", document(generation, {**KINDS[generation].named(), "Thing": thing}))
    return apipool.get("things").Thing


def text(model: Any) -> str:
    """Return a model's JSON, byte for byte; of an object's members in one order, since DynamoDB keeps none."""
    return json.dumps(model.to_json(), ensure_ascii=False, sort_keys=True)


@pytest.mark.once
@pytest.mark.parametrize("generation", GENERATIONS)
def test_random_objects(database: Database, generation: str) -> None:
    """Whatever a schema allows comes back from the table as it was saved, and as it was saved again."""
    created = False

    @SETTINGS
    @given(st.data(), KINDS[generation].object(3))
    def run(data: st.DataObject, kind: Kind) -> None:
        nonlocal created
        thing = model_of(generation, kind)
        if not created:
            create_table(binding_of(thing))
            created = True
        for _ in range(3):
            made = thing.from_json({**data.draw(kind.values), "id": "k"})
            made.save_to_db()
            found = thing.load_from_db("k")
            assert text(found) == text(made)
            assert found == made
            found.save_to_db()
            assert text(thing.load_from_db("k")) == text(made)

    run()


TEXT = {"type": "string"}


def load(schemas: dict[str, Any], name: str = "Thing") -> Any:
    """Load a contract, create its tables, and return one class."""
    apipool.clear()
    API(Flask("things"), formats=[DECIMAL]).load_api("things", document("3.1", schemas))
    for binding in all_bindings():
        create_table(binding)
    return apipool.get("things").model(name)


def keyed(hash_schema: dict[str, Any], range_schema: dict[str, Any] | None = None) -> Any:
    """Return a class whose table has a key of these types."""
    properties = {"h": hash_schema, "text": TEXT} | ({"r": range_schema} if range_schema else {})
    table = {"name": "keyed", "hash": "h"} | ({"range": "r"} if range_schema else {})
    return load({"Thing": {"type": "object", "properties": properties, "x-pym-table": table}})


BYTES = {"type": "string", "format": "byte"}
MOMENT = {"type": "string", "format": "date-time"}


@pytest.mark.parametrize(
    ("schema", "key", "wire"),
    [
        (TEXT, "a/b ü", {"S": "a/b ü"}),
        (BYTES, b"\x00\xff", {"B": b"\x00\xff"}),
        ({"type": "string", "format": "binary"}, "ü".encode(), {"B": "ü".encode()}),
        ({"type": "integer"}, 2**70, {"N": str(2**70)}),
        ({"type": "number"}, 1.5, {"N": "1.5"}),
        ({"type": "number"}, 3.0, {"N": "3"}),
        ({"type": "string", "format": "date"}, date(999, 1, 2), {"S": "0999-01-02"}),
        ({"type": "string", "format": "uuid"}, UUID(int=7), {"S": str(UUID(int=7))}),
        ({"type": "string", "format": "decimal"}, Decimal("1.50"), {"S": "1.50"}),
        (MOMENT, datetime(999, 1, 2, tzinfo=UTC), {"S": "0999-01-02T00:00:00.000000Z"}),
        (
            MOMENT,
            datetime(2026, 1, 2, 1, 0, 0, 5, tzinfo=timezone(timedelta(hours=2))),
            {"S": "2026-01-01T23:00:00.000005Z"},
        ),
        ({"type": ["string", "null"], "enum": ["a", None]}, "a", {"S": "a"}),
    ],
)
def test_keys(database: Database, schema: dict[str, Any], key: Any, wire: Wire) -> None:
    """Keys of each type find their items, and come back as they were."""
    thing = keyed(schema)
    made = thing(h=key, text="x")
    made.save_to_db()
    assert same(binding_of(thing).codec.key(key)["h"], wire)
    assert thing.has_item(key)
    found = thing.load_from_db(key)
    assert text(found) == text(made)
    assert found.h == key
    assert type(found.h) is type(key)
    found.delete_from_db()
    assert not thing.has_item(key)


def test_moments_sort(database: Database) -> None:
    """Items sort by a date-time as the moments do, whichever zones they are written in, and keep those."""
    thing = keyed(TEXT, MOMENT)
    texts = [
        "2026-01-01T23:59:59.5Z",
        "2026-01-02T03:00:00+03:00",
        "2026-01-01T19:00:00.000001-05:00",
        "0001-01-01T00:00:00Z",
    ]
    moments = [thing.from_json({"h": "a", "r": each}).r for each in texts]
    for moment in moments:
        thing(h="a", r=moment).save_to_db()
    found = [each.r for each in thing.query("a")]
    assert found == sorted(moments)
    assert {each.isoformat() for each in found} == {each.isoformat() for each in moments}
    with pytest.raises(ItemInvalid, match="in UTC it is outside of the years 1 to 9999"):
        thing.from_json({"h": "a", "r": "0001-01-01T00:00:00+02:00"}).save_to_db()


@pytest.mark.parametrize(
    ("items", "values"),
    [
        (TEXT, [[], ["a"], ["", "a", "b"], ["ü"]]),
        ({"type": "number"}, [[], [1.0], [-0.0], [0.5, 1.0, 2, 1e22], [10**38 + 1], [1.0, 10**38 + 1]]),
        (BYTES, [[], ["AA=="], ["AA==", "/w=="]]),
        ({"type": "string", "format": "date"}, [["2026-01-01", "2026-01-02"]]),
    ],
)
def test_sets(database: Database, items: dict[str, Any], values: list[list[Any]]) -> None:
    """Sets of each type come back, empty ones too, and null and unset apart from them."""
    array = {"type": ["array", "null"], "uniqueItems": True, "items": items}
    table = {"name": "sets", "hash": "id", "sets": ["s"]}
    thing = load({"Thing": {"type": "object", "properties": {"id": TEXT, "s": array}, "x-pym-table": table}})
    objects: list[dict[str, Any]] = [*({"s": value} for value in values), {"s": None}, {}]
    for more in objects:
        made = thing.from_json({"id": "k", **more})
        made.save_to_db()
        found = thing.load_from_db("k")
        assert text(found) == text(made)
        assert found == made


def test_sets_have_no_order(database: Database) -> None:
    """The members of a set come back sorted; what cannot be in one is refused by its name."""
    array = {"type": "array", "items": {}}
    table = {"name": "sets", "hash": "id", "sets": ["s"]}
    thing = load({"Thing": {"type": "object", "properties": {"id": TEXT, "s": array}, "x-pym-table": table}})
    thing(id="k", s=["b", "a"]).save_to_db()
    assert thing.load_from_db("k").s == ["a", "b"]
    wrongs: list[list[Any]] = [["a", 1], ["a", "a"], [{}]]
    for wrong in wrongs:
        with pytest.raises(ItemInvalid, match=r"Thing\.s cannot be stored: a set holds"):
            thing(id="k", s=wrong).save_to_db()


def test_a_schema_of_allof_persists(database: Database) -> None:
    """A model that is joined from others persists with the properties of all."""
    base = {"type": "object", "required": ["id"], "properties": {"id": TEXT, "n": {"type": "number"}}}
    thing = {"allOf": [{"$ref": "#/components/schemas/Base"}, {"type": "object", "properties": {"b": BYTES}}]}
    kind = load({"Base": base, "Thing": {**thing, "x-pym-table": TABLE}})
    made = kind(id="k", n=2.0, b=b"\xff")
    made.save_to_db()
    assert text(kind.load_from_db("k")) == text(made)
    assert kind.load_from_db("k").b == b"\xff"


def test_one_way_properties(database: Database) -> None:
    """What travels in one direction alone is stored like anything else, required or not."""
    properties = {
        "id": {**TEXT, "readOnly": True},
        "secret": {**TEXT, "writeOnly": True},
        "made": {**MOMENT, "readOnly": True},
    }
    schema = {"type": "object", "required": ["id", "secret", "made"], "properties": properties}
    thing = load({"Thing": {**schema, "x-pym-table": TABLE}})
    made = thing(id="k", secret="s", made=datetime(2026, 1, 1, tzinfo=UTC))
    made.save_to_db()
    found = thing.load_from_db("k")
    assert (found.id, found.secret, found.made) == ("k", "s", made.made)


def test_properties_called_like_methods(database: Database) -> None:
    """A property may have the name of a method or a setting; the object has it with an underscore where it must."""
    names = ["update", "query", "version", "keys", "load_from_db", "save_to_db", "table_name", "Meta", "get", "to_json"]
    properties = {"id": TEXT, **{name: {"type": "integer"} for name in names}}
    table = {"name": "things", "hash": "id", "version": "version", "indexes": {"get": {"hash": "keys"}}}
    thing = load({"Thing": {"type": "object", "properties": properties, "x-pym-table": table}})
    made = thing.from_json({"id": "k", **{name: number for number, name in enumerate(names) if name != "version"}})
    made.save_to_db()
    found = thing.load_from_db("k")
    assert text(found) == text(made)
    assert (found["version"], found["update"], found["keys"]) == (1, 0, 3)
    assert thing.get_table().get("k", consistent_read=True).keys == 3
