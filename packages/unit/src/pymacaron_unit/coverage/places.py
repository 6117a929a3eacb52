"""Where the parts of a contract stand in its files. Needs pymacaron."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from pymacaron.contract import Place
from pymacaron.exceptions import ContractError
from pymacaron.spec.document import Documents, Node, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pymacaron.contract import Operation, Parameter

    from ..contracts import Contract

_ESCAPE = re.compile(r"\\.")
_SWAGGER_FORM = "formData"


class Lines(NamedTuple):
    """First and last line of something, counted from 1."""

    first: int
    last: int


class Source:
    """The files of one contract, as they were written.

    Places come as nodes of them; None where nobody knows what the contract was read from, and for what is not found.
    """

    def __init__(self, contract: Contract) -> None:
        self.documents = Documents()
        self.root = self._open(contract)

    def _open(self, contract: Contract) -> Node | None:
        try:
            if contract.file is not None:
                return self.documents.load(contract.api.file)
            return None if contract.document is None else self.documents.add(contract.api.file, contract.document)
        except ContractError:
            return None

    def step(self, node: Node, path: Iterable[str]) -> Node | None:
        """Follow keys and indices from a node; None where one is missing."""
        for token in path:
            below = node.step(token)
            if below is None:
                return None
            node = below
        return node

    def reach(self, node: Node | None, path: Iterable[str]) -> Node | None:
        """Follow keys and indices from a node, and the references on the way; None where one is missing."""
        for token in path:
            target = self.follow(node)
            node = self.step(target, (token,)) if target is not None else None
        return node

    def follow(self, node: Node | None) -> Node | None:
        """Follow references until something else stands there."""
        try:
            return None if node is None else self.documents.follow(node)
        except ContractError:
            return None

    def referred(self, node: Node | None) -> Node | None:
        """Return what the ``$ref`` of a schema points at."""
        ref = node.value.get("$ref") if node is not None and isinstance(node.value, dict) else None
        if node is None or not isinstance(ref, str):
            return None
        try:
            return self.documents.resolve(ref, node)
        except ContractError:
            return None

    def named(self, name: str) -> Node | None:
        """Return a schema of ``definitions`` or ``components/schemas``."""
        found = (self.at("definitions", name), self.at("components", "schemas", name))
        return next((node for node in found if node is not None), None)

    def at(self, *path: str) -> Node | None:
        """Return what stands at some keys of the contract's own file."""
        node = self.root
        for token in path:
            node = node.get(token) if node is not None else None
        return node

    def operation(self, operation: Operation) -> Node | None:
        """Return an operation's own node."""
        return self._node(operation.place)

    def parameter(self, operation: Operation, parameter: Parameter) -> Node | None:
        """Return a parameter's node: of the operation, else of its path."""
        location = _SWAGGER_FORM if parameter.location == "form" else parameter.location
        return self._parameter(operation, parameter.name, location)

    def request_body(self, operation: Operation) -> Node | None:
        """Return the node of a request's body."""
        node = self.operation(operation)
        return (node.get("requestBody") if node else None) or self._parameter(operation, None, "body")

    def response(self, operation: Operation, status: str) -> Node | None:
        """Return the node of a response's status."""
        node = self.operation(operation)
        declared = node.get("responses") if node is not None else None
        named = declared.items() if declared is not None else ()
        return next((child for key, child in named if key.upper() == status.upper()), None)

    def produces(self, operation: Operation) -> Node | None:
        """Return the node of Swagger 2.0's media types of answers: of the operation, else of all."""
        node = self.operation(operation)
        return (node.get("produces") if node is not None else None) or self.at("produces")

    def media(self, owner: Node | None, name: str) -> Node | None:
        """Return the node of a media type of a body or a response; in Swagger 2.0, what it is the type of."""
        target = self.follow(owner)
        content = target.get("content") if target is not None else None
        if content is None:
            return None
        return next((child for key, child in content.items() if key.lower() == name), None)

    def _node(self, place: Place) -> Node | None:
        if self.root is None:
            return None
        try:
            return self.documents.at(place.file, place.pointer)
        except ContractError:
            return None

    def _parameter(self, operation: Operation, name: str | None, location: str) -> Node | None:
        item = Place(operation.place.file, operation.place.pointer.rpartition("/")[0])
        for owner in (self._node(operation.place), self._node(item)):
            listed = owner.get("parameters") if owner is not None else None
            for child in listed.elements() if listed is not None else ():
                node = self.follow(child)
                value = node.value if node is not None else None
                if isinstance(value, dict) and value.get("in") == location and name in (None, value.get("name")):
                    return node
        return None


class Positions:
    """The lines of everything in one file."""

    def __init__(self, file: str) -> None:
        self._root = _compose(Path(file))
        self._children: dict[int, dict[str, tuple[yaml.Node, yaml.Node]]] = {}

    def lines(self, pointer: str) -> Lines | None:
        """Return the lines of the value at a JSON pointer, its key included; None where the file can't be read."""
        if self._root is None:
            return None
        start = node = self._root
        for token in tokens(pointer):
            found = self._below(node).get(token)
            if found is None:
                break
            start, node = found
        return Lines(start.start_mark.line + 1, max(_last_line(node), start.start_mark.line + 1))

    def _below(self, node: yaml.Node) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        if id(node) not in self._children:
            self._children[id(node)] = dict(_entries(node))
        return self._children[id(node)]


def _compose(path: Path) -> Any:
    """Parse a file with positions; JSON is yaml where tabs and escapes are out of the way, which moves no line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".json":
            text = _ESCAPE.sub("xx", text.replace("\t", " "))
        loader = yaml.CSafeLoader(text)
        try:
            return loader.get_single_node()
        finally:
            loader.dispose()
    except (OSError, ValueError, yaml.YAMLError):
        return None


def _entries(node: yaml.Node) -> Iterable[tuple[str, tuple[yaml.Node, yaml.Node]]]:
    if isinstance(node, yaml.MappingNode):
        return [(str(key.value), (key, value)) for key, value in node.value]
    if isinstance(node, yaml.SequenceNode):
        return [(str(index), (child, child)) for index, child in enumerate(node.value)]
    return []


def _last_line(node: yaml.Node) -> int:
    """Return the line that a value ends in; a block ends where the next thing begins."""
    last = node
    while isinstance(last, (yaml.MappingNode, yaml.SequenceNode)) and last.value and not last.flow_style:
        last = last.value[-1][1] if isinstance(last, yaml.MappingNode) else last.value[-1]
    mark = last.end_mark
    return int(mark.line + 1 if mark.column else max(mark.line, last.start_mark.line + 1))


def place_of(node: Node) -> Place:
    """Return the place of a node."""
    return Place(node.file, node.pointer)
