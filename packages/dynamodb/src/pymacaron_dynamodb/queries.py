"""Queries: the objects of one partition, in the order of their sort key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .conditions import Expression, all_of, read_condition
from .exceptions import QueryInvalid
from .key_conditions import attributes_of, compared, key_condition
from .projections import Projection
from .results import Reading, Results

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pynamodb.expressions.condition import Condition

    from .binding import Binding
    from .conditions import OnlyIf
    from .definition import IndexDefinition
    from .key_conditions import KeyValue, RangeCondition


def query(
    binding: Binding,
    hash_value: KeyValue,
    range_condition: RangeCondition | None = None,
    *,
    index: str | None = None,
    filter: OnlyIf | None = None,
    limit: int | None = None,
    reverse: bool = False,
    consistent: bool | None = None,
    properties: Sequence[str] | None = None,
    cursor: str | None = None,
) -> Results[Any]:
    """See :meth:`pymacaron_dynamodb.PersistentSwaggerObject.query`."""
    definition = binding.definition
    found = definition.index(index) if index is not None else None
    keys = definition.keys if found is None else found.keys
    is_consistent = consistency(binding, found, consistent)
    projection = Projection(binding, found, properties, is_consistent)
    hash_wire = binding.codec.attributes.value(keys[0], hash_value)
    is_hash = compared(keys[0], "=", hash_wire)
    expression = Expression()
    expression.add("KeyConditionExpression", all_of([is_hash, _range(binding, keys, range_condition)]))
    expression.add("FilterExpression", read_filter(binding, filter, projection, keys))
    arguments = binding.request(**expression.arguments(), ConsistentRead=is_consistent)
    if found is not None:
        arguments["IndexName"] = found.name
    if reverse:
        arguments["ScanIndexForward"] = False
    names = arguments.get("ExpressionAttributeNames", {})
    known = {keys[0]: hash_wire}
    reading = Reading(binding, "Query", arguments, projection.keys, projection.arguments(names), known)
    return Results(reading, projection.make, limit, cursor)


def read_filter(
    binding: Binding, filter: OnlyIf | None, projection: Projection, keys: tuple[str, ...] = ()
) -> Condition | None:
    """Return the condition of a filter.

    Args:
        keys: properties that it must not be about.

    Raises:
        QueryInvalid: it is about those, or about what the index does not have.
    """
    if isinstance(filter, dict) and not filter:
        return None
    condition = read_condition(binding.codec, filter)
    names = list(attributes_of(condition))
    for name in names:
        if name in keys:
            raise QueryInvalid(
                f"the filter is about {name!r}, which is a key of what is queried; give it as the hash or the"
                " range_condition"
            )
    projection.check(names, "the filter is about")
    return condition


def consistency(binding: Binding, index: IndexDefinition | None, wanted: bool | None, usual: bool = True) -> bool:
    """Return whether a read is strongly consistent.

    Args:
        wanted: None where it is as usual.

    Raises:
        QueryInvalid: it is wanted of a global index, which DynamoDB fills a moment after the table.
    """
    if index is None or index.local:
        return usual if wanted is None else wanted
    if wanted:
        raise QueryInvalid(
            f"consistent=True, and {index.name!r} of the table {binding.table!r} is a global index, which DynamoDB"
            " fills a moment after the table; leave consistent out, or make the index a local one"
        )
    return False


def _range(binding: Binding, keys: tuple[str, ...], wanted: RangeCondition | None) -> Condition | None:
    if wanted is None:
        return None
    if len(keys) == 1:
        raise QueryInvalid(
            f"the range_condition is {wanted!r}, and what is queried of the table {binding.table!r} has no sort key"
        )
    return key_condition(binding.codec, keys[1], wanted)
