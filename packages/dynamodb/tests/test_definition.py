"""Definitions of tables: what each wrong one says."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from pymacaron import API, apipool
from pymacaron.spec.check.extensions import TABLE
from pymacaron_dynamodb import PersistentSwaggerObject
from pymacaron_dynamodb.binding import all_bindings, binding_of
from pymacaron_dynamodb.definition import IndexDefinition, TableDefinition, Throughput, short_form
from pymacaron_dynamodb.exceptions import TableConfigError

TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
PROPERTIES: dict[str, Any] = {
    "id": TEXT,
    "owner": TEXT,
    "count": WHOLE,
    "version": WHOLE,
    "price": {"type": "number"},
    "paid": {"type": "boolean"},
    "placed": {"type": "string", "format": "date-time"},
    "photo": {"type": "string", "format": "byte"},
    "tags": {"type": "array", "items": TEXT},
    "counted": {"type": "integer", "default": 0},
}


def load(schemas: dict[str, Any], name: str = "shop") -> Any:
    """Load a contract of these schemas."""
    document = {"openapi": "3.1.0", "info": {"title": name, "version": "1"}, "paths": {}}
    API(Flask("shop")).load_api(name, {**document, "components": {"schemas": schemas}})
    return apipool.get(name)


def define(table: Any, **more: Any) -> TableDefinition:
    """Return the definition of a table."""
    schema = {"type": "object", "properties": PROPERTIES, "x-pym-table": table, **more}
    return binding_of(load({"Order": schema}).model("Order")).definition


def test_defaults() -> None:
    """The partition key alone defines a table; its name is then the model's."""
    assert define({"hash": "id"}) == TableDefinition(
        api="shop", model="Order", name="Order", hash="id", key_types={"id": "S"}
    )


def test_everything() -> None:
    """Each key of x-pym-table says what its name says."""
    found = define(
        {
            "name": "orders",
            "hash": "photo",
            "range": "price",
            "version": "version",
            "ttl": "placed",
            "encryption": "kms",
            "sets": ["tags"],
            "billing": {"read": 5, "write": 2},
            "point_in_time_recovery": True,
            "deletion_protection": True,
            "item_version": 3,
            "indexes": {
                "by-owner": {"hash": "owner", "range": "placed", "projection": "keys"},
                "by-count": {"hash": "photo", "range": "count", "local": True, "projection": ["tags"]},
            },
        }
    )
    assert found == TableDefinition(
        api="shop",
        model="Order",
        name="orders",
        hash="photo",
        range="price",
        version="version",
        ttl="placed",
        timed=True,
        encryption="kms",
        sets=frozenset({"tags"}),
        billing=Throughput(5, 2),
        point_in_time_recovery=True,
        deletion_protection=True,
        item_version=3,
        indexes=(
            IndexDefinition("by-owner", "owner", "placed", "keys"),
            IndexDefinition("by-count", "photo", "count", ("tags",), local=True),
        ),
        key_types={"count": "N", "owner": "S", "photo": "B", "placed": "S", "price": "N"},
    )
    assert found.ttl_attribute == "pym.ttl"
    assert define({"hash": "id", "ttl": "count"}).ttl_attribute == "count"
    with pytest.raises(TableConfigError, match="the table 'orders' has no index 'by-ownr'; did you mean 'by-owner'"):
        found.index("by-ownr")


def test_keys_are_those_that_pym_check_knows() -> None:
    """`pym check` and the definition agree on what may stand below x-pym-table."""
    assert len(short_form(dict.fromkeys(TABLE), "x")) == len(TABLE)
    with pytest.raises(TableConfigError) as caught:
        short_form({"quite unlike any": 1}, "x")
    assert str(caught.value).endswith(f"there are {', '.join(TABLE)}")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "no primary_key is set; name the property that is its partition key"),
        ({"hash": "ident"}, "primary_key is 'ident', which is no property of the schema; there are id, owner, count"),
        ({"hash": "owne"}, "primary_key is 'owne', which is no property of the schema; did you mean 'owner'?"),
        ({"hash": 5}, "primary_key is 5; write a text"),
        ({"hash": "paid"}, "the key 'paid' is of type boolean; a key is a string or a number"),
        ({"hash": "tags"}, "the key 'tags' is of type array; a key is a string or a number"),
        ({"hash": "id", "range": "paid"}, "the key 'paid' is of type boolean"),
        ({"hash": "id", "range": "id"}, "sort_key is 'id', which is the primary_key as well; name another property"),
        ({"hash": "id", "name": ""}, "table_name is ''; write a text"),
        (
            {"hash": "id", "name": "my table"},
            "table_name is 'my table'; DynamoDB takes names of 3 to 255 letters, digits, and _ . -",
        ),
        ({"hash": "id", "version": "owner"}, "version is 'owner', whose type is string; it must be an integer"),
        ({"hash": "id", "version": "counted"}, "version is 'counted', which has a default; take it out"),
        ({"hash": "id", "version": "id"}, "version is 'id', whose type is string"),
        ({"hash": "id", "ttl": "owner"}, "ttl is 'owner', whose type is string; it must be an integer or a date-time"),
        ({"hash": "id", "sets": ["owner"]}, "sets names 'owner', which is no array"),
        ({"hash": "id", "sets": ["tag"]}, "sets is 'tag', which is no property of the schema; did you mean 'tags'?"),
        ({"hash": "id", "billing": "cheap"}, "billing is 'cheap'; write on-demand or {read: units, write: units}"),
        ({"hash": "id", "billing": {"read": 1, "write": 0}}, "billing.write is 0; write a whole number from 1 on"),
        ({"hash": "id", "item_version": "2"}, "item_version is '2'; write a whole number from 1 on"),
        ({"hash": "id", "point_in_time_recovery": "no"}, "point_in_time_recovery is 'no'; write true or false"),
        ({"hash": "id", "deletion_protection": 1}, "deletion_protection is 1; write true or false"),
        ({"hash": "id", "indexes": ["owner"]}, "indexes is ['owner']; write a mapping of names to {hash: …, range: …}"),
        ({"hash": "id", "indexes": {"a-b": "owner"}}, "indexes.a-b is 'owner'; write {hash: …} at least"),
        ({"hash": "id", "indexes": {"a-b": {"hash": "x"}}}, "indexes.a-b.hash is 'x', which is no property"),
        (
            {"hash": "id", "indexes": {"a-b": {"hash": "owner", "rnge": "id"}}},
            "indexes.a-b has a key 'rnge'; did you mean 'range'?",
        ),
        (
            {"hash": "id", "indexes": {"a-b": {"hash": "owner", "projection": "some"}}},
            "indexes.a-b.projection is 'some'; write all, keys, or a list of properties",
        ),
        (
            {"hash": "id", "indexes": {"a-b": {"hash": "owner", "range": "id", "local": True}}},
            "indexes.a-b is local; its hash must be 'id', the table's, and it needs a range",
        ),
        (
            {"hash": "id", "indexes": {"a-b": {"hash": "owner", "local": "yes"}}},
            "indexes.a-b.local is 'yes'; write true or false",
        ),
        ({"hash": "id", "indexes": {"a b": {"hash": "owner"}}}, "the name of an index is 'a b'; DynamoDB takes"),
    ],
)
def test_wrong_definitions(table: dict[str, Any], message: str) -> None:
    """What is wrong is named, with the value seen and the mend."""
    with pytest.raises(TableConfigError) as caught:
        define(table)
    assert str(caught.value).startswith("the table of Order of the API 'shop': ")
    assert message in str(caught.value)


def test_unknown_keys() -> None:
    """A key of x-pym-table that means nothing is refused, and the one that was meant is named."""
    with pytest.raises(
        TableConfigError, match="Order of the API 'shop': x-pym-table has a key 'hsh', which means noth"
    ):
        define({"hsh": "id"})
    with pytest.raises(TableConfigError, match="did you mean 'indexes'"):
        define({"hash": "id", "index": {}})
    with pytest.raises(TableConfigError, match="x-pym-table is 'orders'; write a mapping with hash at least"):
        define("orders")


def test_taken_names() -> None:
    """A property whose name begins as our attributes do is refused."""
    with pytest.raises(
        TableConfigError, match=r"a property is called 'pym:x'; names that begin with pym: or pym\. are"
    ):
        define({"hash": "id"}, properties={**PROPERTIES, "pym:x": TEXT})


def test_two_models_of_one_table() -> None:
    """Two models may share a table where they define it in one way; else both are named."""
    one = {"type": "object", "properties": PROPERTIES, "x-pym-table": {"name": "all", "hash": "id"}}
    load({"One": one, "Two": one})
    assert [binding.definition.name for binding in all_bindings()] == ["all"]
    load({"One": one, "Two": {**one, "x-pym-table": {"name": "all", "hash": "owner"}}})
    with pytest.raises(TableConfigError, match="the table 'all' is defined by One and in another way by Two; give one"):
        list(all_bindings())


def test_schemas_that_are_no_objects() -> None:
    """Only objects with properties persist; another schema with x-pym-table is told instead of being left out."""
    load({"Word": {"type": "string", "x-pym-table": {"hash": "id"}}})
    with pytest.raises(TableConfigError, match="Word of the API 'shop' has x-pym-table or x-persist, and is no object"):
        list(all_bindings())


def test_both_keys() -> None:
    """A schema has a class or a short form, not both."""
    with pytest.raises(TableConfigError, match="Order of the API 'shop' has both x-persist and x-pym-table"):
        define({"hash": "id"}, **{"x-persist": "a.B"})


def test_a_class_that_is_bound_to_nothing() -> None:
    """A class that no contract names says how to bind it."""

    class Lost(PersistentSwaggerObject):
        primary_key = "id"

    with pytest.raises(
        TableConfigError, match=r"Lost is bound to no model: name it by x-persist in a contract that is"
    ):
        Lost.load_from_db("k")


def test_a_model_that_does_not_persist() -> None:
    """Asking for the table of a model without one says which keys would give it one."""
    kind = load({"Plain": {"type": "object", "properties": PROPERTIES}}).model("Plain")
    with pytest.raises(
        TableConfigError, match="the model Plain does not persist; write x-persist or x-pym-table in its"
    ):
        binding_of(kind)
