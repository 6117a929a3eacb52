"""Files to values: load them, follow ``$ref``, and say where a value stands.

A ``$ref`` to another host is refused: contracts are read from disk alone.

Parsing keeps no positions, because only faults need them; :func:`locate` parses the file again to find one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag

from pymacaron.exceptions import ContractError

from .files import digest
from .identifiers import Identifiers, identifiers, is_uri, join, metaschemas
from .parsing import parse_text, read_text
from .position import json_positions, yaml_position

if TYPE_CHECKING:
    from collections.abc import Iterator


def escape(token: str) -> str:
    """Write one token of a JSON pointer (RFC 6901, section 3)."""
    return token.replace("~", "~0").replace("/", "~1")


def tokens(pointer: str) -> list[str]:
    """Split a JSON pointer into its unescaped tokens."""
    return [t.replace("~1", "/").replace("~0", "~") for t in pointer.split("/")[1:]]


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands."""

    file: str
    pointer: str
    value: Any

    def child(self, key: str | int) -> Node:
        """Return the value under a key or index."""
        return Node(self.file, f"{self.pointer}/{escape(str(key))}", self.value[key])

    def get(self, key: str) -> Node | None:
        """Return the value under a key, or None where this is no mapping or has no such key."""
        if isinstance(self.value, dict) and key in self.value:
            return self.child(key)
        return None

    def step(self, token: str) -> Node | None:
        """Return the value under one token of a JSON pointer: a key, or an index as text; None where it is missing."""
        if isinstance(self.value, list):
            return self.child(int(token)) if token.isdecimal() and int(token) < len(self.value) else None
        return self.get(token)

    def items(self) -> Iterator[tuple[str, Node]]:
        """Yield key and value of each entry; nothing where this is no mapping."""
        if isinstance(self.value, dict):
            for key in self.value:
                yield key, self.child(key)

    def elements(self) -> Iterator[Node]:
        """Yield each element; nothing where this is no sequence."""
        if isinstance(self.value, list):
            for index in range(len(self.value)):
                yield self.child(index)


@dataclass
class Documents:
    """The files of one contract, each read once, and the references between them."""

    data: dict[str, Any] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    _identifiers: dict[str, Identifiers] = field(default_factory=dict)

    def load(self, file: str) -> Node:
        """Return the root of a file, parsed when first asked for.

        Raises:
            ContractError: the file cannot be read or parsed.
        """
        if file not in self.data:
            text = read_text(Path(file))
            self.digests[file] = digest(text.encode())
            self.data[file] = parse_text(text, file)
        return Node(file, "", self.data[file])

    def add(self, name: str, data: Any) -> Node:
        """Take a document that is already parsed, under a name that stands for its file."""
        self.data[name] = _plain(data, name, ())
        self.digests[name] = digest(json.dumps(self.data[name], sort_keys=True).encode())
        return Node(name, "", self.data[name])

    def follow(self, node: Node) -> Node:
        """Follow ``$ref`` until something else stands there.

        Raises:
            ContractError: a reference dangles, leads in a circle, or to another host.
        """
        seen = set()
        while isinstance(node.value, dict) and isinstance(node.value.get("$ref"), str):
            if (node.file, node.pointer) in seen:
                raise ContractError(f"{where(self, node)}: this $ref leads back to itself; point it at a definition")
            seen.add((node.file, node.pointer))
            node = self.resolve(node.value["$ref"], node)
        return node

    def resolve(self, ref: str, base: Node) -> Node:
        """Return what a reference, written at ``base``, points at (RFC 3986, section 5; RFC 6901, section 6)."""
        names = self.identifiers(base.file)
        try:
            uri, fragment = urldefrag(join(names.base(base.pointer), ref))
        except ValueError as error:
            raise ContractError(f"{where(self, base)}: the $ref {ref!r} is no path or URI: {error}") from None
        file, prefix = (base.file, names.resources[uri]) if uri in names.resources else (uri, "")
        self._must_exist(file, ref, base)
        fragment = unquote(fragment)
        if fragment and not fragment.startswith("/"):
            anchored = self.identifiers(file).anchors.get(f"{uri}#{fragment}")
            if anchored is None:
                raise ContractError(f"{where(self, base)}: the $ref {ref!r} dangles: there is no anchor {fragment!r}")
            return self.at(file, anchored)
        return self.at(file, prefix + fragment, base, ref)

    def _must_exist(self, file: str, ref: str, base: Node) -> None:
        """Take JSON Schema's own documents where they are referred to; refuse what is nowhere here."""
        if file not in self.data and file.startswith("https://json-schema.org/") and file in metaschemas():
            self.data[file] = metaschemas()[file]
        if file in self.data:
            return
        if is_uri(file):
            raise ContractError(
                f"{where(self, base)}: the $ref {ref!r} leads to another host; save that file beside the contract"
                f" and refer to it by its path"
            )
        if not Path(file).is_file():
            raise ContractError(f"{where(self, base)}: the $ref {ref!r} dangles: there is no file {file}")

    def at(self, file: str, pointer: str, base: Node | None = None, ref: str = "") -> Node:
        """Return the value at a pointer of a file."""
        node = self.load(file)
        for token in tokens(pointer):
            value, below = node.value, node.step(token)
            if below is None:
                raise ContractError(
                    f"{where(self, base) if base else file}: the $ref {ref!r} dangles: {_short(file)} has no"
                    f" {escape(token)!r} under #{node.pointer}{_similar(token, value)}"
                )
            node = below
        return node

    def identifiers(self, file: str) -> Identifiers:
        """Return the ``$id``s and anchors of a file."""
        if file not in self._identifiers:
            there = file in self.data or Path(file).is_file()
            self._identifiers[file] = identifiers(self.load(file) if there else Node(file, "", None))
        return self._identifiers[file]

    def dynamic_anchors(self, node: Node) -> dict[str, Node]:
        """Return the dynamic anchors of the resource that a place stands in, by name."""
        found = self.identifiers(node.file)
        pointers = found.dynamic.get(found.resource(node.pointer), {}) if found.dynamic else {}
        return {name: self.at(node.file, pointer) for name, pointer in pointers.items()}


def _plain(data: Any, name: str, path: tuple[Any, ...]) -> Any:
    """Check that a given document holds only what JSON holds, and make its keys strings."""
    if isinstance(data, dict):
        made = {str(key): _plain(value, name, (*path, key)) for key, value in data.items()}
        if len(made) != len(data):
            twice = next(str(key) for key in data if not isinstance(key, str) and str(key) in data)
            raise ContractError(f"{name}: the key {twice!r} stands twice in {'/'.join(map(str, path))}; remove one")
        return made
    if isinstance(data, (list, tuple)):
        return [_plain(value, name, (*path, index)) for index, value in enumerate(data)]
    if data is None or isinstance(data, (str, int, float, bool)):
        return data
    raise ContractError(f"{name}: {'/'.join(map(str, path))} is a {type(data).__name__}, which JSON does not have")


def _short(file: str) -> str:
    return Path(file).name or file


def _similar(token: str, value: Any) -> str:
    from difflib import get_close_matches

    close = get_close_matches(token, [str(k) for k in value] if isinstance(value, dict) else [], 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def locate(documents: Documents, file: str, pointer: str) -> tuple[int, int] | None:
    """Find line and column (both from 1) of the key at a pointer; None where the document is no file."""
    if file not in documents.digests or not Path(file).is_file():
        return None
    text = read_text(Path(file))
    if file.endswith(".json"):
        return json_positions(text).find(tokens(pointer))
    return yaml_position(text, tokens(pointer))


def where(documents: Documents, node: Node) -> str:
    """Name a place the way editors and compilers do: ``file:line:column``."""
    found = locate(documents, node.file, node.pointer)
    shown = relative(node.file)
    return f"{shown}:{found[0]}:{found[1]}" if found else f"{shown}#{node.pointer}"


def relative(file: str) -> str:
    """Show a path as seen from the working folder where it is below it."""
    try:
        return str(Path(file).relative_to(Path.cwd()))
    except ValueError:
        return file
