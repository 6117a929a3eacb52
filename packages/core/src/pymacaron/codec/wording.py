"""What is wrong, in words: one sentence for each keyword that a value may break.

A sentence shows the value seen where that is a scalar, and what would be right.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

HIDDEN = "the value"

_LONGEST = 60
_encode = msgspec.json.Encoder(enc_hook=str).encode


def shown(value: Any) -> str:
    """Show a value in a message: scalars as JSON, shortened; of others only what they are."""
    if isinstance(value, str):
        value = value[: _LONGEST + 1]
    elif isinstance(value, dict):
        return "an object"
    elif isinstance(value, (list, tuple)):
        return "an array"
    text = _encode(value).decode()
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def listed(values: Iterable[Any]) -> str:
    """Show the first ten of some values."""
    named = [shown(v) for v in islice(values, 11)]
    return ", ".join(named[:10]) + (", ..." if len(named) > 10 else "")


def _unexpected(_: str, kind: Any) -> str:
    many = len(kind.unexpected) > 1
    return f"{'these properties are' if many else 'this property is'} not allowed: {listed(kind.unexpected)}"


def _null_last(kind: str) -> tuple[bool, str]:
    return kind == "null", kind


#: Keyword to sentence, given the value as it may be shown and the error's kind.
SENTENCES: dict[str, Callable[[str, Any], str]] = {
    "type": lambda value, kind: f"{value} is not of type {' or '.join(sorted(kind.types, key=_null_last))}",
    "enum": lambda value, kind: f"{value} is not one of {listed(kind.options)}",
    "const": lambda value, kind: f"{value} is not {shown(kind.expected_value)}",
    "required": lambda _, kind: f"the property {shown(kind.property)} is missing",
    "minimum": lambda value, kind: f"{value} is less than {kind.limit}",
    "maximum": lambda value, kind: f"{value} is more than {kind.limit}",
    "exclusiveMinimum": lambda value, kind: f"{value} is not more than {kind.limit}",
    "exclusiveMaximum": lambda value, kind: f"{value} is not less than {kind.limit}",
    "minLength": lambda value, kind: f"{value} is shorter than {kind.limit} characters",
    "maxLength": lambda value, kind: f"{value} is longer than {kind.limit} characters",
    "minItems": lambda _, kind: f"it has fewer than {kind.limit} elements",
    "maxItems": lambda _, kind: f"it has more than {kind.limit} elements",
    "minProperties": lambda _, kind: f"it has fewer than {kind.limit} properties",
    "maxProperties": lambda _, kind: f"it has more than {kind.limit} properties",
    "multipleOf": lambda value, kind: f"{value} is no multiple of {kind.multiple_of}",
    "pattern": lambda value, kind: f"{value} does not match the pattern {kind.pattern}",
    "format": lambda value, kind: f"{value} is no {kind.format}",
    "uniqueItems": lambda _, __: "two of its elements are equal",
    "contains": lambda _, __: "no element is of the kind that it must contain",
    "not": lambda value, _: f"{value} is of a kind that is not allowed",
    "anyOf": lambda value, _: f"{value} is of none of the kinds that are allowed",
    "oneOf": lambda value, _: f"{value} is not of exactly one of the kinds that are allowed",
    "additionalProperties": _unexpected,
    "unevaluatedProperties": _unexpected,
}


_WITHOUT_KIND = ("anyOf", "oneOf", "not", "contains")


def verdict(keyword: str, value: str) -> str:
    """Say that a value breaks a keyword where no more is known of it."""
    return SENTENCES[keyword](value, None) if keyword in _WITHOUT_KIND else f"{value} breaks the keyword {keyword}"


def sentence(keyword: str, kind: Any, value: str) -> str:
    """Say what is wrong with a value."""
    say = SENTENCES.get(keyword)
    return say(value, kind) if say else f"{value} breaks the keyword {keyword}"
