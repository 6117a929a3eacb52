"""Ours against the oracles: random schemas, random values, the same verdict.

A normal run compares a few thousand pairs. A nightly-size run sets their number, for each generation::

    PYM_PAIRS=100000 pytest packages/core/tests/test_differential.py

What an oracle is known to judge otherwise is listed here one by one, each with its reason.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, reject, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator, FormatChecker  # type: ignore[import-untyped]  # it has no annotations
from openapi_schema_validator import OAS30Validator, OAS31Validator, oas30_format_checker, oas31_format_checker

from probing import GENERATIONS, accepts, bravado_spec, codec_of, document, succeeds, types_of
from pymacaron.codec import codec, judging
from pymacaron.codec.nulls import takes_null
from pymacaron.contract import Schema
from random_schemas import Schemas, is_circular, value_for

if TYPE_CHECKING:
    from collections.abc import Callable

PAIRS = int(os.environ.get("PYM_PAIRS", "2400"))
VALUES_EACH = 12
SETTINGS = settings(
    max_examples=max(1, PAIRS // VALUES_EACH),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)

# bravado-core uses what jsonschema has deprecated.
pytestmark = [
    pytest.mark.once,
    pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Accessing Validator.resolver:DeprecationWarning"),
]


def compare(data: st.DataObject, named: dict[str, Any], generation: str, oracle: Callable[[Any], bool]) -> None:
    """Draw values for ``Probed`` and compare the verdicts on each."""
    assume(not is_circular(named))
    others = {name: schema for name, schema in named.items() if name != "Probed"}
    probed = codec_of(generation, named["Probed"], **others)
    for _ in range(VALUES_EACH):
        value = data.draw(value_for(named["Probed"], named))
        assert accepts(probed, value) == oracle(value), (value, named)


def ecma(pattern: str) -> str:
    """Write a pattern of ``random_schemas`` so that it means for Python's engine what it means in ECMA-262."""
    return pattern.replace("$", "\\Z").replace("\\d", "[0-9]").replace("\\w", "[A-Za-z0-9_]")


def with_patterns(schema: Any) -> Any:
    """Translate every pattern of a schema, those that name properties included."""
    if isinstance(schema, list):
        return [with_patterns(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {k: ecma(v) if k == "pattern" and isinstance(v, str) else with_patterns(v) for k, v in schema.items()}


def int_range(bits: int) -> Callable[[Any], bool]:
    """Return the check of ``int32`` and ``int64``: it is about integers, of which 1e300 is one in 3.1."""

    def check(value: Any) -> bool:
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        return isinstance(value, bool) or not whole or -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)

    return check


def byte(value: Any) -> bool:
    """Check base64; the oracle's own check breaks where a text is not ASCII."""
    return not isinstance(value, str) or (value.isascii() and oas30_format_checker.conforms(value, "byte"))


def mended(checker: FormatChecker) -> FormatChecker:
    """Return an oracle's formats, those mended that are listed in :func:`test_holes_of_format_checkers`."""
    made = FormatChecker(formats=())
    made.checkers = {**checker.checkers, "int32": (int_range(32), ()), "int64": (int_range(64), ()), "byte": (byte, ())}
    return made


# Swagger 2.0, by bravado-core.


def bravado(named: dict[str, Any], follow: bool = True) -> Callable[[Any], bool]:
    """Return bravado-core's verdict on values of ``Probed``; ``follow`` references for it, of which it follows one."""
    from bravado_core.exception import SwaggerValidationError
    from bravado_core.validate import validate_schema_object
    from jsonschema import ValidationError

    spec = bravado_spec(document("2.0", **named), use_models=False)
    schema = spec.spec_dict["definitions"]["Probed"]
    while follow and "$ref" in schema:
        schema = spec.deref(schema)

    def judge(value: Any) -> bool:
        try:
            validate_schema_object(spec, schema, value)
        except (ValidationError, SwaggerValidationError):
            return False
        return True

    return judge


@SETTINGS
@given(st.data(), Schemas("2.0", plain=True).documents())
def test_2_0_accepts_what_bravado_core_accepts(data: st.DataObject, named: dict[str, Any]) -> None:
    """Swagger 2.0: the same verdict as bravado-core's, where it has no hole."""
    assume(not is_circular(named))  # Following references would not end.
    try:
        oracle = bravado(with_patterns(named))
    except RecursionError:
        reject()  # See test_bravado_core_follows_some_circles_without_end.
    compare(data, named, "2.0", oracle)


HOLES: dict[str, tuple[Any, Any, bool]] = {
    "no type, nothing is checked: there the keywords of draft 4 hold": ({"minimum": 3}, 1, True),
    "no type beside properties: that is an object": ({"properties": {"a": {"type": "integer"}}}, 5, True),
    "no type beside allOf: its parts hold": ({"allOf": [{"type": "integer"}]}, "x", True),
    "int32 is not checked: OpenAPI's format registry gives its range": (
        {"type": "integer", "format": "int32"}, 2**31, True
    ),
    "int64 is not checked: likewise": ({"type": "integer", "format": "int64"}, 2**63, True),
    "byte is not checked: it is base64": ({"type": "string", "format": "byte"}, "?", True),
    "an array's enum is held against its elements: draft 4 holds it against the array": (
        {"type": "array", "items": {"type": "string"}, "enum": [["a"]]}, ["a"], False
    ),
    "x-nullable widens only type and enum: null passes whatever stands beside": (
        {"type": "object", "x-nullable": True, "allOf": [{"type": "object"}]}, None, False
    ),
    "x-nullable beside allOf without type is held against the parts: null passes": (
        {"type": "object", "properties": {"a": {"allOf": [{"type": "object"}], "x-nullable": True}}}, {"a": None}, False
    ),
    "pattern runs on Python's engine, where $ also stands before a last newline: in ECMA-262 it is the end": (
        {"type": "string", "pattern": "^a$"}, "a\n", True
    ),
    "Python's \\d is any digit of Unicode: in ECMA-262 it is ASCII": (
        {"type": "string", "pattern": "^\\d$"}, "٣", True
    ),
    "a date-time's second 60 is refused: RFC 3339 knows leap seconds": (
        {"type": "string", "format": "date-time"}, "2016-12-31T23:59:60Z", False
    ),
}  # fmt: skip


def test_bravado_core_follows_one_reference() -> None:
    """One more hole: a reference to a reference has no type for it, so that nothing is checked; we follow all."""
    named = {"A": {"type": "integer"}, "B": {"$ref": "#/definitions/A"}, "Probed": {"$ref": "#/definitions/B"}}
    assert bravado(named, follow=False)("x")
    assert not bravado(named)("x")
    assert not accepts(codec_of("2.0", schema=named["Probed"], A=named["A"], B=named["B"]), "x")


def test_bravado_core_follows_some_circles_without_end() -> None:
    """And another: of a schema that it comes to by a reference it does not note that it was there."""
    named: dict[str, Any] = {
        "A": {"$ref": "#/definitions/B"},
        "B": {"type": "array", "items": {"$ref": "#/definitions/B"}},
    }
    with pytest.raises(RecursionError):
        bravado({**named, "Probed": named["A"]})
    assert accepts(codec_of("2.0", schema=named["A"], **named), [[], [[]]])


@pytest.mark.parametrize(("schema", "value", "theirs"), HOLES.values(), ids=HOLES)
def test_holes_of_bravado_core_are_as_listed(schema: Any, value: Any, theirs: bool) -> None:
    """Each listed hole is one: bravado-core says one thing, and we the other."""
    assert bravado({"Probed": schema})(value) is theirs
    assert succeeds(codec_of("2.0", schema).decode, json.dumps(value).encode()) is not theirs


def draft_4(schema: Any) -> Any:
    """Write a schema of Swagger 2.0 as JSON Schema draft 4."""
    if isinstance(schema, list):
        return [draft_4(part) for part in schema]
    if not isinstance(schema, dict) or "$ref" in schema:
        return schema
    made = {k: draft_4_keyword(k, v) for k, v in schema.items() if k != "x-nullable"}
    if "type" not in made and ("properties" in made or "required" in made):
        made["type"] = "object"
    return {"anyOf": [made, {"type": "null"}]} if schema.get("x-nullable") is True else made


def draft_4_keyword(keyword: str, value: Any) -> Any:
    if keyword == "properties":
        return {name: draft_4(part) for name, part in value.items()}
    return draft_4(value) if keyword in ("items", "additionalProperties", "allOf", "anyOf", "oneOf", "not") else value


FORMATS_2_0 = mended(FormatChecker(formats=("date", "date-time")))


@SETTINGS
@given(st.data(), Schemas("2.0").documents())
def test_2_0_means_draft_4(data: st.DataObject, named: dict[str, Any]) -> None:
    """Swagger 2.0: the verdict of JSON Schema draft 4, where bravado-core has holes as well."""
    definitions = {name: draft_4(with_patterns(schema)) for name, schema in named.items()}
    whole = {"allOf": [{"$ref": "#/definitions/Probed"}], "definitions": definitions}
    compare(data, named, "2.0", Draft4Validator(whole, format_checker=FORMATS_2_0).is_valid)


# OpenAPI 3, by openapi-schema-validator.

FORMATS_3_1 = mended(oas31_format_checker)
del FORMATS_3_1.checkers["byte"]  # 3.1 has no such format; ours is checked in each generation.


def test_large_floats_are_what_their_text_says() -> None:
    """JSON's 1e300 is ten to the 300, no multiple of 3; the oracle reckons with the nearest binary number, which is."""
    assert OAS31Validator({"multipleOf": 3}).is_valid(1e300)
    assert not accepts(codec_of("3.1", {"multipleOf": 3}), 1e300)


def test_holes_of_format_checkers() -> None:
    """The oracle's checks of integers skip floats, and its check of base64 breaks where a text is not ASCII."""
    assert oas31_format_checker.conforms(1e300, "int32")
    assert not accepts(codec_of("3.1", {"type": "integer", "format": "int32"}), 1e300)
    with pytest.raises(UnicodeEncodeError):
        oas30_format_checker.conforms("é", "byte")
    assert not accepts(codec_of("3.0", {"type": "string", "format": "byte"}), "é")


def oas(kind: Any, checker: Any, named: dict[str, Any]) -> Callable[[Any], bool]:
    """Return the verdict of openapi-schema-validator on values of ``Probed``."""
    whole = {"$ref": "#/components/schemas/Probed", "components": {"schemas": with_patterns(named)}}
    judge: Callable[[Any], bool] = kind(whole, format_checker=checker).is_valid
    return judge


@SETTINGS
@given(st.data(), Schemas("3.0").documents())
def test_3_0_accepts_what_openapi_schema_validator_accepts(data: st.DataObject, named: dict[str, Any]) -> None:
    """OpenAPI 3.0: the same verdict as openapi-schema-validator's."""
    compare(data, named, "3.0", oas(OAS30Validator, mended(oas30_format_checker), named))


@SETTINGS
@given(st.data(), Schemas("3.1").documents())
def test_3_1_accepts_what_openapi_schema_validator_accepts(data: st.DataObject, named: dict[str, Any]) -> None:
    """OpenAPI 3.1: the same verdict as openapi-schema-validator's."""
    compare(data, named, "3.1", oas(OAS31Validator, FORMATS_3_1, named))


@pytest.mark.parametrize("generation", GENERATIONS)
@settings(SETTINGS, max_examples=max(1, PAIRS // 24))
@given(st.data())
def test_null_is_told_from_a_schemas_words(generation: str, data: st.DataObject) -> None:
    """Whether null follows a schema is told as the validator judges it."""
    named = data.draw(Schemas(generation).documents())
    assume(not is_circular(named))
    types = types_of(generation, **named)
    for name in named:
        assert takes_null(types, Schema(ref=name)) == types.codec(Schema(ref=name), "any").accepts(None), named


@settings(SETTINGS, max_examples=max(1, PAIRS // 24))
@given(st.data(), Schemas("3.1").documents())
def test_shared_validators_judge_the_same(data: st.DataObject, named: dict[str, Any]) -> None:
    """A contract whose schemas share one validator accepts the same, makes the same and tells the same faults."""
    assume(not is_circular(named))
    own = codec_of("3.1", named["Probed"], **{k: v for k, v in named.items() if k != "Probed"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "MANY", -1)
        shared = codec_of("3.1", named["Probed"], **{k: v for k, v in named.items() if k != "Probed"})
        for _ in range(4):
            value = data.draw(value_for(named["Probed"], named))
            accepted = accepts(shared, value)
            assert accepted == accepts(own, value)
            assert shared.checker.faults(value) == own.checker.faults(value)
            if accepted:
                assert shared.encode(shared.load_slowly(value)) == own.encode(own.load_slowly(value))


# What a run of this size has found besides: types that break msgspec.


def run_alone(script: str) -> None:
    """Run a script in a process of its own, which is watched for damage to memory and may end by it."""
    paths = [str(Path(__file__).parent), *sys.path]
    environ = {**os.environ, "PYTHONMALLOC": "debug", "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(script)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_patterns_beside_elements_damage_no_memory() -> None:
    """Where one type has a pattern and elements, msgspec frees the compiled pattern as if it were something else."""
    run_alone("""
        from probing import accepts, codec_of

        for others in (["array"], ["object"], ["null", "array"], ["integer", "array", "object"]):
            limited = {"type": ["string", *others], "pattern": "^a", "minItems": 1, "minProperties": 1}
            named = {"type": "object", "properties": {"p": {"$ref": "#/components/schemas/L"}}}
            one, many = codec_of("3.1", limited), codec_of("3.1", named, L=limited)
            for value in ("a", "b", 1, None, [], [1], {}, {"a": 1}):
                expected = value in ("a", [1] if "array" in others else "a", {"a": 1} if "object" in others else "a")
                expected |= value is None and "null" in others or value == 1 and "integer" in others
                for _ in range(3):
                    assert accepts(one, value) == accepts(many, {"p": value}) == expected, (others, value)
    """)


def test_long_chains_of_classes_leave_none_half_made() -> None:
    """msgspec recurses into classes; where that fails, it keeps classes without types for some of their fields."""
    run_alone("""
        import sys
        from probing import types_of
        from pymacaron.contract import Schema

        def refer(**properties):
            return {"type": "object", "properties": {k: {"$ref": f"#/definitions/{v}"} for k, v in properties.items()}}

        def decode(types, data, name):
            return types.codec(Schema(ref=name), "any").decode(data)

        def deeper(calls, *args):
            return decode(*args) if calls == 0 else deeper(calls - 1, *args)

        for calls in (0, 500, 800):
            chain = {f"C{i}": refer(next=f"C{i + 1}") for i in range(1500)}
            start = {"A": refer(b="B", c="C0"), "B": refer(back="A"), "C1500": {"type": "integer"}}
            types = types_of("2.0", **start, **chain)
            deeper(calls if sys.getrecursionlimit() == 1000 else 0, types, b"{}", "A")
            made = decode(types, b'{"back": {"c": {"next": {}}}}', "B")
            assert made.back.c.next.get_model_name() == "C1"
            for at in range(0, 1500, 50):
                made = decode(types, b'{"next": ' * 60 + b"{}" + b"}" * 60, f"C{min(at, 1430)}")
                while made.next is not None:
                    made = made.next
                assert made.get_model_name() == f"C{min(at, 1430) + 60}"
            for wrong in (b'{"back": {"c": {"next": 1}}}', b'{"back": {"c": 1}}'):
                try:
                    decode(types, wrong, "B")
                except types.invalid:
                    continue
                raise AssertionError(wrong)
    """)


def test_codecs_are_used_when_they_are_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that does not wait for the lock of building sees no type that msgspec is still taking in."""
    made = codec_of("3.1", {"type": "object", "properties": {"a": {"type": "integer"}}})
    seen: list[Any] = []
    monkeypatch.setattr(codec, "is_bounded", lambda *_: seen.append((made._kind, made._decoder)))
    assert made.load({"a": 1}).a == 1
    assert seen == [(None, None)]


HUGE = 2**64 - 1


@pytest.mark.parametrize(
    ("schema", "value", "accepted"),
    [
        ({"type": "string", "maxLength": HUGE}, "a", True),
        ({"type": "string", "minLength": HUGE}, "a", False),
        ({"type": "array", "maxItems": HUGE, "items": {"type": "integer"}}, ["a"], False),
        ({"type": "array", "minItems": HUGE}, [1], False),
        ({"type": "object", "maxProperties": HUGE}, {"a": 1}, True),
        ({"type": "object", "minProperties": HUGE}, {"a": 1}, False),
    ],
)
@pytest.mark.parametrize("generation", GENERATIONS)
def test_lengths_beyond_any_value(generation: str, schema: Any, value: Any, accepted: bool) -> None:
    """A length that no value can have is none that msgspec takes either."""
    named = {"type": "object", "properties": {"p": schema}, "required": ["p"]}
    assert accepts(codec_of(generation, named), {"p": value}) is accepted


def test_classes_of_schemas_that_cannot_be_lowered_are_not_used() -> None:
    """Where a class could not be completed, values are refused each time; its fields would take anything."""
    types = types_of("3.1", Probed={"type": "object", "properties": {"p": {"type": "integer"}}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(types, "annotation", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            types.model("Probed")
    assert not succeeds(types.codec(Schema(ref="Probed"), "any").decode, b'{"p": "x"}')
