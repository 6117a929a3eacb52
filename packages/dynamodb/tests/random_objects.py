"""Random objects of random schemas, by hypothesis: a kind is a schema and the values that follow it."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import strategies as st

from pymacaron import SwaggerFormat

GENERATIONS = ("2.0", "3.0", "3.1")
#: Names of properties; the last ones are methods and settings of persistent classes, or methods of PynamoDB's models.
NAMES = (
    *("a", "", "b/c", "d~e", "~1", "f.g", "#h", "with space", "é", "😀", "0", "value", "x-y", 'q"\\', "clone"),
    *("version", "query", "update", "keys", "sets", "ttl", "indexes", "upgrade", "scan", "save", "table_name"),
)

TEXTS = st.one_of(st.text(max_size=8), st.sampled_from(("", "\x00", "null", "1.0", "unset", "\u2028", "ß" * 40)))
_EDGES = (2**53 + 1, -(2**63), 10**38 - 1, 10**38, 10**38 + 1, -(10**40) - 7, 10**125, 10**126, 0)
INTEGERS = st.one_of(st.integers(), st.sampled_from(_EDGES))
_EXTREMES = (0.0, -0.0, 1e300, -1e300, 5e-324, 1e-130, 9e-131, 1e125, 1e126, 9.99e125, 1.0, -3.0, 1e22, 0.1, 2.0**53)
FLOATS = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(_EXTREMES))
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), INTEGERS, FLOATS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)),
    max_leaves=8,
)
BYTES = st.binary(max_size=9).map(lambda octets: b64encode(octets).decode())
DECIMAL = SwaggerFormat("decimal", to_python=Decimal, to_wire=str, validate=Decimal)


@dataclass(frozen=True)
class Kind:
    """A schema, and values of JSON that follow it."""

    schema: Any
    values: st.SearchStrategy[Any]


def text_of(format: str, values: st.SearchStrategy[str]) -> Kind:
    """Return a text of a format."""
    return Kind({"type": "string", "format": format}, values)


MOMENTS = st.builds(
    lambda moment, fraction, offset: moment.strftime("%Y-%m-%dT%H:%M:%S") + fraction + offset,
    st.datetimes(min_value=datetime(1000, 1, 2), max_value=datetime(9999, 12, 30)),
    st.sampled_from(("", ".5", ".000001", ".123456", ".1234567")),
    st.sampled_from(("Z", "z", "+00:00", "-00:00", "+02:00", "-11:30")),
)
SCALARS = (
    Kind({"type": "string"}, TEXTS),
    Kind({"type": "integer"}, INTEGERS),
    Kind({"type": "integer", "format": "int64"}, st.integers(-(2**63), 2**63 - 1)),
    Kind({"type": "number"}, st.one_of(FLOATS, INTEGERS)),
    Kind({"type": "boolean"}, st.booleans()),
    Kind({"type": "string", "enum": ["", "a", "b"]}, st.sampled_from(("", "a", "b"))),
    Kind({"enum": [1, 2.5, "x", True]}, st.sampled_from((1, 2.5, "x", True))),
    Kind({"type": "string", "format": "password"}, TEXTS),
    Kind({"type": "string", "writeOnly": True}, TEXTS),
    Kind({"type": "integer", "readOnly": True}, INTEGERS),
    Kind({"type": "integer", "default": 7}, INTEGERS),
    Kind({"type": "array", "items": {"type": "integer"}, "default": []}, st.lists(INTEGERS, max_size=2)),
    text_of("byte", BYTES),
    text_of("binary", TEXTS),
    text_of("date-time", MOMENTS),
    text_of("date", st.dates(min_value=date(1000, 1, 1)).map(str)),
    text_of("uuid", st.uuids().map(str)),
    text_of("decimal", st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str)),
    Kind({}, ANYTHING),
    Kind({"type": "object"}, st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=3)),
)


class Kinds:
    """Strategies for the kinds of one generation of OpenAPI."""

    def __init__(self, generation: str) -> None:
        self.generation = generation
        self.prefix = "#/definitions/" if generation == "2.0" else "#/components/schemas/"

    def named(self) -> dict[str, Any]:
        """Return the named schemas that kinds refer to: a plain one, one of itself, and one with subtypes."""
        text, whole = {"type": "string"}, {"type": "integer"}
        leaf = {
            "type": "object",
            "required": ["sku"],
            "properties": {"sku": text, "qty": {"type": "number"}, "seal": {"type": "string", "format": "byte"}},
        }
        node = {
            "type": "object",
            "properties": {
                "value": {"type": "number"},
                "next": self.reference("Node"),
                "below": {"type": "object", "additionalProperties": self.reference("Node")},
                "row": {"type": "array", "items": self.reference("Node")},
            },
        }
        told_by = "kind" if self.generation == "2.0" else {"propertyName": "kind"}
        pet = {"type": "object", "required": ["kind"], "properties": {"kind": text}, "discriminator": told_by}
        cat = {"allOf": [self.reference("Pet"), {"type": "object", "properties": {"lives": whole, "fur": leaf}}]}
        dog = {"allOf": [self.reference("Pet"), {"type": "object", "properties": {"bark": {"type": "number"}}}]}
        return {"Leaf": leaf, "Node": node, "Pet": pet, "Cat": cat, "Dog": dog}

    def reference(self, name: str) -> dict[str, str]:
        """Return a reference to a named schema."""
        return {"$ref": self.prefix + name}

    @cache  # noqa: B019  # the few strategies there are live as long as the tests
    def kind(self, depth: int) -> st.SearchStrategy[Kind]:
        """Draw a kind that nests at most so deep."""
        kinds = [st.sampled_from(SCALARS), st.sampled_from(SCALARS).map(self.nullable), st.sampled_from(self._models())]
        if depth > 0:
            below = self.kind(depth - 1)
            kinds += [below.map(_array), below.map(_map), self.object(depth), self._joined(depth), below.map(_unique)]
        if depth > 0 and self.generation != "2.0":
            kinds.append(st.tuples(self.kind(depth - 1), self.kind(depth - 1)).map(_either))
        if depth > 0 and self.generation == "3.1":
            kinds.append(st.tuples(self.kind(depth - 1), self.kind(depth - 1)).map(_tuple))
        return st.one_of(kinds)

    def nullable(self, kind: Kind) -> Kind:
        """Return a kind that null is a value of as well, where its schema has a type and no choices."""
        schema = kind.schema
        if "type" not in schema or "enum" in schema or "default" in schema:
            return kind
        more: dict[str, Any] = {
            "2.0": {"x-nullable": True},
            "3.0": {"nullable": True},
            "3.1": {"type": [schema["type"], "null"]},
        }
        return Kind({**schema, **more[self.generation]}, st.one_of(st.none(), kind.values))

    @cache  # noqa: B019
    def object(self, depth: int) -> st.SearchStrategy[Kind]:
        """Draw an object with properties, closed, open, or with additional ones of a kind."""
        properties = st.dictionaries(st.sampled_from(NAMES), self.kind(depth - 1), min_size=1, max_size=4)
        return st.builds(_object, properties, st.one_of(st.none(), st.booleans(), self.kind(0)))

    def _joined(self, depth: int) -> st.SearchStrategy[Kind]:
        """Draw an object by ``allOf``, whose parts have different properties."""
        halves = NAMES[::2], NAMES[1::2]
        parts = [
            st.dictionaries(st.sampled_from(names), self.kind(depth - 1), min_size=1, max_size=2) for names in halves
        ]
        return st.builds(_all_of, *parts)

    @cache  # noqa: B019
    def _models(self) -> tuple[Kind, ...]:
        leaf = st.fixed_dictionaries({"sku": TEXTS}, optional={"qty": FLOATS, "seal": BYTES})
        node = st.recursive(
            st.fixed_dictionaries({}, optional={"value": FLOATS}),
            lambda inner: st.fixed_dictionaries(
                {},
                optional={
                    "value": FLOATS,
                    "next": inner,
                    "below": st.dictionaries(st.sampled_from(NAMES), inner, max_size=2),
                    "row": st.lists(inner, max_size=2),
                },
            ),
            max_leaves=4,
        )
        cat = st.fixed_dictionaries({"kind": st.just("Cat")}, optional={"lives": INTEGERS, "fur": leaf})
        dog = st.fixed_dictionaries({"kind": st.just("Dog")}, optional={"bark": FLOATS})
        values = {"Leaf": leaf, "Node": node, "Pet": st.one_of(cat, dog), "Cat": cat}
        return tuple(Kind(self.reference(name), found) for name, found in values.items())


def _array(kind: Kind) -> Kind:
    return Kind({"type": "array", "items": kind.schema}, st.lists(kind.values, max_size=3))


def _unique(kind: Kind) -> Kind:
    values = st.lists(kind.values, max_size=1)
    return Kind({"type": "array", "uniqueItems": True, "items": kind.schema}, values)


def _tuple(kinds: tuple[Kind, Kind]) -> Kind:
    first, rest = kinds
    values = st.builds(lambda head, tail: [head, *tail], first.values, st.lists(rest.values, max_size=2))
    return Kind({"type": "array", "prefixItems": [first.schema], "items": rest.schema}, values)


def _map(kind: Kind) -> Kind:
    values = st.dictionaries(st.sampled_from(NAMES), kind.values, max_size=3)
    return Kind({"type": "object", "additionalProperties": kind.schema}, values)


def _either(kinds: tuple[Kind, Kind]) -> Kind:
    one, other = kinds
    return Kind({"anyOf": [one.schema, other.schema]}, st.one_of(one.values, other.values))


def _object(properties: dict[str, Kind], extra: Kind | bool | None) -> Kind:
    schema: dict[str, Any] = {"type": "object", "properties": {name: kind.schema for name, kind in properties.items()}}
    known = st.fixed_dictionaries({}, optional={name: kind.values for name, kind in properties.items()})
    if extra is not None:
        schema["additionalProperties"] = extra.schema if isinstance(extra, Kind) else extra
    if extra is None or extra is False:
        return Kind(schema, known)
    others = extra.values if isinstance(extra, Kind) else ANYTHING
    names = st.sampled_from([name for name in NAMES if name not in properties])
    more = st.dictionaries(names, others, max_size=2)
    return Kind(schema, st.builds(lambda a, b: {**a, **b}, known, more))


def _all_of(one: dict[str, Kind], other: dict[str, Kind]) -> Kind:
    parts = [_object(one, None), _object(other, None)]
    values = st.builds(lambda a, b: {**a, **b}, *(part.values for part in parts))
    return Kind({"allOf": [part.schema for part in parts]}, values)
