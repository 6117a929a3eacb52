"""Requests made from a contract that the service must take.

Needs pymacaron (``pip install pymacaron-unit[contract]``), whose client writes them.
"""

from __future__ import annotations

from io import BytesIO
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_plus

from msgspec.structs import replace

from pymacaron.client.writing import RequestWriter
from pymacaron.codec.codec import Invalid
from pymacaron.codec.text import MISSING, TextCodec, is_json
from pymacaron.contract import Schema
from pymacaron.exceptions import InternalValidationError
from pymacaron.forms import FORM_TYPES
from pymacaron.spec import describe_place

from .examples import NoExampleError, examples_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import requests

    from pymacaron.contract import MediaType, Operation, Parameter

    from .contracts import Contract

AnySchema = Schema | bool

#: The key of ``values`` that stands for the body.
BODY = "body"
_TRIES = 40
_FILE = b"example"


def valid_request(
    contract: Contract,
    operation: Operation,
    base_url: str,
    *,
    seed: int = 0,
    values: Mapping[str, Any] | None = None,
    optional: bool = False,
    media_type: str | None = None,
) -> requests.Request:
    """Make a request that follows its operation's contract, without credentials.

    Args:
        contract: of the operation.
        operation: what is called.
        base_url: where the service answers, such as ``http://127.0.0.1:8080``; the contract's base path is added.
        seed: 0 for the contract's own examples and the plainest values; any other number for values by chance, the
            same for the same number.
        values: what parameters are, by their names or arguments; ``body`` for the body. They are checked.
        optional: whether parameters that can be left out are sent too; those in ``values`` always are.
        media_type: which of the body's declared media types is sent; the first one where it is None.

    Raises:
        NoExampleError: no value was found for a parameter or the body.
        ValueError: something in ``values`` breaks the contract, or the media type is not declared.
    """
    return _Draft(contract, _with_media(operation, media_type), seed, dict(values or {})).request(base_url, optional)


def _with_media(operation: Operation, media_type: str | None) -> Operation:
    if media_type is None:
        return operation
    declared = operation.body.content if operation.body is not None else ()
    chosen = tuple(media for media in declared if media.name == media_type)
    if operation.body is None or not chosen:
        names = ", ".join(media.name for media in declared) or "no body"
        raise ValueError(f"{operation.name} takes no {media_type!r}; its contract declares {names}")
    return replace(operation, body=replace(operation.body, content=chosen))


class _Draft:
    """A request of one operation while its values are chosen."""

    def __init__(self, contract: Contract, operation: Operation, seed: int, values: dict[str, Any]) -> None:
        self.contract = contract
        self.types = contract.types
        self.operation = operation
        self.values = values
        self.random = Random(f"{seed} {operation.name}") if seed else None
        self.examples = examples_of(contract.types)

    def request(self, base_url: str, optional: bool) -> requests.Request:
        """Return the request."""
        arguments = {}
        for parameter in self.operation.parameters:
            given = next((self.values.pop(n) for n in (parameter.name, parameter.argument) if n in self.values), None)
            if given is not None:
                arguments[parameter.argument] = given
            elif parameter.required or optional:
                arguments[parameter.argument] = self.parameter(parameter)
        body = self.body()
        if self.values:
            known = ", ".join([*(p.name for p in self.operation.parameters), *([BODY] if self.has_body else [])])
            raise ValueError(
                f"{self.operation.name} has no parameter {', '.join(map(repr, self.values))}; it has {known or 'none'}"
            )
        try:
            return RequestWriter(self.types, self.operation).write(
                base_url.rstrip("/") + self.contract.prefix, body, arguments
            )
        except InternalValidationError as error:
            raise ValueError(f"no request of {self.operation.name} can be made: {_told(error)}") from error

    @property
    def has_body(self) -> bool:
        """Tell whether the operation takes a body that is no form made of parameters."""
        form = any(parameter.location == "form" for parameter in self.operation.parameters)
        return self.operation.body is not None and bool(self.operation.body.content) and not form

    def body(self) -> tuple[Any, ...]:
        """Return the body as the client takes it; nothing where there is none."""
        if not self.has_body or self.operation.body is None:
            return ()
        if BODY in self.values:
            return (self.values.pop(BODY),)
        media = self.operation.body.content[0]
        if media.name in FORM_TYPES:
            return (self._form(media),)
        if is_json(media.name):
            return (self._value(media.schema, f"the body of {media.name}"),)
        return (self._raw(media),)

    def _raw(self, media: MediaType) -> Any:
        """Return a body that is no JSON and no form: text where its schema is about text, else octets."""
        if self._is_binary(media.schema):
            return _FILE
        value = self._value(media.schema, f"the body of {media.name}")
        return value if isinstance(value, str) else _FILE

    def _form(self, media: MediaType) -> dict[str, Any]:
        """Return a form's fields; those that are binary become files."""
        shape = self.types.shape(media.schema)
        if not isinstance(shape, Schema) or not (self.types.fields(shape) or shape.type):
            return {}
        made = self._value(media.schema, f"the form of {media.name}")
        known = self.types.fields(shape)
        return {
            name: self._file(known.get(name, True), value)
            for name, value in (made.items() if isinstance(made, dict) else ())
            if value is not None and value != []
        }

    def _file(self, schema: AnySchema, value: Any) -> Any:
        shape = self.types.shape(schema)
        items = shape.items if isinstance(shape, Schema) else None
        if isinstance(value, list) and items is not None and self._is_binary(items):
            return [BytesIO(_FILE) for _ in value]
        return BytesIO(_FILE) if self._is_binary(schema) else value

    def _is_binary(self, schema: AnySchema) -> bool:
        shape = self.types.shape(schema)
        return isinstance(shape, Schema) and shape.format == "binary"

    def parameter(self, parameter: Parameter) -> Any:
        """Return a value of a parameter that arrives as it was sent."""
        if parameter.location == "form" and self._is_binary(parameter.schema):
            return BytesIO(_FILE)
        what = f"the {parameter.location} parameter {parameter.name!r}"
        for value in self._values(parameter.schema, what, "any"):
            if value is not None and self._travels(parameter, value):
                return value
        raise self._missing(what, f"none of {_TRIES} values of its schema can be written so that it is read the same")

    def _travels(self, parameter: Parameter, value: Any) -> bool:
        """Tell whether what the client writes is what a server reads."""
        codec = TextCodec(self.types, parameter, encoded=parameter.location in ("path", "query"))
        reader = TextCodec(self.types, parameter, encoded=parameter.location == "query")
        try:
            pairs = codec.write(value)
            read = reader.read(_as_read(parameter, pairs))
        except Invalid:
            return False
        text = pairs[0][1] if pairs else ""
        if parameter.location == "path":
            return text not in ("", ".", "..") and "%2F" not in text and read is not MISSING
        plain = parameter.location == "query" or (text.isascii() and text.isprintable() and text == text.strip())
        cookie = parameter.location != "cookie" or not set(text) & set(' ;,"\\')
        return bool(pairs) and plain and cookie and read is not MISSING

    def _value(self, schema: AnySchema, what: str) -> Any:
        return next(self._values(schema, what, "request"))

    def _values(self, schema: AnySchema, what: str, direction: Any) -> Iterator[Any]:
        """Yield values of a schema, the wished one first."""
        try:
            if self.random is None:
                yield self.examples.one(schema, direction)
            chance = self.random or Random(0)
            for _ in range(_TRIES):
                yield self.examples.another(schema, direction, chance)
        except NoExampleError as error:
            raise self._missing(what, str(error)) from None

    def _missing(self, what: str, reason: str) -> NoExampleError:
        place = describe_place(self.operation.place)
        return NoExampleError(f"{place}: no value was found for {what} of {self.operation.name}: {reason}")


def _as_read(parameter: Parameter, pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Sort written pairs the way a server finds them."""
    made: dict[str, list[str]] = {}
    for name, text in pairs:
        found = unquote(text) if parameter.location == "path" else text
        made.setdefault(unquote_plus(name) if parameter.location in ("path", "query") else name, []).append(found)
    return made


def _told(error: InternalValidationError) -> str:
    faults = [f"{fault['in']} {fault['pointer']}: {fault['message']}" for fault in error.errors or ()]
    return "; ".join(faults) or str(error)
