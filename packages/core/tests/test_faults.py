"""Faults: all of them, in their places, told by the branch that was meant, and never a secret among them."""

from __future__ import annotations

import io
import json
import logging
import traceback
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from probing import GENERATIONS, codec_of, types_of
from pymacaron.codec.checker import Checker, pointer
from pymacaron.codec.codec import Invalid
from pymacaron.codec.formats import Formats, SwaggerFormat
from pymacaron.codec.lowering import DIRECTIONS
from pymacaron.codec.types import Types
from pymacaron.codec.walking import LARGE, Walker, is_large
from pymacaron.contract import Schema
from pymacaron.exceptions import ModelError
from random_schemas import Schemas, is_circular, value_for

INTEGER, TEXT = {"type": "integer"}, {"type": "string"}
REF = "#/components/schemas/"


def faults(codec: Any, value: Any) -> list[tuple[str, str]]:
    """Return place and keyword of each fault of a value."""
    with pytest.raises(Invalid) as caught:
        codec.decode(json.dumps(value).encode())
    return [(place, keyword) for place, keyword, _ in caught.value.faults]


def test_every_fault_is_listed() -> None:
    """A value is told all its faults at once, each by its JSON pointer and keyword."""
    schema = {
        "type": "object",
        "required": ["a", "b"],
        "properties": {
            "a": INTEGER,
            "c": {"type": "array", "items": {"type": "string", "maxLength": 1}},
            "d/e~f": INTEGER,
        },
        "additionalProperties": False,
    }
    found = faults(codec_of("3.0", schema), {"a": "x", "c": ["a", "bb", 3], "d/e~f": None, "zz": 1})
    assert sorted(found) == [
        ("", "additionalProperties"),
        ("", "required"),
        ("/a", "type"),
        ("/c/1", "maxLength"),
        ("/c/2", "type"),
        ("/d~1e~0f", "type"),
    ]


def test_faults_are_capped() -> None:
    """A service lists so many faults, the first ones of a value."""
    types = types_of("3.0", P={"type": "array", "items": INTEGER})
    assert len(faults(types.codec(Schema(ref="P"), "any"), ["x"] * 100)) == 50
    few = Types(types.api, max_faults=3)
    assert faults(few.codec(Schema(ref="P"), "any"), ["x"] * 100) == [(f"/{i}", "type") for i in range(3)]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "array", "items": INTEGER}, ["x"] * 300_000),
        (
            {"type": "array", "items": {"type": "object", "required": ["a"], "properties": {"b": INTEGER}}},
            [{"b": "x"}] * 100_000,
        ),
        ({"type": "object", "additionalProperties": INTEGER}, {str(i): "x" for i in range(100_000)}),
        ({"type": "array", "items": {"anyOf": [INTEGER, {"type": "null"}]}}, ["x"] * 200_000),
        ({"type": "array", "items": {"$ref": REF + "Probed"}}, [1] * 300_000),
        ({"anyOf": [{"type": "array", "items": INTEGER}, {"type": "null"}]}, ["x"] * 300_000),
        ({"oneOf": [{"type": "array", "items": INTEGER}, {"type": "array", "items": TEXT}]}, [None] * 300_000),
        ({"type": "array", "uniqueItems": True, "items": INTEGER}, ["x"] * 100_000),
        ({"type": "object", "maxProperties": 2, "additionalProperties": False}, {str(i): 1 for i in range(100_000)}),
        ({"type": "array", "prefixItems": [INTEGER], "items": INTEGER}, ["x"] * 300_000),
        ({"type": "array", "items": {"enum": list(range(100))}}, ["x"] * 200_000),
        ({"not": {"type": "array"}}, [1] * 300_000),
    ],
)
def test_large_values_have_few_faults(schema: Any, value: Any) -> None:
    """A megabyte of faults is told its first ones, without any other being made."""
    found = faults(codec_of("3.1", schema), value)
    assert 1 <= len(found) <= 50
    assert is_large(value)


def test_large_values_in_one_direction() -> None:
    """A readOnly property is not missed in a large request either, nor looked into."""
    item = {
        "type": "object",
        "required": ["id", "n"],
        "properties": {"id": {"type": "integer", "readOnly": True}, "n": INTEGER},
    }
    codec = codec_of("3.0", {"type": "array", "items": item}, "request")
    value: list[Any] = [{"n": 1, "id": "ignored"}] * LARGE
    assert len(codec.decode(json.dumps(value).encode())) == LARGE
    value[7] = {"id": 1}
    assert faults(codec, value) == [("/7", "required")]
    large = {"type": "object", "required": ["id", "n"], "properties": {**item["properties"], "many": {"type": "array"}}}  # type: ignore[dict-item]
    codec = codec_of("3.0", large, "request")
    assert faults(codec, {"many": [1] * LARGE}) == [("", "required")]


@pytest.mark.once
@settings(max_examples=250, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.data(), Schemas("3.0").documents(), st.integers(0, 3))
def test_walker_finds_what_the_validator_finds(data: st.DataObject, named: dict[str, Any], large: int) -> None:
    """Walked piece by piece, a value has faults in just those places where judging it whole finds them.

    A part that is large and cannot be taken apart tells its first fault alone, which is one of them.
    """
    assume(not is_circular(named))
    types = types_of("3.0", **named)
    schema = Schema(ref="Probed")
    checker = Checker(types, schema, "any")
    for _ in range(6):
        value = data.draw(value_for(named["Probed"], named))
        whole = {pointer(error.instance_path) for error in checker.judge.errors(value)}
        walked = {pointer([*f.path, *f.error.instance_path]) for f in Walker(types, "any", large).errors(schema, value)}
        assert bool(walked) == bool(whole), value
        assert walked <= whole, value
        if not any(word in json.dumps(named) for word in ("allOf", "anyOf", "oneOf", "not")):
            assert walked == whole, value


@pytest.mark.once
@pytest.mark.parametrize("generation", GENERATIONS)
@settings(max_examples=250, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_finder_finds_what_the_validator_finds(data: st.DataObject, generation: Any) -> None:
    """The faults that are found without jsonschema-rs are those that it lists: places, keywords and messages."""
    named = data.draw(Schemas(generation).documents())
    assume(not is_circular(named))
    checker = Checker(types_of(generation, **named), Schema(ref="Probed"), data.draw(st.sampled_from(DIRECTIONS)))
    for _ in range(6):
        value = data.draw(value_for(named["Probed"], named))
        assert sorted(checker.finder.faults(value)) == sorted(checker.told(value)), (value, named)


def test_finder_follows_schemas_that_refer_to_themselves() -> None:
    """Faults deep in a tree, and of a format that a service calls by a name that says nothing elsewhere, are found."""
    tree = {"type": "object", "required": ["n"], "properties": {"n": INTEGER, "kids": {"type": "array"}}}
    tree["properties"]["kids"]["items"] = {"$ref": REF + "Alias"}  # type: ignore[index]
    codec = codec_of("3.0", {"$ref": REF + "Alias"}, Alias={"$ref": REF + "Tree"}, Tree=tree)
    assert faults(codec, {"n": 1, "kids": [{"n": 2}, {"kids": [{"n": "x"}]}]}) == [
        ("/kids/1", "required"),
        ("/kids/1/kids/0/n", "type"),
    ]
    ours = SwaggerFormat("double", to_python=str, to_wire=str, validate=int)
    api = types_of("3.0", P={"type": "string", "format": "double"}).api
    assert faults(Types(api, Formats([ours])).codec(Schema(ref="P"), "any"), "x") == [("", "format")]


def test_choice_by_discriminator() -> None:
    """Where a discriminator names a branch, its faults are told; a wrong tag is told what tags there are."""
    branches: dict[str, Any] = {
        name: {"type": "object", "required": ["kind", field], "properties": {"kind": TEXT, field: INTEGER}}
        for name, field in (("Cat", "lives"), ("Dog", "barks"))
    }
    for word in ("oneOf", "anyOf"):
        choice = {word: [{"$ref": REF + name} for name in branches], "discriminator": {"propertyName": "kind"}}
        codec = codec_of("3.0", {"type": "array", "items": choice}, **branches)
        assert faults(codec, [{"kind": "Dog", "barks": "x"}]) == [("/0/barks", "type")]
        assert faults(codec, [{"kind": "Cat", "barks": "x"}]) == [("/0", "required")]
        assert type(codec.decode(b'[{"kind": "Cat", "barks": 1}]')[0]).__name__ == "Dog"  # A tag is but a hint.
        assert faults(codec, [{"kind": "Cow"}]) == [("/0/kind", "enum")]
        assert faults(codec, [{"lives": 9}]) == [("/0", "required")]
        assert faults(codec, [7]) == [("/0", word)]
        large = [{"kind": "Dog", "barks": 1}] * LARGE + [{"kind": "Dog", "barks": "x"}]
        assert faults(codec, large) == [(f"/{LARGE}/barks", "type")]


def test_choice_by_mapping() -> None:
    """A mapping's own values are tags too."""
    branches: dict[str, Any] = {
        name: {"type": "object", "required": [name], "properties": {"k": TEXT, name: INTEGER}} for name in ("A", "B")
    }
    tag = {"propertyName": "k", "mapping": {"first": REF + "A", "second": "B"}}
    codec = codec_of("3.0", {"oneOf": [{"$ref": REF + "A"}, {"$ref": REF + "B"}], "discriminator": tag}, **branches)
    assert faults(codec, {"k": "second", "B": "x"}) == [("/B", "type")]
    assert faults(codec, {"k": "other"}) == [("/k", "enum")]


def test_choice_by_inheritance() -> None:
    """A subtype that extends a base is told its own faults, and an unknown one what subtypes there are."""
    base = {"type": "object", "discriminator": "kind", "required": ["kind"], "properties": {"kind": TEXT}}
    dog = {"allOf": [{"$ref": "#/definitions/Base"}, {"required": ["barks"], "properties": {"barks": INTEGER}}]}
    codec = codec_of("2.0", {"type": "array", "items": {"$ref": "#/definitions/Base"}}, Base=base, Dog=dog)
    assert faults(codec, [{"kind": "Dog", "barks": "x"}, {"kind": "Dog"}]) == [("/0/barks", "type"), ("/1", "required")]
    assert faults(codec, [{"kind": "Cow"}]) == [("/0/kind", "enum")]


def test_choice_by_what_fits() -> None:
    """Without a discriminator, a value is told the faults of the only branch of its type or of its constant."""
    nullable = {"anyOf": [{"type": "object", "properties": {"a": INTEGER}}, {"type": "null"}]}
    assert faults(codec_of("3.1", nullable), {"a": "x"}) == [("/a", "type")]
    assert faults(codec_of("2.0", {"x-nullable": True, "allOf": [{"properties": {"a": INTEGER}}]}), {"a": "x"}) == [
        ("/a", "type")
    ]
    tagged = {"oneOf": [{"properties": {"t": {"const": t}, t: INTEGER}, "required": ["t", t]} for t in ("a", "b")]}
    assert faults(codec_of("3.1", tagged), {"t": "b", "b": "x"}) == [("/b", "type")]
    assert faults(codec_of("3.1", tagged), {"t": "c"}) == [("", "oneOf")]
    both = {"oneOf": [{"minimum": 1}, {"minimum": 2}]}
    assert faults(codec_of("3.1", both), 5) == [("", "oneOf")]


# Secrets.

WORD = "hunter2-correct-horse"
SECRET = st.sampled_from(
    (
        {"type": "string", "format": "password", "minLength": 40},
        {"type": "string", "writeOnly": True, "pattern": "^z"},
        {"type": "integer", "writeOnly": True},
        {"type": "string", "format": "date-time", "writeOnly": True},
        {"type": "string", "writeOnly": True, "enum": ["a", "b"]},
        {"type": "array", "items": {"type": "string", "format": "password", "maxLength": 3}},
        {"type": "object", "additionalProperties": {"type": "string", "format": "password", "maxLength": 3}},
        {"type": "object", "writeOnly": True, "properties": {"in": {"type": "string", "maxLength": 3}}},
        {"oneOf": [{"type": "string", "format": "password", "maxLength": 3}, {"type": "integer"}]},
        {"anyOf": [{"type": "null"}, {"$ref": REF + "Word"}]},
        {"allOf": [{"$ref": REF + "Word"}], "description": "through an allOf"},
        {"$ref": REF + "Word"},
        {"$ref": REF + "Alias"},
    )
)
NAMED = {
    "Word": {"type": "string", "format": "password", "maxLength": 3},
    "Alias": {"$ref": REF + "Word", "writeOnly": True},
}
PLACES = st.sampled_from(("property", "items", "map", "deep", "oneOf", "allOf"))
SECRETS = st.recursive(
    st.sampled_from((WORD, [WORD], {"in": WORD}, {"x": [WORD]}, WORD + "z")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(("pw", "in", "y")), inner, max_size=2)
    ),
    max_leaves=3,
)


def placed(secret: Any, place: str) -> Any:
    """Return a schema that holds a secret somewhere."""
    holder = {"type": "object", "required": ["n"], "properties": {"pw": secret, "n": INTEGER}}
    return {
        "property": holder,
        "items": {"type": "array", "items": secret},
        "map": {"type": "object", "properties": {"n": INTEGER}, "additionalProperties": secret},
        "deep": {"type": "object", "properties": {"l": {"type": "array", "items": holder}, "pw": TEXT}},
        "oneOf": {"oneOf": [holder, {"type": "object", "required": ["x"], "properties": {"x": INTEGER}}]},
        "allOf": {"allOf": [holder, {"type": "object", "properties": {"m": INTEGER}}]},
    }[place]


def given_at(place: str, value: Any, other: Any) -> Any:
    """Return a value with a secret where the schema has one."""
    holder = {"pw": value, "n": other}
    return {"items": [value], "map": {"more": value, "n": other}, "deep": {"l": [holder]}}.get(place, holder)


@pytest.mark.once
@settings(max_examples=400, deadline=None, database=None)
@given(SECRET, PLACES, SECRETS, st.sampled_from((1, "x", None)), st.sampled_from(("any", "request", "response")))
def test_secrets_are_never_shown(secret: Any, place: str, value: Any, other: Any, direction: Any) -> None:
    """No message, repr, log or trace holds a value of ``format: password`` or ``writeOnly``, of whatever shape."""
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger().addHandler(handler)
    try:
        codec = codec_of("3.1", placed(secret, place), direction, **NAMED)
        whole = given_at(place, value, other)
        told = [
            attempt(codec.decode, json.dumps(whole).encode()),
            attempt(codec.load, whole),
            attempt(codec.encode, whole),
        ]
        kind = codec.types.model("Probed")
        if kind is not None and isinstance(whole, dict):
            told += [attempt(kind.from_json, whole), attempt(lambda given: repr(kind(**given)), whole)]
    finally:
        logging.getLogger().removeHandler(handler)
    assert WORD not in "\n".join([*told, log.getvalue()])


def attempt(function: Any, value: Any) -> str:
    """Return all that is shown of a call: the repr of what it returns, or its error with what led to it."""
    try:
        made = function(value)
    except (Invalid, ModelError) as error:
        listed = error.faults if isinstance(error, Invalid) else error.errors
        return f"{error} {error!r} {listed} {''.join(traceback.format_exception(error))}"
    return "" if isinstance(made, (bytes, list, dict)) else repr(made)


def test_values_that_are_no_secrets_are_shown() -> None:
    """Beside a secret, the values of other properties are shown as ever."""
    codec = codec_of(
        "3.0", {"type": "object", "properties": {"pw": {"type": "string", "format": "password"}, "n": INTEGER}}
    )
    with pytest.raises(Invalid, match='"seen"'):
        codec.decode(b'{"pw": 5, "n": "seen"}')
    kind = codec.types.model("Probed")
    assert kind is not None
    assert repr(kind(pw=WORD, n=3)) == "Probed(pw=***, n=3)"
