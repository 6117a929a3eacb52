"""Which arguments of operations cannot be sent to a worker: streams, files, and values of a service's own formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymacaron.codec.text import is_json
from pymacaron.contract import Schema
from pymacaron.exceptions import BindError
from pymacaron.forms import FORM_TYPES

if TYPE_CHECKING:
    from pymacaron.codec.types import Types
    from pymacaron.contract import MediaType, Operation, Parameter

_MEND = "store it first and hand over where it is, or leave x-pym-async out"


def refuse_streams(types: Types, operation: Operation) -> None:
    """Refuse an operation whose handler gets what no message can carry.

    Raises:
        BindError: the message names the argument.
    """
    for media in operation.body.content if operation.body is not None else ():
        if _is_stream(types, media):
            raise BindError(
                f"its body of type {media.name} is a stream or a file, which no worker can be sent; {_MEND}"
            )
    for parameter in operation.parameters:
        format = _own_format(types, parameter)
        if format is not None:
            raise BindError(
                f"its parameter {parameter.name!r} has the format {format!r}, whose values no worker can be sent;"
                f" {_MEND}"
            )


def _is_stream(types: Types, media: MediaType) -> bool:
    """Tell whether a handler gets a body as a file object, or files in a form."""
    if is_json(media.name):
        return False
    if media.name not in FORM_TYPES and not media.name.startswith("text/"):
        return True
    return any(part.format == "binary" for part in types.reachable(media.schema))


def _own_format(types: Types, parameter: Parameter) -> str | None:
    """Return the first format in a parameter's values that is a file, or the service's own."""
    if isinstance(parameter.schema, Schema) and types.model_of(parameter.schema, "request") is not None:
        return None
    for part in types.reachable(parameter.schema):
        known = types.formats.get(part.format)
        if known is not None and not known.native:
            return part.format
    return None
