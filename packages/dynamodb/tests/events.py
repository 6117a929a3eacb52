"""A contract with events: a table whose items are queried in every way, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymacaron_dynamodb import PersistentSwaggerObject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pymacaron_dynamodb.database import Database

TEXT = {"type": "string"}
WHOLE = {"type": "integer"}

EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["stream", "number", "title"],
    "x-pym-table": {
        "name": "events",
        "hash": "stream",
        "range": "number",
        "version": "version",
        "indexes": {
            "by-kind": {"hash": "kind", "range": "at"},
            "by-level": {"hash": "level", "projection": "keys"},
            "by-owner": {"hash": "owner", "range": "number", "projection": ["kind", "weight"]},
            "in-time": {"hash": "stream", "range": "at", "local": True, "projection": "keys"},
        },
    },
    "properties": {
        "stream": TEXT,
        "number": {"type": "number"},
        "title": TEXT,
        "version": WHOLE,
        "kind": TEXT,
        "level": WHOLE,
        "owner": TEXT,
        "at": {"type": "string", "format": "date-time"},
        "weight": {"type": "number"},
        "color": {"type": "string", "default": "red"},
        "body": TEXT,
    },
}

#: Texts, numbers and bytes as partition and sort keys.
KEYED = {
    f"Keyed{kind}": {
        "type": "object",
        "additionalProperties": False,
        "x-pym-table": {"name": f"keyed-{kind.lower()}", "hash": "part", "range": "sort"},
        "properties": {"part": schema, "sort": schema},
    }
    for kind, schema in (
        ("Text", TEXT),
        ("Number", {"type": "number"}),
        ("Bytes", {"type": "string", "format": "byte"}),
        ("Moment", {"type": "string", "format": "date-time"}),
    )
}


class Notes(PersistentSwaggerObject):
    """A persistent class of a service, for a model that names it."""

    table_name = "notes"
    primary_key = "folder"
    sort_key = "title"


NOTE: dict[str, Any] = {
    "type": "object",
    "x-persist": "events.Notes",
    "properties": {"folder": TEXT, "title": TEXT, "stars": WHOLE},
}


def put(database: Database, table: str, items: Iterable[dict[str, Any]]) -> None:
    """Write items of wire values, many at a time."""
    name = database.table_name(table)
    requests = [{"PutRequest": {"Item": item}} for item in items]
    for start in range(0, len(requests), 25):
        answer = database.call("BatchWriteItem", {"RequestItems": {name: requests[start : start + 25]}})
        assert not answer.get("UnprocessedItems")


def item(number: float, stream: str = "s", **more: Any) -> dict[str, Any]:
    """Return the item of an event."""
    made = {"stream": {"S": stream}, "number": {"N": str(number)}, "title": {"S": f"title {number}"}}
    for name, value in more.items():
        made[name] = {"N": str(value)} if isinstance(value, (int, float)) else {"S": value}
    return made
