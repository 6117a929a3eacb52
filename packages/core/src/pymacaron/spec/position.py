"""Where a key stands in a text: line and column (both from 1) of a JSON pointer's target.

Only faults ask, so the text is scanned again then instead of carrying positions all along.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from json.decoder import scanstring  # type: ignore[attr-defined]  # public in CPython's json, missing from typeshed

import yaml

Position = tuple[int, int]

_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"[^\s,\]}]+")


def yaml_position(text: str, path: list[str]) -> Position | None:
    """Find the deepest existing key of a path in a yaml text; None where the text is empty."""
    loader = yaml.CSafeLoader(text)
    try:
        node = loader.get_single_node()
    finally:
        loader.dispose()
    if node is None:
        return None
    mark = node.start_mark
    for token in path:
        found = _yaml_child(node, token)
        if found is None:
            break
        mark, node = found
    return mark.line + 1, mark.column + 1


def _yaml_child(node: yaml.Node, token: str) -> tuple[yaml.Mark, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == token:
                return key.start_mark, value
    elif isinstance(node, yaml.SequenceNode) and token.isdecimal() and int(token) < len(node.value):
        child = node.value[int(token)]
        return child.start_mark, child
    return None


@dataclass
class JsonPositions:
    """Offsets of every key and element of a JSON text, and of the first key that stands twice."""

    text: str
    offsets: dict[tuple[str, ...], int] = field(default_factory=dict)
    duplicate: Position | None = None

    def position(self, offset: int) -> Position:
        """Turn an offset into line and column."""
        starts = [0, *(m.end() for m in re.finditer("\n", self.text[:offset]))]
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def find(self, path: list[str]) -> Position:
        """Find the deepest existing key of a path."""
        while path and tuple(path) not in self.offsets:
            path = path[:-1]
        return self.position(self.offsets.get(tuple(path), 0))


def json_positions(text: str) -> JsonPositions:
    """Scan a JSON text that is known to parse."""
    found = JsonPositions(text)
    _value(found, _skip(text, 0), ())
    return found


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _value(found: JsonPositions, at: int, path: tuple[str, ...]) -> int:
    """Scan the value at an offset; return the offset after it."""
    text = found.text
    if text[at] in "{[":
        return _container(found, at, path)
    if text[at] == '"':
        end: int = scanstring(text, at + 1)[1]
        return end
    match = _SCALAR.match(text, at)
    return match.end() if match else at + 1


def _container(found: JsonPositions, at: int, path: tuple[str, ...]) -> int:
    text, index = found.text, 0
    close = "}" if text[at] == "{" else "]"
    at = _skip(text, at + 1)
    while text[at] != close:
        start, token = at, str(index)
        if close == "}":
            token, at = scanstring(text, at + 1)
            if (*path, token) in found.offsets and found.duplicate is None:
                found.duplicate = found.position(start)
            at = _skip(text, _skip(text, at) + 1)
        found.offsets[(*path, token)] = start
        at = _skip(text, _value(found, at, (*path, token)))
        if text[at] == ",":
            at = _skip(text, at + 1)
        index += 1
    return at + 1
