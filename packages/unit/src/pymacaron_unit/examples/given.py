"""Examples that a contract itself gives: ``example``, ``examples`` and ``x-example``, by the schema that they are for.

What a contract is read to does not keep them, so the document is read once more, beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymacaron.codec.merging import without_null
from pymacaron.contract import Schema
from pymacaron.exceptions import ContractError
from pymacaron.spec.document import Documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pymacaron.contract import Api, MediaType, Operation, Parameter, Response
    from pymacaron.spec.document import Node

AnySchema = Schema | bool

_ONE = {
    "items": "items", "additional_properties": "additionalProperties", "contains": "contains", "if_": "if",
    "then": "then", "else_": "else", "unevaluated_properties": "unevaluatedProperties",
}  # fmt: skip
_MANY = {"all_of": "allOf", "any_of": "anyOf", "one_of": "oneOf", "prefix_items": "prefixItems"}
_NAMED = {
    "properties": "properties", "pattern_properties": "patternProperties", "dependent_schemas": "dependentSchemas",
}  # fmt: skip


class ContractExamples:
    """The examples of one contract.

    Args:
        api: the contract.
        document: it, as it was given, where it was no file.
    """

    def __init__(self, api: Api, document: dict[str, Any] | None = None) -> None:
        self.api = api
        self.documents = Documents()
        self._found: dict[int, tuple[AnySchema, list[Any]]] = {}
        self._seen: set[tuple[int, str, str]] = set()
        try:
            root = self.documents.add(api.file, document) if document is not None else self.documents.load(api.file)
            self._read(root)
        except (ContractError, OSError, RecursionError):
            pass  # Without the document there are no examples; values are made instead.

    def of(self, schema: AnySchema) -> Sequence[Any]:
        """Return the examples of a schema, the most particular first; they may be wrong."""
        return self._found[id(schema)][1] if id(schema) in self._found else ()

    def _read(self, root: Node) -> None:
        for place in (("definitions",), ("components", "schemas")):
            node: Node | None = root
            for key in place:
                node = node.get(key) if node is not None else None
            for name, child in node.items() if node is not None else ():
                if name in self.api.schemas:
                    self._schema(self.api.schemas[name], child)
        for operation in self.api.operations:
            self._operation(operation)

    def _operation(self, operation: Operation) -> None:
        node = self.documents.at(operation.place.file, operation.place.pointer)
        path = self.documents.at(operation.place.file, operation.place.pointer.rpartition("/")[0])
        self._parameters(operation.parameters, [*_elements(node, "parameters"), *_elements(path, "parameters")])
        body = self._follow(node.get("requestBody"))
        if operation.body is not None:
            self._content(operation.body.content, body)
            self._body2(operation.body.content, [*_elements(node, "parameters"), *_elements(path, "parameters")])
        for response in operation.responses:
            declared = node.get("responses")
            self._response(response, self._follow(declared.get(response.status) if declared is not None else None))

    def _body2(self, content: Sequence[MediaType], parameters: list[Node]) -> None:
        """Read the body of Swagger 2.0, which is a parameter."""
        for node in map(self.documents.follow, parameters):
            schema = node.get("schema")
            if isinstance(node.value, dict) and node.value.get("in") == "body" and schema is not None:
                for media in content:
                    self._schema(media.schema, schema, _values(node))

    def _parameters(self, parameters: Iterable[Parameter], nodes: list[Node]) -> None:
        found = {
            (node.value.get("name"), "form" if node.value.get("in") == "formData" else node.value.get("in")): node
            for node in map(self.documents.follow, reversed(nodes))
            if isinstance(node.value, dict)
        }
        for parameter in parameters:
            node = found.get((parameter.name, parameter.location))
            if node is not None:
                self._parameter(parameter, node)

    def _parameter(self, parameter: Parameter, node: Node) -> None:
        content = node.get("content")
        inner = next((media for _, media in content.items()), None) if content is not None else None
        place = inner if inner is not None else node
        self._schema(parameter.schema, place.get("schema") or node, [*_values(node), *_values(place)])

    def _content(self, content: Sequence[MediaType], node: Node | None) -> None:
        declared = node.get("content") if node is not None else None
        for media in content:
            place = declared.get(media.name) if declared is not None else None
            if place is not None:
                self._schema(media.schema, place.get("schema"), self._examples(place))

    def _response(self, response: Response, node: Node | None) -> None:
        if node is None:
            return
        self._content(response.content, node)
        given = node.get("examples")  # Swagger 2.0: by media type
        schema = node.get("schema")
        for media in response.content if schema is not None else ():
            example = given.get(media.name) if given is not None else None
            self._schema(media.schema, schema, [example.value] if example is not None else [])
        headers = node.get("headers")
        for header in response.headers if headers is not None else ():
            place = self._follow(headers.get(header.name) if headers is not None else None)
            if place is not None:
                self._parameter(header, place)

    def _examples(self, node: Node) -> list[Any]:
        """Return the examples that stand beside a schema."""
        named = node.get("examples")
        found = [self.documents.follow(child).value for _, child in named.items()] if named is not None else []
        return [*_values(node), *(each["value"] for each in found if isinstance(each, dict) and "value" in each)]

    def _schema(self, schema: AnySchema, node: Node | None, also: Sequence[Any] = ()) -> None:
        """Note the examples of a schema and of all that stands in it."""
        if isinstance(schema, bool):
            return
        values = [*also, *(_values(node) if node is not None else ())]
        if values:
            known = self._found.setdefault(id(schema), (schema, []))[1]
            known += [value for value in values if value not in known]
        if node is None or (id(schema), node.file, node.pointer) in self._seen:
            return
        self._seen.add((id(schema), node.file, node.pointer))
        if isinstance(node.value, dict) and "$ref" in node.value:
            if schema.ref is not None:
                self._schema(self.api.schemas[schema.ref], self._follow(node))
                return
            node = self._follow(node) or node
        other = without_null(schema)
        if other is not None and not (node.get("anyOf") or node.get("oneOf")):
            self._schema(other, node, values)
        self._children(schema, node)

    def _children(self, schema: Schema, node: Node) -> None:
        for field, keyword in _ONE.items():
            if getattr(schema, field) is not None:
                self._schema(getattr(schema, field), node.get(keyword))
        for field, keyword in _MANY.items():
            for child, place in zip(getattr(schema, field), _elements(node, keyword), strict=False):
                self._schema(child, place)
        for field, keyword in _NAMED.items():
            places = node.get(keyword)
            for name, child in getattr(schema, field).items() if places is not None else ():
                self._schema(child, places.get(name) if places is not None else None)

    def _follow(self, node: Node | None) -> Node | None:
        return self.documents.follow(node) if node is not None else None


def _elements(node: Node, key: str) -> list[Node]:
    found = node.get(key)
    return list(found.elements()) if found is not None else []


def _values(node: Node) -> list[Any]:
    """Return the examples that stand at a schema, a parameter or a media type itself."""
    if not isinstance(node.value, dict):
        return []
    made = [node.value[key] for key in ("example", "x-example") if key in node.value]
    listed = node.value.get("examples")
    return [*made, *(listed if isinstance(listed, list) else [])]
