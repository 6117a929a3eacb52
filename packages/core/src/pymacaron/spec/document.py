"""Files to values: parse yaml and json, follow ``$ref``, and say where a value stands.

Yaml is read with libyaml by the rules of YAML 1.2's core schema, as OpenAPI asks (OpenAPI 3.1, section 4.2): ``on``
and ``2020-01-01`` are strings, keys are always strings. A key given twice is refused, and so is a ``$ref`` to
another host: contracts are read from disk alone.

Parsing keeps no positions, because only faults need them; :func:`locate` parses the file again to find one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag, urljoin

import yaml
from yaml.resolver import BaseResolver

from pymacaron.exceptions import ContractError

from .position import json_positions, yaml_position

if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIXES = (".yaml", ".yml", ".json")
MAX_EXPANDED_NODES = 20_000_000
MAX_NESTING = 300

_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.cyaml.CParser, BaseResolver):
    """libyaml's parser with the tag rules of YAML 1.2's core schema, plus the merge key ``<<``."""

    def __init__(self, stream: str) -> None:
        yaml.cyaml.CParser.__init__(self, stream)
        BaseResolver.__init__(self)


for _name, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("merge", r"^<<$", "<"),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(_pattern), list(_first))


def _integer(text: str) -> int:
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


_SCALARS: dict[str, Any] = {
    _TAG + "str": str,
    _TAG + "bool": lambda text: text.lower() == "true",
    _TAG + "int": _integer,
    _TAG + "float": float,
    _TAG + "null": lambda _: None,
}


class _Builder:
    """Turns libyaml's nodes into plain values; an alias gives the same object again."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.done: dict[int, Any] = {}
        self.aliased = False

    def refuse(self, node: yaml.Node, message: str) -> ContractError:
        mark = node.start_mark
        return ContractError(f"{self.file}:{mark.line + 1}:{mark.column + 1}: {message}")

    def build(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node)
        if id(node) in self.done:
            self.aliased = True
            if self.done[id(node)] is node:
                raise self.refuse(node, "this anchor contains an alias of itself; use $ref for recursion")
            return self.done[id(node)]
        self.done[id(node)] = node
        value = self.mapping(node) if isinstance(node, yaml.MappingNode) else [self.build(n) for n in node.value]
        self.done[id(node)] = value
        return value

    def scalar(self, node: yaml.ScalarNode) -> Any:
        make = _SCALARS.get(node.tag)
        if make is None:
            raise self.refuse(node, f"the yaml tag {node.tag!r} is not allowed in a contract; remove it")
        try:
            return make(node.value)
        except ValueError:
            raise self.refuse(node, f"{node.value!r} is no {node.tag.removeprefix(_TAG)}") from None

    def mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        made: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.refuse(key, "a key must be a plain text")
            if key.tag == _TAG + "merge":
                for part in self.merge_parts(value):
                    merged = {**part, **merged}
            elif key.value in made:
                raise self.refuse(key, f"the key {key.value!r} stands twice in one mapping; remove one")
            else:
                made[key.value] = self.build(value)
        return {**merged, **made} if merged else made

    def merge_parts(self, node: yaml.Node) -> list[dict[str, Any]]:
        value = self.build(node)
        parts = value if isinstance(value, list) else [value]
        if not all(isinstance(part, dict) for part in parts):
            raise self.refuse(node, "'<<' merges mappings only")
        return parts


def _nests_too_deeply(text: str) -> bool:
    """Tell whether a yaml text nests deeper than can be built; libyaml itself overflows the stack on such a text.

    The exact depth takes a pass over all events, so it is counted only where brackets or indents allow for it.
    """
    prefix = max((len(line) - len(line.lstrip(" -?")) for line in text.splitlines()), default=0)
    if text.count("[") + text.count("{") + prefix <= MAX_NESTING:
        return False
    loader, depth = _Loader(text), 0
    try:
        while loader.check_event():
            event = loader.get_event()
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_NESTING:
                return True
    finally:
        loader.dispose()
    return False


def _expanded_size(value: Any, memo: dict[int, int]) -> int:
    """Count the nodes of a value as if each alias were written out, in time linear in the nodes that exist."""
    if not isinstance(value, (dict, list)):
        return 1
    if id(value) not in memo:
        memo[id(value)] = 1
        children = value.values() if isinstance(value, dict) else value
        memo[id(value)] = 1 + sum(_expanded_size(child, memo) for child in children)
    return memo[id(value)]


def parse_yaml(text: str, file: str) -> Any:
    """Parse one yaml document.

    Raises:
        ContractError: no yaml, a key twice, an unknown tag, or aliases that expand beyond all bounds.
    """
    loader = None
    try:
        if _nests_too_deeply(text):
            raise RecursionError
        loader = _Loader(text)
        node = loader.get_single_node()
        builder = _Builder(file)
        value = builder.build(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise ContractError(f"{file}:{line}:{column}: this is no yaml: {error.problem or error}") from None
    except yaml.YAMLError as error:
        raise ContractError(f"{file}: this is no yaml: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise ContractError(f"{file}: nested too deeply; use $ref for the inner parts") from None
    finally:
        if loader is not None:
            loader.dispose()
    if builder.aliased and _expanded_size(value, {}) > MAX_EXPANDED_NODES:
        raise ContractError(f"{file}: its aliases expand to more than {MAX_EXPANDED_NODES} nodes; use $ref instead")
    return value


def parse_json(text: str, file: str) -> Any:
    """Parse one JSON document (RFC 8259).

    Raises:
        ContractError: no JSON, a key twice, or a number that JSON does not have.
    """
    duplicates: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        if len(made) != len(items):
            duplicates.extend(key for key, _ in items if sum(key == k for k, _ in items) > 1)
        return made

    def constant(name: str) -> Any:
        raise ContractError(f"{file}: {name} is no JSON number")

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except json.JSONDecodeError as error:
        raise ContractError(f"{file}:{error.lineno}:{error.colno}: this is no JSON: {error.msg}") from None
    except RecursionError:
        raise ContractError(f"{file}: nested too deeply; use $ref for the inner parts") from None
    if duplicates:
        line, column = json_positions(text).duplicate or (1, 1)
        raise ContractError(
            f"{file}:{line}:{column}: the key {duplicates[-1]!r} stands twice in one object; remove one"
        )
    return value


def read_text(path: Path) -> str:
    """Read a contract's text.

    Raises:
        ContractError: the file is missing, unreadable, or not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ContractError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise ContractError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    except OSError as error:
        raise ContractError(f"{path}: cannot be read: {error.strerror}") from None


def parse_text(text: str, file: str) -> Any:
    """Parse a document by its file's ending: JSON for ``.json``, else yaml."""
    return parse_json(text, file) if file.endswith(".json") else parse_yaml(text, file)


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
    _ids: dict[str, dict[str, str]] = field(default_factory=dict)

    def load(self, file: str) -> Node:
        """Return the root of a file, parsed when first asked for.

        Raises:
            ContractError: the file cannot be read or parsed.
        """
        if file not in self.data:
            text = read_text(Path(file))
            self.digests[file] = sha256(text.encode()).hexdigest()
            self.data[file] = parse_text(text, file)
        return Node(file, "", self.data[file])

    def add(self, name: str, data: Any) -> Node:
        """Take a document that is already parsed, under a name that stands for its file."""
        self.data[name] = _plain(data, name, ())
        self.digests[name] = sha256(json.dumps(self.data[name], sort_keys=True).encode()).hexdigest()
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
        uri, fragment = urldefrag(self._absolute(ref, base))
        embedded = self._embedded(base.file).get(uri)
        if embedded is not None:
            file, prefix = base.file, embedded
        elif "://" in uri:
            raise ContractError(
                f"{where(self, base)}: the $ref {ref!r} leads to another host; save that file beside the contract"
                f" and refer to it by its path"
            )
        else:
            file, prefix = uri, ""
        if file not in self.data and not Path(file).is_file():
            raise ContractError(f"{where(self, base)}: the $ref {ref!r} dangles: there is no file {file}")
        fragment = unquote(fragment)
        if fragment and not fragment.startswith("/"):
            anchored = self._embedded(file).get(f"{uri if embedded is not None else file}#{fragment}")
            if anchored is None:
                raise ContractError(f"{where(self, base)}: the $ref {ref!r} dangles: there is no anchor {fragment!r}")
            return self.at(file, anchored)
        return self.at(file, prefix + fragment, base, ref)

    def at(self, file: str, pointer: str, base: Node | None = None, ref: str = "") -> Node:
        """Return the value at a pointer of a file."""
        node = self.load(file)
        for token in tokens(pointer):
            value = node.value
            if isinstance(value, dict) and token in value:
                node = node.child(token)
            elif isinstance(value, list) and token.isdigit() and int(token) < len(value):
                node = node.child(int(token))
            else:
                raise ContractError(
                    f"{where(self, base) if base else file}: the $ref {ref!r} dangles: {_short(file)} has no"
                    f" {escape(token)!r} under #{node.pointer}{_similar(token, value)}"
                )
        return node

    def _absolute(self, ref: str, base: Node) -> str:
        """Resolve a reference against the nearest ``$id`` above it, else against its file."""
        enclosing = base.file
        if self._embedded(base.file):
            value = self.data[base.file]
            for token in ["", *tokens(base.pointer)]:
                if token:
                    value = value[int(token)] if isinstance(value, list) else value[token]
                if isinstance(value, dict) and isinstance(value.get("$id"), str):
                    enclosing = urljoin(enclosing, value["$id"])
        return enclosing + ref if ref.startswith("#") else _join(enclosing, ref)

    def _embedded(self, file: str) -> dict[str, str]:
        """Map each ``$id`` and anchor of a file to its pointer (JSON Schema 2020-12, section 8.2)."""
        if file not in self._ids:
            self._ids[file] = {}
            if file in self.data or Path(file).is_file():
                _collect_ids(self.load(file), file, self._ids[file])
        return self._ids[file]


def _collect_ids(root: Node, base: str, found: dict[str, str]) -> None:
    stack = [(root, base)]
    while stack:
        node, base = stack.pop()
        value = node.value
        if isinstance(value, dict):
            if isinstance(value.get("$id"), str):
                base = urldefrag(_join(base, value["$id"]))[0]
                found[base] = node.pointer
            for key in ("$anchor", "$dynamicAnchor"):
                if isinstance(value.get(key), str):
                    found.setdefault(f"{base}#{value[key]}", node.pointer)
            stack += [
                (node.child(k), base)
                for k, v in value.items()
                if isinstance(v, (dict, list)) and k not in ("enum", "const", "example", "examples", "default")
            ]
        elif isinstance(value, list):
            stack += [(node.child(i), base) for i, v in enumerate(value) if isinstance(v, (dict, list))]


def _join(base: str, ref: str) -> str:
    """Join a reference to a base that is a URI or a file's path."""
    if "://" in base or "://" in ref:
        return urljoin(base, ref)
    path, hash_, fragment = ref.partition("#")
    file = str((Path(base).parent / unquote(path)).resolve()) if path else base
    return file + hash_ + fragment


def _plain(data: Any, name: str, path: tuple[Any, ...]) -> Any:
    """Check that a given document holds only what JSON holds, and make its keys strings."""
    if isinstance(data, dict):
        return {str(key): _plain(value, name, (*path, key)) for key, value in data.items()}
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
