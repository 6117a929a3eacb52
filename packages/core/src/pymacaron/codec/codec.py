"""One schema's codec: JSON text to checked Python values, and back.

The fast path decodes and checks in one pass of msgspec. What it refuses goes to jsonschema-rs, which either accepts it
after all (an additional property, ``1.0`` for an integer) or lists every fault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from pymacaron.model import EXTRA_KEY

from .checker import Checker
from .depth import is_bounded, nests_beyond
from .dumping import is_finite
from .hydrating import Hydrator
from .scalars import convert_checked, parse_checked
from .walking import LARGE

if TYPE_CHECKING:
    from pymacaron.contract import Schema

    from .lowering import Direction
    from .types import Types

FaultEntry = tuple[str, str, str]

MAX_DEPTH = 200
_MARK = f'"{EXTRA_KEY}'.encode()


class Invalid(ValueError):
    """A value breaks a schema; ``faults`` lists where (JSON pointer), which keyword, and a message."""

    def __init__(self, faults: list[FaultEntry]) -> None:
        super().__init__("; ".join(message for _, _, message in faults[:3]))
        self.faults = faults


def decode_any(data: bytes | str, max_depth: int = MAX_DEPTH) -> Any:
    """Decode JSON (RFC 8259) of any kind.

    Raises:
        Invalid: the text is no JSON, is not UTF-8, or nests deeper than ``max_depth``.
    """
    if nests_beyond(data.encode() if isinstance(data, str) else data, max_depth):
        raise too_deep(max_depth)
    try:
        made = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid([("", "json", f"this is no JSON: {error}")]) from None
    except RecursionError:
        raise too_deep(max_depth) from None
    return made


def too_deep(limit: int) -> Invalid:
    """Say that a document nests too deeply."""
    return Invalid([("", "max_json_depth", f"it nests deeper than max_json_depth, {limit}")])


class Codec:
    """Decodes and encodes the values of one schema in one direction. Built when first used; safe to share."""

    def __init__(self, types: Types, schema: Schema | bool, direction: Direction) -> None:
        self.types = types
        self.schema = schema
        self.direction = direction
        self.checker = Checker(types, schema, direction)
        self.hydrator = Hydrator(types, direction)
        flags = types.flags(schema)
        self.custom = "custom" in flags or direction != "any"
        self._decoder: Any = None
        self._kind: Any = None
        self._bounded = False
        self._encoder = msgspec.json.Encoder(enc_hook=types.formats.encode)

    def _build(self) -> Any:
        """Lower the schema; a type too deep for msgspec becomes one that refuses all, so that the slow path decides."""
        from .types import BUILDING

        with BUILDING:
            if self._decoder is None:
                kind = self.types.lower(self.schema, self.direction)
                if not self.types.models.settle(kind):
                    kind = self.types.checked(self.schema, self.direction)
                decoder = msgspec.json.Decoder(kind, dec_hook=parse_checked)
                self._bounded = is_bounded(self.schema, self.types.schemas)
                # Other threads look at these without the lock, so they come when all is done.
                self._kind = kind
                self._decoder = decoder
        return self._decoder

    def decode(self, data: bytes, max_depth: int = MAX_DEPTH) -> Any:
        """Decode and check a JSON text.

        Raises:
            Invalid: the text is no JSON, or its value breaks the schema; every fault is listed.
        """
        decoder = self._decoder or self._build()
        if not self._bounded and nests_beyond(data, max_depth):
            raise too_deep(max_depth)
        try:
            return decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass  # Left first, so that no trace of a refusal shows what the fast path says of a secret.
        return self.load_plain(decode_any(data, max_depth), small=len(data) < LARGE)

    def load(self, value: Any) -> Any:
        """Convert and check a Python value: what JSON holds, or values and models that are typed already.

        Raises:
            Invalid: the value breaks the schema; every fault is listed.
        """
        if self._kind is None:
            self._build()
        try:
            return msgspec.convert(value, self._kind, dec_hook=convert_checked)
        except (msgspec.ValidationError, RecursionError):
            pass
        return self.load_slowly(value)

    def load_slowly(self, value: Any) -> Any:
        """Convert and check a Python value by jsonschema-rs; what :meth:`load` does where the fast path refuses."""
        return self.load_plain(self._plain(value, mixed=True))

    def load_plain(self, plain: Any, small: bool = False) -> Any:
        """Convert and check a value of JSON by jsonschema-rs; ``small`` where it is known to have few nodes."""
        faults = self.checker.faults(plain, small)
        if faults:
            raise Invalid(faults)
        try:
            return self.hydrator.hydrate(self.schema, plain)
        except ValueError:
            pass
        # A service's own format on a number: the validator holds only texts against formats.
        raise Invalid([("", "format", "a value in it is none of its format")])

    def accepts(self, value: Any) -> bool:
        """Tell whether a value follows the schema."""
        return self.checker.is_valid(self.checker.plain(value))

    def encode(self, value: Any) -> bytes:
        """Check a value and write it as JSON.

        Raises:
            Invalid: the value breaks the schema, or holds what JSON cannot; every fault is listed.
        """
        decoder = self._decoder or self._build()
        if not self.custom:
            try:
                data = self._encoder.encode(value)
                if _MARK not in data and (b"null" not in data or is_finite(value)):
                    decoder.decode(data)
                    return data
            except (msgspec.MsgspecError, UnicodeError, TypeError, ValueError, OverflowError, RecursionError):
                pass  # The slow path decides, and says what is wrong.
        return self._encode_slowly(value)

    def _encode_slowly(self, value: Any) -> bytes:
        plain = self.dump(value)
        if not self.checker.is_valid(plain):
            raise Invalid(self.checker.faults(plain) or [("", "type", "it cannot be written as JSON")])
        return self._encoder.encode(plain)

    def encode_unchecked(self, value: Any) -> bytes:
        """Write a value as JSON without checking it."""
        return self._encoder.encode(self.dump(value))

    def dump(self, value: Any) -> Any:
        """Turn a value into what JSON holds, without what does not travel in this direction.

        Raises:
            Invalid: the value holds something that JSON cannot.
        """
        return self._plain(value, mixed=False)

    def _plain(self, value: Any, mixed: bool) -> Any:
        dumper = self.types.dumper
        try:
            return dumper.wire(self.schema, value) if mixed else dumper.dump(self.schema, value, self.direction)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            reason = "" if "secret" in self.types.flags(self.schema) else f": {error}"
        raise Invalid([("", "type", f"it cannot be written as JSON{reason}")])
