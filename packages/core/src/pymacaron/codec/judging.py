"""Compiled validators of one contract.

A validator brings all schemas that its own refers to. Where those are few, each schema has its own. Where they are
many, as in contracts whose schemas all refer to one another, all schemas share one validator: it judges objects of a
single property, whose name says which schema its value is held against.
"""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING, Any, Protocol

from pymacaron.contract import Schema

from .lowering import Lowering, build_validator
from .merging import given, is_bare

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .lowering import Direction
    from .types import Types

AnySchema = Schema | bool

# From so many named schemas on that a schema leads to, it is judged by the shared validator.
MANY = 40

# What says no more than this is expressed by msgspec's types, and never judged by itself.
_SIMPLE = frozenset(
    (
        "ref", "type", "format", "enum", "items", "properties", "required", "minimum", "maximum", "min_length",
        "max_length", "pattern", "min_items", "max_items", "title", "description", "default", "name", "parent",
        "extensions", "read_only", "write_only",
    )
)  # fmt: skip


class Judge(Protocol):
    """Judges plain values by one schema; ``skip`` tokens at the front of an error's path are not the value's."""

    skip: int

    @property
    def document(self) -> Any:
        """The document that the validator was made from, in which ``schema_path`` leads to keywords."""

    def is_valid(self, value: Any) -> bool:
        """Tell whether a value follows the schema."""

    def errors(self, value: Any) -> Iterable[Any]:
        """Return the errors of a value."""


class OwnJudge:
    """Judges by a validator of its own."""

    skip = 0

    def __init__(self, types: Types, schema: AnySchema, direction: Direction) -> None:
        lowering = _lowering(types, direction)
        self.document: Any = lowering.document(schema)
        self._validator = build_validator(self.document, types.formats, lowering.modern)
        self.is_valid = self._validator.is_valid
        self.errors = self._validator.iter_errors


class SharedJudge:
    """Judges by the validator of all."""

    skip = 1

    def __init__(self, judges: Judges, key: str) -> None:
        self._judges = judges
        self._key = key

    @property
    def document(self) -> Any:
        """The document of all schemas."""
        return self._judges.shared(self._key)[1]

    def is_valid(self, value: Any) -> bool:
        """Tell whether a value follows the schema."""
        return bool(self._judges.shared(self._key)[0].is_valid({self._key: value}))

    def errors(self, value: Any) -> Iterable[Any]:
        """Return the errors of a value."""
        found: Iterable[Any] = self._judges.shared(self._key)[0].iter_errors({self._key: value})
        return found


class Judges:
    """The judges of one contract in one direction. Safe to use from several threads."""

    def __init__(self, types: Types, direction: Direction) -> None:
        self.types = types
        self.direction: Direction = direction
        self._made: dict[int, tuple[AnySchema, Judge]] = {}
        self._keys: dict[str, AnySchema] = {}
        self._shared: tuple[Any, Any, frozenset[str]] = (None, None, frozenset())
        self._expected = False
        self._lock = RLock()

    def of(self, schema: AnySchema) -> Judge:
        """Return what judges a schema, made when first asked for."""
        schema = self._target(schema)
        found = self._made.get(id(schema))
        if found is None:
            with self._lock:
                # The schema is kept with it, so that its id stays its own.
                found = self._made.setdefault(id(schema), (schema, self._make(schema)))
        return found[1]

    def _target(self, schema: AnySchema) -> AnySchema:
        """Follow a reference that stands alone, so that all references to one schema share its judge."""
        for _ in range(MANY):
            if isinstance(schema, bool) or schema.ref is None or not is_bare(schema):
                break
            schema = self.types.schemas[schema.ref]
        return schema

    def _make(self, schema: AnySchema) -> Judge:
        if not self.types.leads_to_many(schema, MANY):
            return OwnJudge(self.types, schema, self.direction)
        key = f"k{len(self._keys)}"
        self._keys[key] = schema
        return SharedJudge(self, key)

    def shared(self, key: str) -> tuple[Any, Any]:
        """Return the shared validator and its document, made anew where it does not know a schema yet."""
        validator, document, known = self._shared
        if key not in known:
            with self._lock:
                if not self._expected:
                    self._expect()
                lowering = _lowering(self.types, self.direction)
                document = lowering.choice(self._keys)
                validator = build_validator(document, self.types.formats, lowering.modern)
                self._shared = (validator, document, frozenset(self._keys))
        return validator, document

    def _expect(self) -> None:
        """Take in all schemas that values may be held against by themselves, so that few are found out later."""
        self._expected = True
        for schema in list(self.types.schemas.values()):
            for part in self.types.inside(schema):
                if part is schema or not _SIMPLE.issuperset(given(part)):
                    self._register(part)
                for branch in (*part.any_of, *part.one_of):
                    self._register(branch)

    def _register(self, schema: AnySchema) -> None:
        if self.types.leads_to_many(schema, MANY):
            self.of(schema)


def _lowering(types: Types, direction: Direction) -> Lowering:
    return Lowering(types.schemas, types.formats, direction, types.api.float_is_integer)
