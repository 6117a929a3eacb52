"""Texts that match a pattern of ECMA-262, as JSON Schema's ``pattern`` has them (2020-12, section 6.4).

Lookarounds and word boundaries are read and then passed over: what is made need not match, and the caller checks it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from ..exceptions import UnitError

if TYPE_CHECKING:
    from random import Random

Span = tuple[int, int]

_LETTERS: tuple[Span, ...] = ((97, 122), (65, 90))
_DIGITS: tuple[Span, ...] = ((48, 57),)
_CLASSES: dict[str, tuple[Span, ...]] = {
    "d": _DIGITS,
    "w": (*_LETTERS, *_DIGITS, (95, 95)),
    "s": ((32, 32),),
    "D": (*_LETTERS, (45, 45)),
    "W": ((45, 45), (32, 32)),
    "S": (*_LETTERS, *_DIGITS),
}
_PROPERTIES = {"N": _DIGITS, "Nd": _DIGITS, "Lu": ((65, 90),), "Ll": ((97, 122),), "P": ((45, 45),), "Z": ((32, 32),)}
_CONTROL = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
_BOUNDS = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_NAME = re.compile(r"\?P?<([A-Za-z_]\w*)>")
# Where a negated class is chosen from, the plainest first.
_PRINTABLE: tuple[Span, ...] = (*_LETTERS, *_DIGITS, (32, 47), (58, 64), (91, 96), (123, 126), (160, 255))


class PatternError(UnitError):
    """A pattern is none that this module can read."""


@dataclass
class Writing:
    """A text while it is made: what it is chosen by, how often loops go beyond their least, and its groups."""

    random: Random | None
    more: int
    groups: dict[str, str] = field(default_factory=dict)

    def index(self, count: int) -> int:
        """Choose one of so many; the first where nothing is left to chance."""
        return self.random.randrange(count) if self.random is not None else 0

    def times(self, low: int, high: int | None) -> int:
        """Choose how often a loop is run."""
        top = low + self.more if high is None else min(high, low + self.more)
        return self.random.randint(low, top) if self.random is not None else top


class Node:
    """A part of a pattern; this one matches nothing but the empty text."""

    def write(self, to: Writing) -> str:
        """Return a text for it."""
        return ""


@dataclass
class Chars(Node):
    """One of several characters."""

    spans: tuple[Span, ...]

    def write(self, to: Writing) -> str:
        """Return one character."""
        low, high = self.spans[to.index(len(self.spans))]
        return chr(low + to.index(high - low + 1))


@dataclass
class Sequence(Node):
    """Parts one after the other."""

    parts: list[Node]

    def write(self, to: Writing) -> str:
        """Return the texts of all parts."""
        return "".join([part.write(to) for part in self.parts])


@dataclass
class Choice(Node):
    """One of several parts."""

    parts: list[Node]

    def write(self, to: Writing) -> str:
        """Return the text of one part."""
        return self.parts[to.index(len(self.parts))].write(to)


@dataclass
class Loop(Node):
    """A part several times."""

    part: Node
    low: int
    high: int | None

    def write(self, to: Writing) -> str:
        """Return the texts of its runs."""
        return "".join([self.part.write(to) for _ in range(to.times(self.low, self.high))])


@dataclass
class Group(Node):
    """A part whose text is kept."""

    part: Node
    names: list[str]

    def write(self, to: Writing) -> str:
        """Return the text of the part."""
        made = self.part.write(to)
        to.groups.update(dict.fromkeys(self.names, made))
        return made


@dataclass
class Again(Node):
    """The text of a group once more."""

    name: str

    def write(self, to: Writing) -> str:
        """Return what the group was."""
        return to.groups.get(self.name, "")


class Parser:
    """Reads a pattern."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.count = 0

    def read(self) -> Node:
        """Return the whole pattern.

        Raises:
            PatternError: it has a construct that is not known.
        """
        made = self.choice()
        if self.at < len(self.source):
            raise self.error()
        return made

    def error(self) -> PatternError:
        """Say where reading ended."""
        return PatternError(f"the pattern {self.source!r} cannot be followed from character {self.at + 1} on")

    def peek(self, text: str) -> bool:
        """Tell whether a text comes next, and pass it."""
        found = self.source.startswith(text, self.at)
        self.at += len(text) if found else 0
        return found

    def take(self) -> str:
        """Return the next character."""
        if self.at >= len(self.source):
            raise self.error()
        self.at += 1
        return self.source[self.at - 1]

    def choice(self) -> Node:
        """Read alternatives."""
        parts: list[Node] = [self.sequence()]
        while self.peek("|"):
            parts.append(self.sequence())
        return parts[0] if len(parts) == 1 else Choice(parts)

    def sequence(self) -> Sequence:
        """Read parts until an alternative or a group ends."""
        parts = []
        while self.at < len(self.source) and self.source[self.at] not in "|)":
            parts.append(self.loop(self.part()))
        return Sequence(parts)

    def loop(self, part: Node) -> Node:
        """Read how often a part comes; lazy or not is all the same here."""
        bounds = _BOUNDS.match(self.source, self.at)
        if bounds:
            self.at = bounds.end()
            low = int(bounds[1])
            high = low if not bounds[2] else int(bounds[3]) if bounds[3] else None
        elif self.peek("*"):
            low, high = 0, None
        elif self.peek("+"):
            low, high = 1, None
        elif self.peek("?"):
            low, high = 0, 1
        else:
            return part
        self.peek("?")
        return Loop(part, low, high)

    def part(self) -> Node:
        """Read one character, class, group or assertion."""
        char = self.take()
        if char in "^$":
            return Node()
        if char == "(":
            return self.group()
        if char == "[":
            return Chars(self.char_class())
        if char == ".":
            return Chars((*_LETTERS, *_DIGITS))
        return self.escape() if char == "\\" else Chars(((ord(char), ord(char)),))

    def group(self) -> Node:
        """Read a group, its bracket passed already."""
        silent = any(self.peek(sign) for sign in ("?=", "?!", "?<=", "?<!"))
        names = [] if silent or self.peek("?:") else self.names()
        inner = self.choice()
        if not self.peek(")"):
            raise self.error()
        return Node() if silent else Group(inner, names)

    def names(self) -> list[str]:
        """Return what a group is called: its number, and its name where it has one."""
        self.count += 1
        found = _NAME.match(self.source, self.at)
        self.at = found.end() if found else self.at
        return [str(self.count), *([found[1]] if found else [])]

    def escape(self) -> Node:
        """Read what follows a backslash."""
        char = self.take()
        if char in "bB":
            return Node()
        if char in "123456789":
            return Again(char)
        if char == "k" and self.peek("<"):
            end = self.source.index(">", self.at)
            name, self.at = self.source[self.at : end], end + 1
            return Again(name)
        return Chars(self.escaped(char))

    def escaped(self, char: str) -> tuple[Span, ...]:
        """Return the characters of an escape that stands for some."""
        if char in _CLASSES:
            return _CLASSES[char]
        if char in "pP" and self.peek("{"):
            end = self.source.find("}", self.at)
            name, self.at = self.source[self.at : end].rpartition("=")[2], end + 1
            spans: tuple[Span, ...] = _PROPERTIES.get(name, _LETTERS)
            return _without(spans) if char == "P" else spans
        code = self.code(char)
        return ((code, code),)

    def code(self, char: str) -> int:
        """Return the code point of an escape that stands for one character."""
        found = re.compile(r"\{([0-9a-fA-F]+)\}|([0-9a-fA-F]{4})" if char == "u" else r"(..)").match(
            self.source, self.at
        )
        if char in "ux" and found:
            self.at = found.end()
            return int(next(filter(None, found.groups())), 16)
        return ord(_CONTROL.get(char, char))

    def char_class(self) -> tuple[Span, ...]:
        """Read a class, its bracket passed already."""
        negated = self.peek("^")
        spans: list[Span] = []
        while not self.peek("]"):
            low = self.member()
            if len(low) == 1 and self.source[self.at : self.at + 1] == "-" and self.source[self.at + 1 :][:1] != "]":
                self.at += 1
                low = ((low[0][0], self.member()[-1][1]),)
            spans += low
        if not spans or any(low > high for low, high in spans):
            raise self.error()
        return _without(tuple(spans)) if negated else tuple(spans)

    def member(self) -> tuple[Span, ...]:
        """Read one member of a class."""
        char = self.take()
        if char == "\\":
            following = self.take()
            return ((8, 8),) if following == "b" else self.escaped(following)
        return ((ord(char), ord(char)),)


def _without(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Return printable characters outside of some spans."""
    codes = [code for low, high in _PRINTABLE for code in range(low, high + 1)]
    return tuple((code, code) for code in codes if not any(low <= code <= high for low, high in spans)) or ((0, 0),)


@lru_cache(maxsize=1024)
def _parsed(pattern: str) -> Node:
    return Parser(pattern).read()


def pattern_text(pattern: str, more: int = 0, random: Random | None = None) -> str:
    """Return a text that is likely to match a pattern.

    Args:
        pattern: by ECMA-262.
        more: how many times loops are run beyond the least.
        random: what choices are made by; without it the first alternative and character is taken each time.

    Raises:
        PatternError: the pattern has a construct that is not known.
    """
    return _parsed(pattern).write(Writing(random, more))
