"""Form bodies: ``application/x-www-form-urlencoded`` and ``multipart/form-data`` (OpenAPI 3.1, sections 4.8.14 and 15).

Fields are texts that their schemas give types to; files stay file objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from .codec.codec import Invalid, decode_any
from .codec.text import MISSING, TextCodec, is_json, kinds_of
from .contract import MediaType, Parameter, Schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .codec.types import Types

FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")

Fields = dict[str, list[str]]
Files = dict[str, list[Any]]


class FormCodec:
    """Reads the forms of one media type.

    Args:
        types: of the contract.
        media: the media type, whose schema is an object; None where the form's fields are parameters (Swagger 2.0).
        parameters: those parameters.
    """

    def __init__(self, types: Types, media: MediaType | None, parameters: Sequence[Parameter] = ()) -> None:
        self.types = types
        self.media = media
        self.parameters = parameters
        self._relaxed: dict[frozenset[str], Schema | bool] = {}

    def parameter(self, parameter: Parameter, reader: TextCodec, fields: Fields, files: Files) -> Any:
        """Return one form parameter's value; a file parameter's is the file object.

        Raises:
            Invalid: it breaks its schema, or is required and absent.
        """
        if _is_file(self.types, parameter.schema):
            found = files.get(parameter.name)
            if found:
                return found[0]
            if parameter.name in fields:
                raise Invalid([("", "type", "this must be a file; send the form as multipart/form-data")])
            if parameter.required:
                raise Invalid([("", "required", "the file is missing")])
            return MISSING
        return reader.read(fields)

    def read(self, fields: Fields, files: Files) -> Any:
        """Return a form's value: the model or dict that its schema describes, files at their places.

        Raises:
            Invalid: it breaks the schema.
        """
        assert self.media is not None
        shape = self.types.shape(self.media.schema)
        known = self.types.fields(shape) if isinstance(shape, Schema) else {}
        plain: dict[str, Any] = {}
        broken: dict[str, Invalid] = {}
        for name in {**fields, **files}:
            texts = fields.get(name, [])
            try:
                plain[name] = self._field(name, known.get(name, True), texts, files.get(name, []))
            except Invalid as error:
                broken[name], plain[name] = error, texts
        made = self._load({name: value for name, value in plain.items() if name not in files}, files, broken)
        for name in files:
            _put_file(made, name, plain[name])
        return made

    def _load(self, plain: dict[str, Any], files: Mapping[str, Any], broken: Mapping[str, Invalid]) -> Any:
        """Check and convert the fields; faults of those that could not be read are listed with all others."""
        codec = self.types.codec(self.without_files(files), "request")
        if not broken:
            return codec.load_slowly(plain)
        faults = [
            (f"{_pointer(name)}{pointer}", keyword, message)
            for name, error in broken.items()
            for pointer, keyword, message in error.faults
        ]
        try:
            codec.load_slowly(plain)
        except Invalid as error:
            faults += [fault for fault in error.faults if not fault[0].startswith(tuple(map(_pointer, broken)))]
        raise Invalid(faults)

    def without_files(self, files: Mapping[str, Any]) -> Schema | bool:
        """Return the schema with the properties that came as files no longer required."""
        assert self.media is not None
        shape = self.types.shape(self.media.schema)
        if isinstance(shape, bool) or not files:
            return self.media.schema
        came = frozenset(files) & frozenset(shape.required)
        if came not in self._relaxed:
            required = tuple(name for name in shape.required if name not in came)
            self._relaxed[came] = replace(shape, required=required)
        return self._relaxed[came]

    def _field(self, name: str, schema: Schema | bool, texts: list[str], files: list[Any]) -> Any:
        """Read one field: by its encoding's media type, else by its style."""
        assert self.media is not None
        if files:
            return files if "array" in kinds_of(self.types, schema) else files[0]
        encoding = self.media.encoding.get(name)
        if encoding is not None and encoding.content_type is not None and is_json(encoding.content_type):
            return decode_any(texts[-1])
        if "object" in kinds_of(self.types, schema) and texts[-1].lstrip()[:1] == "{":
            return decode_any(texts[-1])
        style, explode = (encoding.style, encoding.explode) if encoding else ("form", True)
        parameter = Parameter(name, "form", schema, name, style=style, explode=explode)
        reader = TextCodec(self.types, parameter)
        if reader.is_array:
            return reader._compound(texts)
        values = [reader.scalar(text) for text in texts]
        return values[0] if len(values) == 1 else values


def _pointer(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _is_file(types: Types, schema: Schema | bool) -> bool:
    shape = types.shape(schema)
    return isinstance(shape, Schema) and shape.format == "binary"


def _put_file(made: Any, name: str, value: Any) -> None:
    """Put a file at its place in a model or dict, without the check that text gets."""
    from .model import set_unchecked

    if isinstance(made, dict):
        made[name] = value
    else:
        set_unchecked(made, name, value)
