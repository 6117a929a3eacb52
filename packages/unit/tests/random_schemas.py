"""Random schemas of each generation of OpenAPI, each with a value that follows it, by hypothesis.

A schema is drawn around a value, so that it is known that it can be followed; what nothing can follow is drawn apart.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NAMES = ("a", "b", "kind", "x-y", "name")
TEXTS = ("", "a", "ab", "abc", "A-1", "é", "2020-01-02", "12", "xyz")
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 100), st.sampled_from((0.5, 1.5, -2.25)), st.sampled_from(TEXTS)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)),
    max_leaves=8,
)
_PATTERNS = {"abc": "^[a-z]{3}$", "A-1": r"^[A-Z]-\d+$", "ab": "^(ab|cd)+$", "12": r"^\d{2,}$", "xyz": "(?=x)[w-z]+$"}
_KINDS = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


@st.composite
def schema_around(draw: st.DrawFn, value: Any, modern: bool, depth: int = 3) -> Any:
    """Draw a schema that a value follows."""
    made = draw(_plain(value, modern, depth))
    if depth > 0 and draw(st.integers(0, 3)) == 0:
        return draw(_composed(value, made, modern, depth))
    return made


@st.composite
def _composed(draw: st.DrawFn, value: Any, made: dict[str, Any], modern: bool, depth: int) -> Any:
    """Draw a schema that has others beside it, or choices."""
    other = {"type": _other_type(value), "enum": ["never", 12345]}
    more = draw(schema_around(value, modern, depth - 1))
    choices = [
        {"allOf": [made, more]},
        {"anyOf": [other, made]},
        {"oneOf": [made, other]},
        {"allOf": [made], "not": other},
    ]
    if modern:
        choices += [{"if": other, "then": False, "else": made}, {"if": made, "then": more}]
    return draw(st.sampled_from(choices))


def _other_type(value: Any) -> str:
    return "string" if not isinstance(value, str) else "integer"


@st.composite
def _plain(draw: st.DrawFn, value: Any, modern: bool, depth: int) -> dict[str, Any]:
    if value is None:
        return {"type": "null"} if modern else {"type": "string", "nullable": True}
    if draw(st.integers(0, 9)) == 0:
        return {"enum": [value, *draw(st.lists(SCALARS, max_size=1))]}
    made = {"type": _KINDS[type(value)]}
    if isinstance(value, bool):
        return made
    if isinstance(value, (int, float)):
        return made | draw(_bounds(value))
    if isinstance(value, str):
        return made | draw(_lengths(value))
    return made | draw(_array(value, modern, depth) if isinstance(value, list) else _object(value, modern, depth))


def _bounds(value: float) -> st.SearchStrategy[dict[str, Any]]:
    words: dict[str, st.SearchStrategy[Any]] = {
        "minimum": st.sampled_from((value, value - 1, -7)),
        "maximum": st.sampled_from((value, value + 2, 200)),
    }
    if isinstance(value, int) and value:
        words["multipleOf"] = st.sampled_from((abs(value), 1, 0.5))
    return st.fixed_dictionaries({}, optional=words)


def _lengths(value: str) -> st.SearchStrategy[dict[str, Any]]:
    words: dict[str, st.SearchStrategy[Any]] = {
        "minLength": st.integers(0, len(value)),
        "maxLength": st.integers(len(value), len(value) + 3),
    }
    if value in _PATTERNS:
        words["pattern"] = st.just(_PATTERNS[value])
    if value == "2020-01-02":
        return st.just({"format": "date"})
    return st.fixed_dictionaries({}, optional=words)


@st.composite
def _array(draw: st.DrawFn, value: list[Any], modern: bool, depth: int) -> dict[str, Any]:
    made: dict[str, Any] = draw(
        st.fixed_dictionaries({}, optional={"minItems": st.integers(0, len(value)), "maxItems": st.just(len(value))})
    )
    texts = [repr(each) for each in value]
    if len(set(texts)) == len(texts) and not any(isinstance(each, (int, float)) for each in value):
        made["uniqueItems"] = draw(st.booleans())
    items = [draw(schema_around(each, modern, depth - 1)) for each in value] if depth > 0 else [{} for _ in value]
    if modern and bool(value) and draw(st.booleans()):
        return made | {"prefixItems": items, "items": draw(st.sampled_from((False, {"type": "string"})))}
    if modern and bool(value) and draw(st.booleans()):
        return made | {"contains": items[0], "items": {"anyOf": items}}
    return made | {"items": {"anyOf": items} if items else {"type": "string"}}


@st.composite
def _object(draw: st.DrawFn, value: dict[str, Any], modern: bool, depth: int) -> dict[str, Any]:
    inner = {name: draw(schema_around(each, modern, depth - 1)) if depth > 0 else {} for name, each in value.items()}
    named = {name: schema for name, schema in inner.items() if draw(st.integers(0, 3))}
    made: dict[str, Any] = {"properties": named} if named else {}
    if bool(value) and draw(st.booleans()):
        made["required"] = draw(st.lists(st.sampled_from(sorted(value)), min_size=1, unique=True))
    if draw(st.booleans()):
        made["minProperties"] = draw(st.integers(0, len(value)))
        made["maxProperties"] = draw(st.integers(len(value), len(value) + 1))
    if len(named) == len(value) and draw(st.booleans()):
        made["additionalProperties"] = draw(st.sampled_from((False, {"type": "integer"})))
    if modern and value:
        first = sorted(value)[0]
        words = {
            "propertyNames": {"maxLength": 5},
            "dependentRequired": {first: sorted(value)},
            "dependentSchemas": {first: {"required": sorted(value)}},
            "patternProperties": {f"^{first}$": inner[first]},
        }
        made |= {word: words[word] for word in draw(st.lists(st.sampled_from(sorted(words)), unique=True, max_size=2))}
    return made
