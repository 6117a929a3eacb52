"""Schemas lowered to msgspec types, and the model classes made on the way.

A lowered type accepts no value that its schema refuses; it may refuse some that the schema accepts, and then the slow
path (jsonschema-rs) has the last word. So a schema that msgspec cannot express becomes a checked type, whose values go
through the slow path alone.
"""

from __future__ import annotations

from math import ceil, floor
from threading import RLock
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from msgspec import UNSET, Meta, UnsetType
from msgspec import field as struct_field

from pymacaron.contract import Api, Schema
from pymacaron.model import EXTRA, EXTRA_KEY, ModelInfo, ModelType, NoneWhenUnset, Property, PymacaronBaseModel
from pymacaron.model import attribute_names as name_attributes

from .checker import MAX_FAULTS
from .codec import Codec, Invalid
from .defaults import default_factory
from .dumping import Dumper
from .formats import CHECKED, INTEGERS, Formats
from .lowering import Direction, hidden, one_way
from .merging import given, merged, resolve
from .patterns import python_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

AnySchema = Schema | bool

_NOTES = {"title", "description", "default", "name", "parent", "extensions", "read_only", "write_only"}
_NUMERIC = {"minimum", "maximum", "exclusive_minimum", "exclusive_maximum", "multiple_of"}
_ARRAY = {"items", "min_items", "max_items"}
_OBJECT = {"properties", "required", "additional_properties", "min_properties", "max_properties"}
_STRING = {"min_length", "max_length", "pattern"}
_FAMILIES = {
    "number": _NUMERIC,
    "string": _STRING,
    "array": _ARRAY
    | {"prefix_items", "contains", "min_contains", "max_contains", "unique_items", "unevaluated_items"},
    "object": _OBJECT
    | {"pattern_properties", "property_names", "dependent_required", "dependent_schemas", "unevaluated_properties"},
}
_INT64 = range(-(2**63), 2**63)
_MAX_DEPTH = 60


class Checked(type):
    """The class of checked types; each is its own class, whose ``convert`` takes a value through the slow path."""

    convert: Callable[[Any], Any]
    nullable: bool

    def __instancecheck__(cls, value: object) -> bool:
        return True


def convert_checked(kind: Any, value: Any) -> Any:
    """Convert a value of a checked type; msgspec calls it as ``dec_hook``."""
    return kind.convert(value)


class Types:
    """The types, models and codecs of one contract. Safe to use from several threads.

    Args:
        api: the contract.
        formats: the formats of the service.
        bases: gives further base classes for the model of a schema, such as those of plugins.
        max_faults: how many faults of one value are listed at most.
        peers: gives the types of other contracts, whose classes serve for equal schemas here as well.
    """

    invalid = Invalid

    def __init__(
        self,
        api: Api,
        formats: Formats | None = None,
        bases: Callable[[Schema], Iterable[type]] = lambda _: (),
        max_faults: int = MAX_FAULTS,
        peers: Callable[[], Iterable[Types]] = lambda: (),
    ) -> None:
        self.api = api
        self.schemas = api.schemas
        self.formats = formats or Formats()
        self.bases = bases
        self.max_faults = max_faults
        self.peers = peers
        self.dumper = Dumper(self)
        self._lock = RLock()
        self._codecs: dict[tuple[int, Direction], tuple[AnySchema, Codec]] = {}
        self._shapes: dict[int, tuple[AnySchema, AnySchema]] = {}
        self._models: dict[tuple[str, Direction], type[PymacaronBaseModel]] = {}
        self._waiting: list[tuple[type[PymacaronBaseModel], Direction]] = []
        self._checked: dict[tuple[int, Direction], tuple[AnySchema, Any]] = {}
        self._flags: dict[int, tuple[AnySchema, frozenset[str]]] = {}

    def codec(self, schema: AnySchema, direction: Direction) -> Codec:
        """Return what decodes and encodes values of a schema in one direction."""
        key = (id(schema), direction)
        found = self._codecs.get(key)
        if found is None:
            with self._lock:
                # The schema is kept with it, so that its id stays its own.
                found = self._codecs.setdefault(key, (schema, Codec(self, schema, self.needed(schema, direction))))
        return found[1]

    def model(self, name: str) -> type[PymacaronBaseModel] | None:
        """Return the model class of a named schema; None where there is none, or it is no object with properties."""
        schema = self.schemas.get(name)
        return None if schema is None else self.model_of(schema, "any")

    def model_of(self, schema: AnySchema, direction: Direction) -> type[PymacaronBaseModel] | None:
        """Return the model class that objects of a schema become."""
        shape = self.shape(schema)
        if isinstance(shape, bool) or shape.name is None or not self.fields(shape) or "object" not in _types(shape):
            return None
        with self._lock:
            made = self._class(shape, direction)
            self._complete()
        return made

    def shape(self, schema: AnySchema) -> AnySchema:
        """Return a schema with references followed and ``allOf`` merged."""
        found = self._shapes.get(id(schema))
        if found is None:
            found = self._shapes[id(schema)] = (schema, merged(resolve(schema, self.schemas), self.schemas))
        return found[1]

    def fields(self, shape: Schema) -> dict[str, AnySchema]:
        """Return all properties of a shape, those of parts that could not be merged included."""
        made: dict[str, AnySchema] = {}
        for part in shape.all_of:
            inner = self.shape(part)
            if isinstance(inner, Schema):
                made.update(self.fields(inner))
        return {**made, **shape.properties}

    def dump(self, value: Any) -> Any:
        """Turn models and typed values into what JSON can hold."""
        return self.dumper.plain(value)

    def takes_extra(self, schema: Schema, name: str, value: Any) -> bool:
        """Tell whether a model may hold an additional property of that name and value."""
        allowed = schema.additional_properties
        if schema.pattern_properties or schema.all_of:
            return True
        if isinstance(allowed, Schema):
            return self.codec(allowed, "any").accepts(value)
        return allowed is not False

    # What lies below a schema.

    def flags(self, schema: AnySchema) -> frozenset[str]:
        """Tell what occurs anywhere in a schema: ``read``, ``write``, ``secret``, and ``custom`` wire formats."""
        found = self._flags.get(id(schema))
        if found is None:
            found = self._flags[id(schema)] = (schema, frozenset(self._collect_flags(schema)))
        return found[1]

    def _collect_flags(self, schema: AnySchema) -> set[str]:
        flags: set[str] = set()
        for part in self.reachable(schema):
            wire = self.formats.get(part.format)
            flags |= {
                name
                for name, here in (
                    ("read", part.read_only),
                    ("write", part.write_only),
                    ("secret", part.write_only or part.format == "password"),
                    ("custom", wire is not None and not wire.native),
                )
                if here
            }
        return flags

    def reachable(self, schema: AnySchema) -> Iterable[Schema]:
        """Yield a schema and every schema that it contains or refers to, each once."""
        stack, seen, names = [schema], set(), set()
        while stack:
            part = stack.pop()
            if isinstance(part, bool) or id(part) in seen:
                continue
            seen.add(id(part))
            yield part
            if part.ref is not None and part.ref not in names:
                names.add(part.ref)
                stack.append(self.schemas[part.ref])
            if part.discriminator is not None:
                stack += [self.schemas[target] for target in part.discriminator.mapping.values()]
            stack += children(part)

    def needed(self, schema: AnySchema, direction: Direction) -> Direction:
        """Return ``any`` where a schema's values are the same in both directions."""
        return direction if self.flags(schema) & {"read", "write"} else "any"

    # Lowering.

    def annotation(self, schema: AnySchema, direction: Direction, depth: int = 0) -> Any:
        """Return the type that values of a schema are decoded to; call :meth:`lower` instead from outside."""
        shape = self.shape(schema)
        if shape is True:
            return Any
        if isinstance(shape, bool) or depth > _MAX_DEPTH:
            return self.checked(schema, direction)
        made = self._expressed(shape, direction, depth)
        return self.checked(schema, direction) if made is None else made

    def lower(self, schema: AnySchema, direction: Direction) -> Any:
        """Return the type of a schema, every model class that it names completed."""
        with self._lock:
            made = self.annotation(schema, direction)
            self._complete()
        return made

    def checked(self, schema: AnySchema, direction: Direction) -> Any:
        """Return a type whose values go through the slow path alone."""
        key = (id(schema), direction)
        if key not in self._checked:
            codec = self.codec(schema, direction)
            made = Checked("Checked", (), {"convert": staticmethod(codec.load_slowly), "nullable": True})
            self._checked[key] = (schema, made)
        return self._checked[key][1]

    def _expressed(self, shape: Schema, direction: Direction, depth: int) -> Any:
        """Return a schema's type; None where msgspec has none."""
        says = set(given(shape)) - _NOTES
        if not says:
            return Any
        if says <= {"any_of", "one_of"} or says & {"any_of", "one_of"} and says <= {"any_of", "one_of", "type"}:
            return self._nullable(shape, direction, depth)
        if says <= {"enum", "type"} and "enum" in says or says <= {"const", "type"} and "const" in says:
            return _literal(shape, shape.enum if shape.enum is not None else (shape.const,))
        parts = [self._single(shape, says - {"type"}, kind, direction, depth) for kind in _types(shape)]
        if not parts or any(part is None for part in parts):
            return None
        return _union(parts)

    def _nullable(self, shape: Schema, direction: Direction, depth: int) -> Any:
        """Express ``anyOf: [X, {type: null}]``, the only union by schema that msgspec has in general."""
        branches = shape.any_of or shape.one_of
        null = [b for b in branches if isinstance(b, Schema) and set(given(b)) <= {"type"} and b.type == ("null",)]
        if shape.type or shape.any_of and shape.one_of or len(branches) != 2 or len(null) != 1:
            return None
        other = branches[0] if branches[1] is null[0] else branches[1]
        made = self.annotation(other, direction, depth + 1)
        if accepts_null(made) or isinstance(made, Checked):
            return None
        return Union[made, None]  # noqa: UP007  # made is a value here, not an annotation

    def _single(self, shape: Schema, says: set[str], kind: str, direction: Direction, depth: int) -> Any:
        """Express a schema for values of one JSON type; keywords that speak of other types don't matter to it."""
        family = "number" if kind == "integer" else kind
        says = says - set().union(*(words for name, words in _FAMILIES.items() if name != family))
        if kind in ("null", "boolean"):
            return None if says - {"format"} else {"null": type(None), "boolean": bool}[kind]
        if kind in ("integer", "number"):
            custom = self.formats.get(shape.format) is not None
            return _number(shape, kind) if says <= _NUMERIC | {"format"} and not custom else None
        if kind == "string":
            return self._string(shape) if says <= _STRING | {"format"} else None
        if kind == "array":
            return self._array(shape, direction, depth) if says <= _ARRAY | {"format"} else None
        return self._object(shape, says - {"format"}, direction, depth)

    def _string(self, shape: Schema) -> Any:
        wire = self.formats.get(shape.format)
        if wire is not None:
            if set(given(shape)) & _STRING or wire.name == "binary" or len(shape.type) != 1:
                return None
            return Checked("Text", (), {"convert": staticmethod(_parser(wire)), "nullable": False})
        if shape.format in CHECKED:
            return None
        pattern = python_pattern(shape.pattern) if shape.pattern is not None else None
        if shape.pattern is not None and pattern is None:
            return None
        limits = {"min_length": shape.min_length, "max_length": shape.max_length, "pattern": pattern}
        return _limited(str, limits)

    def _array(self, shape: Schema, direction: Direction, depth: int) -> Any:
        items = shape.items if shape.items is not None else True
        inner = self.annotation(items, direction, depth + 1)
        return _limited(list[inner], {"min_length": shape.min_items, "max_length": shape.max_items})  # type: ignore[valid-type]

    def _object(self, shape: Schema, says: set[str], direction: Direction, depth: int) -> Any:
        if not says <= _OBJECT:
            return None
        if shape.properties:
            counted = shape.min_properties is not None or shape.max_properties is not None
            unnamed = shape.name is None or not set(shape.required) <= set(shape.properties)
            return None if counted or unnamed else self._class(shape, direction)
        if shape.required or shape.additional_properties is False:
            return None
        values: Any = Any
        if isinstance(shape.additional_properties, Schema):
            values = self.annotation(shape.additional_properties, direction, depth + 1)
        limits = {"min_length": shape.min_properties, "max_length": shape.max_properties}
        return _limited(dict[str, values], limits)

    # Model classes.

    def _class(self, shape: Schema, direction: Direction) -> type[PymacaronBaseModel]:
        """Return the class of a shape, its field types yet to be completed if it is new."""
        assert shape.name is not None
        direction = self.needed(shape, direction)
        key = (shape.name, direction)
        if key not in self._models:
            if direction == "any":
                shared = self._shared_class(shape)
                if shared is not None:
                    self._models[key] = shared
                    return shared
                self._models[key] = self._base_class(shape)
            else:
                self._models[key] = self._variant(shape, self._class(shape, "any"), direction)
            self._waiting.append((self._models[key], direction))
        return self._models[key]

    def _shared_class(self, shape: Schema) -> type[PymacaronBaseModel] | None:
        """Return the class that another contract has for an equal schema of the same name."""
        for peer in self.peers():
            made = peer._models.get((str(shape.name), "any")) if peer is not self else None
            if made is not None and peer.formats is self.formats and not self.bases(shape):
                if equal_schemas(self, shape, peer, made._info.schema):
                    return made
        return None

    def by_class_name(self, name: str) -> type[PymacaronBaseModel] | None:
        """Return a class that was made before, inline objects included."""
        return self._models.get((name, "any"))

    def _base_class(self, shape: Schema) -> type[PymacaronBaseModel]:
        assert shape.name is not None
        fields = self.fields(shape)
        attributes = name_attributes(list(fields))
        info = ModelInfo(self.api.name, shape.name, shape, types=self)
        namespace: dict[str, Any] = {"__annotations__": {}, "__doc__": shape.description or shape.title}
        for name, schema in fields.items():
            found = Property(name, attributes[name], schema, self._unset(schema), self._secret(schema), self)
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

    def _variant(
        self, shape: Schema, base: type[PymacaronBaseModel], direction: Direction
    ) -> type[PymacaronBaseModel]:
        """Make the class of messages in one direction: what must not be in them is refused by the fast path."""
        info: ModelInfo = base._info
        namespace: dict[str, Any] = {"__annotations__": {}, "__doc__": base.__doc__}
        for found in info.properties.values():
            namespace["__annotations__"][found.attribute] = Any
            if not self._requires(shape, found.name, direction):
                namespace[found.attribute] = self._default(found.schema, found.unset)
        return _make(shape, (base,), namespace, {p.name: p.attribute for p in info.properties.values()})

    def _complete(self) -> None:
        """Give every new class the types of its fields, which may name further new classes."""
        while self._waiting:
            made, direction = self._waiting.pop()
            info: ModelInfo = made._info
            for found in info.properties.values():
                made.__annotations__[found.attribute] = self._field_type(found, info.schema, direction)
            made.__annotations__[EXTRA] = dict[str, Any] | UnsetType

    def _field_type(self, found: Property, shape: Schema, direction: Direction) -> Any:
        if hidden(found.schema, self.schemas, direction):
            return UnsetType if found.unset is UNSET else None
        made = self.annotation(found.schema, direction)
        if found.unset is UNSET and made is not Any:
            return Union[made, UnsetType]  # noqa: UP007  # made is a value here, not an annotation
        return made

    def _unset(self, schema: AnySchema) -> Any:
        """Return what stands for "not set": None, unless null is a value of the property."""
        shape = self.shape(schema)
        if isinstance(shape, bool):
            return UNSET if shape else None
        if shape.type:
            return UNSET if "null" in shape.type else None
        return UNSET if self.codec(schema, "any").allows_null() else None

    def _default(self, schema: AnySchema, unset: Any) -> Any:
        shape = self.shape(schema)
        for place in (schema, shape):
            if isinstance(place, Schema) and place.default is not UNSET:
                return struct_field(default_factory=default_factory(self, schema, place.default, unset))
        return unset

    def _requires(self, shape: Schema, name: str, direction: Direction) -> bool:
        if name not in shape.required:
            return False
        schema = self.fields(shape)[name]
        if direction == "any":
            return not one_way(schema, self.schemas)
        return not hidden(schema, self.schemas, direction)

    def _secret(self, schema: AnySchema) -> bool:
        shape = self.shape(schema)
        return isinstance(shape, Schema) and (shape.write_only or shape.format == "password") or (
            isinstance(schema, Schema) and schema.write_only
        )

    def _mixins(self, shape: Schema) -> tuple[type, ...]:
        from pymacaron.binding import import_object

        parents = (import_object(shape.parent, f"x-parent of {shape.name}"),) if shape.parent else ()
        return (*parents, *self.bases(shape))


def equal_schemas(mine: Types, a: AnySchema, theirs: Types, b: AnySchema) -> bool:
    """Tell whether two schemas of two contracts say the same, references followed, recursion included."""
    assumed: set[tuple[str, str]] = set()
    waiting = [(a, b)]
    while waiting:
        left, right = waiting.pop()
        if isinstance(left, bool) or isinstance(right, bool):
            if left is not right:
                return False
            continue
        if left.ref is not None and left.ref == right.ref and (left.ref, str(right.ref)) not in assumed:
            assumed.add((left.ref, str(right.ref)))
            waiting.append((mine.schemas[left.ref], theirs.schemas[str(right.ref)]))
        # Schemas compare by value, so what is left to follow are references of equal names.
        if left != right:
            return False
        waiting += zip(children(left), children(right), strict=True)
    return mine.api.float_is_integer == theirs.api.float_is_integer


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


def accepts_null(kind: Any) -> bool:
    """Tell whether a lowered type takes null."""
    if kind is Any or kind is None or kind is type(None):
        return True
    if isinstance(kind, Checked):
        return kind.nullable
    return type(None) in getattr(kind, "__args__", ()) or None in getattr(kind, "__args__", ())


def _make(shape: Schema, bases: tuple[type, ...], namespace: dict[str, Any], names: dict[str, str]) -> Any:
    namespace["__module__"] = "pymacaron.model"
    namespace["__annotations__"][EXTRA] = Any
    namespace[EXTRA] = UNSET
    return ModelType(
        shape.name,
        bases,
        namespace,
        kw_only=True,
        omit_defaults=True,
        forbid_unknown_fields=True,
        eq=False,
        rename={**{attribute: name for name, attribute in names.items() if attribute != name}, EXTRA: EXTRA_KEY},
    )


def _types(shape: Schema) -> tuple[str, ...]:
    """Return the JSON types that a schema is about: those it names, else the one its keywords speak of."""
    if shape.type:
        return shape.type
    says = set(given(shape)) - _NOTES
    for kind, keywords in (("object", _OBJECT), ("array", _ARRAY), ("string", _STRING)):
        if says & keywords:
            return (kind,)
    return ("number",) if says & _NUMERIC else ()


def _literal(shape: Schema, values: tuple[Any, ...]) -> Any:
    allowed = shape.type
    kinds = {str: "string", int: "integer", type(None): "null"}
    if not values or any(type(v) not in kinds or isinstance(v, int) and v not in _INT64 for v in values):
        return None
    if allowed:
        values = tuple(
            v for v in values if kinds[type(v)] in allowed or kinds[type(v)] == "integer" and "number" in allowed
        )
    return Literal[values] if values else None


def _number(shape: Schema, kind: str) -> Any:
    low, high = INTEGERS.get(shape.format or "", (None, None))
    limits = {
        "ge": _tightest(max, shape.minimum, low),
        "le": _tightest(min, shape.maximum, high),
        "gt": shape.exclusive_minimum,
        "lt": shape.exclusive_maximum,
    }
    whole = _integer(limits, shape.multiple_of)
    if kind == "integer" or whole is None:
        return whole
    if shape.multiple_of is not None:
        return None
    real = _limited(float, _one_sided({k: _exact_float(v) for k, v in limits.items()}))
    return None if any(v is not None and _exact_float(v) is None for v in limits.values()) else whole | real


def _exact_float(value: Any) -> float | None:
    """Return a bound as a float; None where a float can't hold it."""
    try:
        return float(value) if value is not None and float(value) == value else None
    except OverflowError:
        return None


def _integer(limits: dict[str, Any], multiple_of: Any) -> Any:
    """Express an integer; bounds between two integers move to the next one inside."""
    low = [ceil(limits["ge"])] if limits["ge"] is not None else []
    low += [floor(limits["gt"]) + 1] if limits["gt"] is not None else []
    high = [floor(limits["le"])] if limits["le"] is not None else []
    high += [ceil(limits["lt"]) - 1] if limits["lt"] is not None else []
    bounds = {"ge": max(low) if low else None, "le": min(high) if high else None}
    if any(v is not None and v not in _INT64 for v in bounds.values()):
        return None
    if multiple_of is not None:
        if not float(multiple_of).is_integer() or not 0 < multiple_of < 2**63:
            return None
        bounds["multiple_of"] = int(multiple_of)
    return _limited(int, bounds)


def _one_sided(limits: dict[str, Any]) -> dict[str, Any]:
    """Keep the tighter one of an inclusive and an exclusive bound, since msgspec takes one of them."""
    if limits["ge"] is not None and limits["gt"] is not None:
        limits["ge" if limits["gt"] >= limits["ge"] else "gt"] = None
    if limits["le"] is not None and limits["lt"] is not None:
        limits["le" if limits["lt"] <= limits["le"] else "lt"] = None
    return limits


def _tightest(pick: Any, *values: Any) -> Any:
    there = [v for v in values if v is not None]
    return pick(there) if there else None


def _limited(kind: Any, limits: dict[str, Any]) -> Any:
    there = {name: value for name, value in limits.items() if value is not None}
    return Annotated[kind, Meta(**there)] if there else kind


def _union(parts: list[Any]) -> Any:
    """Join types; None where msgspec can't tell them apart."""
    if len(parts) == 1:
        return None if parts[0] is type(None) else parts[0]
    if any(isinstance(part, Checked) for part in parts):
        return None
    if sum(_mapping_like(part) for part in parts) > 1:
        return None
    return Union[tuple(parts)]


def _mapping_like(kind: Any) -> bool:
    return isinstance(kind, ModelType) or getattr(kind, "__origin__", None) is dict


def _parser(wire: Any) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        return value if not isinstance(value, str) and isinstance(value, wire.types) else wire.parse(value)

    return convert
