"""The slow path's judgement: jsonschema-rs over plain values, and its errors as faults.

A message shows the value seen where that is a scalar; never one of a property marked ``format: password`` or
``writeOnly``.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from .finding import Finder
from .lowering import tag_at
from .secrets import ALL_SECRET, Secrets
from .walking import Walker, is_large
from .wording import HIDDEN, listed, sentence, shown, verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pymacaron.contract import Schema

    from .judging import Judge
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
        self._judge: Judge | None = None
        self._secrets: Secrets | None = None
        self._finder: Finder | None = None
        self._walker = Walker(types, direction)

    @property
    def judge(self) -> Judge:
        """What judges values by the schema."""
        if self._judge is None:
            self._judge = self.types.judge(self.schema, self.direction)
        return self._judge

    @property
    def secrets(self) -> Secrets:
        """Which values must not be shown."""
        if self._secrets is None:
            self._secrets = Secrets.of(self.types, self.schema)
        return self._secrets

    @property
    def finder(self) -> Finder:
        """What finds the faults of values that are not large."""
        if self._finder is None:
            self._finder = Finder(self.types, self.schema, self.direction, self.secrets, self._told)
        return self._finder

    def plain(self, value: Any) -> Any:
        """Return a value in which nothing but what JSON holds remains."""
        return self.types.dumper.plain(value)

    def is_valid(self, value: Any) -> bool:
        """Tell whether a plain value follows the schema."""
        try:
            return bool(self.judge.is_valid(value))
        except (ValueError, RecursionError):
            return False

    def faults(self, value: Any, small: bool = False) -> list[FaultEntry]:
        """List the faults of a plain value, the first ``max_errors`` of them.

        Args:
            value: the value.
            small: whether it is known to have few nodes, so that they need not be counted.
        """
        try:
            if self.judge.is_valid(value):
                return []
            entries = self._pieces(value) if not small and is_large(value) else self._whole(value)
            return list(islice(entries, self.types.max_faults))
        except (ValueError, RecursionError) as error:
            reason = "" if "secret" in self.types.flags(self.schema) else f": {error}"
            return [("", "type", f"it cannot be checked{reason}")]

    def _whole(self, value: Any) -> Iterable[FaultEntry]:
        return self.finder.faults(value) or self.told(value)

    def told(self, value: Any) -> Iterator[FaultEntry]:
        """Yield the faults of a plain value that jsonschema-rs finds."""
        return self._told(self.schema, value, False)

    def _told(self, schema: Schema | bool, value: Any, hidden: bool) -> Iterator[FaultEntry]:
        """Yield what jsonschema-rs finds wrong with a value by a schema."""
        judge = self.judge if schema is self.schema else self.types.judge(schema, self.direction)
        for error in judge.errors(value):
            yield from describe(error, (), ALL_SECRET if hidden else self.secrets, judge)

    def _pieces(self, value: Any) -> Iterator[FaultEntry]:
        for found in self._walker.errors(self.schema, value):
            yield from describe(found.error, found.path, self.secrets, found.judge)


def pointer(path: Iterable[Any]) -> str:
    """Write a path as a JSON pointer (RFC 6901)."""
    return "".join([f"/{token}" if type(token) is int else f"/{_escape(token)}" for token in path])


def _escape(token: str) -> str:
    return token.replace("~", "~0").replace("/", "~1") if "~" in token or "/" in token else token


def describe(error: Any, prefix: Sequence[Any], secrets: Secrets, judge: Judge | None) -> Iterator[FaultEntry]:
    """Turn one error of jsonschema-rs into faults; a failed choice is told by the branch that was meant."""
    if judge is None:
        seen = HIDDEN if secrets.hide([*prefix]) else shown(error.instance)
        yield pointer(prefix), error.keyword, verdict(error.keyword, seen)
        return
    kind = error.kind
    name = kind.name
    path = error.instance_path[judge.skip :] if judge.skip else error.instance_path
    path = [*prefix, *path] if prefix else path
    if name in ("anyOf", "oneOf") and kind.context:
        told = _by_tag(error, path, secrets, judge)
        if isinstance(told, tuple):
            yield told
            return
        meant = told or _by_kind(kind.context, len(error.instance_path))
        if meant:
            for inner in meant:
                yield from describe(inner, prefix, secrets, judge)
            return
    value = HIDDEN if secrets.hide(path) else shown(error.instance)
    yield pointer(path), name, sentence(name, kind, value)


def _by_tag(error: Any, path: list[Any], secrets: Secrets, judge: Judge) -> FaultEntry | list[Any] | None:
    """Return the errors of the branch that a discriminator names, or what is wrong with the tag itself."""
    tag = tag_at(judge.document, error.schema_path[:-1])
    if tag is None or not isinstance(error.instance, dict):
        return None
    name, branches = tag["propertyName"], tag["branches"]
    value = error.instance.get(name)
    if isinstance(value, str) and value in branches:
        errors: list[Any] = error.kind.context[branches[value]]
        return errors
    if not tag["complete"]:
        return None
    if name not in error.instance:
        return pointer(path), "required", f"the property {shown(name)} is missing"
    seen = HIDDEN if secrets.hide([*path, name]) else shown(value)
    return pointer([*path, name]), "enum", f"{seen} is not one of {listed(branches)}"


def _by_kind(branches: list[list[Any]], depth: int) -> list[Any] | None:
    """Pick the only branch that fails for more than its type or its constant; None where that says nothing."""
    fitting = [b for b in branches if b and not any(_excludes(e, depth) for e in b)]
    return fitting[0] if len(fitting) == 1 else None


def _excludes(error: Any, depth: int) -> bool:
    """Tell whether an error means that the branch was not meant: another type here, or another tag just below."""
    below = len(error.instance_path) - depth
    return (below == 0 and error.kind.name in ("type", "const", "enum", "falseSchema", "not")) or (
        below == 1 and error.kind.name in ("const", "enum")
    )
