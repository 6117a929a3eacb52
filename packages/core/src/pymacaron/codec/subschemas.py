"""What stands inside a schema, and whether two schemas say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymacaron.contract import Schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .types import Types

AnySchema = Schema | bool


def children(schema: Schema) -> list[AnySchema]:
    """List the schemas that stand directly in a schema."""
    made: list[AnySchema] = [*schema.properties.values(), *schema.pattern_properties.values()]
    made += [*schema.dependent_schemas.values(), *schema.prefix_items, *schema.all_of, *schema.any_of, *schema.one_of]
    for value in (
        schema.items, schema.additional_properties, schema.contains, schema.property_names, schema.not_, schema.if_,
        schema.then, schema.else_, schema.unevaluated_items, schema.unevaluated_properties,
    ):  # fmt: skip
        if value is not None:
            made.append(value)
    return made


def targets(schema: Schema) -> Iterable[str]:
    """Yield the names of the schemas that a schema refers to."""
    if schema.ref is not None:
        yield schema.ref
    if schema.discriminator is not None:
        yield from schema.discriminator.mapping.values()


def extended(schema: Schema, schemas: Mapping[str, AnySchema]) -> list[Schema]:
    """List the named schemas that a named schema extends by ``allOf``, directly or not, nearest first."""
    found: dict[str, Schema] = {}
    waiting: list[AnySchema] = [schemas.get(schema.name or "", schema)]
    while waiting:
        part = waiting.pop(0)
        if isinstance(part, Schema):
            names = [inner.ref for inner in part.all_of if isinstance(inner, Schema) and inner.ref is not None]
            names += [part.ref] if part.ref is not None else []
            new = {name: schemas[name] for name in names if name not in found and name != schema.name}
            found.update({name: other for name, other in new.items() if isinstance(other, Schema)})
            waiting += new.values()
    return list(found.values())


def equal_schemas(mine: Types, a: AnySchema, theirs: Types, b: AnySchema) -> bool:
    """Tell whether two schemas of two contracts say the same, references followed, recursion included."""
    if mine.api.float_is_integer != theirs.api.float_is_integer:
        return False
    assumed: set[str] = set()
    waiting = [(a, b)]
    while waiting:
        left, right = waiting.pop()
        # Schemas compare by value, so what is left to follow are references of equal names.
        if left != right:
            return False
        if isinstance(left, Schema) and isinstance(right, Schema):
            new = set(targets(left)) - assumed
            assumed |= new
            waiting += [(mine.schemas[name], theirs.schemas[name]) for name in new]
            waiting += zip(children(left), children(right), strict=True)
    return True
