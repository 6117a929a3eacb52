"""Values made along schemas; who asks for them checks them.

A value is made for several schemas at once, all of which it must follow: what ``allOf``, references and chosen branches
say is laid side by side first. Choices that lead nowhere are made anew.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from pymacaron.codec.merging import given
from pymacaron.contract import Schema

from .flat_schemas import Flat, Impossible
from .numbers import Range
from .objects import ObjectMaker
from .patterns import PatternError, pattern_text
from .texts import FORMATS, GUESSES, padded, word

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from pymacaron.codec.lowering import Direction
    from pymacaron.codec.types import Types

AnySchema = Schema | bool

KINDS = ("string", "object", "array", "integer", "number", "boolean", "null")
_SPEAKS_OF = {
    "object": {
        "properties", "required", "additional_properties", "pattern_properties", "property_names", "min_properties",
        "max_properties", "dependent_required", "dependent_schemas", "unevaluated_properties",
    },
    "array": {
        "items", "prefix_items", "contains", "min_items", "max_items", "unique_items", "unevaluated_items",
        "min_contains", "max_contains",
    },
    "string": {"min_length", "max_length", "pattern", "format"},
    "number": {"minimum", "maximum", "exclusive_minimum", "exclusive_maximum", "multiple_of"},
}  # fmt: skip
_TRIES = 8
_STEPS = 4000
_DEEPEST = 60
_SAME_AGAIN = 3


class Exhausted(Exception):
    """Too many steps were taken for one value."""


class Maker:
    """Makes one value.

    Args:
        types: of the contract.
        direction: what the value is part of.
        given: returns values that a contract itself gives for a schema.
        random: what choices are made by; without it the plainest is chosen.
        fallback: what choices are made by once the plainest led nowhere.
        trusting: whether parts of the value are not checked by themselves, which needs a validator for each.
    """

    def __init__(
        self,
        types: Types,
        direction: Direction,
        given: Callable[[AnySchema], Sequence[Any]],
        random: Random | None,
        fallback: Random,
        trusting: bool = False,
    ) -> None:
        self.types = types
        self.direction: Direction = direction
        self.given = given
        self.random = random
        self.fallback = fallback
        self.trusting = trusting
        self.steps = 0
        self.depth = 0
        self.open: Counter[str] = Counter()
        self.objects = ObjectMaker(self)

    def make(self, schemas: Sequence[AnySchema], spare: bool = False) -> Any:
        """Return a value that is meant to follow all schemas.

        Args:
            schemas: those.
            spare: whether it can be done without: then schemas within themselves are not gone into.

        Raises:
            Impossible: none was found.
            Exhausted: too many steps were taken.
        """
        self.steps += 1
        if self.steps > _STEPS:
            raise Exhausted
        found = self._from_contract(schemas)
        if found is not UNSET:
            return found
        kept, failure = self.random, Impossible()
        try:
            for attempt in range(_TRIES):
                if attempt:
                    self.random = self.fallback
                flat = Flat(self)
                try:
                    made = self._attempt(flat, schemas, spare)
                except Impossible as error:
                    failure = error
                    if not flat.chose and self.random is None:
                        raise
                else:
                    if not flat.unsure or self.depth == 0 or self.accepts(schemas, made):
                        return made
        finally:
            self.random = kept
        raise failure

    def _attempt(self, flat: Flat, schemas: Sequence[AnySchema], spare: bool) -> Any:
        for schema in schemas:
            flat.add(schema)
        if self.depth > _DEEPEST or any(self.open[name] >= (1 if spare else _SAME_AGAIN) for name in flat.names):
            raise Impossible
        self.depth += 1
        self.open.update(flat.names)
        try:
            return self._build(flat)
        finally:
            self.depth -= 1
            self.open.subtract(flat.names)

    def accepts(self, schemas: Sequence[AnySchema], value: Any) -> bool:
        """Tell whether a value follows all schemas, by core's own judgement; assume so where parts are trusted."""
        return self.trusting or all(self.types.codec(schema, self.direction).accepts(value) for schema in schemas)

    def _from_contract(self, schemas: Sequence[AnySchema]) -> Any:
        """Return a value that the contract gives; UNSET where it gives none that fits."""
        if self.random is not None and self.random.random() < 0.7:
            return UNSET
        values = [value for schema in schemas for value in self.given(schema)]
        for value in values if self.random is None else self.random.sample(values, len(values)):
            pruned = self.pruned(schemas[0], value)
            if self.accepts(schemas, pruned):
                return pruned
        return UNSET

    def pruned(self, schema: AnySchema, value: Any) -> Any:
        """Return a value without what does not travel in this direction; what cannot be pruned stays as it is."""
        if not isinstance(value, (dict, list)):
            return value
        try:
            return self.types.codec(schema, self.direction).dump(value)
        except ValueError:
            return value

    # Scalars and arrays; objects are made_objects' part.

    def _build(self, flat: Flat) -> Any:
        fixed = [part.enum if part.enum is not None else (part.const,) for part in flat.parts if _is_fixed(part)]
        if fixed:
            return self._one_of(fixed[0], flat.parts)
        kinds = self._kinds(flat.parts)
        if not kinds:
            raise Impossible
        kind = kinds[0] if self.random is None else self.random.choice(kinds)
        if kind == "null":
            return None
        if kind == "boolean":
            return self.random is None or self.random.random() < 0.5
        if kind in ("integer", "number"):
            return self._number(kind, flat)
        if kind == "string":
            return self._text(flat)
        return self._array(flat) if kind == "array" else self.objects.make(flat)

    def _one_of(self, values: Sequence[Any], parts: Sequence[Schema]) -> Any:
        fitting = [value for value in values if self.accepts(parts, value)]
        if not fitting:
            raise Impossible
        plain = [value for value in fitting if value is not None] or fitting
        return plain[0] if self.random is None else self.random.choice(fitting)

    def _kinds(self, parts: Sequence[Schema]) -> list[str]:
        """Return the JSON types that all parts allow, that which their keywords speak of first."""
        allowed = [kind for kind in KINDS if all(_allows(part, kind) for part in parts)]
        if "number" in allowed and "integer" in allowed:
            allowed.remove("integer")  # A number is one where that is plainer.
        keywords = {keyword for part in parts for keyword in given(part)}
        said = [kind for kind, words in _SPEAKS_OF.items() if not words.isdisjoint(keywords)]
        spoken = [kind for kind in allowed if kind in said or (kind == "integer" and "number" in said)]
        if spoken and (self.random is None or not any(part.type for part in parts)):
            return spoken
        named = [kind for part in parts for kind in part.type if kind in allowed and kind != "null"]
        return named if named and self.random is None else allowed

    def _number(self, kind: str, flat: Flat) -> Any:
        made = Range(flat.parts).number(kind == "integer", self.random)
        if made is None:
            raise Impossible
        flat.chose |= self._is_custom(flat.parts)
        return made

    def _is_custom(self, parts: Sequence[Schema]) -> bool:
        return any(self.types.formats.get(part.format) is not None for part in parts)

    def _text(self, flat: Flat) -> str:
        low = max((part.min_length or 0 for part in flat.parts), default=0)
        high = min((part.max_length for part in flat.parts if part.max_length is not None), default=None)
        patterns = [part.pattern for part in flat.parts if part.pattern is not None]
        formats = [part.format for part in flat.parts if part.format is not None]
        texts = [part for part in flat.parts if part.pattern is not None or part.format is not None]
        if not texts:
            if high is not None and low > high:
                raise Impossible
            return word(low, high, self.random)
        for made in self._candidates(patterns, formats, low, high):
            if low <= len(made) and (high is None or len(made) <= high) and self.accepts(texts, made):
                return made
        flat.chose = True
        raise Impossible

    def _candidates(self, patterns: list[str], formats: list[str], low: int, high: int | None) -> list[str]:
        made: list[str] = []
        for format in formats:
            if format in FORMATS:
                numbers = [0] if self.random is None else [self.random.randrange(100_000) for _ in range(2)]
                made += [padded(FORMATS[format](number), format, low) for number in (*numbers, 0, 1)]
            elif self.types.formats.get(format) is not None:
                made += GUESSES
        for pattern in patterns:
            made += self._matching(pattern, low)
        return [*made, word(low, high, self.random), *(GUESSES if patterns else ())]

    def _matching(self, pattern: str, low: int) -> list[str]:
        try:
            plain = [pattern_text(pattern, more) for more in (0, 1, 2, low)] if self.random is None else []
            chance = [pattern_text(pattern, (0, 1, 2, 4, low)[n % 5], self.fallback) for n in range(60)]
        except PatternError:
            return []
        made = plain + chance
        ends = [text for text in made if 0 < len(text) < low]
        return [
            *made,
            *(text + word(low - len(text), None) for text in ends[:3]),
            *("x" * (low - len(t)) + t for t in ends[:3]),
        ]

    def _array(self, flat: Flat) -> list[Any]:
        low, high = self._sizes(flat.parts)
        if high is not None and low > high:
            raise Impossible
        wanted = [part for part in flat.parts if part.contains is not None and part.min_contains != 0]
        made: list[Any] = []
        for part in wanted:
            for _ in range(part.min_contains or 1):
                made.append(self._element(flat, made, [part.contains if part.contains is not None else True], False))
        length = self._length(flat, max(low, len(made)), high)
        while len(made) < length:
            spare = len(made) >= low
            try:
                made.append(self._element(flat, made, (), spare))
            except Impossible:
                if not spare:
                    raise
                break
        return made

    def _sizes(self, parts: Sequence[Schema]) -> tuple[int, int | None]:
        low = max((part.min_items or 0 for part in parts), default=0)
        highs = [part.max_items for part in parts if part.max_items is not None]
        highs += [len(part.prefix_items) for part in parts if part.items is False]
        if any(part.unevaluated_items is False for part in parts) and not any(part.items for part in parts):
            highs.append(max(low, *(len(part.prefix_items) for part in parts)))
        return low, min(highs, default=None)

    def _length(self, flat: Flat, low: int, high: int | None) -> int:
        """Choose a length: one element where that says more than none."""
        few = any(part.max_contains is not None for part in flat.parts)
        wished = low if few else max(low, 1, *(len(part.prefix_items) for part in flat.parts))
        if self.random is not None:
            wished = self.random.randint(low, wished + (0 if few else 2))
        return wished if high is None else min(wished, high)

    def _element(self, flat: Flat, made: list[Any], also: Sequence[AnySchema], spare: bool) -> Any:
        schemas = [*also, *(schema for part in flat.parts for schema in _item(part, len(made)))] or [True]
        unique = any(part.unique_items for part in flat.parts)
        found = self.make(schemas, spare)
        kept = self.random
        self.random = self.fallback if unique and found in made else kept
        try:
            for _ in range(20):
                if not unique or not any(_same(found, other) for other in made):
                    return found
                found = self.make(schemas, spare)
        finally:
            self.random = kept
        raise Impossible


def _is_fixed(part: Schema) -> bool:
    return part.enum is not None or part.const is not UNSET


def _allows(part: Schema, kind: str) -> bool:
    """Tell whether a schema allows values of a JSON type, as far as that is plain to see."""
    refused = part.not_
    if isinstance(refused, Schema) and set(given(refused)) == {"type"} and kind in refused.type:
        return False
    return not part.type or kind in part.type or (kind == "integer" and "number" in part.type)


def _item(part: Schema, index: int) -> list[AnySchema]:
    if index < len(part.prefix_items):
        return [part.prefix_items[index]]
    found = part.items if part.items is not None else part.unevaluated_items
    return [] if found is None or found is True else [found]


def _same(a: Any, b: Any) -> bool:
    return bool(a == b) and isinstance(a, bool) == isinstance(b, bool)
