"""Which ECMA-262 patterns Python's own engine may run, and how they are written for it.

``pattern`` means ECMA-262 (JSON Schema 2020-12, section 6.4): ``$`` is the very end, ``\\d`` is ASCII, and the
pattern may match anywhere. Python's engine backtracks, so it gets only patterns in which every step is determined by
the next character (the Glushkov automaton is deterministic) and which are either anchored or bounded: those run in
linear time. All others are left to the linear-time engine of jsonschema-rs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import NoReturn

Ranges = tuple[tuple[int, int], ...]

_TOP = 0x10FFFF
_MAX_POSITIONS = 200
_DIGIT: Ranges = ((48, 57),)
_WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_CONTROL = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
_QUANTIFIER = re.compile(r"\{(\d{1,4})(?:(,)(\d{1,4})?)?\}")


class _Unsuited(Exception):
    """The pattern holds something that this module leaves to the other engine."""


def _negate(ranges: Ranges) -> Ranges:
    made, start = [], 0
    for low, high in sorted(ranges):
        if low > start:
            made.append((start, low - 1))
        start = max(start, high + 1)
    return (*made, (start, _TOP)) if start <= _TOP else tuple(made)


def _overlap(a: Ranges, b: Ranges) -> bool:
    return any(x[0] <= y[1] and y[0] <= x[1] for x in a for y in b)


@dataclass
class _Part:
    """A piece of a pattern: the positions it may begin and end with, and its text for Python."""

    first: set[int]
    last: set[int]
    nullable: bool
    text: str


@dataclass
class _Parser:
    """Recursive descent over a pattern that builds its Glushkov automaton on the way."""

    source: str
    at: int = 0
    chars: list[Ranges] = field(default_factory=list)
    follow: list[set[int]] = field(default_factory=list)
    unbounded: bool = False
    anchored: bool = True

    def peek(self) -> str:
        return self.source[self.at : self.at + 1]

    def take(self) -> str:
        if self.at >= len(self.source):
            self.fail()
        self.at += 1
        return self.source[self.at - 1]

    def fail(self) -> NoReturn:
        raise _Unsuited

    def pattern(self) -> str:
        """Parse alternatives at the top, the only place where anchors are understood."""
        texts, firsts = [], []
        while True:
            start = self.peek() == "^"
            self.at += start
            self.anchored &= start
            part = self.sequence()
            end = self.peek() == "$"
            self.at += end
            texts.append(("\\A" if start else "") + part.text + ("\\Z" if end else ""))
            firsts.append(part.first)
            if not self.peek():
                break
            if self.take() != "|":
                self.fail()
        self.distinct([i for first in firsts for i in first])
        return "|".join(texts)

    def alternatives(self) -> _Part:
        parts = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            parts.append(self.sequence())
        self.distinct([i for p in parts for i in p.first])
        if sum(p.nullable for p in parts) > 1:
            self.fail()
        return _Part(
            set().union(*(p.first for p in parts)),
            set().union(*(p.last for p in parts)),
            any(p.nullable for p in parts),
            "|".join(p.text for p in parts),
        )

    def sequence(self) -> _Part:
        made = _Part(set(), set(), True, "")
        while self.peek() and self.peek() not in "|)$":
            part = self.quantified()
            for i in made.last:
                self.follow[i] |= part.first
            made = _Part(
                made.first | part.first if made.nullable else made.first,
                made.last | part.last if part.nullable else part.last,
                made.nullable and part.nullable,
                made.text + part.text,
            )
        return made

    def quantified(self) -> _Part:
        part = self.atom()
        sign = self.peek()
        bounds = _QUANTIFIER.match(self.source, self.at)
        if sign in ("*", "+", "?") and sign:
            self.at += 1
            low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
            text = sign
        elif bounds:
            self.at = bounds.end()
            low = int(bounds[1])
            high = (int(bounds[3]) if bounds[3] else None) if bounds[2] else low
            text = bounds[0]
        else:
            return part
        return self.repeated(part, low, high, text)

    def repeated(self, part: _Part, low: int, high: int | None, text: str) -> _Part:
        if self.peek() in ("?", "+", "*", "{") and self.peek():
            self.fail()
        if part.nullable or (high is not None and (high < low or high > 1000)):
            self.fail()
        if high is None or high > 1:
            self.unbounded |= high is None
            for i in part.last:
                # A step that is there already could be taken in two ways: (a+)+ is exponential.
                if self.follow[i] & part.first:
                    self.fail()
                self.follow[i] |= part.first
        return _Part(part.first, part.last, low == 0, part.text + text)

    def atom(self) -> _Part:
        char = self.take()
        if char == "(":
            if self.source.startswith("?:", self.at):
                self.at += 2
            elif self.peek() == "?":
                self.fail()
            inner = self.alternatives()
            if self.take() != ")":
                self.fail()
            return _Part(inner.first, inner.last, inner.nullable, f"(?:{inner.text})")
        if char == "[":
            return self.position(self.char_class())
        if char == "\\":
            return self.position(self.escape(in_class=False))
        if char in "^$.*+?{}|)]":
            self.fail()
        return self.position(((ord(char), ord(char)),))

    def char_class(self) -> Ranges:
        negated = self.peek() == "^"
        self.at += negated
        ranges: list[tuple[int, int]] = []
        while self.peek() != "]":
            low = self.class_member()
            if self.peek() == "-" and self.source[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                high = self.class_member()
                if len(low) != 1 or len(high) != 1 or low[0][0] != low[0][1] or low[0][0] > high[0][0]:
                    self.fail()
                low = ((low[0][0], high[0][1]),)
            ranges += low
        self.at += 1
        if not ranges:
            self.fail()
        return _negate(tuple(ranges)) if negated else tuple(sorted(ranges))

    def class_member(self) -> Ranges:
        char = self.take()
        return self.escape(in_class=True) if char == "\\" else ((ord(char), ord(char)),)

    def escape(self, in_class: bool) -> Ranges:
        char = self.take()
        if char in "dD":
            return _DIGIT if char == "d" else _negate(_DIGIT)
        if char in "wW":
            return _WORD if char == "w" else _negate(_WORD)
        if char in _CONTROL and not self.peek().isdigit():
            return ((ord(_CONTROL[char]), ord(_CONTROL[char])),)
        if char in "xu":
            digits = self.source[self.at : self.at + (2 if char == "x" else 4)]
            if not re.fullmatch(r"[0-9a-fA-F]{2}|[0-9a-fA-F]{4}", digits) or 0xD800 <= int(digits, 16) <= 0xDFFF:
                self.fail()
            self.at += len(digits)
            return ((int(digits, 16), int(digits, 16)),)
        if char.isalnum() or char == "_":
            self.fail()
        return ((ord(char), ord(char)),)

    def position(self, ranges: Ranges) -> _Part:
        if len(self.chars) >= _MAX_POSITIONS or not ranges:
            self.fail()
        self.chars.append(ranges)
        self.follow.append(set())
        index = len(self.chars) - 1
        return _Part({index}, {index}, False, _class_text(ranges))

    def distinct(self, positions: list[int]) -> None:
        """Refuse a choice between positions that one character could satisfy both of."""
        spans = sorted((low, high) for i in set(positions) for low, high in self.chars[i])
        if len(positions) != len(set(positions)) or any(a[1] >= b[0] for a, b in pairwise(spans)):
            self.fail()


def _class_text(ranges: Ranges) -> str:
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return re.escape(chr(ranges[0][0]))
    return "[" + "".join(_span(low, high) for low, high in ranges) + "]"


def _span(low: int, high: int) -> str:
    return f"\\U{low:08x}" + (f"-\\U{high:08x}" if high > low else "")


@lru_cache(maxsize=4096)
def python_pattern(pattern: str) -> str | None:
    """Translate an ECMA-262 pattern for :func:`re.search`; None where Python's engine must not run it."""
    parser = _Parser(pattern)
    try:
        text = parser.pattern()
        for following in parser.follow:
            parser.distinct(list(following))
    except (_Unsuited, RecursionError):
        return None
    if parser.unbounded and not parser.anchored:
        return None
    return text
