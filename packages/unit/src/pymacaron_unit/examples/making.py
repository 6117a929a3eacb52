"""Examples of schemas: the contract's own where they are valid, else made."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from msgspec import UNSET

from pymacaron.codec.merging import alias
from pymacaron.contract import Schema

from ..exceptions import UnitError
from .flat_schemas import Impossible
from .given import ContractExamples
from .values import Exhausted, Maker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pymacaron.codec.lowering import Direction
    from pymacaron.codec.types import Types

AnySchema = Schema | bool

_ATTEMPTS = 60
_LONGEST_CHAIN = 20


class NoExampleError(UnitError):
    """No value was found that follows a schema; there may be none."""


def example(types: Types, schema: AnySchema, direction: Direction = "any") -> Any:
    """Return the value of JSON that shows a schema best: the contract's own example, else a plain one.

    It is the same in every run. Properties that do not travel in ``direction`` are left out.

    Args:
        types: of the contract that the schema is part of.
        schema: what the value follows.
        direction: ``request``, ``response``, or ``any``.

    Raises:
        NoExampleError: none was found.
    """
    return examples_of(types).one(schema, direction)


def examples(
    types: Types, schema: AnySchema, direction: Direction = "any", count: int = 10, seed: int = 0
) -> list[Any]:
    """Return several values that follow a schema, the same for the same seed; they differ where they can.

    Raises:
        NoExampleError: none was found.
    """
    return examples_of(types).several(schema, direction, count, seed)


class Examples:
    """Finds and makes values of one contract's schemas.

    Args:
        types: of the contract.
        document: the contract as it was given, where it was no file, for the examples in it.
    """

    def __init__(self, types: Types, document: dict[str, Any] | None = None) -> None:
        # Weakly: what is known of a contract must not keep it alive.
        self._types = ref(types)
        self.contract = ContractExamples(types.api, document)
        self._made: dict[tuple[int, Direction], tuple[AnySchema, Any]] = {}

    @property
    def types(self) -> Types:
        """The types of the contract."""
        found = self._types()
        assert found is not None, "whoever asks for an example holds the types"
        return found

    def one(self, schema: AnySchema, direction: Direction) -> Any:
        """Return what :func:`example` does."""
        key = (id(schema), direction)
        if key not in self._made:
            self._made[key] = (schema, self._find(schema, direction, None, Random(0)))
        return _copied(self._made[key][1])

    def several(self, schema: AnySchema, direction: Direction, count: int, seed: int) -> list[Any]:
        """Return what :func:`examples` does."""
        random = Random(seed)
        return [self.another(schema, direction, random) for _ in range(count)]

    def another(self, schema: AnySchema, direction: Direction, random: Random) -> Any:
        """Return a value that is chosen by chance.

        Raises:
            NoExampleError: none was found.
        """
        try:
            return self._find(schema, direction, random, random)
        except NoExampleError:
            return self.one(schema, direction)

    def given(self, schema: AnySchema) -> Sequence[Any]:
        """Return what the contract itself gives for a schema."""
        made: list[Any] = []
        for _ in range(_LONGEST_CHAIN):
            made += self.contract.of(schema)
            if isinstance(schema, bool):
                break
            if schema.default is not UNSET:
                made.append(schema.default)
            inner = alias(schema)
            if inner is None or inner.ref is None:
                break
            schema = self.types.schemas[inner.ref]
        return made

    def _find(self, schema: AnySchema, direction: Direction, random: Random | None, fallback: Random) -> Any:
        codec = self.types.codec(schema, direction)
        for value in self._candidates(schema, direction, random, fallback):
            if codec.accepts(value):
                return value
        raise NoExampleError(
            f"{self.types.api.file}: no value was found for {_shown(schema)} in a {_message(direction)}; give it an"
            f" example in the contract, or mend the schema if nothing can follow it"
        )

    def _candidates(
        self, schema: AnySchema, direction: Direction, random: Random | None, fallback: Random
    ) -> Iterator[Any]:
        for attempt in range(_ATTEMPTS):
            # The first attempt trusts the contract's examples; most values need no more, and one validator.
            chooser, trusting = (random if attempt < 2 else fallback), attempt == 0
            try:
                yield Maker(self.types, direction, self.given, chooser, fallback, trusting).make([schema])
            except (Impossible, Exhausted, RecursionError):
                continue


_known: WeakKeyDictionary[Types, Examples] = WeakKeyDictionary()


def examples_of(types: Types) -> Examples:
    """Return the examples of a contract, which are read once."""
    found = _known.get(types)
    if found is None:
        found = _known.setdefault(types, Examples(types))
    return found


def know_document(types: Types, document: dict[str, Any]) -> None:
    """Say what a contract that is no file was read from, so that the examples in it are found."""
    _known[types] = Examples(types, document)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(child) for name, child in value.items()}
    return [_copied(child) for child in value] if isinstance(value, list) else value


def _shown(schema: AnySchema) -> str:
    if isinstance(schema, bool):
        return f"the schema {str(schema).lower()}"
    name = schema.name or schema.ref or schema.title
    return f"the schema {name!r}" if name else f"the schema {schema!r}"[:200]


def _message(direction: Direction) -> str:
    return "message" if direction == "any" else direction
