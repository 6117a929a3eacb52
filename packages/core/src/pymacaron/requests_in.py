"""Requests to the arguments of handlers; every fault of a request is collected before any is reported."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from .codec.codec import Invalid
from .codec.text import MISSING, TextCodec, is_json, parse_query
from .contract import Body, MediaType, Operation, Parameter, Schema
from .exceptions import UnsupportedMediaTypeError, ValidationError
from .forms import FORM_TYPES, FormCodec
from .messages import FaultList, Incoming, Settings, faults_in
from .negotiation import bare, content_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .codec.codec import Codec
    from .codec.types import Types


class BodyReader:
    """Reads the bodies of one operation."""

    def __init__(self, types: Types, body: Body, settings: Settings) -> None:
        self.types = types
        self.body = body
        self.settings = settings
        self.codecs = {media.name: types.codec(media.schema, "request") for media in body.content}
        self.forms = {media.name: FormCodec(types, media) for media in body.content if media.name in FORM_TYPES}
        self.readers: dict[str | None, Callable[[Incoming], Any]] = {}

    def read(self, incoming: Incoming) -> Any:
        """Return the body's value, ``MISSING`` where there is none and none is needed.

        Raises:
            UnsupportedMediaTypeError: its ``Content-Type`` is not declared.
            Invalid: it breaks its schema, or is missing.
        """
        if not incoming.content_length and not self._has_body(incoming):
            return self._absent()
        reader = self.readers.get(incoming.content_type)
        if reader is None:
            reader = self._keep(incoming.content_type)
        return reader(incoming)

    def _keep(self, content_type: str | None) -> Callable[[Incoming], Any]:
        reader = self._reader(content_type)
        if len(self.readers) > 1000:
            self.readers.clear()
        self.readers[content_type] = reader
        return reader

    def _reader(self, content_type: str | None) -> Callable[[Incoming], Any]:
        """Return what reads bodies of a ``Content-Type``."""
        media = self._media(content_type)
        codec = self.codecs[media.name]
        if is_json(media.name) or ("*" in media.name and is_json(content_type or "")):
            return partial(self._json, codec)
        if media.name in self.forms:
            form = self.forms[media.name]
            return lambda incoming: form.read(*incoming.form())
        if media.name.startswith("text/") and not is_binary(self.types, media):
            return partial(self._text, codec)
        return lambda incoming: incoming.stream()

    @staticmethod
    def _has_body(incoming: Incoming) -> bool:
        return incoming.header("Transfer-Encoding") is not None

    def _absent(self) -> Any:
        if self.body.required:
            raise Invalid([("", "required", "the body is missing")])
        return MISSING

    def _media(self, content_type: str | None) -> MediaType:
        if content_type is None:
            # RFC 9110, section 8.3: the recipient may assume a type; the first declared one is meant.
            return self.body.content[0]
        media = content_for(self.body.content, content_type)
        if media is None:
            raise unsupported(self.body.content, content_type)
        return media

    def _json(self, codec: Codec, incoming: Incoming) -> Any:
        data = incoming.body()
        return codec.decode(data, self.settings.max_json_depth) if data else self._absent()

    @staticmethod
    def _text(codec: Codec, incoming: Incoming) -> Any:
        try:
            return codec.load(incoming.body().decode())
        except UnicodeDecodeError as error:
            raise Invalid([("", "type", f"byte {error.start} is no UTF-8")]) from None


def unsupported(content: Sequence[MediaType], content_type: str) -> UnsupportedMediaTypeError:
    """Say which media types a body may be of."""
    allowed = ", ".join(media.name for media in content)
    message = f"a body of type {bare(content_type)!r} is not supported; send {allowed}"
    return UnsupportedMediaTypeError(message, headers={"Accept": allowed})


def is_binary(types: Types, media: MediaType) -> bool:
    """Tell whether bodies of a media type are octets, not text."""
    shape = types.shape(media.schema)
    return isinstance(shape, Schema) and shape.format == "binary"


class RequestDecoder:
    """Turns requests of one operation into the arguments of its handler, all faults collected."""

    def __init__(self, types: Types, operation: Operation, settings: Settings) -> None:
        self.settings = settings
        self.operation = operation
        self.readers = {
            location: [
                (p, TextCodec(types, p, encoded=location == "query"))
                for p in operation.parameters
                if p.location == location
            ]
            for location in ("path", "query", "header", "cookie", "form")
        }
        has_body = operation.body is not None and operation.body.content and not self.readers["form"]
        self.body = BodyReader(types, operation.body, settings) if has_body and operation.body else None
        self.form = FormCodec(types, None, [p for p, _ in self.readers["form"]]) if self.readers["form"] else None

    def decode(self, incoming: Incoming) -> tuple[Any, dict[str, Any]]:
        """Return the body (``MISSING`` where the operation takes none) and the parameters by argument.

        Raises:
            ValidationError: the request breaks the contract; every fault is listed.
            UnsupportedMediaTypeError, BodyTooLargeError: as their names say.
        """
        arguments: dict[str, Any] = {}
        faults: FaultList = []
        if self.operation.parameters or self.settings.strict_query:
            self._parameters(incoming, arguments, faults)
        body = MISSING
        if self.body is not None:
            try:
                body = self.body.read(incoming)
            except Invalid as error:
                faults += faults_in("body", "", error)
        if faults:
            raise ValidationError(errors=faults[: self.settings.max_errors])
        return body, arguments

    def _parameters(self, incoming: Incoming, arguments: dict[str, Any], faults: FaultList) -> None:
        readers = self.readers
        if readers["path"]:
            given = {name: [text] for name, text in incoming.path_args.items()}
            self._read("path", given, arguments, faults)
        if readers["query"] or self.settings.strict_query:
            self._query(incoming, arguments, faults)
        if readers["header"]:
            headers = {p.name: [v] for p, _ in readers["header"] if (v := incoming.header(p.name)) is not None}
            self._read("header", headers, arguments, faults)
        if readers["cookie"]:
            self._read("cookie", {k: [v] for k, v in incoming.cookies().items()}, arguments, faults)
        if self.form is not None:
            self._form(incoming, arguments, faults)

    def _read(self, where: str, given: Mapping[str, list[str]], arguments: dict[str, Any], faults: FaultList) -> None:
        for parameter, reader in self.readers[where]:
            try:
                value = reader.read(given)
            except Invalid as error:
                faults += faults_in(where, parameter.name, error)
            else:
                if value is not MISSING:
                    arguments[parameter.argument] = value

    def _query(self, incoming: Incoming, arguments: dict[str, Any], faults: FaultList) -> None:
        try:
            given = parse_query(incoming.query)
        except Invalid as error:
            faults += faults_in("query", "", error)
            return
        self._read("query", given, arguments, faults)
        if self.settings.strict_query:
            for name in given:
                if not any(_takes(parameter, reader, name) for parameter, reader in self.readers["query"]):
                    message = "the operation has no query parameter of this name; remove it"
                    faults += faults_in("query", name, Invalid([("", "additionalProperties", message)]))

    def _form(self, incoming: Incoming, arguments: dict[str, Any], faults: FaultList) -> None:
        assert self.form is not None
        content = self.operation.body.content if self.operation.body is not None else ()
        if incoming.content_type is not None and content_for(content, incoming.content_type) is None:
            raise unsupported(content, incoming.content_type)
        fields, files = incoming.form()
        for parameter, reader in self.readers["form"]:
            try:
                value = self.form.parameter(parameter, reader, fields, files)
            except Invalid as error:
                faults += faults_in("form", parameter.name, error)
            else:
                if value is not MISSING:
                    arguments[parameter.argument] = value


def _takes(parameter: Parameter, reader: TextCodec, name: str) -> bool:
    """Tell whether a query key belongs to a parameter."""
    if name == parameter.name or (parameter.style == "deepObject" and name.startswith(f"{parameter.name}[")):
        return True
    shape = reader.types.shape(parameter.schema)
    spread = reader.is_object and reader.exploded and isinstance(shape, Schema)
    return spread and isinstance(shape, Schema) and name in reader.types.fields(shape)
