"""The ways that a schema leaves open, and which of them a value takes.

One description serves both sides: what can be exercised is listed from it, and what a value exercised is marked by it.
Each place in a schema is a :class:`Spot`; named schemas are one spot a direction, whoever refers to them. Needs
pymacaron.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from pymacaron.contract import Schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pymacaron.codec.lowering import Direction
    from pymacaron.codec.types import Types

AnySchema = Schema | bool
Tokens = tuple[str, ...]

#: So many places of one message are looked at; what follows in a longer one marks nothing.
MAX_VISITS = 20_000

#: What reading a message that is not of its contract may raise; it exercises nothing.
UNREADABLE = (ValueError, TypeError, OverflowError, RecursionError)


class Choice(NamedTuple):
    """One way that a schema leaves open.

    Args:
        label: what it is, in words.
        at: tokens of the JSON pointer from the schema to where the way stands.
        taken: tells whether a value takes it.
    """

    label: str
    at: Tokens
    taken: Callable[[Any], bool]


class Part(NamedTuple):
    """A schema that stands in another, or that it refers to by ``name``, and the parts of a value that it is about."""

    at: Tokens
    schema: AnySchema
    values: Callable[[Any], Iterable[Any]]
    name: str | None = None
    same: bool = False


class Spot:
    """A place in a schema.

    Args:
        spots: all spots of the contract in this direction.
        owner: what the place belongs to: an operation's body, or a named schema.
        at: tokens of the JSON pointer from the owner's schema.
        schema: what stands there.
        required: the properties that schemas around this one, about the same value, ask for.
    """

    def __init__(
        self, spots: Spots, owner: str, at: Tokens, schema: AnySchema, required: frozenset[str] = frozenset()
    ) -> None:
        self.spots = spots
        self.owner = owner
        self.at = at
        self.schema = schema
        shape = spots.types.shape(schema)
        self.required = required | (frozenset(shape.required) if isinstance(shape, Schema) else frozenset())

    def key(self, choice: Choice) -> str:
        """Return the name of one of the choices here, unique in the contract."""
        return f"{self.owner}#{_pointer((*self.at, *choice.at))} {choice.label}"

    @cached_property
    def choices(self) -> list[Choice]:
        """The ways that are open here."""
        return [] if isinstance(self.schema, bool) else list(_choices(self.spots, self.schema, self.required))

    @cached_property
    def marks(self) -> list[tuple[str, Callable[[Any], bool]]]:
        """The choices as keys and tests."""
        return [(self.key(choice), choice.taken) for choice in self.choices]

    @cached_property
    def parts(self) -> list[tuple[Part, Spot]]:
        """The places just below."""
        if isinstance(self.schema, bool):
            return []
        return [(part, self._below(part)) for part in _parts(self.spots, self.schema) if part.schema is not False]

    def _below(self, part: Part) -> Spot:
        if part.name is not None:
            return self.spots.named(part.name)
        required = self.required if part.same else frozenset[str]()
        return Spot(self.spots, self.owner, (*self.at, *part.at), part.schema, required)


class Spots:
    """All places in the schemas of one contract, in one direction, made when they are asked for."""

    def __init__(self, types: Types, direction: Direction) -> None:
        self.types = types
        self.direction: Direction = direction
        self._named: dict[str, Spot] = {}

    def named(self, name: str) -> Spot:
        """Return the place of a named schema."""
        if name not in self._named:
            self._named[name] = Spot(self, f"{name} ({self.direction})", (), self.types.schemas[name])
        return self._named[name]

    def accepts(self, schema: AnySchema, value: Any) -> bool:
        """Tell whether a value of JSON follows a schema."""
        return schema if isinstance(schema, bool) else bool(self.types.judge(schema, self.direction).is_valid(value))


def taken(spot: Spot, value: Any) -> set[str]:
    """Return the keys of the choices that a value takes at a place and below; the value must follow the schema."""
    made: set[str] = set()
    seen: set[tuple[int, int]] = set()
    waiting = [(spot, value)]
    while waiting and len(seen) < MAX_VISITS:
        here, part = waiting.pop()
        if (id(here), id(part)) in seen:
            continue
        seen.add((id(here), id(part)))
        made.update(key for key, test in here.marks if test(part))
        waiting += [(below, inner) for step, below in here.parts for inner in step.values(part)]
    return made


def taken_if_valid(spot: Spot, value: Any) -> set[str]:
    """Return the keys of the choices that a value takes; none where it breaks the schema."""
    return taken(spot, value) if spot.spots.accepts(spot.schema, value) else set()


def _choices(spots: Spots, schema: Schema, required: frozenset[str]) -> Iterator[Choice]:
    null = _allows_null(schema)
    if null:
        yield Choice("null", (), lambda value: value is None)
        yield Choice("not null", (), lambda value: value is not None)
    for index, member in enumerate(schema.enum or ()):
        if not (null and member is None):
            yield Choice(f"= {shown(member)}", ("enum", str(index)), equals(member))
    yield from _of_arrays(schema)
    yield from _of_objects(spots, schema, required)
    yield from _of_alternatives(spots, schema)


def _allows_null(schema: Schema) -> bool:
    return "null" in schema.type and len(schema.type) > 1 and (schema.enum is None or None in schema.enum)


def _of_arrays(schema: Schema) -> Iterator[Choice]:
    if "array" not in schema.type and schema.items is None:
        return
    if not schema.min_items:
        yield Choice("empty", (), lambda value: value == [] and isinstance(value, list))
    if schema.max_items != 0:
        yield Choice("not empty", (), lambda value: isinstance(value, list) and value != [])


def _of_objects(spots: Spots, schema: Schema, required: frozenset[str]) -> Iterator[Choice]:
    for name, inner in schema.properties.items():
        if name not in required and inner is not False and not spots.types.is_hidden(inner, spots.direction):
            yield Choice("present", ("properties", name), _has(name))
            yield Choice("absent", ("properties", name), _lacks(name))


def _of_alternatives(spots: Spots, schema: Schema) -> Iterator[Choice]:
    for word, branches in (("anyOf", schema.any_of), ("oneOf", schema.one_of)):
        for index, branch in enumerate(branches):
            if branch is not False:
                yield Choice(f"is {_called(branch, index)}", (word, str(index)), _follows(spots, branch))
    if schema.if_ is not None:
        yield Choice("if holds", ("if",), _follows(spots, schema.if_))
        yield Choice("if does not hold", ("if",), _breaks(spots, schema.if_))
    tag = schema.discriminator
    if tag is not None and len(tag.mapping) > len(schema.one_of or schema.any_of):
        for text, target in tag.mapping.items():
            # The base of others stands for no value of its own, as a rule.
            if not (tag.inherited and target == schema.name):
                yield Choice(f"{tag.property} = {shown(text)}", ("discriminator",), _tagged(tag.property, text))


def _parts(spots: Spots, schema: Schema) -> Iterator[Part]:
    if schema.ref is not None:
        yield Part((), True, _itself, name=schema.ref)
    for index, part in enumerate(schema.all_of):
        yield Part(("allOf", str(index)), part, _itself, same=True)
    for word, branches in (("anyOf", schema.any_of), ("oneOf", schema.one_of)):
        for index, branch in enumerate(branches):
            yield Part((word, str(index)), branch, _where(_follows(spots, branch)), same=True)
    yield from _conditional_parts(spots, schema)
    yield from _object_parts(spots, schema)
    for index, inner in enumerate(schema.prefix_items):
        yield Part(("prefixItems", str(index)), inner, _element(index))
    if isinstance(schema.items, Schema):
        yield Part(("items",), schema.items, _elements(len(schema.prefix_items)))


def _conditional_parts(spots: Spots, schema: Schema) -> Iterator[Part]:
    if schema.if_ is not None:
        yield Part(("if",), schema.if_, _where(_follows(spots, schema.if_)), same=True)
        for word, part, test in (("then", schema.then, _follows), ("else", schema.else_, _breaks)):
            if part is not None:
                yield Part((word,), part, _where(test(spots, schema.if_)), same=True)
    for name, part in schema.dependent_schemas.items():
        yield Part(("dependentSchemas", name), part, _where(_has(name)), same=True)
    tag = schema.discriminator
    if tag is not None and tag.inherited:
        for text, target in tag.mapping.items():
            if target != schema.name:
                yield Part(("discriminator",), True, _where(_tagged(tag.property, text)), name=target)


def _object_parts(spots: Spots, schema: Schema) -> Iterator[Part]:
    for name, inner in schema.properties.items():
        if not spots.types.is_hidden(inner, spots.direction):
            yield Part(("properties", name), inner, _property(name))
    patterns = [Schema(type=("string",), pattern=pattern) for pattern in schema.pattern_properties]
    for pattern, (text, inner) in zip(patterns, schema.pattern_properties.items(), strict=True):
        yield Part(("patternProperties", text), inner, _named_by(spots, [pattern], frozenset(), wanted=True))
    if isinstance(schema.additional_properties, Schema):
        known = frozenset(schema.properties)
        yield Part(
            ("additionalProperties",), schema.additional_properties, _named_by(spots, patterns, known, wanted=False)
        )


def shown(value: Any) -> str:
    """Write a value of the contract for people, shortened."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:60]}…{text[-19:]}"


def equals(member: Any) -> Callable[[Any], bool]:
    """Return a test for one value of an enumeration; ``true`` is not 1 there."""
    return lambda value: value == member and isinstance(value, bool) == isinstance(member, bool)


def _called(branch: AnySchema, index: int) -> str:
    if isinstance(branch, bool):
        return f"alternative {index + 1}"
    name = branch.ref or branch.title or "/".join(branch.type)
    return f"{name} (alternative {index + 1})" if name else f"alternative {index + 1}"


def _has(name: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and name in value


def _lacks(name: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and name not in value


def _tagged(name: str, text: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and value.get(name) == text


def _follows(spots: Spots, schema: AnySchema) -> Callable[[Any], bool]:
    return lambda value: spots.accepts(schema, value)


def _breaks(spots: Spots, schema: AnySchema) -> Callable[[Any], bool]:
    return lambda value: not spots.accepts(schema, value)


def _itself(value: Any) -> Iterable[Any]:
    return (value,)


def _where(test: Callable[[Any], bool]) -> Callable[[Any], Iterable[Any]]:
    return lambda value: (value,) if test(value) else ()


def _property(name: str) -> Callable[[Any], Iterable[Any]]:
    return lambda value: (value[name],) if isinstance(value, dict) and name in value else ()


def _element(index: int) -> Callable[[Any], Iterable[Any]]:
    return lambda value: value[index : index + 1] if isinstance(value, list) else ()


def _elements(start: int) -> Callable[[Any], Iterable[Any]]:
    return lambda value: value[start : start + MAX_VISITS] if isinstance(value, list) else ()


def _named_by(
    spots: Spots, patterns: list[Schema], known: frozenset[str], wanted: bool
) -> Callable[[Any], Iterable[Any]]:
    """Return what picks the properties whose names some pattern matches, or that are neither known nor matched."""

    def pick(value: Any) -> Iterable[Any]:
        entries = value.items() if isinstance(value, dict) else ()
        return [
            inner
            for name, inner in entries
            if name not in known and any(spots.accepts(pattern, name) for pattern in patterns) is wanted
        ]

    return pick


def _pointer(tokens: Tokens) -> str:
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)
