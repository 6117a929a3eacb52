"""Whether null follows a schema, told from its words, because models ask it of every property that names no type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from pymacaron.contract import Schema

if TYPE_CHECKING:
    from .types import Types

AnySchema = Schema | bool


def takes_null(types: Types, schema: AnySchema, path: tuple[int, ...] = ()) -> bool:
    """Tell whether null follows a schema. In a circle of references a schema asks for nothing more."""
    shape = types.shape(schema)
    if isinstance(shape, bool) or id(shape) in path:
        return shape is not False
    if not _plainly(shape):
        return False
    path = (*path, id(shape))

    def takes(part: AnySchema) -> bool:
        return takes_null(types, part, path)

    if shape.ref is not None and not takes(types.schemas[shape.ref]):
        return False
    return (
        all(map(takes, shape.all_of))
        and (not shape.any_of or any(map(takes, shape.any_of)))
        and (not shape.one_of or sum(map(takes, shape.one_of)) == 1)
        and (shape.not_ is None or not takes(shape.not_))
        and _branch(shape, takes(shape.if_) if shape.if_ is not None else None, types, path)
    )


def _plainly(shape: Schema) -> bool:
    """Tell whether type, enum and const let null pass."""
    if (shape.type and "null" not in shape.type) or (shape.enum is not None and None not in shape.enum):
        return False
    return shape.const is UNSET or shape.const is None


def _branch(shape: Schema, held: bool | None, types: Types, path: tuple[int, ...]) -> bool:
    """Tell whether ``then`` or ``else`` let null pass, by whether ``if`` did."""
    meant = None if held is None else shape.then if held else shape.else_
    return meant is None or takes_null(types, meant, path)
