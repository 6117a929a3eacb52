"""What occurs anywhere below a schema, found for all schemas of a contract in one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymacaron.contract import Schema

from .secrets import marks
from .subschemas import children, targets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .formats import Formats

AnySchema = Schema | bool


class Flags:
    """The flags of a contract's schemas.

    They are ``read`` and ``write`` for properties of one direction, ``secret`` for what must not be shown, and
    ``custom`` for formats that the JSON encoder does not write by itself.
    """

    def __init__(self, schemas: Mapping[str, AnySchema], formats: Formats) -> None:
        self.schemas = schemas
        self.formats = formats
        self._named: dict[str, set[str]] = {}
        self._many: set[str] = set()
        self._targets: dict[str, set[str]] = {}
        self._found: dict[int, tuple[AnySchema, frozenset[str]]] = {}

    def of(self, schema: AnySchema) -> frozenset[str]:
        """Return the flags of a schema and of all that it refers to."""
        found = self._found.get(id(schema))
        if found is None:
            self._read()
            here, names = self._local(schema)
            here.update(*(self._named[name] for name in names))
            found = self._found[id(schema)] = (schema, frozenset(here))
        return found[1]

    def leads_to_many(self, schema: AnySchema, limit: int) -> bool:
        """Tell whether a schema leads to more than ``limit`` named ones."""
        self._read()
        return self._count(self._local(schema)[1], limit)

    def _count(self, names: set[str], limit: int) -> bool:
        waiting, seen = list(names), set[str]()
        while waiting and len(seen) <= limit:
            name = waiting.pop()
            if name in self._many:
                return True
            if name not in seen:
                seen.add(name)
                waiting += self._targets[name]
        if len(seen) > limit:
            self._many |= names if len(names) == 1 else set()
        return len(seen) > limit

    def _read(self) -> None:
        if not self._named and self.schemas:
            self._named = self._spread()

    def _local(self, schema: AnySchema) -> tuple[set[str], set[str]]:
        """Return the flags that stand in a schema, and the names that it refers to."""
        flags: set[str] = set()
        names: set[str] = set()
        stack = [schema]
        while stack:
            part = stack.pop()
            if isinstance(part, Schema):
                flags |= self._own(part)
                names.update(targets(part))
                stack += children(part)
        return flags, names

    def _own(self, part: Schema) -> set[str]:
        wire = self.formats.get(part.format)
        said = {
            "read": part.read_only,
            "write": part.write_only,
            "secret": marks(part),
            "custom": wire is not None and not wire.native,
        }
        return {name for name, here in said.items() if here}

    def _spread(self) -> dict[str, set[str]]:
        """Carry the flags of each named schema to all that refer to it, in time linear in the contract."""
        made: dict[str, set[str]] = {}
        users: dict[str, list[str]] = {}
        for name, schema in self.schemas.items():
            made[name], self._targets[name] = self._local(schema)
            for target in self._targets[name]:
                users.setdefault(target, []).append(name)
        waiting = [(name, flag) for name, flags in made.items() for flag in flags]
        while waiting:
            name, flag = waiting.pop()
            for user in users.get(name, ()):
                if flag not in made[user]:
                    made[user].add(flag)
                    waiting.append((user, flag))
        return made
