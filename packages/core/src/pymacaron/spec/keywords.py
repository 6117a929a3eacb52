"""How each keyword of a schema is read into the fields of :class:`pymacaron.contract.Schema`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pymacaron.contract import Discriminator
from pymacaron.exceptions import ContractError

from .document import Node, escape, relative, tokens
from .expressions import compiles

if TYPE_CHECKING:
    from .schemas import SchemaReader

TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")

_NUMBER = ("minimum", "maximum", "multipleOf")
_EXCLUSIVE = ("exclusiveMinimum", "exclusiveMaximum")
_COUNT = (
    "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains"
)  # fmt: skip
_TEXT = ("format", "title", "description")
_FLAG = ("uniqueItems", "readOnly", "writeOnly")
_ONE = ("items", "additionalProperties", "not")
_ONE_31 = (
    "contains", "propertyNames", "unevaluatedItems", "unevaluatedProperties", "if", "then", "else"
)  # fmt: skip
_MANY = ("allOf", "anyOf", "oneOf")
_NAMED_31 = ("patternProperties", "dependentSchemas")
_PYTHON = {"not": "not_", "if": "if_", "else": "else_"}


def snake(keyword: str) -> str:
    """Turn a JSON Schema keyword into the name of the field that holds it."""
    return _PYTHON.get(keyword) or re.sub(r"[A-Z]", lambda m: "_" + m.group().lower(), keyword)


def shown(value: Any) -> str:
    """Show a value in a message, shortened."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


# Readers of keywords: (reader, schema's node, keyword, keyword's node, place) -> fields of Schema.


def _plain(types: Any, expected: str) -> Any:
    def read(reader: SchemaReader, _: Node, keyword: str, node: Node, __: str) -> dict[str, Any]:
        if node.value is None and keyword in ("title", "description"):
            return {}
        try:
            return {snake(keyword): msgspec.convert(node.value, types)}
        except msgspec.ValidationError:
            raise reader.refuse(node, f"{keyword} must be {expected}, not {shown(node.value)}") from None

    return read


def _pattern(reader: SchemaReader, _: Node, __: str, node: Node, ___: str) -> dict[str, Any]:
    if not isinstance(node.value, str):
        raise reader.refuse(node, f"pattern must be a text, not {shown(node.value)}")
    return {"pattern": node.value} if _is_expression(reader, node, node.value) else {}


def _is_expression(reader: SchemaReader, node: Node, pattern: str) -> bool:
    """Tell whether a pattern can be enforced; one that cannot be is left out with a warning."""
    if compiles(pattern):
        return True
    place = f"{relative(node.file)}#{node.pointer}"
    reader.warnings.append(f"{place}: {shown(pattern)} is no regular expression of ECMA-262, and is not enforced")
    return False


def _count(reader: SchemaReader, _: Node, keyword: str, node: Node, __: str) -> dict[str, Any]:
    value = node.value
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole or value < 0:
        raise reader.refuse(node, f"{keyword} must be a whole number from 0 up, not {shown(value)}")
    return {snake(keyword): int(value)}


def _exclusive(reader: SchemaReader, _: Node, keyword: str, node: Node, __: str) -> dict[str, Any]:
    value = node.value
    if isinstance(value, bool) and reader.dialect != "3.1":
        return {}
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise reader.refuse(node, f"{keyword} must be a number, not {shown(value)}")
    return {snake(keyword): value}


def _type(reader: SchemaReader, _: Node, __: str, node: Node, ___: str) -> dict[str, Any]:
    names = node.value if isinstance(node.value, list) else [node.value]
    allowed = (*TYPES, "file") if reader.dialect == "2.0" else TYPES
    for name in names:
        if name not in allowed:
            raise reader.refuse(node, f"{shown(name)} is no type; use one of {', '.join(allowed)}")
    return {"type": tuple(names)}


def _enum(reader: SchemaReader, _: Node, __: str, node: Node, ___: str) -> dict[str, Any]:
    if not isinstance(node.value, list):
        raise reader.refuse(node, f"enum must be a list, not {shown(node.value)}")
    return {"enum": tuple(node.value)}


def _required(reader: SchemaReader, _: Node, __: str, node: Node, ___: str) -> dict[str, Any]:
    if isinstance(node.value, bool):
        reader.warnings.append(
            f"{relative(node.file)}#{node.pointer}: required must list property names; the value is ignored"
        )
        return {}
    return {"required": _names(reader, node)}


def _names(reader: SchemaReader, node: Node) -> tuple[str, ...]:
    if not isinstance(node.value, list) or not all(isinstance(name, str) for name in node.value):
        raise reader.refuse(node, f"this must be a list of property names, not {shown(node.value)}")
    return tuple(dict.fromkeys(node.value))


def _items(reader: SchemaReader, owner: Node, keyword: str, node: Node, place: str) -> dict[str, Any]:
    if isinstance(node.value, list) and reader.dialect != "3.1":
        raise reader.refuse(node, "items must be one schema; a list of schemas needs prefixItems of OpenAPI 3.1")
    return _one(reader, owner, keyword, node, place)


_SUFFIX = {"items": "item", "additionalProperties": "value", "contains": "item"}


def _one(reader: SchemaReader, _: Node, keyword: str, node: Node, place: str) -> dict[str, Any]:
    if isinstance(node.value, bool) and keyword == "additionalProperties":
        return {"additional_properties": node.value}
    made = reader.read(node, f"{place}_{_SUFFIX.get(keyword, keyword)}")
    return {snake(keyword): made}


def _many(reader: SchemaReader, _: Node, keyword: str, node: Node, place: str) -> dict[str, Any]:
    if not isinstance(node.value, list):
        raise reader.refuse(node, f"{keyword} must be a list of schemas, not {shown(node.value)}")
    inner = place if keyword == "allOf" else f"{place}_option"
    part = keyword == "allOf"
    return {snake(keyword): tuple(reader.read(child, inner, part=part) for child in node.elements())}


def _named(reader: SchemaReader, _: Node, keyword: str, node: Node, place: str) -> dict[str, Any]:
    if not isinstance(node.value, dict):
        raise reader.refuse(node, f"{keyword} must map names to schemas, not {shown(node.value)}")
    named = {name: reader.read(child, f"{place}_{name}") for name, child in node.items()}
    if keyword == "patternProperties":
        named = {name: schema for name, schema in named.items() if _is_expression(reader, node, name)}
    return {snake(keyword): named}


def _dependent_required(reader: SchemaReader, _: Node, __: str, node: Node, ___: str) -> dict[str, Any]:
    return {"dependent_required": {name: _names(reader, child) for name, child in node.items()}}


def _discriminator(reader: SchemaReader, owner: Node, __: str, node: Node, ___: str) -> dict[str, Any]:
    value = node.value
    if reader.dialect == "2.0":
        return {"discriminator": Discriminator(value)} if isinstance(value, str) else {}
    name = value.get("propertyName") if isinstance(value, dict) else None
    if not isinstance(name, str):
        raise reader.refuse(node, "a discriminator needs propertyName, the name of a property")
    mapping = value.get("mapping") or {}
    if not isinstance(mapping, dict):
        raise reader.refuse(node, f"mapping must map values to schemas, not {shown(mapping)}")
    explicit = {key: _mapped(reader, node, target) for key, target in mapping.items()}
    for keyword in ("oneOf", "anyOf"):
        for branch in (owner.get(keyword) or Node("", "", None)).elements():
            ref = branch.value.get("$ref") if isinstance(branch.value, dict) else None
            if isinstance(ref, str):
                target = reader.documents.resolve(ref, branch)
                implied = tokens(target.pointer)[-1] if target.pointer else Path(target.file).stem
                if reader.name_of(target, branch) not in explicit.values():
                    explicit.setdefault(implied, reader.name_of(target, branch))
    return {"discriminator": Discriminator(name, explicit)}


def _mapped(reader: SchemaReader, node: Node, target: Any) -> str:
    """Resolve one value of a discriminator's mapping: a schema's name, or a reference."""
    if not isinstance(target, str):
        raise reader.refuse(node, f"a discriminator maps to names or references, not {shown(target)}")
    if re.fullmatch(r"[a-zA-Z0-9._-]+", target):
        try:
            return reader._target(node, f"#/components/schemas/{escape(target)}")
        except ContractError:
            if "." not in target:
                raise
    return reader._target(node, target)


def _parent(reader: SchemaReader, _: Node, keyword: str, node: Node, __: str) -> dict[str, Any]:
    if not isinstance(node.value, str) or "." not in node.value:
        raise reader.refuse(node, f"{keyword} must be the dotted path of a class, not {shown(node.value)}")
    return {"parent": node.value}


OWN_EXTENSIONS = ("x-nullable", "x-parent")
ONLY_31 = {*_ONE_31, *_NAMED_31, "prefixItems", "dependentRequired", "minContains", "maxContains"}

READERS: dict[str, Any] = {
    **dict.fromkeys(_NUMBER, _plain(int | float, "a number")),
    **dict.fromkeys(_COUNT, _count),
    **dict.fromkeys(_TEXT, _plain(str, "a text")),
    **dict.fromkeys(_FLAG, _plain(bool, "true or false")),
    **dict.fromkeys(_EXCLUSIVE, _exclusive),
    **dict.fromkeys((*_ONE, *_ONE_31), _one),
    **dict.fromkeys((*_MANY, "prefixItems"), _many),
    **dict.fromkeys(("properties", *_NAMED_31), _named),
    "items": _items,
    "pattern": _pattern,
    "type": _type,
    "enum": _enum,
    "required": _required,
    "dependentRequired": _dependent_required,
    "discriminator": _discriminator,
    "x-parent": _parent,
}
