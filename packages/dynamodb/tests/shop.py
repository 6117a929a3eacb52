"""A contract with models that persist, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask

from pymacaron import API, apipool
from pymacaron_dynamodb.binding import all_bindings
from pymacaron_dynamodb.tables import create_table

if TYPE_CHECKING:
    from pymacaron.pool import LoadedApi

TEXT = {"type": "string"}
WHOLE = {"type": "integer"}

#: A model with every kind of property; its table has a version, indexes, a set and a time of expiry.
ORDER: dict[str, Any] = {
    "type": "object",
    "required": ["id"],
    "additionalProperties": True,
    "x-pym-table": {
        "name": "orders",
        "hash": "id",
        "version": "version",
        "ttl": "expires",
        "sets": ["tags", "sizes"],
        "indexes": {"by-owner": {"hash": "owner", "range": "placed"}},
    },
    "properties": {
        "id": TEXT,
        "version": WHOLE,
        "owner": TEXT,
        "placed": {"type": "string", "format": "date-time"},
        "expires": {"type": "string", "format": "date-time"},
        "day": {"type": "string", "format": "date"},
        "key": {"type": "string", "format": "uuid"},
        "photo": {"type": "string", "format": "byte"},
        "price": {"type": "number"},
        "count": WHOLE,
        "note": {"type": ["string", "null"]},
        "paid": {"type": "boolean", "default": False},
        "tags": {"type": "array", "uniqueItems": True, "items": TEXT},
        "sizes": {"type": "array", "uniqueItems": True, "items": {"type": "number"}},
        "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
        "extra": {},
        "labels": {"type": "object", "additionalProperties": WHOLE},
    },
}
LINE = {
    "type": "object",
    "required": ["sku"],
    "properties": {"sku": TEXT, "qty": {"type": "number"}, "seal": {"type": "string", "format": "byte"}},
}


def load(schemas: dict[str, Any], name: str = "shop", paths: dict[str, Any] | None = None) -> LoadedApi:
    """Load a contract of these schemas, and create its tables."""
    document = {
        "openapi": "3.1.0",
        "info": {"title": name, "version": "1"},
        "paths": paths or {},
        "components": {"schemas": schemas},
    }
    API(Flask("shop")).load_api(name, document)
    for binding in all_bindings():
        if binding.definition.api == name:
            create_table(binding)
    return apipool.get(name)
