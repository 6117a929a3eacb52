"""Schemas of every generation, read into :class:`pymacaron.contract.Schema`.

What differs between Swagger 2.0, OpenAPI 3.0 and 3.1 (``nullable``, boolean ``exclusiveMinimum``, keywords beside
``$ref``, types left out) ends here.
"""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec.structs import replace

from pymacaron.contract import Schema
from pymacaron.exceptions import ContractError

from .document import Documents, Node, tokens, where
from .keywords import ONLY_31, OWN_EXTENSIONS, READERS, shown, snake

if TYPE_CHECKING:
    from collections.abc import Iterator

Dialect = Literal["2.0", "3.0", "3.1"]
AnySchema = Schema | bool
Scope = dict[str, Node]

_EXCLUSIVE = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}


def identifier(text: str) -> str:
    """Make a Python identifier of any text, keeping what can be kept."""
    made = re.sub(r"\W", "_", text)
    return made if made[:1].isidentifier() else f"_{made}"


class SchemaReader:
    """Reads schemas of one contract and names every place that a ``$ref`` points at.

    Inline objects are named by their place: ``Order_address`` for the property ``address`` of ``Order``,
    ``Order_lines_item`` for the elements of its ``lines``.

    A ``$dynamicRef`` (JSON Schema 2020-12, Core, section 8.2.3.2) means what the way to it says. So a place that is
    reached in two scopes, that is with different dynamic anchors outside it, is read once for each, and every reference
    becomes a plain one.
    """

    def __init__(self, documents: Documents, dialect: Dialect) -> None:
        self.documents = documents
        self.dialect = dialect
        self.schemas: dict[str, AnySchema] = {}
        self.warnings: list[str] = []
        self._names: dict[Any, str] = {}
        self._taken: set[str] = set()
        self._waiting: deque[tuple[str, Node, Scope]] = deque()
        self._scope: Scope = {}

    def components(self, node: Node | None) -> None:
        """Name and read all schemas of ``definitions`` or ``components/schemas``."""
        for name, child in list(node.items()) if node else ():
            self._register(child, name, self._entered(child))
        self.finish()

    def finish(self) -> None:
        """Read every schema that was referred to and not yet read."""
        while self._waiting:
            name, node, self._scope = self._waiting.popleft()
            self.schemas[name] = self.read(node, name, named=True)
        self._scope = {}

    def name_of(self, node: Node, base: Node | None = None) -> str:
        """Return the key in :attr:`schemas` of the schema that stands at a place, referred to at ``base``."""
        scope = self._entered(node, base)
        return self._names.get(_key(node, scope)) or self._register(node, self._suggest(node), scope)

    def _entered(self, node: Node, base: Node | None = None) -> Scope:
        """Return the dynamic anchors that hold in a resource entered from here: the outermost of each name."""
        inner = self.documents.dynamic_anchors(node) if self.dialect == "3.1" else {}
        around = self.documents.dynamic_anchors(base) if self.dialect == "3.1" and base is not None else {}
        return {**inner, **around, **self._scope} if inner or around else self._scope

    def _suggest(self, node: Node) -> str:
        path = tokens(node.pointer)
        last = path[-1] if path else Path(node.file).stem
        return (
            last
            if not last.isdigit() and last not in ("items", "additionalProperties", "not")
            else "_".join(t for t in path if t)
        )

    def _register(self, node: Node, wanted: str, scope: Scope) -> str:
        name = self.free_name(wanted)
        self._names[_key(node, scope)] = name
        self._waiting.append((name, node, scope))
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

    def read(self, node: Node, place: str, named: bool = False, part: bool = False) -> AnySchema:
        """Read one schema.

        Args:
            node: where it stands.
            place: the name that an inline object standing here gets.
            named: whether ``place`` is already this schema's own name.
            part: whether it is a part of an ``allOf``: no object of its own, but of the one that stands around it.

        Raises:
            ContractError: a keyword has a value it cannot have, or a ``$ref`` dangles.
        """
        value = node.value
        if isinstance(value, bool) and self.dialect == "3.1":
            return value
        if not isinstance(value, dict):
            raise self.refuse(node, f"a schema must be a mapping, not {shown(value)}")
        if isinstance(value.get("$ref"), str) and self.dialect != "3.1":
            return Schema(ref=self._target(node, value["$ref"]), name=place if named else None)
        if not named and not part and _makes_object(value):
            place, named = self.free_name(place), True
        outer = self._scope
        if "$id" in value:
            self._scope = self._entered(node)
        made = self._keywords(node, place)
        self._scope = outer
        if named:
            made["name"] = place
        return Schema(**self._generation(node, made))

    def _target(self, node: Node, ref: str) -> str:
        return self.name_of(self.documents.resolve(ref, node), node)

    def _dynamic_target(self, node: Node, ref: str) -> str:
        """Return the schema that a ``$dynamicRef`` means in this scope."""
        target, name = self.documents.resolve(ref, node), ref.partition("#")[2]
        if isinstance(target.value, dict) and target.value.get("$dynamicAnchor") == name:
            target = {**self.documents.dynamic_anchors(node), **self._scope}.get(name, target)
        return self.name_of(target, node)

    def _references(self, node: Node) -> dict[str, Any]:
        """Read ``$ref`` and ``$dynamicRef``; where both stand, both hold."""
        value = node.value
        found = [self._target(node, value["$ref"])] if isinstance(value.get("$ref"), str) else []
        if isinstance(value.get("$dynamicRef"), str):
            found.append(self._dynamic_target(node, value["$dynamicRef"]))
        if len(found) == 2:
            return {"all_of": tuple(Schema(ref=name) for name in found)}
        return {"ref": found[0]} if found else {}

    def _keywords(self, node: Node, place: str) -> dict[str, Any]:
        made: dict[str, Any] = {}
        value = node.value
        for keyword in value:
            read = READERS.get(keyword)
            if read is not None and (keyword not in ONLY_31 or self.dialect == "3.1"):
                made.update(read(self, node, keyword, node.child(keyword), place))
        if self.dialect == "3.1":
            found = self._references(node)
            made.update(found, all_of=(*made.get("all_of", ()), *found.get("all_of", ())))
        made["extensions"] = {k: v for k, v in value.items() if k.startswith("x-") and k not in OWN_EXTENSIONS}
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


_NOTES = frozenset(
    (
        "title", "description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly", "nullable",
        "externalDocs", "xml", "$comment", "$id", "$anchor", "$dynamicAnchor", "$defs", "definitions",
    )
)  # fmt: skip


def _makes_object(value: dict[str, Any]) -> bool:
    """Tell whether an inline schema may be an object of its own, and not just another name for one."""
    says = {keyword for keyword in value if keyword not in _NOTES and not keyword.startswith("x-")}
    if says == {"allOf"} and isinstance(value["allOf"], list) and len(value["allOf"]) == 1:
        inner = value["allOf"][0]
        return not (isinstance(inner, dict) and "$ref" in inner)
    return "properties" in says or "allOf" in says or ("$ref" in says and says != {"$ref"})


def _key(node: Node, scope: Scope) -> Any:
    return (node.file, node.pointer, *sorted((name, n.file, n.pointer) for name, n in scope.items()))


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
            outside = ("default", "extensions", "description", "read_only", "write_only")
            outer: dict[str, Any] = {k: made.pop(k) for k in outside if k in made}
            return {**outer, "any_of": (Schema(**made), Schema(type=("null",)))}
    return made
