"""What a request, as it was sent, exercised of its operation. Needs pymacaron."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request

from pymacaron.codec.codec import decode_any
from pymacaron.codec.text import MISSING, is_json, parse_query
from pymacaron.contract import Schema
from pymacaron.forms import FORM_TYPES, FormCodec
from pymacaron.negotiation import bare, content_for

from .branches import UNREADABLE, taken_if_valid

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from pymacaron.codec.text import TextCodec
    from pymacaron.codec.types import Types
    from pymacaron.contract import Parameter

    from .operations import BodySpot, Input, OperationKeys

Texts = dict[str, list[str]]


def sent(keys: OperationKeys, request: requests.PreparedRequest, path_values: Mapping[str, str]) -> set[str]:
    """Return the keys of what a request exercised."""
    made: set[str] = set()
    if keys.operation.parameters:
        given = _texts(request, path_values, keys)
        for each in keys.inputs:
            made |= _parameter(each, given[each.parameter.location])
    return made | _body(keys, request)


def _texts(request: requests.PreparedRequest, path_values: Mapping[str, str], keys: OperationKeys) -> dict[str, Texts]:
    """Return the texts of all parameters that were sent, by where they stand."""
    headers = {p.name: text for p in keys.operation.parameters if (text := _header(request, p.name)) is not None}
    fields: Texts = {}
    if any(parameter.location == "form" for parameter in keys.operation.parameters):
        texts, files = _form(request)
        fields = {**{name: [""] for name in files}, **texts}
    return {
        "path": {name: [text] for name, text in path_values.items()},
        "query": _query(request),
        "header": {name: [text] for name, text in headers.items()},
        "cookie": _cookies(_header(request, "Cookie") or ""),
        "form": fields,
    }


def _query(request: requests.PreparedRequest) -> Texts:
    try:
        return parse_query(urlsplit(request.url or "").query)
    except ValueError:
        return {}


def _header(request: requests.PreparedRequest, name: str) -> str | None:
    text: str | bytes | None = request.headers.get(name)
    return text.decode("latin-1") if isinstance(text, bytes) else text


def _cookies(header: str) -> Texts:
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return {name: [unquote(text)] for name, sign, text in pairs if sign}


def _parameter(each: Input, given: Texts) -> set[str]:
    codec, parameter = each.codec, each.parameter
    if not _is_given(codec, given):
        return set() if parameter.required else {f"{each.key} left out"}
    if parameter.location == "form" and _is_file(codec.types, parameter):
        return {f"{each.key} sent"}
    try:
        value = codec.read(given)
        plain = None if value is MISSING else codec.types.dump(value)
    except UNREADABLE:
        return set()
    return {f"{each.key} sent"} | {f"{each.key} {choice.label}" for choice in each.values if choice.taken(plain)}


def _is_given(codec: TextCodec, given: Texts) -> bool:
    """Tell whether a parameter was sent; an object may be spread over several names (OpenAPI 3.1, 4.8.12)."""
    parameter = codec.parameter
    if parameter.name in given:
        return True
    if parameter.style == "deepObject":
        return any(name.startswith(f"{parameter.name}[") for name in given)
    shape = codec.types.shape(parameter.schema)
    spread = codec.is_object and codec.exploded and parameter.style == "form" and isinstance(shape, Schema)
    return spread and isinstance(shape, Schema) and not codec.types.fields(shape).keys().isdisjoint(given)


def _is_file(types: Types, parameter: Parameter) -> bool:
    shape = types.shape(parameter.schema)
    return isinstance(shape, Schema) and shape.format == "binary"


def _body(keys: OperationKeys, request: requests.PreparedRequest) -> set[str]:
    operation = keys.operation
    if operation.body is None:
        return set()
    if not request.body:
        return set() if operation.body.required else {keys.body_left_out}
    content_type = _header(request, "Content-Type")
    content = operation.body.content
    media = content_for(content, content_type) if content_type else next(iter(content), None)
    if media is None:
        return set()
    body = next((each for each in keys.bodies if each.media is media), None)
    if body is None:
        return {f"{keys.key} body {media.name}"}
    return {body.key} | _branches(keys, body, request)


def _branches(keys: OperationKeys, body: BodySpot, request: requests.PreparedRequest) -> set[str]:
    if not isinstance(request.body, (bytes, str)):
        return set()  # A stream: what it held is gone.
    data = request.body if isinstance(request.body, bytes) else request.body.encode()
    try:
        return taken_if_valid(body.spot, _value(keys.schemas.types, body, request, data))
    except UNREADABLE:
        return set()


def _value(types: Types, body: BodySpot, request: requests.PreparedRequest, data: bytes) -> Any:
    name = bare(_header(request, "Content-Type") or body.media.name)
    if is_json(name):
        return decode_any(data)
    if name in FORM_TYPES:
        fields, files = _form(request)
        read = FormCodec(types, body.media).read(fields, files)
        plain = types.dump({each: read[each] for each in read if each not in files})
        return {**plain, **dict.fromkeys(files, "")}
    return data.decode()


def _form(request: requests.PreparedRequest) -> tuple[Texts, dict[str, list[Any]]]:
    """Return the fields and files of a form that was sent; none where it cannot be read."""
    body = request.body
    if not isinstance(body, (bytes, str)):
        return {}, {}
    data = body if isinstance(body, bytes) else body.encode()
    parsed = Request(
        {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": _header(request, "Content-Type") or "",
            "CONTENT_LENGTH": str(len(data)),
            "wsgi.input": BytesIO(data),
        }
    )
    try:
        return parsed.form.to_dict(flat=False), parsed.files.to_dict(flat=False)
    except (HTTPException, *UNREADABLE):
        return {}, {}
    finally:
        parsed.close()
