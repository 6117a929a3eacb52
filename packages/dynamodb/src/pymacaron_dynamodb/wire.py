"""Values of JSON as attribute values of DynamoDB, and back.

A text is S, a number N, and so on (DynamoDB API reference, AttributeValue). What an attribute value cannot say is
written down in notes: each is the JSON text of the value at a JSON pointer (RFC 6901) behind the word ``value``, and
counts for as long as that value is stored as what stands there. A value that no attribute value can hold, such as a
number of 39 digits, is stored as its JSON text.
"""

from __future__ import annotations

from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

Wire = dict[str, Any]
Notes = dict[str, str]

#: The pointer of a whole value.
WHOLE = "value"

# DynamoDB nests 32 levels deep (Developer Guide, "Quotas").
_DEEPEST = 31
_DIGITS = 38
_LARGEST = 9.99e125
_SMALLEST = 1e-130
_LONGEST = 126
_CONTEXT = Context(prec=_DIGITS)


class Octets:
    """Bytes, with the text that stands for them in JSON."""

    __slots__ = ("text", "value")

    def __init__(self, text: str, value: bytes) -> None:
        self.text = text
        self.value = value


_json = msgspec.json.Encoder(enc_hook=lambda octets: octets.text)


class NeedsNotes(Exception):
    """A value cannot be written without notes."""


class NotStorable(ValueError):
    """A value has no form in DynamoDB."""


def to_wire(value: Any, notes: Notes | None = None, pointer: str = WHOLE, depth: int = 0) -> Wire:
    """Return the attribute value of what JSON holds, or of bytes.

    Args:
        value: None, a bool, an int, a finite float, a str, Octets, or a list or a dict of such values.
        notes: takes what the attribute value does not say.
        pointer: of the value.
        depth: how many lists and objects it stands in.

    Raises:
        NeedsNotes: the attribute value alone does not say everything, and ``notes`` is None.
        NotStorable: no attribute value can hold it.
    """
    kind = type(value)
    if kind is str:
        return {"S": value}
    if kind is int:
        return _integer(value, notes, pointer)
    if kind is bool:
        return {"BOOL": value}
    if value is None:
        return {"NULL": True}
    if kind is dict or kind is list:
        return _container(value, notes, pointer, depth)
    if kind is float:
        return _real(value, notes, pointer)
    if kind is Octets:
        return {"B": value.value}
    raise NotStorable(f"a {kind.__name__} has no form in DynamoDB")


def _container(value: Any, notes: Notes | None, pointer: str, depth: int) -> Wire:
    if depth > _DEEPEST or ("" in value and type(value) is dict):
        return _as_text(value, notes, pointer)
    below = depth + 1
    if type(value) is list:
        if notes is None:
            return {"L": [to_wire(item, None, "", below) for item in value]}
        return {"L": [to_wire(item, notes, f"{pointer}/{index}", below) for index, item in enumerate(value)]}
    if notes is None:
        return {"M": {name: to_wire(item, None, "", below) for name, item in value.items()}}
    return {"M": {name: to_wire(item, notes, f"{pointer}/{_escaped(name)}", below) for name, item in value.items()}}


def from_wire(wire: Mapping[str, Any], octets: list[bytes] | None = None) -> Any:
    """Return what JSON holds for an attribute value, or bytes; sets become sorted lists.

    Args:
        wire: the attribute value.
        octets: takes all bytes that are in it.

    Raises:
        NotStorable: it is no attribute value.
    """
    ((kind, value),) = wire.items()
    if kind == "S":
        return value
    if kind == "N":
        return read_number(value)
    if kind == "M":
        return {name: from_wire(item, octets) for name, item in value.items()}
    if kind == "L":
        return [from_wire(item, octets) for item in value]
    if kind == "BOOL":
        return bool(value)
    if kind == "NULL":
        return None
    if kind == "NS":
        return sorted(map(read_number, value))
    if kind == "SS":
        return sorted(value)
    if kind not in ("B", "BS"):
        raise NotStorable(f"{kind!r} is no type of DynamoDB")
    found = [bytes(value)] if kind == "B" else sorted(map(bytes, value))
    if octets is not None:
        octets += found
    return found[0] if kind == "B" else found


def set_to_wire(values: list[Any], notes: Notes | None = None) -> Wire:
    """Return the attribute value of a set: of texts, of numbers or of bytes, none of which is there twice.

    A number that N has no place for makes it a list.

    Raises:
        NeedsNotes: as :func:`to_wire`.
        NotStorable: it is mixed, or holds something twice, or something else.
    """
    parts = [to_wire(value, notes, f"{WHOLE}/{value}") for value in values]
    kinds = {kind for part in parts for kind in part}
    if notes and "S" in kinds:
        notes.clear()
        return to_wire(values, notes)
    if len(kinds) != 1 or not kinds <= {"S", "N", "B"}:
        raise NotStorable("a set holds texts, numbers or bytes, all of one kind")
    (kind,) = kinds
    members = [part[kind] for part in parts]
    if len(set(members)) != len(members):
        raise NotStorable("a set holds nothing twice")
    return {f"{kind}S": members}


def read_number(text: str) -> int | float:
    """Return the number of an N: an int where it is whole."""
    try:
        return int(text)
    except ValueError:
        pass
    exact = Decimal(text)
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def canonical_number(text: str) -> str:
    """Return the one text of an N that DynamoDB itself gives its number: no exponent, no zeros at its end.

    Engines that keep the text as it is take ``1.0`` and ``1`` for two keys.
    """
    return f"{Decimal(text).normalize(_CONTEXT):f}" if "." in text or "e" in text else text


def same(wire: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    """Tell whether two attribute values are equal, numbers as numbers; None where there is none."""
    if wire is None or other is None or "N" not in wire or "N" not in other:
        return wire == other
    return read_number(wire["N"]) == read_number(other["N"])


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1") if "~" in name or "/" in name else name


def note(value: Any) -> str:
    """Return the note of a value: its JSON text."""
    return _json.encode(value).decode()


def _integer(value: int, notes: Notes | None, pointer: str) -> Wire:
    text = str(value)
    if len(text) <= _DIGITS or _fits(text):
        return {"N": text}
    return _as_text(value, notes, pointer)


def _fits(text: str) -> bool:
    digits = text.lstrip("-")
    return len(digits.rstrip("0")) <= _DIGITS and len(digits) <= _LONGEST


def _real(value: float, notes: Notes | None, pointer: str) -> Wire:
    text = repr(value)
    if value and not _SMALLEST <= abs(value) <= _LARGEST:
        return _as_text(value, notes, pointer)
    if value.is_integer():
        write_note(notes, pointer, text)
    return {"N": text if value else "0"}


def _as_text(value: Any, notes: Notes | None, pointer: str) -> Wire:
    """Store a value that no other attribute value can hold as its JSON text."""
    if notes is None:
        raise NeedsNotes
    text = note(value)
    write_note(notes, pointer, text)
    return {"S": text}


def write_note(notes: Notes | None, pointer: str, text: str) -> None:
    """Note the JSON text of the value at a pointer.

    Raises:
        NeedsNotes: there are no notes to write into.
    """
    if notes is None:
        raise NeedsNotes
    notes[pointer] = text


def amend(value: Any, wire: Mapping[str, Any], pointer: str, text: str) -> None:
    """Put the value of a note in its place below a value, where it still stands for what is stored there."""
    noted = msgspec.json.decode(text)
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    for depth, step in enumerate(steps):
        ((kind, parts),) = wire.items()
        at = _step(kind, parts, step)
        if at is None:
            return
        if depth < len(steps) - 1 or kind in ("M", "L"):
            wire = parts[at]
        if depth == len(steps) - 1:
            is_text = isinstance(noted, (list, dict)) and wire == {"S": text}
            if kind == "NS" or is_text or same(to_wire(noted, {}), wire):
                value[at] = noted
        else:
            value = value[at]


def _step(kind: str, parts: Any, step: str) -> Any:
    """Return where a step of a pointer leads among the parts of an attribute value; None where it leads nowhere."""
    if kind == "M":
        return step if step in parts else None
    if kind == "L" and step.isdigit() and int(step) < len(parts):
        return int(step)
    if kind == "NS":
        numbers = sorted(map(read_number, parts))
        return next((index for index, number in enumerate(numbers) if number == float(step)), None)
    return None
