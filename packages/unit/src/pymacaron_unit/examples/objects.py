"""Objects made along schemas."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pymacaron.codec.patterns import python_pattern
from pymacaron.contract import Schema

from .flat_schemas import Impossible
from .patterns import PatternError, pattern_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .flat_schemas import Flat
    from .values import Maker

AnySchema = Schema | bool

# From so many steps or so deep on, objects have only what they must have.
_MANY_STEPS = 300
_DEEP = 8
_TEXT = Schema(type=("string",))


class ObjectMaker:
    """Makes the objects of a :class:`~pymacaron_unit.examples.values.Maker`."""

    def __init__(self, maker: Maker) -> None:
        self.maker = maker

    def make(self, flat: Flat) -> dict[str, Any]:
        """Return an object that is meant to follow all parts."""
        needed = self._needed(flat)
        low = max((part.min_properties or 0 for part in flat.parts), default=0)
        high = min((part.max_properties for part in flat.parts if part.max_properties is not None), default=None)
        if high is not None and (len(needed) > high or low > high):
            raise Impossible
        made = {name: self.maker.make(self._schemas(flat.parts, name)) for name in needed}
        for name in self._wished(flat, needed):
            if (high is None or len(made) < high) and (len(made) < low or self._is_wanted()):
                self._try(flat, made, name)
        self._fill(flat, made, low, high)
        return self._ordered(flat.parts, made)

    def _is_wanted(self) -> bool:
        random = self.maker.random
        if self.maker.steps > _MANY_STEPS or self.maker.depth > _DEEP:
            return False
        return random is None or random.random() < 0.6

    def _try(self, flat: Flat, made: dict[str, Any], name: str) -> None:
        """Add a property that can be done without, where a value for it is found."""
        if name in made:
            return
        missing = {other for part in flat.parts for other in part.dependent_required.get(name, ())} - made.keys()
        bound = any(name in part.dependent_schemas for part in flat.parts)
        if missing or bound:
            return
        with suppress(Impossible):
            made[name] = self.maker.make(self._schemas(flat.parts, name), spare=True)

    def _needed(self, flat: Flat) -> list[str]:
        """Return what the object must have, and take in the schemas that come with it."""
        needed: dict[str, None] = {}
        waiting = [name for part in flat.parts for name in part.required]
        applied: set[int] = set()
        while waiting:
            name = waiting.pop(0)
            if name in needed or self._is_hidden(flat.parts, name):
                continue
            needed[name] = None
            for part in list(flat.parts):
                waiting += part.dependent_required.get(name, ())
                schema = part.dependent_schemas.get(name)
                if schema is not None and id(schema) not in applied:
                    applied.add(id(schema))
                    before = len(flat.parts)
                    flat.add(schema)
                    waiting += [other for added in flat.parts[before:] for other in added.required]
                    waiting += [
                        other
                        for added in flat.parts[before:]
                        for known in needed
                        for other in added.dependent_required.get(known, ())
                    ]
        return list(needed)

    def _wished(self, flat: Flat, needed: Sequence[str]) -> list[str]:
        """Return the declared properties that are not needed; they are tried in this order."""
        names = dict.fromkeys(name for part in flat.parts for name in part.properties)
        return [
            name
            for name in names
            if name not in needed and not self._is_hidden(flat.parts, name) and self._may_be(flat.parts, name)
        ]

    def _is_hidden(self, parts: Sequence[Schema], name: str) -> bool:
        types, direction = self.maker.types, self.maker.direction
        return any(name in part.properties and types.is_hidden(part.properties[name], direction) for part in parts)

    def _may_be(self, parts: Iterable[Schema], name: str) -> bool:
        """Tell whether an object may have a property of that name."""
        wanted = [part.property_names for part in parts if part.property_names is not None]
        return not wanted or self.maker.accepts(wanted, name)

    def _schemas(self, parts: Sequence[Schema], name: str) -> list[AnySchema]:
        """Return the schemas that the value of a property must follow."""
        made: list[AnySchema] = []
        for part in parts:
            found = [part.properties[name]] if name in part.properties else []
            found += [schema for pattern, schema in part.pattern_properties.items() if _matches(pattern, name)]
            if not found and part.additional_properties is not None:
                found = [part.additional_properties]
            made += found
        if not made:
            made = [part.unevaluated_properties for part in parts if part.unevaluated_properties is not None]
        return list({id(schema): schema for schema in made if schema is not True}.values()) or [True]

    def _fill(self, flat: Flat, made: dict[str, Any], low: int, high: int | None) -> None:
        """Add properties that no schema names: as many as must be, and one where the object is a map."""
        is_map = any(isinstance(part.additional_properties, Schema) or part.pattern_properties for part in flat.parts)
        named = any(part.properties for part in flat.parts)
        by_chance = self.maker.random is not None and flat.unsure
        wanted = max(low, 1 if (is_map or by_chance) and not named and self._is_wanted() else 0)
        for name in self._names(flat):
            if len(made) >= (wanted if high is None else min(wanted, high)):
                return
            if name in made or self._is_hidden(flat.parts, name) or not self._may_be(flat.parts, name):
                continue
            try:
                made[name] = self.maker.make(self._schemas(flat.parts, name), spare=len(made) >= low)
            except Impossible:
                continue
        if len(made) < low:
            raise Impossible

    def _names(self, flat: Flat) -> Iterable[str]:
        """Yield names that further properties may have."""
        for part in flat.parts:
            for pattern in part.pattern_properties:
                for more in (1, 0, 2):
                    try:
                        yield pattern_text(pattern, more)
                    except PatternError:
                        break
        yield "key"
        yield from (f"key{number}" for number in range(2, 12))
        wanted = [part.property_names for part in flat.parts if part.property_names is not None]
        kept, self.maker.random = self.maker.random, self.maker.fallback
        try:
            for _ in range(40 if wanted else 0):
                name = self.maker.make([_TEXT, *wanted])
                if isinstance(name, str):
                    yield name
        except Impossible:
            return
        finally:
            self.maker.random = kept

    def _ordered(self, parts: Sequence[Schema], made: dict[str, Any]) -> dict[str, Any]:
        """Return the properties in the contract's order."""
        names = dict.fromkeys([*(name for part in parts for name in part.properties), *made])
        return {name: made[name] for name in names if name in made}


def _matches(pattern: str, name: str) -> bool:
    """Tell whether a pattern of ``patternProperties`` is found in a name."""
    try:
        return re.search(python_pattern(pattern) or pattern, name) is not None
    except re.error:
        return False
