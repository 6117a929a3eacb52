"""Schemas of every generation, read into :class:`pymacaron.contract.Schema`.

What differs between Swagger 2.0, OpenAPI 3.0 and 3.1 (``nullable``, boolean ``exclusiveMinimum``, keywords beside
``$ref``, types left out) ends here.
"""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from msgspec.structs import replace

from pymacaron.contract import Discriminator, Schema
from pymacaron.exceptions import ContractError

from .document import Documents, Node, escape, tokens, where

if TYPE_CHECKING:
    from collections.abc import Iterator

Dialect = Literal["2.0", "3.0", "3.1"]
AnySchema = Schema | bool

TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")

_NUMBER = ("minimum", "maximum", "multipleOf")
_EXCLUSIVE = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
_COUNT = (
    "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains"
)  # fmt: skip
_TEXT = ("pattern", "format", "title", "description")
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


def identifier(text: str) -> str:
    """Make a Python identifier of any text, keeping what can be kept."""
    made = re.sub(r"\W", "_", text)
    return made if made[:1].isidentifier() else f"_{made}"


class SchemaReader:
    """Reads schemas of one contract and names every place that a ``$ref`` points at.

    Inline objects are named by their place: ``Order_address`` for the property ``address`` of ``Order``,
    ``Order_lines_item`` for the elements of its ``lines``.
    """

    def __init__(self, documents: Documents, dialect: Dialect) -> None:
        self.documents = documents
        self.dialect = dialect
        self.schemas: dict[str, AnySchema] = {}
        self.warnings: list[str] = []
        self._names: dict[tuple[str, str], str] = {}
        self._taken: set[str] = set()
        self._waiting: deque[tuple[str, Node]] = deque()

    def components(self, node: Node | None) -> None:
        """Name and read all schemas of ``definitions`` or ``components/schemas``."""
        for name, child in list(node.items()) if node else ():
            self._register(child, name)
        self.finish()

    def finish(self) -> None:
        """Read every schema that was referred to and not yet read."""
        while self._waiting:
            name, node = self._waiting.popleft()
            self.schemas[name] = self.read(node, name, named=True)

    def name_of(self, node: Node) -> str:
        """Return the key in :attr:`schemas` of the schema that stands at a place."""
        known = self._names.get((node.file, node.pointer))
        return known or self._register(node, self._suggest(node))

    def _suggest(self, node: Node) -> str:
        path = tokens(node.pointer)
        last = path[-1] if path else Path(node.file).stem
        return last if not last.isdigit() and last not in _ONE else "_".join(t for t in path if t)

    def _register(self, node: Node, wanted: str) -> str:
        name = self.free_name(wanted)
        self._names[node.file, node.pointer] = name
        self._waiting.append((name, node))
        return name

    def free_name(self, wanted: str) -> str:
        """Return a name that no schema has: the wanted one, or with a number behind it."""
        name, count = wanted, 1
        while name in self._taken:
            count += 1
            name = f"{wanted}_{count}"
        self._taken.add(name)
        return name

    def refuse(self, node: Node, message: str) -> ContractError:
        """Make an error that names the place."""
        return ContractError(f"{where(self.documents, node)}: {message}")

    def read(self, node: Node, place: str, named: bool = False) -> AnySchema:
        """Read one schema.

        Args:
            node: where it stands.
            place: the name that an inline object standing here gets.
            named: whether ``place`` is already this schema's own name.

        Raises:
            ContractError: a keyword has a value it cannot have, or a ``$ref`` dangles.
        """
        value = node.value
        if isinstance(value, bool) and self.dialect == "3.1":
            return value
        if not isinstance(value, dict):
            raise self.refuse(node, f"a schema must be a mapping, not {_shown(value)}")
        if isinstance(value.get("$ref"), str) and self.dialect != "3.1":
            return Schema(ref=self._target(node, value["$ref"]), name=place if named else None)
        made = self._keywords(node, place)
        if made.get("properties") or named:
            made["name"] = place if named else self.free_name(place)
        return Schema(**self._generation(node, made))

    def _target(self, node: Node, ref: str) -> str:
        return self.name_of(self.documents.resolve(ref, node))

    def _keywords(self, node: Node, place: str) -> dict[str, Any]:
        made: dict[str, Any] = {}
        value = node.value
        if self.dialect == "3.1":
            for keyword in ("$ref", "$dynamicRef"):
                if isinstance(value.get(keyword), str):
                    made["ref"] = self._target(node, value[keyword])
        for keyword in value:
            read = _READERS.get(keyword)
            if read is not None and (keyword not in _ONLY_31 or self.dialect == "3.1"):
                made.update(read(self, node, keyword, node.child(keyword), place))
        made["extensions"] = {k: v for k, v in value.items() if k.startswith("x-") and k not in _OWN_EXTENSIONS}
        return made

    def _generation(self, node: Node, made: dict[str, Any]) -> dict[str, Any]:
        value = node.value
        for field in ("const", "default"):
            if field in value and (field != "const" or self.dialect == "3.1"):
                made[field] = value[field]
        if self.dialect != "3.1":
            _numeric_exclusives(value, made)
            made = _nullable(value, made, "x-nullable" if self.dialect == "2.0" else "nullable")
        if self.dialect == "2.0" and not made.get("type") and ("properties" in value or made.get("required")):
            made["type"] = ("object", "null") if value.get("x-nullable") is True else ("object",)
        if made.get("type") == ("file",):
            made.update(type=("string",), format="binary")
        return made

    def with_subtypes(self) -> dict[str, AnySchema]:
        """Return all schemas, each discriminator completed by the schemas that extend its own."""
        parents = {name: list(_parents(schema)) for name, schema in self.schemas.items()}
        children: dict[str, dict[str, str]] = {}
        for name in self.schemas:
            for ancestor in _ancestors(name, parents):
                children.setdefault(ancestor, {})[name] = name
        return {name: self._complete(name, schema, children.get(name, {})) for name, schema in self.schemas.items()}

    def _complete(self, name: str, schema: AnySchema, children: dict[str, str]) -> AnySchema:
        if isinstance(schema, bool) or schema.discriminator is None or schema.one_of or schema.any_of:
            return schema
        if not children:
            return replace(schema, discriminator=None) if not schema.discriminator.mapping else schema
        given = schema.discriminator.mapping
        implied = {k: v for k, v in children.items() if v not in given.values()}
        mapping = {**implied, name: name, **given}
        return replace(schema, discriminator=replace(schema.discriminator, mapping=mapping, inherited=True))


def _parents(schema: AnySchema) -> Iterator[str]:
    if isinstance(schema, Schema):
        for part in schema.all_of:
            if isinstance(part, Schema) and part.ref is not None:
                yield part.ref


def _ancestors(name: str, parents: dict[str, list[str]]) -> set[str]:
    seen: set[str] = set()
    stack = list(parents[name])
    while stack:
        parent = stack.pop()
        if parent not in seen and parent != name:
            seen.add(parent)
            stack += parents.get(parent, [])
    return seen


def _numeric_exclusives(value: dict[str, Any], made: dict[str, Any]) -> None:
    """Turn ``exclusiveMinimum: true`` (draft 4) into a bound of its own."""
    for exclusive, bound in _EXCLUSIVE.items():
        if value.get(exclusive) is True and bound in made:
            made[snake(exclusive)] = made.pop(bound)


def _nullable(value: dict[str, Any], made: dict[str, Any], keyword: str) -> dict[str, Any]:
    """Add ``null`` to what a schema allows.

    In 3.0 ``nullable`` only widens ``type`` (OpenAPI 3.0.3, section 4.7.24); ``x-nullable`` makes null pass whatever
    else the schema says.
    """
    if value.get(keyword) is not True:
        return made
    if made.get("type"):
        made["type"] = (*made["type"], "null")
    if keyword == "x-nullable":
        if made.get("enum") is not None and None not in made["enum"]:
            made["enum"] = (*made["enum"], None)
        if made.keys() & {"all_of", "any_of", "one_of", "not_"}:
            outer = {k: made.pop(k) for k in ("name", "default", "extensions", "description") if k in made}
            return {**outer, "any_of": (Schema(**made), Schema(type=("null",)))}
    return made


def _shown(value: Any) -> str:
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
            raise reader.refuse(node, f"{keyword} must be {expected}, not {_shown(node.value)}") from None

    return read


def _count(reader: SchemaReader, _: Node, keyword: str, node: Node, __: str) -> dict[str, Any]:
    value = node.value
    whole = isinstance(value, int) or isinstance(value, float) and value.is_integer()
    if isinstance(value, bool) or not whole or value < 0:
        raise reader.refuse(node, f"{keyword} must be a whole number from 0 up, not {_shown(value)}")
    return {snake(keyword): int(value)}


def _exclusive(reader: SchemaReader, _: Node, keyword: str, node: Node, __: str) -> dict[str, Any]:
    value = node.value
    if isinstance(value, bool) and reader.dialect != "3.1":
        return {}
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise reader.refuse(node, f"{keyword} must be a number, not {_shown(value)}")
    return {snake(keyword): value}


def _type(reader: SchemaReader, _: Node, __: str, node: Node, ___: str) -> dict[str, Any]:
    names = node.value if isinstance(node.value, list) else [node.value]
    allowed = (*TYPES, "file") if reader.dialect == "2.0" else TYPES
    for name in names:
        if name not in allowed:
            raise reader.refuse(node, f"{_shown(name)} is no type; use one of {', '.join(allowed)}")
    return {"type": tuple(names)}


def _enum(reader: SchemaReader, _: Node, __: str, node: Node, ___: str) -> dict[str, Any]:
    if not isinstance(node.value, list):
        raise reader.refuse(node, f"enum must be a list, not {_shown(node.value)}")
    return {"enum": tuple(node.value)}


def _required(reader: SchemaReader, _: Node, __: str, node: Node, ___: str) -> dict[str, Any]:
    if isinstance(node.value, bool):
        reader.warnings.append(
            f"{where(reader.documents, node)}: required must list property names; the value is ignored"
        )
        return {}
    return {"required": _names(reader, node)}


def _names(reader: SchemaReader, node: Node) -> tuple[str, ...]:
    if not isinstance(node.value, list) or not all(isinstance(name, str) for name in node.value):
        raise reader.refuse(node, f"this must be a list of property names, not {_shown(node.value)}")
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
        raise reader.refuse(node, f"{keyword} must be a list of schemas, not {_shown(node.value)}")
    inner = place if keyword == "allOf" else f"{place}_option"
    return {snake(keyword): tuple(_branch(reader, child, inner, keyword) for child in node.elements())}


def _branch(reader: SchemaReader, node: Node, place: str, keyword: str) -> AnySchema:
    made = reader.read(node, place)
    # The parts of an allOf are no objects of their own: they make up the one that stands around them.
    return replace(made, name=None) if keyword == "allOf" and isinstance(made, Schema) and made.name else made


def _named(reader: SchemaReader, _: Node, keyword: str, node: Node, place: str) -> dict[str, Any]:
    if not isinstance(node.value, dict):
        raise reader.refuse(node, f"{keyword} must map names to schemas, not {_shown(node.value)}")
    return {snake(keyword): {name: reader.read(child, f"{place}_{name}") for name, child in node.items()}}


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
        raise reader.refuse(node, f"mapping must map values to schemas, not {_shown(mapping)}")
    explicit = {key: _mapped(reader, node, target) for key, target in mapping.items()}
    for keyword in ("oneOf", "anyOf"):
        for branch in (owner.get(keyword) or Node("", "", None)).elements():
            ref = branch.value.get("$ref") if isinstance(branch.value, dict) else None
            if isinstance(ref, str):
                target = reader.documents.resolve(ref, branch)
                implied = tokens(target.pointer)[-1] if target.pointer else Path(target.file).stem
                if reader.name_of(target) not in explicit.values():
                    explicit.setdefault(implied, reader.name_of(target))
    return {"discriminator": Discriminator(name, explicit)}


def _mapped(reader: SchemaReader, node: Node, target: Any) -> str:
    """Resolve one value of a discriminator's mapping: a schema's name, or a reference."""
    if not isinstance(target, str):
        raise reader.refuse(node, f"a discriminator maps to names or references, not {_shown(target)}")
    if re.fullmatch(r"[a-zA-Z0-9._-]+", target):
        try:
            return reader._target(node, f"#/components/schemas/{escape(target)}")
        except ContractError:
            if "." not in target:
                raise
    return reader._target(node, target)


def _parent(reader: SchemaReader, _: Node, keyword: str, node: Node, __: str) -> dict[str, Any]:
    if not isinstance(node.value, str) or "." not in node.value:
        raise reader.refuse(node, f"{keyword} must be the dotted path of a class, not {_shown(node.value)}")
    return {"parent": node.value}


_OWN_EXTENSIONS = ("x-nullable", "x-parent")
_ONLY_31 = {*_ONE_31, *_NAMED_31, "prefixItems", "dependentRequired", "minContains", "maxContains"}

_READERS: dict[str, Any] = {
    **dict.fromkeys(_NUMBER, _plain(int | float, "a number")),
    **dict.fromkeys(_COUNT, _count),
    **dict.fromkeys(_TEXT, _plain(str, "a text")),
    **dict.fromkeys(_FLAG, _plain(bool, "true or false")),
    **dict.fromkeys(_EXCLUSIVE, _exclusive),
    **dict.fromkeys((*_ONE, *_ONE_31), _one),
    **dict.fromkeys((*_MANY, "prefixItems"), _many),
    **dict.fromkeys(("properties", *_NAMED_31), _named),
    "items": _items,
    "type": _type,
    "enum": _enum,
    "required": _required,
    "dependentRequired": _dependent_required,
    "discriminator": _discriminator,
    "x-parent": _parent,
}
