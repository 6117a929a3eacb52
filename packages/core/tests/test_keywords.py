"""Every keyword of every generation, by tables written from the specifications.

A table in ``tables/`` lists cases: a schema, values that follow it, and values that do not. In a reference of a table
``#/components/schemas/Probed`` is the place of the schema itself.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from probing import accepts, codec_of

TABLES = Path(__file__).parent / "tables"
MODERN = ("types", "enums", "numbers", "strings", "arrays", "objects", "composed", "unevaluated", "ignored")


def rows(*names: str) -> list[Any]:
    """Make one test of each case of some tables."""
    return [
        pytest.param(case["schema"], case["valid"], case["invalid"], id=f"{name}: {case['title']}")
        for name in names
        for case in json.loads((TABLES / f"{name}.json").read_text(encoding="utf-8"))
    ]


def judge(generation: str, schema: Any, valid: list[Any], invalid: list[Any], **others: Any) -> None:
    """Hold values against a schema, along every path in and out."""
    codec = codec_of(generation, schema, **others)
    for value in valid:
        assert accepts(codec, value), f"refused: {value!r}"
    for value in invalid:
        assert not accepts(codec, value), f"accepted: {value!r}"


@pytest.mark.parametrize(("schema", "valid", "invalid"), rows(*MODERN))
def test_keywords_of_3_1(schema: Any, valid: list[Any], invalid: list[Any]) -> None:
    """A keyword of JSON Schema 2020-12 accepts and refuses what it says, alone."""
    judge("3.1", schema, valid, invalid)


@pytest.mark.parametrize(("schema", "valid", "invalid"), rows(*MODERN))
def test_keywords_of_3_1_below_a_property(schema: Any, valid: list[Any], invalid: list[Any]) -> None:
    """It does so below a property and in an array as well."""
    outer = {"type": "object", "properties": {"in": {"type": "array", "items": schema}}, "required": ["in"]}
    judge("3.1", outer, [{"in": [value]} for value in valid], [{"in": [value]} for value in invalid])


@pytest.mark.parametrize(("schema", "valid", "invalid"), rows("references", "dynamic_references"))
def test_references_of_3_1(schema: Any, valid: list[Any], invalid: list[Any]) -> None:
    """References, anchors, identifiers and dynamic references lead where JSON Schema's Core says."""
    judge("3.1", schema, valid, invalid)


@pytest.mark.parametrize("generation", ["2.0", "3.0"])
@pytest.mark.parametrize(("schema", "valid", "invalid"), rows("shared"))
def test_keywords_of_all_generations(generation: str, schema: Any, valid: list[Any], invalid: list[Any]) -> None:
    """What Swagger 2.0 and OpenAPI 3.0 have in common follows draft 4, where 1.0 is no integer."""
    judge(generation, schema, valid, invalid)


@pytest.mark.parametrize(("schema", "valid", "invalid"), rows("swagger_2_0"))
def test_keywords_of_2_0(schema: Any, valid: list[Any], invalid: list[Any]) -> None:
    """What only Swagger 2.0 says: x-nullable, files, and objects that their properties make."""
    judge("2.0", schema, valid, invalid)


@pytest.mark.parametrize(("schema", "valid", "invalid"), rows("openapi_3_0"))
def test_keywords_of_3_0(schema: Any, valid: list[Any], invalid: list[Any]) -> None:
    """What only OpenAPI 3.0 says: nullable beside type, and choices."""
    judge("3.0", schema, valid, invalid)
