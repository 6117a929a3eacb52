"""How large an item is, as DynamoDB counts (Developer Guide, "DynamoDB item sizes and formats")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .wire import Wire

#: Bytes that an item may have.
LIMIT = 400 * 1024

_OVERHEAD = 3


def size_of_item(item: Mapping[str, Wire]) -> int:
    """Return an item's size in bytes: names and values."""
    return sum(_of_attribute(name, wire) for name, wire in item.items())


def describe_size(item: Mapping[str, Wire]) -> str:
    """Say how large an item is, and which attribute is the largest."""
    largest = max(item, key=lambda name: _of_attribute(name, item[name]))
    share = _of_attribute(largest, item[largest])
    return (
        f"the item has {size_of_item(item):,} bytes, and DynamoDB takes {LIMIT:,}; {largest!r} alone has {share:,}:"
        " store it elsewhere, such as in S3"
    )


def _of_attribute(name: str, wire: Wire) -> int:
    return len(name.encode()) + _of_value(wire)


def _of_value(wire: Mapping[str, Any]) -> int:
    ((kind, value),) = wire.items()
    if kind == "S":
        return len(value.encode())
    if kind == "N":
        return len(value.lstrip("-")) // 2 + 2
    if kind == "B":
        return len(value)
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "M":
        return _OVERHEAD + sum(_of_attribute(name, item) + 1 for name, item in value.items())
    if kind == "L":
        return _OVERHEAD + sum(_of_value(item) + 1 for item in value)
    return sum(_of_value({kind[0]: member}) for member in value)
