"""Schemas laid side by side, so that a value can be made for all of them at once."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from pymacaron.codec.merging import given
from pymacaron.contract import Schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymacaron.contract import Discriminator

    from .values import Maker

AnySchema = Schema | bool

# What says these is followed only perhaps, and has to be checked.
_UNSURE = {
    "not_",
    "one_of",
    "any_of",
    "if_",
    "contains",
    "dependent_schemas",
    "unevaluated_items",
    "unevaluated_properties",
}


class Impossible(Exception):
    """No value follows these schemas, or none was found the way that was tried."""


class Flat:
    """What several schemas say, laid side by side: no references, ``allOf`` or branches are left to follow."""

    def __init__(self, maker: Maker) -> None:
        self.maker = maker
        self.parts: list[Schema] = []
        self.names: list[str] = []
        self.followed: set[str] = set()
        self.chose = False
        self.unsure = False

    def add(self, schema: AnySchema, whole: bool = True) -> None:
        """Take in a schema; ``whole`` lets its discriminator choose a subtype."""
        if schema is False or len(self.parts) > 500:
            raise Impossible
        if isinstance(schema, bool):
            return
        self.parts.append(schema)
        if schema.name is not None and self.maker.types.schemas.get(schema.name) is schema:
            self._enter(schema.name)
        if schema.ref is not None and schema.ref not in self.followed:
            self.followed.add(schema.ref)
            self._enter(schema.ref)
            self.add(self.maker.types.schemas[schema.ref], whole)
        for part in schema.all_of:
            self.add(part, whole=False)
        self.unsure |= not _UNSURE.isdisjoint(given(schema))
        self.chose |= self.unsure
        twice = schema.not_
        if isinstance(twice, Schema) and twice.not_ is not None and set(given(twice)) == {"not_"}:
            self.add(twice.not_)
        self._branches(schema)
        if schema.discriminator is not None and schema.discriminator.inherited and whole:
            self._subtype(schema, schema.discriminator)

    def _enter(self, name: str) -> None:
        if name not in self.names:
            self.names.append(name)

    def _branches(self, schema: Schema) -> None:
        for branches in (schema.any_of, schema.one_of):
            if branches:
                branch = self._chosen(branches)
                self.add(branch)
                if schema.discriminator is not None and isinstance(branch, Schema):
                    self._tag(schema.discriminator, branch.ref)
        if schema.if_ is not None:
            fulfilled = self._chosen((True, False)) is True
            if fulfilled:
                self.add(schema.if_)
            following = schema.then if fulfilled else schema.else_
            if following is not None:
                self.add(following)

    def _chosen(self, branches: Sequence[AnySchema]) -> AnySchema:
        random = self.maker.random
        if random is not None:
            return random.choice(branches)
        return next((b for b in branches if not isinstance(b, Schema) or b.type != ("null",)), branches[0])

    def _tag(self, discriminator: Discriminator, name: str | None) -> None:
        """Fix the property that says which branch was chosen."""
        value = next((value for value, target in discriminator.mapping.items() if target == name), None)
        if value is not None:
            self.parts.append(_tagged(discriminator.property, value))

    def _subtype(self, schema: Schema, discriminator: Discriminator) -> None:
        names = list(discriminator.mapping.values())
        if not names:
            return
        random = self.maker.random
        own = next((name for name in names if name == schema.name), names[0])
        chosen = own if random is None else random.choice(names)
        self.chose = self.unsure = True
        self._tag(discriminator, chosen)
        if chosen != schema.name and chosen not in self.followed:
            self.followed.add(chosen)
            self._enter(chosen)
            self.add(self.maker.types.schemas[chosen], whole=False)


@lru_cache(maxsize=4096)
def _tagged(name: str, value: str) -> Schema:
    return Schema(properties={name: Schema(const=value)}, required=(name,))
