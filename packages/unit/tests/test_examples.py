"""Examples of schemas: chosen from the contract, or made."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pymacaron import SwaggerFormat
from pymacaron.codec.formats import Formats
from pymacaron.codec.types import Types
from pymacaron.spec import read_contract
from pymacaron_unit.examples import NoExampleError, example, examples, know_document
from pymacaron_unit.examples import making as module
from random_schemas import VALUES, schema_around

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def document(schemas: dict[str, Any], paths: dict[str, Any] | None = None, version: str = "3.1.0") -> dict[str, Any]:
    """Write a contract."""
    return {
        "openapi": version,
        "info": {"title": "t", "version": "1"},
        "paths": paths or {},
        "components": {"schemas": schemas},
    }


def types_of(schemas: dict[str, Any], formats: Sequence[Any] = (), version: str = "3.1.0") -> Types:
    """Read the types of schemas, the examples in them included."""
    written = document(schemas, version=version)
    types = Types(read_contract(written, "probe"), Formats(formats))
    know_document(types, written)
    return types


def made(schema: Any, direction: Any = "any", **others: Any) -> Any:
    """Return the example of one schema."""
    types = types_of({"Probed": schema, **others})
    return example(types, types.schemas["Probed"], direction)


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


TREE = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "children": {"type": "array", "items": ref("Probed")},
        "parent": ref("Probed"),
    },
}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "maxLength": 2}, "te"),
        ({"type": "string", "minLength": 6}, "abcdef"),
        ({"type": "integer"}, 1),
        ({"type": "integer", "maximum": -4}, -4),
        ({"type": "integer", "exclusiveMinimum": 4, "multipleOf": 5}, 5),
        ({"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 2}, 1.5),
        ({"type": "number", "multipleOf": 0.25, "minimum": 1.1}, 1.25),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": ["null", "integer"]}, 1),
        ({"enum": [None, "b"]}, "b"),
        ({"const": {"a": 1}}, {"a": 1}),
        ({"type": "string", "format": "uuid"}, "7a3d1c52-4e6f-4b1a-9c0d-000000000000"),
        ({"type": "string", "format": "date"}, "2024-05-17"),
        ({"type": "string", "pattern": "^[A-Z]{2}-\\d{3}$"}, "AA-000"),
        ({"type": "string", "pattern": "b$", "minLength": 4}, "xxxb"),
        ({"type": "array", "items": {"type": "integer"}}, [1]),
        ({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False}, [1, "text"]),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"key": 1}),
        ({"type": "object", "properties": {"a": {"type": "integer"}}, "maxProperties": 0}, {}),
        ({"type": "object", "patternProperties": {"^x-[ab]$": {"type": "boolean"}}, "minProperties": 2}, None),
        ({"allOf": [{"properties": {"a": {"type": "integer"}}}, {"required": ["b"]}]}, None),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, 1),
        ({"oneOf": [{"type": "number"}, {"type": "integer"}], "maximum": 10}, None),
        ({"not": {"type": "string"}}, None),
        ({"not": {"not": {"not": {"maxProperties": 0}}}}, None),
        ({"not": {"not": {"type": "object", "maxProperties": 1, "minProperties": 1}}}, {"key": "text"}),
        ({"if": {"properties": {"a": {"const": 1}}}, "then": {"required": ["b"]}, "type": "object"}, None),
        ({"type": "array", "contains": {"const": 7}, "minContains": 2, "items": {"type": "integer"}}, None),
        ({"type": "array", "uniqueItems": True, "minItems": 4, "items": {"type": "string"}}, None),
        ({"type": "object", "propertyNames": {"pattern": "^[A-Z]{3}$"}, "minProperties": 2}, None),
        ({"type": "object", "required": ["a"], "dependentSchemas": {"a": {"required": ["b"]}}}, None),
        ({"type": "object", "required": ["a"], "dependentRequired": {"a": ["b"]}}, None),
        ({"type": "object", "properties": {"a": True}, "unevaluatedProperties": False}, {"a": "text"}),
        (True, "text"),
    ],
)
def test_made_values(schema: Any, expected: Any) -> None:
    """Each keyword is followed, by the judgement of a validator of JSON Schema; the plainest value is made."""
    found = made(schema)
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(found)
    if expected is not None or schema == {"type": "null"}:
        assert found == expected


@pytest.mark.parametrize(
    "name",
    [
        "byte", "date", "date-time", "duration", "email", "hostname", "idn-email", "idn-hostname", "ipv4", "ipv6",
        "iri", "iri-reference", "json-pointer", "regex", "relative-json-pointer", "time", "uri", "uri-reference",
        "uri-template", "uuid", "unheard-of",
    ],
)  # fmt: skip
def test_formats(name: str) -> None:
    """Every format has texts, of great lengths too where it allows for them, and by chance."""
    types = types_of({"Probed": {"type": "string", "format": name}})
    found = examples(types, types.schemas["Probed"], "any", 20)
    jsonschema_rs.Draft202012Validator({"items": {"format": name}}, validate_formats=True).validate(found)
    if name in ("email", "hostname", "uri"):
        assert len(made({"type": "string", "format": name, "minLength": 90})) >= 90


@pytest.mark.parametrize(
    "pattern",
    [
        "^(?:[a-z0-9]+-)*[a-z0-9]+$",
        "^(?=.*[A-Z])(?=.*\\d)[A-Za-z\\d]{8,}$",
        "^(?!abc)[a-c]{3}$",
        "^\\+[1-9]\\d{1,14}$",
        "^[^\\s@]+@[^\\s@]+\\.[a-z]{2,}$",
        "^(?<year>\\d{4})-(0[1-9]|1[0-2])$",
        "^([ab])\\1$",
        "^\\p{Lu}\\p{Ll}+$",
        "^\\u0041[\\x42-\\x44]\\/$",
        "^[\\w.-]{3,}?$",
        "^$",
        "[0-9]{3}",
        "^/.*/$",
        "\\bword\\b",
    ],
)
def test_patterns(pattern: str) -> None:
    """Texts for patterns of ECMA-262 match them, by core's own judgement, the plainest and those by chance."""
    types = types_of({"Probed": {"type": "string", "pattern": pattern}})
    codec = types.codec(types.schemas["Probed"], "any")
    found = [example(types, types.schemas["Probed"]), *examples(types, types.schemas["Probed"], count=10)]
    assert all(isinstance(text, str) and codec.accepts(text) for text in found)


def test_recursive_schemas_end() -> None:
    """What a schema may do without is left out where it leads back into the schema."""
    assert made(TREE) == {"name": "text", "children": []}


def test_required_recursion_takes_the_way_out() -> None:
    """A circle that a choice ends is ended."""
    linked = {
        "type": "object",
        "required": ["next"],
        "properties": {"next": {"oneOf": [ref("Probed"), {"type": "null"}]}},
    }
    found = made(linked)
    while found["next"] is not None:
        found = found["next"]


def test_what_does_not_travel_is_left_out() -> None:
    """Requests have no readOnly properties and responses no writeOnly ones, given examples included."""
    pet = {
        "type": "object",
        "required": ["id", "name", "chip"],
        "properties": {
            "id": {"type": "integer", "readOnly": True},
            "name": {"type": "string"},
            "chip": {"type": "string", "writeOnly": True},
        },
    }
    assert made(pet, "request") == {"name": "text", "chip": "text"}
    assert made(pet, "response") == {"id": 1, "name": "text"}
    given_too = {**pet, "example": {"id": 7, "name": "Rex", "chip": "c"}}
    assert made(given_too, "request") == {"name": "Rex", "chip": "c"}
    assert made(given_too, "response") == {"id": 7, "name": "Rex"}


def test_discriminators() -> None:
    """A subtype is named by its discriminator, of one that inherits and of a choice."""
    base = {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"type": "string"}},
        "discriminator": {"propertyName": "kind", "mapping": {"cat": ref("Cat")["$ref"]}},
    }
    cat = {"allOf": [ref("Base"), {"required": ["lives"], "properties": {"lives": {"type": "integer"}}}]}
    choice = {"oneOf": [ref("Cat")], "discriminator": base["discriminator"]}
    assert made(ref("Base"), Base=base, Cat=cat) in ({"kind": "cat", "lives": 1}, {"kind": "Base"})
    assert made(choice, Base=base, Cat=cat) == {"kind": "cat", "lives": 1}


def test_own_examples_come_first() -> None:
    """The contract's own examples are taken where they are valid, at any depth."""
    schemas = {
        "Probed": {
            "type": "object",
            "properties": {
                "a": {"type": "string", "example": "mine"},
                "b": {"type": "integer", "examples": ["wrong", 42]},
                "c": {"type": "integer", "default": 9},
                "d": {"type": "integer", "example": "wrong", "minimum": 5},
                "e": ref("Colour"),
            },
        },
        "Colour": {"type": "string", "example": "red"},
    }
    types = types_of(schemas)
    assert example(types, types.schemas["Probed"]) == {"a": "mine", "b": 42, "c": 9, "d": 5, "e": "red"}


PETS = {
    "/pets/{id}": {
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}, "example": 31}],
        "put": {
            "operationId": "putPet",
            "requestBody": {
                "content": {"application/json": {"schema": {"type": "object"}, "example": {"name": "Rex"}}}
            },
            "responses": {
                "200": {
                    "description": "put",
                    "headers": {"X-Left": {"schema": {"type": "integer"}, "example": 12}},
                    "content": {
                        "application/json": {
                            "schema": {"type": "object"},
                            "examples": {"one": {"value": {"name": "Max"}}},
                        }
                    },
                }
            },
        },
    }
}


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_examples_of_operations(version: str, tmp_path: Path) -> None:
    """Examples beside the schemas of parameters, bodies, responses and headers are found in a file's contract."""
    file = tmp_path / "pets.yaml"
    file.write_text(yaml.safe_dump(document({}, PETS, version)))
    types = Types(read_contract(file, "pets"))
    operation = types.api.operations[0]
    assert operation.body is not None
    assert example(types, operation.parameters[0].schema) == 31
    assert example(types, operation.body.content[0].schema, "request") == {"name": "Rex"}
    assert example(types, operation.responses[0].content[0].schema, "response") == {"name": "Max"}
    assert example(types, operation.responses[0].headers[0].schema, "response") == 12


def test_examples_of_swagger_2() -> None:
    """Examples of Swagger 2.0 are found: by media type, and as x-example of parameters."""
    written = {
        "swagger": "2.0",
        "info": {"title": "t", "version": "1"},
        "produces": ["application/json"],
        "paths": {
            "/pets": {
                "get": {
                    "operationId": "find",
                    "parameters": [{"name": "q", "in": "query", "type": "string", "x-example": "rex"}],
                    "responses": {
                        "200": {
                            "description": "found",
                            "schema": {"type": "array", "items": {"type": "string"}},
                            "examples": {"application/json": ["Rex"]},
                        }
                    },
                }
            }
        },
    }
    types = Types(read_contract(written, "pets"))
    know_document(types, written)
    operation = types.api.operations[0]
    assert example(types, operation.parameters[0].schema) == "rex"
    assert example(types, operation.responses[0].content[0].schema, "response") == ["Rex"]


def test_own_formats() -> None:
    """A service's own format is followed by the schema's example, or by what it happens to take."""

    def check(text: Any) -> None:
        if not str(text).startswith("PYM-"):
            raise ValueError(text)

    own = SwaggerFormat(format="tag", to_python=str, to_wire=str, validate=check, description="a tag")
    money = SwaggerFormat(format="money", to_python=float, to_wire=str, validate=float, description="an amount")
    schemas = {
        "Tag": {"type": "string", "format": "tag", "example": "PYM-1"},
        "Money": {"type": "string", "format": "money"},
    }
    types = types_of({**schemas, "Bare": {"type": "string", "format": "tag"}}, [own, money])
    assert example(types, types.schemas["Tag"]) == "PYM-1"
    float(example(types, types.schemas["Money"]))
    with pytest.raises(NoExampleError, match=r"'Bare'.*give it an example"):
        example(types, types.schemas["Bare"])


@pytest.mark.parametrize(
    "schema",
    [False, {"type": "integer", "minimum": 2, "maximum": 1}, {"allOf": [{"type": "null"}, {"type": "string"}]}],
)
def test_nothing_can_be_found(schema: Any) -> None:
    """A schema that nothing follows is told with its contract and name."""
    with pytest.raises(NoExampleError, match="probe: no value was found"):
        made(schema)


def test_same_in_every_run() -> None:
    """An example is the same each time, and changing it changes no other."""
    types = types_of({"Probed": TREE})
    first = example(types, types.schemas["Probed"])
    first["name"] = "changed"
    assert example(types, types.schemas["Probed"]) == {"name": "text", "children": []}


def test_several_differ() -> None:
    """Several examples differ, are all valid, and are the same for the same seed."""
    types = types_of({"Probed": TREE})
    schema = types.schemas["Probed"]
    found = examples(types, schema, "any", 50, seed=3)
    assert found == examples(types, schema, "any", 50, seed=3)
    assert found != examples(types, schema, "any", 50, seed=4)
    assert len({repr(value) for value in found}) > 40
    assert all(types.codec(schema, "any").accepts(value) for value in found)


def test_contracts_are_forgotten() -> None:
    """The examples of a contract live no longer than its types."""
    types = types_of({"Probed": TREE})
    example(types, types.schemas["Probed"])
    before = len(module._known)
    del types
    gc.collect()
    assert len(module._known) < before


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_can_be_followed_is(version: str, data: st.DataObject) -> None:
    """For every schema that some value follows, values are found, plain and by chance, and core accepts them."""
    value = data.draw(VALUES)
    schema = data.draw(schema_around(value, version == "3.1.0"))
    types = types_of({"Probed": schema}, version=version)
    probed = types.schemas["Probed"]
    codec = types.codec(probed, "any")
    assert codec.accepts(value), "the strategy is wrong"
    for found in (example(types, probed), *examples(types, probed, "any", 2, 1)):
        assert codec.accepts(found)
        if version == "3.1.0":
            assert jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid(found)
