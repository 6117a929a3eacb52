"""The slow path's judgement: jsonschema-rs over plain values, and its errors as faults.

A message shows the value seen where that is a scalar; never one of a property marked ``format: password`` or
``writeOnly``.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from pymacaron.contract import Schema

from .lowering import Lowering, build_validator
from .walking import Walker, is_large
from .wording import HIDDEN, sentence, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .lowering import Direction
    from .types import Types

FaultEntry = tuple[str, str, str]

MAX_FAULTS = 50


class Checker:
    """Judges plain values by one schema in one direction. The validator is compiled when first needed."""

    def __init__(self, types: Types, schema: Schema | bool, direction: Direction) -> None:
        self.types = types
        self.schema = schema
        self.direction = direction
        self._validator: Any = None
        self._secrets: Secrets | None = None

    @property
    def validator(self) -> Any:
        """The compiled validator."""
        if self._validator is None:
            modern = self.types.api.float_is_integer
            lowering = Lowering(self.types.schemas, self.types.formats, self.direction, modern)
            self._validator = build_validator(lowering.document(self.schema), self.types.formats, modern)
        return self._validator

    @property
    def secrets(self) -> Secrets:
        """Which values must not be shown."""
        if self._secrets is None:
            self._secrets = Secrets.of(self.types, self.schema)
        return self._secrets

    def plain(self, value: Any) -> Any:
        """Return a value in which nothing but what JSON holds remains."""
        return self.types.dumper.plain(value)

    def is_valid(self, value: Any) -> bool:
        """Tell whether a plain value follows the schema."""
        try:
            return bool(self.validator.is_valid(value))
        except (ValueError, RecursionError):
            return False

    def faults(self, value: Any, small: bool = False) -> list[FaultEntry]:
        """List the faults of a plain value, the first ``max_errors`` of them.

        Args:
            value: the value.
            small: whether it is known to have few nodes, so that they need not be counted.
        """
        try:
            if self.validator.is_valid(value):
                return []
            errors: Iterable[Any] = (
                Walker(self.types, self.direction).errors(self.schema, value)
                if not small and is_large(value)
                else self.validator.iter_errors(value)
            )
            return list(islice(self._entries(errors), self.types.max_faults))
        except (ValueError, RecursionError) as error:
            return [("", "type", f"it cannot be checked: {error}")]

    def _entries(self, errors: Iterable[Any]) -> Iterator[FaultEntry]:
        for error in errors:
            yield from describe(error, [], self.secrets)


class Secrets:
    """The properties whose values no message may show: by name, wherever they stand, or all of a schema's values."""

    def __init__(self, names: frozenset[str], everything: bool) -> None:
        self.names = names
        self.everything = everything

    @classmethod
    def of(cls, types: Types, schema: Schema | bool) -> Secrets:
        """Collect what is secret anywhere below a schema."""
        if "secret" not in types.flags(schema):
            return cls(frozenset(), False)
        names: set[str] = set()
        marked: set[int] = set()
        for part in types.reachable(schema):
            for name, child in part.properties.items():
                shapes = [s for s in (child, types.shape(child)) if isinstance(s, Schema)]
                if any(s.write_only or s.format == "password" for s in shapes):
                    names.add(name)
                    marked |= {id(s) for s in shapes}
        loose = any(
            (part.write_only or part.format == "password") and id(part) not in marked
            for part in types.reachable(schema)
        )
        return cls(frozenset(names), loose)

    def hide(self, path: list[Any]) -> bool:
        """Tell whether the value at a path must not be shown."""
        return self.everything or (bool(self.names) and not self.names.isdisjoint(path))


def pointer(path: Iterable[Any]) -> str:
    """Write a path as a JSON pointer (RFC 6901)."""
    return "".join([f"/{token}" if type(token) is int else f"/{_escape(token)}" for token in path])


def _escape(token: str) -> str:
    return token.replace("~", "~0").replace("/", "~1") if "~" in token or "/" in token else token


def describe(error: Any, prefix: list[Any], secrets: Secrets) -> Iterator[FaultEntry]:
    """Turn one error of jsonschema-rs into faults; a failed choice is told by the branch that was meant."""
    kind = error.kind
    name = kind.name
    path = error.instance_path if not prefix else [*prefix, *error.instance_path]
    context = kind.context if name in ("anyOf", "oneOf") else None
    if context:
        meant = _meant(context, len(error.instance_path))
        if meant is not None:
            for inner in meant:
                yield from describe(inner, prefix, secrets)
            return
    value = HIDDEN if secrets.hide(path) else shown(error.instance)
    yield pointer(path), name, sentence(name, kind, value)


def _meant(branches: list[list[Any]], depth: int) -> list[Any] | None:
    """Pick the only branch that fails for more than its type or its constant; None where that says nothing."""
    fitting = [b for b in branches if b and not any(_excludes(e, depth) for e in b)]
    return fitting[0] if len(fitting) == 1 else None


def _excludes(error: Any, depth: int) -> bool:
    """Tell whether an error means that the branch was not meant: another type here, or another tag just below."""
    below = len(error.instance_path) - depth
    return (below == 0 and error.kind.name in ("type", "const", "enum", "falseSchema", "not")) or (
        below == 1 and error.kind.name in ("const", "enum")
    )
