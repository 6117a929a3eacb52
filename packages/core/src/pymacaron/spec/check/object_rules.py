"""What the smaller objects mean: parameters, media types, servers, security, and components that nothing uses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .finding import similar
from .references import is_reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymacaron.spec.document import Node

    from .finding import Report
    from .references import References
    from .schema_rules import SchemaRules
    from .values import Values
    from .vocabulary import Generation

_TEMPLATE = re.compile(r"\{([^{}]*)\}")
_SECTIONS_2 = ("definitions", "parameters", "responses", "securityDefinitions")
_SECTIONS_3 = (
    "schemas", "responses", "parameters", "examples", "requestBodies", "headers", "securitySchemes", "links",
    "callbacks", "pathItems",
)  # fmt: skip


class ObjectRules:
    """Checks each object that the walk meets and that is neither a schema nor an operation."""

    def __init__(self, references: References, report: Report, schemas: SchemaRules, values: Values) -> None:
        self.references = references
        self.report = report
        self.schemas = schemas
        self.values = values
        self.asked: list[tuple[Node, Generation]] = []

    def parameter(self, node: Node, generation: Generation) -> None:
        """Check a Parameter Object."""
        if node.value.get("in") == "path" and node.value.get("required") is not True:
            place = node.child("required") if "required" in node.value else node
            self.report.error(
                place, "optional-path-parameter", "a path parameter is always required", "write required: true"
            )
        self.carrier(node, generation)

    def carrier(self, node: Node, generation: Generation) -> None:
        """Check what holds one value: a parameter, a header, the items of either, or a media type."""
        if generation == "2.0":
            if node.value.get("in") != "body":
                self.schemas.limits(node, generation)
                self.schemas.own_values(node, generation)
            return
        schema = node.get("schema")
        if schema is not None and isinstance(schema.value, (dict, bool)):
            for example in self.examples(node):
                self.values.add(schema, example, "bad-example", generation)

    def examples(self, node: Node) -> Iterator[Node]:
        """Yield the example of an object, and the values of its Example Objects."""
        if "example" in node.value:
            yield node.child("example")
        listed = node.get("examples")
        for _, child in listed.items() if listed else ():
            target = self.references.follow(child)
            if target is not None and isinstance(target.value, dict) and "value" in target.value:
                yield target.child("value")

    def media_type(self, node: Node, generation: Generation) -> None:
        """Check the examples of a media type, where it is JSON; others show examples as text."""
        if is_json(node.pointer.rpartition("/")[2].replace("~1", "/")):
            self.carrier(node, generation)

    def response(self, node: Node, generation: Generation) -> None:
        """Check the examples of a response (Swagger 2.0, Example Object)."""
        schema, examples = node.get("schema"), node.get("examples")
        if generation != "2.0" or schema is None or examples is None or not isinstance(schema.value, dict):
            return
        for name, child in examples.items():
            if is_json(name):
                self.values.add(schema, child, "bad-example", generation)

    def security_scheme(self, node: Node, _: Generation) -> None:
        """Check that ``bearerFormat`` stands with ``bearer`` (OpenAPI 3.0.3, Security Scheme Object)."""
        scheme = str(node.value.get("scheme")).lower()
        if node.value.get("type") == "http" and "bearerFormat" in node.value and scheme != "bearer":
            message = f"bearerFormat goes with scheme: bearer, not {scheme}"
            self.report.error(node.child("bearerFormat"), "exclusive-keys", message, "remove it")

    def server(self, node: Node, generation: Generation) -> None:
        """Check a server's variables (OpenAPI 3.0.3, Server Object)."""
        url, variables = node.get("url"), node.get("variables")
        known = variables.value if variables and isinstance(variables.value, dict) else {}
        for name in _TEMPLATE.findall(url.value) if url and isinstance(url.value, str) else ():
            if name not in known and url is not None:
                message = f"the url names {{{name}}}, which variables does not define"
                mend = similar(name, known) or f"add variables: {{{name}: {{default: ...}}}}"
                self.report.error(url, "undefined-server-variable", message, mend)
        for name, child in variables.items() if variables else ():
            self.default(name, child, generation)

    def default(self, name: str, node: Node, generation: Generation) -> None:
        value = node.value if isinstance(node.value, dict) else {}
        allowed = value.get("enum")
        if isinstance(allowed, list) and allowed and "default" in value and value["default"] not in allowed:
            report = self.report.error if generation == "3.1" else self.report.warning
            message = f"the default of the variable {name!r} is not in its enum"
            report(node.child("default"), "bad-server-default", message, "add it to enum, or write one of enum")

    def requirement(self, node: Node, generation: Generation) -> None:
        """Note a security requirement, to be checked when the schemes are known."""
        self.asked.append((node, generation))

    def requirements(self, root: Node, generation: Generation) -> None:
        """Check that security requirements name schemes and their scopes."""
        schemes = section(root, generation, "securityDefinitions" if generation == "2.0" else "securitySchemes")
        known = schemes.value if schemes and isinstance(schemes.value, dict) else {}
        for node, _ in self.asked:
            for name, child in node.items():
                if schemes is None or name not in known:
                    declared = ", ".join(map(repr, known)) or "none"
                    message = f"no security scheme is named {name!r}; declared are: {declared}"
                    self.report.error(child, "unknown-security", message, similar(name, known) or "declare it")
                    continue
                scheme = schemes.child(name)
                self.references.used.add((scheme.file, scheme.pointer))
                self.scopes(child, name, self.references.follow(scheme), generation)

    def scopes(self, node: Node, name: str, scheme: Node | None, generation: Generation) -> None:
        if scheme is None or not isinstance(scheme.value, dict):
            return
        kind = scheme.value.get("type")
        if kind == "openIdConnect" or (kind != "oauth2" and generation == "3.1"):
            return
        declared = set(_scopes(scheme.value)) if kind == "oauth2" else set()
        for element in node.elements():
            if isinstance(element.value, str) and element.value not in declared:
                message = f"the scope {element.value!r} is not declared by {name!r}"
                mend = similar(element.value, declared) or "declare it under scopes of the scheme"
                if kind != "oauth2":
                    message, mend = f"{name!r} is {kind}, which has no scopes", "write []"
                self.report.warning(element, "undeclared-scope", message, mend)

    def unused(self, root: Node, generation: Generation) -> None:
        """Warn of components that nothing refers to; a contract without paths is there to be referred to."""
        paths = root.value.get("paths")
        if not isinstance(paths, dict) or not any(path.startswith("/") for path in paths):
            return
        depth = 2 if generation == "2.0" else 3
        used = {tuple(p.split("/")[1 : depth + 1]) for file, p in self.references.used if file == root.file}
        for name in _SECTIONS_2 if generation == "2.0" else _SECTIONS_3:
            found = section(root, generation, name)
            for key, child in found.items() if found else ():
                if tuple(child.pointer.split("/")[1:]) not in used and not self.implied(child):
                    message = f"nothing refers to {key!r}"
                    self.report.warning(child, "unused-component", message, "remove it, or refer to it")

    def implied(self, node: Node) -> bool:
        """Tell whether a component is used without a reference: persisted, or one of those a discriminator picks."""
        value = node.value
        if not isinstance(value, dict) or "x-persist" in value or "x-parent" in value:
            return True
        return any("discriminator" in part.value for part in self.bases(node))

    def bases(self, node: Node) -> Iterator[Node]:
        for part in self.schemas.parts(node):
            if part is not node and isinstance(part.value, dict) and not is_reference(part):
                yield part


def section(root: Node, generation: Generation, name: str) -> Node | None:
    """Return a map of components."""
    if generation == "2.0":
        return root.get(name)
    components = root.get("components")
    return components.get(name) if components else None


def is_json(media_type: str) -> bool:
    """Tell whether a media type is JSON (RFC 6839, section 3.1)."""
    name = media_type.partition(";")[0].strip().lower()
    return name == "application/json" or name.endswith("+json")


def _scopes(scheme: dict[str, Any]) -> Iterator[str]:
    flows = scheme.get("flows")
    for holder in [scheme, *(flows.values() if isinstance(flows, dict) else ())]:
        scopes = holder.get("scopes") if isinstance(holder, dict) else None
        yield from scopes if isinstance(scopes, dict) else ()
