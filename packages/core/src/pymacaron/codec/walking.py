"""Faults of large values, found piece by piece.

jsonschema-rs collects all errors of a value before it gives the first, which a hostile body of a megabyte turns into
half a million. So a large value is walked: a part that is valid costs one call, a small one is judged whole, and the
walk ends with its reader.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from pymacaron.contract import Schema

from .merging import without_null

if TYPE_CHECKING:
    from collections.abc import Callable

    from .judging import Judge
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


class Verdict:
    """Stands for an error of jsonschema-rs where that would hold more errors than anyone reads."""

    def __init__(self, keyword: str, value: Any) -> None:
        self.keyword = keyword
        self.instance = value
        self.instance_path: list[Any] = []


class Found(NamedTuple):
    """An error in a part of a value: where the part stands, and what judged it; a verdict has no judge."""

    error: Any
    path: tuple[Any, ...]
    judge: Judge | None


Errors = Iterator[Found]
Path = tuple[Any, ...]


class Walker:
    """Walks plain values along their schemas, in one direction."""

    def __init__(self, types: Types, direction: Direction, large: int = LARGE) -> None:
        self.types = types
        self.direction: Direction = direction
        self.large = large
        self._forms: dict[tuple[str, int], tuple[AnySchema, Schema]] = {}

    def errors(self, schema: AnySchema, value: Any, path: Path = ()) -> Errors:
        """Yield errors one by one, each found when asked for."""
        shape = self.types.shape(schema)
        if isinstance(shape, Schema) and value is not None and (other := without_null(shape)) is not None:
            shape = self.types.shape(other)
        if not is_large(value, self.large):
            yield from _all(self._judge(schema), value, path)
        elif isinstance(shape, bool):
            yield from () if shape else (Found(Verdict("falseSchema", value), path, None),)
        elif not _tied(shape):
            yield from self._parts(shape, value, path)
        elif not self._judge(shape).is_valid(value):
            yield from _or(self._words(shape, value, path), Found(Verdict("unevaluatedProperties", value), path, None))

    # Schemas that say apart what holds for a value and what for its parts.

    def _parts(self, shape: Schema, value: Any, path: Path) -> Errors:
        yield from _all(self._judge(shape, "shallow", self._shallow), value, path)
        if isinstance(value, list):
            for index, schema in enumerate(shape.prefix_items[: len(value)]):
                yield from self._part(schema, value[index], (*path, index))
            yield from self._elements(shape.items if shape.items is not None else True, value, path, shape)
        else:
            yield from self._properties(shape, value, path)

    def _part(self, schema: AnySchema, value: Any, path: Path) -> Errors:
        if schema is not True and not self._judge(schema).is_valid(value):
            yield from self.errors(schema, value, path)

    def _elements(self, items: AnySchema, value: list[Any], path: Path, shape: Schema) -> Errors:
        if items is True:
            return
        whole = self._judge(items, "items", lambda schema: Schema(items=schema))
        for start in range(len(shape.prefix_items), len(value), _CHUNK):
            chunk = value[start : start + _CHUNK]
            if not whole.is_valid(chunk):
                for index, element in enumerate(chunk, start):
                    yield from self._part(items, element, (*path, index))

    def _properties(self, shape: Schema, value: dict[str, Any], path: Path) -> Errors:
        extra = shape.additional_properties
        for name, child in value.items():
            schema = shape.properties.get(name, extra if isinstance(extra, Schema) else True)
            if not self.types.is_hidden(schema, self.direction):
                yield from self._part(schema, child, (*path, name))

    def _shallow(self, shape: Schema) -> Schema:
        """Return what a schema says of a value without the schemas of its parts; those that may be left out stay so."""
        extra, is_hidden = shape.additional_properties, self.types.is_hidden
        stubs = {
            name: Schema(read_only=is_hidden(child, "request"), write_only=is_hidden(child, "response"))
            for name, child in shape.properties.items()
        }
        extra = True if isinstance(extra, Schema) else extra
        return replace(shape, items=None, prefix_items=(), properties=stubs, additional_properties=extra)

    # All others, word by word.

    def _words(self, shape: Schema, value: Any, path: Path) -> Errors:
        rest = self._form(shape, "rest", _rest)
        if rest.pattern_properties and isinstance(value, dict):
            yield from self._entries(rest, value, path)
        else:
            yield from self._parts(rest, value, path)
        for part in shape.all_of:
            yield from self._part(part, value, path)
        for word, branches in (("anyOf", shape.any_of), ("oneOf", shape.one_of)):
            judge = self._judge(shape, word, _only(_FIELD[word]))
            if branches and not judge.is_valid(value):
                meant = self._meant(shape, branches, value)
                found = self.errors(meant, value, path) if meant is not None else iter(())
                yield from _or(found, Found(Verdict(word, value), path, None))
        if shape.discriminator is not None and shape.discriminator.inherited and isinstance(value, dict):
            target = shape.discriminator.mapping.get(str(value.get(shape.discriminator.property)))
            if target is not None and target != shape.name:
                yield from self._part(self.types.schemas[target], value, path)
        for word, kept in _APART.items():
            judge = self._judge(shape, word, _only(*kept))
            if not judge.is_valid(value):
                yield Found(Verdict(word, value), path, None)

    def _entries(self, shape: Schema, value: dict[str, Any], path: Path) -> Errors:
        """Judge an object whose properties have schemas by their patterns, one property at a time."""
        yield from _all(self._judge(shape, "counts", _counts), value, path)
        one = self._judge(shape, "entry", _only(*_OF_ENTRIES))
        for name, child in value.items():
            if one.is_valid({name: child}):
                continue
            if is_large(child, self.large):
                yield Found(Verdict("patternProperties", child), (*path, name), None)
            else:
                yield from _all(one, {name: child}, path)

    def _meant(self, shape: Schema, branches: tuple[AnySchema, ...], value: Any) -> AnySchema | None:
        """Return the branch that a value is meant to follow: by its tag, or the only one that it fits in outline."""
        tag = shape.discriminator
        if tag is not None and isinstance(value, dict) and value.get(tag.property) in tag.mapping:
            return self.types.schemas[tag.mapping[value[tag.property]]]
        fitting = [branch for branch in branches if self._outlines(branch, value)]
        return fitting[0] if len(fitting) == 1 else None

    def _outlines(self, branch: AnySchema, value: Any) -> bool:
        shape = self.types.shape(branch)
        if isinstance(shape, bool) or _tied(shape):
            return bool(self._judge(branch).is_valid(value))
        return bool(self._judge(shape, "shallow", self._shallow).is_valid(value))

    def _judge(self, schema: AnySchema, form: str = "", change: Callable[[Any], Schema] | None = None) -> Judge:
        """Return what judges a schema, or another form of it."""
        return self.types.judge(schema if change is None else self._form(schema, form, change), self.direction)

    def _form(self, schema: Any, form: str, change: Callable[[Any], Schema]) -> Schema:
        """Return another form of a schema, always the same object."""
        key = (form, id(schema))
        if key not in self._forms:
            self._forms[key] = (schema, change(schema))
        return self._forms[key][1]


def _all(judge: Judge, value: Any, path: Path) -> Errors:
    for error in judge.errors(value):
        yield Found(error, path, judge)


def _or(found: Errors, other: Found) -> Errors:
    """Yield what is found, or else the other."""
    first = next(found, None)
    yield other if first is None else first
    yield from found


_FIELD = {"anyOf": "any_of", "oneOf": "one_of"}
_LISTS = ("all_of", "any_of", "one_of")
_TIES = (
    "not_", "if_", "then", "else_", "contains", "min_contains", "max_contains", "unevaluated_items",
    "unevaluated_properties",
)  # fmt: skip
_APART = {
    "not": ("not_",),
    "if": ("if_", "then", "else_"),
    "contains": ("contains", "min_contains", "max_contains"),
    "dependentSchemas": ("dependent_schemas",),
}
_OF_ENTRIES = ("properties", "pattern_properties", "additional_properties", "property_names")


def _tied(shape: Schema) -> bool:
    """Tell whether some schema in a schema looks at a value as a whole, so that its parts can't be judged alone."""
    words = (*_LISTS, "pattern_properties", "dependent_schemas", "discriminator")
    return any(getattr(shape, w) for w in words) or any(getattr(shape, w) is not None for w in _TIES)


def _rest(shape: Schema) -> Schema:
    """Return what a schema says beside the words that are judged one by one."""
    less: dict[str, Any] = {**dict.fromkeys(_LISTS, ()), **dict.fromkeys(_TIES), "dependent_schemas": {}}
    return replace(shape, **less, discriminator=None)


def _only(*fields: str) -> Callable[[Schema], Schema]:
    """Return what keeps a few fields of a schema."""
    return lambda shape: Schema(**{name: getattr(shape, name) for name in fields})


def _counts(shape: Schema) -> Schema:
    """Return what a schema says of an object but for its properties."""
    return replace(shape, properties={}, pattern_properties={}, additional_properties=None, property_names=None)
