"""``$ref``s, each resolved once, with the fault in the place of an exception."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pymacaron.exceptions import ContractError
from pymacaron.spec.document import Documents, Node, relative

from .finding import short

if TYPE_CHECKING:
    from .finding import Report

_LINE = re.compile(r":(\d+):(\d+)")


class _UnreadableError(ContractError):
    """The file that a reference leads to cannot be read or parsed."""

    def __init__(self, file: str, message: str) -> None:
        super().__init__(message)
        self.file = file


class _Silent(Documents):
    """Resolves references as the documents it stands for do, but names places without looking up their line.

    It has no digests of its own, so that a message about one of a thousand dangling references does not parse
    the file again.
    """

    def __init__(self, original: Documents) -> None:
        super().__init__(data=original.data)
        self.original = original
        self.failed: dict[str, _UnreadableError] = {}

    def load(self, file: str) -> Node:
        if file in self.failed:
            raise self.failed[file]
        try:
            return self.original.load(file)
        except ContractError as error:
            self.failed[file] = _UnreadableError(file, str(error))
            raise self.failed[file] from None


class References:
    """Follows references and reports those that cannot be followed.

    Attributes:
        used: every place that a reference from outside of it points at.
    """

    def __init__(self, documents: Documents, report: Report) -> None:
        self.documents = documents
        self.report = report
        self.used: set[tuple[str, str]] = set()
        self._silent = _Silent(documents)
        self._targets: dict[tuple[str, str], Node | None] = {}
        self._final: dict[tuple[str, str], Node | None] = {}

    def load(self, file: str) -> Node | None:
        """Return a file's root; None, and one fault, where it cannot be read."""
        try:
            return self.documents.load(file)
        except (ContractError, OSError, ValueError) as error:
            self.unreadable(file, str(error))
        return None

    def unreadable(self, file: str, text: str) -> None:
        """Report a file that cannot be read, at the place that the parser's message begins with."""
        rest = text.removeprefix(file)
        place = _LINE.match(rest)
        at = (int(place[1]), int(place[2])) if place else (1, 1)
        message, mend = _split(rest[place.end() if place else 0 :].removeprefix(":").strip())
        self.report.error(Node(file, "", None), "unreadable", message, mend, at=at)

    def target(self, node: Node) -> Node | None:
        """Return what the ``$ref`` of a mapping points at, one step on; None where it points at nothing."""
        key = (node.file, node.pointer)
        if key not in self._targets:
            self._targets[key] = target = self._resolve(node)
            if target is not None and not _within(node, target):
                self.used.add((target.file, target.pointer))
        return self._targets[key]

    def find(self, ref: str, base: Node) -> Node | None:
        """Return what a text points at, without a word where it is nothing."""
        try:
            return self._silent.resolve(ref, base)
        except (ContractError, OSError, ValueError):
            return None

    def follow(self, node: Node) -> Node | None:
        """Follow references until a value stands there; None where none does.

        A whole chain is remembered, so that following each of its members takes linear time.
        """
        chain: dict[tuple[str, str], Node] = {}
        current: Node | None = node
        while current is not None and is_reference(current):
            key = (current.file, current.pointer)
            if key in self._final:
                current = self._final[key]
                break
            if key in chain:
                self._circular(list(chain.values()), current)
                current = None
                break
            chain[key] = current
            current = self.target(current)
        for key in chain:
            self._final[key] = current
        return current

    def _circular(self, chain: list[Node], start: Node) -> None:
        names = [f"#{n.pointer}" for n in chain]
        circle = names[names.index(f"#{start.pointer}") :]
        shown = " -> ".join([*circle[:3], *(["..."] if len(circle) > 3 else []), circle[0]])
        self.report.error(
            start, "circular-ref", f"this $ref leads back to itself: {shown}", "point one of them at a definition"
        )

    def _resolve(self, node: Node) -> Node | None:
        ref, place = node.value["$ref"], node.child("$ref")
        try:
            return self._silent.resolve(ref, node)
        except _UnreadableError as error:
            self.unreadable(error.file, str(error))
        except ContractError as error:
            message, mend = _split(str(error).removeprefix(f"{relative(node.file)}#{node.pointer}: "))
            self.report.error(place, "remote-ref" if "another host" in message else "dangling-ref", message, mend)
        except (OSError, ValueError) as error:
            self.report.error(place, "dangling-ref", f"the $ref {short(ref)} is no path or URI: {error}")
        return None


def is_reference(node: Node) -> bool:
    """Tell whether a value is a mapping with a ``$ref``."""
    return isinstance(node.value, dict) and isinstance(node.value.get("$ref"), str)


def _within(node: Node, target: Node) -> bool:
    return node.file == target.file and (node.pointer + "/").startswith(target.pointer + "/")


def _split(text: str) -> tuple[str, str]:
    """Split a message of the parser into what is wrong and what to do about it."""
    message, _, mend = text.rpartition("; ")
    return (message, mend) if message else (text, "")
