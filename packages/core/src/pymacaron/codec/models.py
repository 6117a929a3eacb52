"""The model classes of one contract: made from its object schemas, shared with contracts that hold the same ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Union, cast

from msgspec import UNSET, UnsetType
from msgspec import field as struct_field

from pymacaron.contract import Schema
from pymacaron.model import EXTRA, EXTRA_KEY, ModelInfo, ModelType, NoneWhenUnset, Property, PymacaronBaseModel
from pymacaron.model import attribute_names as name_attributes

from .defaults import default_factory
from .lowering import one_way
from .nulls import takes_null
from .subschemas import equal_schemas

if TYPE_CHECKING:
    from .lowering import Direction
    from .types import Types

AnySchema = Schema | bool
ModelClass = type[PymacaronBaseModel]

_UNWRITABLE = re.compile(r'[\\"\x00-\x1f]')


class Models:
    """Makes the classes of one contract; whoever calls holds the lock of building.

    A class comes first and the types of its fields later, because those may name the class itself.
    """

    def __init__(self, types: Types) -> None:
        self.types = types
        self.made: dict[tuple[str, Direction], ModelClass] = {}
        self._waiting: list[tuple[ModelClass, Direction]] = []

    def of(self, shape: Schema, direction: Direction) -> ModelClass:
        """Return the class of a shape; call :meth:`complete` before it is used."""
        direction = self.types.needed(shape, direction)
        key = (str(shape.name), direction)
        if key not in self.made:
            shared = self._shared(shape) if direction == "any" else None
            self.made[key] = shared or self._new(shape, direction)
            if shared is None:
                self._waiting.append((self.made[key], direction))
        return self.made[key]

    def complete(self) -> None:
        """Give every new class the types of its fields, which may name further new classes."""
        while self._waiting:
            made, direction = self._waiting.pop()
            info: ModelInfo = made._info
            for found in info.properties.values():
                made.__annotations__[found.attribute] = self._field_type(found, direction)
            made.__annotations__[EXTRA] = dict[str, Any] | UnsetType

    def _shared(self, shape: Schema) -> ModelClass | None:
        """Return the class that another contract has for an equal schema of the same name."""
        for peer in self.types.peers():
            made = peer.models.made.get((str(shape.name), "any")) if peer is not self.types else None
            if made is not None and self._may_share(shape, peer, made._info.schema):
                return made
        return None

    def _may_share(self, shape: Schema, peer: Types, theirs: Schema) -> bool:
        if peer.formats is not self.types.formats or self.types.bases(shape):
            return False
        return equal_schemas(self.types, shape, peer, theirs)

    def _new(self, shape: Schema, direction: Direction) -> ModelClass:
        return self._base(shape) if direction == "any" else self._variant(shape, self.of(shape, "any"), direction)

    def _base(self, shape: Schema) -> ModelClass:
        fields = self.types.fields(shape)
        attributes = name_attributes(list(fields))
        info = ModelInfo(self.types.api.name, str(shape.name), shape, types=self.types)
        namespace: dict[str, Any] = {"__annotations__": {}, "__doc__": shape.description or shape.title}
        for name, schema in fields.items():
            unset, secret = self._unset(schema), self.types.is_secret(schema)
            found = Property(name, attributes[name], schema, unset, secret, self.types)
            info.properties[name] = info.by_attribute[found.attribute] = found
            namespace["__annotations__"][found.attribute] = Any
            if not self._requires(shape, name, "any"):
                namespace[found.attribute] = self._default(schema, found.unset)
            if not isinstance(namespace.get(found.attribute), type(struct_field())):
                info.blank[found.attribute] = found.unset
        made = _make(shape, (*self._mixins(shape), PymacaronBaseModel), namespace, attributes)
        made._info, info.base = info, made
        for found in info.properties.values():
            if found.unset is UNSET:
                setattr(made, found.attribute, NoneWhenUnset(made.__dict__[found.attribute]))
        return made

    def _variant(self, shape: Schema, base: ModelClass, direction: Direction) -> ModelClass:
        """Make the class of messages in one direction: what must not be in them is refused by the fast path."""
        info: ModelInfo = base._info
        namespace: dict[str, Any] = {"__annotations__": {}, "__doc__": base.__doc__}
        for found in info.properties.values():
            namespace["__annotations__"][found.attribute] = Any
            if not self._requires(shape, found.name, direction):
                namespace[found.attribute] = self._default(found.schema, found.unset)
        return _make(shape, (base,), namespace, {p.name: p.attribute for p in info.properties.values()})

    def _field_type(self, found: Property, direction: Direction) -> Any:
        if self.types.is_hidden(found.schema, direction):
            return UnsetType if found.unset is UNSET else None
        made = self.types.annotation(found.schema, direction)
        if found.unset is UNSET and made is not Any:
            return Union[made, UnsetType]  # noqa: UP007  # made is a value here, not an annotation
        return made

    def _unset(self, schema: AnySchema) -> Any:
        """Return what stands for "not set": None, unless null is a value of the property."""
        shape = self.types.shape(schema)
        if isinstance(shape, Schema) and shape.type:
            return UNSET if "null" in shape.type else None
        return UNSET if takes_null(self.types, schema) else None

    def _default(self, schema: AnySchema, unset: Any) -> Any:
        shape = self.types.shape(schema)
        for place in (schema, shape):
            if isinstance(place, Schema) and place.default is not UNSET:
                return struct_field(default_factory=default_factory(self.types, schema, place.default, unset))
        return unset

    def _requires(self, shape: Schema, name: str, direction: Direction) -> bool:
        if name not in shape.required:
            return False
        schema = self.types.fields(shape)[name]
        if direction == "any":
            return not one_way(schema, self.types.schemas)
        return not self.types.is_hidden(schema, direction)

    def _mixins(self, shape: Schema) -> tuple[type, ...]:
        from pymacaron.binding import import_object

        named = shape.parent if self.types.parents else None
        parents = (import_object(named, f"x-parent of {shape.name}"),) if named else ()
        return (*parents, *self.types.bases(shape))


def is_writable(name: str) -> bool:
    """Tell whether msgspec can write and read a property of that name; others take the slow path."""
    return _UNWRITABLE.search(name) is None


def _make(shape: Schema, bases: tuple[type, ...], namespace: dict[str, Any], names: dict[str, str]) -> ModelClass:
    namespace["__module__"] = "pymacaron.model"
    namespace["__annotations__"][EXTRA] = Any
    namespace[EXTRA] = UNSET
    wire = {a: name if is_writable(name) else f"{EXTRA_KEY}:{a}" for name, a in names.items() if a != name}
    made = ModelType(
        str(shape.name),
        bases,
        namespace,
        kw_only=True,
        omit_defaults=True,
        forbid_unknown_fields=True,
        eq=False,
        rename={**wire, EXTRA: EXTRA_KEY},
    )
    return cast("ModelClass", made)
