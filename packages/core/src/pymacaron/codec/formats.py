"""Formats: how a text of a contract becomes a Python value and back.

The OpenAPI format registry's ``date-time``, ``date``, ``uuid``, ``byte`` and ``binary`` have Python types. Others that
JSON Schema 2020-12 (section 7.3) defines are checked and stay text. An unknown format means nothing.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import msgspec

from pymacaron.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class UserFormat(Protocol):
    """What ``API(formats=[...])`` takes: the attributes of bravado-core's ``SwaggerFormat``, or of that very class."""

    @property
    def format(self) -> str:
        """Its name in contracts."""

    @property
    def to_python(self) -> Callable[[Any], Any]:
        """What turns a wire value into a Python value."""

    @property
    def to_wire(self) -> Callable[[Any], Any]:
        """What turns a Python value into a wire value."""

    @property
    def validate(self) -> Callable[[Any], Any]:
        """What raises where a wire value is not of this format."""


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        name: as it stands in a contract.
        types: the Python types of its values.
        parse: wire value to Python value; raises ValueError where the wire value is not of this format.
        dump: Python value to wire value.
        native: whether the JSON encoder writes these Python values in just this way by itself.
    """

    name: str
    types: tuple[type, ...]
    parse: Callable[[Any], Any]
    dump: Callable[[Any], Any]
    native: bool = False


@dataclass(frozen=True)
class SwaggerFormat:
    """A format of a service's own, for ``API(formats=[...])``.

    Args:
        format: its name in contracts.
        to_python: wire value to Python value.
        to_wire: Python value to wire value.
        validate: raises where a wire value is not of this format.
        description: for readers.
    """

    format: str
    to_python: Callable[[Any], Any]
    to_wire: Callable[[Any], Any]
    validate: Callable[[Any], Any] = lambda value: None
    description: str = ""


_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UUID_LENGTH = 36


def parse_date_time(text: Any) -> datetime:
    """Parse an RFC 3339 date-time into an aware datetime; digits past the microsecond are dropped."""
    if not isinstance(text, str) or not _DATE_TIME.fullmatch(text):
        raise ValueError("not an RFC 3339 date-time")
    text = text.upper()
    if text[17:19] == "60":
        # A leap second has no datetime of its own; it is the second that follows (RFC 3339, section 5.7).
        return _leap(datetime.fromisoformat(f"{text[:17]}59{text[19:]}"))
    return datetime.fromisoformat(text)


def _leap(before: datetime) -> datetime:
    utc = before - (before.utcoffset() or timedelta())
    if (utc.hour, utc.minute) != (23, 59):
        raise ValueError("a leap second comes at 23:59:60 UTC alone")
    try:
        return before + timedelta(seconds=1)
    except OverflowError:
        raise ValueError("no datetime comes after the year 9999") from None


def dump_date_time(value: datetime) -> str:
    """Write an aware datetime by RFC 3339, UTC as ``Z``."""
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no timezone; make it aware, such as datetime.now(timezone.utc)")
    text = value.isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def parse_date(text: Any) -> date:
    """Parse an RFC 3339 full-date."""
    if not isinstance(text, str) or not _DATE.fullmatch(text):
        raise ValueError("not an RFC 3339 full-date")
    return date.fromisoformat(text)


def parse_uuid(text: Any) -> UUID:
    """Parse a UUID in the form of RFC 9562, section 4."""
    # With 36 characters only the form with dashes is left of those that msgspec takes.
    if not isinstance(text, str) or len(text) != _UUID_LENGTH:
        raise ValueError("not a UUID")
    try:
        return msgspec.convert(text, UUID)
    except msgspec.ValidationError as error:  # Of old, that is no ValueError.
        raise ValueError(str(error)) from None


def parse_byte(text: Any) -> bytes:
    """Decode base64 (RFC 4648, section 4)."""
    if not isinstance(text, str):
        raise ValueError("not a text")
    return b64decode(text.encode("ascii"), validate=True)


def parse_binary(text: Any) -> bytes:
    """Take a text of a JSON document as its UTF-8 octets."""
    if not isinstance(text, str):
        raise ValueError("not a text")
    return text.encode()


BUILT_IN = (
    Format("date-time", (datetime,), parse_date_time, dump_date_time, native=True),
    Format("date", (date,), parse_date, date.isoformat, native=True),
    Format("uuid", (UUID,), parse_uuid, str, native=True),
    Format("byte", (bytes, bytearray, memoryview), parse_byte, lambda v: b64encode(v).decode(), native=True),
    Format("binary", (bytes, bytearray, memoryview), parse_binary, lambda v: bytes(v).decode()),
)

CHECKED = frozenset(
    (
        "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6", "uri", "uri-reference", "iri",
        "iri-reference", "uri-template", "json-pointer", "relative-json-pointer", "regex", "time", "duration",
    )
)  # fmt: skip

INTEGERS = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}


class Formats:
    """The formats of one service, built-in ones and its own, and its encoders for further Python types."""

    def __init__(
        self, own: Iterable[UserFormat] = (), encoders: Iterable[tuple[type, Callable[[Any], Any]]] = ()
    ) -> None:
        self._encoders = list(encoders)
        self._by_name = {f.name: f for f in BUILT_IN}
        for given in own:
            made = _from_user(given)
            self._by_name[made.name] = made

    def get(self, name: str | None) -> Format | None:
        """Return the format of a name, or None where its values stay as they are."""
        return self._by_name.get(name) if name else None

    def encode(self, value: Any) -> Any:
        """Return what JSON holds for a value of a type that it has no form for.

        Raises:
            TypeError: no encoder is for its type.
        """
        for kind, function in self._encoders:
            if isinstance(value, kind):
                return function(value)
        raise TypeError(f"a {type(value).__name__} has no form in JSON; convert it, or give API json_encoders for it")

    def checks(self) -> dict[str, Callable[[Any], bool]]:
        """Return a predicate for each format, as jsonschema-rs takes them."""
        return {name: _predicate(f) for name, f in self._by_name.items()}


def _predicate(format: Format) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        try:
            format.parse(value)
        except (ValueError, OverflowError):
            return False
        return True

    return check


def _from_user(given: UserFormat) -> Format:
    missing = [n for n in ("format", "to_python", "to_wire", "validate") if not hasattr(given, n)]
    if missing:
        raise ConfigError(f"formats: {given!r} has no {', '.join(missing)}; give pymacaron.SwaggerFormat objects")

    def parse(value: Any) -> Any:
        # Whatever a user's function raises means that the value is none of this format.
        try:
            given.validate(value)
            return given.to_python(value)
        except Exception as error:
            raise ValueError(f"not a {given.format}: {error}") from error

    return Format(given.format, (object,), parse, given.to_wire)
