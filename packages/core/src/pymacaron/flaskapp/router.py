"""Which operation a path belongs to, found as Werkzeug's map would find it, only faster.

A router is compiled from all rules of an app's map: those that lead to operations and the others. It answers only
where it is sure of the map's own answer; everywhere else it has none, and the map decides. So a route of the user's
keeps its right of way, and redirects, ``HEAD`` and ``OPTIONS`` stay Flask's.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from werkzeug.routing import UnicodeConverter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from werkzeug.routing import Map, Rule


class Target(Protocol):
    """What a router leads to."""

    @property
    def method(self) -> str:
        """The HTTP method of the operation."""


T = TypeVar("T", bound=Target)

_VARIABLE = re.compile(r"<(?:(?P<converter>[a-zA-Z_]\w*)(?:\((?P<arguments>.*?)\))?:)?(?P<name>[a-zA-Z_]\w*)>")
_PLAIN = re.compile(r"<\w+>")


@dataclass(eq=False)
class Entry(Generic[T]):
    """Where a rule leads, what its variables are, and which other rules may claim the same path."""

    rule: Rule
    target: T
    positions: tuple[int, ...] = ()
    guards: list[re.Pattern[str]] = field(default_factory=list)

    def found(self, path: str, values: tuple[str, ...]) -> tuple[T, tuple[str, ...]] | None:
        """Return the target and the variables' values, or None where another rule may match the path too."""
        for guard in self.guards:
            if guard.match(path) is not None:
                return None
        return self.target, values


Leaf = dict[str, "Entry[T] | None"]
"""Entries by HTTP method; None where the map has to decide."""


class Node(Generic[T]):
    """A state of the router: what may follow a path's beginning."""

    __slots__ = ("any", "leaf", "texts")

    def __init__(self) -> None:
        self.texts: dict[str, Node[T]] = {}
        self.any: Node[T] | None = None
        self.leaf: Leaf[T] = {}

    def add(self, segments: list[str]) -> Leaf[T]:
        """Return the leaf for segments, of which those in angle brackets are variables."""
        node = self
        for segment in segments:
            if _PLAIN.fullmatch(segment):
                node.any = node.any or Node()
                node = node.any
            else:
                node = node.texts.setdefault(segment, Node())
        return node.leaf

    def walk(self, method: str, parts: list[str], index: int) -> Entry[T] | bool | None:
        """Follow the parts of a path, texts before variables; False stands for: the map has to decide."""
        if index == len(parts):
            if method not in self.leaf:
                return None
            return self.leaf[method] or False
        part = parts[index]
        node = self.texts.get(part)
        if node is not None:
            found = node.walk(method, parts, index + 1)
            if found is not None:
                return found
        if self.any is None or not part:
            return None
        return self.any.walk(method, parts, index + 1)


class Router(Generic[T]):
    """Finds targets by method and path.

    Args:
        url_map: the app's map.
        targets: by endpoint; what the map's other rules lead to is left to the map.
    """

    def __init__(self, url_map: Map, targets: Mapping[str, T]) -> None:
        self.fixed: dict[str, Leaf[T]] = {}
        self.root: Node[T] = Node()
        self.odd: list[tuple[re.Pattern[str], Entry[T]]] = []
        self._converters = url_map.converters
        rules = [rule for rule in url_map.iter_rules() if not (rule.build_only or rule.websocket)]
        entries = self._entries(rules, targets)
        guards = self._guards(rules)
        for rule in rules:
            self._add(rule, entries.get(rule.endpoint), guards)
        for rule in rules:
            self._add_slashed(rule)

    def find(self, method: str, path: str) -> tuple[T, tuple[str, ...]] | None:
        """Return the target of a request and the values of its rule's variables.

        None stands for both: there is no such target, and the map has to decide.

        Args:
            method: the HTTP method, in capitals.
            path: decoded, as Werkzeug decodes it.
        """
        if "//" in path or path[:1] != "/":
            return None
        leaf = self.fixed.get(path)
        if leaf is not None and method in leaf:
            entry = leaf[method]
            return None if entry is None else entry.found(path, ())
        parts = path.split("/")
        found = self.root.walk(method, parts, 1)
        if found is None:
            return self._find_odd(method, path) if self.odd else None
        if isinstance(found, bool):
            return None
        return found.found(path, tuple([parts[position] for position in found.positions]))

    def _find_odd(self, method: str, path: str) -> tuple[T, tuple[str, ...]] | None:
        for pattern, entry in self.odd:
            if entry.target.method == method:
                matched = pattern.fullmatch(path)
                if matched is not None:
                    return entry.found(path, matched.groups())
        return None

    def _entries(self, rules: list[Rule], targets: Mapping[str, T]) -> dict[str, Entry[T]]:
        """Return an entry for each target that one plain rule leads to."""
        if self._converters.get("default") is not UnicodeConverter:
            return {}
        counts = Counter(rule.endpoint for rule in rules)
        return {
            rule.endpoint: Entry(rule, targets[rule.endpoint], _positions(rule))
            for rule in rules
            if rule.endpoint in targets and counts[rule.endpoint] == 1 and _is_plain(rule)
        }

    def _guards(self, rules: list[Rule]) -> list[tuple[Rule, str, re.Pattern[str]]]:
        """Return a pattern, with the text it starts with, for each rule that is not made of texts and plain variables.

        It matches at least what the rule matches.
        """
        return [
            (rule, rule.rule.partition("<")[0], re.compile(self._pattern(rule.rule.rstrip("/")) + r"/?\Z", re.DOTALL))
            for rule in rules
            if not self._is_simple(rule)
        ]

    def _is_simple(self, rule: Rule) -> bool:
        plain = self._converters.get("default") is UnicodeConverter and rule.methods is not None and not rule.subdomain
        parts = rule.rule.split("/")
        return plain and "//" not in rule.rule and all("<" not in p or _PLAIN.fullmatch(p) for p in parts)

    def _pattern(self, rule: str) -> str:
        """Translate a rule to a pattern that matches no less."""
        made: list[str] = []
        position = 0
        for found in _VARIABLE.finditer(rule):
            made += re.escape(rule[position : found.start()]), self._variable(found["converter"] or "default")
            position = found.end()
        rest = rule[position:]
        return ".*" if "<" in rest else "".join([*made, re.escape(rest)]).replace("//", "/+")

    def _variable(self, converter: str) -> str:
        known = self._converters.get(converter)
        return "[^/]*" if known is not None and known.part_isolating else ".*"

    def _add(self, rule: Rule, entry: Entry[T] | None, guards: list[tuple[Rule, str, re.Pattern[str]]]) -> None:
        if entry is not None:
            entry.guards += _contenders(rule, entry.target.method, guards)
        if not self._is_simple(rule):
            if entry is not None:
                self.odd.append((_exact_pattern(rule.rule), entry))
            return
        leaf = self._leaf(rule.rule)
        for method in rule.methods or ():
            taken = method in leaf
            leaf[method] = entry if entry is not None and entry.target.method == method and not taken else None

    def _add_slashed(self, rule: Rule) -> None:
        """Leave to the map what it answers with a redirect to the path that has a slash at its end, or without one."""
        slashed = rule.rule.endswith("/")
        if rule.rule == "/" or not self._is_simple(rule) or (not slashed and rule.strict_slashes):
            return
        leaf = self._leaf(rule.rule[:-1] if slashed else f"{rule.rule}/")
        for method in rule.methods or ():
            leaf.setdefault(method, None)

    def _leaf(self, path: str) -> Leaf[T]:
        if "<" not in path:
            return self.fixed.setdefault(path, {})
        return self.root.add(path.split("/")[1:])


def _is_plain(rule: Rule) -> bool:
    """Tell whether a rule does nothing but match: no redirect, no defaults, variables of the default converter."""
    special = rule.redirect_to or rule.defaults or rule.alias or rule.subdomain or rule.host
    return not special and "//" not in rule.rule and "<" not in _PLAIN.sub("", rule.rule)


def _positions(rule: Rule) -> tuple[int, ...]:
    """Return which parts of a path are the values of a rule's variables."""
    return tuple(index for index, part in enumerate(rule.rule.split("/")) if part.startswith("<"))


def _contenders(rule: Rule, method: str, guards: list[tuple[Rule, str, re.Pattern[str]]]) -> Iterator[re.Pattern[str]]:
    """Yield the patterns of other rules that may match what a rule matches."""
    start = rule.rule.partition("<")[0]
    for other, text, pattern in guards:
        touches = text.startswith(start) or start.startswith(text.rstrip("/"))
        if other is not rule and touches and (other.methods is None or method in other.methods):
            yield pattern


def _exact_pattern(rule: str) -> re.Pattern[str]:
    """Translate a rule of texts and plain variables to a pattern that matches the same."""
    texts: Iterable[str] = _PLAIN.split(rule)
    return re.compile("([^/]+)".join(map(re.escape, texts)))
