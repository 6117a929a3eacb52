"""What a schema means: bounds, required properties, discriminators, and schemas that contain themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .finding import short, similar
from .references import is_reference
from .scalars import is_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymacaron.spec.document import Node

    from .finding import Report
    from .references import References
    from .values import Values
    from .vocabulary import Generation

_PAIRS = (
    ("minimum", "maximum"),
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
    ("minContains", "maxContains"),
)
_BRANCHES = ("oneOf", "anyOf")
_IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
_IN_PLACE = ("not", "if", "then", "else")
Place = tuple[str, str]


class SchemaRules:
    """Checks each schema that the walk meets; what needs all of them follows in :meth:`finish`.

    Args:
        root: of the contract, whose components a discriminator's mapping names.
    """

    def __init__(self, references: References, report: Report, values: Values, root: Node) -> None:
        self.references = references
        self.report = report
        self.values = values
        self.root = root
        self.schemas: dict[Place, tuple[Node, Generation]] = {}

    def schema(self, node: Node, generation: Generation) -> None:
        """Check one Schema Object that is no reference."""
        self.schemas[node.file, node.pointer] = (node, generation)
        self.limits(node, generation)
        self.required(node)
        self.read_only(node, generation)
        self.nullable(node, generation)
        self.discriminator(node, generation)
        self.own_values(node, generation)

    def limits(self, node: Node, generation: Generation) -> None:
        """Check the keywords that parameters, headers and items share with schemas."""
        value = node.value
        for low, high in _PAIRS:
            if is_number(value.get(low)) and is_number(value.get(high)) and value[low] > value[high]:
                message = f"{low} {value[low]} is above {high} {value[high]}, so that no value passes"
                self.report.error(node.child(low), "bad-range", message, "swap them or mend one")
        self.exclusive(node)
        if value.get("type") == "array" and "items" not in value and generation != "3.1":
            mend = "add items: with the schema of an element, or items: {} for anything"
            self.report.error(node.child("type"), "missing-items", "an array lacks items", mend)

    def exclusive(self, node: Node) -> None:
        """Check bounds that exclude themselves, in both forms of ``exclusiveMinimum``."""
        low, high = _bound(node.value, "Minimum", max), _bound(node.value, "Maximum", min)
        both = (node.value.get("minimum"), node.value.get("maximum"))
        if low is None or high is None or (all(map(is_number, both)) and both[0] > both[1]):
            return
        if low[0] > high[0] or (low[0] == high[0] and (low[1] or high[1])):
            key = next(k for k in ("exclusiveMinimum", "exclusiveMaximum", "minimum") if k in node.value)
            message = f"no value is between {low[0]} and {high[0]} with these exclusive bounds"
            self.report.error(node.child(key), "bad-range", message, "mend one of the bounds")

    def own_values(self, node: Node, generation: Generation) -> None:
        """Note default, enum and examples, to be checked with those of all schemas."""
        value = node.value
        if "default" in value:
            self.values.add(node, node.child("default"), "bad-default", generation)
        if isinstance(value.get("enum"), list) and value.keys() - {"enum", "description", "title", "default"}:
            for element in node.child("enum").elements():
                self.values.add(node, element, "bad-enum", generation)
        if "example" in value:
            self.values.add(node, node.child("example"), "bad-example", generation)
        if isinstance(value.get("examples"), list) and generation == "3.1":
            for element in node.child("examples").elements():
                self.values.add(node, element, "bad-example", generation)

    def required(self, node: Node) -> None:
        """Warn of required properties that nothing declares; such a name is most often misspelt."""
        listed, properties = node.get("required"), node.value.get("properties")
        if listed is None or not isinstance(properties, dict) or not properties:
            return
        if node.value.get("additionalProperties") not in (None, False):
            return
        missing = [e for e in listed.elements() if isinstance(e.value, str) and e.value not in properties]
        if not missing:
            return
        known = self.properties(self.composite(node))
        patterns = [pattern for pattern, _ in _children(node, "patternProperties")]
        for element in missing:
            name = element.value
            if name not in known and not any(_matches(p, name) for p in patterns):
                message = f"{name!r} is required, but no property has this name"
                mend = similar(name, known) or "declare it under properties, or remove it here"
                self.report.warning(element, "unknown-required", message, mend)

    def composite(self, node: Node) -> Node:
        """Return the schema whose ``allOf`` an inline schema is a part of, else the schema itself."""
        found = re.match(r"^(.*)/(?:allOf|anyOf|oneOf)/\d+$", node.pointer)
        while found is not None:
            node = self.references.documents.at(node.file, found[1])
            found = re.match(r"^(.*)/(?:allOf|anyOf|oneOf)/\d+$", node.pointer)
        return node

    def properties(self, node: Node) -> dict[str, Node]:
        """Collect the properties of a schema and of all that it is composed of."""
        return {name: child for part in self.parts(node) for name, child in _children(part, "properties")}

    def parts(self, node: Node) -> Iterator[Node]:
        """Yield a schema, what its ``$ref`` leads to, and all parts of its ``allOf``, to their ends."""
        stack: list[Node | None] = [node]
        seen: set[int] = set()
        while stack:
            part = stack.pop()
            if part is None or id(part.value) in seen:
                continue
            seen.add(id(part.value))
            yield part
            if is_reference(part):
                stack.append(self.references.target(part))
            stack += _elements(part, "allOf")

    def read_only(self, node: Node, generation: Generation) -> None:
        """Warn of required properties that a request cannot hold (Swagger 2.0, Schema Object, readOnly)."""
        listed = node.value.get("required")
        if generation != "2.0" or not isinstance(listed, list):
            return
        for name, child in _children(node, "properties"):
            if isinstance(child.value, dict) and child.value.get("readOnly") is True and name in listed:
                message = f"the property {name!r} is readOnly and required; requests cannot hold it"
                mend = "remove it from required, or readOnly from it"
                self.report.warning(child.child("readOnly"), "read-only-required", message, mend)

    def nullable(self, node: Node, generation: Generation) -> None:
        """Warn of ``nullable`` without effect (OpenAPI 3.0.3, Schema Object)."""
        if generation == "3.0" and node.value.get("nullable") is True and "type" not in node.value:
            message = "nullable does nothing without type"
            mend = "write the type beside it"
            if node.value.keys() & {"allOf", "oneOf", "anyOf"}:
                mend = "write the type beside it, or move nullable to the schemas inside"
            self.report.warning(node.child("nullable"), "nullable-without-type", message, mend)

    def discriminator(self, node: Node, generation: Generation) -> None:
        """Check that a discriminator's property is declared and required, and that its mapping leads to schemas."""
        given = node.get("discriminator")
        if given is None:
            return
        place = given if generation == "2.0" else given.get("propertyName")
        if place is None or not isinstance(place.value, str):
            return
        branches = [b for key in _BRANCHES for b in _elements(node, key)]
        for schema in branches or [node]:
            self.declares(schema, place, "error" if generation == "2.0" else "warning")
        mapping = given.get("mapping") if generation != "2.0" else None
        for name, child in mapping.items() if mapping else ():
            self.mapping(name, child)

    def declares(self, schema: Node, place: Node, severity: str) -> None:
        """Check one schema that a discriminator tells apart."""
        parts = [part for part in self.parts(schema) if isinstance(part.value, dict)]
        properties = {name for part in parts for name, _ in _children(part, "properties")}
        required = {name for part in parts for name in _texts(part.value.get("required"))}
        name, shown = place.value, f"#{schema.pointer}"
        if is_reference(schema):
            shown = short(schema.value["$ref"])
        if not properties and any(key in part.value for part in parts for key in (*_BRANCHES, "$dynamicRef")):
            return
        if name not in properties:
            message = f"the discriminator's property {name!r} is not declared in {shown}"
            mend = similar(name, properties) or "declare it under properties, and require it"
            self.report.error(place, "bad-discriminator", message, mend)
        elif name not in required:
            message = f"the discriminator's property {name!r} is not required in {shown}"
            report = self.report.error if severity == "error" else self.report.warning
            report(place, "bad-discriminator", message, f"add required: [{name}]")

    def mapping(self, name: str, node: Node) -> None:
        """Check that a mapping's value names a component or refers to a schema (OpenAPI 3.0.3, section 4.7.25)."""
        text = node.value
        if not isinstance(text, str):
            return
        named = self.component(text, node.file) or self.component(text, self.root.file)
        target = named or self.references.find(text, node)
        if target is not None and isinstance(target.value, (dict, bool)):
            self.references.used.add((target.file, target.pointer))
            return
        message = f"the mapping of {name!r} leads to {short(text)}, which is no schema"
        known = self.components(self.root.file)
        mend = similar(text.rpartition("/")[2], known.value if known else ())
        self.report.error(node, "bad-mapping", message, mend or "name a schema, or write a path as in $ref")

    def component(self, name: str, file: str) -> Node | None:
        """Return the component schema of a name in a file."""
        known = self.components(file)
        return known.get(name) if known else None

    def components(self, file: str) -> Node | None:
        root = self.references.load(file)
        components = root.get("components") if root else None
        return components.get("schemas") if components else None

    def finish(self) -> None:
        """Report schemas that contain themselves."""
        edges = {place: self.in_place(node, generation) for place, (node, generation) in self.schemas.items()}
        for place, circle in _circles(edges):
            nodes = [self.schemas[p][0] for p in circle]
            if all(is_reference(node) for node in nodes):
                continue
            names = [f"#{pointer}" for _, pointer in circle]
            shown = " -> ".join([*names[:3], *(["..."] if len(names) > 3 else []), names[0]])
            tagged = any("discriminator" in node.value for node in nodes)
            report = self.report.warning if tagged else self.report.error
            mend = "let properties or items stand between them"
            report(self.schemas[place][0], "endless-schema", f"this schema contains itself: {shown}", mend)

    def in_place(self, node: Node, generation: Generation) -> list[Place]:
        """List the schemas that a value must follow, or not follow, along with this one."""
        parts: list[Node | None] = [e for key in _IN_PLACE_LISTS for e in _elements(node, key)]
        parts += [child for key in _IN_PLACE if (child := node.get(key)) is not None]
        if generation != "3.1":
            parts = [self.references.follow(part) for part in parts if part is not None]
        elif is_reference(node):
            parts.append(self.references.target(node))
        return [(part.file, part.pointer) for part in parts if part is not None]


def _circles(edges: dict[Place, list[Place]]) -> Iterator[tuple[Place, list[Place]]]:
    """Yield each place from which an edge leads back to one above it, with the circle that it closes."""
    done: set[Place] = set()
    for start in edges:
        path = [] if start in done else [start]
        left = {start: iter(edges[start])}
        while path:
            step = next(left[path[-1]], None)
            if step is None:
                done.add(path.pop())
            elif step in left and step not in done:
                yield path[-1], path[path.index(step) :]
            elif step not in done and step in edges:
                path.append(step)
                left[step] = iter(edges[step])


def _bound(value: dict[str, Any], name: str, tighter: Any) -> tuple[Any, bool] | None:
    """Return the tightest of a schema's lower or upper bounds, and whether it excludes itself."""
    plain, exclusive = value.get(name.lower()), value.get(f"exclusive{name}")
    found = []
    if is_number(plain):
        found.append((plain, exclusive is True))
    if is_number(exclusive):
        found.append((exclusive, True))
    return tighter(found, key=lambda bound: bound[0]) if found and any(b[1] for b in found) else _plain(found)


def _plain(found: list[tuple[Any, bool]]) -> tuple[Any, bool] | None:
    return found[0] if found else None


def _children(node: Node, key: str) -> Iterator[tuple[str, Node]]:
    found = node.get(key)
    return found.items() if found is not None else iter(())


def _elements(node: Node, key: str) -> Iterator[Node]:
    found = node.get(key)
    return found.elements() if found is not None else iter(())


def _texts(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _matches(pattern: str, name: str) -> bool:
    try:
        return re.search(pattern, name) is not None
    except re.error:
        return True
