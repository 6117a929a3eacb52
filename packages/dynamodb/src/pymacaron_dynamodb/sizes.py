"""How large an item is, as DynamoDB counts (Developer Guide, "DynamoDB item sizes and formats")."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .definition import NOTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .wire import Wire

#: Bytes that an item may have.
LIMIT = 400 * 1024

_OVERHEAD = 3


def size_of_item(item: Mapping[str, Wire]) -> int:
    """Return an item's size in bytes: names and values; that of numbers is about what DynamoDB counts."""
    return sum(_of_attribute(name, wire) for name, wire in item.items())


def describe_size(item: Mapping[str, Wire]) -> str:
    """Say how large an item is, and which property is the largest, its notes included."""
    shares: Counter[str] = Counter()
    for name, wire in item.items():
        shares[name.removeprefix(NOTES)] += _of_attribute(name, wire)
    ((largest, share),) = shares.most_common(1)
    return (
        f"the item has about {shares.total():,} bytes, and DynamoDB takes {LIMIT:,}; {largest!r} alone has {share:,}:"
        " store it elsewhere, such as in S3, or split it"
    )


def _of_attribute(name: str, wire: Wire) -> int:
    return len(name.encode()) + _of_value(wire)


def _of_value(wire: Mapping[str, Any]) -> int:
    ((kind, value),) = wire.items()
    if kind == "S":
        return len(value.encode())
    if kind == "N":
        return _of_number(value)
    if kind == "B":
        return len(value)
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "M":
        return _OVERHEAD + sum(_of_attribute(name, item) + 1 for name, item in value.items())
    if kind == "L":
        return _OVERHEAD + sum(_of_value(item) + 1 for item in value)
    return sum(_of_value({kind[0]: member}) for member in value)


def _of_number(text: str) -> int:
    """Count one byte, one for each two digits on either side of the point without outer zeros, and one for a sign."""
    exact = Decimal(text)
    if not exact:
        return 1
    sign, digits, exponent = exact.as_tuple()
    significant = len("".join(map(str, digits)).rstrip("0"))
    lowest = int(exponent) + len(digits) - significant
    return 1 + sign - (-(significant + lowest) // 2) - lowest // 2
