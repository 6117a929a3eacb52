"""The model classes of one contract: made from its object schemas, shared with contracts that hold the same ones."""

from __future__ import annotations

import re
import sys
from inspect import get_annotations
from typing import TYPE_CHECKING, Annotated, Any, Union, cast, get_args, get_origin
from weakref import WeakSet

from msgspec import UNSET, Struct, UnsetType
from msgspec import field as struct_field

from pymacaron.contract import Schema
from pymacaron.model import EXTRA, EXTRA_KEY, ModelInfo, ModelType, NoneWhenUnset, Property, PymacaronBaseModel
from pymacaron.model import attribute_names as name_attributes

from .defaults import default_factory
from .lowering import one_way
from .nulls import takes_null
from .subschemas import equal_schemas

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from .lowering import Direction
    from .types import Types

AnySchema = Schema | bool
ModelClass = type[PymacaronBaseModel]

# msgspec takes in a type with all classes below it by recursion. Where that fails halfway, it keeps classes of which
# some fields have no type, and a message that has those ends the process. So no type is given to it that it can't take.
_DEEPEST = 700
_SHALLOWEST = 100
_SPARE = 150

# The classes that msgspec has taken in, or is about to; whoever looks holds the lock of building.
_SETTLED: WeakSet[type] = WeakSet()

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
            try:
                self._complete(made, direction)
            except BaseException:
                # Else a class would be used whose fields take anything.
                self._waiting.append((made, direction))
                raise

    def _complete(self, made: ModelClass, direction: Direction) -> None:
        info: ModelInfo = made._info
        for found in info.properties.values():
            made.__annotations__[found.attribute] = self._field_type(found, direction)
        made.__annotations__[EXTRA] = dict[str, Any] | UnsetType

    def settle(self, kind: Any) -> bool:
        """Make a type fit for msgspec: fields that lie too deep below it become checked ones.

        Returns:
            False where the stack has no room for any type.
        """
        deepest = min(_DEEPEST, _room())
        if deepest < _SHALLOWEST:
            return False
        stack = [iter(_classes(kind, 1))]
        while stack:
            made, depth = next(stack[-1], (None, 0))
            if made is None:
                stack.pop()
            elif made not in _SETTLED:
                _SETTLED.add(made)
                stack.append(self._below(made, depth, deepest))
        return True

    def _below(self, made: ModelClass, depth: int, deepest: int) -> Iterator[tuple[ModelClass, int]]:
        """Yield the classes of a class's fields, in the order in which msgspec comes to them."""
        for attribute in made.__struct_fields__:
            below = _classes(made.__annotations__[attribute], depth + 1)
            if any(at >= deepest and other not in _SETTLED for other, at in below):
                found = made._info.by_attribute[attribute]
                kind = self.types.checked(found.schema, self._direction(made))
                made.__annotations__[attribute] = _optional(kind, found)
            else:
                yield from below

    def _direction(self, made: ModelClass) -> Direction:
        return next((direction for (_, direction), known in self.made.items() if known is made), "any")

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
        bases = tuple(self.types.bases(shape))
        attributes = name_attributes(list(fields), taken=_methods(bases))
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
        made = _make(shape, (*self._mixins(shape), *bases, PymacaronBaseModel), namespace, attributes)
        made._info, info.base = info, made
        for name in _annotated(made):
            # msgspec evaluates what base classes annotate, too, which may name what only type checkers import.
            made.__annotations__.setdefault(name, Any)
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
        return _optional(self.types.annotation(found.schema, direction), found)

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
        return (import_object(named, f"x-parent of {shape.name}"),) if named else ()


def _methods(bases: tuple[type, ...]) -> Iterator[str]:
    """Yield the names of the public methods of base classes, which no property may hide."""
    for base in bases:
        yield from (name for name in dir(base) if not name.startswith("_") and callable(getattr(base, name)))


def _annotated(made: type) -> Iterator[str]:
    """Yield the names that the base classes of a model annotate, those of msgspec left out."""
    for base in made.__mro__[1:]:
        if not issubclass(base, Struct):
            yield from get_annotations(base)


def _optional(kind: Any, found: Property) -> Any:
    """Return the type of a property's values as that of its field, which may be unset."""
    if found.unset is UNSET and kind is not Any:
        return Union[kind, UnsetType]  # noqa: UP007  # kind is a value here, not an annotation
    return kind


def _classes(kind: Any, depth: int) -> list[tuple[ModelClass, int]]:
    """Return the classes that a type names, and how deep; of a union the class, then those of a dict, then a list's."""
    if isinstance(kind, ModelType):
        return [(cast("ModelClass", kind), depth)]
    below = depth + 1 if get_origin(kind) in (list, dict) else depth
    parts = sorted(get_args(kind), key=_turn)
    return [found for part in parts for found in _classes(part, below)]


def _turn(part: Any) -> int:
    """Return when msgspec comes to a part of a union."""
    plain = get_origin(part)
    plain = get_origin(get_args(part)[0]) if plain is Annotated else plain
    return 0 if isinstance(part, ModelType) else 2 if plain is list else 1


def _room() -> int:
    """Return how many calls may still nest: C's own count as well, which may be as many as Python's."""
    frame: FrameType | None = sys._getframe()
    used = 0
    while frame is not None:
        frame, used = frame.f_back, used + 1
    return sys.getrecursionlimit() - 2 * used - _SPARE


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
