"""Typed values and models to what JSON holds, guided by their schemas where those decide the form."""

from __future__ import annotations

from decimal import Decimal
from itertools import repeat
from math import isfinite
from typing import TYPE_CHECKING, Any

import msgspec

from pymacaron.contract import Schema
from pymacaron.model import PymacaronBaseModel

from .merging import without_null

if TYPE_CHECKING:
    from .lowering import Direction
    from .types import Types

_SCALARS = (str, int, float, bool, type(None))


class Dumper:
    """Turns values of one contract into dicts, lists and scalars."""

    def __init__(self, types: Types) -> None:
        self.types = types

    def plain(self, value: Any) -> Any:
        """Turn any value into what JSON holds; a model is written by its own schema.

        Raises:
            TypeError: JSON has no form for the value.
            ValueError: it has none for this value, such as a naive datetime.
        """
        if type(value) in (str, int, bool, type(None)):
            return value
        if isinstance(value, float):
            return _finite(value)
        if isinstance(value, PymacaronBaseModel):
            return self._model(value, "any")
        if isinstance(value, dict):
            return {_key(key): self.plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.plain(item) for item in value]
        return self._leaf(value)

    def wire(self, schema: Schema | bool, value: Any) -> Any:
        """Turn a value that is JSON's or typed already, or a mixture of both, into what JSON holds."""
        return self.dump(schema, value, "any", mixed=True)

    def dump(self, schema: Schema | bool, value: Any, direction: Direction, mixed: bool = False) -> Any:
        """Turn a typed value into what JSON holds, in the form that its schema asks for."""
        shape = self.types.shape(schema)
        if isinstance(value, PymacaronBaseModel):
            return self._model(value, direction)
        if isinstance(shape, Schema) and (shape.any_of or shape.one_of):
            shape = self._chosen(shape, value)
        if isinstance(shape, bool):
            return self.plain(value)
        wire = self.types.formats.get(shape.format)
        if wire is not None and not isinstance(value, _SCALARS) and isinstance(value, wire.types):
            return wire.dump(value)
        if wire is not None and wire.types == (object,) and value is not None and not isinstance(value, str):
            return value if mixed and _fits(value, shape) else wire.dump(value)
        if isinstance(value, dict):
            return self._mapping(shape, value, direction, mixed)
        if isinstance(value, (list, tuple)):
            first, items = shape.prefix_items, shape.items if shape.items is not None else True
            schemas = [*first, *[items] * (len(value) - len(first))] if first else repeat(items)
            return [self.dump(schema, item, direction, mixed) for schema, item in zip(schemas, value, strict=False)]
        return self.plain(value)

    def _chosen(self, shape: Schema, value: Any) -> Schema | bool:
        """Return the branch that decides the form of a value; the choice itself where that is not known."""
        other = without_null(shape)
        if other is not None and value is not None:
            return self.types.shape(other)
        if isinstance(value, _SCALARS):
            return shape
        branches = [self.types.shape(branch) for branch in (*shape.any_of, *shape.one_of)]
        found = [branch for branch in branches if isinstance(branch, Schema) and self._may_be_of(branch, value)]
        # Values of a service's own format may be of any type, so a format that is known to have theirs comes first.
        found.sort(key=lambda branch: self._is_own(branch.format))
        return found[0] if len(found) == 1 or (found and found[0].format) else shape

    def _is_own(self, format: str | None) -> bool:
        """Tell whether a format is a service's own."""
        wire = self.types.formats.get(format)
        return wire is not None and wire.types == (object,)

    def _may_be_of(self, branch: Schema, value: Any) -> bool:
        """Tell whether a typed value can be one of a branch: by its format, or as the list or object that it is."""
        if isinstance(value, (list, tuple, dict)):
            return not branch.type or ("object" if isinstance(value, dict) else "array") in branch.type
        wire = self.types.formats.get(branch.format)
        return wire is not None and isinstance(value, wire.types)

    def _mapping(self, shape: Schema, value: dict[Any, Any], direction: Direction, mixed: bool) -> dict[str, Any]:
        fields = self.types.fields(shape)
        extra = shape.additional_properties if shape.additional_properties is not None else True
        return {
            _key(name): self.dump(fields.get(name, extra), item, direction, mixed)
            for name, item in value.items()
            if not self.types.is_hidden(fields.get(name, extra), direction)
        }

    def _model(self, model: PymacaronBaseModel, direction: Direction) -> dict[str, Any]:
        """Write a model by the schema of its own class, which may belong to another contract."""
        info = model._info
        owner: Types = info.types
        made: dict[str, Any] = {}
        for name, value in model._items():
            known = info.properties.get(name)
            extra = info.schema.additional_properties
            schema = known.schema if known else extra if isinstance(extra, Schema) else True
            if not owner.is_hidden(schema, direction):
                made[name] = owner.dumper.dump(schema, value, direction)
        return made

    def _leaf(self, value: Any) -> Any:
        """Write a value that stands where no format says how."""
        if isinstance(value, Decimal):
            # A Decimal without a format is a number, as exact as numbers of JSON are read in general.
            return int(value) if value == value.to_integral_value() else float(value)
        made = msgspec.to_builtins(value, enc_hook=self.types.formats.encode)
        return made if isinstance(made, _SCALARS) else self.plain(made)


def _fits(value: Any, shape: Schema) -> bool:
    """Tell whether a value has a type of JSON that a schema names, and so is on its way in already."""
    kinds = {bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
    kind = kinds.get(type(value))
    return kind in shape.type or (kind == "integer" and "number" in shape.type)


def is_finite(value: Any) -> bool:
    """Tell whether no number in a value is NaN or infinite, for which the encoder would write null."""
    stack = [value]
    while stack:
        part = stack.pop()
        if isinstance(part, float) and not isfinite(part):
            return False
        if isinstance(part, PymacaronBaseModel):
            stack += [item for _, item in part._items()]
        elif isinstance(part, dict):
            stack += part.values()
        elif isinstance(part, (list, tuple)):
            stack += part
    return True


def _finite(value: float) -> float:
    if not isfinite(value):
        raise ValueError(f"{value} is no number of JSON")
    return value


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"the key {key!r} is no text, as JSON asks for")
    return key
