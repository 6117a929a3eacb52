"""Discriminators of answers: a client picks a model by them, so they must name one, and the value must follow it.

To a validator a discriminator beside ``oneOf`` or ``anyOf`` is a hint only (OpenAPI 3.1, section 4.8.25), so that an
unknown name can pass where a branch does not restrict it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymacaron.contract import Schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymacaron.codec.types import Types

_DEPTH = 20


def unknown_kinds(
    types: Types, schema: Schema | bool, value: Any, pointer: str = ""
) -> Iterator[tuple[str, str, list[str]]]:
    """Yield where a value's discriminators name nothing or something else.

    Each is a JSON pointer, what is to be said, and the names that may stand there.
    """
    shape = types.shape(schema)
    if not isinstance(shape, Schema) or pointer.count("/") > _DEPTH:
        return
    if isinstance(value, list) and shape.items is not None:
        for index, item in enumerate(value):
            yield from unknown_kinds(types, shape.items, item, f"{pointer}/{index}")
    if not isinstance(value, dict):
        return
    yield from _own(types, shape, value, pointer)
    for name, inner in types.fields(shape).items():
        if name in value:
            yield from unknown_kinds(types, inner, value[name], f"{pointer}/{name}")


def _own(types: Types, shape: Schema, value: dict[str, Any], pointer: str) -> Iterator[tuple[str, str, list[str]]]:
    found = shape.discriminator
    if found is None or not (shape.one_of or shape.any_of):
        return
    place, kind = f"{pointer}/{found.property}", value.get(found.property)
    if kind not in found.mapping:
        yield place, f"the discriminator is {kind!r}; it names one of {', '.join(found.mapping)}", [*found.mapping]
        return
    fitting = [name for name, of in found.mapping.items() if types.codec(types.schemas[of], "response").accepts(value)]
    named = types.schemas[found.mapping[kind]]
    if kind in fitting:
        yield from unknown_kinds(types, named, value, pointer)
    else:
        yield place, f"the discriminator names {kind!r}, whose schema the value breaks", [*fitting]
