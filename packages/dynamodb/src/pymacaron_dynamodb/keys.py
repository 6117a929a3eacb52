"""Keys of items: how code names them where there are several, and when two are the same."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .wire import from_wire

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from .attributes import Item
    from .binding import Binding
    from .wire import Wire

#: Keys that one request may have (API reference, BatchGetItem).
MOST_KEYS = 100


def read_key(binding: Binding, given: Any) -> Item:
    """Return the key that code gives as one value: that of the partition key, or a pair where there is a sort key.

    Raises:
        ItemInvalid: a part of the key is missing, too much, or of another type.
    """
    if binding.definition.range is None or not isinstance(given, tuple):
        return binding.codec.key(given)
    return binding.codec.key(*given)


def identity(binding: Binding, item: Mapping[str, Wire]) -> Hashable:
    """Return what two keys, or items, have in common exactly where DynamoDB takes them for the same item."""
    return (binding.table, *(_comparable(item[name]) for name in binding.definition.keys))


def shown_key(binding: Binding, item: Mapping[str, Wire]) -> dict[str, Any]:
    """Return a key as values of JSON and bytes, by the names of its properties."""
    return {name: from_wire(item[name]) for name in binding.definition.keys}


def _comparable(wire: Mapping[str, Any]) -> Hashable:
    ((kind, value),) = wire.items()
    return (kind, Decimal(value)) if kind == "N" else (kind, value)
