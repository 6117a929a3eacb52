"""Patterns that no engine can run are told of, and keep no service from its start."""

from __future__ import annotations

import pytest

from pymacaron.codec.types import Types
from pymacaron.contract import Schema
from pymacaron.spec import read_contract
from pymacaron.spec.expressions import compiles


@pytest.mark.parametrize(
    ("pattern", "good"),
    [("^a+$", True), ("(?=a)b", True), (r"(a)\1", True), (r"\p{L}", True), ("(", False), (r"[\p{all}]*", False)],
)
def test_tells_what_compiles(pattern: str, good: bool) -> None:
    """Look-ahead and back-references are known to the second engine; what is no expression is known to none."""
    assert compiles(pattern) is good


def test_a_bad_pattern_is_left_out_with_a_warning() -> None:
    """The contract is read, the rest of the schema holds, and the warning names the place."""
    document = {
        "openapi": "3.1.0",
        "info": {"title": "x", "version": "1"},
        "paths": {},
        "components": {
            "schemas": {
                "Bad": {"type": "string", "pattern": "(", "maxLength": 3},
                "Named": {"patternProperties": {"(": False, "^x": {"type": "integer"}}},
            }
        },
    }
    api = read_contract(document, "bad")
    types = Types(api)
    codec = types.codec(Schema(ref="Bad"), "any")
    assert codec.load("abc") == "abc"
    with pytest.raises(types.invalid):
        codec.load("abcd")
    assert types.codec(Schema(ref="Named"), "any").load({"(": 1}) == {"(": 1}
    assert ["#/components/schemas/Bad/pattern: '('" in api.warnings[0], len(api.warnings)] == [True, 2]
