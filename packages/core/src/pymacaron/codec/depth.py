"""How deeply JSON may nest: a limit for texts, and which schemas set one by themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pymacaron.contract import Schema

from .merging import given
from .subschemas import children

if TYPE_CHECKING:
    from collections.abc import Mapping

AnySchema = Schema | bool

_STRUCTURE = frozenset(b'[]{}"\\')
_REST = bytes(byte for byte in range(256) if byte not in _STRUCTURE)
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_LONGEST_CHAIN = 50

_NOTES = {"title", "description", "default", "name", "parent", "extensions", "read_only", "write_only"}
# Where one of these stands, values take the slow path, which lets through properties that no schema names.
_OPEN = {
    "ref", "all_of", "any_of", "one_of", "not_", "if_", "discriminator", "pattern_properties", "property_names",
    "dependent_required", "dependent_schemas", "unevaluated_properties", "min_properties", "max_properties",
    "prefix_items", "contains", "unique_items", "unevaluated_items",
}  # fmt: skip


def nests_beyond(data: bytes, limit: int) -> bool:
    """Tell whether a JSON text nests deeper than a limit, in time linear in the text for each level up to it.

    Innermost pairs of brackets are taken away level by level; a text that is no JSON may be told to be too deep.
    """
    if data.count(b"[") + data.count(b"{") <= limit:
        return False
    # A backslash escapes the octet behind it, so those pairs go before anything else does.
    left = _TEXT.sub(b"", data.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _REST))
    for _ in range(limit):
        if not left:
            return False
        left = left.replace(b"{}", b"").replace(b"[]", b"")
    return bool(left)


def is_bounded(schema: AnySchema, schemas: Mapping[str, AnySchema]) -> bool:
    """Tell whether the values of a schema can only nest as deeply as the schema itself.

    A property that a schema with properties does not name doesn't count: the fast path refuses it.
    """
    return _bounded(schema, schemas, {}, 0)


def _bounded(schema: AnySchema, schemas: Mapping[str, AnySchema], known: dict[str, bool], depth: int) -> bool:
    if isinstance(schema, bool):
        return not schema
    if depth > _LONGEST_CHAIN or not _closed(schema):
        return False
    if schema.ref is not None:
        if schema.ref not in known:
            # While it is looked at, a schema counts as one that contains itself.
            known[schema.ref] = False
            known[schema.ref] = _bounded(schemas[schema.ref], schemas, known, depth + 1)
        if not known[schema.ref]:
            return False
    return all(_bounded(child, schemas, known, depth + 1) for child in children(schema) if child is not True)


def _closed(schema: Schema) -> bool:
    """Tell whether a schema says what its values are, in a way that the fast path holds them to all by itself."""
    says = set(given(schema)) - _NOTES
    if says == {"ref"} or (says <= {"enum", "type"} and "enum" in says):
        return True
    if not schema.type or says & _OPEN or True in schema.properties.values():
        return False
    if "array" in schema.type and (schema.items is None or schema.items is True):
        return False
    named = schema.properties or isinstance(schema.additional_properties, Schema)
    return "object" not in schema.type or bool(named) or schema.additional_properties is False
