"""Key conditions: which items of one partition a query reads, by their sort key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from pynamodb.expressions.condition import BeginsWith, Comparison, Condition
from pynamodb.expressions.operand import Path, Value, _Operand

from .conditions import Named
from .exceptions import QueryInvalid
from .wire import Wire, canonical_number, to_wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .items import ItemCodec

#: What a sort key is compared by.
Operator = Literal["=", "<", "<=", ">", ">=", "between", "begins_with"]
#: A value that a key may have.
KeyValue = str | int | float | Decimal | bytes | date | datetime | UUID
#: A value that the sort key must have, one comparison such as ``{">=": 5}``, ``{"between": (1, 9)}`` and
#: ``{"begins_with": "a"}``, or PynamoDB's condition on the sort key.
RangeCondition = KeyValue | Mapping[Operator, Any] | Condition

# PynamoDB gives these no types.
_begins_with: Any = BeginsWith
_comparison: Any = Comparison

_COMPARISONS = ("=", "<", "<=", ">", ">=")
_OF_KEYS = {*_COMPARISONS, "BETWEEN", "begins_with"}
_FORMS = "a value, {'>=': value} (or = < <= >), {'between': (lowest, highest)}, or {'begins_with': text}"


def key_condition(codec: ItemCodec, sort_key: str, wanted: RangeCondition) -> Condition | None:
    """Return the condition on a sort key; None where every key meets it.

    Raises:
        QueryInvalid: it is no condition that a key can be asked for.
        ItemInvalid: a value is of another type than the key.
    """
    if isinstance(wanted, Condition):
        return _checked(wanted, sort_key)
    if not isinstance(wanted, Mapping):
        return compared(sort_key, "=", _bound(codec, sort_key, wanted))
    if len(wanted) != 1:
        raise QueryInvalid(f"the condition on {sort_key!r} is {wanted!r}; write one comparison, such as between")
    ((operator, value),) = wanted.items()
    if operator == "between":
        return _between(codec, sort_key, value)
    if operator == "begins_with":
        prefix = _prefix(codec, sort_key, value)
        return _begins_with(Named([sort_key]), Value(prefix)) if prefix is not None else None
    if operator not in _COMPARISONS:
        raise QueryInvalid(f"the condition on {sort_key!r} compares by {operator!r}; write {_FORMS}")
    return compared(sort_key, operator, _bound(codec, sort_key, value))


def compared(key: str, operator: str, wire: Wire) -> Condition:
    """Return the condition that a key compares to a value."""
    made: Condition = _comparison(operator, Named([key]), Value(wire))
    return made


def _between(codec: ItemCodec, sort_key: str, value: Any) -> Condition:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise QueryInvalid(f"{sort_key!r} is to be between {value!r}; write (lowest, highest)")
    lowest, highest = (_bound(codec, sort_key, each) for each in value)
    if _order(lowest) > _order(highest):
        raise QueryInvalid(f"{sort_key!r} is to be between {value!r}; write the lowest first")
    made: Condition = Named([sort_key]).between(Value(lowest), Value(highest))
    return made


def _order(wire: Wire) -> Any:
    """Return what keys of one type are sorted by."""
    ((kind, value),) = wire.items()
    return Decimal(value) if kind == "N" else value.encode() if kind == "S" else value


def _prefix(codec: ItemCodec, sort_key: str, value: Any) -> Wire | None:
    """Return what a key begins with; None for nothing, which DynamoDB would not take."""
    kind = codec.definition.key_types[sort_key]
    if kind == "N" or not isinstance(value, str if kind == "S" else bytes):
        needed = {"S": "a text", "B": "bytes", "N": "a text, and the key is a number"}[kind]
        raise QueryInvalid(f"{sort_key!r} is to begin with {value!r}, which must be {needed}")
    return {kind: value} if value else None


def _bound(codec: ItemCodec, sort_key: str, value: Any) -> Wire:
    """Return the attribute value of a bound, which need not be a value that the schema allows."""
    kind = codec.definition.key_types[sort_key]
    if kind == "S" and isinstance(value, str) and value and codec.attributes.shape(sort_key).format != "date-time":
        return {"S": value}
    if kind == "N" and isinstance(value, (int, float)) and not isinstance(value, bool):
        made = to_wire(value, {})
        if "N" in made:
            return {"N": canonical_number(made["N"])}
    return codec.attributes.value(sort_key, value)


def _checked(condition: Condition, sort_key: str) -> Condition:
    path = condition.values[0]
    if condition.operator not in _OF_KEYS or not isinstance(path, Path) or path.path != [sort_key]:
        raise QueryInvalid(
            f"the condition {condition} is none on the sort key {sort_key!r} by =, <, <=, >, >=, between or"
            " startswith; give others as filter"
        )
    return condition


def attributes_of(condition: Any) -> Iterator[str]:
    """Yield the attributes that a condition is about."""
    if isinstance(condition, Path):
        first = str(condition.path[0])
        yield first if isinstance(condition, Named) else first.partition("[")[0]
    elif isinstance(condition, (Condition, _Operand)):
        for value in condition.values:
            yield from attributes_of(value)
