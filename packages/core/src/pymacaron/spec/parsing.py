"""Texts of yaml and JSON to plain values.

Yaml is read with libyaml by the rules of YAML 1.2's core schema, as OpenAPI asks (OpenAPI 3.1, section 4.2): ``on``
and ``2020-01-01`` are strings, keys are always strings. A key given twice is refused.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import yaml
from yaml._yaml import CParser
from yaml.resolver import BaseResolver

from pymacaron.exceptions import ContractError

from .position import json_positions

if TYPE_CHECKING:
    from pathlib import Path

MAX_EXPANDED_NODES = 20_000_000
MAX_NESTING = 300

_TAG = "tag:yaml.org,2002:"


class _Loader(CParser, BaseResolver):
    """libyaml's parser with the tag rules of YAML 1.2's core schema, plus the merge key ``<<``."""

    def __init__(self, stream: str) -> None:
        CParser.__init__(self, stream)
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
    except ValueError as error:
        raise ContractError(f"{file}: it has a number that is too long: {error}") from None
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
