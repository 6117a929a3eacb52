"""A contract of several files as one document, for readers that cannot open the others, such as a browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pymacaron.exceptions import ContractError

from .document import Documents

if TYPE_CHECKING:
    from .document import Node

#: Where the other files stand in the document.
FILES = "x-pym-files"


def bundle(path: str | Path) -> Any:
    """Return a document in which every ``$ref`` points into the document itself.

    Raises:
        ContractError: a file cannot be read.
    """
    documents = Documents()
    root = documents.load(str(Path(path).resolve()))
    made = _Bundler(documents, root)
    value = made.copy(root)
    while made.waiting:
        other = made.waiting.pop()
        made.files[made.names[other.file]] = made.copy(other)
    return {**value, FILES: made.files} if made.files else value


class _Bundler:
    """Copies documents, with references turned to where their targets stand in the bundle."""

    def __init__(self, documents: Documents, root: Node) -> None:
        self.documents = documents
        self.root = root
        self.names: dict[str, str] = {}
        self.files: dict[str, Any] = {}
        self.waiting: list[Node] = []

    def copy(self, node: Node) -> Any:
        value = node.value
        if isinstance(value, list):
            return [self.copy(child) for child in node.elements()]
        if not isinstance(value, dict):
            return value
        made = {key: self.copy(child) for key, child in node.items()}
        if isinstance(value.get("$ref"), str):
            made["$ref"] = self.reference(value["$ref"], node)
        return made

    def reference(self, ref: str, node: Node) -> str:
        """Return a reference as it reads in the bundle; one that leads nowhere, in an example, stays."""
        try:
            target = self.documents.resolve(ref, node)
        except ContractError:
            return ref
        pointer = quote(target.pointer, safe="/~!$&'()*+,;=:@")
        return f"#{pointer}" if target.file == self.root.file else f"#/{FILES}/{self.name(target.file)}{pointer}"

    def name(self, file: str) -> str:
        if file not in self.names:
            self.names[file] = str(len(self.names) + 1)
            self.waiting.append(self.documents.load(file))
        return self.names[file]
