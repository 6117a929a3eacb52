"""OpenAPI 3.0 and 3.1 documents, read into an :class:`pymacaron.contract.Api`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from pymacaron.contract import (
    TEMPLATE,
    Body,
    Callback,
    Encoding,
    MediaType,
    Parameter,
    Response,
    SecurityScheme,
    Server,
)

from .operations import METHODS, ContractReader, argument
from .schemas import Dialect, identifier

if TYPE_CHECKING:
    from pymacaron.contract import Location, Schema, Style

    from .document import Node

_STYLES: dict[str, tuple[Style, ...]] = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
_KINDS = ("apiKey", "http", "oauth2", "openIdConnect", "mutualTLS")


class OpenApi30Reader(ContractReader):
    """Reader for ``openapi: 3.0.x``."""

    dialect: Dialect = "3.0"

    def component_schemas(self) -> Node | None:
        components = self.root.get("components")
        return components.get("schemas") if components else None

    def base_path(self) -> str:
        servers = self.servers()
        return urlsplit(servers[0].url).path.rstrip("/") if servers else ""

    def servers(self) -> tuple[Server, ...]:
        listed = self.root.get("servers")
        return tuple(self.server(node) for node in (listed.elements() if listed else ()))

    def server(self, node: Node) -> Server:
        """Read a Server Object, its variables replaced by their defaults."""
        url, variables = self.text(node, "url"), node.get("variables")
        for name in TEMPLATE.findall(url):
            variable = variables.get(name) if variables else None
            default = self.mapping(variable).get("default")
            if default is None:
                raise self.refuse(node, f"the server's URL names {{{name}}}; give it a default under variables")
            url = url.replace(f"{{{name}}}", str(default))
        return Server(url, self.mapping(node).get("description") or None)

    def security_schemes(self) -> dict[str, SecurityScheme]:
        components = self.root.get("components")
        defined = components.get("securitySchemes") if components else None
        return {
            name: self.security_scheme(name, self.documents.follow(node))
            for name, node in (defined.items() if defined else ())
        }

    def security_scheme(self, name: str, node: Node) -> SecurityScheme:
        """Read one Security Scheme Object."""
        value, kind = self.mapping(node), self.text(node, "type")
        if kind not in _KINDS:
            raise self.refuse(node, f"{kind!r} is no type of security scheme; use one of {', '.join(_KINDS)}")
        flows = node.get("flows")
        scopes = [scope for _, flow in (flows.items() if flows else ()) for scope in self.mapping(flow.get("scopes"))]
        return SecurityScheme(
            name=name,
            kind=kind,
            scheme=self.text(node, "scheme").lower() if kind == "http" else None,
            location=self.text(node, "in") if kind == "apiKey" else None,
            key=self.text(node, "name") if kind == "apiKey" else None,
            scopes=tuple(dict.fromkeys(scopes)),
            verify=value.get("x-pym-verify"),
        )

    def parameter(self, node: Node, operation: str) -> Parameter | None:
        where, name = self.text(node, "in"), self.text(node, "name")
        if where not in _STYLES:
            raise self.refuse(node, f"in: {where} is no place of a parameter; use {', '.join(_STYLES)}")
        return self.styled(node, name, cast("Location", where), operation)

    def styled(self, node: Node, name: str, location: Location, operation: str) -> Parameter:
        """Read a parameter or a response's header."""
        value = self.mapping(node)
        style = value.get("style", _STYLES[location][0])
        if style not in _STYLES[location]:
            raise self.refuse(node, f"style {style!r} does not go with in: {location}; use {_STYLES[location][0]}")
        media = next(iter(self.content(node, f"{operation}_{name}")), None)
        return Parameter(
            name=name,
            location=location,
            schema=media.schema if media else self.schema(node, f"{operation}_{name}"),
            argument=argument(name, location),
            required=location == "path" or value.get("required") is True,
            style=style,
            explode=bool(value.get("explode", style == "form")),
            allow_empty=value.get("allowEmptyValue") is True,
            content_type=media.name if media else None,
            description=value.get("description") or None,
        )

    def schema(self, node: Node, place: str) -> Schema | bool:
        """Read the schema under ``schema``; anything goes where there is none."""
        found = node.get("schema")
        return self.schemas.read(found, identifier(place)) if found else True

    def content(self, node: Node, place: str) -> tuple[MediaType, ...]:
        """Read the media types under ``content``; the schema of each is read once for all that share it."""
        found = node.get("content")
        return tuple(
            MediaType(name.lower(), self.schema(child, place), self.encodings(child))
            for name, child in (found.items() if found else ())
        )

    def encodings(self, node: Node) -> dict[str, Encoding]:
        """Read how the properties of a form body are written."""
        found = node.get("encoding")
        return {name: self.encoding(child) for name, child in (found.items() if found else ())}

    def encoding(self, node: Node) -> Encoding:
        value = self.mapping(node)
        style = value.get("style", "form")
        if style not in _STYLES["query"]:
            raise self.refuse(node, f"style {style!r} does not go with a form; use {_STYLES['query'][0]}")
        return Encoding(value.get("contentType") or None, style, bool(value.get("explode", style == "form")))

    def body(self, node: Node, parameters: list[Node], operation: str) -> Body | None:
        given = node.get("requestBody")
        if given is None:
            return None
        target = self.documents.follow(given)
        value = self.mapping(target)
        content = self.content(target, f"{operation}_body")
        return Body(content, value.get("required") is True, value.get("description") or None)

    def responses(self, node: Node, operation: str) -> tuple[Response, ...]:
        declared = node.get("responses")
        return tuple(
            self.response(status, self.documents.follow(child), operation)
            for status, child in (declared.items() if declared else ())
            if not status.startswith("x-")
        )

    def response(self, status: str, node: Node, operation: str) -> Response:
        """Read one Response Object."""
        headers = node.get("headers")
        named: list[tuple[str, Any]] = list(headers.items()) if headers else []
        return Response(
            status=status.upper() if status != "default" else status,
            content=self.content(node, f"{operation}_{status}"),
            headers=tuple(
                self.styled(self.documents.follow(child), name, "header", f"{operation}_{status}")
                for name, child in named
                if name.lower() != "content-type"
            ),
            description=self.mapping(node).get("description") or None,
        )

    def callbacks(self, node: Node, operation: str) -> tuple[Callback, ...]:
        named = node.get("callbacks")
        return tuple(
            Callback(name, url, method.upper(), self.body(call, [], f"{operation}_{name}"))
            for name, child in (named.items() if named else ())
            for url, item in self.documents.follow(child).items()
            if not url.startswith("x-")
            for method in METHODS
            if (call := self.documents.follow(item).get(method)) is not None
        )


class OpenApi31Reader(OpenApi30Reader):
    """Reader for ``openapi: 3.1.x``; what differs lies in its schemas."""

    dialect = "3.1"
