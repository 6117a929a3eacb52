"""What tasks are called with, as JSON and back: nothing is lost, and what can't be kept is refused at the call.

JSON's own values stand for themselves; everything else is an object with the key ``$pym``, which names its kind. A dict
that has that key itself is wrapped in one.
"""

from __future__ import annotations

import json
import math
from base64 import b64decode, b64encode
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pymacaron import apipool
from pymacaron.config import is_secret
from pymacaron.model import PymacaronBaseModel

from .exceptions import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

KIND = "$pym"
_SHOWN = 100

_WRITERS: dict[type, tuple[str, Callable[[Any], Any]]] = {
    datetime: ("datetime", lambda value: [value.isoformat(), value.fold]),
    date: ("date", date.isoformat),
    UUID: ("uuid", str),
    Decimal: ("decimal", str),
    bytes: ("bytes", lambda value: b64encode(value).decode()),
}
_READERS: dict[str, Callable[[Any], Any]] = {
    "datetime": lambda value: datetime.fromisoformat(value[0]).replace(fold=value[1]),
    "date": date.fromisoformat,
    "uuid": UUID,
    "decimal": Decimal,
    "bytes": b64decode,
    "float": float,
}


def encode_call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Write the arguments of a call as one text.

    Raises:
        ArgumentError: one of them, or a part of it, is of a type that is not kept; the message names it.
    """
    made = [
        [_encode(value, f"the argument {index + 1}") for index, value in enumerate(args)],
        {name: _encode(value, f"the argument {name!r}") for name, value in kwargs.items()},
    ]
    return json.dumps(made, separators=(",", ":"))


def decode_call(text: str) -> tuple[list[Any], dict[str, Any]]:
    """Read the arguments of a call."""
    args, kwargs = json.loads(text)
    return [_decode(value) for value in args], {name: _decode(value) for name, value in kwargs.items()}


def encode_value(value: Any, what: str) -> str:
    """Write one value, such as a result; ``what`` names it in messages."""
    return json.dumps(_encode(value, what), separators=(",", ":"))


def decode_value(text: str) -> Any:
    """Read one value."""
    return _decode(json.loads(text))


def shown_call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Return the arguments for lists and logs: short, and without those whose names tell of a secret."""
    parts = [_shown(value) for value in args]
    parts += [f"{name}={'***' if is_secret(name) else _shown(value)}" for name, value in kwargs.items()]
    return ", ".join(parts)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _encode(value: Any, place: str) -> Any:
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {KIND: "float", "value": str(value)}
    if type(value) is list:
        return [_encode(item, f"{place}[{index}]") for index, item in enumerate(value)]
    if type(value) is tuple:
        return {KIND: "tuple", "value": [_encode(item, f"{place}[{index}]") for index, item in enumerate(value)]}
    if type(value) is dict:
        return _encode_dict(value, place)
    if isinstance(value, PymacaronBaseModel):
        return {KIND: "model", "api": value.get_model_api(), "name": value.get_model_name(), "value": value.to_json()}
    for kind, (name, write) in _WRITERS.items():
        if isinstance(value, kind) and type(value).__module__ in ("datetime", "uuid", "decimal", "builtins"):
            return {KIND: name, "value": write(value)}
    raise ArgumentError(
        f"{place} is a {type(value).__module__}.{type(value).__qualname__}, which a task cannot be sent; give JSON"
        " values, models, datetime, date, UUID, Decimal or bytes, such as the key that the object is found by"
    )


def _encode_dict(value: dict[Any, Any], place: str) -> Any:
    for key in value:
        if type(key) is not str:
            raise ArgumentError(
                f"{place} has the key {key!r}, a {type(key).__name__}; a task is sent texts as keys only"
            )
    made = {key: _encode(item, f"{place}[{key!r}]") for key, item in value.items()}
    return {KIND: "dict", "value": made} if KIND in value else made


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(KIND)
    if kind is None:
        return {key: _decode(item) for key, item in value.items()}
    if kind == "dict":
        return {key: _decode(item) for key, item in value["value"].items()}
    if kind == "tuple":
        return tuple(_decode(item) for item in value["value"])
    if kind == "model":
        return apipool.model_class(value["api"], value["name"]).from_json(value["value"])
    return _READERS[kind](value["value"])
