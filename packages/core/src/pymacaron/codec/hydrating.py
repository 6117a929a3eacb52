"""The slow path's second half: plain values that were found valid become models and typed values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from pymacaron.contract import Schema
from pymacaron.model import EXTRA, construct

if TYPE_CHECKING:
    from .lowering import Direction
    from .types import Types


class Hydrator:
    """Makes typed values for one direction. It trusts that the values follow their schemas."""

    def __init__(self, types: Types, direction: Direction) -> None:
        self.types = types
        self.direction: Direction = direction

    def hydrate(self, schema: Schema | bool, value: Any) -> Any:
        """Return a valid plain value in the Python form that its schema gives it."""
        shape = self.types.shape(schema)
        if isinstance(shape, bool) or value is None or isinstance(value, bool):
            return value
        chosen = self._choose(shape, value)
        if chosen is not None and (self._narrows(shape) or not self._forms(shape, value)):
            return self.hydrate(chosen, value)
        wire = self.types.formats.get(shape.format)
        if wire is not None and (isinstance(value, str) or wire.types == (object,)):
            return wire.parse(value)
        if isinstance(value, float) and "integer" in shape.type and "number" not in shape.type:
            return int(value)
        if isinstance(value, list):
            return self._array(shape, value)
        if isinstance(value, dict):
            return self._object(shape, value)
        return value

    def _choose(self, shape: Schema, value: Any) -> Schema | bool | None:
        """Return the schema that a value follows where there is a choice: by discriminator, or the first that fits."""
        tag = shape.discriminator
        if tag is not None and isinstance(value, dict) and isinstance(value.get(tag.property), str):
            target = tag.mapping.get(value[tag.property])
            if target is not None and target != shape.name and (tag.inherited or self._fits(target, value)):
                return self.types.schemas[target]
        for branch in (*shape.one_of, *shape.any_of):
            if self.types.codec(branch, self.direction).checker.is_valid(value):
                return branch
        return None

    def _fits(self, name: str, value: Any) -> bool:
        """Tell whether a value follows what its tag names; beside ``oneOf`` and ``anyOf`` a tag is but a hint."""
        return self.types.codec(self.types.schemas[name], self.direction).checker.is_valid(value)

    def _narrows(self, shape: Schema) -> bool:
        """Tell whether a choice leads to a subtype of the shape, instead of only adding conditions to it."""
        return shape.discriminator is not None

    def _forms(self, shape: Schema, value: Any) -> bool:
        """Tell whether the shape itself says what a value becomes, so that a choice beside it only adds conditions."""
        if isinstance(value, dict):
            return bool(self.types.fields(shape)) or isinstance(shape.additional_properties, Schema)
        if isinstance(value, list):
            return bool(shape.prefix_items) or isinstance(shape.items, Schema)
        return self.types.formats.get(shape.format) is not None

    def _array(self, shape: Schema, value: list[Any]) -> list[Any]:
        first = len(shape.prefix_items)
        made = [self.hydrate(schema, item) for schema, item in zip(shape.prefix_items, value, strict=False)]
        if shape.items is None:
            return made + value[first:]
        return made + [self.hydrate(shape.items, item) for item in value[first:]]

    def _object(self, shape: Schema, value: dict[str, Any]) -> Any:
        made = {
            name: self.hydrate(schema, item)
            for name, item in value.items()
            if not self.types.is_hidden(schema := self._property(shape, name), self.direction)
        }
        kind = self.types.model_of(shape, self.direction)
        if kind is None:
            return made
        known = kind._info.properties
        fields = {known[name].attribute: item for name, item in made.items() if name in known}
        extra = {name: item for name, item in made.items() if name not in known}
        return construct(kind, {**fields, EXTRA: extra or UNSET})

    def _property(self, shape: Schema, name: str) -> Schema | bool:
        found = self.types.fields(shape).get(name)
        if found is not None:
            return found
        extra = shape.additional_properties
        return extra if extra is not None and not shape.pattern_properties else True
