"""Schemas written as JSON Schema, for jsonschema-rs.

Contracts in which ``1.0`` is no integer are written as draft 4, which says so; all others as draft 2020-12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import jsonschema_rs
from msgspec import UNSET

from pymacaron.contract import Schema

from .formats import INTEGERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pymacaron.contract import Discriminator

    from .formats import Formats

Direction = Literal["any", "request", "response"]
DIRECTIONS: tuple[Direction, ...] = ("any", "request", "response")
AnySchema = Schema | bool

BACKTRACK_LIMIT = 20_000

_SAME = {
    "enum": "enum",
    "maximum": "maximum",
    "minimum": "minimum",
    "multiple_of": "multipleOf",
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
    "format": "format",
    "min_items": "minItems",
    "max_items": "maxItems",
    "min_contains": "minContains",
    "max_contains": "maxContains",
    "min_properties": "minProperties",
    "max_properties": "maxProperties",
}
_ONE = {
    "items": "items",
    "contains": "contains",
    "unevaluated_items": "unevaluatedItems",
    "unevaluated_properties": "unevaluatedProperties",
    "property_names": "propertyNames",
    "not_": "not",
    "if_": "if",
    "then": "then",
    "else_": "else",
}
_MANY = {"all_of": "allOf", "any_of": "anyOf", "one_of": "oneOf", "prefix_items": "prefixItems"}
_NAMED = {"pattern_properties": "patternProperties", "dependent_schemas": "dependentSchemas"}


def hidden(schema: AnySchema, schemas: Mapping[str, AnySchema], direction: Direction) -> bool:
    """Tell whether a property is not part of messages in one direction (OpenAPI 3.0.3, section 4.7.24)."""
    if direction == "any":
        return False
    flag = "read_only" if direction == "request" else "write_only"
    seen: set[str] = set()
    stack = [schema]
    while stack:
        part = stack.pop()
        if isinstance(part, bool):
            continue
        if getattr(part, flag):
            return True
        stack += part.all_of
        if part.ref is not None and part.ref not in seen:
            seen.add(part.ref)
            stack.append(schemas[part.ref])
    return False


def one_way(schema: AnySchema, schemas: Mapping[str, AnySchema]) -> bool:
    """Tell whether a property belongs to messages of one direction alone."""
    return hidden(schema, schemas, "request") or hidden(schema, schemas, "response")


class Lowering:
    """Writes the schemas of one contract for one direction."""

    def __init__(
        self, schemas: Mapping[str, AnySchema], formats: Formats, direction: Direction, float_is_integer: bool
    ) -> None:
        self.schemas = schemas
        self.formats = formats
        self.direction = direction
        self.modern = float_is_integer
        self._keys: dict[tuple[str, bool], str] = {}
        self._wanted: list[tuple[str, bool]] = []

    def document(self, schema: AnySchema) -> dict[str, Any]:
        """Write one schema with all that it refers to, complete in itself."""
        root = self.write(schema)
        made = root if isinstance(root, dict) else ({} if root else {"not": {}})
        definitions = self._definitions()
        return {"allOf": [made], "definitions": definitions} if definitions else made

    def choice(self, schemas: Mapping[str, AnySchema]) -> dict[str, Any]:
        """Write several schemas in one document: it judges objects of a property that names the schema to hold."""
        properties = {key: self.write(schema) for key, schema in schemas.items()}
        # With additionalProperties a validator looks up what a value has, not all that there is.
        return {"properties": properties, "additionalProperties": False, "definitions": self._definitions()}

    def _definitions(self) -> dict[str, Any]:
        made: dict[str, Any] = {}
        while self._wanted:
            name, whole = self._wanted.pop()
            made[self._keys[name, whole]] = self.write(self.schemas[name], whole)
        return made

    def write(self, schema: AnySchema, whole: bool = True) -> Any:
        """Write one schema; ``whole`` adds the subtypes that its discriminator may choose."""
        if isinstance(schema, bool):
            return schema if self.modern else ({} if schema else {"not": {}})
        made = self._keywords(schema)
        if schema.discriminator is not None and schema.discriminator.inherited and whole:
            made.setdefault("allOf", []).extend(self._subtypes(schema))
        if schema.ref is not None:
            reference = self._reference(schema.ref)
            return {**made, **reference} if self.modern or not made else {"allOf": [reference, made]}
        return made

    def _reference(self, name: str, whole: bool = True) -> dict[str, Any]:
        if (name, whole) not in self._keys:
            self._keys[name, whole] = f"s{len(self._keys)}"
            self._wanted.append((name, whole))
        return {"$ref": f"#/definitions/{self._keys[name, whole]}"}

    def _keywords(self, schema: Schema) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for field, keyword in _SAME.items():
            value = getattr(schema, field)
            if value is not None:
                made[keyword] = list(value) if field == "enum" else value
        if schema.type:
            made["type"] = list(schema.type) if len(schema.type) > 1 else schema.type[0]
        if schema.const is not UNSET:
            made["enum" if not self.modern else "const"] = [schema.const] if not self.modern else schema.const
        if schema.unique_items:
            made["uniqueItems"] = True
        self._bounds(schema, made)
        self._format(schema, made)
        self._nested(schema, made)
        self._object(schema, made)
        return made

    def _bounds(self, schema: Schema, made: dict[str, Any]) -> None:
        for field, keyword, bound in (
            ("exclusive_minimum", "exclusiveMinimum", "minimum"),
            ("exclusive_maximum", "exclusiveMaximum", "maximum"),
        ):
            value = getattr(schema, field)
            if value is not None and self.modern:
                made[keyword] = value
            elif value is not None:
                made.setdefault("allOf", []).append({bound: value, keyword: True})

    def _format(self, schema: Schema, made: dict[str, Any]) -> None:
        bounds = INTEGERS.get(schema.format or "")
        if bounds is not None:
            del made["format"]
            made.setdefault("allOf", []).append({"minimum": bounds[0], "maximum": bounds[1]})
        elif schema.format == "binary" and self.formats.get("binary") is not None:
            del made["format"]

    def _nested(self, schema: Schema, made: dict[str, Any]) -> None:
        for field, keyword in _ONE.items():
            value = getattr(schema, field)
            if value is not None:
                made[keyword] = self.write(value)
        for field, keyword in _MANY.items():
            value = getattr(schema, field)
            if value:
                alone = field == "all_of"
                made[keyword] = [*made.get(keyword, ()), *(self._part(v) if alone else self.write(v) for v in value)]
        for field, keyword in _NAMED.items():
            value = getattr(schema, field)
            if value:
                made[keyword] = {name: self.write(v) for name, v in value.items()}
        if schema.discriminator is not None and (schema.one_of or schema.any_of):
            made["discriminator"] = _tag(schema.discriminator, schema.one_of or schema.any_of)
        if schema.dependent_required:
            made["dependentRequired"] = {k: list(v) for k, v in schema.dependent_required.items()}

    def _part(self, schema: AnySchema) -> Any:
        """Write a part of ``allOf``: a base schema stands for itself there, not for its subtypes."""
        if isinstance(schema, Schema) and schema.ref is not None and self._polymorphic(schema.ref):
            return self._reference(schema.ref, whole=False)
        return self.write(schema)

    def _polymorphic(self, name: str) -> bool:
        target = self.schemas[name]
        return isinstance(target, Schema) and target.discriminator is not None and target.discriminator.inherited

    def _subtypes(self, schema: Schema) -> Iterable[dict[str, Any]]:
        """Write that the discriminator names a known schema, and that the value follows it."""
        assert schema.discriminator is not None
        name, mapping = schema.discriminator.property, schema.discriminator.mapping
        yield {"properties": {name: {"enum": list(mapping)}}}
        for value, target in mapping.items():
            if target != schema.name:
                other = {"required": [name], "properties": {name: {"enum": [value]}}}
                yield {"anyOf": [{"not": other}, self._reference(target)]}

    def _object(self, schema: Schema, made: dict[str, Any]) -> None:
        if schema.properties:
            made["properties"] = {
                name: self._anything() if hidden(child, self.schemas, self.direction) else self.write(child)
                for name, child in schema.properties.items()
            }
        required = [name for name in schema.required if self.requires(schema, name)]
        if required:
            made["required"] = required
        if schema.additional_properties is not None:
            value = schema.additional_properties
            made["additionalProperties"] = value if isinstance(value, bool) else self.write(value)

    def _anything(self) -> Any:
        return True if self.modern else {}

    def requires(self, schema: Schema, name: str) -> bool:
        """Tell whether a required property must be there in this direction."""
        child = schema.properties.get(name, True)
        if self.direction == "any":
            return not one_way(child, self.schemas)
        return not hidden(child, self.schemas, self.direction)


def _tag(discriminator: Discriminator, branches: tuple[AnySchema, ...]) -> dict[str, Any]:
    """Write which branch each value of a discriminator names. To validators this is a note; errors are told by it."""
    places = {branch.ref: i for i, branch in enumerate(branches) if isinstance(branch, Schema) and branch.ref}
    named = {value: places[target] for value, target in discriminator.mapping.items() if target in places}
    complete = len(set(named.values())) == len(branches)
    return {"propertyName": discriminator.property, "branches": named, "complete": complete}


def tag_at(document: Any, path: Iterable[Any]) -> Any:
    """Return the discriminator of the schema at a path of a written document; None where it has none."""
    try:
        for token in path:
            document = document[token]
        return document.get("discriminator")
    except (LookupError, TypeError, AttributeError):
        return None


def build_validator(document: dict[str, Any], formats: Formats, modern: bool) -> Any:
    """Compile a document; patterns run with the linear-time engine where it knows all of them, else under a bound.

    Raises:
        ValueError: a pattern is no regular expression, or the document no schema.
    """
    make = jsonschema_rs.Draft202012Validator if modern else jsonschema_rs.Draft4Validator
    common: dict[str, Any] = {"formats": formats.checks(), "validate_formats": True, "offline": True}
    try:
        return make(document, pattern_options=jsonschema_rs.RegexOptions(), **common)
    except ValueError:
        return make(
            document, pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=BACKTRACK_LIMIT), **common
        )
