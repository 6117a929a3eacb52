"""Defaults of properties: filled in where they follow their own schema, and made anew for each model."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymacaron.contract import Schema

    from .types import Types

log = logging.getLogger(__name__)

_IMMUTABLE = (str, int, float, bool, bytes, type(None))


def load_default(types: Types, schema: Schema | bool, default: Any, unset: Any) -> Any:
    """Return a default as a Python value; ``unset`` where it breaks the schema that it is the default of."""
    try:
        return types.codec(schema, "any").load(msgspec.json.decode(msgspec.json.encode(default)))
    except types.invalid as error:
        log.warning("the API %r: the default %r is left out: %s", types.api.name, default, error)
        return unset


def default_factory(types: Types, schema: Schema | bool, default: Any, unset: Any) -> Callable[[], Any]:
    """Return what makes a property's default; lists and models are made anew each time."""
    kept: list[Any] = []

    def make() -> Any:
        if kept:
            return kept[0]
        made = load_default(types, schema, default, unset)
        if isinstance(made, _IMMUTABLE) or made is unset:
            kept.append(made)
        return made

    return make
