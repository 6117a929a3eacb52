"""What of a contract can be exercised, and where it stands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from coverage_cases import ZOO, call, zoo
from pymacaron_unit.contracts import Contracts, from_document, load_contracts
from pymacaron_unit.coverage import Recorder
from pymacaron_unit.coverage.items import inventory
from pymacaron_unit.coverage.places import Positions
from pymacaron_unit.coverage.report import cover

if TYPE_CHECKING:
    from pathlib import Path


def labels(document: dict[str, Any], owner: str) -> list[str]:
    """List the items of an operation or a schema, in words."""
    return [item.label for item in inventory(from_document("x", document)).items.values() if item.owner == owner]


def schema_labels(schema: Any, direction: str = "response", version: str = "3.1.0", **others: Any) -> set[str]:
    """List the branches of a schema."""
    content = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/X"}}}}
    document = {
        "openapi": version,
        "info": {"title": "x", "version": "1"},
        "paths": {
            "/x": {
                "post": {
                    "operationId": "x",
                    "requestBody": content,
                    "responses": {"200": {"description": "", **content}},
                }
            }
        },
        "components": {"schemas": {"X": schema, **others}},
    }
    return set(labels(document, f"X ({direction})"))


def test_lists_the_parts_of_an_operation() -> None:
    """Each parameter sent and left out, the values it lists, each status, header and media type."""
    assert labels(ZOO, "list") == [
        "answers with success",
        "query kind sent", "query kind left out", 'query kind = "cat"', 'query kind = "dog"',
        "query tame sent", "query tame = true", "query tame = false",
        "query tags sent", "query tags left out", 'query tags has = "old"', 'query tags has = "new"',
        "query box sent", "query box left out",
        "header X-Trace sent", "header X-Trace left out",
        "cookie visit sent", "cookie visit left out",
        "answers 200", "200 header X-Count", "200 application/json", "200 text/*", "answers 4XX", "answers default",
        "200 application/json: empty", "200 application/json: not empty",
    ]  # fmt: skip


def test_lists_the_media_types_of_a_body() -> None:
    """An optional body may be left out; a form has branches as JSON has."""
    assert labels(ZOO, "add") == [
        "answers with success", "body left out", "body application/json", "body multipart/form-data", "answers 201",
        "body multipart/form-data: rank present", "body multipart/form-data: rank absent",
        "body multipart/form-data: rank = 1", "body multipart/form-data: rank = 2",
    ]  # fmt: skip


def test_lists_the_values_of_a_parameter_behind_alternatives() -> None:
    """A parameter that may be null still lists its values; one that holds itself ends."""
    choice = {"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]}
    nested = {"type": "array", "items": {"$ref": "#/components/schemas/Nested"}}
    parameters = [{"name": "q", "in": "query", "schema": choice}, {"name": "n", "in": "query", "schema": nested}]
    document = {
        **ZOO,
        "paths": {
            "/x": {"get": {"operationId": "x", "parameters": parameters, "responses": {"200": {"description": ""}}}}
        },
        "components": {"schemas": {"Nested": nested}},
    }
    assert [label for label in labels(document, "x") if label.startswith("query")] == [
        "query q sent", "query q left out", 'query q = "a"', "query n sent", "query n left out",
    ]  # fmt: skip


def test_counts_a_named_schema_once_a_direction() -> None:
    """What two operations share is listed once; a property of one direction is listed in that alone."""
    found = [item.label for item in inventory(zoo()).items.values() if item.owner == "Cat (request)"]
    assert sorted(found) == sorted({*found})
    assert "id present" not in found
    assert "id present" in labels(ZOO, "Cat (response)")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": ["string", "null"]}, {"null", "not null"}),
        ({"type": "array"}, {"empty", "not empty"}),
        ({"type": "array", "minItems": 1}, {"not empty"}),
        ({"type": "array", "maxItems": 0}, {"empty"}),
        ({"enum": ["a", 1]}, {'= "a"', "= 1"}),
        ({"type": ["string", "null"], "enum": ["a", None]}, {"null", "not null", '= "a"'}),
        ({"type": ["string", "null"], "enum": ["a"]}, {'= "a"'}),
        ({"properties": {"a": {}, "b": {}}, "required": ["a"]}, {"b present", "b absent"}),
        ({"allOf": [{"properties": {"a": {}}}, {"required": ["a"]}]}, set()),
        ({"properties": {"a": False}}, set()),
        ({"properties": {"a": {"type": "array", "items": {"enum": [1]}, "minItems": 1}}, "required": ["a"]},
         {"a not empty", "a[] = 1"}),
        ({"additionalProperties": {"enum": [1, 2]}}, {"* = 1", "* = 2"}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"is string (alternative 1)", "is null (alternative 2)"}),
        ({"oneOf": [True, False]}, {"is alternative 1"}),
        ({"if": {"type": "string"}}, {"if holds", "if does not hold"}),
        ({"properties": {"items": {"enum": [1]}}, "required": ["items"]}, {"items = 1"}),
        ({"const": 1, "not": {"enum": [1, 2]}}, set()),
    ],
)  # fmt: skip
def test_lists_the_branches_of_a_schema(schema: Any, expected: set[str]) -> None:
    """Only what a message can take both ways is a branch."""
    assert schema_labels(schema) == expected


def test_knows_each_generations_null() -> None:
    """``nullable`` and ``x-nullable`` leave null open as a type of null does."""
    assert schema_labels({"type": "string", "nullable": True}, version="3.0.3") == {"null", "not null"}
    document = {
        "swagger": "2.0",
        "info": {"title": "x", "version": "1"},
        "paths": {"/x": {"get": {"operationId": "x", "responses": {"200": {"description": "", "schema": {
            "allOf": [{"type": "object", "properties": {"a": {}}}], "x-nullable": True}}}}}},
    }  # fmt: skip
    assert set(labels(document, "x")) >= {
        "200 application/json: a present",
        "200 application/json: is null (alternative 2)",
    }


def test_counts_media_types_as_they_are_declared() -> None:
    """Swagger 2.0 declares the media types of all answers at once; one that only another status has is no gap."""
    answer = {"description": "", "schema": {"type": "string"}}
    document = {
        "swagger": "2.0",
        "info": {"title": "x", "version": "1"},
        "produces": ["application/json", "text/plain"],
        "paths": {"/x": {"get": {"operationId": "x", "responses": {"200": answer, "404": answer}}}},
    }
    expected = ["answers with success", "answers 200", "answers application/json", "answers text/plain", "answers 404"]
    assert labels(document, "x") == expected
    contract = from_document("x", document)
    recorder = Recorder(Contracts([contract]))
    recorder.record(call(contract, "GET", "/x", 200, b"x", {"Content-Type": "text/plain"}))
    recorder.record(call(contract, "GET", "/x", 404, b'"x"', {"Content-Type": "application/json"}))
    assert cover([recorder.recording()], recorder.contracts).percent == 100


def test_lists_the_values_of_an_inherited_discriminator() -> None:
    """Subtypes by ``allOf`` are branches of their base, and are walked themselves; the base is none of its own."""
    base = {
        "type": "object",
        "discriminator": {"propertyName": "kind"},
        "required": ["kind"],
        "properties": {"kind": {}},
    }
    sub = {"allOf": [{"$ref": "#/components/schemas/X"}, {"properties": {"extra": {}}}]}
    assert schema_labels(base, Sub=sub) == {'kind = "Sub"'}


def test_ends_on_recursive_schemas() -> None:
    """A schema that holds itself is walked once, a circle of references says nothing."""
    tree = {"type": "array", "items": {"$ref": "#/components/schemas/X"}}
    assert schema_labels(tree) == {"empty", "not empty"}
    circle = {"allOf": [{"$ref": "#/components/schemas/Y"}]}
    assert schema_labels(circle, Y={"allOf": [{"$ref": "#/components/schemas/X"}]}) == set()


@pytest.mark.once
def test_stays_linear_in_a_huge_contract() -> None:
    """5,000 operations over 300 schemas that all refer to one another list each schema twice, not once an operation."""
    refs = {f"p{n}": {"$ref": f"#/components/schemas/S{n}"} for n in range(0, 300, 7)}
    schemas = {f"S{n}": {"type": "object", "properties": refs} for n in range(300)}
    paths = {}
    for n in range(5000):
        content = {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/S{n % 300}"}}}}
        paths[f"/p{n}"] = {
            "post": {
                "operationId": f"o{n}",
                "requestBody": content,
                "responses": {"200": {"description": "", **content}},
            }
        }
    document = {**ZOO, "paths": paths, "components": {"schemas": schemas}}
    found = inventory(from_document("huge", document)).items
    assert len(found) == 5000 * 5 + 2 * 300 * 2 * len(refs)


YAML = """\
openapi: 3.0.3
info: {title: t, version: "1"}
paths:
  /a:
    $ref: "paths.json#/a"
components:
  schemas:
    Thing:
      type: object
      properties:
        size:
          type: string
          enum:
            - big
            - small
        note: {type: string, nullable: true}
"""
PATHS = {
    "a": {
        "parameters": [{"name": "q", "in": "query", "schema": {"type": "string", "enum": ["ä", "b"]}}],
        "get": {
            "operationId": "a",
            "responses": {
                "200": {
                    "description": 'with "quotes" \ud83d\ude00 and \\',
                    "content": {"application/json": {"schema": {"$ref": "x.yaml#/components/schemas/Thing"}}},
                }
            },
        },
    }
}


@pytest.fixture
def places(tmp_path: Path) -> dict[str, tuple[str, int, int]]:
    """The file and lines of each item of a contract of two files."""
    (tmp_path / "x.yaml").write_text(YAML)
    (tmp_path / "paths.json").write_text(json.dumps(PATHS, indent="\t"))
    (contract,) = load_contracts([tmp_path / "x.yaml"])
    made = {}
    for item in inventory(contract).items.values():
        lines = Positions(item.place.file).lines(item.place.pointer)
        assert lines is not None
        made[f"{item.owner}: {item.label}"] = (item.place.file.rpartition("/")[2], *lines)
    return made


def test_says_where_each_item_stands(places: dict[str, tuple[str, int, int]]) -> None:
    """Items know their file and lines, through references to other files, in yaml and in JSON."""
    text = json.dumps(PATHS, indent="\t").splitlines()

    def line(part: str) -> int:
        return next(number for number, content in enumerate(text, 1) if part in content)

    assert places["Thing (response): size present"] == ("x.yaml", 11, 15)
    assert places['Thing (response): size = "small"'] == ("x.yaml", 15, 15)
    assert places["Thing (response): note null"] == ("x.yaml", 16, 16)
    assert places["a: query q sent"][:2] == ("paths.json", line('"parameters"') + 1)
    assert places['a: query q = "b"'][:2] == ("paths.json", line('"b"'))
    assert places["a: answers 200"][:2] == ("paths.json", line('"200"'))
    assert places["a: 200 application/json"][:2] == ("paths.json", line('"application/json"'))
    assert places["a: answers with success"] == ("paths.json", line('"get"'), len(text) - 2)
