"""msgspec types of scalars, and how types are joined.

Each accepts only what its schema accepts; a function returns None where msgspec has no such type.
"""

from __future__ import annotations

from math import ceil, floor, isfinite
from sys import maxsize
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from msgspec import Meta

from pymacaron.model import ModelType

from .formats import BUILT_IN, INTEGERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymacaron.contract import Schema

    from .formats import Format


_INT64 = range(-(2**63), 2**63)


class Checked(type):
    """The class of checked types; each is its own class, whose functions take a value through the slow path.

    ``parse`` takes a value of JSON; ``convert`` one that may be typed already.
    """

    parse: Callable[[Any], Any]
    convert: Callable[[Any], Any]
    nullable: bool

    def __instancecheck__(cls, value: object) -> bool:
        return True


def checked(parse: Callable[[Any], Any], convert: Callable[[Any], Any], nullable: bool) -> Checked:
    """Make a checked type."""
    functions = {"parse": staticmethod(parse), "convert": staticmethod(convert)}
    return Checked("Checked", (), {**functions, "nullable": nullable})


def parse_checked(kind: Any, value: Any) -> Any:
    """Take a value of JSON for a checked type; msgspec calls it as ``dec_hook``."""
    return kind.parse(value)


def convert_checked(kind: Any, value: Any) -> Any:
    """Take a value that may be typed already, likewise."""
    return kind.convert(value)


def accepts_null(kind: Any) -> bool:
    """Tell whether a lowered type takes null."""
    if kind is Any or kind is None or kind is type(None):
        return True
    if isinstance(kind, Checked):
        return kind.nullable
    return type(None) in getattr(kind, "__args__", ()) or None in getattr(kind, "__args__", ())


def literal(shape: Schema, values: tuple[Any, ...]) -> Any:
    allowed = shape.type
    kinds = {str: "string", int: "integer", type(None): "null"}
    if not values or any(type(v) not in kinds or (isinstance(v, int) and v not in _INT64) for v in values):
        return None
    if allowed:
        values = tuple(
            v for v in values if kinds[type(v)] in allowed or (kinds[type(v)] == "integer" and "number" in allowed)
        )
    return Literal[values] if values else None


def number(shape: Schema, kind: str) -> Any:
    low, high = INTEGERS.get(shape.format or "", (None, None))
    limits = {
        "ge": _tightest(max, shape.minimum, low),
        "le": _tightest(min, shape.maximum, high),
        "gt": shape.exclusive_minimum,
        "lt": shape.exclusive_maximum,
    }
    if not all(isinstance(v, int) or isfinite(v) for v in limits.values() if v is not None):
        return None
    whole = _integer(limits, shape.multiple_of)
    if kind == "integer" or whole is None:
        return whole
    if shape.multiple_of is not None:
        return None
    real = limited(float, _one_sided({k: _exact_float(v) for k, v in limits.items()}))
    return None if any(v is not None and _exact_float(v) is None for v in limits.values()) else whole | real


def _exact_float(value: Any) -> float | None:
    """Return a bound as a float; None where a float can't hold it."""
    try:
        return float(value) if value is not None and float(value) == value else None
    except OverflowError:
        return None


def _integer(limits: dict[str, Any], multiple_of: Any) -> Any:
    """Express an integer; bounds between two integers move to the next one inside."""
    low = [ceil(limits["ge"])] if limits["ge"] is not None else []
    low += [floor(limits["gt"]) + 1] if limits["gt"] is not None else []
    high = [floor(limits["le"])] if limits["le"] is not None else []
    high += [ceil(limits["lt"]) - 1] if limits["lt"] is not None else []
    bounds = {"ge": max(low) if low else None, "le": min(high) if high else None}
    if any(v is not None and v not in _INT64 for v in bounds.values()):
        return None
    if multiple_of is not None:
        if not float(multiple_of).is_integer() or not 0 < multiple_of < 2**63:
            return None
        bounds["multiple_of"] = int(multiple_of)
    return limited(int, bounds)


def _one_sided(limits: dict[str, Any]) -> dict[str, Any]:
    """Keep the tighter one of an inclusive and an exclusive bound, since msgspec takes one of them."""
    if limits["ge"] is not None and limits["gt"] is not None:
        limits["ge" if limits["gt"] >= limits["ge"] else "gt"] = None
    if limits["le"] is not None and limits["lt"] is not None:
        limits["le" if limits["lt"] <= limits["le"] else "lt"] = None
    return limits


def _tightest(pick: Any, *values: Any) -> Any:
    there = [v for v in values if v is not None]
    return pick(there) if there else None


def limited(kind: Any, limits: dict[str, Any]) -> Any:
    there = {name: value for name, value in limits.items() if value is not None}
    if there.get("min_length", 0) > maxsize:
        return None  # msgspec takes no such length, and nothing has one.
    if there.get("max_length", 0) > maxsize:
        del there["max_length"]
    return Annotated[kind, Meta(**there)] if there else kind


def union(parts: list[Any]) -> Any:
    """Join types; None where msgspec can't tell them apart."""
    if len(parts) == 1:
        return None if parts[0] is type(None) else parts[0]
    if any(isinstance(part, Checked) for part in parts):
        return None
    if sum(_mapping_like(part) for part in parts) > 1:
        return None
    if any(map(_has_pattern, parts)) and any(map(_has_elements, parts)):
        # msgspec (0.22) frees the compiled pattern of such a type as if it were the type of the elements.
        return None
    return Union[tuple(parts)]  # noqa: UP007  # the parts are values here


def _mapping_like(kind: Any) -> bool:
    return isinstance(kind, ModelType) or getattr(kind, "__origin__", None) is dict


def _has_pattern(kind: Any) -> bool:
    return any(getattr(meta, "pattern", None) is not None for meta in getattr(kind, "__metadata__", ()))


def _has_elements(kind: Any) -> bool:
    """Tell whether a type is a list or a dict, limited or not."""
    plain = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    return get_origin(plain) in (list, dict)


def text_parser(wire: Format) -> Callable[[Any], Any]:
    """Return what makes a format's Python value of a text, and of nothing else."""
    if wire in BUILT_IN:
        return wire.parse  # They look for themselves.

    def parse(value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError("not a text")
        return wire.parse(value)

    return parse


def text_converter(wire: Format) -> Callable[[Any], Any]:
    """Return what makes a format's Python value of a text; a value that is one already only has to be writable."""
    parse = text_parser(wire)

    def convert(value: Any) -> Any:
        if isinstance(value, str) or not isinstance(value, wire.types):
            return parse(value)
        text = wire.dump(value)
        return value if type(value) in wire.types else parse(text)

    return convert
