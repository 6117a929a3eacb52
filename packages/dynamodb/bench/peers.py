"""The same items by hand: as models of PynamoDB, and as dicts for boto3's resource."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

from pynamodb.attributes import (
    BooleanAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
    VersionAttribute,
)
from pynamodb.models import Model

TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
MOMENT = {"type": "string", "format": "date-time"}
LINE = {
    "type": "object",
    "properties": {
        "sku": TEXT,
        "title": TEXT,
        "count": WHOLE,
        "price": {"type": "number"},
        "gift": {"type": "boolean"},
    },
}
SMALL = {
    "id": TEXT,
    "owner": TEXT,
    "state": TEXT,
    "count": WHOLE,
    "price": {"type": "number"},
    "paid": {"type": "boolean"},
    "placed": MOMENT,
}
MEDIUM = {
    **SMALL,
    **{f"text{number}": TEXT for number in range(20)},
    "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
    "tags": {"type": "array", "items": TEXT},
    "address": {"$ref": "#/components/schemas/Address"},
}
ADDRESS = {"type": "object", "properties": {"street": TEXT, "town": TEXT, "zip": TEXT, "lat": {"type": "number"}}}


def document() -> dict[str, Any]:
    """Return the contract of our side."""
    schemas: dict[str, Any] = {"Line": LINE, "Address": ADDRESS}
    for name, properties, version in (("Small", SMALL, False), ("Medium", MEDIUM, False), ("Versioned", SMALL, True)):
        table = {"name": name.lower(), "hash": "id", **({"version": "version"} if version else {})}
        known = {**properties, "version": WHOLE} if version else properties
        schemas[name] = {"type": "object", "required": ["id"], "properties": known, "x-pym-table": table}
    info = {"title": "bench", "version": "1"}
    return {"openapi": "3.1.0", "info": info, "paths": {}, "components": {"schemas": schemas}}


def values(size: str) -> dict[str, Any]:
    """Return the values of an item."""
    made: dict[str, Any] = {
        "id": "order-1",
        "owner": "a.customer@example.com",
        "state": "open",
        "count": 12,
        "price": 12.25,
        "paid": True,
        "placed": datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
    }
    if size == "medium":
        made |= {f"text{number}": f"some words of number {number}, and a few more of them" for number in range(20)}
        line = {"title": "a thing to buy", "count": 3, "price": 9.75, "gift": False}
        made["lines"] = [{"sku": f"sku-{number}", **line} for number in range(10)]
        made["tags"] = [f"tag-{number}" for number in range(10)]
        made["address"] = {"street": "1 High Street", "town": "Anytown", "zip": "12345", "lat": 51.5}
    return made


def as_plain(value: Any) -> Any:
    """Return a value as boto3's resource takes it."""
    if isinstance(value, dict):
        return {name: as_plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return Decimal(str(value)) if isinstance(value, float) else value


class LineMap(MapAttribute[str, Any]):
    """A line of an order."""

    sku = UnicodeAttribute(null=True)
    title = UnicodeAttribute(null=True)
    count = NumberAttribute(null=True)
    price = NumberAttribute(null=True)
    gift = BooleanAttribute(null=True)


class AddressMap(MapAttribute[str, Any]):
    """An address."""

    street = UnicodeAttribute(null=True)
    town = UnicodeAttribute(null=True)
    zip = UnicodeAttribute(null=True)
    lat = NumberAttribute(null=True)


def _small() -> dict[str, Any]:
    return {
        "id": UnicodeAttribute(hash_key=True),
        "owner": UnicodeAttribute(null=True),
        "state": UnicodeAttribute(null=True),
        "count_": NumberAttribute(null=True, attr_name="count"),
        "price": NumberAttribute(null=True),
        "paid": BooleanAttribute(null=True),
        "placed": UTCDateTimeAttribute(null=True),
    }


def model(name: str, endpoint: str, table: str) -> Any:
    """Return PynamoDB's model of a table."""
    meta = {"table_name": table, "host": endpoint, "region": "eu-west-1"}
    meta |= {"aws_access_key_id": "bench", "aws_secret_access_key": "bench"}
    namespace: dict[str, Any] = {"Meta": type("Meta", (), meta), **_small()}
    if name == "versioned":
        namespace["version"] = VersionAttribute()
    if name == "medium":
        namespace |= {f"text{number}": UnicodeAttribute(null=True) for number in range(20)}
        namespace["lines"] = ListAttribute(of=LineMap, null=True)
        namespace["tags"] = ListAttribute(of=UnicodeAttribute, null=True)
        namespace["address"] = cast("Any", AddressMap)(null=True)
    metaclass: Any = type(Model)
    return metaclass(name.title(), (Model,), namespace)


def as_model(kind: Any, values: dict[str, Any]) -> Any:
    """Return an object of PynamoDB's."""
    given = {("count_" if name == "count" else name): value for name, value in values.items()}
    if "lines" in given:
        line_map, address_map = cast("Any", LineMap), cast("Any", AddressMap)
        given["lines"] = [line_map(**line) for line in given["lines"]]
        given["address"] = address_map(**given["address"])
    return kind(**given)
