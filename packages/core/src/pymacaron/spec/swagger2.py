"""Swagger 2.0 documents, read into an :class:`pymacaron.contract.Api`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymacaron.contract import Body, MediaType, Parameter, Response, Schema, SecurityScheme, Server

from .operations import ContractReader, argument
from .schemas import identifier

if TYPE_CHECKING:
    from pymacaron.contract import Location, Style

    from .document import Node

JSON = "application/json"
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_LOCATIONS: dict[str, Location] = {"path": "path", "query": "query", "header": "header", "formData": "form"}
_STYLES: dict[str, tuple[Style, bool]] = {
    "csv": ("form", False),
    "ssv": ("spaceDelimited", False),
    "tsv": ("tabDelimited", False),
    "pipes": ("pipeDelimited", False),
    "multi": ("form", True),
}
_NOT_SCHEMA = ("name", "in", "required", "description", "collectionFormat", "allowEmptyValue")


class Swagger2Reader(ContractReader):
    """Reader for ``swagger: "2.0"``."""

    dialect = "2.0"

    def component_schemas(self) -> Node | None:
        return self.root.get("definitions")

    def base_path(self) -> str:
        return str(self.mapping(self.root).get("basePath") or "").rstrip("/")

    def servers(self) -> tuple[Server, ...]:
        root = self.mapping(self.root)
        if not root.get("host"):
            return (Server(self.base_path() or "/"),)
        schemes = root.get("schemes") or ["https"]
        return tuple(Server(f"{scheme}://{root['host']}{self.base_path()}") for scheme in schemes)

    def security_schemes(self) -> dict[str, SecurityScheme]:
        defined = self.root.get("securityDefinitions")
        return {name: self.security_scheme(name, node) for name, node in (defined.items() if defined else ())}

    def security_scheme(self, name: str, node: Node) -> SecurityScheme:
        """Read one Security Scheme Object; ``basic`` becomes HTTP's basic scheme."""
        value = self.mapping(node)
        kind = self.text(node, "type")
        if kind not in ("basic", "apiKey", "oauth2"):
            raise self.refuse(node, f"{kind!r} is no type of security scheme; use basic, apiKey or oauth2")
        return SecurityScheme(
            name=name,
            kind="http" if kind == "basic" else kind,
            scheme="basic" if kind == "basic" else None,
            location=self.text(node, "in") if kind == "apiKey" else None,
            key=self.text(node, "name") if kind == "apiKey" else None,
            scopes=tuple(self.mapping(node.get("scopes"))),
            verify=value.get("x-pym-verify"),
        )

    def parameter(self, node: Node, operation: str) -> Parameter | None:
        """Read a parameter; None where it is the body."""
        where = self.text(node, "in")
        if where == "body":
            return None
        if where not in _LOCATIONS:
            raise self.refuse(node, f"in: {where} is no place of a parameter; use {', '.join(_LOCATIONS)} or body")
        value, name = self.mapping(node), self.text(node, "name")
        location = _LOCATIONS[where]
        style, explode = self.style(node, location)
        return Parameter(
            name=name,
            location=location,
            schema=self.inline_schema(node, f"{operation}_{name}"),
            argument=argument(name, location),
            required=location == "path" or value.get("required") is True,
            style=style,
            explode=explode,
            allow_empty=value.get("allowEmptyValue") is True,
            description=value.get("description") or None,
        )

    def style(self, node: Node, location: Location) -> tuple[Style, bool]:
        """Translate ``collectionFormat``; ``multi`` is for query and form alone."""
        form = self.mapping(node).get("collectionFormat", "csv")
        if not isinstance(form, str) or form not in _STYLES or (form == "multi" and location not in ("query", "form")):
            raise self.refuse(node, f"collectionFormat {form!r} does not go with in: {location}; use csv")
        if form == "csv" and location in ("path", "header"):
            return "simple", False
        return _STYLES[form]

    def inline_schema(self, node: Node, place: str) -> Schema | bool:
        """Read the schema whose keywords stand in the parameter itself."""
        from .document import Node

        keywords = {k: v for k, v in self.mapping(node).items() if k not in _NOT_SCHEMA}
        return self.schemas.read(Node(node.file, node.pointer, keywords), identifier(place))

    def body(self, node: Node, parameters: list[Node], operation: str) -> Body | None:
        bodies = [p for p in parameters if p.value.get("in") == "body"]
        forms = [p for p in parameters if p.value.get("in") == "formData"]
        if len(bodies) + bool(forms) > 1:
            raise self.refuse(node, "an operation has one body: one in: body parameter, or in: formData ones")
        consumes = self.media_types(node, "consumes")
        if forms:
            names = [n for n in consumes if n in _FORMS] or list(_FORMS[1:] if _has_file(forms) else _FORMS)
            return Body(tuple(MediaType(n) for n in names), any(p.value.get("required") is True for p in forms))
        if not bodies:
            return None
        given = bodies[0].get("schema")
        schema = self.schemas.read(given, f"{operation}_body") if given else True
        return Body(
            tuple(MediaType(name, schema) for name in consumes or [JSON]),
            bodies[0].value.get("required") is True,
            bodies[0].value.get("description") or None,
        )

    def media_types(self, node: Node, key: str) -> list[str]:
        """List ``consumes`` or ``produces`` of the operation, else of the whole contract."""
        listed = node.get(key) or self.root.get(key)
        return [str(child.value).lower() for child in listed.elements()] if listed else []

    def responses(self, node: Node, operation: str) -> tuple[Response, ...]:
        declared = node.get("responses")
        names = self.media_types(node, "produces") or [JSON]
        made = []
        for status, child in declared.items() if declared else ():
            if status.startswith("x-"):
                continue
            target = self.documents.follow(child)
            given = target.get("schema")
            schema = self.schemas.read(given, f"{operation}_{status}") if given else None
            made.append(
                Response(
                    status=status,
                    content=() if schema is None else tuple(MediaType(name, schema) for name in names),
                    headers=tuple(self.header(h, name, operation) for name, h in _entries(target, "headers")),
                    description=self.mapping(target).get("description") or None,
                )
            )
        return tuple(made)

    def header(self, node: Node, name: str, operation: str) -> Parameter:
        """Read one header of a response."""
        style, explode = self.style(node, "header")
        schema = self.inline_schema(node, f"{operation}_{name}")
        return Parameter(name, "header", schema, argument(name, "header"), style=style, explode=explode)


def _entries(node: Node, key: str) -> Any:
    found = node.get(key)
    return found.items() if found else ()


def _has_file(forms: list[Node]) -> bool:
    return any(p.value.get("type") == "file" for p in forms)
