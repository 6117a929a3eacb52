"""``allOf`` made one schema, where that says exactly the same.

The merged form is what models are made from and what the fast path can express. What cannot be merged without a change
of meaning stays under ``all_of``.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from msgspec import UNSET
from msgspec.structs import asdict, replace

from pymacaron.contract import Schema

if TYPE_CHECKING:
    from collections.abc import Mapping

AnySchema = Schema | bool

_LOWEST = {"maximum", "exclusive_maximum", "max_length", "max_items", "max_properties", "max_contains"}
_HIGHEST = {"minimum", "exclusive_minimum", "min_length", "min_items", "min_properties"}
_NOTES = {"title", "description", "default", "name", "parent", "extensions", "discriminator"}
_ASIDE = {*_NOTES, "read_only", "write_only"}
_LONGEST_CHAIN = 50
# Each field with its default, and whether an empty value says something there: `minLength: 0`, `items: false`.
_FIELDS = [(name, default, default is None or default is UNSET) for name, default in asdict(Schema()).items()]
_values_of = attrgetter(*(name for name, _, _ in _FIELDS))


def resolve(schema: AnySchema, schemas: Mapping[str, AnySchema]) -> AnySchema:
    """Follow references that stand alone; a circle of references allows everything, as it says nothing."""
    seen: set[str] = set()
    while isinstance(schema, Schema):
        inner = alias(schema)
        if inner is None or inner.ref is None:
            return schema
        if inner.ref in seen:
            return True
        seen.add(inner.ref)
        schema = schemas[inner.ref]
    return schema


def alias(schema: Schema) -> Schema | None:
    """Return the reference that a schema is another way to write of, ``allOf: [{$ref: X}]`` among them."""
    if schema.ref is not None:
        return schema if is_bare(schema) else None
    if schema.name is not None or len(schema.all_of) != 1 or not set(given(schema)) <= {"all_of", *_ASIDE}:
        return None
    part = schema.all_of[0]
    return part if isinstance(part, Schema) and part.ref is not None and is_bare(part) else None


def without_null(shape: Schema) -> AnySchema | None:
    """Return X where a schema is ``anyOf: [X, {type: null}]`` and no more; else None."""
    branches = shape.any_of or shape.one_of
    null = [b for b in branches if isinstance(b, Schema) and set(given(b)) <= {"type"} and b.type == ("null",)]
    if len(branches) != 2 or len(null) != 1 or not set(given(shape)) <= {"any_of", "one_of", *_ASIDE}:
        return None
    if shape.any_of and shape.one_of:
        return None
    return branches[0] if branches[1] is null[0] else branches[1]


def is_bare(schema: Schema) -> bool:
    """Tell whether a schema is a reference with nothing beside it but notes."""
    return set(given(schema)) <= {"ref", *_ASIDE}


def given(schema: Schema) -> dict[str, Any]:
    """Return the fields that say anything."""
    return {
        name: value
        for (name, default, may_be_empty), value in zip(_FIELDS, _values_of(schema), strict=True)
        if value is not default and (value or may_be_empty)
    }


def merged(schema: AnySchema, schemas: Mapping[str, AnySchema]) -> AnySchema:
    """Return an equivalent schema with as much as possible of ``all_of`` and references drawn into it.

    Only what holds for the whole value is merged; the schemas of properties and items stay as they are, but where
    two parts both describe one, it becomes an ``all_of`` of both.
    """
    return _merged(schema, schemas, ())


def _merged(schema: AnySchema, schemas: Mapping[str, AnySchema], path: tuple[str, ...]) -> AnySchema:
    if isinstance(schema, bool):
        return schema
    if (schema.ref is None and not schema.all_of) or len(path) > _LONGEST_CHAIN:
        return schema
    parts: list[AnySchema] = [replace(schema, ref=None, all_of=())]
    if schema.ref is not None:
        if schema.ref in path:
            return True
        parts.append(_without_notes(_merged(schemas[schema.ref], schemas, (*path, schema.ref))))
    parts += [_without_notes(_merged(part, schemas, path)) for part in schema.all_of]
    made: AnySchema = True
    for part in parts:
        made = _both(made, part)
    return made


def _without_notes(schema: AnySchema) -> AnySchema:
    """Drop what a part says of itself and not of the whole; its default and mix-in do hold."""
    if isinstance(schema, bool):
        return schema
    return replace(schema, name=None, title=None, description=None, discriminator=None, extensions={})


def _both(a: AnySchema, b: AnySchema) -> AnySchema:
    """Return a schema that allows what both allow."""
    if a is True or b is True:
        return b if a is True else a
    if a is False or b is False:
        return False
    assert isinstance(a, Schema)
    assert isinstance(b, Schema)
    if _closed(a, b) or _closed(b, a):
        return replace(a, all_of=(*a.all_of, b))
    mine, theirs = given(a), given(b)
    made = dict(mine)
    for name, value in theirs.items():
        if name not in made or (made[name] == value and type(made[name]) is type(value)):
            made[name] = value
            continue
        joined = _join(name, made[name], value)
        if joined is None:
            return replace(a, all_of=(*a.all_of, b))
        made[name] = joined
    if made.get("type") == ():
        return False
    return Schema(**made)


def _closed(a: Schema, b: Schema) -> bool:
    """Tell whether ``a`` closes or counts what only it names, so that joining with ``b`` would change its meaning."""
    looks_aside = a.additional_properties not in (None, True) or a.unevaluated_properties is not None
    adds = bool(b.properties or b.pattern_properties or b.additional_properties not in (None, True))
    if looks_aside and adds and a.properties.keys() != b.properties.keys():
        return True
    elements = a.unevaluated_items is not None or (bool(a.prefix_items) and a.items is not None)
    return elements and bool(b.prefix_items or b.items is not None)


def _join(name: str, a: Any, b: Any) -> Any:
    """Join two values of one keyword; None where no one value says the same as both."""
    if name in _LOWEST:
        return min(a, b)
    if name in _HIGHEST:
        return max(a, b)
    if name in ("unique_items", "read_only", "write_only"):
        return a or b
    if name == "required":
        return tuple(dict.fromkeys((*a, *b)))
    if name == "type":
        return _common_types(a, b)
    if name == "properties":
        return {key: _property(a, b, key) for key in {**a, **b}}
    if name in ("items", "additional_properties"):
        return Schema(all_of=(a, b))
    if name in ("default", "name", "title", "description", "parent", "discriminator"):
        return a if a is not UNSET else b
    if name == "extensions":
        return {**b, **a}
    if name == "all_of":
        return (*a, *b)
    return None


def _common_types(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
    common = [t for t in a if t in b]
    if ("integer" in a and "number" in b) or ("integer" in b and "number" in a):
        common += ["integer"] if "integer" not in common and "number" not in common else []
    return tuple(common)


def _property(a: dict[str, AnySchema], b: dict[str, AnySchema], key: str) -> AnySchema:
    if key not in a or key not in b:
        return a[key] if key in a else b[key]
    if a[key] == b[key]:
        return a[key]
    # Where the parts disagree on the name of an inline object, the object is the first one's.
    return Schema(all_of=(a[key], b[key]), name=getattr(a[key], "name", None) or getattr(b[key], "name", None))
