"""Faults of large values, found piece by piece.

jsonschema-rs collects all errors of a value before it gives the first, which a hostile body of a megabyte turns into
half a million. So a large value is walked: a part that is valid costs one call, and the walk ends with its reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from pymacaron.contract import Schema

from .lowering import Lowering, build_validator, hidden

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .lowering import Direction
    from .types import Types

LARGE = 5_000
_CHUNK = 500


def is_large(value: Any, limit: int = LARGE) -> bool:
    """Tell whether a plain value has more than ``limit`` nodes, in time bounded by the limit."""
    stack, count = [value], 0
    while stack:
        part = stack.pop()
        if isinstance(part, (list, dict)):
            count += len(part)
            if count > limit:
                return True
            stack.extend(part.values() if isinstance(part, dict) else part)
    return False


class _Moved:
    """An error found in a part, seen from the whole."""

    def __init__(self, error: Any, path: tuple[Any, ...]) -> None:
        self.kind = error.kind
        self.instance = error.instance
        self.instance_path = [*path, *error.instance_path]


class Walker:
    """Walks plain values along their schemas."""

    def __init__(self, types: Types, direction: Direction) -> None:
        self.types = types
        self.direction: Direction = direction
        self._validators: dict[tuple[int, bool], tuple[Any, Any]] = {}

    def errors(self, schema: Schema | bool, value: Any, path: tuple[Any, ...] = ()) -> Iterator[Any]:
        """Yield errors one by one, each found when asked for."""
        shape = self.types.shape(schema)
        if not isinstance(value, (list, dict)) or isinstance(shape, bool) or not _separable(shape):
            yield from self._whole(shape, value, path)
            return
        yield from self._whole(_shallow(shape), value, path)
        if isinstance(value, list):
            yield from self._elements(shape.items if shape.items is not None else True, value, path)
        else:
            yield from self._properties(shape, value, path)

    def _whole(self, schema: Schema | bool, value: Any, path: tuple[Any, ...]) -> Iterator[Any]:
        """Check a value in one go; only the first error where it is large itself."""
        validator = self._validator(schema)
        if validator.is_valid(value):
            return
        if is_large(value) and not (isinstance(schema, Schema) and _is_shallow(schema)):
            try:
                validator.validate(value)
            except ValueError as first:
                yield _Moved(first, path)
            return
        for error in validator.iter_errors(value):
            yield _Moved(error, path)

    def _elements(self, items: Schema | bool, value: list[Any], path: tuple[Any, ...]) -> Iterator[Any]:
        if items is True:
            return
        whole = self._validator(Schema(items=items))
        for start in range(0, len(value), _CHUNK):
            chunk = value[start : start + _CHUNK]
            if whole.is_valid(chunk):
                continue
            for index, element in enumerate(chunk, start):
                if not self._validator(items).is_valid(element):
                    yield from self.errors(items, element, (*path, index))

    def _properties(self, shape: Schema, value: dict[str, Any], path: tuple[Any, ...]) -> Iterator[Any]:
        extra = shape.additional_properties
        for name, child in value.items():
            schema = shape.properties.get(name, extra if isinstance(extra, Schema) else True)
            if schema is True or hidden(schema, self.types.schemas, self.direction):
                continue
            if not self._validator(schema).is_valid(child):
                yield from self.errors(schema, child, (*path, name))

    def _validator(self, schema: Schema | bool) -> Any:
        key = (id(schema), False)
        if key not in self._validators:
            modern = self.types.api.float_is_integer
            lowering = Lowering(self.types.schemas, self.types.formats, self.direction, modern)
            made = build_validator(lowering.document(schema), self.types.formats, modern)
            self._validators[key] = (schema, made)
        return self._validators[key][1]


def _separable(shape: Schema) -> bool:
    """Tell whether the schemas of elements and properties can be checked apart from the rest."""
    tied = (
        shape.any_of or shape.one_of or shape.all_of or shape.pattern_properties or shape.prefix_items
        or shape.dependent_schemas or shape.ref or shape.discriminator
    )  # fmt: skip
    others = (shape.not_, shape.if_, shape.contains, shape.unevaluated_items, shape.unevaluated_properties)
    return not tied and all(other is None for other in others)


def _shallow(shape: Schema) -> Schema:
    """Return what a schema says of a value without the schemas of its parts."""
    extra = shape.additional_properties
    return replace(
        shape,
        items=None,
        properties=dict.fromkeys(shape.properties, True),
        additional_properties=True if isinstance(extra, Schema) else extra,
    )


def _is_shallow(shape: Schema) -> bool:
    return shape.items is None and not any(isinstance(child, Schema) for child in shape.properties.values())
