"""Parameters: texts of paths, queries, headers and cookies to values, and back.

Styles and ``explode`` follow OpenAPI 3.1, section 4.8.12; Swagger 2.0's ``collectionFormat`` is a style too. Percent
encoding is undone after a text was split, so that an encoded delimiter is no delimiter.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_plus

from pymacaron.contract import Parameter, Schema

from .codec import MAX_DEPTH, Invalid, decode_any, too_deep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .types import Types

_INTEGER = re.compile(r"[+-]?[0-9]{1,4000}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DELIMITERS = {
    "form": re.compile(","),
    "simple": re.compile(","),
    "spaceDelimited": re.compile("%20|[+ ]"),
    "pipeDelimited": re.compile(r"%7[Cc]|\|"),
    "tabDelimited": re.compile("%09|\t"),
}
_JOIN = {"form": ",", "simple": ",", "spaceDelimited": " ", "pipeDelimited": "|", "tabDelimited": "\t"}
MAX_PARAMETERS = 1000

MISSING: Any = object()


def parse_query(query: str) -> dict[str, list[str]]:
    """Split a query string; names are decoded, values are not.

    Raises:
        Invalid: it has more than 1,000 parameters.
    """
    made: dict[str, list[str]] = {}
    if not query:
        return made
    pairs = query.split("&", MAX_PARAMETERS)
    if len(pairs) > MAX_PARAMETERS:
        raise Invalid([("", "maxItems", f"the query has more than {MAX_PARAMETERS} parameters")])
    for pair in pairs:
        if pair:
            name, _, value = pair.partition("=")
            made.setdefault(unquote_plus(name) if "%" in name or "+" in name else name, []).append(value)
    return made


def decode_text(value: str) -> str:
    """Undo percent encoding of one value of a query.

    Raises:
        Invalid: the octets are no UTF-8.
    """
    if "%" not in value and "+" not in value:
        return value
    try:
        return unquote_plus(value, errors="strict")
    except UnicodeDecodeError:
        raise Invalid([("", "type", "its octets are no UTF-8")]) from None


class TextCodec:
    """Reads and writes one parameter.

    Args:
        types: of the contract.
        parameter: the parameter.
        encoded: whether texts are percent-encoded, as in a query, or already decoded.
    """

    def __init__(self, types: Types, parameter: Parameter, encoded: bool = False) -> None:
        self.types = types
        self.parameter = parameter
        self.codec = types.codec(parameter.schema, "any")
        self.decode = decode_text if encoded else _same
        self.encode = encode_text if encoded else _same
        self.kinds = kinds_of(types, parameter.schema)
        self.scalar: Callable[[str], Any] = _scalar_reader(self.kinds)
        self.is_array = "array" in self.kinds
        self.is_object = "object" in self.kinds
        self.exploded = parameter.explode and (self.is_array or self.is_object)
        self.default = self._default()

    def _default(self) -> Any:
        shape = self.types.shape(self.parameter.schema)
        for place in (self.parameter.schema, shape):
            if isinstance(place, Schema) and not isinstance(place.default, type(Schema().default)):
                try:
                    return self.codec.load(place.default)
                except Invalid:
                    return MISSING
        return MISSING

    def read(self, given: Mapping[str, list[str]]) -> Any:
        """Return a parameter's value from all texts of its place; its default, or ``MISSING``, where it is absent.

        Raises:
            Invalid: the value breaks the schema, or is required and absent.
        """
        parameter = self.parameter
        if parameter.content_type is not None:
            return self._document(given.get(parameter.name))
        if self.is_object and (parameter.style == "deepObject" or (self.exploded and parameter.style == "form")):
            value = self._spread(given)
            return self._absent() if not value else self.codec.load(value)
        texts = given.get(parameter.name)
        if texts is None:
            return self._absent()
        if len(texts) == 1 and not self.is_array and not self.is_object:
            text = self.decode(self._bare(texts[0]))
            if not text and parameter.allow_empty and self.kinds != {"string"}:
                return self._absent() if self.default is not MISSING else None
            return self.codec.load(self.scalar(text))
        return self.codec.load(self._compound(texts))

    def _bare(self, text: str) -> str:
        """Return a scalar without what the styles ``label`` (``.a``) and ``matrix`` (``;name=a``) put before it."""
        signs = {"label": ".", "matrix": f";{self.parameter.name}="}
        return text.removeprefix(signs.get(self.parameter.style, ""))

    def _absent(self) -> Any:
        if self.parameter.required and self.default is MISSING:
            raise Invalid([("", "required", f"the {self.parameter.location} parameter is missing")])
        return self.default

    def _document(self, texts: list[str] | None) -> Any:
        """Read a parameter that is a document of its own media type (``content``)."""
        if texts is None:
            return self._absent()
        text = self.decode(texts[-1])
        return self.codec.decode(text.encode()) if is_json(self.parameter.content_type or "") else self.codec.load(text)

    def _compound(self, texts: list[str]) -> Any:
        """Read an array or an object; what cannot be one is left as it is, for the schema to refuse."""
        style = self.parameter.style
        if not self.is_array and not self.is_object:
            return [self.scalar(self.decode(t)) for t in texts]
        if self.exploded and style not in ("simple", "label", "matrix") and self.is_array:
            return self._elements(texts)
        text = texts[-1] if len(texts) == 1 or style != "simple" else ",".join(texts)
        if style in ("label", "matrix"):
            return self._prefixed(text)
        if self.is_object and not self.is_array:
            return self._pairs(text, "=" if self.exploded else None)
        # A client that repeats the name of an array written in one text means all of them.
        return self._elements([part for given in texts for part in _split(style, given)])

    def _prefixed(self, text: str) -> Any:
        """Read the styles ``label`` (``.a.b``) and ``matrix`` (``;name=a;name=b``) of RFC 6570."""
        name, label = self.parameter.name, self.parameter.style == "label"
        sign = "." if label else ";"
        if not text.startswith(sign):
            return self.decode(text)
        parts = text[1:].split(sign)
        if self.exploded and self.is_object:
            return self._pairs(",".join(parts), "=")
        if not label:
            parts = [part.removeprefix(f"{name}=") for part in parts]
        items = parts if self.exploded else ",".join(parts).split(",")
        return self._pairs(",".join(items), None) if self.is_object else self._elements(items)

    def _elements(self, texts: list[str]) -> list[Any]:
        """Read the elements of an array; one empty text is an empty array."""
        if texts == [""]:
            return []
        shape = self.types.shape(self.parameter.schema)
        items = shape.items if isinstance(shape, Schema) and shape.items is not None else True
        return [self._item(items, text) for text in texts]

    def _item(self, schema: Schema | bool, text: str) -> Any:
        inner = self.types.shape(schema)
        if isinstance(inner, Schema) and inner.type == ("array",) and "x-pym-style" in inner.extensions:
            split = _split(inner.extensions["x-pym-style"], text)
            return [self._item(inner.items if inner.items is not None else True, part) for part in split]
        return _scalar_reader(kinds_of(self.types, schema))(self.decode(text))

    def _pairs(self, text: str, assign: str | None) -> Any:
        """Read ``k=v,l=w`` or ``k,v,l,w`` as an object."""
        parts = _split(self.parameter.style, text) if text else []
        if assign is not None:
            pairs = [part.partition(assign) for part in parts]
            return {self.decode(k): self._property(self.decode(k), v) for k, _, v in pairs}
        if len(parts) % 2:
            return self.decode(text)
        keys = [self.decode(key) for key in parts[::2]]
        return {key: self._property(key, value) for key, value in zip(keys, parts[1::2], strict=True)}

    def _spread(self, given: Mapping[str, list[str]]) -> dict[str, Any]:
        """Read an object whose properties are parameters of their own (``form`` with explode, and ``deepObject``)."""
        shape = self.types.shape(self.parameter.schema)
        fields = self.types.fields(shape) if isinstance(shape, Schema) else {}
        deep = self.parameter.style == "deepObject"
        made: dict[str, Any] = {}
        for name, texts in given.items():
            if deep:
                path = _deep_path(self.parameter.name, name)
                if path:
                    _put(made, path, self._values(fields.get(path[0], True) if len(path) == 1 else True, texts))
            elif name in fields:
                made[name] = self._values(fields[name], texts)
        return made

    def _values(self, schema: Schema | bool, texts: list[str]) -> Any:
        if "array" in kinds_of(self.types, schema):
            shape = self.types.shape(schema)
            items = shape.items if isinstance(shape, Schema) and shape.items is not None else True
            return [self._item(items, text) for text in texts]
        values = [_scalar_reader(kinds_of(self.types, schema))(self.decode(text)) for text in texts]
        return values[0] if len(values) == 1 else values

    def _property(self, name: str, text: str) -> Any:
        shape = self.types.shape(self.parameter.schema)
        fields = self.types.fields(shape) if isinstance(shape, Schema) else {}
        extra = shape.additional_properties if isinstance(shape, Schema) else True
        schema = fields.get(name, extra if extra is not None else True)
        return _scalar_reader(kinds_of(self.types, schema))(self.decode(text))

    # The other direction, for clients and response headers.

    def write(self, value: Any) -> list[tuple[str, str]]:
        """Check a value and write it as (name, text) pairs, percent-encoded where ``encoded`` is set.

        Raises:
            Invalid: the value breaks the schema.
        """
        plain = self.codec.dump(self.codec.load(value))
        parameter, name = self.parameter, self.encode(self.parameter.name)
        if parameter.content_type is not None:
            text = self.codec.encode(value).decode() if is_json(parameter.content_type) else str(plain)
            return [(name, self.encode(text))]
        if parameter.style == "deepObject" and isinstance(plain, dict):
            return [(f"{name}[{self.encode(k)}]", t) for k, v in plain.items() for t in self._texts(v)]
        if self.exploded and isinstance(plain, dict) and parameter.style == "form":
            return [(self.encode(k), t) for k, v in plain.items() for t in self._texts(v)]
        if self.exploded and parameter.style not in ("simple", "label", "matrix"):
            return [(name, text) for text in self._texts(plain)]
        return [(name, self._joined(plain, name))]

    def _texts(self, value: Any) -> list[str]:
        return [self.encode(text) for text in _texts(value)]

    def _joined(self, plain: Any, name: str) -> str:
        style = self.parameter.style
        pairs = isinstance(plain, dict)
        if pairs and self.exploded:
            parts = [f"{self.encode(k)}={self.encode(to_text(v))}" for k, v in plain.items()]
        elif pairs:
            parts = [self.encode(text) for k, v in plain.items() for text in (k, to_text(v))]
        else:
            parts = self._texts(plain)
        if style == "label":
            return "." + (".".join(parts) if self.exploded else ",".join(parts))
        if style == "matrix":
            if not self.exploded:
                return f";{name}=" + ",".join(parts)
            return "".join(f";{part}" if pairs else f";{name}={part}" for part in parts)
        delimiter = _JOIN.get(style, ",")
        return (delimiter if delimiter == "," else self.encode(delimiter)).join(parts)


def _same(text: str) -> str:
    return text


def is_json(media_type: str) -> bool:
    """Tell whether a media type is JSON: ``application/json``, or one with the suffix ``+json`` (RFC 6839)."""
    name = media_type.partition(";")[0].strip()
    return name == "application/json" or name.endswith("+json") or name == "text/json"


def _split(style: str, text: str) -> list[str]:
    return _DELIMITERS.get(style, _DELIMITERS["form"]).split(text)


def _deep_path(name: str, key: str) -> list[str]:
    """Return ``[a, b]`` for the key ``name[a][b]``; nothing where it is none."""
    rest = key.removeprefix(name) if key.startswith(f"{name}[") and key.endswith("]") else ""
    if rest.count("][") >= MAX_DEPTH:
        raise too_deep(MAX_DEPTH)
    return rest[1:-1].split("][") if rest else []


def _put(made: dict[str, Any], path: list[str], value: Any) -> None:
    for token in path[:-1]:
        inner = made.setdefault(token, {})
        if not isinstance(inner, dict):
            return
        made = inner
    made[path[-1]] = value


def _texts(value: Any) -> list[str]:
    return [to_text(item) for item in value] if isinstance(value, list) else [to_text(value)]


def to_text(value: Any) -> str:
    """Write a plain value as the text of a parameter."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        import json

        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)


def kinds_of(types: Types, schema: Schema | bool) -> frozenset[str]:
    """Return the JSON types that a schema may mean, its branches and enum included."""
    made: set[str] = set()
    waiting, seen = [schema], set()
    while waiting:
        shape = types.shape(waiting.pop())
        if isinstance(shape, bool) or id(shape) in seen:
            continue
        seen.add(id(shape))
        if shape.type:
            made.update(shape.type)
        elif shape.enum is not None:
            made.update(_kind(value) for value in shape.enum)
        elif shape.properties:
            made.add("object")
        elif shape.items is not None:
            made.add("array")
        waiting += [*shape.any_of, *shape.one_of, *shape.all_of]
    return frozenset(made or {"string"})


def _kind(value: Any) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return kinds.get(type(value), "null")


def _scalar_reader(kinds: frozenset[str]) -> Callable[[str], Any]:
    """Return what turns one text into the value that was meant; a text that fits nothing stays a text."""
    if kinds <= {"string"}:
        return _same
    if kinds == {"integer"}:
        return _integer
    return lambda text: _scalar(kinds, text)


def _integer(text: str) -> Any:
    return int(text) if _INTEGER.fullmatch(text) else text


def _scalar(kinds: frozenset[str], text: str) -> Any:
    if "integer" in kinds and _INTEGER.fullmatch(text):
        return int(text)
    if "number" in kinds and _NUMBER.fullmatch(text):
        number = int(text) if _INTEGER.fullmatch(text) else float(text)
        return text if number in (float("inf"), float("-inf")) else number
    if "boolean" in kinds and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if "boolean" in kinds and text in ("0", "1") and "string" not in kinds:
        return text == "1"
    if "null" in kinds and text in ("", "null") and "string" not in kinds:
        return None
    if kinds & {"object", "array"} and text[:1] in ("{", "["):
        try:
            return decode_any(text)
        except Invalid:
            return text
    return text


def encode_text(text: str) -> str:
    """Percent-encode a text that stands in a URL (RFC 3986, section 2.1).

    Raises:
        Invalid: it has no form in UTF-8.
    """
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise Invalid([("", "type", "a character of it has no form in UTF-8")]) from None
