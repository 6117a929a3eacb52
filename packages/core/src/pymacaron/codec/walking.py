"""Faults of large values, found piece by piece.

jsonschema-rs collects all errors of a value before it gives the first, which a hostile body of a megabyte turns into
half a million. So a large value is walked: a part that is valid costs one call, a small one is judged whole, and the
walk ends with its reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from pymacaron.contract import Schema

from .lowering import Lowering, build_validator, hidden
from .merging import without_null

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .lowering import Direction
    from .types import Types

AnySchema = Schema | bool

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


class Found(NamedTuple):
    """An error of jsonschema-rs in a part of a value: where the part stands, and by which document it was judged."""

    error: Any
    path: tuple[Any, ...]
    document: Any


class Judge(NamedTuple):
    """A compiled validator, the document that it was made from, and the schema, which is kept so that its id is its."""

    validator: Any
    document: Any
    schema: AnySchema


class Walker:
    """Walks plain values along their schemas, in one direction."""

    def __init__(self, types: Types, direction: Direction, large: int = LARGE) -> None:
        self.types = types
        self.direction: Direction = direction
        self.large = large
        self._judges: dict[tuple[str, int], Judge] = {}

    def errors(self, schema: AnySchema, value: Any, path: tuple[Any, ...] = ()) -> Iterator[Found]:
        """Yield errors one by one, each found when asked for."""
        shape = self.types.shape(schema)
        if isinstance(shape, Schema) and value is not None and (other := without_null(shape)) is not None:
            shape = self.types.shape(other)
        if not is_large(value, self.large):
            yield from _all(self._judge(schema), value, path)
        elif isinstance(shape, bool) or not _separable(shape):
            yield from _first(self._judge(schema), value, path)
        else:
            yield from _all(self._judge(shape, "shallow", self._shallow), value, path)
            if isinstance(value, list):
                yield from self._elements(shape.items if shape.items is not None else True, value, path)
            else:
                yield from self._properties(shape, value, path)

    def _elements(self, items: AnySchema, value: list[Any], path: tuple[Any, ...]) -> Iterator[Found]:
        if items is True:
            return
        whole = self._judge(items, "items", lambda schema: Schema(items=schema)).validator
        one = self._judge(items).validator
        for start in range(0, len(value), _CHUNK):
            chunk = value[start : start + _CHUNK]
            if whole.is_valid(chunk):
                continue
            for index, element in enumerate(chunk, start):
                if len(chunk) == 1 or not one.is_valid(element):
                    yield from self.errors(items, element, (*path, index))

    def _properties(self, shape: Schema, value: dict[str, Any], path: tuple[Any, ...]) -> Iterator[Found]:
        extra = shape.additional_properties
        for name, child in value.items():
            schema = shape.properties.get(name, extra if isinstance(extra, Schema) else True)
            if schema is True or hidden(schema, self.types.schemas, self.direction):
                continue
            if not self._judge(schema).validator.is_valid(child):
                yield from self.errors(schema, child, (*path, name))

    def _shallow(self, shape: Schema) -> Schema:
        """Return what a schema says of a value without the schemas of its parts; those that may be left out stay so."""
        extra, schemas = shape.additional_properties, self.types.schemas
        stubs = {
            name: Schema(read_only=hidden(child, schemas, "request"), write_only=hidden(child, schemas, "response"))
            for name, child in shape.properties.items()
        }
        extra = True if isinstance(extra, Schema) else extra
        return replace(shape, items=None, properties=stubs, additional_properties=extra)

    def _judge(self, schema: AnySchema, form: str = "whole", change: Callable[[Any], AnySchema] | None = None) -> Judge:
        """Return what judges a form of a schema, compiled when first asked for."""
        key = (form, id(schema))
        found = self._judges.get(key)
        if found is None:
            modern = self.types.api.float_is_integer
            lowering = Lowering(self.types.schemas, self.types.formats, self.direction, modern)
            document = lowering.document(schema if change is None else change(schema))
            found = Judge(build_validator(document, self.types.formats, modern), document, schema)
            self._judges[key] = found
        return found


def _all(judge: Judge, value: Any, path: tuple[Any, ...]) -> Iterator[Found]:
    for error in judge.validator.iter_errors(value):
        yield Found(error, path, judge.document)


def _first(judge: Judge, value: Any, path: tuple[Any, ...]) -> Iterator[Found]:
    try:
        judge.validator.validate(value)
    except ValueError as error:
        yield Found(error, path, judge.document)


def _separable(shape: Schema) -> bool:
    """Tell whether the schemas of elements and properties can be checked apart from the rest."""
    tied = (
        shape.any_of or shape.one_of or shape.all_of or shape.pattern_properties or shape.prefix_items
        or shape.dependent_schemas or shape.ref or shape.discriminator
    )  # fmt: skip
    others = (shape.not_, shape.if_, shape.contains, shape.unevaluated_items, shape.unevaluated_properties)
    return not tied and all(other is None for other in others)
