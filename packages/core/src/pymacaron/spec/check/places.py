"""Lines and columns of many places of one file, which is scanned once for all of them."""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from pymacaron.exceptions import ContractError
from pymacaron.spec.document import tokens
from pymacaron.spec.parsing import read_text
from pymacaron.spec.position import JsonPositions, Position, json_positions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pymacaron.spec.document import Documents

NOWHERE: Position = (0, 0)

_MERGE = "<<"
_Child = tuple[yaml.Mark, yaml.Node]


class Places:
    """Finds the line and column (both from 1) of a pointer's key; ``(0, 0)`` where the document is no file."""

    def __init__(self, documents: Documents, file: str) -> None:
        self._find: Callable[[list[str]], Position] = lambda _: NOWHERE
        if file in documents.digests and Path(file).is_file():
            try:
                text = read_text(Path(file))
                self._find = _JsonPlaces(text).find if file.endswith(".json") else _YamlPlaces(text).find
            except (ContractError, yaml.YAMLError, IndexError):
                return  # The file was changed after it was parsed.

    def find(self, pointer: str) -> Position:
        """Find the deepest existing key of a pointer."""
        return self._find(tokens(pointer))


class _YamlPlaces:
    """Positions in a yaml text; each mapping's keys are indexed when first asked for."""

    def __init__(self, text: str) -> None:
        loader = yaml.CSafeLoader(text)
        try:
            self.root = loader.get_single_node()
        finally:
            loader.dispose()
        self.children: dict[int, dict[str, _Child]] = {}

    def find(self, path: list[str]) -> Position:
        if self.root is None:
            return 1, 1
        node, mark = self.root, self.root.start_mark
        for token in path:
            found = self.child(node, token)
            if found is None:
                break
            mark, node = found
        return mark.line + 1, mark.column + 1

    def child(self, node: yaml.Node, token: str) -> _Child | None:
        if isinstance(node, yaml.MappingNode):
            if id(node) not in self.children:
                self.children[id(node)] = dict(_entries(node))
            return self.children[id(node)].get(token)
        if isinstance(node, yaml.SequenceNode) and token.isdecimal() and int(token) < len(node.value):
            element = node.value[int(token)]
            return element.start_mark, element
        return None


def _entries(node: yaml.MappingNode) -> Iterator[tuple[str, _Child]]:
    """Yield the keys that ``<<`` merges in, then the mapping's own, which win."""
    for key, value in node.value:
        if key.value == _MERGE:
            for part in reversed(value.value) if isinstance(value, yaml.SequenceNode) else [value]:
                if isinstance(part, yaml.MappingNode):
                    yield from _entries(part)
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode) and key.value != _MERGE:
            yield key.value, (key.start_mark, value)


class _JsonPlaces:
    """Positions in a JSON text."""

    def __init__(self, text: str) -> None:
        self.positions: JsonPositions = json_positions(text)
        self.starts = [0, *(at + 1 for at, char in enumerate(text) if char == "\n")]

    def find(self, path: list[str]) -> Position:
        while path and tuple(path) not in self.positions.offsets:
            path = path[:-1]
        offset = self.positions.offsets.get(tuple(path), 0)
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1
