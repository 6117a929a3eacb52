"""Items as lines of JSON: ``{"Item": {"id": {"S": "a"}, …}}``, as AWS's own exports to S3 have them.

Everything that an item holds is there, each value under its type (DynamoDB API reference, AttributeValue); bytes are
base64. Names and the members of sets are sorted, so that an item has one text alone.
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import msgspec

from .exceptions import FileUnusable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .attributes import Item
    from .definition import TableDefinition
    from .wire import Wire

#: Characters that a line may have: an item of 400 KB never gets as long as JSON.
LONGEST = 16 * 1024 * 1024

_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_SETS = {"SS": "S", "NS": "N", "BS": "B"}

_json = msgspec.json.Encoder(order="sorted")


class NotAnItem(ValueError):
    """A text holds no item; the message says what is wrong, and where."""


def to_line(item: Mapping[str, Wire]) -> bytes:
    """Return the line of an item, with its end."""
    return _json.encode({"Item": {name: _plain(wire) for name, wire in item.items()}}) + b"\n"


def from_line(line: bytes) -> Item:
    """Return the item of a line.

    Raises:
        NotAnItem: the line holds none.
    """
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotAnItem(f"it is no JSON: {error}") from None
    if not isinstance(found, dict) or set(found) != {"Item"} or not isinstance(found["Item"], dict):
        raise NotAnItem('it is no {"Item": {…}}')
    return read_item(found["Item"])


def read_item(found: dict[str, Any]) -> Item:
    """Return an item, or a key, of what JSON holds for it.

    Raises:
        NotAnItem: a value is none of DynamoDB's.
    """
    return {name: _wire(value, name) for name, value in found.items()}


def check_keys(item: Mapping[str, Wire], definition: TableDefinition) -> None:
    """See that an item has the keys of a table, each of its type.

    Raises:
        NotAnItem: one is missing, empty or of another type.
    """
    for name, kind in definition.key_types.items():
        if name not in item:
            if name in definition.keys:
                raise NotAnItem(f"it has no {name!r}, which is a key of the table {definition.name!r}")
        elif kind not in item[name]:
            (found,) = item[name]
            raise NotAnItem(f"{name!r} is of type {found}, and is a key of type {kind} of {definition.name!r}")
        elif not item[name][kind]:
            raise NotAnItem(f"{name!r} is empty, and is a key of the table {definition.name!r}")


def open_error(path: str, error: OSError) -> FileUnusable:
    """Say that a file cannot be used."""
    return FileUnusable(f"{path}: {error.strerror or error}")


def _plain(wire: Mapping[str, Any]) -> Any:
    ((kind, value),) = wire.items()
    if kind == "M":
        return {kind: {name: _plain(member) for name, member in value.items()}}
    if kind == "L":
        return {kind: [_plain(member) for member in value]}
    return {kind: sorted(value)} if kind in _SETS else wire


def _wire(found: Any, where: str) -> Wire:
    if not isinstance(found, dict) or len(found) != 1:
        raise NotAnItem(f"{where!r} is {_short(found)}, which is no attribute value such as {{'S': 'text'}}")
    ((kind, value),) = found.items()
    if kind == "M" and isinstance(value, dict):
        return {kind: {name: _wire(member, f"{where}/{name}") for name, member in value.items()}}
    if kind == "L" and isinstance(value, list):
        return {kind: [_wire(member, f"{where}/{index}") for index, member in enumerate(value)]}
    if kind in _SETS and isinstance(value, list) and value:
        return {kind: [_scalar(_SETS[kind], member, where) for member in value]}
    return {kind: _scalar(kind, value, where)}


def _scalar(kind: str, value: Any, where: str) -> Any:
    if kind == "S" and isinstance(value, str):
        return value
    if kind == "N" and isinstance(value, str) and _NUMBER.fullmatch(value):
        return value
    if kind == "B" and isinstance(value, str):
        try:
            return b64decode(value, validate=True)
        except ValueError:
            raise NotAnItem(f"{where!r} is {_short(value)}, which is no base64") from None
    if (kind == "BOOL" and isinstance(value, bool)) or (kind == "NULL" and value is True):
        return value
    raise NotAnItem(f"{where!r} is {_short({kind: value})}, which is no value of DynamoDB's")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
