"""Schemas lowered to msgspec types, and the model classes made on the way.

A lowered type accepts no value that its schema refuses; it may refuse some that the schema accepts, and then the slow
path (jsonschema-rs) has the last word. So a schema that msgspec cannot express becomes a checked type, whose values go
through the slow path alone.
"""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING, Any, Union

from pymacaron.contract import Api, Schema

from .checker import MAX_FAULTS
from .codec import Codec, Invalid
from .dumping import Dumper
from .flags import Flags
from .formats import CHECKED, Formats
from .judging import Judges
from .lowering import DIRECTIONS, hidden
from .merging import given, merged, resolve, without_null
from .models import Models, is_writable
from .patterns import python_pattern
from .scalars import Checked, accepts_null, checked, limited, literal, number, text_converter, text_parser, union
from .secrets import Secrets, is_secret
from .subschemas import children, targets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pymacaron.model import PymacaronBaseModel

    from .judging import Judge
    from .lowering import Direction

AnySchema = Schema | bool

_NOTES = {"title", "description", "default", "name", "parent", "extensions", "read_only", "write_only"}
_NUMERIC = {"minimum", "maximum", "exclusive_minimum", "exclusive_maximum", "multiple_of"}
_ARRAY = {"items", "min_items", "max_items"}
_OBJECT = {"properties", "required", "additional_properties", "min_properties", "max_properties"}
_STRING = {"min_length", "max_length", "pattern"}
_FAMILIES = {
    "number": _NUMERIC,
    "string": _STRING,
    "array": _ARRAY | {"prefix_items", "contains", "min_contains", "max_contains", "unique_items", "unevaluated_items"},
    "object": _OBJECT
    | {"pattern_properties", "property_names", "dependent_required", "dependent_schemas", "unevaluated_properties"},
}
_MAX_DEPTH = 60

# Classes are shared between contracts, so one lock guards the building of all. Nothing is built after the first calls.
BUILDING = RLock()


class Types:
    """The types, models and codecs of one contract. Safe to use from several threads.

    Args:
        api: the contract.
        formats: the formats of the service.
        bases: gives further base classes for the model of a schema, such as those of plugins.
        max_faults: how many faults of one value are listed at most.
        peers: gives the types of other contracts, whose classes serve for equal schemas here as well.
        parents: whether models get the base classes that ``x-parent`` names, which only the service itself can import.
    """

    invalid = Invalid

    def __init__(
        self,
        api: Api,
        formats: Formats | None = None,
        bases: Callable[[Schema], Iterable[type]] = lambda _: (),
        max_faults: int = MAX_FAULTS,
        peers: Callable[[], Iterable[Types]] = lambda: (),
        parents: bool = True,
    ) -> None:
        self.api = api
        self.schemas = api.schemas
        self.formats = formats or Formats()
        self.bases = bases
        self.max_faults = max_faults
        self.peers = peers
        self.parents = parents
        self.dumper = Dumper(self)
        self._codecs: dict[tuple[int, Direction], tuple[AnySchema, Codec]] = {}
        self._shapes: dict[int, tuple[AnySchema, AnySchema]] = {}
        self.models = Models(self)
        self._checked: dict[tuple[int, Direction], tuple[AnySchema, Any]] = {}
        self._hidden: dict[tuple[int, Direction], tuple[AnySchema, bool]] = {}
        self._judges: dict[Direction, Judges] = {d: Judges(self, d) for d in DIRECTIONS}
        self._secret: dict[int, tuple[AnySchema, bool]] = {}
        self._flags = Flags(api.schemas, self.formats)

    def codec(self, schema: AnySchema, direction: Direction) -> Codec:
        """Return what decodes and encodes values of a schema in one direction."""
        key = (id(schema), direction)
        found = self._codecs.get(key)
        if found is None:
            with BUILDING:
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
        if isinstance(shape, Schema) and (other := without_null(shape)) is not None:
            return self.model_of(other, direction)
        if isinstance(shape, bool) or shape.name is None or not self.fields(shape) or "object" not in _types(shape):
            return None
        with BUILDING:
            made = self.models.of(shape, direction)
            self.models.complete()
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

    def by_class_name(self, name: str) -> type[PymacaronBaseModel] | None:
        """Return a class that was made before, inline objects included."""
        with BUILDING:
            return self.models.made.get((name, "any"))

    def secrets(self, schema: AnySchema) -> Secrets:
        """Return which values below a schema must not be shown."""
        return self.codec(schema, "any").checker.secrets

    def is_secret(self, schema: AnySchema) -> bool:
        """Tell whether values of a property must not be shown: ``format: password`` or ``writeOnly``."""
        if id(schema) not in self._secret:
            self._secret[id(schema)] = (schema, is_secret(self, schema))
        return self._secret[id(schema)][1]

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
        """Tell what occurs anywhere below a schema: ``read``, ``write``, ``secret``, and ``custom`` wire formats."""
        return self._flags.of(schema)

    def leads_to_many(self, schema: AnySchema, limit: int) -> bool:
        """Tell whether a schema leads to more than ``limit`` named ones."""
        return self._flags.leads_to_many(schema, limit)

    def judge(self, schema: AnySchema, direction: Direction) -> Judge:
        """Return what judges plain values by a schema."""
        return self._judges[direction].of(schema)

    def inside(self, schema: AnySchema) -> Iterable[Schema]:
        """Yield a schema and every schema that stands in it, references not followed."""
        stack = [schema]
        while stack:
            part = stack.pop()
            if isinstance(part, Schema):
                yield part
                stack += children(part)

    def reachable(self, schema: AnySchema) -> Iterable[Schema]:
        """Yield a schema and every schema that it contains or refers to, each once."""
        stack, seen = [schema], set()
        while stack:
            part = stack.pop()
            if isinstance(part, bool) or id(part) in seen:
                continue
            seen.add(id(part))
            yield part
            stack += [self.schemas[name] for name in targets(part)]
            stack += children(part)

    def is_hidden(self, schema: AnySchema, direction: Direction) -> bool:
        """Tell whether a property is not part of messages in one direction."""
        if direction == "any":
            return False
        key = (id(schema), direction)
        if key not in self._hidden:
            self._hidden[key] = (schema, hidden(schema, self.schemas, direction))
        return self._hidden[key][1]

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
        with BUILDING:
            made = self.annotation(schema, direction)
            self.models.complete()
        return made

    def checked(self, schema: AnySchema, direction: Direction) -> Any:
        """Return a type whose values go through the slow path alone."""
        key = (id(schema), direction)
        if key not in self._checked:
            codec = self.codec(schema, direction)
            made = checked(codec.load_plain, codec.load_slowly, nullable=True)
            self._checked[key] = (schema, made)
        return self._checked[key][1]

    def _expressed(self, shape: Schema, direction: Direction, depth: int) -> Any:
        """Return a schema's type; None where msgspec has none."""
        says = set(given(shape)) - _NOTES
        if not says:
            return Any
        if says <= {"any_of", "one_of"} or (says & {"any_of", "one_of"} and says <= {"any_of", "one_of", "type"}):
            return self._nullable(shape, direction, depth)
        if (says <= {"enum", "type"} and "enum" in says) or (says <= {"const", "type"} and "const" in says):
            return literal(shape, shape.enum if shape.enum is not None else (shape.const,))
        parts = [self._single(shape, says - {"type"}, kind, direction, depth) for kind in _types(shape)]
        if not parts or any(part is None for part in parts):
            return None
        return union(parts)

    def _nullable(self, shape: Schema, direction: Direction, depth: int) -> Any:
        """Express ``anyOf: [X, {type: null}]``, the only union by schema that msgspec has in general."""
        other = without_null(shape)
        if other is None:
            return None
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
            return number(shape, kind) if says <= _NUMERIC | {"format"} and not custom else None
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
            return checked(text_parser(wire), text_converter(wire), nullable=False)
        if shape.format in CHECKED:
            return None
        pattern = python_pattern(shape.pattern) if shape.pattern is not None else None
        if shape.pattern is not None and pattern is None:
            return None
        limits = {"min_length": shape.min_length, "max_length": shape.max_length, "pattern": pattern}
        return limited(str, limits)

    def _array(self, shape: Schema, direction: Direction, depth: int) -> Any:
        items = shape.items if shape.items is not None else True
        inner = self.annotation(items, direction, depth + 1)
        return limited(list[inner], {"min_length": shape.min_items, "max_length": shape.max_items})  # type: ignore[valid-type]

    def _object(self, shape: Schema, says: set[str], direction: Direction, depth: int) -> Any:
        if not says <= _OBJECT:
            return None
        if shape.properties:
            counted = shape.min_properties is not None or shape.max_properties is not None
            unnamed = shape.name is None or not set(shape.required) <= set(shape.properties)
            odd = not all(map(is_writable, shape.properties))
            return None if counted or unnamed or odd else self.models.of(shape, direction)
        if shape.required or shape.additional_properties is False:
            return None
        values: Any = Any
        if isinstance(shape.additional_properties, Schema):
            values = self.annotation(shape.additional_properties, direction, depth + 1)
        limits = {"min_length": shape.min_properties, "max_length": shape.max_properties}
        return limited(dict[str, values], limits)


def _types(shape: Schema) -> tuple[str, ...]:
    """Return the JSON types that a schema is about: those it names, else the one its keywords speak of."""
    if shape.type:
        return shape.type
    says = set(given(shape)) - _NOTES
    for kind, keywords in (("object", _OBJECT), ("array", _ARRAY), ("string", _STRING)):
        if says & keywords:
            return (kind,)
    return ("number",) if says & _NUMERIC else ()
